// SPDX-License-Identifier: Apache-2.0
#include "environment.hpp"

#include "plan_input.hpp"

#include "commit.h"
#include "vknorm_kernels.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>

namespace vknorm::compare {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

std::string versionText(uint32_t version) {
    return fmt::format("{}.{}.{}", VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version),
                       VK_API_VERSION_PATCH(version));
}

const char* nameOf(VkPhysicalDeviceType type) {
    switch (type) {
        case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
            return "discrete";
        case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
            return "integrated";
        case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
            return "virtual";
        case VK_PHYSICAL_DEVICE_TYPE_CPU:
            return "cpu";
        default:
            return "other";
    }
}

Json limitsOf(const VkPhysicalDeviceLimits& limits) {
    return {{"maxStorageBufferRange", limits.maxStorageBufferRange},
            {"maxPerStageDescriptorStorageBuffers", limits.maxPerStageDescriptorStorageBuffers},
            {"minStorageBufferOffsetAlignment", limits.minStorageBufferOffsetAlignment},
            {"maxComputeWorkGroupInvocations", limits.maxComputeWorkGroupInvocations},
            {"maxComputeWorkGroupSizeX", limits.maxComputeWorkGroupSize[0]},
            {"maxComputeWorkGroupCountX", limits.maxComputeWorkGroupCount[0]},
            {"maxComputeSharedMemorySize", limits.maxComputeSharedMemorySize},
            {"timestampPeriod", limits.timestampPeriod}};
}

VkPhysicalDeviceMemoryProperties memoryOf(const Device& device) {
    const auto query = reinterpret_cast<PFN_vkGetPhysicalDeviceMemoryProperties>(
        device.getInstanceProcAddr()(device.instance(), "vkGetPhysicalDeviceMemoryProperties"));
    VkPhysicalDeviceMemoryProperties memory = {};
    query(device.physicalDevice(), &memory);
    return memory;
}

Json heapsOf(const VkPhysicalDeviceMemoryProperties& memory) {
    Json heaps = Json::array();
    for (uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
        const VkMemoryHeap& heap = memory.memoryHeaps[i];
        heaps.push_back({{"bytes", heap.size}, {"isDeviceLocal", (heap.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0}});
    }
    return heaps;
}

// Of the largest cache that a CPU's core sees, as Linux tells: "32768K"; 0 where it does not.
uint64_t cpuCacheBytes() {
    uint64_t largest = 0;
    for (int index = 0; index < 8; ++index) {
        std::ifstream file(fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/size", index));
        uint64_t size = 0;
        char unit = 'K';
        if (file >> size >> unit) {
            largest = std::max(largest, size * (unit == 'M' ? kMiB : kMiB / 1024));
        }
    }
    return largest;
}

}  // namespace

Json libraryFacts() {
    const uint32_t version = vknGetVersion();
    return {{"version", fmt::format("{}.{}.{}", version >> 22U, version >> 12U & 0x3FFU, version & 0xFFFU)},
            {"commit", VKNORM_COMMIT},
            {"kernelHash", fmt::format("{:016x}", vkn_kernelHash)}};
}

Json driverEnvironment() {
    constexpr const char* kVariables[] = {"GALLIVM_DEBUG",      "GALLIVM_PERF",
                                          "LP_DEBUG",           "LP_NATIVE_VECTOR_WIDTH",
                                          "LP_NUM_THREADS",     "LP_PERF",
                                          "NIR_DEBUG",          "RADV_DEBUG",
                                          "RADV_PERFTEST",      "ACO_DEBUG",
                                          "INTEL_DEBUG",        "ANV_DEBUG",
                                          "NVK_DEBUG",          "NAK_DEBUG",
                                          "TU_DEBUG",           "IR3_SHADER_DEBUG",
                                          "PAN_MESA_DEBUG",     "PANVK_DEBUG",
                                          "BIFROST_MESA_DEBUG", "V3D_DEBUG",
                                          "VK_INSTANCE_LAYERS", "VK_LOADER_LAYERS_ENABLE"};
    Json set = Json::object();
    for (const char* name : kVariables) {
        const char* value = std::getenv(name);
        if (value != nullptr) {
            set[name] = value;
        }
    }
    return set;
}

Json deviceFacts(const DeviceInfo& info) {
    return {{"index", info.index},
            {"name", info.name},
            {"type", nameOf(info.type)},
            {"isSoftware", info.isSoftware},
            {"vendorID", info.vendorID},
            {"deviceID", info.deviceID},
            {"uuid", info.deviceUUID},
            {"driverName", info.driverName},
            {"driverInfo", info.driverInfo},
            {"driverVersion", info.driverVersion},
            {"apiVersion", versionText(info.apiVersion)},
            {"subgroupSize", info.subgroupSize},
            {"hasComputeQueue", info.hasComputeQueue}};
}

Json openDeviceFacts(const Device& device) {
    const VknContextInfo context = getContextInfo(device.context());
    Json json = deviceFacts(device.deviceInfo());
    json["limits"] = limitsOf(device.limits());
    json["memoryHeaps"] = heapsOf(memoryOf(device));
    json["enabled"] = device.enabledNames();
    json["selfTest"] = device.selfTestReport();
    json["quirks"] = context.quirks;
    json["tuningEntries"] = context.tuningEntries;
    json["pushDescriptors"] = context.pushDescriptors == VK_TRUE;
    Json forms = Json::array();
    for (const VknKernelForm form :
         {VKN_KERNEL_FORM_SUBGROUP, VKN_KERNEL_FORM_SUBGROUP_SHARED, VKN_KERNEL_FORM_SHARED}) {
        if ((context.usableForms & (1U << static_cast<uint32_t>(form))) != 0) {
            forms.push_back(compare::nameOf(form));
        }
    }
    json["usableForms"] = forms;
    return json;
}

CacheSize lastLevelCache(const DeviceInfo& info) {
    constexpr uint64_t kLargestOfGpus = 256 * kMiB;
    constexpr uint64_t kUsualOfCpus = 32 * kMiB;
    if (!info.isSoftware) {
        return {kLargestOfGpus, "assumed"};
    }
    const uint64_t found = cpuCacheBytes();
    return found != 0 ? CacheSize{found, "found"} : CacheSize{kUsualOfCpus, "assumed"};
}

uint64_t usualMemoryLimit(const Device& device) {
    constexpr uint64_t kOfSoftware = 1024 * kMiB;  // everything that is larger takes minutes there
    const VkPhysicalDeviceMemoryProperties memory = memoryOf(device);
    uint64_t largest = 0;
    for (uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
        largest = std::max<uint64_t>(largest, memory.memoryHeaps[i].size);
    }
    return device.deviceInfo().isSoftware ? std::min(largest / 4, kOfSoftware) : largest / 4;
}

std::string nowInUtc() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

}  // namespace vknorm::compare
