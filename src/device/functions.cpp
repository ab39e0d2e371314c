#include "device/functions.hpp"

#include "base/error.hpp"

#include <cstring>

namespace vkn {

bool ExtensionList::has(const char* name) const {
    for (uint32_t i = 0; i < count; ++i) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static VknResult failMissing(VknError* error, const char* function) {
    return fail(error, VKN_ERROR_MISSING_FUNCTION, "", 0, 0, "getInstanceProcAddr does not know %s", function);
}

VknResult loadInstanceFunctions(PFN_vkGetInstanceProcAddr getInstanceProcAddr, VkInstance instance, uint32_t apiVersion,
                                const ExtensionList& instanceExtensions, Functions& functions, VknError* error) {
#define VKN_LOAD(name)                                                                          \
    functions.name = reinterpret_cast<PFN_vk##name>(getInstanceProcAddr(instance, "vk" #name)); \
    if (functions.name == nullptr) {                                                            \
        return failMissing(error, "vk" #name);                                                  \
    }
    VKN_INSTANCE_FUNCTIONS(VKN_LOAD)
#undef VKN_LOAD
    const bool isCore = apiVersion >= VK_API_VERSION_1_1;
    if (isCore || instanceExtensions.has(VK_KHR_GET_PHYSICAL_DEVICE_PROPERTIES_2_EXTENSION_NAME)) {
        functions.GetPhysicalDeviceProperties2 =
            reinterpret_cast<PFN_vkGetPhysicalDeviceProperties2>(getInstanceProcAddr(
                instance, isCore ? "vkGetPhysicalDeviceProperties2" : "vkGetPhysicalDeviceProperties2KHR"));
        functions.GetPhysicalDeviceFeatures2 = reinterpret_cast<PFN_vkGetPhysicalDeviceFeatures2>(
            getInstanceProcAddr(instance, isCore ? "vkGetPhysicalDeviceFeatures2" : "vkGetPhysicalDeviceFeatures2KHR"));
    }
    return VKN_SUCCESS;
}

VknResult loadDeviceFunctions(VkDevice device, const ExtensionList& instanceExtensions,
                              const ExtensionList& deviceExtensions, Functions& functions, VknError* error) {
    const PFN_vkGetDeviceProcAddr load = functions.GetDeviceProcAddr;
#define VKN_LOAD(name)                                                         \
    functions.name = reinterpret_cast<PFN_vk##name>(load(device, "vk" #name)); \
    if (functions.name == nullptr) {                                           \
        return failMissing(error, "vk" #name);                                 \
    }
    VKN_DEVICE_FUNCTIONS(VKN_LOAD)
#undef VKN_LOAD
    if (deviceExtensions.has(VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME)) {
        functions.CmdPushDescriptorSet =
            reinterpret_cast<PFN_vkCmdPushDescriptorSetKHR>(load(device, "vkCmdPushDescriptorSetKHR"));
    }
    if (instanceExtensions.has(VK_EXT_DEBUG_UTILS_EXTENSION_NAME)) {
        functions.SetDebugUtilsObjectName =
            reinterpret_cast<PFN_vkSetDebugUtilsObjectNameEXT>(load(device, "vkSetDebugUtilsObjectNameEXT"));
        functions.CmdBeginDebugUtilsLabel =
            reinterpret_cast<PFN_vkCmdBeginDebugUtilsLabelEXT>(load(device, "vkCmdBeginDebugUtilsLabelEXT"));
        functions.CmdEndDebugUtilsLabel =
            reinterpret_cast<PFN_vkCmdEndDebugUtilsLabelEXT>(load(device, "vkCmdEndDebugUtilsLabelEXT"));
    }
    return VKN_SUCCESS;
}

}  // namespace vkn
