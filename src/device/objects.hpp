// The objects behind the handles.
#pragma once

#include "base/host_memory.hpp"
#include "device/capabilities.hpp"
#include "plan/execution.hpp"

#include <atomic>

struct VknContext_T {
    vkn::HostMemory memory;
    vkn::Functions functions;
    VkDevice device = VK_NULL_HANDLE;
    vkn::DeviceFacts facts;  // forbiddenForms: by quirks and by the host
    vkn::DeviceIdentity identity = {};
    std::atomic<uint32_t> failedForms{0};  // by the self-test; plans are created from any thread
    char quirks[256] = {};
    VkPipelineCreateFlags pipelineFlags = 0;  // what the host wants captured

    VkDescriptorSetLayout setLayout = VK_NULL_HANDLE;  // one for all plans
    VkPipelineLayout pipelineLayout = VK_NULL_HANDLE;
    VkPipelineCache pipelineCache = VK_NULL_HANDLE;
    bool ownsPipelineCache = false;

    VkPipeline selfTestPipelines[4] = {};  // by VknKernelForm
    VkDescriptorPool selfTestPool = VK_NULL_HANDLE;

    // The facts as they are now.
    vkn::DeviceFacts currentFacts() const {
        vkn::DeviceFacts now = facts;
        now.forbiddenForms |= failedForms.load(std::memory_order_acquire);
        return now;
    }
};

struct VknPlan_T {
    VknContext context = nullptr;
    vkn::OperationSpec spec;
    vkn::KernelChoice choice;
    vkn::Signature signature;
    vkn::WordLayout words;
    VkPipeline general = VK_NULL_HANDLE;      // any alignment
    VkPipeline aligned = VK_NULL_HANDLE;      // null where the choice has none
    VkPipeline prepareRows = VK_NULL_HANDLE;  // with GPU_ROWS
    // Training: the statistics of columns, of any alignment and as above, and what joins their parts.
    VkPipeline columns = VK_NULL_HANDLE;
    VkPipeline alignedColumns = VK_NULL_HANDLE;
    VkPipeline joinColumns = VK_NULL_HANDLE;
};

struct VknBindingPool_T {
    VknContext context = nullptr;
    VkDescriptorPool pool = VK_NULL_HANDLE;  // null with push descriptors, which need none
    VkDescriptorSet* sets = nullptr;
    uint32_t setCount = 0;
    uint32_t used = 0;
};

struct VknBinding_T {
    VknPlan plan = nullptr;
    vkn::Execution execution;
    VknBindingPool_T pool;  // its own, with the sets written; empty with push descriptors
};
