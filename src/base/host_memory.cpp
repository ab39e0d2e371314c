#include "base/host_memory.hpp"

#include <cstdlib>

namespace vkn {

HostMemory::HostMemory(const VkAllocationCallbacks* callbacks) : hasCallbacks_(callbacks != nullptr) {
    if (callbacks != nullptr) {
        callbacks_ = *callbacks;
    }
}

void* HostMemory::allocate(size_t size) const {
    if (!hasCallbacks_) {
        return malloc(size);
    }
    return callbacks_.pfnAllocation(callbacks_.pUserData, size, alignof(std::max_align_t),
                                    VK_SYSTEM_ALLOCATION_SCOPE_OBJECT);
}

void HostMemory::release(void* memory) const {
    if (memory == nullptr) {
        return;
    }
    if (!hasCallbacks_) {
        free(memory);
        return;
    }
    callbacks_.pfnFree(callbacks_.pUserData, memory);
}

}  // namespace vkn
