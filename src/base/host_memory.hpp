// Host memory through the host's VkAllocationCallbacks. Nothing throws; a failed allocation is a null pointer.
#pragma once

#include "vknorm/vknorm.h"

#include <cstddef>
#include <new>

namespace vkn {

class HostMemory {
public:
    HostMemory() = default;
    explicit HostMemory(const VkAllocationCallbacks* callbacks);

    void* allocate(size_t size) const;
    void release(void* memory) const;

    // For Vulkan's own calls: the host's callbacks, or null.
    const VkAllocationCallbacks* callbacks() const { return hasCallbacks_ ? &callbacks_ : nullptr; }

    template <typename T>
    T* create() const {
        void* memory = allocate(sizeof(T));
        return memory == nullptr ? nullptr : new (memory) T();
    }

    template <typename T>
    T* createArray(size_t count) const {
        T* first = static_cast<T*>(allocate(sizeof(T) * (count == 0 ? 1 : count)));
        for (size_t i = 0; first != nullptr && i < count; ++i) {
            new (first + i) T();
        }
        return first;
    }

private:
    VkAllocationCallbacks callbacks_ = {};
    bool hasCallbacks_ = false;
};

}  // namespace vkn
