// Plans: creation and information.
#include "api/plan.hpp"

#include "base/error.hpp"
#include "device/objects.hpp"
#include "device/pipeline.hpp"
#include "plan/gradients.hpp"
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
    for (VkPipeline& pipeline : plan.pipelines) {
        if (pipeline != VK_NULL_HANDLE) {
            context.functions.DestroyPipeline(context.device, pipeline, context.memory.callbacks());
            pipeline = VK_NULL_HANDLE;
        }
    }
}

// Makes a plan's pipelines one by one; after a failure, none any more.
class PipelineSet {
public:
    PipelineSet(VknPlan_T& plan, VknError* error) : plan_(plan), maker_(pipelineMaker(*plan.context)), error_(error) {}

    VknResult make() {
        makeRows();
        if (plan_.spec.isSet(VKN_PLAN_GPU_ROWS_BIT)) {
            add([&] { return makePrepareRowsPipeline(maker_, plan_.pipelines[kPrepareRowsPipeline], error_); });
        }
        if (plan_.spec.takesColumnStatistics()) {
            makeColumns();
        }
        if (plan_.columns.roles != 0) {
            makeSums();
        }
        if (result_ != VKN_SUCCESS) {
            destroyPipelines(plan_);
        }
        return result_;
    }

private:
    VknPlan_T& plan_;
    const PipelineMaker maker_;
    VknError* error_;
    VknResult result_ = VKN_SUCCESS;

    template <typename Make>
    void add(const Make& makeOne) {
        if (result_ == VKN_SUCCESS) {
            result_ = makeOne();
        }
    }

    void addRows(PipelineKind kind, bool measuresOnly, uint32_t sums) {
        const auto addOne = [&](uint32_t ofKind, bool aligned) {
            add([&] {
                return makeRowPipeline(maker_, plan_.spec, plan_.choice, {plan_.rows, aligned, measuresOnly, sums},
                                       plan_.pipelines[ofKind], error_);
            });
        };
        addOne(kind, false);
        if (plan_.choice.hasAlignedKernel) {
            addOne(kind + 1, true);
        }
    }

    // What rows leave for columns, the kernel that comes before those does.
    void makeRows() {
        const bool measuresFirst = measuresBefore(plan_.spec);
        const uint32_t sums = rowsLeaveScratch(plan_.spec) ? sumsOf(plan_.spec) : 0;
        addRows(kRowsPipeline, false, measuresFirst ? 0 : sums);
        if (measuresFirst) {
            addRows(kMeasurePipeline, true, sums);
        }
    }

    void makeColumns() {
        const auto addOne = [&](PipelineKind kind, bool aligned) {
            add([&] {
                return makeColumnPipeline(maker_, plan_.spec, plan_.choice, aligned, plan_.pipelines[kind], error_);
            });
        };
        addOne(kColumnsPipeline, false);
        if (plan_.choice.hasAlignedColumns) {
            addOne(kAlignedColumnsPipeline, true);
        }
        add([&] {
            return makeJoinPipeline(maker_, plan_.spec, plan_.choice, plan_.pipelines[kJoinColumnsPipeline], error_);
        });
    }

    void makeSums() {
        for (uint32_t pass = 0; pass < passesOfSums(plan_.spec, plan_.choice); ++pass) {
            const uint32_t sums = sumsOfPass(plan_.spec, plan_.choice, pass);
            const auto addOne = [&](uint32_t kind, bool aligned) {
                add([&] {
                    return makeGradientColumnPipeline(maker_, plan_.spec, plan_.choice,
                                                      {plan_.columns, aligned, false, sums}, plan_.pipelines[kind],
                                                      error_);
                });
            };
            addOne(kGradientColumnsPipeline + pass, false);
            if (plan_.choice.hasAlignedColumns) {
                addOne(kAlignedGradientColumnsPipeline + pass, true);
            }
        }
        add([&] { return makeJoinSumsPipeline(maker_, plan_.pipelines[kJoinSumsPipeline], error_); });
    }
};

