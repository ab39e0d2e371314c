// Compute pipelines from embedded modules.
#pragma once

#include "base/host_memory.hpp"
#include "device/functions.hpp"
#include "include/interface.h"
#include "plan/choose.hpp"
#include "plan/kernel_interface.hpp"

namespace vkn {

// Where pipelines are made: the context's handles.
struct PipelineMaker {
    const HostMemory& memory;
    const Functions& functions;
    VkDevice device;
    VkPipelineLayout layout;
    VkPipelineCache cache;
    VkPipelineCreateFlags flags;
};

using SpecialisationValues = uint32_t[VKN_SPEC_COUNT];

struct PipelineRequest {
    const char* module = nullptr;              // name in the embedded table
    const uint32_t* bindingOfSlot = nullptr;   // null: as written
    const uint32_t* specialisation = nullptr;  // VKN_SPEC_COUNT values; null: none
    uint32_t requiredSubgroupSize = 0;         // 0: none
    bool fullSubgroups = false;
    const char* name = nullptr;  // for debug tools
};

VknResult makePipeline(const PipelineMaker& maker, const PipelineRequest& request, VkPipeline& pipeline,
                       VknError* error);

void nameObject(const Functions& functions, VkDevice device, VkObjectType type, uint64_t handle, const char* name);

// A kernel of rows, or of the backward's columns.
struct KernelRequest {
    const KernelInterface& kernel;
    bool aligned = false;       // for rows that start at 16 bytes and are whole chunks
    bool measuresOnly = false;  // the backward's
    uint32_t sums = 0;          // bits (1 << VKN_SUM_*)
};
VknResult makeRowPipeline(const PipelineMaker& maker, const OperationSpec& spec, const KernelChoice& choice,
                          const KernelRequest& kernel, VkPipeline& pipeline, VknError* error);
VknResult makeGradientColumnPipeline(const PipelineMaker& maker, const OperationSpec& spec, const KernelChoice& choice,
                                     const KernelRequest& kernel, VkPipeline& pipeline, VknError* error);
VknResult makeJoinSumsPipeline(const PipelineMaker& maker, VkPipeline& pipeline, VknError* error);

// Of a plan that trains: the kernel of columns, and the one that joins their parts.
VknResult makeColumnPipeline(const PipelineMaker& maker, const OperationSpec& spec, const KernelChoice& choice,
                             bool aligned, VkPipeline& pipeline, VknError* error);
VknResult makeJoinPipeline(const PipelineMaker& maker, const OperationSpec& spec, const KernelChoice& choice,
                           VkPipeline& pipeline, VknError* error);

// The self-test of a choice's reduction.
VknResult makeSelfTestPipeline(const PipelineMaker& maker, const KernelChoice& choice, VkPipeline& pipeline,
                               VknError* error);

// The kernel that prepares indirect dispatches.
VknResult makePrepareRowsPipeline(const PipelineMaker& maker, VkPipeline& pipeline, VknError* error);

}  // namespace vkn
