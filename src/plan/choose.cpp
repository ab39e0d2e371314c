#include "plan/choose.hpp"

#include "base/error.hpp"
#include "base/integers.hpp"
#include "include/interface.h"
#include "plan/forms.hpp"
#include "plan/row_share.hpp"
#include "plan/software.hpp"

#include <bit>
#include <cstdio>
#include <initializer_list>

namespace vkn {

namespace {

constexpr uint32_t kMaxChunksBeforeWidening = 4;  // chunks a lane holds before more lanes share the row
constexpr uint32_t kGroupWhenReadAgain = 4;       // chunks in flight where the row does not fit in registers
constexpr uint32_t kManyChunks = 24;              // of a lane of SwiftShader, where more workgroups are best
constexpr uint32_t kUsualLargestTeam = 256;
constexpr uint32_t kIntelBlockSubgroupSize =
    8;  // a residual block needs more than a sixteenth of a thread's registers a lane

uint32_t atLeastOne(uint32_t x) { return x != 0 ? x : 1; }

uint32_t largestPowerOfTwo(uint32_t limit) {
    uint32_t result = 1;
    while (result <= limit / 2) {
        result *= 2;
    }
    return result;
}

bool isAllFloat32(const OperationSpec& spec) {
    for (uint32_t role = 1; role < kRoleCount; ++role) {
        const auto r = static_cast<VknRole>(role);
        if (spec.has(r) && elementSize(spec.type(r)) != elementSize(VKN_TYPE_F32)) {
            return false;
        }
    }
    return true;
}

}  // namespace

uint32_t chunkSize(const OperationSpec& spec) { return isAllFloat32(spec) ? 4 : 8; }

namespace {

// The choice in the making: facts and operation at hand for each step.
class Chooser {
public:
    Chooser(const DeviceFacts& facts, const OperationSpec& spec, KernelChoice& choice, VknError* error,
            const char* source)
        : facts_(facts),
          spec_(spec),
          choice_(choice),
          share_(facts, spec, choice),
          budget_(share_.budget()),
          error_(error),
          source_(source) {}

    VknResult run() {
        choice_ = KernelChoice();
        choice_.chunk = chunkSize(spec_);
        VknResult result = chooseSubgroup();
        if (result == VKN_SUCCESS) {
            result = chooseForm();
        }
        if (result == VKN_SUCCESS) {
            chooseFrugality();
            result = chooseWorkgroup();
        }
        if (result == VKN_SUCCESS) {
            result = checkTurns();
        }
        if (result == VKN_SUCCESS) {
            chooseGroup();
            chooseAccess();
            result = chooseRowsAtOnce();
        }
        if (result == VKN_SUCCESS) {
            choice_.holdsWeights = mayHoldWeights();
            choice_.storesFirst = mayStoreFirst();
            shrinkWorkgroup();
            chooseGrid();
            explain();
        }
        return result;
    }

private:
    const DeviceFacts& facts_;
    const OperationSpec& spec_;
    KernelChoice& choice_;
    const RowShare share_;
    const RegisterBudget& budget_;
    VknError* error_;
    const char* source_;
    uint32_t forms_ = 0;

    bool mayUse(VknKernelForm form) const { return (forms_ & formBit(form)) != 0; }

    // 0: as for any operation.
    uint32_t sizeForBlock() const {
        const bool isBlock = spec_.placement != VKN_PLACEMENT_NONE || (spec_.isBackward() && spec_.has(VKN_ROLE_GATE));
        const bool canBeSmall = facts_.canRequireSubgroupSize && facts_.minSubgroupSize <= kIntelBlockSubgroupSize;
        return isBlock && facts_.vendorId == kVendorIntel && canBeSmall ? kIntelBlockSubgroupSize : 0;
    }

