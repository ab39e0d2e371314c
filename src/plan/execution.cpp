#include "plan/execution.hpp"

#include "base/integers.hpp"
#include "plan/gradients.hpp"

#include <initializer_list>

namespace vkn {

static constexpr uint32_t kWideAccess = 16;         // bytes
static constexpr uint32_t kNarrowAccess = 8;        // of a chunk of 8-bit elements
static constexpr uint32_t kDispatchArguments = 16;  // bytes: groups x, y, z and rows

uint64_t scratchStride(const DeviceFacts& facts) {
    const uint32_t alignment = bindingAlignment(facts);
    return facts.uniformBufferAlignment > alignment ? facts.uniformBufferAlignment : alignment;
}

// Bytes of a tensor that a kernel of aligned rows accesses at once, and counts in.
static uint32_t alignedAccess(const Tensor& tensor) { return tensor.elementSize == 1 ? kNarrowAccess : kWideAccess; }

static bool isTensorAligned(const Tensor& tensor, const RowShape& shape) {
    const bool severalOuters = shape.rows > shape.rowsPerOuter;
    const uint32_t access = alignedAccess(tensor);
    const auto isMultiple = [&](uint64_t bytes) { return remainderOfPower(bytes, access) == 0; };
    return isMultiple(tensor.offset) && isMultiple(tensor.rowStride * tensor.elementSize) &&
           (!severalOuters || isMultiple(tensor.outerStride * tensor.elementSize));
}

static bool isExecutionAligned(const Execution& execution) {
    bool aligned = remainderOfPower(execution.spec->kernelRowSize(), execution.choice->chunk) == 0;
    for (RoleSet left = execution.spec->roles; left != 0; left = withoutFirst(left)) {
        const VknRole role = firstRole(left);
        if (findRole(role)->extent <= Extent::Parameters) {
            aligned = aligned && isTensorAligned(execution.tensors[role], execution.shape);
        }
    }
    return aligned;
}

// Calls visit(role, binding) in the order of bindings; operands that share one follow each other.
template <typename Visit>
static void forEachOperand(const KernelInterface& kernel, const Visit& visit) {
    for (uint32_t i = 0; i < kernel.inOrderCount; ++i) {
        const RoleInfo& role = *kernel.inOrder[i];
        visit(role, kernel.bindingOf(role));
    }
}

// Whether each row of the operation has its own part of the tensor, rather than all a whole.
static bool isPerRow(const Execution& execution, const RoleInfo& role) {
    return role.isPerRow() && execution.tensors[role.role].sourceRows == 0;
}

static void planParts(Execution& execution) {
    Split& split = execution.split;
    execution.parts = divideColumns(execution.shape.rows, execution.spec->hiddenSize, split.rowsPerDispatch);
    split.dispatchesPerOuter = 0;
    split.dispatchCount = divideUp(execution.shape.rows, split.rowsPerDispatch);
}

// The bindings of both kernels; those of columns are numbered behind those of rows.
static uint32_t collectBound(const Execution& execution, BoundTensor* bound) {
    uint32_t count = 0;
    uint32_t first = 0;
    for (const KernelInterface* kernel : {execution.rows, execution.columns}) {
        if (kernel != nullptr) {
            forEachOperand(*kernel, [&](const RoleInfo& role, uint32_t binding) {
                bound[count++] = {&execution.tensors[role.role], first + binding, isPerRow(execution, role),
                                  execution.ranges[role.role]};
            });
            first = kMostStorageBuffers;
        }
    }
    return count;
}

static bool hasOuterStrides(const Execution& execution) {
    return execution.rows->words.hasOuterStrides &&
           (execution.columns == nullptr || execution.columns->words.hasOuterStrides);
}

bool usesAlignedRows(const Execution& execution) { return execution.isAligned && execution.choice->hasAlignedKernel; }

bool usesAlignedColumns(const Execution& execution) {
    return execution.isAligned && execution.choice->hasAlignedColumns;
}

bool finishExecution(const DeviceFacts& facts, Execution& execution) {
    execution.alignment = bindingAlignment(facts);
    execution.isAligned = isExecutionAligned(execution);
    BoundTensor bound[2 * kRoleCount];
    const uint32_t count = collectBound(execution, bound);
    const bool fits = planSplit(execution.shape, bound, count, facts.maxStorageBufferRange, execution.alignment,
                                hasOuterStrides(execution), execution.split);
    if (fits && execution.spec->takesColumnStatistics()) {
        planParts(execution);
    }
    if (fits && execution.columns != nullptr) {
        return divideRows(*execution.spec, *execution.choice, execution.shape, execution.split, execution.parts);
    }
    return fits;
}

void findRanges(Execution& execution) {
    const RowShape& shape = execution.shape;
    execution.rangedRows = shape.rows;
    for (RoleSet left = execution.spec->roles; left != 0; left = withoutFirst(left)) {
        const VknRole role = firstRole(left);
        const uint64_t rows = isPerRow(execution, *findRole(role)) ? shape.rows : 1;
        execution.ranges.set(role, rowRange(execution.tensors[role], shape, 0, rows));
    }
}

static ByteRange rangeOfRun(const Execution& execution, const RoleInfo& role, const RowRun& run) {
    return run.count == execution.rangedRows || !isPerRow(execution, role)
               ? execution.ranges[role.role]
               : rowRange(execution.tensors[role.role], execution.shape, run.first, run.count);
}

ByteRange operandRange(const Execution& execution, VknRole role) {
    return boundRange(execution.ranges[role], execution.alignment);
}

// Where each operand of a dispatch begins, in bytes of its buffer.
using OperandStarts = UnsetArray<uint64_t, kRoleCount>;

static OperandStarts bindOperands(const Execution& execution, const KernelInterface& kernel, Dispatch& dispatch) {
    OperandStarts starts;
    uint32_t previous = kMostStorageBuffers;
    ByteRange range;
    bool isWritten = false;
    forEachOperand(kernel, [&](const RoleInfo& role, uint32_t binding) {
        const ByteRange own = rangeOfRun(execution, role, dispatch.run);
        const ByteRange bound = boundRange(own, execution.alignment);
        const bool isShared = binding == previous;
        range = isShared ? join(range, bound) : bound;
        // With what is only read beside it.
        isWritten = (isShared && isWritten) || (execution.spec->writes(role) && role.isPerRow());
        dispatch.buffers.set(binding, {execution.tensors[role.role].buffer, range.begin, range.size()});
        dispatch.written.set(binding, isWritten ? range : ByteRange{});
        starts.set(role.role, own.begin);
        previous = binding;
    });
    if (kernel.signature.hasSlot[VKN_BINDING_SCRATCH]) {
        const uint32_t binding = kernel.signature.bindingOfSlot[VKN_BINDING_SCRATCH];
        dispatch.buffers.set(binding, scratchBuffer(execution));
        dispatch.written.set(binding, {});
    }
    dispatch.bindingCount = kernel.signature.bindingCount;
    return starts;
}

// The words of a tensor of rows, which starts so many bytes into its bound range.
static void fillRowWords(const Tensor& tensor, uint64_t offset, uint32_t unit, bool severalOuters, bool hasOuterStride,
                         uint32_t* words) {
    const auto unitsOf = [&](uint64_t bytes) { return static_cast<uint32_t>(quotientOfPower(bytes, unit)); };
    words[0] = unitsOf(offset);
    words[1] = unitsOf(tensor.rowStride * tensor.elementSize);
    if (hasOuterStride) {
        words[2] = severalOuters ? unitsOf(tensor.outerStride * tensor.elementSize) : 0;
    }
}

static void fillDropoutWords(const Execution& execution, const RowRun& run, uint32_t* words) {
    const uint64_t firstRow = execution.firstRow + run.first;
    const uint32_t dropout[VKN_DROPOUT_WORDS] = {static_cast<uint32_t>(firstRow), static_cast<uint32_t>(firstRow >> 32),
                                                 execution.stream, static_cast<uint32_t>(execution.seed),
                                                 static_cast<uint32_t>(execution.seed >> 32)};
    for (uint32_t i = 0; i < dropoutWords(*execution.spec); ++i) {
        words[i] = dropout[i];
    }
}

static void fillConstants(const Execution& execution, const KernelInterface& kernel, const OperandStarts& starts,
                          Dispatch& dispatch) {
    const WordLayout& layout = kernel.words;
    const uint64_t inner = execution.shape.rowsPerOuter;
    const bool severalOuters = dispatch.run.count > inner;
    const bool isAligned = &kernel == execution.columns ? usesAlignedColumns(execution) : usesAlignedRows(execution);
    dispatch.constants = {};
    uint32_t* words = dispatch.constants.words;
    words[VKN_WORD_ROWS] = static_cast<uint32_t>(dispatch.run.count);
    words[VKN_WORD_HIDDEN_SIZE] = execution.spec->kernelRowSize();
    // A run inside one block is counted as a block of its own, so that strides too long for 32 bits do not matter.
    if (layout.hasOuterStrides) {
        words[VKN_WORD_ROWS_PER_OUTER] = static_cast<uint32_t>(severalOuters ? inner : dispatch.run.count);
        words[VKN_WORD_OUTER_DIVISOR] = severalOuters ? dividingBy(inner) : kDividingToZero;
    }
    forEachOperand(kernel, [&](const RoleInfo& role, uint32_t binding) {
        const Tensor& tensor = execution.tensors[role.role];
        uint32_t* of = words + layout.ofRole[role.role];
        const uint64_t offset = starts[role.role] - dispatch.buffers[binding].offset;
        if (role.extent == Extent::Rows) {
            const uint32_t unit = isAligned ? alignedAccess(tensor) : tensor.elementSize;
            fillRowWords(tensor, offset, unit, severalOuters, layout.hasOuterStrides, of);
            return;
        }
        of[0] = static_cast<uint32_t>(quotientOfPower(offset, tensor.elementSize));
        if (role.role == VKN_ROLE_ROW_INDEX || role.role == VKN_ROLE_COS_SIN) {
            const VknRole source = role.role == VKN_ROLE_ROW_INDEX ? VKN_ROLE_INPUT : role.role;
            of[1] = static_cast<uint32_t>(execution.tensors[source].sourceRows - 1);
        }
    });
    if (execution.spec->kernelParameterRows() > 1) {
        words[layout.ofParameterRows] =
            static_cast<uint32_t>(dispatch.run.first % execution.spec->kernelParameterRows());
    }
    if (execution.spec->hasDropout()) {
        fillDropoutWords(execution, dispatch.run, words + layout.ofDropout);
    }
}

Dispatch makeKernelDispatch(const Execution& execution, const KernelInterface& kernel, uint64_t index) {
    Dispatch dispatch;
    dispatch.run = runOfDispatch(execution.split, execution.shape, index);
    if (dispatch.run.count == 0) {
        return dispatch;
    }
    const OperandStarts starts = bindOperands(execution, kernel, dispatch);
    fillConstants(execution, kernel, starts, dispatch);
    if (kernel.signature.hasSlot[VKN_BINDING_SCRATCH]) {
        fillScratchWords(execution, dispatch.run, dispatch.constants.words + kernel.words.ofScratch);
    }
    const KernelChoice& choice = *execution.choice;
    dispatch.grid = gridOf(choice, choice.wantedWorkgroups(dispatch.run.count, execution.isAligned),
                           choice.mostWorkgroups(dispatch.run.count));
    return dispatch;
}

Dispatch makeDispatch(const Execution& execution, uint64_t index) {
    return makeKernelDispatch(execution, *execution.rows, index);
}

PrepareDispatch makePrepareDispatch(const Execution& execution, uint64_t index) {
    const RowRun run = runOfDispatch(execution.split, execution.shape, index);
    const ByteRange rows =
        boundRange({execution.rowsOffset, execution.rowsOffset + sizeof(uint32_t)}, execution.alignment);
    PrepareDispatch prepare;
    prepare.rows = {execution.rowsBuffer, rows.begin, rows.size()};
    prepare.target = {execution.scratchBuffer, execution.scratchOffset + index * execution.scratchStride,
                      kDispatchArguments};
    prepare.constants.rowsWord = static_cast<uint32_t>((execution.rowsOffset - rows.begin) / sizeof(uint32_t));
    prepare.constants.targetWord = 0;
    // The rows buffer holds 32 bits, so a run that starts beyond them has none of its rows.
    prepare.constants.groups = execution.spec->groups;
    prepare.constants.firstRow = run.first < UINT32_MAX ? static_cast<uint32_t>(run.first) : UINT32_MAX;
    prepare.constants.maxRows = static_cast<uint32_t>(run.count);
    prepare.constants.rowsPerWorkgroup = execution.choice->rowsPerWorkgroup();
    prepare.constants.maxWorkgroups = execution.choice->mostWorkgroups(run.count);
    prepare.constants.oneTurn = execution.choice->hasOneTurn ? 1 : 0;
    return prepare;
}

uint64_t scratchSize(const Execution& execution) {
    if (execution.spec->isBackward()) {
        return gradientScratch(execution);
    }
    return execution.spec->isTraining() ? bytesOfParts(execution.parts.count, execution.spec->hiddenSize)
                                        : execution.split.dispatchCount * execution.scratchStride;
}

uint64_t mostScratchUnsplit(const DeviceFacts& facts, const OperationSpec& spec) {
    if (spec.takesColumnStatistics()) {
        return bytesOfParts(mostParts(spec.hiddenSize), spec.hiddenSize);
    }
    return spec.isSet(VKN_PLAN_GPU_ROWS_BIT) ? scratchStride(facts) : 0;
}

uint64_t scratchAlignment(const DeviceFacts& facts, const OperationSpec& spec) {
    const uint64_t ofParts = spec.isTraining() || spec.isBackward() ? bindingAlignment(facts) : 1;
    return spec.isSet(VKN_PLAN_GPU_ROWS_BIT) ? scratchStride(facts) : ofParts;
}

BoundBuffer scratchBuffer(const Execution& execution) {
    return {execution.scratchBuffer, execution.scratchOffset, scratchSize(execution)};
}

uint32_t workgroupsOf(const Execution& execution, uint64_t wanted) {
    return static_cast<uint32_t>(smaller(wanted, execution.choice->maxWorkgroups));
}

ColumnDispatch makeColumnDispatch(const Execution& execution, uint64_t index) {
    const OperationSpec& spec = *execution.spec;
    const VknRole role = spec.standIn(VKN_ROLE_INPUT);
    const Tensor& tensor = execution.tensors[role];
    const RowRun run = runOfDispatch(execution.split, execution.shape, index);
    const ByteRange range = rangeOfRun(execution, *findRole(role), run);
    const ByteRange bound = boundRange(range, execution.alignment);
    const uint64_t parts = divideUp(run.count, execution.parts.rowsPerPart);
    ColumnDispatch dispatch;
    dispatch.input = {tensor.buffer, bound.begin, bound.size()};
    dispatch.parts = scratchBuffer(execution);
    dispatch.constants.rows = static_cast<uint32_t>(run.count);
    dispatch.constants.hiddenSize = spec.hiddenSize;
    dispatch.constants.start = static_cast<uint32_t>((range.begin - bound.begin) / tensor.elementSize);
    dispatch.constants.rowStride = static_cast<uint32_t>(tensor.rowStride);
    dispatch.constants.rowsPerPart = static_cast<uint32_t>(execution.parts.rowsPerPart);
    dispatch.constants.parts = static_cast<uint32_t>(parts);
    dispatch.constants.firstPart = static_cast<uint32_t>(run.first / execution.parts.rowsPerPart);
    const uint32_t piece = usesAlignedColumns(execution) ? execution.choice->chunk : execution.choice->unalignedPiece;
    const uint64_t lanes = parts * divideUp(spec.hiddenSize, piece);
    dispatch.workgroups = workgroupsOf(execution, divideUp(lanes, VKN_COLUMN_WORKGROUP));
    return dispatch;
}

JoinDispatch makeJoinDispatch(const Execution& execution) {
    const OperationSpec& spec = *execution.spec;
    const auto bind = [&](VknRole first, VknRole second, uint32_t& firstWord, uint32_t& secondWord) {
        const Tensor& a = execution.tensors[first];
        const Tensor& b = execution.tensors[second];
        const ByteRange bound =
            boundRange(join(execution.ranges[first], execution.ranges[second]), execution.alignment);
        firstWord = static_cast<uint32_t>((a.offset - bound.begin) / a.elementSize);
        secondWord = static_cast<uint32_t>((b.offset - bound.begin) / b.elementSize);
        return BoundBuffer{a.buffer, bound.begin, bound.size()};
    };
    JoinDispatch dispatch;
    JoinColumnsConstants& constants = dispatch.constants;
    dispatch.parts = scratchBuffer(execution);
    dispatch.ofBatch = bind(VKN_ROLE_BATCH_MEAN, VKN_ROLE_BATCH_RSTD, constants.batchMean, constants.batchRstd);
    if (spec.has(VKN_ROLE_RUNNING_MEAN)) {
        dispatch.running =
            bind(VKN_ROLE_RUNNING_MEAN, VKN_ROLE_RUNNING_VARIANCE, constants.runningMean, constants.runningVariance);
    }
    constants.hiddenSize = spec.hiddenSize;
    constants.parts = static_cast<uint32_t>(divideUp(execution.shape.rows, execution.parts.rowsPerPart));
    constants.rowsPerPart = static_cast<uint32_t>(execution.parts.rowsPerPart);
    constants.rowsOfLastPart =
        static_cast<uint32_t>(execution.shape.rows - (constants.parts - 1) * execution.parts.rowsPerPart);
    dispatch.workgroups = workgroupsOf(execution, divideUp(spec.hiddenSize, VKN_JOINED_COLUMNS));
    return dispatch;
}

}  // namespace vkn
