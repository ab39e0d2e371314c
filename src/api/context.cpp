// Contexts, and what is asked before there is one.
#include "base/error.hpp"
#include "device/module.hpp"
#include "device/objects.hpp"
#include "device/pipeline_cache.hpp"
#include "device/quirks.hpp"
#include "plan/forms.hpp"

#include "vknorm_kernels.h"

#include <cstdio>
#include <cstring>

using namespace vkn;

uint32_t vknGetVersion(void) { return VKN_VERSION; }

const char* vknResultName(VknResult result) {
#define VKN_CASE(name) \
    case name:         \
        return #name;
    switch (result) {
        VKN_CASE(VKN_SUCCESS)
        VKN_CASE(VKN_INCOMPLETE)
        VKN_CASE(VKN_ERROR_INVALID_ARGUMENT)
        VKN_CASE(VKN_ERROR_UNSUPPORTED)
        VKN_CASE(VKN_ERROR_OUT_OF_HOST_MEMORY)
        VKN_CASE(VKN_ERROR_OUT_OF_DEVICE_MEMORY)
        VKN_CASE(VKN_ERROR_DEVICE_LOST)
        VKN_CASE(VKN_ERROR_PIPELINE_FAILED)
        VKN_CASE(VKN_ERROR_BINDING_POOL_EXHAUSTED)
        VKN_CASE(VKN_ERROR_SELF_TEST_FAILED)
        VKN_CASE(VKN_ERROR_BAD_DATA)
        VKN_CASE(VKN_ERROR_MISSING_FUNCTION)
        default:
            return "unknown VknResult";
    }
#undef VKN_CASE
}