    VknResult chooseSubgroup() {
        forms_ = usableForms(facts_);
        choice_.subgroupSize =
            chooseSubgroupSize(facts_, spec_.subgroupSize != 0 ? spec_.subgroupSize : sizeForBlock());
        const uint32_t size = choice_.subgroupSize;
        if (spec_.subgroupSize != 0 && !permitsSubgroupSize(facts_, spec_.subgroupSize)) {
            return fail(error_, VKN_ERROR_UNSUPPORTED, "subgroupSize", spec_.subgroupSize, facts_.maxSubgroupSize,
                        "this device cannot be required to use this subgroup size");
        }
        choice_.requireSubgroupSize = requiresSubgroupSize(facts_, size);
        choice_.requireFullSubgroups = requiresFullSubgroups(facts_, size);
        return VKN_SUCCESS;
    }

    uint32_t lanesOfSubgroup() const { return choice_.subgroupSize == 0 ? 1 : choice_.subgroupSize; }

    // CPUs run a workgroup's subgroups one after the other, so barriers only cost.
    bool isRowForSubgroup() const {
        if (!share_.hasTurnsFor(lanesOfSubgroup())) {
            return false;
        }
        return facts_.isCpu || share_.chunks(lanesOfSubgroup()) <= fewChunks();
    }

    uint32_t fewChunks() const { return smaller(kMaxChunksBeforeWidening, share_.mostHeldChunks()); }

    VknResult chooseForm() {
        if (spec_.form != VKN_KERNEL_FORM_AUTO) {
            choice_.form = static_cast<VknKernelForm>(spec_.form);
            if (!mayUse(choice_.form)) {
                return fail(error_, VKN_ERROR_UNSUPPORTED, "form", spec_.form, forms_,
                            "this kernel form cannot be used on this device, or is forbidden");
            }
        } else if (mayUse(VKN_KERNEL_FORM_SUBGROUP) && isRowForSubgroup()) {
            choice_.form = VKN_KERNEL_FORM_SUBGROUP;
        } else if (mayUse(VKN_KERNEL_FORM_SUBGROUP_SHARED)) {
            choice_.form = VKN_KERNEL_FORM_SUBGROUP_SHARED;
        } else if (mayUse(VKN_KERNEL_FORM_SHARED)) {
            choice_.form = VKN_KERNEL_FORM_SHARED;
        } else if (mayUse(VKN_KERNEL_FORM_SUBGROUP)) {
            choice_.form = VKN_KERNEL_FORM_SUBGROUP;
        } else {
            return fail(error_, VKN_ERROR_SELF_TEST_FAILED, "", 0, 0,
                        "every kernel form is forbidden on this device, by its self-test or by the host");
        }
        if (choice_.form == VKN_KERNEL_FORM_SHARED) {
            choice_.subgroupSize = 0;
            choice_.requireSubgroupSize = false;
            choice_.requireFullSubgroups = false;
        }
        return VKN_SUCCESS;
    }

    // More than a stream, a branch and a norm of either.
    bool hasManyParts() const {
        bool isAny = spec_.placement == VKN_PLACEMENT_PARALLEL || spec_.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM;
        for (const VknRole role : {VKN_ROLE_BRANCH_BIAS, VKN_ROLE_LAYER_SCALE, VKN_ROLE_ROW_SCALE}) {
            isAny = isAny || spec_.has(role);
        }
        return spec_.placement != VKN_PLACEMENT_NONE && (isAny || spec_.hasDropout());
    }

    // The backward has a few more numbers alive in the loop over rows than the forward of the same.
    bool mustBeFrugal() const {
        if (!spec_.isBackward()) {
            return budget_.mustBeFrugal && hasManyParts();
        }
        const bool hasFew = budget_.heldElements <= 8;
        const bool hasMuch = spec_.placement != VKN_PLACEMENT_NONE || spec_.has(VKN_ROLE_GATE) || choice_.chunk == 8;
        return hasFew && hasMuch && spec_.takesStatistics();
    }

