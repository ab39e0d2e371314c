#include "gpu/function_shim.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace vknorm::test {
namespace {

struct State {
    FunctionShim* shim = nullptr;
    PFN_vkGetInstanceProcAddr getInstanceProcAddr = nullptr;
    PFN_vkGetDeviceProcAddr getDeviceProcAddr = nullptr;
    PFN_vkGetPhysicalDeviceProperties getProperties = nullptr;
    PFN_vkGetPhysicalDeviceProperties2 getProperties2 = nullptr;
};
State state;

// Counts a call and passes it on. A class for each function, since each needs a place for the real one.
template <typename Tag, typename Function>
struct Counted;

template <typename Tag, typename... Arguments>
struct Counted<Tag, void(VKAPI_PTR*)(Arguments...)> {
    static inline void(VKAPI_PTR* real)(Arguments...) = nullptr;
    static VKAPI_ATTR void VKAPI_CALL call(Arguments... arguments) {
        ++state.shim->calls[Tag::kName];
        if (state.shim->dropped != Tag::kName) {
            real(arguments...);
        }
    }
};

#define VKNORM_COUNTED(X)           \
    X(vkCmdBindPipeline)            \
    X(vkCmdBindDescriptorSets)      \
    X(vkCmdPushConstants)           \
    X(vkCmdPushDescriptorSetKHR)    \
    X(vkCmdDispatch)                \
    X(vkCmdDispatchIndirect)        \
    X(vkCmdPipelineBarrier)         \
    X(vkCmdBeginDebugUtilsLabelEXT) \
    X(vkCmdEndDebugUtilsLabelEXT)   \
    X(vkUpdateDescriptorSets)

#define VKNORM_TAG(name)                            \
    struct Tag_##name {                             \
        static constexpr const char* kName = #name; \
    };
VKNORM_COUNTED(VKNORM_TAG)
#undef VKNORM_TAG

PFN_vkVoidFunction counted(const char* name, PFN_vkVoidFunction real) {
    if (real == nullptr) {
        return nullptr;
    }
#define VKNORM_MATCH(function)                                       \
    if (std::strcmp(name, #function) == 0) {                         \
        using Wrapper = Counted<Tag_##function, PFN_##function>;     \
        Wrapper::real = reinterpret_cast<PFN_##function>(real);      \
        return reinterpret_cast<PFN_vkVoidFunction>(&Wrapper::call); \
    }
    VKNORM_COUNTED(VKNORM_MATCH)
#undef VKNORM_MATCH
    EXPECT_NE(std::strncmp(name, "vkCmd", 5), 0) << name << " is recorded and not counted";
    return real;
}

void disguise(VkPhysicalDeviceProperties& properties) {
    uint32_t& workgroups = properties.limits.maxComputeWorkGroupCount[0];
    workgroups = std::min(workgroups, state.shim->maxWorkgroups);
    if (state.shim->vendorId != 0) {
        properties.vendorID = state.shim->vendorId;
    }
    VkPhysicalDeviceLimits& limits = properties.limits;
    limits.maxStorageBufferRange = std::min(limits.maxStorageBufferRange, state.shim->maxStorageBufferRange);
    uint32_t& buffers = limits.maxPerStageDescriptorStorageBuffers;
    buffers = std::min(buffers, state.shim->maxStorageBuffers);
    limits.maxDescriptorSetStorageBuffers = std::min(limits.maxDescriptorSetStorageBuffers, buffers);
}

VKAPI_ATTR void VKAPI_CALL getProperties(VkPhysicalDevice device, VkPhysicalDeviceProperties* properties) {
    state.getProperties(device, properties);
    disguise(*properties);
}

VKAPI_ATTR void VKAPI_CALL getProperties2(VkPhysicalDevice device, VkPhysicalDeviceProperties2* properties) {
    state.getProperties2(device, properties);
    disguise(properties->properties);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL getDeviceProcAddr(VkDevice device, const char* name) {
    return counted(name, state.getDeviceProcAddr(device, name));
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL getInstanceProcAddrThroughShim(VkInstance instance, const char* name) {
    const PFN_vkVoidFunction real = state.getInstanceProcAddr(instance, name);
    if (real == nullptr) {
        return nullptr;
    }
    if (std::strcmp(name, "vkGetDeviceProcAddr") == 0) {
        state.getDeviceProcAddr = reinterpret_cast<PFN_vkGetDeviceProcAddr>(real);
        return reinterpret_cast<PFN_vkVoidFunction>(&getDeviceProcAddr);
    }
    if (std::strcmp(name, "vkGetPhysicalDeviceProperties") == 0) {
        state.getProperties = reinterpret_cast<PFN_vkGetPhysicalDeviceProperties>(real);
        return reinterpret_cast<PFN_vkVoidFunction>(&getProperties);
    }
    if (std::strncmp(name, "vkGetPhysicalDeviceProperties2", 30) == 0) {
        state.getProperties2 = reinterpret_cast<PFN_vkGetPhysicalDeviceProperties2>(real);
        return reinterpret_cast<PFN_vkVoidFunction>(&getProperties2);
    }
    return counted(name, real);
}

}  // namespace

FunctionShim::FunctionShim(Device& device) {
    EXPECT_EQ(state.shim, nullptr);
    state.shim = this;
    state.getInstanceProcAddr = device.getInstanceProcAddr();
}

FunctionShim::~FunctionShim() { state = {}; }

PFN_vkGetInstanceProcAddr FunctionShim::getInstanceProcAddr() const { return &getInstanceProcAddrThroughShim; }

size_t FunctionShim::callCount() const {
    size_t count = 0;
    for (const auto& [name, number] : calls) {
        count += number;
    }
    return count;
}

PlainContext::PlainContext(Device& device, PFN_vkGetInstanceProcAddr getInstanceProcAddr, uint32_t apiVersion) {
    VknContextCreateInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_CONTEXT_CREATE_INFO;
    info.getInstanceProcAddr = getInstanceProcAddr;
    info.instance = device.instance();
    info.physicalDevice = device.physicalDevice();
    info.device = device.device();
    info.apiVersion = apiVersion;
    VknContextInfo deviceContext{};
    deviceContext.sType = VKN_STRUCTURE_TYPE_CONTEXT_INFO;
    vknGetContextInfo(device.context(), &deviceContext);
    info.pipelineCache = deviceContext.pipelineCache;
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    EXPECT_EQ(vknCreateContext(&info, &context_, &error), VKN_SUCCESS) << error.field << ": " << error.message;
}

PlainContext::~PlainContext() { vknDestroyContext(context_); }

}  // namespace vknorm::test
