#include "runtime/timestamps.hpp"

#include <cmath>

namespace vknorm::detail {

bool areTimestampsUsable(uint32_t validBits, float periodNanoseconds) {
    // Real counters tick between 0.01 ns and 1 µs.
    return validBits > 0 && validBits <= 64 && std::isfinite(periodNanoseconds) && periodNanoseconds >= 1e-3F &&
           periodNanoseconds <= 1e6F;
}

double timestampSeconds(uint64_t begin, uint64_t end, uint32_t validBits, float periodNanoseconds) {
    const uint64_t mask = validBits >= 64 ? ~uint64_t{0} : (uint64_t{1} << validBits) - 1;
    return static_cast<double>((end - begin) & mask) * static_cast<double>(periodNanoseconds) * 1e-9;
}

bool isPlausible(double gpuSeconds, double hostSeconds) {
    return gpuSeconds > 0.0 && gpuSeconds <= hostSeconds * 1.05 + 1e-5;
}

}  // namespace vknorm::detail
