#include "api/execute_info.hpp"

#include "api/aliasing.hpp"
#include "base/error.hpp"
#include "base/integers.hpp"
#include "plan/gradients.hpp"

namespace vkn {

namespace {

constexpr uint64_t kMaxDispatches = 1u << 20;  // of one operation: what a command buffer may reasonably hold

class Validator {
public:
    Validator(const VknPlan_T& plan, const VknExecuteInfo& info, Purpose purpose, Execution& execution, VknError* error)
        : plan_(plan), info_(info), purpose_(purpose), execution_(execution), error_(error) {}

    VknResult run() {
        execution_.spec = &plan_.spec;
        execution_.choice = &plan_.choice;
        execution_.rows = &plan_.rows;
        execution_.columns = plan_.columns.roles != 0 ? &plan_.columns : nullptr;
        execution_.shape = shapeOfRows();
        VknResult result = checkStructureType(error_, "sType", info_.sType, VKN_STRUCTURE_TYPE_EXECUTE_INFO);
        if (result == VKN_SUCCESS) {
            result = readChain();
        }
        if (result == VKN_SUCCESS) {
            result = checkHeads();
        }
        if (result == VKN_SUCCESS) {
            result = checkOuters();
        }
        if (result == VKN_SUCCESS) {
            result = readOperands();
        }
        if (result == VKN_SUCCESS) {
            findRanges(execution_);
            result = finish();
        }
        return result;
    }

private:
    const VknPlan_T& plan_;
    const VknExecuteInfo& info_;
    Purpose purpose_;
    Execution& execution_;
    VknError* error_;

    bool looksAtBuffers() const { return purpose_ != Purpose::SizeOnly; }

    VknResult finish() {
        VknResult result = looksAtBuffers() ? (info_.rows != 0 ? checkPlacement() : checkSums()) : VKN_SUCCESS;
        if (result == VKN_SUCCESS && info_.rows != 0) {
            result = splitRows();
        } else if (result == VKN_SUCCESS) {
            execution_.alignment = bindingAlignment(plan_.context->facts);
        }
        if (plan_.spec.isSet(VKN_PLAN_GPU_ROWS_BIT)) {
            execution_.scratchStride = scratchStride(plan_.context->facts);
        }
        const bool records = purpose_ == Purpose::Record && info_.rows != 0;
        if (result == VKN_SUCCESS && records && plan_.spec.isSet(VKN_PLAN_GPU_ROWS_BIT)) {
            result = checkGpuRows();
        }
        return result == VKN_SUCCESS && records && scratchSize(execution_) != 0 ? checkScratch() : result;
    }

    VknResult readChain() {
        const auto* dropout = static_cast<const VknDropoutInfo*>(info_.pNext);
        if (!plan_.spec.hasDropout()) {
            return dropout == nullptr ? VKN_SUCCESS : failArgument(error_, "pNext", 1, 0, "must be null");
        }
        if (dropout == nullptr) {
            return failArgument(error_, "pNext", 0, VKN_STRUCTURE_TYPE_DROPOUT_INFO,
                                "a plan with dropout needs a VknDropoutInfo");
        }
        if (dropout->sType != VKN_STRUCTURE_TYPE_DROPOUT_INFO || dropout->pNext != nullptr) {
            return failArgument(error_, "pNext", static_cast<uint64_t>(dropout->sType), VKN_STRUCTURE_TYPE_DROPOUT_INFO,
                                "only one VknDropoutInfo may be chained");
        }
        constexpr uint32_t kMostStream = 0x7FFFFFFFu;
        if (dropout->stream > kMostStream) {
            return failArgument(error_, "stream", dropout->stream, kMostStream, "must be below 2^31");
        }
        execution_.seed = dropout->seed;
        execution_.firstRow = dropout->firstRow;
        execution_.stream = dropout->stream;
        return VKN_SUCCESS;
    }

    bool isOfImages() const { return plan_.spec.operation == VKN_OPERATION_GROUP_NORM; }

    VknResult checkOuters() {
        if ((isOfImages() || plan_.spec.isTraining()) && info_.rowsPerOuter != 0) {
            return failArgument(error_, "rowsPerOuter", info_.rowsPerOuter, 0,
                                isOfImages() ? "must be 0 for GROUP_NORM" : "must be 0 for training");
        }
        const bool sumsRows = plan_.spec.isTraining() || plan_.columns.roles != 0;
        if (sumsRows && execution_.shape.rows > UINT32_MAX) {
            return failArgument(error_, "rows", info_.rows, UINT32_MAX,
                                "must fit in 32 bits where sums are taken over rows");
        }
        return VKN_SUCCESS;
    }