namespace vkn {

static VknResult checkNotNull(const void* pointer, const char* field, VknError* error) {
    return pointer != nullptr ? VKN_SUCCESS : failArgument(error, field, 0, 1, "must not be null");
}

static VknResult checkExtensionNames(uint32_t count, const char* const* names, const char* field, VknError* error) {
    if (count != 0 && names == nullptr) {
        return failArgument(error, field, 0, count, "must not be null");
    }
    for (uint32_t i = 0; i < count; ++i) {
        if (names[i] == nullptr) {
            return failArgument(error, field, i, count, "this name is null");
        }
    }
    return VKN_SUCCESS;
}

static VknResult checkCreateInfo(const VknContextCreateInfo& info, VknError* error) {
    const uint32_t knownFlags =
        VKN_CONTEXT_IGNORE_QUIRKS_BIT | VKN_CONTEXT_CAPTURE_STATISTICS_BIT | VKN_CONTEXT_CAPTURE_REPRESENTATIONS_BIT;
    VknResult result = checkStructureType(error, "sType", info.sType, VKN_STRUCTURE_TYPE_CONTEXT_CREATE_INFO);
    if (result == VKN_SUCCESS && (info.flags & ~knownFlags) != 0) {
        result = failArgument(error, "flags", info.flags, knownFlags, "has bits that are no VknContextFlagBits");
    }
    if (result == VKN_SUCCESS && info.pNext != nullptr) {
        result = failArgument(error, "pNext", 1, 0, "must be null");
    }
    const struct {
        const void* pointer;
        const char* name;
    } required[] = {{reinterpret_cast<const void*>(info.getInstanceProcAddr), "getInstanceProcAddr"},
                    {info.instance, "instance"},
                    {info.physicalDevice, "physicalDevice"},
                    {info.device, "device"}};
    for (const auto& field : required) {
        result = result == VKN_SUCCESS ? checkNotNull(field.pointer, field.name, error) : result;
    }
    if (result == VKN_SUCCESS) {
        result = checkExtensionNames(info.enabledInstanceExtensionCount, info.ppEnabledInstanceExtensions,
                                     "ppEnabledInstanceExtensions", error);
    }
    if (result == VKN_SUCCESS) {
        result = checkExtensionNames(info.enabledDeviceExtensionCount, info.ppEnabledDeviceExtensions,
                                     "ppEnabledDeviceExtensions", error);
    }
    if (result == VKN_SUCCESS && info.pPipelineCacheData == nullptr && info.pipelineCacheDataSize != 0) {
        result = failArgument(error, "pPipelineCacheData", 0, info.pipelineCacheDataSize, "must not be null");
    }
    if (result == VKN_SUCCESS && info.pTuningTable == nullptr && info.tuningTableSize != 0) {
        result = failArgument(error, "pTuningTable", 0, info.tuningTableSize, "must not be null");
    }
    return result;
}

// apiVersion without its patch and variant; 0 means 1.0, as in VkApplicationInfo.
static uint32_t plainVersion(uint32_t apiVersion) {
    const uint32_t version =
        VK_MAKE_API_VERSION(0, VK_API_VERSION_MAJOR(apiVersion), VK_API_VERSION_MINOR(apiVersion), 0);
    return version < VK_API_VERSION_1_0 ? VK_API_VERSION_1_0 : version;
}

static VknResult createLayouts(VknContext_T& context, VknError* error) {
    VkDescriptorSetLayoutBinding bindings[VKN_BINDING_DISPATCH + 1] = {};
    const uint32_t storageBuffers = layoutStorageBuffers(context.facts);
    uint32_t count = 0;
    for (; count < storageBuffers; ++count) {
        bindings[count] = {count, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
    }
    bindings[count++] = {VKN_BINDING_DISPATCH, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT,
                         nullptr};
    VkDescriptorSetLayoutCreateInfo setInfo = {};
    setInfo.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
    if (context.facts.hasPushDescriptors) {
        setInfo.flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR;
    }
    setInfo.bindingCount = count;
    setInfo.pBindings = bindings;
    VkResult result = context.functions.CreateDescriptorSetLayout(context.device, &setInfo, context.memory.callbacks(),
                                                                  &context.setLayout);
    if (result != VK_SUCCESS) {
        context.setLayout = VK_NULL_HANDLE;
        return failVulkan(error, "vkCreateDescriptorSetLayout", result);
    }
    const VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(RowConstants)};
    VkPipelineLayoutCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
    info.setLayoutCount = 1;
    info.pSetLayouts = &context.setLayout;
    info.pushConstantRangeCount = 1;
    info.pPushConstantRanges = &range;
    result = context.functions.CreatePipelineLayout(context.device, &info, context.memory.callbacks(),
                                                    &context.pipelineLayout);
    if (result != VK_SUCCESS) {
        context.pipelineLayout = VK_NULL_HANDLE;
        return failVulkan(error, "vkCreatePipelineLayout", result);
    }
    return VKN_SUCCESS;
}

static VkResult createCacheFrom(VknContext_T& context, const void* data, size_t size) {
    VkPipelineCacheCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO;
    info.initialDataSize = size;
    info.pInitialData = data;
    const VkResult result = context.functions.CreatePipelineCache(context.device, &info, context.memory.callbacks(),
                                                                  &context.pipelineCache);
    if (result != VK_SUCCESS) {
        context.pipelineCache = VK_NULL_HANDLE;
    }
    return result;
}

static VknResult adoptPipelineCache(VknContext_T& context, const VknContextCreateInfo& info, VknError* error) {
    if (info.pipelineCache != VK_NULL_HANDLE) {
        context.pipelineCache = info.pipelineCache;
        return VKN_SUCCESS;
    }
    context.ownsPipelineCache = true;
    const void* data = nullptr;
    size_t size = 0;
    if (findCacheData(context.identity, info.pPipelineCacheData, info.pipelineCacheDataSize, &data, &size) &&
        createCacheFrom(context, data, size) == VK_SUCCESS) {
        return VKN_SUCCESS;
    }
    const VkResult result = createCacheFrom(context, nullptr, 0);
    return result == VK_SUCCESS ? VKN_SUCCESS : failVulkan(error, "vkCreatePipelineCache", result);
}

static VknResult fillContext(VknContext_T& context, const VknContextCreateInfo& info, VknError* error) {
    const ExtensionList instanceExtensions = {info.enabledInstanceExtensionCount, info.ppEnabledInstanceExtensions};
    EnabledState enabled;
    enabled.apiVersion = plainVersion(info.apiVersion);
    enabled.deviceExtensions = {info.enabledDeviceExtensionCount, info.ppEnabledDeviceExtensions};
    readEnabledFeatures(info.pEnabledFeatures, enabled);
    context.device = info.device;
    if ((info.flags & VKN_CONTEXT_CAPTURE_STATISTICS_BIT) != 0) {
        context.pipelineFlags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR;
    }
    if ((info.flags & VKN_CONTEXT_CAPTURE_REPRESENTATIONS_BIT) != 0) {
        context.pipelineFlags |= VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
    }
    VknResult result = loadInstanceFunctions(info.getInstanceProcAddr, info.instance, enabled.apiVersion,
                                             instanceExtensions, context.functions, error);
    if (result == VKN_SUCCESS) {
        result =
            loadDeviceFunctions(info.device, instanceExtensions, enabled.deviceExtensions, context.functions, error);
    }
    if (result != VKN_SUCCESS) {
        return result;
    }
    readFacts(context.functions, info.physicalDevice, enabled, context.facts, context.identity);
    if ((info.flags & VKN_CONTEXT_IGNORE_QUIRKS_BIT) == 0) {
        applyQuirks(context.facts, context.quirks, sizeof context.quirks);
    }
    context.facts.forbiddenForms |= info.forbiddenForms;
    if (findModule("norm.sg") == nullptr) {  // a build without subgroup arithmetic
        context.facts.forbiddenForms |= formBit(VKN_KERNEL_FORM_SUBGROUP) | formBit(VKN_KERNEL_FORM_SUBGROUP_SHARED);
    }
    if (info.tuningTableSize != 0) {
        result = loadTuning(tuningTarget(context.facts, vkn_kernelHash), info.pTuningTable, info.tuningTableSize,
                            context.memory, context.tuning, error);
    }
    if (result == VKN_SUCCESS) {
        result = createLayouts(context, error);
    }
    return result == VKN_SUCCESS ? adoptPipelineCache(context, info, error) : result;
}

}  // namespace vkn

