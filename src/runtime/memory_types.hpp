// Which memory a buffer is put in, and which bytes are flushed. Pure functions.
#ifndef VKNORM_RUNTIME_MEMORY_TYPES_HPP
#define VKNORM_RUNTIME_MEMORY_TYPES_HPP

#include <vknorm/runtime.hpp>

#include <vector>

namespace vknorm::detail {

enum class MemoryUse {
    Auto,
    HostVisible,
    DeviceLocalStaged,
    Staging,  // the host writes and reads it, the GPU only copies
};

struct MemoryChoice {
    uint32_t type = 0;
    VkMemoryPropertyFlags flags = 0;
    bool mapped = false;
};

// Memory types to try, best first. Falls back to whatever the buffer can be bound to, so that the list is empty only
// if no type can serve the use (HostVisible and Staging without a host-visible type).
std::vector<MemoryChoice> chooseMemory(const VkPhysicalDeviceMemoryProperties& memory, uint32_t typeBits, MemoryUse use,
                                       VkDeviceSize size);

struct MappedRange {
    VkDeviceSize offset = 0;
    VkDeviceSize size = 0;
};

// The range to flush or invalidate for `size` bytes at `offset`: rounded out to nonCoherentAtomSize, but not past the
// end of the allocation, which the specification allows to be no multiple of it.
MappedRange roundMappedRange(VkDeviceSize offset, VkDeviceSize size, VkDeviceSize atomSize,
                             VkDeviceSize allocationSize);

}  // namespace vknorm::detail

#endif