    // As kernels see rows: an image is an outer block of groups.
    RowShape shapeOfRows() const {
        if (isOfImages()) {
            return {saturatingMultiply(info_.rows, plan_.spec.groups), plan_.spec.groups};
        }
        return {info_.rows, info_.rowsPerOuter != 0 ? info_.rowsPerOuter : (info_.rows != 0 ? info_.rows : 1)};
    }

    // The strides of an image's groups, from that of images.
    VknResult readGroups(uint32_t index, const VknOperand& operand, Tensor& tensor) {
        if (operand.outerStride != 0) {
            return failArgument(error_, operandField(index, "outerStride").text, operand.outerStride, 0,
                                "must be 0 for GROUP_NORM");
        }
        tensor.outerStride = tensor.rowStride;
        tensor.rowElements = plan_.spec.kernelRowSpan();
        tensor.rowStride =
            plan_.spec.channelsLast != 0 ? plan_.spec.channels / plan_.spec.groups : plan_.spec.kernelRowSize();
        return VKN_SUCCESS;
    }

    // Where the rows of an outer block are the query's and the key's.
    VknResult checkHeads() {
        const uint64_t rowsPerOuter = execution_.shape.rowsPerOuter;
        if (plan_.spec.queryRows == 0 || info_.rows == 0) {
            return VKN_SUCCESS;
        }
        if (rowsPerOuter <= plan_.spec.queryRows) {
            return failArgument(error_, "rowsPerOuter", rowsPerOuter, plan_.spec.queryRows,
                                "must be more than queryRows, so that there are rows of the key");
        }
        if (plan_.spec.parameterRows > 1 && plan_.spec.parameterRows != rowsPerOuter) {
            return failArgument(error_, "rowsPerOuter", rowsPerOuter, plan_.spec.parameterRows,
                                "must be parameterRows");
        }
        if (info_.rows % rowsPerOuter != 0) {
            return failArgument(error_, "rows", info_.rows, rowsPerOuter, "must be a multiple of rowsPerOuter");
        }
        return VKN_SUCCESS;
    }

    VknResult readOperands() {
        if (info_.operandCount != 0 && info_.pOperands == nullptr) {
            return failArgument(error_, "pOperands", 0, info_.operandCount, "must not be null");
        }
        RoleSet seen = 0;
        for (uint32_t i = 0; i < info_.operandCount; ++i) {
            const VknOperand& operand = info_.pOperands[i];
            const RoleInfo* role = findRole(operand.role);
            if (role == nullptr || !plan_.spec.has(operand.role)) {
                return fail(error_, VKN_ERROR_INVALID_ARGUMENT, operandField(i, "role").text, operand.role,
                            plan_.spec.roles, "the plan has no such operand%s%s", role != nullptr ? ": " : "",
                            role != nullptr ? role->name : "");
            }
            if ((seen & roleBit(operand.role)) != 0) {
                return fail(error_, VKN_ERROR_INVALID_ARGUMENT, operandField(i, "role").text, operand.role, 1,
                            "%s is listed twice", role->name);
            }
            seen |= roleBit(operand.role);
            const VknResult result = readOperand(i, operand, *role);
            if (result != VKN_SUCCESS) {
                return result;
            }
        }
        return checkAllPresent(seen);
    }

    // For messages: recording has no use for it otherwise.
    uint32_t indexOf(VknRole role) const {
        uint32_t index = 0;
        while (info_.pOperands[index].role != role) {
            ++index;
        }
        return index;
    }

    VknResult checkAllPresent(RoleSet seen) const {
        const RoleSet missing = plan_.spec.roles & ~seen;
        if (missing == 0) {
            return VKN_SUCCESS;
        }
        const VknRole role = firstRole(missing);
        return fail(error_, VKN_ERROR_INVALID_ARGUMENT, "pOperands", role, role, "the %s operand is missing",
                    findRole(role)->name);
    }

