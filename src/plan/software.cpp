#include "plan/software.hpp"

namespace vkn {

static constexpr uint32_t kTurnsOfDrawing = 11;    // of a quad
static constexpr uint32_t kChunksForCompany = 64;  // of a row that others are worked on with

static uint64_t branchesOf(const OperationSpec& spec) { return spec.placement == VKN_PLACEMENT_PARALLEL ? 2 : 1; }

bool isLavapipe(const DeviceFacts& facts) { return facts.isCpu && facts.vendorId == kVendorMesa; }

bool isSwiftShader(const DeviceFacts& facts) { return facts.isCpu && facts.vendorId == kVendorGoogle; }

static bool isNewerLavapipe(const DeviceFacts& facts) {
    return isLavapipe(facts) && facts.driverRelease >= releaseOf(23, 0);
}

bool isLaneMemoryCheap(const DeviceFacts& facts) { return isNewerLavapipe(facts); }

bool gainsFromParting(const DeviceFacts& facts) { return isNewerLavapipe(facts); }

// In fp32, newer lavapipes were measured to be faster by 1.3 to 1.6 from 512 rows on, though slower by as much with 32 of them; with
// chunks of 8 they gain less, and lose more.
bool gainFromCompany(const DeviceFacts& facts, uint32_t chunk, uint32_t chunks) {
    constexpr uint32_t kFewestChunks = 4;
    return isLaneMemoryCheap(facts) && chunk == 4 && chunks >= kFewestChunks;
}

// Kernels of several rows are twice as long; on SwiftShader they take seconds to compile, so there it is for tables to ask for them.
// How many was measured: what a block reads is mostly each row's own, chunks of 8 are faster two at once than four, by up to 1.26,
// or than one, by up to 1.19, and where pieces are not kept, short rows lose.
uint32_t usualRowsAtOnce(const DeviceFacts& facts, bool isBlock, uint32_t chunk, uint32_t chunks) {
    if (!facts.isCpu || isSwiftShader(facts)) {
        return 1;
    }
    if (isLaneMemoryCheap(facts) && chunk == 8) {
        return 2;
    }
    const bool isShort = !isLaneMemoryCheap(facts) && chunks < kChunksForCompany;
    return isBlock || isShort ? 1 : 4;
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