    void chooseFrugality() {
        choice_.isFrugal = choice_.form == VKN_KERNEL_FORM_SHARED && mustBeFrugal();
        const uint32_t branches = spec_.placement == VKN_PLACEMENT_PARALLEL ? 2 : 1;
        const uint32_t drawnBits = VKN_DRAWN_WORDS / branches * 32;
        const bool mayDrawFirst = choice_.isFrugal && budget_.mayDrawFirst;
        choice_.drawsFirst = mayDrawFirst && spec_.hasDropout() && spec_.hiddenSize <= drawnBits;
    }

    VknResult checkForcedWorkgroup(uint32_t limit) const {
        const uint32_t size = spec_.workgroupSize;
        if (size > limit) {
            return fail(error_, VKN_ERROR_UNSUPPORTED, "workgroupSize", size, limit,
                        "this device and form permit at most %u invocations", limit);
        }
        if (choice_.form == VKN_KERNEL_FORM_SHARED ? !std::has_single_bit(size) : size % lanesOfSubgroup() != 0) {
            return fail(error_, VKN_ERROR_INVALID_ARGUMENT, "workgroupSize", size, choice_.subgroupSize,
                        choice_.form == VKN_KERNEL_FORM_SHARED ? "must be a power of two"
                                                               : "must be a multiple of the subgroup size");
        }
        return VKN_SUCCESS;
    }

    VknResult chooseWorkgroup() {
        const uint32_t limit = largestWorkgroup(facts_, choice_.form, choice_.subgroupSize);
        if (spec_.workgroupSize != 0) {
            choice_.workgroupSize = spec_.workgroupSize;
            return checkForcedWorkgroup(limit);
        }
        if (choice_.form != VKN_KERNEL_FORM_SHARED && limit < choice_.subgroupSize) {
            return fail(error_, VKN_ERROR_UNSUPPORTED, "subgroupSize", choice_.subgroupSize, limit,
                        "this device permits workgroups of at most %u invocations", limit);
        }
        choice_.workgroupSize =
            choice_.form == VKN_KERNEL_FORM_SUBGROUP ? workgroupOfSubgroups(limit) : workgroupOfTeam(limit);
        return VKN_SUCCESS;
    }

    // SwiftShader spends more on a workgroup than on such a row. Norms alone of 16 bits were measured with up to four times as many
    // elements: 32 such rows are 1.1 to 1.3 times as fast with four subgroups as with two, 512 are 0.9 to 1 times.
    bool isShortForSwiftShader() const {
        constexpr uint32_t kFewElements = 16;
        const bool isNormOf16Bits = choice_.chunk == 8 && spec_.placement == VKN_PLACEMENT_NONE && !spec_.isBackward();
        const uint32_t few = isNormOf16Bits ? 4 * kFewElements : kFewElements;
        return isSwiftShader(facts_) && share_.chunks(lanesOfSubgroup()) * choice_.chunk <= few;
    }

    // Several independent subgroups: enough to fill a core, few enough to be scheduled anywhere. SwiftShader was measured to be
    // slower by 1.1 to 1.5 with more than two. Of short rows four are a compromise: few rows like more, some hundred like two.
    uint32_t workgroupOfSubgroups(uint32_t limit) const {
        const uint32_t usual = facts_.isCpu || facts_.vendorId == kVendorArm ? 64 : 128;
        const uint32_t ofSwiftShader = (isShortForSwiftShader() ? 4 : 2) * lanesOfSubgroup();
        const uint32_t wanted = isSwiftShader(facts_) ? ofSwiftShader : usual;
        const uint32_t size = lanesOfSubgroup();
        const uint32_t fitting = smaller(wanted, limit) / size * size;
        return fitting == 0 ? size : fitting;
    }

