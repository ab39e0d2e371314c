#include "device/pipeline.hpp"

#include "base/error.hpp"
#include "base/float_bits.hpp"
#include "device/module.hpp"
#include "device/specialise.hpp"

#include <cstdio>

namespace vkn {

static VknResult makeShaderModule(const PipelineMaker& maker, const PipelineRequest& request, VkShaderModule& module,
                                  VknError* error) {
    const VknKernelModule* source = findModule(request.module);
    if (source == nullptr) {
        return fail(error, VKN_ERROR_UNSUPPORTED, "", 0, 0,
                    "this build of the library has no kernel %s: it was made with VKNORM_KERNELS=%s", request.module,
                    vkn_kernelFamilies);
    }
    Specialisation specialisation;
    specialisation.values = request.specialisation;
    specialisation.valueCount = request.specialisation != nullptr ? VKN_SPEC_COUNT : 0;
    specialisation.bindingOfSlot = request.bindingOfSlot;
    specialisation.slotCount = request.bindingOfSlot != nullptr ? VKN_BINDING_COUNT : 0;
    SpirvCode whole;
    const VknResult unpacked = unpackModule(maker.memory, *source, whole, error);
    if (unpacked != VKN_SUCCESS) {
        return unpacked;
    }
    const SpirvCode code = specialise(maker.memory, whole, specialisation);
    maker.memory.release(whole.words);
    if (code.words == nullptr) {
        return fail(error, VKN_ERROR_OUT_OF_HOST_MEMORY, "", 0, 0, "no memory for a shader module");
    }
    const VkShaderModuleCreateInfo info = {VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, nullptr, 0,
                                           code.wordCount * sizeof(uint32_t), code.words};
    const VkResult result = maker.functions.CreateShaderModule(maker.device, &info, maker.memory.callbacks(), &module);
    maker.memory.release(code.words);
    return result == VK_SUCCESS ? VKN_SUCCESS : failVulkan(error, "vkCreateShaderModule", result);
}

static VkResult createPipeline(const PipelineMaker& maker, const PipelineRequest& request, VkShaderModule module,
                               VkPipeline& pipeline) {
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo required = {};
    required.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO;
    required.requiredSubgroupSize = request.requiredSubgroupSize;

    VkComputePipelineCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
    info.flags = maker.flags;
    info.layout = maker.layout;
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.pNext = request.requiredSubgroupSize != 0 ? &required : nullptr;
    if (request.fullSubgroups) {
        info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
    }
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = module;
    info.stage.pName = "main";
    pipeline = VK_NULL_HANDLE;
    const VkResult result = maker.functions.CreateComputePipelines(maker.device, maker.cache, 1, &info,
                                                                   maker.memory.callbacks(), &pipeline);
    // Drivers have returned success and no pipeline.
    return result == VK_SUCCESS && pipeline == VK_NULL_HANDLE ? VK_ERROR_UNKNOWN : result;
}

void nameObject(const Functions& functions, VkDevice device, VkObjectType type, uint64_t handle, const char* name) {
    if (functions.SetDebugUtilsObjectName == nullptr) {
        return;
    }
    const VkDebugUtilsObjectNameInfoEXT info = {VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT, nullptr, type,
                                                handle, name};
    functions.SetDebugUtilsObjectName(device, &info);
}

VknResult makePipeline(const PipelineMaker& maker, const PipelineRequest& request, VkPipeline& pipeline,
                       VknError* error) {
    VkShaderModule module = VK_NULL_HANDLE;
    const VknResult made = makeShaderModule(maker, request, module, error);
    if (made != VKN_SUCCESS) {
        return made;
    }
    const VkResult result = createPipeline(maker, request, module, pipeline);
    maker.functions.DestroyShaderModule(maker.device, module, maker.memory.callbacks());
    if (result != VK_SUCCESS) {
        return failVulkan(error, "vkCreateComputePipelines", result);
    }
    nameObject(maker.functions, maker.device, VK_OBJECT_TYPE_PIPELINE, reinterpret_cast<uint64_t>(pipeline),
               request.name);
    return VKN_SUCCESS;
}

static void fillChoice(const KernelChoice& choice, SpecialisationValues& values) {
    values[VKN_SPEC_WORKGROUP_SIZE] = choice.workgroupSize;
    values[VKN_SPEC_FORM] = choice.form;
    values[VKN_SPEC_SUBGROUP_SIZE] = choice.subgroupSize == 0 ? 1 : choice.subgroupSize;
    values[VKN_SPEC_GROUP] = choice.group;
    values[VKN_SPEC_CHUNK] = choice.chunk;
    values[VKN_SPEC_PIECE] = choice.unalignedPiece;
    values[VKN_SPEC_ROWS_AT_ONCE] = choice.rowsAtOnce;
}

static uint32_t kernelFlags(const OperationSpec& spec, const KernelChoice& choice) {
    const auto when = [](bool condition, uint32_t flag) { return condition ? flag : 0u; };
    return when(spec.normFirst != 0, VKN_FLAG_NORM_FIRST) |
           when(spec.ropeLayout == VKN_ROPE_LAYOUT_INTERLEAVED, VKN_FLAG_INTERLEAVED) |
           when(spec.ropeAngles == VKN_ROPE_ANGLES_FP32_PRODUCT, VKN_FLAG_ANGLE_PRODUCTS) |
           when(spec.channelsLast != 0, VKN_FLAG_CHANNELS_LAST) |
           when(spec.channels != 0 && spec.hiddenSize / spec.channels % choice.chunk == 0, VKN_FLAG_WHOLE_CHUNKS) |
           when(spec.isSet(VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT), VKN_FLAG_EPSILON_OUTSIDE) |
           when(spec.isSet(VKN_PLAN_EARLY_CAST_BIT), VKN_FLAG_EARLY_CAST) |
           when(spec.isSet(VKN_PLAN_IN_PLACE_BIT), VKN_FLAG_IN_PLACE) | when(spec.isTraining(), VKN_FLAG_TRAINING) |
           when(spec.isSet(VKN_PLAN_GPU_ROWS_BIT), VKN_FLAG_GPU_ROWS) | when(choice.readAgain, VKN_FLAG_READ_AGAIN) |
           when(choice.isFrugal, VKN_FLAG_FRUGAL) | when(choice.drawsFirst, VKN_FLAG_DRAWS_FIRST) |
           when(choice.hasWholeGroups, VKN_FLAG_WHOLE_GROUPS) | when(choice.hasOneTurn, VKN_FLAG_ONE_TURN) |
           when(choice.holdsWeights, VKN_FLAG_HOLDS_WEIGHTS) | when(choice.takesRowsInOrder, VKN_FLAG_ROWS_IN_ORDER);
}

static void fillOperation(const OperationSpec& spec, const KernelInterface& kernel, SpecialisationValues& values) {
    const WordLayout& words = kernel.words;
    values[VKN_SPEC_OPERANDS] = static_cast<uint32_t>(kernel.roles);
    values[VKN_SPEC_OPERANDS_FROM_32] = static_cast<uint32_t>(kernel.roles >> 32);
    values[VKN_SPEC_SCRATCH_WORD] = words.ofScratch;
    values[VKN_SPEC_MOMENTUM] = bitsOf(spec.momentum);
    values[VKN_SPEC_PARTIAL_SIZE] = spec.partialSize;
    values[VKN_SPEC_PLACEMENT] = spec.placement;
    values[VKN_SPEC_EPSILON] = bitsOf(spec.epsilon);
    values[VKN_SPEC_WEIGHT_OFFSET] = bitsOf(spec.gammaOffset);
    values[VKN_SPEC_RESIDUAL_SCALE] = bitsOf(spec.residualScale);
    values[VKN_SPEC_BRANCH_SCALE] = bitsOf(spec.branchScale);
    const auto p = static_cast<double>(spec.dropoutProbability);
    values[VKN_SPEC_DROP_BELOW] = static_cast<uint32_t>(p * 4294967296.0);
    values[VKN_SPEC_KEPT_SCALE] = bitsOf(static_cast<float>(1.0 / (1.0 - p)));
    values[VKN_SPEC_DROPOUT_WORD] = words.ofDropout;
    values[VKN_SPEC_OPERATION] = spec.operation;
    values[VKN_SPEC_ALPHA] = bitsOf(spec.alpha);
    values[VKN_SPEC_PARAMETER_ROWS] = spec.kernelParameterRows();
    values[VKN_SPEC_GROUP_CHANNELS] = spec.channels / spec.groups;
    values[VKN_SPEC_PARAMETER_ROWS_WORD] = words.ofParameterRows;
    values[VKN_SPEC_ACTIVATION] = spec.activation;
    values[VKN_SPEC_QUANTIZATION] = spec.quantization;
    values[VKN_SPEC_ROTARY_SIZE] = spec.rotarySize;
    values[VKN_SPEC_ROPE_SCALE] = bitsOf(spec.ropeScale);
    values[VKN_SPEC_QUERY_ROWS] = spec.queryRows;
    values[VKN_SPEC_BLOCK_SIZE] = spec.blockSize;
    values[VKN_SPEC_SCALE] = bitsOf(spec.outputScale);
    values[VKN_SPEC_SCALE_2] = bitsOf(spec.outputScale2);
    values[VKN_SPEC_LARGEST_VALUE] = bitsOf(spec.largestValue);
    for (uint32_t r = 1; r < kRoleCount; ++r) {
        values[VKN_SPEC_TYPE_OF(r)] = spec.types[spec.standIn(static_cast<VknRole>(r))];
        values[VKN_SPEC_WORD_OF(r)] = words.ofRole[r];
    }
    if (spec.isBackward() && !spec.has(VKN_ROLE_RESIDUAL)) {  // the stream's type, to which an early cast rounds
        values[VKN_SPEC_TYPE_OF(VKN_ROLE_RESIDUAL)] = spec.types[VKN_ROLE_RESIDUAL_OUTPUT];
    }
}

static PipelineRequest requestOf(const KernelChoice& choice, const char* module, const uint32_t* specialisation) {
    PipelineRequest request;
    request.module = module;
    request.specialisation = specialisation;
    request.requiredSubgroupSize = choice.requireSubgroupSize ? choice.subgroupSize : 0;
    request.fullSubgroups = choice.requireFullSubgroups;
    return request;
}

static const char* moduleSuffix(const KernelChoice& choice) {
    return choice.form == VKN_KERNEL_FORM_SHARED ? "base" : "sg";
}

static void fillKernel(const OperationSpec& spec, const KernelChoice& choice, const KernelRequest& request,
                       SpecialisationValues& values) {
    fillChoice(choice, values);
    fillOperation(spec, request.kernel, values);
    values[VKN_SPEC_SUMS] = request.sums;
    values[VKN_SPEC_FLAGS] = kernelFlags(spec, choice) |
                             (request.kernel.words.hasOuterStrides ? VKN_FLAG_OUTER_STRIDES : 0U) |
                             (request.aligned && choice.storesFirst ? VKN_FLAG_STORES_FIRST : 0U) |
                             (request.measuresOnly ? VKN_FLAG_MEASURE_ONLY : 0U);
}

VknResult makeRowPipeline(const PipelineMaker& maker, const OperationSpec& spec, const KernelChoice& choice,
                          const KernelRequest& kernel, VkPipeline& pipeline, VknError* error) {
    SpecialisationValues values = {};
    fillKernel(spec, choice, kernel, values);
    char module[48];
    snprintf(module, sizeof module, "%s%s.%s", spec.isBackward() ? "backward" : "norm",
             kernel.aligned ? "_aligned" : "", moduleSuffix(choice));
    PipelineRequest request = requestOf(choice, module, values);
    request.bindingOfSlot = kernel.kernel.signature.bindingOfSlot;
    request.name = spec.name[0] != '\0' ? spec.name : module;
    return makePipeline(maker, request, pipeline, error);
}

VknResult makeGradientColumnPipeline(const PipelineMaker& maker, const OperationSpec& spec, const KernelChoice& choice,
                                     const KernelRequest& kernel, VkPipeline& pipeline, VknError* error) {
    SpecialisationValues values = {};
    fillKernel(spec, choice, kernel, values);
    values[VKN_SPEC_WORKGROUP_SIZE] = VKN_COLUMN_WORKGROUP;
    values[VKN_SPEC_PIECE] = choice.columnPiece;
    if (choice.isFrugal) {  // a lane draws its piece, however wide a row is
        values[VKN_SPEC_FLAGS] |= VKN_FLAG_DRAWS_FIRST;
    }
    // It has no use for subgroups, but where their size is what registers a lane has depend on, it needs as many as rows do.
    PipelineRequest request =
        requestOf(choice, kernel.aligned ? "gradient_columns_aligned.base" : "gradient_columns.base", values);
    request.fullSubgroups = false;
    request.bindingOfSlot = kernel.kernel.signature.bindingOfSlot;
    request.name = spec.name[0] != '\0' ? spec.name : request.module;
    return makePipeline(maker, request, pipeline, error);
}

VknResult makeJoinSumsPipeline(const PipelineMaker& maker, VkPipeline& pipeline, VknError* error) {
    SpecialisationValues values = {};
    values[VKN_SPEC_WORKGROUP_SIZE] = VKN_COLUMN_WORKGROUP;
    values[VKN_SPEC_CHUNK] = 4;
    values[VKN_SPEC_PIECE] = 4;
    PipelineRequest request;
    request.module = "join_sums.base";
    request.specialisation = values;
    request.name = "vknorm sums over rows";
    return makePipeline(maker, request, pipeline, error);
}

// What the kernels of columns are told: the chunks and types of a row's kernel, in workgroups of their own size.
static VknResult makeOneOfColumns(const PipelineMaker& maker, const OperationSpec& spec, const KernelChoice& choice,
                                  const char* module, VkPipeline& pipeline, VknError* error) {
    SpecialisationValues values = {};
    fillChoice(choice, values);
    KernelInterface kernel;
    kernel.roles = spec.roles;
    fillOperation(spec, kernel, values);
    values[VKN_SPEC_WORKGROUP_SIZE] = VKN_COLUMN_WORKGROUP;
    values[VKN_SPEC_FLAGS] = kernelFlags(spec, choice);
    PipelineRequest request;
    request.module = module;
    request.specialisation = values;
    request.name = spec.name[0] != '\0' ? spec.name : module;
    return makePipeline(maker, request, pipeline, error);
}

VknResult makeColumnPipeline(const PipelineMaker& maker, const OperationSpec& spec, const KernelChoice& choice,
                             bool aligned, VkPipeline& pipeline, VknError* error) {
    return makeOneOfColumns(maker, spec, choice, aligned ? "columns_aligned.base" : "columns.base", pipeline, error);
}

VknResult makeJoinPipeline(const PipelineMaker& maker, const OperationSpec& spec, const KernelChoice& choice,
                           VkPipeline& pipeline, VknError* error) {
    return makeOneOfColumns(maker, spec, choice, "join_columns.base", pipeline, error);
}

VknResult makeSelfTestPipeline(const PipelineMaker& maker, const KernelChoice& choice, VkPipeline& pipeline,
                               VknError* error) {
    SpecialisationValues values = {};
    fillChoice(choice, values);
    char module[48];
    snprintf(module, sizeof module, "selftest.%s", moduleSuffix(choice));
    PipelineRequest request = requestOf(choice, module, values);
    request.name = "vknorm self-test";
    return makePipeline(maker, request, pipeline, error);
}

VknResult makePrepareRowsPipeline(const PipelineMaker& maker, VkPipeline& pipeline, VknError* error) {
    PipelineRequest request;
    request.module = "prepare_rows.base";
    request.name = "vknorm rows from a buffer";
    return makePipeline(maker, request, pipeline, error);
}

}  // namespace vkn
