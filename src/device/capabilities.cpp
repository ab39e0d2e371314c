#include "device/capabilities.hpp"

#include "base/integers.hpp"

#include <cstdlib>
#include <cstring>

namespace vkn {

void readEnabledFeatures(const void* chain, EnabledState& enabled) {
    for (auto* s = static_cast<const VkBaseInStructure*>(chain); s != nullptr; s = s->pNext) {
        if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES) {
            const auto* f = reinterpret_cast<const VkPhysicalDeviceSubgroupSizeControlFeatures*>(s);
            enabled.subgroupSizeControl = f->subgroupSizeControl == VK_TRUE;
            enabled.computeFullSubgroups = f->computeFullSubgroups == VK_TRUE;
        } else if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES) {
            const auto* f = reinterpret_cast<const VkPhysicalDeviceVulkan13Features*>(s);
            enabled.subgroupSizeControl = f->subgroupSizeControl == VK_TRUE;
            enabled.computeFullSubgroups = f->computeFullSubgroups == VK_TRUE;
        }
    }
}

static void readLimits(const VkPhysicalDeviceProperties& properties, DeviceFacts& facts) {
    const VkPhysicalDeviceLimits& limits = properties.limits;
    facts.vendorId = properties.vendorID;
    facts.deviceId = properties.deviceID;
    facts.driverVersion = properties.driverVersion;
    facts.isCpu = properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    facts.maxWorkgroupInvocations = limits.maxComputeWorkGroupInvocations;
    facts.maxWorkgroupSizeX = limits.maxComputeWorkGroupSize[0];
    facts.maxWorkgroupCountX = limits.maxComputeWorkGroupCount[0];
    facts.sharedMemorySize = limits.maxComputeSharedMemorySize;
    facts.maxStorageBuffers =
        smaller(limits.maxPerStageDescriptorStorageBuffers, limits.maxDescriptorSetStorageBuffers);
    facts.maxStorageBufferRange = limits.maxStorageBufferRange;
    facts.storageBufferAlignment = static_cast<uint32_t>(limits.minStorageBufferOffsetAlignment);
    facts.uniformBufferAlignment = static_cast<uint32_t>(limits.minUniformBufferOffsetAlignment);
}

static void readSubgroups(const VkPhysicalDeviceSubgroupProperties& subgroup,
                          const VkPhysicalDeviceSubgroupSizeControlProperties& control, const EnabledState& enabled,
                          DeviceFacts& facts) {
    const VkSubgroupFeatureFlags needed = VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT;
    const bool isUsable = (subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0 &&
                          (subgroup.supportedOperations & needed) == needed;
    facts.subgroupSize = isUsable ? subgroup.subgroupSize : 0;
    facts.minSubgroupSize = control.minSubgroupSize;
    facts.maxSubgroupSize = control.maxSubgroupSize;
    facts.maxWorkgroupSubgroups = control.maxComputeWorkgroupSubgroups;
    facts.canRequireSubgroupSize = isUsable && enabled.subgroupSizeControl &&
                                   (control.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0 &&
                                   control.minSubgroupSize <= subgroup.subgroupSize &&
                                   subgroup.subgroupSize <= control.maxSubgroupSize;
    facts.canRequireFullSubgroups = isUsable && enabled.computeFullSubgroups;
}

uint32_t driverRelease(uint32_t driverId, uint32_t version, const char* info) {
    constexpr char kMesa[] = "Mesa ";
    if (strncmp(info, kMesa, strlen(kMesa)) == 0) {
        char* end = nullptr;
        const unsigned long major = strtoul(info + strlen(kMesa), &end, 10);
        const unsigned long minor = *end == '.' ? strtoul(end + 1, nullptr, 10) : 0;
        return releaseOf(static_cast<uint32_t>(major), static_cast<uint32_t>(minor));
    }
    switch (driverId) {
        case VK_DRIVER_ID_NVIDIA_PROPRIETARY:
            return releaseOf(version >> 22, version >> 14 & 0xFF);
        case VK_DRIVER_ID_INTEL_PROPRIETARY_WINDOWS:
            return releaseOf(version >> 14, version & 0x3FFF);
        default:
            return releaseOf(VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version));
    }
}

void readFacts(const Functions& functions, VkPhysicalDevice physicalDevice, const EnabledState& enabled,
               DeviceFacts& facts, DeviceIdentity& identity) {
    functions.GetPhysicalDeviceProperties(physicalDevice, &identity.properties);
    identity.driverId = 0;
    facts = DeviceFacts();
    readLimits(identity.properties, facts);
    facts.apiVersion = smaller(enabled.apiVersion, identity.properties.apiVersion);
    facts.hasPushDescriptors = functions.CmdPushDescriptorSet != nullptr;
    if (functions.GetPhysicalDeviceProperties2 == nullptr) {
        facts.hasPushDescriptors = false;
        return;
    }
    // Only structures that this device knows: the version's, and those of extensions that the host enabled.
    VkPhysicalDeviceProperties2 all = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, nullptr, {}};
    VkPhysicalDeviceSubgroupProperties subgroup = {};
    subgroup.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES;
    VkPhysicalDeviceSubgroupSizeControlProperties control = {};
    control.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES;
    VkPhysicalDeviceDriverProperties driver = {};
    driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
    VkPhysicalDevicePushDescriptorPropertiesKHR push = {};
    push.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PUSH_DESCRIPTOR_PROPERTIES_KHR;
    const auto chain = [&all](auto& structure) {
        structure.pNext = all.pNext;
        all.pNext = &structure;
    };
    if (facts.apiVersion >= VK_API_VERSION_1_1) {
        chain(subgroup);
    }
    if (enabled.subgroupSizeControl) {
        chain(control);
    }
    if (facts.apiVersion >= VK_API_VERSION_1_2 ||
        enabled.deviceExtensions.has(VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME)) {
        chain(driver);
    }
    if (facts.hasPushDescriptors) {
        chain(push);
    }
    functions.GetPhysicalDeviceProperties2(physicalDevice, &all);
    readSubgroups(subgroup, control, enabled, facts);
    facts.driverId = static_cast<uint32_t>(driver.driverID);
    facts.driverRelease = driverRelease(facts.driverId, facts.driverVersion, driver.driverInfo);
    identity.driverId = facts.driverId;
    // A set has one uniform buffer more.
    facts.hasPushDescriptors = facts.hasPushDescriptors && push.maxPushDescriptors > 1;
    if (facts.hasPushDescriptors) {
        facts.maxStorageBuffers = smaller(facts.maxStorageBuffers, push.maxPushDescriptors - 1);
    }
}

}  // namespace vkn