    VknResult readOperand(uint32_t index, const VknOperand& operand, const RoleInfo& role) {
        Tensor& tensor = execution_.tensors.set(role.role, {});
        tensor.buffer = operand.buffer;
        tensor.offset = operand.offset;
        tensor.bufferSize = operand.bufferSize;
        tensor.elementSize = elementSize(plan_.spec.type(role.role));
        tensor.rowElements = rowElements(role, plan_.spec);
        const bool isUsed = info_.rows != 0 || isParameterGradient(role.role);
        if (looksAtBuffers() && operand.buffer == VK_NULL_HANDLE && isUsed) {
            return fail(error_, VKN_ERROR_INVALID_ARGUMENT, operandField(index, "buffer").text, 0, 1,
                        "the %s operand has no buffer", role.name);
        }
        if (remainderOfPower(operand.offset, tensor.elementSize) != 0) {
            return fail(error_, VKN_ERROR_INVALID_ARGUMENT, operandField(index, "offset").text, operand.offset,
                        tensor.elementSize, "must be a multiple of %u, the size of an element of %s",
                        tensor.elementSize, role.name);
        }
        if (role.role == VKN_ROLE_COS_SIN) {
            return readTable(tensor);
        }
        if (!role.isPerRow()) {
            return VKN_SUCCESS;
        }
        tensor.rowsOfOuter = rowsOfOuter(role);
        const VknResult result = readStrides(index, operand, role, tensor);
        const bool isGathered = role.role == VKN_ROLE_INPUT && plan_.spec.has(VKN_ROLE_ROW_INDEX);
        return result == VKN_SUCCESS && isGathered ? readSource(index, operand, tensor) : result;
    }

    // 0: all.
    uint64_t rowsOfOuter(const RoleInfo& role) const {
        if (role.extent == Extent::Outers) {
            return 1;
        }
        const uint64_t queryRows = plan_.spec.queryRows;
        if (role.extent != Extent::Rows || queryRows == 0) {
            return 0;
        }
        const bool isKey = role.role == VKN_ROLE_KEY || role.role == VKN_ROLE_KEY_OUTPUT;
        return isKey ? execution_.shape.rowsPerOuter - queryRows : queryRows;
    }

    VknResult readTable(Tensor& tensor) {
        if (info_.tableRows == 0 || info_.tableRows > UINT32_MAX) {
            return failArgument(error_, "tableRows", info_.tableRows, UINT32_MAX,
                                "a plan with COS_SIN must be told how many rows it has, 1 to 4294967295");
        }
        tensor.sourceRows = info_.tableRows;
        tensor.rowElements = saturatingMultiply(info_.tableRows, tensor.rowElements);
        return VKN_SUCCESS;
    }

    // Rows of x may be any of the tensor's, so it is bound as a whole.
    VknResult readSource(uint32_t index, const VknOperand& operand, Tensor& tensor) {
        if (info_.sourceRows == 0 || info_.sourceRows > UINT32_MAX) {
            return failArgument(error_, "sourceRows", info_.sourceRows, UINT32_MAX,
                                "a plan with ROW_INDEX must be told how many rows input has, 1 to 4294967295");
        }
        if (operand.outerStride != 0) {
            return failArgument(error_, operandField(index, "outerStride").text, operand.outerStride, 0,
                                "must be 0 where rows are gathered");
        }
        tensor.outerStride = 0;
        tensor.sourceRows = info_.sourceRows;
        tensor.rowElements =
            saturatingAdd(saturatingMultiply(info_.sourceRows - 1, tensor.rowStride), tensor.rowElements);
        return VKN_SUCCESS;
    }

    VknResult readStrides(uint32_t index, const VknOperand& operand, const RoleInfo& role, Tensor& tensor) {
        tensor.rowStride = operand.rowStride != 0 ? operand.rowStride : tensor.rowElements;
        const bool isDense = role.extent != Extent::Rows;
        if (isDense && tensor.rowStride != tensor.rowElements) {
            return fail(error_, VKN_ERROR_INVALID_ARGUMENT, operandField(index, "rowStride").text, operand.rowStride,
                        tensor.rowElements, "%s is dense: must be 0 or %llu", role.name,
                        static_cast<unsigned long long>(tensor.rowElements));
        }
        if (tensor.rowStride < tensor.rowElements) {
            return fail(error_, VKN_ERROR_INVALID_ARGUMENT, operandField(index, "rowStride").text, operand.rowStride,
                        tensor.rowElements, "must be at least hiddenSize, %u", plan_.spec.hiddenSize);
        }
        if (isOfImages() && role.extent == Extent::Rows) {
            return readGroups(index, operand, tensor);
        }
        const RowShape shape = shapeOf(tensor, execution_.shape);
        const uint64_t dense = saturatingMultiply(shape.rowsPerOuter, tensor.rowStride);
        tensor.outerStride = operand.outerStride != 0 ? operand.outerStride : dense;
        if (isDense && tensor.outerStride != dense) {
            return fail(error_, VKN_ERROR_INVALID_ARGUMENT, operandField(index, "outerStride").text,
                        operand.outerStride, dense,
                        "%s is dense: must be 0, or a row stride for each row of rowsPerOuter", role.name);
        }
        if (plan_.spec.writes(role) && rowsOverlap(tensor, shape)) {
            return fail(error_, VKN_ERROR_INVALID_ARGUMENT, operandField(index, "outerStride").text, tensor.outerStride,
                        dense, "rows of %s overlap with these strides", role.name);
        }
        return VKN_SUCCESS;
    }