VknResult vknCreateContext(const VknContextCreateInfo* pCreateInfo, VknContext* pContext, VknError* pError) {
    if (pCreateInfo == nullptr || pContext == nullptr) {
        return failArgument(pError, pCreateInfo == nullptr ? "pCreateInfo" : "pContext", 0, 1, "must not be null");
    }
    VknResult result = checkCreateInfo(*pCreateInfo, pError);
    if (result != VKN_SUCCESS) {
        return result;
    }
    const HostMemory memory(pCreateInfo->pAllocator);
    auto* context = memory.create<VknContext_T>();
    if (context == nullptr) {
        return fail(pError, VKN_ERROR_OUT_OF_HOST_MEMORY, "", 0, 0, "no memory for a context");
    }
    context->memory = memory;
    result = fillContext(*context, *pCreateInfo, pError);
    if (result != VKN_SUCCESS) {
        vknDestroyContext(context);
        return result;
    }
    *pContext = context;
    return VKN_SUCCESS;
}

void vknDestroyContext(VknContext context) {
    if (context == nullptr) {
        return;
    }
    const Functions& functions = context->functions;
    const VkAllocationCallbacks* callbacks = context->memory.callbacks();
    for (VkPipeline pipeline : context->selfTestPipelines) {
        if (pipeline != VK_NULL_HANDLE) {
            functions.DestroyPipeline(context->device, pipeline, callbacks);
        }
    }
    if (context->selfTestPool != VK_NULL_HANDLE) {
        functions.DestroyDescriptorPool(context->device, context->selfTestPool, callbacks);
    }
    if (context->ownsPipelineCache && context->pipelineCache != VK_NULL_HANDLE) {
        functions.DestroyPipelineCache(context->device, context->pipelineCache, callbacks);
    }
    if (context->pipelineLayout != VK_NULL_HANDLE) {
        functions.DestroyPipelineLayout(context->device, context->pipelineLayout, callbacks);
    }
    if (context->setLayout != VK_NULL_HANDLE) {
        functions.DestroyDescriptorSetLayout(context->device, context->setLayout, callbacks);
    }
    const HostMemory memory = context->memory;
    memory.release(context->tuning.first);
    memory.release(context);
}

void vknGetContextInfo(VknContext context, VknContextInfo* pInfo) {
    const DeviceFacts facts = context->currentFacts();
    pInfo->effectiveApiVersion = facts.apiVersion;
    pInfo->subgroupSize = chooseSubgroupSize(facts, 0);
    pInfo->pushDescriptors = facts.hasPushDescriptors ? VK_TRUE : VK_FALSE;
    pInfo->usableForms = usableForms(facts);
    pInfo->maxStorageBuffers = layoutStorageBuffers(facts);
    pInfo->pipelineCache = context->pipelineCache;
    snprintf(pInfo->quirks, sizeof pInfo->quirks, "%s", context->quirks);
    pInfo->tuningEntries = context->tuning.count;
}

VknResult vknGetPipelineCacheData(VknContext context, size_t* pSize, void* pData) {
    size_t dataSize = 0;
    VkResult result =
        context->functions.GetPipelineCacheData(context->device, context->pipelineCache, &dataSize, nullptr);
    if (result != VK_SUCCESS) {
        return failVulkan(nullptr, "vkGetPipelineCacheData", result);
    }
    if (pData == nullptr) {
        *pSize = sizeof(CacheHeader) + dataSize;
        return VKN_SUCCESS;
    }
    if (*pSize < sizeof(CacheHeader) + dataSize) {
        *pSize = 0;
        return VKN_INCOMPLETE;
    }
    auto* data = static_cast<uint8_t*>(pData) + sizeof(CacheHeader);
    result = context->functions.GetPipelineCacheData(context->device, context->pipelineCache, &dataSize, data);
    if (result != VK_SUCCESS) {
        *pSize = 0;
        return result == VK_INCOMPLETE ? VKN_INCOMPLETE : failVulkan(nullptr, "vkGetPipelineCacheData", result);
    }
    const CacheHeader header = makeCacheHeader(context->identity, data, dataSize);
    memcpy(pData, &header, sizeof header);
    *pSize = sizeof header + dataSize;
    return VKN_SUCCESS;
}
