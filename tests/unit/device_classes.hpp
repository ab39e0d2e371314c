// Facts of every class of device that the library is written for, as drivers report them (Mesa's drivers, MoltenVK,
// SwiftShader, and the vendors' own where known).
#pragma once

#include "plan/facts.hpp"

namespace vknorm::test {

struct DeviceClass {
    const char* name;
    vkn::DeviceFacts facts;
};

struct Subgroups {
    uint32_t size = 0;
    uint32_t least = 0;
    uint32_t most = 0;
    bool canRequire = false;
    bool canRequireFull = false;
};

constexpr vkn::DeviceFacts makeFacts(uint32_t apiVersion, uint32_t vendor, const Subgroups& subgroups,
                                     uint32_t invocations, uint32_t sharedMemory, uint64_t range, uint32_t alignment,
                                     uint32_t groups = 65535, uint32_t buffers = 64) {
    vkn::DeviceFacts facts;
    facts.apiVersion = apiVersion;
    facts.vendorId = vendor;
    facts.subgroupSize = subgroups.size;
    facts.minSubgroupSize = subgroups.least;
    facts.maxSubgroupSize = subgroups.most;
    facts.canRequireSubgroupSize = subgroups.canRequire;
    facts.canRequireFullSubgroups = subgroups.canRequireFull;
    facts.maxWorkgroupSubgroups = subgroups.size != 0 ? invocations / subgroups.size : 0;
    facts.maxWorkgroupInvocations = invocations;
    facts.maxWorkgroupSizeX = invocations;
    facts.maxWorkgroupCountX = groups;
    facts.sharedMemorySize = sharedMemory;
    facts.maxStorageBuffers = buffers;
    facts.maxStorageBufferRange = range;
    facts.storageBufferAlignment = alignment;
    facts.hasPushDescriptors = apiVersion != VK_API_VERSION_1_0;
    return facts;
}

constexpr vkn::DeviceFacts asCpu(vkn::DeviceFacts facts) {
    facts.isCpu = true;
    return facts;
}

constexpr uint64_t kGiB = 1ull << 30;
constexpr uint32_t kVersion10 = VK_API_VERSION_1_0;
constexpr uint32_t kVersion11 = VK_API_VERSION_1_1;
constexpr uint32_t kVersion13 = VK_API_VERSION_1_3;
constexpr uint32_t kKiB = 1024;
constexpr uint32_t kApple = 0x106B;
constexpr uint32_t kImagination = 0x1010;
constexpr uint32_t kBroadcom = 0x14E4;
constexpr uint32_t kMesa = 0x10005;
constexpr uint32_t kGoogle = 0x1AE0;
constexpr Subgroups kNone{};

inline const DeviceClass kDeviceClasses[] = {
    {"AMD GCN, RADV",
     makeFacts(kVersion13, vkn::kVendorAmd, {64, 64, 64, false, true}, 1024, 64 * kKiB, 4 * kGiB - 1, 4, 0xFFFFFFFFu)},
    {"AMD RDNA, RADV",
     makeFacts(kVersion13, vkn::kVendorAmd, {64, 32, 64, true, true}, 1024, 64 * kKiB, 4 * kGiB - 1, 4, 0xFFFFFFFFu)},
    {"AMD RDNA, Windows",
     makeFacts(kVersion13, vkn::kVendorAmd, {64, 32, 64, true, true}, 1024, 32 * kKiB, 4 * kGiB - 1, 4)},
    {"Intel Haswell",  // no arithmetic
     makeFacts(VK_API_VERSION_1_2, vkn::kVendorIntel, kNone, 1024, 64 * kKiB, kGiB, 4)},
    {"Intel Gen9 to Xe1",
     makeFacts(kVersion13, vkn::kVendorIntel, {32, 8, 32, true, true}, 1024, 48 * kKiB, 2 * kGiB, 4, 0x7FFFFFFFu)},
    {"Intel Gen9, Vulkan 1.1",  // without size control the size is not to be believed
     makeFacts(kVersion11, vkn::kVendorIntel, {32, 0, 0, false, false}, 1024, 48 * kKiB, 2 * kGiB, 4)},
    {"Intel Xe2", makeFacts(kVersion13, vkn::kVendorIntel, {32, 16, 32, true, true}, 1024, 48 * kKiB, 4 * kGiB - 1, 4)},
    {"NVIDIA", makeFacts(kVersion13, vkn::kVendorNvidia, {32, 32, 32, true, true}, 1024, 48 * kKiB, 4 * kGiB - 1, 16,
                         0x7FFFFFFFu)},
    {"NVIDIA, NVK",
     makeFacts(kVersion13, vkn::kVendorNvidia, {32, 32, 32, false, true}, 1024, 48 * kKiB, 4 * kGiB - 1, 16)},
    {"Apple, MoltenVK",
     makeFacts(kVersion11, kApple, {32, 4, 32, false, false}, 1024, 32 * kKiB, 4 * kGiB - 1, 16, 0x3FFFFFFFu, 31)},
    {"Apple, Honeykrisp", makeFacts(kVersion13, kApple, {32, 32, 32, false, true}, 1024, 32 * kKiB, 2 * kGiB - 1, 16)},
    {"Adreno 610", makeFacts(kVersion10, vkn::kVendorQualcomm, kNone, 1024, 16 * kKiB, kGiB / 8, 4)},
    {"Adreno 702", makeFacts(kVersion10, vkn::kVendorQualcomm, kNone, 512, 16 * kKiB, kGiB / 8, 4)},
    {"Adreno 6xx",
     makeFacts(kVersion13, vkn::kVendorQualcomm, {128, 64, 128, true, true}, 2048, 32 * kKiB, kGiB / 8, 4)},
    {"Adreno 7xx",
     makeFacts(kVersion13, vkn::kVendorQualcomm, {128, 64, 128, true, true}, 2048, 32 * kKiB, kGiB / 8, 4)},
    {"Adreno 8xx",
     makeFacts(kVersion13, vkn::kVendorQualcomm, {64, 64, 64, true, true}, 1024, 32 * kKiB, 2 * kGiB - 1, 4)},
    {"Adreno, proprietary",
     makeFacts(kVersion11, vkn::kVendorQualcomm, {64, 0, 0, false, false}, 1024, 32 * kKiB, kGiB / 8, 64, 65535, 24)},
    {"Mali v6 and v7, PanVK", makeFacts(kVersion10, vkn::kVendorArm, kNone, 256, 32 * kKiB, 4 * kGiB - 1, 16)},
    {"Mali v7, proprietary",
     makeFacts(kVersion11, vkn::kVendorArm, {8, 0, 0, false, false}, 384, 32 * kKiB, kGiB / 4, 256)},
    {"Mali v10 and later",
     makeFacts(kVersion13, vkn::kVendorArm, {16, 16, 16, true, true}, 1024, 32 * kKiB, 4 * kGiB - 1, 16)},
    {"PowerVR, Mesa",
     makeFacts(VK_API_VERSION_1_2, kImagination, {32, 32, 32, false, true}, 128, 16 * kKiB, kGiB / 8, 4, 65535, 16)},
    {"PowerVR C-series",
     makeFacts(kVersion13, kImagination, {128, 32, 128, true, true}, 512, 16 * kKiB, kGiB / 8, 4, 65535, 16)},
    {"PowerVR GE8320", makeFacts(kVersion11, kImagination, {1, 0, 0, false, false}, 512, 4 * kKiB * 4, kGiB / 8, 16)},
    {"V3D 4", makeFacts(kVersion13, kBroadcom, kNone, 256, 32 * kKiB, kGiB, 32, 65535, 8)},
    {"V3D 7", makeFacts(kVersion13, kBroadcom, {16, 16, 16, false, true}, 256, 32 * kKiB, kGiB, 32, 65535, 8)},
    {"the least that Vulkan guarantees", makeFacts(kVersion10, 0, kNone, 128, 16 * kKiB, kGiB / 8, 256, 65535, 4)},
    {"the least with subgroups of 128",
     makeFacts(kVersion11, 0, {128, 0, 0, false, false}, 128, 16 * kKiB, kGiB / 8, 256, 65535, 4)},
    {"SwiftShader", asCpu(makeFacts(kVersion13, kGoogle, {4, 4, 4, false, true}, 256, 32 * kKiB, kGiB, 256))},
    {"lavapipe, 128 bits", asCpu(makeFacts(kVersion13, kMesa, {4, 4, 4, false, true}, 1024, 32 * kKiB, kGiB / 8, 16))},
    {"lavapipe, 256 bits", asCpu(makeFacts(kVersion13, kMesa, {8, 8, 8, false, true}, 1024, 32 * kKiB, kGiB / 8, 16))},
    {"lavapipe, 512 bits",
     asCpu(makeFacts(kVersion13, kMesa, {16, 16, 16, false, true}, 1024, 32 * kKiB, kGiB / 8, 16))},
};

}  // namespace vknorm::test
