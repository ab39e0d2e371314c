// Recording: vkCmd* calls and nothing else. Nothing here can fail, and nothing is allocated.
#pragma once

#include "record/descriptors.hpp"

namespace vkn {

// Where the sets of an execution come from, in the order in which writeSets fills them.
struct SetSource {
    VkDescriptorSet* sets = nullptr;  // null: push descriptors
    bool areWritten = false;
};

// Writes all sets of an execution, setsNeeded() of them.
void writeSets(const Execution& execution, const VknContext_T& context, VkDescriptorSet* sets);

void recordExecution(const VknPlan_T& plan, VkCommandBuffer commandBuffer, const Execution& execution,
                     const SetSource& source);

// Accesses of an operation, for a barrier: as a first scope (what it leaves behind), or as a second (what it waits for).
struct AccessScope {
    VkPipelineStageFlags stages;
    VkAccessFlags accesses;
};
AccessScope firstScope(bool gpuRows);
AccessScope secondScope(bool gpuRows);

// Sets the whole range of the layout, zero behind `constants`: bytes of it that were never set are undefined, and validation
// layers complain about them.
void recordConstants(const VknContext_T& context, VkCommandBuffer commandBuffer, const void* constants, size_t size);

void recordBarrier(const VknContext_T& context, VkCommandBuffer commandBuffer, const AccessScope& first,
                   const AccessScope& second);

}  // namespace vkn
