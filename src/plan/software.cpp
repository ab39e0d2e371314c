#include "plan/software.hpp"

namespace vkn {

static constexpr uint32_t kTurnsOfDrawing = 11;    // of a quad
static constexpr uint32_t kChunksForCompany = 64;  // of a row that others are worked on with

static uint64_t branchesOf(const OperationSpec& spec) { return spec.placement == VKN_PLACEMENT_PARALLEL ? 2 : 1; }

bool isLavapipe(const DeviceFacts& facts) { return facts.isCpu && facts.vendorId == kVendorMesa; }

bool isSwiftShader(const DeviceFacts& facts) { return facts.isCpu && facts.vendorId == kVendorGoogle; }

bool isLaneMemoryCheap(const DeviceFacts& facts) {
    return isLavapipe(facts) && facts.driverRelease >= releaseOf(23, 0);
}

// Rows that registers hold gain little from company, and their kernels would be twice as long; on SwiftShader they take seconds to
// compile, so there it is for tables to ask for them. How many was measured: what a block reads is mostly each row's own, and where
// pieces are not kept, short rows lose.
uint32_t usualRowsAtOnce(const DeviceFacts& facts, bool isBlock, uint32_t chunks) {
    if (!facts.isCpu || isSwiftShader(facts)) {
        return 1;
    }
    if (isLaneMemoryCheap(facts)) {
        return isBlock ? 2 : 4;
    }
    return isBlock || chunks < kChunksForCompany ? 1 : 4;
}

uint64_t turnsOfRow(const OperationSpec& spec, uint64_t pieces, uint32_t passes) {
    return (pieces + 4) * passes * (spec.hasDropout() ? branchesOf(spec) * kTurnsOfDrawing : 1);
}

// Two sums of each branch draw: what its bias adds, and what the layer scale is multiplied to.
uint64_t turnsOfSummands(const OperationSpec& spec, uint32_t chunk) {
    const uint64_t drawings = spec.hasDropout() ? 2 * branchesOf(spec) * (chunk / 4) : 0;
    return 1 + drawings * kTurnsOfDrawing;
}

}  // namespace vkn
