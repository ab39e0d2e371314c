// Recording: vknCmdExecute and what belongs to it.
#include "api/execute_info.hpp"
#include "base/error.hpp"
#include "plan/gradients.hpp"
#include "record/record.hpp"

using namespace vkn;

static VknResult checkCommandBuffer(VkCommandBuffer commandBuffer, VknError* error) {
    return commandBuffer != nullptr ? VKN_SUCCESS : failArgument(error, "commandBuffer", 0, 1, "must not be null");
}

// Of no rows, the gradients of parameters are zeros.
static bool hasWork(const Execution& execution) { return execution.shape.rows != 0 || joinCount(execution) != 0; }

// Takes the sets of an execution from a pool. Nothing is taken on failure.
static VknResult takeSets(VknBindingPool pool, const Execution& execution, SetSource& source, VknError* error) {
    if (pool == nullptr) {
        return failArgument(error, "bindingPool", 0, 1, "is needed where push descriptors are not enabled");
    }
    const uint64_t needed = setsNeeded(execution);
    const uint64_t left = pool->setCount - pool->used;
    if (needed > left) {
        return fail(
            error, VKN_ERROR_BINDING_POOL_EXHAUSTED, "bindingPool", needed, left,
            "dispatches are needed and the pool has %u left: reset it, or create it with a larger maxDispatches",
            static_cast<unsigned>(left));
    }
    source.sets = pool->sets + pool->used;
    pool->used += static_cast<uint32_t>(needed);
    return VKN_SUCCESS;
}

VknResult vknCmdExecute(VknPlan plan, VkCommandBuffer commandBuffer, const VknExecuteInfo* pInfo, VknError* pError) {
    if (plan == nullptr) {
        return failArgument(pError, "plan", 0, 1, "must not be null");
    }
    Execution execution;
    SetSource source;
    VknResult result = checkCommandBuffer(commandBuffer, pError);
    if (result == VKN_SUCCESS) {
        result = makeExecution(*plan, pInfo, Purpose::Record, execution, pError);
    }
    if (result != VKN_SUCCESS || !hasWork(execution)) {
        return result;
    }
    if (!plan->context->facts.hasPushDescriptors) {
        result = takeSets(pInfo->bindingPool, execution, source, pError);
    }
    if (result == VKN_SUCCESS) {
        recordExecution(*plan, commandBuffer, execution, source);
    }
    return result;
}

VknResult vknGetScratchSize(VknPlan plan, const VknExecuteInfo* pInfo, VkDeviceSize* pSize, VknError* pError) {
    if (plan == nullptr || pSize == nullptr) {
        return failArgument(pError, plan == nullptr ? "plan" : "pSize", 0, 1, "must not be null");
    }
    Execution execution;
    const VknResult result = makeExecution(*plan, pInfo, Purpose::SizeOnly, execution, pError);
    if (result == VKN_SUCCESS) {
        *pSize = scratchSize(execution);
    }
    return result;
}

VknResult vknGetBoundRange(VknPlan plan, const VknExecuteInfo* pInfo, VknRole role, VknBoundRange* pRange,
                           VknError* pError) {
    if (plan == nullptr || pRange == nullptr) {
        return failArgument(pError, plan == nullptr ? "plan" : "pRange", 0, 1, "must not be null");
    }
    if (findRole(role) == nullptr || !plan->spec.has(role)) {
        return failArgument(pError, "role", role, plan->spec.roles, "the plan has no such operand");
    }
    Execution execution;
    const VknResult result = makeExecution(*plan, pInfo, Purpose::RangeOnly, execution, pError);
    if (result != VKN_SUCCESS) {
        return result;
    }
    const ByteRange range = execution.shape.rows == 0 ? ByteRange{} : operandRange(execution, role);
    *pRange = {execution.tensors[role].buffer, range.begin, range.size()};
    return VKN_SUCCESS;
}

void vknCmdBarrier(VknContext context, VkCommandBuffer commandBuffer, VknPlan first, VknPlan second) {
    const auto usesGpuRows = [](VknPlan plan) { return plan == nullptr || plan->spec.isSet(VKN_PLAN_GPU_ROWS_BIT); };
    recordBarrier(*context, commandBuffer, firstScope(usesGpuRows(first)), secondScope(usesGpuRows(second)));
}

VknResult vknCmdExecuteBinding(VknBinding binding, VkCommandBuffer commandBuffer, uint64_t rows, VknError* pError) {
    if (binding == nullptr) {
        return failArgument(pError, "binding", 0, 1, "must not be null");
    }
    const VknResult result = checkCommandBuffer(commandBuffer, pError);
    if (result != VKN_SUCCESS) {
        return result;
    }
    const Execution& made = binding->execution;
    const uint64_t most = made.shape.rows / made.spec->groups;  // kernels take a group of an image for a row
    if (rows > most) {
        return failArgument(pError, "rows", rows, most, "must be at most the rows that the binding was made with");
    }
    const bool gpuRows = made.spec->isSet(VKN_PLAN_GPU_ROWS_BIT);
    const uint64_t recorded = gpuRows ? made.shape.rows : rows * made.spec->groups;
    const SetSource source = {binding->pool.sets, true};
    if (recorded == made.shape.rows) {
        if (hasWork(made)) {
            recordExecution(*binding->plan, commandBuffer, made, source);
        }
        return VKN_SUCCESS;
    }
    // The split stays that of the binding: dispatches past the rows are left out.
    Execution execution = made;
    execution.shape.rows = recorded;
    if (hasWork(execution)) {
        recordExecution(*binding->plan, commandBuffer, execution, source);
    }
    return VKN_SUCCESS;
}
