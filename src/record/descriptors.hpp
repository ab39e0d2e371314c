// Descriptors of a dispatch: pushed where that is enabled, otherwise in sets made beforehand.
#pragma once

#include "device/objects.hpp"
#include "plan/gradients.hpp"

namespace vkn {

// What a set holds: storage buffers from binding 0 up, and the uniform buffer of an indirect dispatch.
struct DescriptorContents {
    UnsetArray<BoundBuffer, kMostStorageBuffers> storage;
    uint32_t storageCount = 0;
    BoundBuffer dispatchArguments;  // no buffer: none

    void add(const BoundBuffer& bound) { storage.set(storageCount++, bound); }
};

DescriptorContents contentsOf(const Execution& execution, const Dispatch& dispatch, uint64_t index);
DescriptorContents contentsOf(const Dispatch& dispatch);
DescriptorContents contentsOf(const JoinSumsDispatch& join);
DescriptorContents contentsOf(const PrepareDispatch& prepare);
DescriptorContents contentsOf(const ColumnDispatch& columns);
DescriptorContents contentsOf(const JoinDispatch& join);

void writeSet(const VknContext_T& context, VkDescriptorSet set, const DescriptorContents& contents);
void pushSet(const VknContext_T& context, VkCommandBuffer commandBuffer, const DescriptorContents& contents);
void bindSet(const VknContext_T& context, VkCommandBuffer commandBuffer, VkDescriptorSet set);

// Makes a pool's sets. Nothing is left behind on failure.
VknResult createSets(VknContext_T& context, uint32_t count, VknBindingPool_T& pool, VknError* error);
void destroySets(VknBindingPool_T& pool);

// Sets that an execution takes from a pool: those of its dispatches, in this order.
struct SetOrder {
    uint64_t rows = 0;
    uint64_t measure = 0;  // of the backward, where that comes before
    uint64_t prepare = 0;  // with GPU_ROWS
    uint64_t columns = 0;  // of statistics, or of a pass of sums after the other
    uint64_t joins = 0;
    uint64_t count = 0;
};
SetOrder orderSets(const Execution& execution);
uint64_t setsNeeded(const Execution& execution);

}  // namespace vkn
