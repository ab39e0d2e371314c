// Which devices there are. Must work on Vulkan 1.0 loaders and devices (Adreno 610, Mali v6), where most of what is
// asked here does not exist.
#include "runtime/device_list.hpp"

#include <algorithm>
#include <cstdio>

namespace vknorm {
namespace detail {
namespace {

std::string hexadecimal(const uint8_t* bytes, size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(bytes[i]));
        text += digits;
    }
    return text;
}

}  // namespace

DeviceInfo queryDevice(const Instance& instance, VkPhysicalDevice device, uint32_t index) {
    VkPhysicalDeviceProperties properties = {};
    instance.getPhysicalDeviceProperties(device, &properties);

    DeviceInfo info;
    info.index = index;
    info.name = properties.deviceName;
    info.driverVersion = properties.driverVersion;
    info.vendorID = properties.vendorID;
    info.deviceID = properties.deviceID;
    info.type = properties.deviceType;
    info.isSoftware = properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    info.apiVersion = std::min(instance.apiVersion(), properties.apiVersion);
    for (const VkQueueFamilyProperties& family : instance.queueFamilies(device)) {
        info.hasComputeQueue |= family.queueCount > 0 && (family.queueFlags & VK_QUEUE_COMPUTE_BIT) != 0;
    }
    if (instance.getPhysicalDeviceProperties2 == nullptr) {
        return info;
    }

    // A struct is chained only where the version or an extension defines it.
    const std::vector<std::string> extensions = instance.deviceExtensions(device);
    VkPhysicalDeviceProperties2 properties2 = {};
    properties2.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    VkPhysicalDeviceIDProperties ids = {};
    ids.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES;
    const bool hasIds = info.apiVersion >= VK_API_VERSION_1_1 ||
                        instance.hasExtension(VK_KHR_EXTERNAL_MEMORY_CAPABILITIES_EXTENSION_NAME);
    if (hasIds) {
        ids.pNext = properties2.pNext;
        properties2.pNext = &ids;
    }
    VkPhysicalDeviceSubgroupProperties subgroup = {};
    subgroup.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES;
    if (info.apiVersion >= VK_API_VERSION_1_1) {
        subgroup.pNext = properties2.pNext;
        properties2.pNext = &subgroup;
    }
    VkPhysicalDeviceDriverProperties driver = {};
    driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
    if (info.apiVersion >= VK_API_VERSION_1_2 || contains(extensions, VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME)) {
        driver.pNext = properties2.pNext;
        properties2.pNext = &driver;
    }
    instance.getPhysicalDeviceProperties2(device, &properties2);

    info.driverName = driver.driverName;
    info.driverInfo = driver.driverInfo;
    info.subgroupSize = subgroup.subgroupSize;
    if (std::any_of(std::begin(ids.deviceUUID), std::end(ids.deviceUUID), [](uint8_t byte) { return byte != 0; })) {
        info.deviceUUID = hexadecimal(ids.deviceUUID, VK_UUID_SIZE);
    }
    return info;
}

}  // namespace detail

std::vector<DeviceInfo> listDevices(PFN_vkGetInstanceProcAddr getInstanceProcAddr) {
    detail::InstanceRequest request;
    request.getInstanceProcAddr = getInstanceProcAddr;
    const detail::Instance instance(request);
    std::vector<DeviceInfo> devices;
    for (VkPhysicalDevice device : instance.physicalDevices()) {
        devices.push_back(detail::queryDevice(instance, device, static_cast<uint32_t>(devices.size())));
    }
    return devices;
}

}  // namespace vknorm