    // The fewest lanes with few chunks each; a very wide row gets more lanes before it is read again.
    uint32_t workgroupOfTeam(uint32_t limit) const {
        const uint32_t permitted = choice_.form == VKN_KERNEL_FORM_SHARED ? largestPowerOfTwo(limit) : limit;
        const uint32_t largest = atLeastOne(smaller(permitted, budget_.largestTeam));
        uint32_t size = choice_.form == VKN_KERNEL_FORM_SHARED ? smaller(32, largest) : lanesOfSubgroup();
        while (size * 2 <= smaller(largest, kUsualLargestTeam) && share_.chunks(size) > fewChunks()) {
            size *= 2;
        }
        while (!facts_.isCpu && size * 2 <= largest && share_.chunks(size) > share_.mostHeldChunks()) {
            size *= 2;
        }
        while (size * 2 <= largest && !share_.hasTurnsFor(size)) {
            size *= 2;
        }
        return size;
    }

    // Of a kernel that the host asks for it must know.
    VknResult checkTurns() const {
        const bool isForced = spec_.form != VKN_KERNEL_FORM_AUTO || spec_.workgroupSize != 0;
        if (isForced || share_.hasTurnsFor(choice_.teamSize())) {
            return VKN_SUCCESS;
        }
        const uint64_t most = mostPiecesOfLane(spec_) * choice_.teamSize() * budget_.unalignedPiece;
        return fail(error_, VKN_ERROR_UNSUPPORTED, "hiddenSize", spec_.hiddenSize, most,
                    "this driver ends a loop after %u turns, which is not enough for %u lanes to go over such a row",
                    kTurnsOfLavapipe, choice_.teamSize());
    }

    void chooseGroup() {
        const uint32_t held = share_.chunks(choice_.teamSize());
        choice_.readAgain = spec_.readTwice != 0 || held > share_.mostHeldChunks() || !share_.isWorthHolding();
        choice_.group = atLeastOne(choice_.readAgain ? groupOfMany(held) : held);
        if (spec_.turnsHalves() && choice_.group % 2 != 0) {
            ++choice_.group;
        }
        choice_.hasWholeGroups = hasWholeChunks() && held % choice_.group == 0;
    }

    // Whether every lane has the same number of chunks, all whole; with halves that turn, of either half. Where no branch separates
    // loads, they are all in flight, which takes registers.
    bool hasWholeChunks() const {
        const uint64_t row = spec_.kernelRowSize();
        const bool doAllTurn = spec_.turnsHalves() && spec_.rotarySize == row;
        const uint64_t run = doAllTurn ? row / 2 : row;
        const bool isInOrder = (doAllTurn || !spec_.turnsHalves()) && spec_.channelsLast == 0;
        return isInOrder && share_.hasManyRegisters() && run % (choice_.chunk * choice_.teamSize()) == 0;
    }

    // Of a row that is read again: groups that leave none over, if there are such.
    uint32_t groupOfMany(uint32_t held) const {
        const uint32_t usual = facts_.isCpu ? usualGroupOfCpu(facts_, spec_) : kGroupWhenReadAgain;
        const uint32_t most = smaller(usual, share_.mostHeldChunks());
        for (uint32_t group = most; hasWholeChunks() && group != 0 && 2 * group >= most; --group) {
            if (held % group == 0) {
                return group;
            }
        }
        return most;
    }

    // A lane of the kernel of columns keeps six numbers for each column of a chunk, beside four rows of it.
    bool hasRoomForColumns() const {
        return choice_.chunk == 4 ? budget_.unalignedPiece == 4
                                  : registerBudget(facts_, {true}).heldElements > choice_.chunk;
    }

    // V3D has registers for a chunk of a stream and of a branch, or for what is added up of more than one.
    bool hasRoomToReadAgain() const {
        const bool isBlock = spec_.placement != VKN_PLACEMENT_NONE;
        return !budget_.mustBeFrugal || !isBlock || !choice_.readAgain || !spec_.takesStatistics();
    }

