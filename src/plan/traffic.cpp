#include "plan/traffic.hpp"

#include "base/integers.hpp"

#include <initializer_list>

namespace vkn {

namespace {

// How often an operand is read: in passes over the whole row, and in the first group of it alone.
struct Reads {
    uint32_t ofRow = 0;
    uint32_t ofFirstGroup = 0;
};

// The passes of a stage's statistics. Moments are about a centre: of a row that is held, or of a frugal kernel, its mean, which
// takes a pass of its own; otherwise a lane's own, found in its first group.
Reads readsOfStatistics(const OperationSpec& spec, const KernelChoice& choice, bool aligned) {
    const bool isCentred = spec.operation != VKN_OPERATION_RMS_NORM;
    const bool holdsFirstGroup = aligned && choice.rowsAtOnce == 1;
    if (holdsFirstGroup || !isCentred) {
        return {1, 0};
    }
    return choice.readAgain && !choice.isFrugal ? Reads{1, 1} : Reads{2, 0};
}

uint32_t passesOfOutput(const OperationSpec& spec) { return spec.measuresOutput() ? 2 : 1; }

// Of an operand that each pass reads, but for the gate of what a norm has made, and a residual that comes behind one.
Reads readsOf(const OperationSpec& spec, const KernelChoice& choice, VknRole role, bool aligned) {
    if (spec.isTraining()) {  // for the statistics of the batch, and for the output
        return {2, 0};
    }
    if (aligned && !choice.readAgain && choice.rowsAtOnce == 1) {
        return {1, 0};
    }
    const uint32_t norms = spec.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM ? 2 : 1;
    const bool missesAll = role == VKN_ROLE_GATE && spec.normFirst != 0;
    const bool missesFirst = role == VKN_ROLE_RESIDUAL && spec.hasNormOnBranch();
    const uint32_t stages = spec.takesStatistics() && !missesAll ? norms - (missesFirst ? 1 : 0) : 0;
    const Reads perStage = readsOfStatistics(spec, choice, aligned);
    const bool isReplaced = aligned && choice.storesFirst && !missesAll;
    return {stages * perStage.ofRow + (isReplaced ? 0 : passesOfOutput(spec)), stages * perStage.ofFirstGroup};
}

// Elements that the first `chunks` chunks of runs of `run` elements have, where each run starts with a chunk of its own.
uint64_t elementsOfChunks(uint64_t chunks, uint64_t chunk, uint64_t run) {
    const uint64_t perRun = larger(divideUp(run, chunk), 1);
    return chunks / perRun * run + smaller(chunks % perRun * chunk, run);
}

}  // namespace

// In the order of shaders/include/order.glsl.
uint64_t elementsOfFirstGroup(const OperationSpec& spec, const KernelChoice& choice) {
    const uint64_t chunks = uint64_t{choice.group} * choice.teamSize();
    const uint64_t row = spec.kernelRowSize();
    if (spec.channelsLast != 0) {
        return spec.groups * smaller(elementsOfChunks(chunks, choice.chunk, spec.channels / spec.groups), row);
    }
    if (!spec.turnsHalves()) {
        return spec.groups * smaller(chunks * choice.chunk, row);
    }
    const uint64_t half = spec.rotarySize / 2;
    const uint64_t pairs = chunks / 2;
    const uint64_t pairsThatTurn = smaller(pairs, divideUp(half, choice.chunk));
    const uint64_t rest = smaller(2 * (pairs - pairsThatTurn) * choice.chunk, row - spec.rotarySize);
    return 2 * smaller(pairsThatTurn * choice.chunk, half) + rest;
}

Traffic trafficOf(const OperationSpec& spec, const KernelChoice& choice, bool aligned) {
    if (spec.isBackward()) {
        return gradientTraffic(spec, choice, aligned);
    }
    Traffic traffic;
    traffic.inputReads = readsOf(spec, choice, VKN_ROLE_INPUT, aligned).ofRow;
    traffic.bytesPerRow = leastBytesPerRow(spec);
    for (const VknRole role : {VKN_ROLE_INPUT, VKN_ROLE_INPUT_2, VKN_ROLE_RESIDUAL, VKN_ROLE_GATE}) {
        const VknRole standIn = spec.standIn(role);
        if (spec.has(standIn)) {
            const Reads reads = readsOf(spec, choice, role, aligned);
            const uint64_t again = uint64_t{reads.ofRow - 1} * spec.hiddenSize;
            const uint64_t ofFirstGroup = reads.ofFirstGroup * elementsOfFirstGroup(spec, choice);
            traffic.bytesPerRow += (again + ofFirstGroup) * elementSize(spec.type(standIn));
        }
    }
    if (aligned && choice.storesFirst) {
        // Read by what comes behind the statistics. What is stored in the output's place is written over.
        const uint64_t moreWrites = spec.has(VKN_ROLE_RESIDUAL_OUTPUT) ? 0 : 1;
        traffic.bytesPerRow += (passesOfOutput(spec) + moreWrites) * spec.hiddenSize * elementSize(VKN_TYPE_F32);
    }
    return traffic;
}

}  // namespace vkn
