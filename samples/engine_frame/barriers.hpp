// The engine's barriers: who touched a slice last, and what has to stand between that and who touches it next. A render graph
// keeps the same book. Knows nothing of vknorm.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_FRAME_BARRIERS_HPP
#define ENGINE_FRAME_BARRIERS_HPP

#include "engine.hpp"

namespace engine {

struct Use {
    const Slice* slice;
    VkPipelineStageFlags stages;
    VkAccessFlags accesses;
};

class BarrierTracker {
public:
    explicit BarrierTracker(uint32_t sliceCount) : states_(sliceCount) { barriers_.reserve(sliceCount); }

    // All that was recorded so far has finished, or is waited for by a semaphore.
    void forget();
    // Records the barrier that these uses need, if any; they follow it.
    void use(VkCommandBuffer commands, const Use* uses, size_t count);
    uint64_t recorded() const { return recorded_; }

private:
    struct State {
        VkPipelineStageFlags writers = 0;  // the last write
        VkAccessFlags written = 0;
        VkPipelineStageFlags readers = 0;  // since then
        VkAccessFlags visible = 0;         // accesses that the write has been made visible to
    };
    void add(const Use& use, State& state, VkPipelineStageFlags& before, VkPipelineStageFlags& after);

    std::vector<State> states_;                    // by Slice::id
    std::vector<VkBufferMemoryBarrier> barriers_;  // of the call at work; here, so that no frame allocates
    uint64_t recorded_ = 0;
};

}  // namespace engine

#endif