    // An aligned kernel holds whole chunks; the other reads a piece at a time, anew in each pass.
    void chooseAccess() {
        choice_.unalignedPiece = budget_.unalignedPiece;
        const bool areHalvesWhole = !spec_.turnsHalves() || spec_.rotarySize / 2 % choice_.chunk == 0;
        const uint32_t run = spec_.channelsLast != 0 ? spec_.channels / spec_.groups : spec_.kernelRowSize();
        const bool fitsPair = !spec_.turnsHalves() || share_.mostHeldChunks() >= 2;
        choice_.hasAlignedKernel = share_.convertsWholeChunks() && hasRoomToReadAgain() && fitsPair &&
                                   run % choice_.chunk == 0 && areHalvesWhole;
        choice_.hasAlignedColumns = choice_.hasAlignedKernel && hasRoomForColumns();
        if (spec_.isBackward()) {
            chooseSums();
        }
    }

    // The backward's kernel of columns keeps two numbers for each column of each sum, beside all that a row's gradient is made of: V3D
    // has registers for one such sum of a block.
    void chooseSums() {
        const bool isBlock = spec_.placement != VKN_PLACEMENT_NONE;
        const bool hasMany = share_.hasManyRegisters();
        const uint32_t manySums = choice_.chunk == 4 ? VKN_SUM_COUNT : VKN_SUM_COUNT / 2;
        const uint32_t fewSums = budget_.mustBeFrugal && isBlock ? 1 : 2;
        choice_.sumsPerPass = hasMany ? manySums : fewSums;
        choice_.columnPiece = hasMany || !isBlock ? choice_.unalignedPiece : 2;
        choice_.hasAlignedColumns = choice_.hasAlignedColumns && (hasMany || (!isBlock && choice_.chunk == 4));
        const bool hasRoomForHalves = choice_.chunk == 4 || budget_.heldElements > choice_.chunk;
        const bool hasFew = budget_.heldElements <= choice_.chunk;
        if (choice_.isFrugal || (hasFew && (isBlock || spec_.has(VKN_ROLE_GATE)))) {
            choice_.unalignedPiece = 2;
        }
        const bool hasRoomForBlock = !isBlock || !budget_.mustBeFrugal;
        choice_.hasAlignedKernel = choice_.hasAlignedKernel && hasRoomForHalves && hasRoomForBlock;
    }

    bool doRowsShareWeights() const {
        return spec_.kernelParameterRows() == 1 && spec_.channels == 0 && spec_.queryRows == 0;
    }

    // On a CPU, beside a row in registers: see shaders/include/held_weights.glsl.
    bool mayHoldWeights() const {
        const bool hasWeights = spec_.has(VKN_ROLE_GAMMA) || spec_.has(VKN_ROLE_BETA);
        const bool hasOneStage = spec_.placement != VKN_PLACEMENT_SANDWICH_PRE_NORM;
        return facts_.isCpu && !spec_.isBackward() && hasWeights && hasOneStage && doRowsShareWeights() &&
               !choice_.readAgain && choice_.hasAlignedKernel && choice_.form == VKN_KERNEL_FORM_SUBGROUP;
    }

    // Whether rows have nothing to themselves but a tensor's elements and statistics: see shaders/include/rows_at_once.glsl.
    bool mayTakeRowsAtOnce() const {
        const bool isOneNorm = spec_.placement == VKN_PLACEMENT_NONE || spec_.placement == VKN_PLACEMENT_PRE_NORM ||
                               spec_.placement == VKN_PLACEMENT_POST_NORM;
        const bool isPlain = !spec_.has(VKN_ROLE_GATE) && !spec_.hasRope() && !spec_.measuresOutput();
        return !spec_.isBackward() && spec_.takesStatistics() && isOneNorm && doRowsShareWeights() && isPlain &&
               choice_.hasAlignedKernel && choice_.form == VKN_KERNEL_FORM_SUBGROUP;
    }

    // What fp32 elements are stored in has all their bits, so where a row is read again, that is read instead of all that they are
    // made of.
    bool mayStoreFirst() const {
        const bool isReadAgain = choice_.readAgain && spec_.takesStatistics() && !spec_.isBackward();
        return isReadAgain && !choice_.isFrugal && (mayStoreStreamFirst() || mayStoreBranchFirst());
    }

