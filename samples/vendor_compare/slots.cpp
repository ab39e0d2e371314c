// SPDX-License-Identifier: Apache-2.0
#include "slots.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace vknorm::compare {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
// Buffers of every size have been allocated on every driver up to here.
constexpr uint64_t kUsualBufferBytes = 64 * kMiB;

}  // namespace

SlotPlan planSlots(uint64_t slotBytes, const MemoryLimits& limits) {
    if (slotBytes > limits.limitBytes) {
        throw Skipped(fmt::format("needs {} MiB, and the limit is {} MiB (--memory-limit)", slotBytes / kMiB + 1,
                                  limits.limitBytes / kMiB));
    }
    const uint64_t wanted = limits.wantedBytes != 0 ? limits.wantedBytes : 2 * limits.cacheBytes;
    const uint64_t slots = std::clamp<uint64_t>(wanted / slotBytes + 1, 2, kMaxSlots);
    SlotPlan plan;
    plan.slots = static_cast<uint32_t>(std::min(slots, limits.limitBytes / slotBytes));
    plan.exceedsCache = plan.slots * slotBytes > limits.cacheBytes;
    return plan;
}

SlotBuffers::SlotBuffers(Device& device, uint64_t bytes, uint32_t slots)
    : slotBytes_(roundUp(bytes, kSlotAlignment)),
      perBuffer_(static_cast<uint32_t>(std::clamp<uint64_t>(kUsualBufferBytes / slotBytes_, 1, slots))) {
    for (uint32_t first = 0; first < slots; first += perBuffer_) {
        buffers_.emplace_back(device, slotBytes_ * std::min(perBuffer_, slots - first));
    }
}

SlotBuffers::Place SlotBuffers::at(uint32_t slot) {
    return {&buffers_[slot / perBuffer_], slot % perBuffer_ * slotBytes_};
}

}  // namespace vknorm::compare
