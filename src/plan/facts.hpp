// What the choice of kernel may depend on: facts about a device as the host has enabled it, and nothing else.
#pragma once

#include "vknorm/vknorm.h"

namespace vkn {

constexpr uint32_t kVendorAmd = 0x1002;
constexpr uint32_t kVendorIntel = 0x8086;
constexpr uint32_t kVendorNvidia = 0x10DE;
constexpr uint32_t kVendorArm = 0x13B5;
constexpr uint32_t kVendorQualcomm = 0x5143;
constexpr uint32_t kVendorBroadcom = 0x14E4;
constexpr uint32_t kVendorImagination = 0x1010;
constexpr uint32_t kVendorApple = 0x106B;
constexpr uint32_t kVendorGoogle = 0x1AE0;
constexpr uint32_t kVendorMesa = 0x10005;

struct DeviceFacts {
    uint32_t apiVersion = VK_API_VERSION_1_0;  // effective: the lower of the host's and the device's
    uint32_t vendorId = 0;
    uint32_t deviceId = 0;
    uint32_t driverId = 0;       // VkDriverId; 0 where it is not known
    uint32_t driverVersion = 0;  // as the driver encodes it
    uint32_t driverRelease = 0;  // releaseOf(major, minor)
    bool isCpu = false;

    uint32_t subgroupSize = 0;  // the default; 0 where there is no subgroup arithmetic in compute
    uint32_t minSubgroupSize = 0;
    uint32_t maxSubgroupSize = 0;
    bool canRequireSubgroupSize = false;  // feature enabled, and possible in compute
    bool canRequireFullSubgroups = false;
    uint32_t maxWorkgroupSubgroups = 0;  // in a workgroup with a required size

    uint32_t maxWorkgroupInvocations = 128;
    uint32_t maxWorkgroupSizeX = 128;
    uint32_t maxWorkgroupCountX = 65535;
    uint32_t sharedMemorySize = 16384;  // bytes

    uint32_t maxStorageBuffers = 4;  // a stage and a set
    uint64_t maxStorageBufferRange = 1u << 27;
    uint32_t storageBufferAlignment = 256;
    uint32_t uniformBufferAlignment = 256;
    bool hasPushDescriptors = false;

    uint32_t forbiddenForms = 0;  // bit (1 << VknKernelForm)
};

// Releases of a driver, which compare as numbers.
constexpr uint32_t releaseOf(uint32_t major, uint32_t minor) { return (major << 16) | (minor & 0xFFFFu); }

constexpr uint32_t formBit(VknKernelForm form) { return 1u << static_cast<uint32_t>(form); }

}  // namespace vkn
