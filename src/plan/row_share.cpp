#include "plan/row_share.hpp"

#include "base/integers.hpp"
#include "include/interface.h"
#include "plan/software.hpp"

namespace vkn {

static constexpr uint32_t kManyRegisters = 24;  // elements held
static constexpr uint32_t kMostFrugalChunks = 16;

// On Adreno, angles take as many registers as a residual.
static RegisterNeeds needsOf(const DeviceFacts& facts, const OperationSpec& spec) {
    const bool hasMore = spec.placement != VKN_PLACEMENT_NONE || spec.has(VKN_ROLE_GATE) || spec.isBackward();
    RegisterNeeds needs;
    needs.hasMore = hasMore || (spec.hasRope() && facts.vendorId == kVendorQualcomm);
    needs.hasTwoBranches = spec.placement == VKN_PLACEMENT_PARALLEL;
    needs.hasCentredGradient = spec.isBackward() && spec.operation == VKN_OPERATION_LAYER_NORM;
    return needs;
}

RowShare::RowShare(const DeviceFacts& facts, const OperationSpec& spec, const KernelChoice& choice)
    : facts_(facts), spec_(spec), choice_(choice), budget_(registerBudget(facts, needsOf(facts, spec))) {}

bool RowShare::hasManyRegisters() const { return budget_.heldElements >= kManyRegisters; }

// Of channels that are last, a chunk has those of one pixel. Where halves turn with each other, chunks come in pairs. See
// shaders/include/order.glsl.
uint32_t RowShare::chunks(uint32_t team) const {
    if (team == 0 || choice_.chunk == 0) {
        return 0;
    }
    if (spec_.channelsLast != 0) {
        const uint32_t pixels = spec_.hiddenSize / spec_.channels;
        return divideUp(pixels * divideUp(spec_.channels / spec_.groups, choice_.chunk), team);
    }
    if (!spec_.turnsHalves()) {
        return divideUp(spec_.kernelRowSize(), choice_.chunk * team);
    }
    const uint32_t rest = divideUp(spec_.hiddenSize - spec_.rotarySize, choice_.chunk);
    return 2 * divideUp(divideUp(spec_.rotarySize / 2, choice_.chunk) + divideUp(rest, 2), team);
}

// The backward holds what a norm read and what arrived at it, where those are a tensor each.
bool RowShare::mayHoldGradients() const {
    const bool isPlain = spec_.placement == VKN_PLACEMENT_NONE && !spec_.has(VKN_ROLE_GATE);
    const bool isOneNorm = isPlain || spec_.placement == VKN_PLACEMENT_PRE_NORM;
    return spec_.isBackward() && spec_.takesStatistics() && isOneNorm && !spec_.hasRope() && spec_.channels == 0 &&
           hasManyRegisters();
}

// As it is held: what the forward makes of it in fp32, or words of two tensors.
uint32_t RowShare::registersOfChunk() const {
    if (!mayHoldGradients()) {
        return choice_.chunk;
    }
    const bool isBlock = spec_.placement != VKN_PLACEMENT_NONE;
    const uint32_t bytes = elementSize(spec_.type(isBlock ? VKN_ROLE_RESIDUAL_OUTPUT : VKN_ROLE_INPUT)) +
                           elementSize(spec_.type(spec_.standIn(VKN_ROLE_OUTPUT_GRADIENT)));
    return choice_.chunk * bytes / 4;
}

bool RowShare::convertsWholeChunks() const { return !choice_.isFrugal && (budget_.canHold16Bit || choice_.chunk == 4); }

uint32_t RowShare::mostHeldChunks() const {
    if (choice_.isFrugal) {  // a loop: so many are added up without the error of each sum, which takes registers
        return kMostFrugalChunks;
    }
    return convertsWholeChunks() ? smaller(VKN_MAX_GROUP, budget_.heldElements / registersOfChunk()) : VKN_MAX_GROUP;
}

// A row is held from its statistics to its output. A lane that quantises whole blocks has others then.
bool RowShare::isWorthHolding() const {
    if (spec_.isBackward()) {
        return mayHoldGradients();
    }
    const bool isPerBlock = spec_.quantization == VKN_QUANTIZATION_PER_BLOCK && spec_.measuresOutput();
    const bool canHold = budget_.holds16Bit || choice_.chunk == 4;
    return (spec_.takesStatistics() || spec_.measuresOutput()) && !isPerBlock && canHold;
}

uint64_t RowShare::turns(uint32_t team) const {
    return turnsOfRow(spec_, uint64_t{chunks(team)} * (choice_.chunk / budget_.unalignedPiece));
}

bool RowShare::hasTurnsFor(uint32_t team) const { return !isLavapipe(facts_) || turns(team) <= kTurnsOfLavapipe; }

}  // namespace vkn
