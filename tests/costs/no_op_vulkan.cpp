#include "costs/no_op_vulkan.hpp"

#include <vknorm/vknorm.hpp>

#include <cstring>

namespace vknorm::test {
namespace {

PFN_vkGetInstanceProcAddr fakeGetInstanceProcAddr = nullptr;
PFN_vkGetDeviceProcAddr fakeGetDeviceProcAddr = nullptr;

// Any of them may be called with any arguments that the caller's convention lets it ignore; so each has its own.
VKAPI_ATTR void VKAPI_CALL bindPipeline(VkCommandBuffer, VkPipelineBindPoint, VkPipeline) {}
VKAPI_ATTR void VKAPI_CALL bindSets(VkCommandBuffer, VkPipelineBindPoint, VkPipelineLayout, uint32_t, uint32_t,
                                    const VkDescriptorSet*, uint32_t, const uint32_t*) {}
VKAPI_ATTR void VKAPI_CALL pushSet(VkCommandBuffer, VkPipelineBindPoint, VkPipelineLayout, uint32_t, uint32_t,
                                   const VkWriteDescriptorSet*) {}
VKAPI_ATTR void VKAPI_CALL pushConstants(VkCommandBuffer, VkPipelineLayout, VkShaderStageFlags, uint32_t, uint32_t,
                                         const void*) {}
VKAPI_ATTR void VKAPI_CALL dispatch(VkCommandBuffer, uint32_t, uint32_t, uint32_t) {}
VKAPI_ATTR void VKAPI_CALL updateSets(VkDevice, uint32_t, const VkWriteDescriptorSet*, uint32_t,
                                      const VkCopyDescriptorSet*) {}

PFN_vkVoidFunction findNoOp(const char* name) {
    const struct {
        const char* name;
        PFN_vkVoidFunction function;
    } functions[] = {
        {"vkCmdBindPipeline", reinterpret_cast<PFN_vkVoidFunction>(&bindPipeline)},
        {"vkCmdBindDescriptorSets", reinterpret_cast<PFN_vkVoidFunction>(&bindSets)},
        {"vkCmdPushDescriptorSetKHR", reinterpret_cast<PFN_vkVoidFunction>(&pushSet)},
        {"vkCmdPushConstants", reinterpret_cast<PFN_vkVoidFunction>(&pushConstants)},
        {"vkCmdDispatch", reinterpret_cast<PFN_vkVoidFunction>(&dispatch)},
        {"vkUpdateDescriptorSets", reinterpret_cast<PFN_vkVoidFunction>(&updateSets)},
    };
    for (const auto& each : functions) {
        if (std::strcmp(each.name, name) == 0) {
            return each.function;
        }
    }
    return nullptr;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL getDeviceProcAddr(VkDevice device, const char* name) {
    const PFN_vkVoidFunction noOp = findNoOp(name);
    return noOp != nullptr ? noOp : fakeGetDeviceProcAddr(device, name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL getInstanceProcAddrOf(VkInstance instance, const char* name) {
    if (std::strcmp(name, "vkGetDeviceProcAddr") == 0) {
        return reinterpret_cast<PFN_vkVoidFunction>(&getDeviceProcAddr);
    }
    const PFN_vkVoidFunction noOp = findNoOp(name);
    return noOp != nullptr ? noOp : fakeGetInstanceProcAddr(instance, name);
}

const char* const kPushDescriptors[] = {VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME};

}  // namespace

NoOpVulkan::NoOpVulkan(bool pushDescriptors) : pushDescriptors_(pushDescriptors) {
    fakeGetInstanceProcAddr = vulkan_.getInstanceProcAddr();
    fakeGetDeviceProcAddr = reinterpret_cast<PFN_vkGetDeviceProcAddr>(
        fakeGetInstanceProcAddr(FakeVulkan::instance(), "vkGetDeviceProcAddr"));
}

PFN_vkGetInstanceProcAddr NoOpVulkan::getInstanceProcAddr() const { return &getInstanceProcAddrOf; }

VknContextCreateInfo NoOpVulkan::contextInfo() const {
    VknContextCreateInfo info = makeContextCreateInfo();
    info.getInstanceProcAddr = getInstanceProcAddr();
    info.instance = FakeVulkan::instance();
    info.physicalDevice = FakeVulkan::physicalDevice();
    info.device = FakeVulkan::device();
    info.apiVersion = VK_API_VERSION_1_1;
    info.enabledDeviceExtensionCount = pushDescriptors_ ? 1 : 0;
    info.ppEnabledDeviceExtensions = kPushDescriptors;
    info.pAllocator = allocator_.callbacks();
    return info;
}

}  // namespace vknorm::test
