// Plans: creation and information.
#include "api/plan.hpp"

#include "base/error.hpp"
#include "device/objects.hpp"
#include "device/pipeline.hpp"
#include "plan/traffic.hpp"
#include "record/record.hpp"

#include <cstdio>
#include <cstring>

using namespace vkn;

namespace vkn {

static PipelineMaker pipelineMaker(const VknContext_T& context) {
    return {context.memory,         context.functions,     context.device,
            context.pipelineLayout, context.pipelineCache, context.pipelineFlags};
}

static void destroyPipelines(VknPlan_T& plan) {
    const VknContext_T& context = *plan.context;
    for (VkPipeline* pipeline :
         {&plan.general, &plan.aligned, &plan.prepareRows, &plan.columns, &plan.alignedColumns, &plan.joinColumns}) {
        if (*pipeline != VK_NULL_HANDLE) {
            context.functions.DestroyPipeline(context.device, *pipeline, context.memory.callbacks());
            *pipeline = VK_NULL_HANDLE;
        }
    }
}

static VknResult createPipelinesOfColumns(const PipelineMaker& maker, VknPlan_T& plan, VknError* error) {
    VknResult result = makeColumnPipeline(maker, plan.spec, plan.choice, false, plan.columns, error);
    if (result == VKN_SUCCESS && plan.choice.hasAlignedColumns) {
        result = makeColumnPipeline(maker, plan.spec, plan.choice, true, plan.alignedColumns, error);
    }
    return result == VKN_SUCCESS ? makeJoinPipeline(maker, plan.spec, plan.choice, plan.joinColumns, error) : result;
}

static VknResult createPipelines(VknPlan_T& plan, VknError* error) {
    const PipelineMaker maker = pipelineMaker(*plan.context);
    VknResult result =
        makeKernelPipeline(maker, plan.spec, plan.choice, plan.signature, plan.words, false, plan.general, error);
    if (result == VKN_SUCCESS && plan.choice.hasAlignedKernel) {
        result =
            makeKernelPipeline(maker, plan.spec, plan.choice, plan.signature, plan.words, true, plan.aligned, error);
    }
    if (result == VKN_SUCCESS && plan.spec.isSet(VKN_PLAN_GPU_ROWS_BIT)) {
        result = makePrepareRowsPipeline(maker, plan.prepareRows, error);
    }
    if (result == VKN_SUCCESS && plan.spec.isTraining()) {
        result = createPipelinesOfColumns(maker, plan, error);
    }
    if (result != VKN_SUCCESS) {
        destroyPipelines(plan);
    }
    return result;
}

// Chooses and compiles; where a driver cannot compile a form that nobody forced, the next safer one.
static VknResult chooseAndCompile(VknPlan_T& plan, VknError* error) {
    DeviceFacts facts = plan.context->currentFacts();
    const VknError untouched = error != nullptr ? *error : VknError();
    for (;;) {
        VknResult result = chooseKernel(facts, plan.spec, plan.choice, error);
        if (result != VKN_SUCCESS) {
            return result;
        }
        result = createPipelines(plan, error);
        if (result == VKN_SUCCESS && error != nullptr) {
            *error = untouched;  // by the forms that failed before
        }
        const bool mayRetry = result == VKN_ERROR_PIPELINE_FAILED && plan.spec.form == VKN_KERNEL_FORM_AUTO &&
                              plan.choice.form != VKN_KERNEL_FORM_SHARED;
        if (!mayRetry) {
            return result;
        }
        facts.forbiddenForms |= formBit(plan.choice.form);
    }
}

VknResult createPlan(VknContext context, const OperationSpec& spec, VknPlan* plan, VknError* error) {
    auto* created = context->memory.create<VknPlan_T>();
    if (created == nullptr) {
        return fail(error, VKN_ERROR_OUT_OF_HOST_MEMORY, "", 0, 0, "no memory for a plan");
    }
    created->context = context;
    created->spec = spec;
    VknResult result = makeSignature(context->facts, spec, created->signature, error);
    created->words = makeWordLayout(spec);
    if (result == VKN_SUCCESS && created->words.count > VKN_MAX_WORDS) {
        result = fail(error, VKN_ERROR_UNSUPPORTED, "pOperands", created->words.count, VKN_MAX_WORDS,
                      "these operands and options need %u words of push constants, and devices grant %u",
                      created->words.count, uint32_t{VKN_MAX_WORDS});
    }
    if (result == VKN_SUCCESS) {
        result = chooseAndCompile(*created, error);
    }
    if (result != VKN_SUCCESS) {
        context->memory.release(created);
        return result;
    }
    *plan = created;
    return VKN_SUCCESS;
}

}  // namespace vkn

VknResult vknCreatePlan(VknContext context, const VknPlanCreateInfo* pCreateInfo, VknPlan* pPlan, VknError* pError) {
    if (context == nullptr || pCreateInfo == nullptr || pPlan == nullptr) {
        const char* field = context == nullptr ? "context" : (pCreateInfo == nullptr ? "pCreateInfo" : "pPlan");
        return failArgument(pError, field, 0, 1, "must not be null");
    }
    OperationSpec spec;
    const VknResult result = makeOperationSpec(*pCreateInfo, spec, pError);
    return result == VKN_SUCCESS ? createPlan(context, spec, pPlan, pError) : result;
}

void vknDestroyPlan(VknPlan plan) {
    if (plan == nullptr) {
        return;
    }
    destroyPipelines(*plan);
    plan->context->memory.release(plan);
}