    VknResult checkPlacement() {
        for (RoleSet left = plan_.spec.roles; left != 0; left = withoutFirst(left)) {
            const VknRole role = firstRole(left);
            VknResult result = checkFits(role);
            RoleSet others = plan_.spec.roles & (roleBit(role) - 1);
            for (; others != 0 && result == VKN_SUCCESS; others = withoutFirst(others)) {
                result = checkPair(firstRole(others), role);
            }
            if (result != VKN_SUCCESS) {
                return result;
            }
        }
        return VKN_SUCCESS;
    }

    // What is written even if there are no rows.
    VknResult checkSums() const {
        for (uint32_t r = 1; r < kRoleCount; ++r) {
            const auto role = static_cast<VknRole>(r);
            if (plan_.spec.has(role) && isParameterGradient(role)) {
                const VknResult result = checkFits(role);
                if (result != VKN_SUCCESS) {
                    return result;
                }
            }
        }
        return VKN_SUCCESS;
    }

    VknResult checkFits(VknRole role) const {
        const ByteRange& range = execution_.ranges[role];
        const uint64_t size = execution_.tensors[role].bufferSize;
        if (range.end > size) {
            const FieldName field = operandField(indexOf(role), "bufferSize");
            return fail(error_, VKN_ERROR_INVALID_ARGUMENT, field.text, size, range.end,
                        "the buffer of %s must have at least %llu bytes for %llu rows", findRole(role)->name,
                        static_cast<unsigned long long>(range.end), static_cast<unsigned long long>(info_.rows));
        }
        const uint64_t words = boundRange(range, 16).end;
        if (words > size) {
            const FieldName field = operandField(indexOf(role), "bufferSize");
            return fail(error_, VKN_ERROR_INVALID_ARGUMENT, field.text, size, words,
                        "%s ends inside a word, which is accessed as a whole: the buffer must have at least %llu bytes",
                        findRole(role)->name, static_cast<unsigned long long>(words));
        }
        return VKN_SUCCESS;
    }

    VknResult checkPair(VknRole a, VknRole b) const {
        if (execution_.tensors[a].buffer == execution_.tensors[b].buffer) {
            return checkApart(a, b);
        }
        if (plan_.rows.shareBinding(a, b) || plan_.columns.shareBinding(a, b)) {
            return fail(error_, VKN_ERROR_INVALID_ARGUMENT, operandField(indexOf(b), "buffer").text, b, a,
                        "%s and %s share a binding of this plan and must lie in one VkBuffer", findRole(b)->name,
                        findRole(a)->name);
        }
        return VKN_SUCCESS;
    }

    // Of two operands in one buffer.
    VknResult checkApart(VknRole a, VknRole b) const {
        const RoleInfo& first = *findRole(a);
        const RoleInfo& second = *findRole(b);
        const Tensor& x = execution_.tensors[a];
        const Tensor& y = execution_.tensors[b];
        if ((plan_.spec.writes(first) || plan_.spec.writes(second)) &&
            tensorsOverlap({x, execution_.ranges[a]}, {y, execution_.ranges[b]}, execution_.shape)) {
            return fail(error_, VKN_ERROR_INVALID_ARGUMENT, operandField(indexOf(b), "offset").text, y.offset, x.offset,
                        "%s overlaps %s; only a plan with VKN_PLAN_IN_PLACE_BIT may write what it reads", second.name,
                        first.name);
        }
        return VKN_SUCCESS;
    }

