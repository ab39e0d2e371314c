// The objects behind the handles.
#pragma once

#include "base/host_memory.hpp"
#include "device/capabilities.hpp"
#include "plan/execution.hpp"
#include "plan/tuning.hpp"

#include <atomic>

struct VknContext_T {
    vkn::HostMemory memory;
    vkn::Functions functions;
    VkDevice device = VK_NULL_HANDLE;
    vkn::DeviceFacts facts;  // forbiddenForms: by quirks and by the host
    vkn::DeviceIdentity identity = {};
    std::atomic<uint32_t> failedForms{0};  // by the self-test; plans are created from any thread
    char quirks[256] = {};
    vkn::TuningEntries tuning;
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

namespace vkn {

// A plan's pipelines. Those of columns come once for each pass of sums.
enum PipelineKind : uint32_t {
    kRowsPipeline,
    kAlignedRowsPipeline,
    kMeasurePipeline,  // the backward's, where it measures rows before it writes them
    kAlignedMeasurePipeline,
    kPrepareRowsPipeline,  // with GPU_ROWS
    kColumnsPipeline,      // the statistics of columns
    kAlignedColumnsPipeline,
    kJoinColumnsPipeline,
    kJoinSumsPipeline,
    kGradientColumnsPipeline,
    kAlignedGradientColumnsPipeline = kGradientColumnsPipeline + VKN_SUM_COUNT,
    kPipelineCount = kAlignedGradientColumnsPipeline + VKN_SUM_COUNT,
};

}  // namespace vkn

struct VknPlan_T {
    VknContext context = nullptr;
    vkn::OperationSpec spec;
    vkn::KernelChoice choice;
    vkn::KernelInterface rows;
    vkn::KernelInterface columns;                    // of the backward's sums over rows, where it takes any
    VkPipeline pipelines[vkn::kPipelineCount] = {};  // by PipelineKind; null where the plan has none

    bool has(vkn::PipelineKind kind) const { return pipelines[kind] != VK_NULL_HANDLE; }
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