static VkBufferUsageFlags scratchUsage(const OperationSpec& spec) {
    if (spec.isSet(VKN_PLAN_GPU_ROWS_BIT)) {
        return VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
               VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT;
    }
    return spec.isTraining() ? VkBufferUsageFlags{VK_BUFFER_USAGE_STORAGE_BUFFER_BIT} : 0u;
}

void vknGetPlanInfo(VknPlan plan, VknPlanInfo* pInfo) {
    const KernelChoice& choice = plan->choice;
    const OperationSpec& spec = plan->spec;
    const DeviceFacts& facts = plan->context->facts;
    pInfo->form = choice.form;
    pInfo->workgroupSize = choice.workgroupSize;
    pInfo->subgroupSize = choice.subgroupSize;
    pInfo->rowsPerWorkgroup = choice.rowsPerWorkgroup();
    pInfo->maxWorkgroups = choice.maxWorkgroups;
    pInfo->elementsPerAccess = choice.chunk;
    pInfo->accessesInRegisters = choice.readAgain ? 0 : choice.group;
    const Traffic traffic = trafficOf(spec, choice, choice.hasAlignedKernel);
    pInfo->inputReads = traffic.inputReads;
    pInfo->leastBytesPerRow = leastBytesPerRow(spec);
    pInfo->bytesPerRow = traffic.bytesPerRow;
    pInfo->unalignedBytesPerRow = trafficOf(spec, choice, false).bytesPerRow;
    pInfo->bytesPerDispatch = parameterBytes(spec);
    pInfo->scratchSize = mostScratchUnsplit(facts, spec);
    pInfo->scratchAlignment = scratchAlignment(facts, spec);
    pInfo->scratchUsage = scratchUsage(spec);
    pInfo->storageBufferCount = plan->signature.bindingCount;
    pInfo->pushConstantSize = sizeof(RowConstants);
    pInfo->disturbedState = VKN_DISTURBED_COMPUTE_PIPELINE_BIT | VKN_DISTURBED_COMPUTE_DESCRIPTOR_SET_0_BIT |
                            VKN_DISTURBED_PUSH_CONSTANTS_BIT;
    snprintf(pInfo->signature, sizeof pInfo->signature, "%s", plan->signature.text);
    snprintf(pInfo->reason, sizeof pInfo->reason, "%s", choice.reason);
}

namespace {

// Copies what fits and counts what there is, as Vulkan's enumerations do.
template <typename T>
VknResult enumerate(const T* all, uint32_t total, uint32_t* pCount, T* out) {
    if (out == nullptr) {
        *pCount = total;
        return VKN_SUCCESS;
    }
    const uint32_t copied = *pCount < total ? *pCount : total;
    for (uint32_t i = 0; i < copied; ++i) {
        out[i] = all[i];
    }
    *pCount = copied;
    return copied < total ? VKN_INCOMPLETE : VKN_SUCCESS;
}

VknOperandAccess accessOfOperand(const VknPlan_T& plan, const RoleInfo& role) {
    VknOperandAccess access = {};
    access.role = role.role;
    access.binding = plan.signature.bindingOfSlot[role.slot];
    access.stageMask = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
    access.accessMask = (plan.spec.writes(role) ? VkAccessFlags{VK_ACCESS_SHADER_WRITE_BIT} : 0u) |
                        (plan.spec.reads(role) ? VkAccessFlags{VK_ACCESS_SHADER_READ_BIT} : 0u);
    access.bufferUsage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
    return access;
}

}  // namespace

VknResult vknGetPlanAccesses(VknPlan plan, uint32_t* pCount, VknOperandAccess* pAccesses) {
    VknOperandAccess all[kRoleCount + 2] = {};
    uint32_t count = 0;
    for (uint32_t r = 1; r < kRoleCount; ++r) {
        const RoleInfo& role = *findRole(static_cast<VknRole>(r));
        if (plan->spec.has(role.role)) {
            all[count++] = accessOfOperand(*plan, role);
        }
    }
    if (plan->spec.isSet(VKN_PLAN_GPU_ROWS_BIT)) {
        VknOperandAccess& rows = all[count++];
        rows.isRowsBuffer = VK_TRUE;
        rows.binding = VKN_BINDING_INPUT;
        rows.stageMask = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
        rows.accessMask = VK_ACCESS_SHADER_READ_BIT;
        rows.bufferUsage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
        VknOperandAccess& scratch = all[count++];
        scratch.binding = VKN_BINDING_DISPATCH;
        scratch.stageMask = secondScope(true).stages;
        scratch.accessMask = secondScope(true).accesses;
        scratch.bufferUsage = scratchUsage(plan->spec);
    }
    if (plan->spec.isTraining()) {
        VknOperandAccess& scratch = all[count++];
        scratch.binding = VKN_BINDING_OUTPUT;
        scratch.stageMask = secondScope(false).stages;
        scratch.accessMask = secondScope(false).accesses;
        scratch.bufferUsage = scratchUsage(plan->spec);
    }
    return enumerate(all, count, pCount, pAccesses);
}

VknResult vknGetPlanPipelines(VknPlan plan, uint32_t* pCount, VkPipeline* pPipelines) {
    VkPipeline all[6] = {};
    uint32_t count = 0;
    for (VkPipeline pipeline :
         {plan->general, plan->aligned, plan->prepareRows, plan->columns, plan->alignedColumns, plan->joinColumns}) {
        if (pipeline != VK_NULL_HANDLE) {
            all[count++] = pipeline;
        }
    }
    return enumerate(all, count, pCount, pPipelines);
}