// Chooses and compiles; where a driver cannot compile a form that nobody forced, the next safer one.
static VknResult chooseAndCompile(VknPlan_T& plan, VknError* error) {
    DeviceFacts facts = plan.context->currentFacts();
    const VknError untouched = error != nullptr ? *error : VknError();
    for (;;) {
        VknResult result = chooseTunedKernel(facts, plan.context->tuning, plan.spec, plan.choice, error);
        if (result != VKN_SUCCESS) {
            return result;
        }
        result = PipelineSet(plan, error).make();
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
    VknResult result =
        makeKernelInterface(context->facts, spec, rolesOfRows(spec), scratchWordsOfRows(spec), created->rows, error);
    if (result == VKN_SUCCESS && sumsOf(spec) != 0) {
        result = makeKernelInterface(context->facts, spec, rolesOfColumns(spec), scratchWordsOfColumns(spec),
                                     created->columns, error);
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

static bool needsScratchOfColumns(const OperationSpec& spec) {
    return spec.takesColumnStatistics() || sumsOf(spec) != 0;
}

static VkBufferUsageFlags scratchUsage(const OperationSpec& spec) {
    if (spec.isSet(VKN_PLAN_GPU_ROWS_BIT)) {
        return VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
               VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT;
    }
    return needsScratchOfColumns(spec) ? VkBufferUsageFlags{VK_BUFFER_USAGE_STORAGE_BUFFER_BIT} : 0u;
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
    pInfo->rowsAtOnce = choice.rowsAtOnce;
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
    const uint32_t ofRows = plan->rows.signature.bindingCount;
    const uint32_t ofColumns = plan->columns.signature.bindingCount;
    pInfo->storageBufferCount = ofRows > ofColumns ? ofRows : ofColumns;
    pInfo->pushConstantSize = sizeof(RowConstants);
    pInfo->disturbedState = VKN_DISTURBED_COMPUTE_PIPELINE_BIT | VKN_DISTURBED_COMPUTE_DESCRIPTOR_SET_0_BIT |
                            VKN_DISTURBED_PUSH_CONSTANTS_BIT;
    snprintf(pInfo->signature, sizeof pInfo->signature, "%s%s%s", plan->rows.signature.text,
             plan->columns.roles != 0 ? " | " : "", plan->columns.signature.text);
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

// Among those of the kernel that has the operand: of rows, or else of columns, or one that binds nothing else.
uint32_t bindingOf(const VknPlan_T& plan, const RoleInfo& role) {
    if (!role.hasSlot()) {
        return VKN_BINDING_OF_ITS_OWN;
    }
    return plan.rows.has(role.role) ? plan.rows.bindingOf(role)
                                    : plan.rows.signature.bindingCount + plan.columns.bindingOf(role);
}

VknOperandAccess accessOfOperand(const VknPlan_T& plan, const RoleInfo& role) {
    VknOperandAccess access = {};
    access.role = role.role;
    access.binding = bindingOf(plan, role);
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
    if (needsScratchOfColumns(plan->spec)) {
        VknOperandAccess& scratch = all[count++];
        scratch.binding = VKN_BINDING_OUTPUT;
        scratch.stageMask = secondScope(false).stages;
        scratch.accessMask = secondScope(false).accesses;
        scratch.bufferUsage = scratchUsage(plan->spec);
    }
    return enumerate(all, count, pCount, pAccesses);
}

VknResult vknGetPlanPipelines(VknPlan plan, uint32_t* pCount, VkPipeline* pPipelines) {
    VkPipeline all[kPipelineCount] = {};
    uint32_t count = 0;
    for (VkPipeline pipeline : plan->pipelines) {
        if (pipeline != VK_NULL_HANDLE) {
            all[count++] = pipeline;
        }
    }
    return enumerate(all, count, pCount, pPipelines);
}
