#include "plan/gradients.hpp"

#include "base/integers.hpp"

#include <initializer_list>

namespace vkn {

namespace {

constexpr uint32_t kAlignmentInWords = 4;  // of the sums in scratch

constexpr uint32_t sumBit(uint32_t sum) { return 1u << sum; }
constexpr uint32_t kSumsOfBatch = sumBit(VKN_SUM_GAMMA) | sumBit(VKN_SUM_BETA);
constexpr uint32_t kMeansOfBatch =
    2;  // what BatchNorm's rows need of columns: those sums, divided by the number of rows

// The gradient that a sum becomes: their numbers follow each other in the same order.
VknRole roleOfSum(uint32_t sum) { return static_cast<VknRole>(VKN_ROLE_GAMMA_GRADIENT + sum); }
static_assert(VKN_ROLE_GAMMA_GRADIENT + VKN_SUM_BETA_2 == VKN_ROLE_BETA_2_GRADIENT);
static_assert(VKN_ROLE_GAMMA_GRADIENT + VKN_SUM_LAYER_SCALE == VKN_ROLE_LAYER_SCALE_GRADIENT);
static_assert(VKN_ROLE_GAMMA_GRADIENT + VKN_SUM_ALPHA == VKN_ROLE_ALPHA_GRADIENT);

uint32_t countBits(uint32_t bits) {
    uint32_t count = 0;
    for (; bits != 0; bits &= bits - 1) {
        ++count;
    }
    return count;
}

// The gradients that are written, as bits of sums.
uint32_t writtenSums(const OperationSpec& spec) {
    constexpr uint32_t kAllSums = (1u << VKN_SUM_COUNT) - 1;
    return static_cast<uint32_t>(spec.roles >> VKN_ROLE_GAMMA_GRADIENT) & kAllSums;
}

RoleSet setOf(std::initializer_list<VknRole> roles) {
    RoleSet set = 0;
    for (const VknRole role : roles) {
        set |= roleBit(role);
    }
    return set;
}

bool trainsBackward(const OperationSpec& spec) { return spec.isBackward() && spec.isTraining(); }

// Columns of the sums of a part.
uint64_t widthOf(const OperationSpec& spec) { return uint64_t{spec.kernelParameterRows()} * spec.kernelRowSize(); }

uint64_t partStride(const OperationSpec& spec) { return widthOf(spec) * countBits(sumsOf(spec)); }

uint64_t normsOfRow(const OperationSpec& spec) { return spec.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM ? 2 : 1; }

uint64_t partsPerDispatch(const Execution& execution) {
    return divideUp(execution.split.rowsPerDispatch, execution.parts.rowsPerPart);
}

uint64_t partsOfRows(uint64_t rows, uint64_t rowsPerDispatch, uint64_t rowsPerPart) {
    return rows / rowsPerDispatch * divideUp(rowsPerDispatch, rowsPerPart) +
           divideUp(rows % rowsPerDispatch, rowsPerPart);
}

// Where each region of the scratch starts, in words.
struct ScratchLayout {
    uint64_t sums = 0;
    uint64_t means = 0;
    uint64_t end = 0;
};

ScratchLayout layoutOf(const OperationSpec& spec, uint64_t rows, uint64_t parts) {
    const uint64_t ofRows = rowsLeaveScratch(spec) ? saturatingMultiply(rows, normsOfRow(spec) * VKN_WORDS_OF_NORM) : 0;
    ScratchLayout layout;
    layout.sums = divideUp(ofRows, uint64_t{kAlignmentInWords}) * kAlignmentInWords;
    layout.means = saturatingAdd(layout.sums, saturatingMultiply(parts, partStride(spec)));
    layout.end = saturatingAdd(layout.means, trainsBackward(spec) ? 2 * widthOf(spec) : 0);
    return layout;
}

ScratchLayout layoutOf(const Execution& execution) {
    return layoutOf(*execution.spec, execution.shape.rows, execution.parts.count);
}

}  // namespace

uint32_t sumsOf(const OperationSpec& spec) {
    return spec.isBackward() ? writtenSums(spec) | (spec.isTraining() ? kSumsOfBatch : 0u) : 0;
}

RoleSet rolesOfRows(const OperationSpec& spec) {
    if (!spec.isBackward()) {
        return spec.roles;
    }
    const bool readsBranch =
        spec.placement == VKN_PLACEMENT_NONE || spec.placement == VKN_PLACEMENT_POST_NORM || spec.hasNormOnBranch();
    const RoleSet ofBranches = setOf({VKN_ROLE_INPUT, VKN_ROLE_INPUT_2, VKN_ROLE_BRANCH_BIAS, VKN_ROLE_BRANCH_BIAS_2});
    const RoleSet ofValues = spec.hasNormOnBranch() ? setOf({VKN_ROLE_BETA}) : RoleSet{0};
    RoleSet ofColumns = ofValues | (readsBranch ? RoleSet{0} : ofBranches);
    for (uint32_t sum = 0; sum < VKN_SUM_COUNT; ++sum) {
        ofColumns |= roleBit(roleOfSum(sum));
    }
    return spec.roles & ~ofColumns;
}

RoleSet rolesOfColumns(const OperationSpec& spec) {
    RoleSet roles = 0;
    for (uint32_t r = 1; r < kRoleCount; ++r) {
        const RoleInfo& role = *findRole(static_cast<VknRole>(r));
        const bool isReadInPlace = spec.isSet(VKN_PLAN_IN_PLACE_BIT) && spec.direction().writtenInPlace == role.role;
        roles |= spec.has(role.role) && (!spec.writes(role) || isReadInPlace) ? roleBit(role.role) : RoleSet{0};
    }
    return roles & ~setOf({VKN_ROLE_MEAN, VKN_ROLE_RSTD, VKN_ROLE_MEAN_2, VKN_ROLE_RSTD_2});
}

uint32_t scratchWordsOfRows(const OperationSpec& spec) {
    return rowsLeaveScratch(spec) || trainsBackward(spec) ? VKN_SCRATCH_ROWS + 1 : 0;
}

uint32_t scratchWordsOfColumns(const OperationSpec& spec) { return sumsOf(spec) != 0 ? VKN_SCRATCH_WORDS : 0; }

uint32_t passesOfSums(const OperationSpec& spec, const KernelChoice& choice) {
    return static_cast<uint32_t>(divideUp(countBits(sumsOf(spec)), choice.sumsPerPass));
}

uint32_t sumsOfPass(const OperationSpec& spec, const KernelChoice& choice, uint32_t pass) {
    uint32_t sums = 0;
    uint32_t ordinal = 0;
    for (uint32_t sum = 0; sum < VKN_SUM_COUNT; ++sum) {
        if ((sumsOf(spec) & sumBit(sum)) != 0) {
            sums |= ordinal / choice.sumsPerPass == pass ? sumBit(sum) : 0u;
            ++ordinal;
        }
    }
    return sums;
}

bool rowsLeaveScratch(const OperationSpec& spec) { return spec.takesStatistics() && sumsOf(spec) != 0; }

bool measuresBefore(const OperationSpec& spec) { return rowsLeaveScratch(spec) && spec.isSet(VKN_PLAN_IN_PLACE_BIT); }

bool sumsComeFirst(const OperationSpec& spec) {
    return sumsOf(spec) != 0 && (!rowsLeaveScratch(spec) || measuresBefore(spec));
}

bool divideRows(const OperationSpec& spec, const KernelChoice& choice, const RowShape& shape, Split& split,
                ColumnParts& parts) {
    const bool isOneBlock = shape.rows <= shape.rowsPerOuter;
    split.dispatchesPerOuter = isOneBlock ? 0 : split.dispatchesPerOuter;
    if (split.dispatchesPerOuter != 0) {
        return false;
    }
    const uint64_t turn = spec.kernelParameterRows();
    const uint64_t mostOfLane = choice.mostRowsPerLane != 0 ? choice.mostRowsPerLane : kTooLarge;
    const uint64_t ofLane = smaller(rowsOfParts(divideUp(shape.rows, turn), widthOf(spec)), mostOfLane);
    parts.rowsPerPart = smaller(ofLane * turn, split.rowsPerDispatch);
    if (isOneBlock && split.rowsPerDispatch < shape.rows) {  // so that a device which binds less has the same parts
        split.rowsPerDispatch -= split.rowsPerDispatch % parts.rowsPerPart;
        split.dispatchCount = divideUp(shape.rows, split.rowsPerDispatch);
    }
    parts.count = partsOfRows(shape.rows, split.rowsPerDispatch, parts.rowsPerPart);
    return true;
}

uint64_t gradientScratch(const Execution& execution) {
    return sumsOf(*execution.spec) == 0 || execution.shape.rows == 0
               ? 0
               : saturatingMultiply(layoutOf(execution).end, sizeof(float));
}

void fillScratchWords(const Execution& execution, const RowRun& run, uint32_t* words) {
    const OperationSpec& spec = *execution.spec;
    words[VKN_SCRATCH_ROWS] = static_cast<uint32_t>(
        trainsBackward(spec) ? layoutOf(execution).means : run.first * normsOfRow(spec) * VKN_WORDS_OF_NORM);
}

// As shaders/gradient_columns.comp divides a row.
static uint64_t piecesOfRow(const OperationSpec& spec, uint32_t piece) {
    if (spec.turnsHalves()) {
        return 2 * divideUp(spec.rotarySize / 2, piece) + divideUp(spec.hiddenSize - spec.rotarySize, piece);
    }
    const uint32_t run = spec.channelsLast != 0 ? spec.channels / spec.groups : spec.kernelRowSize();
    return spec.kernelRowSize() / run * divideUp(run, piece);
}

Dispatch makeGradientColumnDispatch(const Execution& execution, uint64_t index, uint32_t pass) {
    const OperationSpec& spec = *execution.spec;
    const KernelChoice& choice = *execution.choice;
    Dispatch dispatch = makeKernelDispatch(execution, *execution.columns, index);
    if (dispatch.run.count == 0) {
        return dispatch;
    }
    const uint64_t parts = divideUp(dispatch.run.count, execution.parts.rowsPerPart);
    const uint64_t stride = partStride(spec);
    uint32_t* words = dispatch.constants.words + execution.columns->words.ofScratch;
    words[VKN_SCRATCH_SUMS] =
        static_cast<uint32_t>(layoutOf(execution).sums + index * partsPerDispatch(execution) * stride +
                              uint64_t{pass} * choice.sumsPerPass * widthOf(spec));
    words[VKN_SCRATCH_PART_STRIDE] = static_cast<uint32_t>(stride);
    words[VKN_SCRATCH_ROWS_PER_PART] = static_cast<uint32_t>(execution.parts.rowsPerPart);
    words[VKN_SCRATCH_PARTS] = static_cast<uint32_t>(parts);
    const uint32_t piece = usesAlignedColumns(execution) ? choice.chunk : choice.columnPiece;
    const uint64_t lanes = parts * spec.kernelParameterRows() * piecesOfRow(spec, piece);
    const uint64_t workgroups = divideUp(lanes, uint64_t{VKN_COLUMN_WORKGROUP});
    const uint64_t rowsOfLane = divideUp(execution.parts.rowsPerPart, uint64_t{spec.kernelParameterRows()});
    dispatch.grid = gridOf(choice, workgroups, choice.mostWorkgroupsOfSums(workgroups, rowsOfLane));
    return dispatch;
}

uint32_t joinCount(const Execution& execution) {
    const OperationSpec& spec = *execution.spec;
    const bool needsMeans = trainsBackward(spec) && execution.shape.rows != 0;
    return countBits(writtenSums(spec)) + (needsMeans ? kMeansOfBatch : 0);
}

namespace {

// Which words of a part make an element of the gradient. What follows a norm's parameter rows, or an image's groups, is theirs.
void addressElements(const OperationSpec& spec, uint32_t sum, JoinSumsConstants& constants) {
    const uint32_t row = spec.kernelRowSize();
    constants.innerStride = 1;
    constants.repeats = 1;
    if (sum == VKN_SUM_ALPHA) {
        constants.elements = 1;
        constants.repeats = static_cast<uint32_t>(widthOf(spec));
        constants.repeatStride = 1;
    } else if (sum > VKN_SUM_BETA_2) {
        constants.elements = row;
        constants.repeats = spec.kernelParameterRows();
        constants.repeatStride = row;
    } else if (spec.channels != 0) {
        constants.elements = spec.channels;
        constants.repeats = spec.hiddenSize / spec.channels;
        constants.innerStride = spec.channelsLast != 0 ? 1 : constants.repeats;
        constants.repeatStride = spec.channelsLast != 0 ? spec.channels / spec.groups : 1;
        constants.outerStride = row;
    } else {
        constants.elements = static_cast<uint32_t>(widthOf(spec));
    }
    constants.inner = spec.channels != 0 ? spec.channels / spec.groups : constants.elements;
}

// More lanes where there are few elements of many summands; a formula of their numbers alone.
uint32_t lanesPerElement(uint64_t elements, uint64_t summands) {
    constexpr uint64_t kEnoughLanes = 1u << 16;
    constexpr uint64_t kFewSummands = 8;
    uint32_t lanes = 1;
    while (lanes < VKN_COLUMN_WORKGROUP && lanes * elements < kEnoughLanes && summands / lanes > kFewSummands) {
        lanes *= 2;
    }
    return lanes;
}

uint32_t ordinalOf(const OperationSpec& spec, uint32_t sum) { return countBits(sumsOf(spec) & (sumBit(sum) - 1)); }

uint32_t sumOfOrdinal(uint32_t sums, uint32_t ordinal) {
    for (; ordinal != 0; --ordinal) {
        sums &= sums - 1;
    }
    return countBits((sums & (0u - sums)) - 1);
}

void bindTarget(const Execution& execution, uint32_t sum, JoinSumsDispatch& join) {
    const VknRole role = roleOfSum(sum);
    const Tensor& tensor = execution.tensors[role];
    const ByteRange range = execution.ranges[role];
    const ByteRange bound = boundRange(range, execution.alignment);
    join.target = {tensor.buffer, bound.begin, bound.size()};
    join.constants.target = static_cast<uint32_t>((range.begin - bound.begin) / tensor.elementSize);
    join.constants.format = execution.spec->type(role);
    join.constants.accumulates = execution.spec->isSet(VKN_PLAN_ACCUMULATE_BIT) ? 1 : 0;
    join.constants.factor = 1;
}

void bindMeans(const Execution& execution, uint32_t which, JoinSumsDispatch& join) {
    join.target = scratchBuffer(execution);
    join.constants.target = static_cast<uint32_t>(layoutOf(execution).means + which * widthOf(*execution.spec));
    join.constants.format = VKN_FORMAT_F32;
    join.constants.factor = 1.0F / static_cast<float>(execution.shape.rows);
}

}  // namespace

JoinSumsDispatch makeJoinSumsDispatch(const Execution& execution, uint32_t index) {
    const OperationSpec& spec = *execution.spec;
    const uint32_t written = countBits(writtenSums(spec));
    const bool hasRows = execution.shape.rows != 0;
    JoinSumsDispatch join;
    const bool isMean = index >= written;
    const uint32_t sum = isMean ? index - written : sumOfOrdinal(writtenSums(spec), index);
    if (isMean) {
        bindMeans(execution, sum, join);
    } else {
        bindTarget(execution, sum, join);
    }
    join.parts =
        execution.scratchBuffer != VK_NULL_HANDLE ? scratchBuffer(execution) : join.target;  // of no rows: unread
    JoinSumsConstants& constants = join.constants;
    addressElements(spec, sum, constants);
    constants.first = static_cast<uint32_t>(layoutOf(execution).sums + ordinalOf(spec, sum) * widthOf(spec));
    constants.parts = hasRows ? static_cast<uint32_t>(partsOfRows(execution.shape.rows, execution.split.rowsPerDispatch,
                                                                  execution.parts.rowsPerPart))
                              : 0;
    constants.partStride = static_cast<uint32_t>(partStride(spec));
    constants.lanesPerElement = lanesPerElement(constants.elements, uint64_t{constants.parts} * constants.repeats);
    join.workgroups =
        workgroupsOf(execution, divideUp(constants.elements, VKN_COLUMN_WORKGROUP / constants.lanesPerElement));
    return join;
}

}  // namespace vkn
