// The engine's host memory for libraries: VkAllocationCallbacks that count.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_FRAME_HOST_MEMORY_HPP
#define ENGINE_FRAME_HOST_MEMORY_HPP

#include <vulkan/vulkan_core.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace engine {

class HostMemory {
public:
    const VkAllocationCallbacks* callbacks() const { return &callbacks_; }
    uint64_t allocations() const { return allocations_; }
    uint64_t live() const { return live_; }

private:
    struct Header {
        void* block;
        size_t size;
    };
    static Header* headerOf(void* memory) { return static_cast<Header*>(memory) - 1; }

    // In front of what is handed out lies a header, and in front of that what aligns it.
    static VKAPI_ATTR void* VKAPI_CALL allocate(void* self, size_t size, size_t alignment, VkSystemAllocationScope) {
        alignment = std::max(alignment, alignof(Header));
        size_t room = size + alignment;
        void* block = std::malloc(sizeof(Header) + room);
        if (block == nullptr) return nullptr;
        void* memory = static_cast<Header*>(block) + 1;
        std::align(alignment, size, memory, room);
        *headerOf(memory) = {block, size};
        ++static_cast<HostMemory*>(self)->allocations_;
        ++static_cast<HostMemory*>(self)->live_;
        return memory;
    }
    static VKAPI_ATTR void VKAPI_CALL release(void* self, void* memory) {
        if (memory == nullptr) return;
        --static_cast<HostMemory*>(self)->live_;
        std::free(headerOf(memory)->block);
    }
    static VKAPI_ATTR void* VKAPI_CALL reallocate(void* self, void* memory, size_t size, size_t alignment,
                                                  VkSystemAllocationScope scope) {
        void* larger = size == 0 ? nullptr : allocate(self, size, alignment, scope);
        if (larger != nullptr && memory != nullptr) std::memcpy(larger, memory, std::min(size, headerOf(memory)->size));
        if (larger != nullptr || size == 0) release(self, memory);
        return larger;
    }

    std::atomic<uint64_t> allocations_{0};
    std::atomic<uint64_t> live_{0};
    VkAllocationCallbacks callbacks_{this, &allocate, &reallocate, &release, nullptr, nullptr};
};

}  // namespace engine

#endif
