// Facts about a device: read from Vulkan, and cut down to what the host says it enabled.
#pragma once

#include "device/functions.hpp"
#include "plan/facts.hpp"

namespace vkn {

// What the host enabled.
struct EnabledState {
    uint32_t apiVersion = VK_API_VERSION_1_0;  // VkApplicationInfo::apiVersion
    ExtensionList deviceExtensions;
    bool subgroupSizeControl = false;
    bool computeFullSubgroups = false;
};

// Finds our features in the chain of structures that a VkDevice was created with.
void readEnabledFeatures(const void* chain, EnabledState& enabled);

struct DeviceIdentity {
    VkPhysicalDeviceProperties properties;
    uint32_t driverId;
};

// The release of a driver in numbers that people know it by. Mesa's software driver tells it in `info` alone.
uint32_t driverRelease(uint32_t driverId, uint32_t version, const char* info);

// Reads the facts. `identity` gets the properties as Vulkan gave them.
void readFacts(const Functions& functions, VkPhysicalDevice physicalDevice, const EnabledState& enabled,
               DeviceFacts& facts, DeviceIdentity& identity);

}  // namespace vkn