    bool mayStoreStreamFirst() const {
        const bool isOfStream = spec_.placement == VKN_PLACEMENT_PRE_NORM ||
                                spec_.placement == VKN_PLACEMENT_PARALLEL ||
                                spec_.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM;
        return isOfStream && spec_.type(VKN_ROLE_RESIDUAL_OUTPUT) == VKN_TYPE_F32;
    }

    // On a CPU a gate's activation costs more than to store what it made where the output comes.
    bool mayStoreBranchFirst() const {
        const bool isGated = spec_.placement == VKN_PLACEMENT_NONE && spec_.has(VKN_ROLE_GATE) && spec_.normFirst == 0;
        const bool isInOrder = !spec_.hasRope() && spec_.channels == 0 && spec_.queryRows == 0;
        return facts_.isCpu && isGated && isInOrder && spec_.type(VKN_ROLE_OUTPUT) == VKN_TYPE_F32;
    }

    VknResult checkForcedRowsAtOnce() const {
        const uint32_t rows = spec_.rowsAtOnce;
        if (rows > VKN_MAX_ROWS_AT_ONCE || !std::has_single_bit(rows)) {
            return fail(error_, VKN_ERROR_INVALID_ARGUMENT, "rowsAtOnce", rows, VKN_MAX_ROWS_AT_ONCE,
                        "must be 1, 2 or 4");
        }
        if (rows > 1 && !mayTakeRowsAtOnce()) {
            return fail(error_, VKN_ERROR_UNSUPPORTED, "rowsAtOnce", rows, 1,
                        "this operation or form takes one row at a time");
        }
        return VKN_SUCCESS;
    }

    uint32_t rowsAtOnce() const {
        if (spec_.rowsAtOnce != 0) {
            return spec_.rowsAtOnce;
        }
        // What a block reads is mostly each row's own, so rows at once gain little where it reads all of that twice.
        const bool isWorthwhile = spec_.placement == VKN_PLACEMENT_NONE || mayStoreFirst();
        const uint32_t ofLane = share_.chunks(choice_.teamSize());
        return isWorthwhile && mayTakeRowsAtOnce() ? usualRowsAtOnce(facts_, choice_, ofLane) : 1;
    }

    VknResult chooseRowsAtOnce() {
        const VknResult result = spec_.rowsAtOnce != 0 ? checkForcedRowsAtOnce() : VKN_SUCCESS;
        if (result != VKN_SUCCESS) {
            return result;
        }
        choice_.rowsAtOnce = rowsAtOnce();
        return VKN_SUCCESS;
    }

    // Where a subgroup takes several rows, or first has to read the weights, fewer subgroups: few rows are to be enough for them. With
    // as many weights as may be held, lavapipe 25 was measured to be 1.2 to 1.4 times as fast with one as with two.
    void shrinkWorkgroup() {
        if (spec_.workgroupSize != 0) {
            return;
        }
        if (choice_.rowsAtOnce > 1) {
            choice_.workgroupSize = lanesOfSubgroup();
        } else if (choice_.holdsWeights && !isShortForSwiftShader()) {
            const uint32_t subgroups = choice_.group < VKN_MAX_GROUP ? 2 : 1;
            choice_.workgroupSize = smaller(choice_.workgroupSize, subgroups * lanesOfSubgroup());
        }
    }

    // On a CPU a few workgroups that loop over rows cost far less than one for each row; but SwiftShader was measured to be mostly
    // faster with more where a row takes long (0.94 to 1.25 times as fast, the backward 1.03 to 1.22).
    uint32_t workgroupsOfCpu() const {
        const bool isNormAlone = spec_.placement == VKN_PLACEMENT_NONE && !spec_.isBackward();
        const bool isLong = choice_.readAgain && share_.chunks(choice_.teamSize()) >= kManyChunks;
        return isSwiftShader(facts_) && isLong && !isNormAlone ? 1024 : 32;
    }

