// Binding pools and persistent bindings.
#include "api/execute_info.hpp"
#include "base/error.hpp"
#include "plan/gradients.hpp"
#include "record/record.hpp"

using namespace vkn;

static constexpr uint32_t kMaxPoolDispatches = 1u << 20;

VknResult vknCreateBindingPool(VknContext context, const VknBindingPoolCreateInfo* pCreateInfo, VknBindingPool* pPool,
                               VknError* pError) {
    if (context == nullptr || pCreateInfo == nullptr || pPool == nullptr) {
        const char* field = context == nullptr ? "context" : (pCreateInfo == nullptr ? "pCreateInfo" : "pPool");
        return failArgument(pError, field, 0, 1, "must not be null");
    }
    VknResult result =
        checkStructureType(pError, "sType", pCreateInfo->sType, VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO);
    if (result != VKN_SUCCESS) {
        return result;
    }
    if (pCreateInfo->maxDispatches == 0 || pCreateInfo->maxDispatches > kMaxPoolDispatches) {
        return failArgument(pError, "maxDispatches", pCreateInfo->maxDispatches, kMaxPoolDispatches,
                            "must be 1 to 1048576");
    }
    auto* pool = context->memory.create<VknBindingPool_T>();
    if (pool == nullptr) {
        return fail(pError, VKN_ERROR_OUT_OF_HOST_MEMORY, "", 0, 0, "no memory for a binding pool");
    }
    pool->context = context;
    if (!context->facts.hasPushDescriptors) {
        result = createSets(*context, pCreateInfo->maxDispatches, *pool, pError);
    }
    if (result != VKN_SUCCESS) {
        context->memory.release(pool);
        return result;
    }
    *pPool = pool;
    return VKN_SUCCESS;
}

void vknResetBindingPool(VknBindingPool pool) {
    if (pool != nullptr) {
        pool->used = 0;
    }
}

void vknDestroyBindingPool(VknBindingPool pool) {
    if (pool == nullptr) {
        return;
    }
    const VknContext context = pool->context;
    destroySets(*pool);
    context->memory.release(pool);
}

VknResult vknCreateBinding(VknPlan plan, const VknExecuteInfo* pInfo, VknBinding* pBinding, VknError* pError) {
    if (plan == nullptr || pBinding == nullptr) {
        return failArgument(pError, plan == nullptr ? "plan" : "pBinding", 0, 1, "must not be null");
    }
    VknContext_T& context = *plan->context;
    Execution execution;
    VknResult result = makeExecution(*plan, pInfo, Purpose::Record, execution, pError);
    if (result != VKN_SUCCESS) {
        return result;
    }
    auto* binding = context.memory.create<VknBinding_T>();
    if (binding == nullptr) {
        return fail(pError, VKN_ERROR_OUT_OF_HOST_MEMORY, "", 0, 0, "no memory for a binding");
    }
    binding->plan = plan;
    binding->execution = execution;
    if (!context.facts.hasPushDescriptors && setsNeeded(execution) != 0) {
        result = createSets(context, static_cast<uint32_t>(setsNeeded(execution)), binding->pool, pError);
        if (result != VKN_SUCCESS) {
            context.memory.release(binding);
            return result;
        }
        writeSets(execution, context, binding->pool.sets);
    }
    *pBinding = binding;
    return VKN_SUCCESS;
}

void vknDestroyBinding(VknBinding binding) {
    if (binding == nullptr) {
        return;
    }
    const VknContext context = binding->plan->context;
    destroySets(binding->pool);
    context->memory.release(binding);
}
