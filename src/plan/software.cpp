#include "plan/software.hpp"

namespace vkn {

static constexpr uint32_t kTurnsOfDrawing = 11;  // of a quad

// Chunks of a lane from which on more rows at once are best.
static constexpr uint32_t kManyChunksOfLavapipe = 64;
static constexpr uint32_t kManyChunksOfOthers = 24;

static constexpr uint32_t kNewerLavapipe = releaseOf(25, 0);  // the oldest that was measured of those after 22.3

static uint64_t branchesOf(const OperationSpec& spec) { return spec.placement == VKN_PLACEMENT_PARALLEL ? 2 : 1; }

bool isLavapipe(const DeviceFacts& facts) { return facts.isCpu && facts.vendorId == kVendorMesa; }

bool isSwiftShader(const DeviceFacts& facts) { return facts.isCpu && facts.vendorId == kVendorGoogle; }

// As many as were measured to be best: code of more rows, or of larger chunks, is too long for the caches where rows are short. Two
// rows of one chunk each make the older lavapipe a third slower, and the newer one a fifth faster.
uint32_t usualRowsAtOnce(const DeviceFacts& facts, const KernelChoice& choice, uint32_t chunks) {
    const bool has16Bit = choice.chunk == 8;
    if (!facts.isCpu) {
        return 1;
    }
    if (!choice.readAgain) {
        return isLavapipe(facts) && facts.driverRelease >= kNewerLavapipe && has16Bit && chunks == 1 ? 2 : 1;
    }
    const uint32_t ofShortRows = has16Bit ? 1 : 2;
    if (isLavapipe(facts)) {
        return chunks >= kManyChunksOfLavapipe ? 2 * ofShortRows : ofShortRows;
    }
    return chunks >= kManyChunksOfOthers ? 2 : ofShortRows;
}

// RMSNorm and pre-norm add were measured to be up to 1.15 times as fast with one; LayerNorm, which does more for each group, was not on
// SwiftShader, nor anything on the older lavapipe. Post-norm showed no difference on SwiftShader; others were not measured.
uint32_t usualGroupOfCpu(const DeviceFacts& facts, const OperationSpec& spec) {
    const bool isPlain = spec.placement == VKN_PLACEMENT_NONE || spec.placement == VKN_PLACEMENT_PRE_NORM;
    const bool isCheap = spec.operation == VKN_OPERATION_RMS_NORM && isPlain && !spec.isBackward();
    const bool isOlderLavapipe = isLavapipe(facts) && facts.driverRelease < kNewerLavapipe;
    return isCheap && !isOlderLavapipe ? 1 : 2;
}

// Rows that are written, word by word.
static uint64_t storesOf(const OperationSpec& spec) {
    uint64_t stores = 0;
    for (uint32_t r = 1; r < kRoleCount; ++r) {
        const RoleInfo& role = *findRole(static_cast<VknRole>(r));
        stores += spec.has(role.role) && spec.writes(role) && role.extent == Extent::Rows ? 1U : 0U;
    }
    return stores;
}

// Of all passes over a piece, in which the ends of loops count as well: those that take statistics, in groups of pieces; the one that
// finds by how much a row must be scaled, whose statistics are then taken again; that for the means of the backward; one that
// measures the output; and the output's. Each draws what is dropped.
static uint64_t turnsOfPiece(const OperationSpec& spec) {
    constexpr uint64_t kWordsOfPiece = 4;
    const uint64_t drawing = spec.hasDropout() ? branchesOf(spec) * kTurnsOfDrawing : 0;
    const uint64_t norms = spec.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM ? 2 : 1;
    const uint64_t statistics = (spec.operation == VKN_OPERATION_RMS_NORM ? 2 : 4) + drawing;
    const uint64_t means = spec.isBackward() ? 3 + drawing : 0;
    const uint64_t ofNorms = spec.takesStatistics() ? norms * (2 * statistics + 1 + drawing + means) : 0;
    const uint64_t measuring = spec.measuresOutput() ? 3 + drawing : 0;
    return ofNorms + measuring + 1 + drawing + storesOf(spec) * (kWordsOfPiece + 1);
}

static constexpr uint64_t kSlack = 4;  // pieces, for loops beside those

uint64_t turnsOfRow(const OperationSpec& spec, uint64_t pieces) { return (pieces + kSlack) * turnsOfPiece(spec); }

uint64_t mostPiecesOfLane(const OperationSpec& spec) { return kTurnsOfLavapipe / turnsOfPiece(spec) - kSlack; }

// Two sums of each branch draw: what its bias adds, and what the layer scale is multiplied to.
uint64_t turnsOfSummands(const OperationSpec& spec, uint32_t chunk) {
    const uint64_t drawings = spec.hasDropout() ? 2 * branchesOf(spec) * (chunk / 4) : 0;
    return 1 + drawings * kTurnsOfDrawing;
}

}  // namespace vkn
