// The Vulkan functions that the library calls, one table a context, from the host's vkGetInstanceProcAddr.
#pragma once

#include "vknorm/vknorm.h"

namespace vkn {

// Present on every Vulkan device.
#define VKN_INSTANCE_FUNCTIONS(X)         \
    X(GetPhysicalDeviceProperties)        \
    X(EnumerateDeviceExtensionProperties) \
    X(GetDeviceProcAddr)

#define VKN_DEVICE_FUNCTIONS(X)   \
    X(CreateShaderModule)         \
    X(DestroyShaderModule)        \
    X(CreateComputePipelines)     \
    X(DestroyPipeline)            \
    X(CreatePipelineLayout)       \
    X(DestroyPipelineLayout)      \
    X(CreateDescriptorSetLayout)  \
    X(DestroyDescriptorSetLayout) \
    X(CreateDescriptorPool)       \
    X(DestroyDescriptorPool)      \
    X(AllocateDescriptorSets)     \
    X(UpdateDescriptorSets)       \
    X(CreatePipelineCache)        \
    X(DestroyPipelineCache)       \
    X(GetPipelineCacheData)       \
    X(CmdBindPipeline)            \
    X(CmdBindDescriptorSets)      \
    X(CmdPushConstants)           \
    X(CmdDispatch)                \
    X(CmdDispatchIndirect)        \
    X(CmdPipelineBarrier)

struct Functions {
#define VKN_MEMBER(name) PFN_vk##name name = nullptr;
    VKN_INSTANCE_FUNCTIONS(VKN_MEMBER)
    VKN_DEVICE_FUNCTIONS(VKN_MEMBER)
#undef VKN_MEMBER
    // Null where the host did not enable what they belong to.
    PFN_vkGetPhysicalDeviceProperties2 GetPhysicalDeviceProperties2 = nullptr;
    PFN_vkGetPhysicalDeviceFeatures2 GetPhysicalDeviceFeatures2 = nullptr;
    PFN_vkCmdPushDescriptorSetKHR CmdPushDescriptorSet = nullptr;
    PFN_vkSetDebugUtilsObjectNameEXT SetDebugUtilsObjectName = nullptr;
    PFN_vkCmdBeginDebugUtilsLabelEXT CmdBeginDebugUtilsLabel = nullptr;
    PFN_vkCmdEndDebugUtilsLabelEXT CmdEndDebugUtilsLabel = nullptr;
};

// Names of extensions that the host enabled.
struct ExtensionList {
    uint32_t count = 0;
    const char* const* names = nullptr;

    bool has(const char* name) const;
};

// MISSING_FUNCTION, naming it, where the loader does not know one that every device has.
VknResult loadInstanceFunctions(PFN_vkGetInstanceProcAddr getInstanceProcAddr, VkInstance instance, uint32_t apiVersion,
                                const ExtensionList& instanceExtensions, Functions& functions, VknError* error);
VknResult loadDeviceFunctions(VkDevice device, const ExtensionList& instanceExtensions,
                              const ExtensionList& deviceExtensions, Functions& functions, VknError* error);

}  // namespace vkn
