#include "barriers.hpp"

#include <algorithm>

namespace engine {
namespace {

constexpr VkAccessFlags kWrites = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_HOST_WRITE_BIT;

}  // namespace

void BarrierTracker::forget() { std::fill(states_.begin(), states_.end(), State{}); }

void BarrierTracker::use(VkCommandBuffer commands, const Use* uses, size_t count) {
    VkPipelineStageFlags before = 0;
    VkPipelineStageFlags after = 0;
    barriers_.clear();
    for (size_t i = 0; i < count; ++i) add(uses[i], states_[uses[i].slice->id], before, after);
    if (before == 0) return;
    vkCmdPipelineBarrier(commands, before, after, 0, 0, nullptr, static_cast<uint32_t>(barriers_.size()),
                         barriers_.data(), 0, nullptr);
    ++recorded_;
}

void BarrierTracker::add(const Use& use, State& state, VkPipelineStageFlags& before, VkPipelineStageFlags& after) {
    const bool isWrite = (use.accesses & kWrites) != 0;
    const bool mustSee = state.written != 0 && (isWrite || (use.accesses & ~state.visible) != 0);
    if (mustSee) {  // read or write after write: the memory too
        VkBufferMemoryBarrier barrier = {};
        barrier.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER;
        barrier.srcAccessMask = state.written;
        barrier.dstAccessMask = use.accesses;
        barrier.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
        barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
        barrier.buffer = use.slice->buffer;
        barrier.offset = use.slice->offset;
        barrier.size = use.slice->size;
        barriers_.push_back(barrier);
        before |= state.writers;
        state.visible |= use.accesses;
    }
    if (isWrite) before |= state.readers;  // write after read: the order is enough
    if (mustSee || (isWrite && state.readers != 0)) after |= use.stages;
    if (isWrite) {
        state = {use.stages, use.accesses & kWrites, 0, 0};
    } else {
        state.readers |= use.stages;
    }
}

}  // namespace engine
