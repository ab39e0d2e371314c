// Stands between the library and Vulkan: counts what is recorded, and lets a device look smaller than it is, or another's.
#pragma once

#include <vknorm/vknorm.h>
#include <vknorm/runtime.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace vknorm::test {

// One at a time, because Vulkan's function pointers have no user data. Contexts made through it must not outlive it.
class FunctionShim {
public:
    explicit FunctionShim(Device& device);
    ~FunctionShim();
    FunctionShim(const FunctionShim&) = delete;
    FunctionShim& operator=(const FunctionShim&) = delete;

    PFN_vkGetInstanceProcAddr getInstanceProcAddr() const;

    // What vkGetPhysicalDeviceProperties then says, if less.
    uint32_t maxStorageBufferRange = UINT32_MAX;
    uint32_t maxStorageBuffers = UINT32_MAX;
    uint32_t maxWorkgroups = UINT32_MAX;  // of a dispatch's first dimension
    uint32_t vendorId = 0;                // if any

    // A command that is left out, though counted: "vkCmdPipelineBarrier" in negative controls.
    std::string dropped;

    // Calls of vkCmd... and vkUpdateDescriptorSets since the last reset, by name.
    std::map<std::string, size_t> calls;
    size_t callCount() const;
};

// A context on the runtime's device, told of nothing that was enabled unless asked: no push descriptors, Vulkan 1.0. It
// uses the pipeline cache of the device's own context, as a host's.
class PlainContext {
public:
    PlainContext(Device& device, PFN_vkGetInstanceProcAddr getInstanceProcAddr,
                 uint32_t apiVersion = VK_API_VERSION_1_0);
    ~PlainContext();
    PlainContext(const PlainContext&) = delete;
    PlainContext& operator=(const PlainContext&) = delete;

    VknContext get() const { return context_; }

private:
    VknContext context_ = VKN_NULL_HANDLE;
};

}  // namespace vknorm::test