    VknResult splitRows() {
        if (!finishExecution(plan_.context->facts, execution_)) {
            if (execution_.split.dispatchesPerOuter != 0 && execution_.columns != nullptr) {
                return failArgument(error_, "rowsPerOuter", execution_.shape.rowsPerOuter, 0,
                                    "must be 0 where sums are taken over so many rows, or with so many operands");
            }
            return fail(
                error_, VKN_ERROR_UNSUPPORTED, "rows", info_.rows, plan_.context->facts.maxStorageBufferRange,
                "operands that share a binding are further apart, or a row is larger, than the %llu bytes that this "
                "device lets a binding have",
                static_cast<unsigned long long>(plan_.context->facts.maxStorageBufferRange));
        }
        if (plan_.spec.queryRows != 0 && execution_.split.dispatchesPerOuter > 1) {
            return failArgument(error_, "rowsPerOuter", execution_.shape.rowsPerOuter, execution_.split.rowsPerDispatch,
                                "queries and keys of a token must fit in one dispatch");
        }
        const bool hasOneScratch = plan_.spec.isTraining() || plan_.columns.roles != 0;
        if (hasOneScratch && scratchSize(execution_) > plan_.context->facts.maxStorageBufferRange) {
            return fail(error_, VKN_ERROR_UNSUPPORTED, "rows", info_.rows, plan_.context->facts.maxStorageBufferRange,
                        "the sums over so many and so wide rows need %llu bytes of scratch, more than this device "
                        "lets a binding have",
                        static_cast<unsigned long long>(scratchSize(execution_)));
        }
        if (execution_.split.dispatchCount > kMaxDispatches) {
            return fail(error_, VKN_ERROR_UNSUPPORTED, "rows", info_.rows, kMaxDispatches,
                        "these strides need more than %llu dispatches",
                        static_cast<unsigned long long>(kMaxDispatches));
        }
        return VKN_SUCCESS;
    }

    VknResult checkGpuRows() {
        if (info_.rowsBuffer == VK_NULL_HANDLE) {
            return failArgument(error_, "rowsBuffer", 0, 1, "a plan with VKN_PLAN_GPU_ROWS_BIT needs one");
        }
        if (info_.rowsBufferOffset % 4 != 0) {
            return failArgument(error_, "rowsBufferOffset", info_.rowsBufferOffset, 4, "must be a multiple of 4");
        }
        if (info_.rowsBufferSize < 4 || info_.rowsBufferOffset > info_.rowsBufferSize - 4) {
            return failArgument(error_, "rowsBufferSize", info_.rowsBufferSize,
                                saturatingAdd(info_.rowsBufferOffset, 4), "must hold 4 bytes from rowsBufferOffset on");
        }
        execution_.rowsBuffer = info_.rowsBuffer;
        execution_.rowsOffset = info_.rowsBufferOffset;
        return VKN_SUCCESS;
    }

    VknResult checkScratch() {
        const uint64_t needed = scratchSize(execution_);
        const uint64_t alignment = scratchAlignment(plan_.context->facts, plan_.spec);
        if (info_.scratchBuffer == VK_NULL_HANDLE) {
            return failArgument(error_, "scratchBuffer", 0, needed,
                                "GPU_ROWS, training and the gradients of parameters need scratch");
        }
        if (info_.scratchOffset % alignment != 0) {
            return failArgument(error_, "scratchOffset", info_.scratchOffset, alignment,
                                "must be a multiple of VknPlanInfo::scratchAlignment");
        }
        if (info_.scratchSize < needed) {
            return fail(error_, VKN_ERROR_INVALID_ARGUMENT, "scratchSize", info_.scratchSize, needed,
                        "must be at least %llu bytes", static_cast<unsigned long long>(needed));
        }
        execution_.scratchBuffer = info_.scratchBuffer;
        execution_.scratchOffset = info_.scratchOffset;
        const ByteRange scratch = {info_.scratchOffset, info_.scratchOffset + needed};
        return checkScratchApart(scratch);
    }

    VknResult checkScratchApart(const ByteRange& scratch) const {
        for (uint32_t r = 1; r < kRoleCount; ++r) {
            const auto role = static_cast<VknRole>(r);
            if (plan_.spec.has(role) && execution_.tensors[r].buffer == info_.scratchBuffer &&
                rangesOverlap(scratch, execution_.ranges[role])) {
                return fail(error_, VKN_ERROR_INVALID_ARGUMENT, "scratchOffset", info_.scratchOffset, scratch.end,
                            "the scratch overlaps %s", findRole(role)->name);
            }
        }
        const ByteRange rows = {info_.rowsBufferOffset, info_.rowsBufferOffset + 4};
        if (info_.rowsBuffer == info_.scratchBuffer && rangesOverlap(scratch, rows)) {
            return failArgument(error_, "scratchOffset", info_.scratchOffset, scratch.end,
                                "the scratch overlaps the number of rows");
        }
        return VKN_SUCCESS;
    }
};

}  // namespace

VknResult makeExecution(const VknPlan_T& plan, const VknExecuteInfo* info, Purpose purpose, Execution& execution,
                        VknError* error) {
    if (info == nullptr) {
        return failArgument(error, "pInfo", 0, 1, "must not be null");
    }
    return Validator(plan, *info, purpose, execution, error).run();
}

}  // namespace vkn