    // Where registers are few, a loop over rows is what takes too many.
    void chooseGrid() {
        const bool areLoopsDear = budget_.mustBeFrugal || choice_.isFrugal;
        choice_.hasOneTurn = choice_.form == VKN_KERNEL_FORM_SHARED && areLoopsDear && spec_.maxWorkgroups == 0;
        const uint32_t usual = facts_.isCpu && !choice_.hasOneTurn ? workgroupsOfCpu() : 65535;
        const uint32_t wanted = spec_.maxWorkgroups != 0 ? spec_.maxWorkgroups : usual;
        choice_.maxWorkgroups = smaller(wanted, facts_.maxWorkgroupCountX);
        choice_.takesRowsInOrder = !choice_.hasOneTurn && (facts_.isCpu || choice_.rowsAtOnce > 1);
        if (isLavapipe(facts_)) {
            choice_.mostRowsPerTeam = rowsWithTurns(share_.turns(choice_.teamSize()), choice_.rowsAtOnce);
            choice_.mostRowsPerLane = rowsWithTurns(turnsOfSummands(spec_, choice_.chunk), 1);
        }
    }

    // A turn more for the loop around each; and room for what is left over of rows that are shared out `unit` at a time.
    static uint32_t rowsWithTurns(uint64_t turns, uint32_t unit) {
        const uint64_t rows = kTurnsOfLavapipe / (turns + 1);
        const uint64_t units = (rows + 1) / unit;
        const uint64_t most = units > 1 ? (units - 1) * unit : smaller(rows, unit - 1);
        return most != 0 ? static_cast<uint32_t>(most) : 1;
    }

    void explain() {
        const char* why = "no subgroup arithmetic that can be relied on";
        if (source_ != nullptr) {
            why = source_;
        } else if (spec_.form != VKN_KERNEL_FORM_AUTO) {
            why = "forced by the host";
        } else if (choice_.form == VKN_KERNEL_FORM_SUBGROUP) {
            why = facts_.isCpu ? "a CPU, where barriers only cost" : "the row fits in the registers of one subgroup";
        } else if (choice_.form == VKN_KERNEL_FORM_SUBGROUP_SHARED) {
            why = mayUse(VKN_KERNEL_FORM_SUBGROUP) ? "the row is too wide for one subgroup"
                                                   : "the subgroup form is forbidden";
        } else if (hasDependableSubgroups(facts_)) {
            why = "the forms with subgroups are forbidden";
        }
        static const char* const kNames[] = {"", "a subgroup a row", "a workgroup a row, by subgroups",
                                             "a workgroup a row, by shared memory"};
        snprintf(choice_.reason, sizeof choice_.reason, "%s (%s); %u lanes a row, %u chunk%s of %u elements each, %s",
                 kNames[choice_.form], why, choice_.teamSize(), share_.chunks(choice_.teamSize()),
                 share_.chunks(choice_.teamSize()) == 1 ? "" : "s", choice_.chunk, howChunksAreHeld());
    }

    const char* howChunksAreHeld() const {
        if (choice_.readAgain && share_.isWorthHolding()) {
            return choice_.rowsAtOnce > 1 ? "read again because they do not fit in registers, several rows at once"
                                          : "read again because they do not fit in registers";
        }
        if (choice_.readAgain) {
            return "read as they are needed";
        }
        if (choice_.rowsAtOnce > 1) {
            return "read again, several rows at once";
        }
        return choice_.hasAlignedKernel ? "in registers" : "read anew in each pass";
    }
};

}  // namespace

VknResult chooseKernel(const DeviceFacts& facts, const OperationSpec& spec, KernelChoice& choice, VknError* error,
                       const char* source) {
    return Chooser(facts, spec, choice, error, source).run();
}

}  // namespace vkn
