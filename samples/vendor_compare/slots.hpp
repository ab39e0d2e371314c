// Copies of the same tensors side by side, which dispatches take in turns: so many that a cache does not hold them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vknorm/runtime.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace vknorm::compare {

// A case that is left out, and why.
struct Skipped : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct MemoryLimits {
    uint64_t cacheBytes = 0;   // of the last-level cache
    uint64_t limitBytes = 0;   // that a case may take
    uint64_t wantedBytes = 0;  // that its slots take where they may; 0: twice the cache
};

struct SlotPlan {
    uint32_t slots = 0;
    bool exceedsCache = false;
};

inline constexpr uint32_t kMaxSlots = 64;

// How many slots of so many bytes. Throws Skipped where not one fits.
SlotPlan planSlots(uint64_t slotBytes, const MemoryLimits& limits);

// Slots start at multiples of this, which every device's alignment of storage buffers divides.
inline constexpr uint64_t kSlotAlignment = 256;
inline uint64_t roundUp(uint64_t value, uint64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// The same part of each slot, in as few buffers as is reasonable.
class SlotBuffers {
public:
    SlotBuffers(Device& device, uint64_t bytes, uint32_t slots);

    struct Place {
        Buffer* buffer;
        VkDeviceSize offset;
    };
    Place at(uint32_t slot);
    uint64_t slotBytes() const { return slotBytes_; }

private:
    uint64_t slotBytes_;
    uint32_t perBuffer_;
    std::vector<Buffer> buffers_;
};

}  // namespace vknorm::compare
