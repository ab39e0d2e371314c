// For an engine that was written for volk, and is here linked with the Vulkan loader: functions are the loader's own.
#pragma once

#include <vulkan/vulkan.h>

inline VkResult volkInitialize() { return VK_SUCCESS; }
inline void volkLoadInstance(VkInstance) {}
inline void volkLoadDevice(VkDevice) {}
inline uint32_t volkGetInstanceVersion() {
    uint32_t version = VK_API_VERSION_1_0;
    vkEnumerateInstanceVersion(&version);
    return version;
}
