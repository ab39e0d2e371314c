#include "plan/grid.hpp"

#include "base/integers.hpp"

namespace vkn {

Grid gridOf(const KernelChoice& choice, uint64_t wanted, uint32_t most) {
    const uint64_t width = smaller(wanted, most);
    const uint64_t layers = choice.hasOneTurn && width != 0 ? divideUp(wanted, width) : 1;
    return {static_cast<uint32_t>(width), static_cast<uint32_t>(layers)};
}

// So many workgroups, or as many as are needed.
static uint32_t atLeast(uint32_t workgroups, uint64_t needed) {
    constexpr uint64_t kMostOfADimension = 65535;  // that every device has
    const uint64_t possible = needed < kMostOfADimension ? needed : kMostOfADimension;
    return possible > workgroups ? static_cast<uint32_t>(possible) : workgroups;
}

uint32_t KernelChoice::mostWorkgroups(uint64_t rows) const {
    return mostRowsPerTeam == 0 ? maxWorkgroups
                                : atLeast(maxWorkgroups, rows / (uint64_t{rowsPerWorkgroup()} * mostRowsPerTeam) + 1);
}

uint64_t KernelChoice::wantedWorkgroups(uint64_t rows, bool areAligned) const {
    constexpr uint64_t kFewestForCompany = 8;  // fewer leave threads without work, which costs more than company gains
    const uint64_t forCompany = rows / (uint64_t{rowsAtOnce} * rowsPerWorkgroup());
    const bool hasTurns = mostRowsPerTeam == 0 || mostRowsPerTeam >= rowsAtOnce;
    const bool isCompany = rowsAtOnce > 1 && areAligned && hasTurns && forCompany >= kFewestForCompany;
    return isCompany ? forCompany : divideUp(rows, rowsPerWorkgroup());
}

uint32_t KernelChoice::mostWorkgroupsOfSums(uint64_t workgroups, uint64_t rows) const {
    if (mostRowsPerLane == 0) {
        return maxWorkgroups;
    }
    const uint64_t piecesOfLane = mostRowsPerLane / rows;
    return atLeast(maxWorkgroups, piecesOfLane != 0 ? workgroups / piecesOfLane + 1 : workgroups);
}

}  // namespace vkn
