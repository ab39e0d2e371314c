#include "runtime/memory_types.hpp"

#include <algorithm>
#include <array>

namespace vknorm::detail {
namespace {

// Types that need a feature (protected, AMD's device-coherent), or that no host or buffer can use.
constexpr VkMemoryPropertyFlags kUnwanted = VK_MEMORY_PROPERTY_PROTECTED_BIT | VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT |
                                            VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD |
                                            VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD;

// Without resizable BAR the host reaches 256 MiB of a discrete GPU's memory, which the driver and others need too.
constexpr VkDeviceSize kSmallBar = VkDeviceSize{256} << 20;

constexpr VkMemoryPropertyFlags kLocal = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
constexpr VkMemoryPropertyFlags kVisible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
constexpr VkMemoryPropertyFlags kCached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
constexpr VkMemoryPropertyFlags kCoherent = VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

struct Preference {
    MemoryUse use;
    VkMemoryPropertyFlags required;
    bool mapped;
};

// Of each use, best first.
constexpr std::array kPreferences = {
    Preference{MemoryUse::Auto, kLocal | kVisible | kCached | kCoherent, true},
    Preference{MemoryUse::Auto, kLocal | kVisible | kCached, true},
    Preference{MemoryUse::Auto, kLocal | kVisible | kCoherent, true},
    Preference{MemoryUse::Auto, kLocal | kVisible, true},
    Preference{MemoryUse::Auto, kLocal, false},
    Preference{MemoryUse::Auto, 0, false},
    Preference{MemoryUse::HostVisible, kLocal | kVisible | kCached, true},
    Preference{MemoryUse::HostVisible, kLocal | kVisible, true},
    Preference{MemoryUse::HostVisible, kVisible | kCached, true},
    Preference{MemoryUse::HostVisible, kVisible, true},
    Preference{MemoryUse::DeviceLocalStaged, kLocal, false},
    Preference{MemoryUse::DeviceLocalStaged, 0, false},
    // Cached first: reading uncached memory costs far more than writing cached memory does.
    Preference{MemoryUse::Staging, kVisible | kCached | kCoherent, true},
    Preference{MemoryUse::Staging, kVisible | kCached, true},
    Preference{MemoryUse::Staging, kVisible, true},
};

bool has(VkMemoryPropertyFlags flags, VkMemoryPropertyFlags wanted) { return (flags & wanted) == wanted; }

// Whether device-local memory that the host can map is as good as all of it: one heap (unified memory), or a BAR that
// has been resized to the memory behind it.
bool isMappingFree(const VkPhysicalDeviceMemoryProperties& memory, const VkMemoryType& type, VkDeviceSize size) {
    const VkDeviceSize heap = memory.memoryHeaps[type.heapIndex].size;
    if (size > heap) {
        return false;
    }
    VkDeviceSize largestLocal = 0;
    for (uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
        if ((memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0) {
            largestLocal = std::max(largestLocal, memory.memoryHeaps[i].size);
        }
    }
    return heap == largestLocal || heap > kSmallBar;
}

}  // namespace

std::vector<MemoryChoice> chooseMemory(const VkPhysicalDeviceMemoryProperties& memory, uint32_t typeBits, MemoryUse use,
                                       VkDeviceSize size) {
    std::vector<MemoryChoice> choices;
    for (const Preference& preference : kPreferences) {
        for (uint32_t i = 0; preference.use == use && i < memory.memoryTypeCount; ++i) {
            const VkMemoryType& type = memory.memoryTypes[i];
            const bool usable = (typeBits & (1U << i)) != 0 && (type.propertyFlags & kUnwanted) == 0 &&
                                has(type.propertyFlags, preference.required);
            const bool known = std::any_of(choices.begin(), choices.end(),
                                           [&](const MemoryChoice& choice) { return choice.type == i; });
            if (!usable || known) {
                continue;
            }
            if (use == MemoryUse::Auto && preference.mapped && !isMappingFree(memory, type, size)) {
                continue;  // comes back below as plain device-local memory, reached by staging
            }
            choices.push_back({i, type.propertyFlags, preference.mapped});
        }
    }
    return choices;
}

MappedRange roundMappedRange(VkDeviceSize offset, VkDeviceSize size, VkDeviceSize atomSize,
                             VkDeviceSize allocationSize) {
    const VkDeviceSize atom = std::max<VkDeviceSize>(atomSize, 1);
    const VkDeviceSize begin = offset / atom * atom;
    const VkDeviceSize end = offset + size;
    const VkDeviceSize roundedEnd = (end / atom + (end % atom != 0 ? 1 : 0)) * atom;
    return {begin, std::min(roundedEnd, allocationSize) - begin};
}

}  // namespace vknorm::detail
