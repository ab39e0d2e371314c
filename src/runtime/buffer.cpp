// Buffers in whatever memory the device has: mapped where that is good, else reached by copies in slices.
#include "runtime/device_state.hpp"
#include "runtime/error.hpp"
#include "runtime/memory_types.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace vknorm {
namespace detail {
namespace {

constexpr VkDeviceSize kStagingSize = VkDeviceSize{16} << 20;
constexpr VkBufferUsageFlags kUsage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                      VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT |
                                      VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT;

MemoryUse memoryUse(MemoryKind kind) {
    switch (kind) {
        case MemoryKind::HostVisible:
            return MemoryUse::HostVisible;
        case MemoryKind::DeviceLocalStaged:
            return MemoryUse::DeviceLocalStaged;
        case MemoryKind::Auto:
            break;
    }
    return MemoryUse::Auto;
}

void allocateMemory(DeviceState& state, BufferAllocation& allocation, MemoryUse use) {
    const VolkDeviceTable& vk = state.vk;
    VkMemoryRequirements requirements = {};
    vk.vkGetBufferMemoryRequirements(state.device, allocation.buffer, &requirements);

    VkMemoryAllocateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
    info.allocationSize = requirements.size;
    const auto choices = chooseMemory(state.memory, requirements.memoryTypeBits, use, requirements.size);
    if (choices.empty()) {
        throw RuntimeError(VK_ERROR_FEATURE_NOT_PRESENT,
                           "\"" + state.info.name + "\" has no memory type for this kind of buffer");
    }
    VkResult result = VK_SUCCESS;
    for (const MemoryChoice& choice : choices) {
        info.memoryTypeIndex = choice.type;
        result = vk.vkAllocateMemory(state.device, &info, nullptr, &allocation.memory);
        if (result != VK_SUCCESS) {
            allocation.memory = VK_NULL_HANDLE;
            continue;
        }
        allocation.allocationSize = requirements.size;
        allocation.flags = choice.flags;
        check(vk.vkBindBufferMemory(state.device, allocation.buffer, allocation.memory, 0), "vkBindBufferMemory");
        if (choice.mapped) {
            check(vk.vkMapMemory(state.device, allocation.memory, 0, VK_WHOLE_SIZE, 0, &allocation.mapped),
                  "vkMapMemory");
            allocation.readThroughStaging =
                use == MemoryUse::Auto && (choice.flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT) == 0;
        }
        return;
    }
    const VkMemoryType& type = state.memory.memoryTypes[choices.front().type];
    fail(result, "cannot allocate " + formatBytes(requirements.size) + " on \"" + state.info.name +
                     "\" (memory heap of " + formatBytes(state.memory.memoryHeaps[type.heapIndex].size) + ")");
}

std::unique_ptr<BufferAllocation> createAllocation(DeviceState& state, VkDeviceSize size, VkBufferUsageFlags usage,
                                                   MemoryUse use) {
    if (size == 0) {
        throw RuntimeError(VK_ERROR_UNKNOWN, "a buffer of 0 bytes: must be at least 1");
    }
    const VkDeviceSize limit = std::min(state.maxBufferSize, state.maxAllocationSize);
    if (size > limit) {
        throw RuntimeError(VK_ERROR_OUT_OF_DEVICE_MEMORY, "a buffer of " + formatBytes(size) + ": \"" +
                                                              state.info.name + "\" permits at most " +
                                                              formatBytes(limit) + " in one piece");
    }
    auto allocation = std::make_unique<BufferAllocation>();
    allocation->size = size;
    VkBufferCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
    info.size = size;
    info.usage = usage;
    info.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
    try {
        const VkResult result = state.vk.vkCreateBuffer(state.device, &info, nullptr, &allocation->buffer);
        if (result != VK_SUCCESS) {
            allocation->buffer = VK_NULL_HANDLE;
            fail(result, "cannot create a buffer of " + formatBytes(size));
        }
        allocateMemory(state, *allocation, use);
    } catch (...) {
        state.release(std::move(allocation));
        throw;
    }
    return allocation;
}

// Flushing and invalidating are no-ops on coherent memory; tests ask for them there too.
using RangeFunction = PFN_vkFlushMappedMemoryRanges;
static_assert(std::is_same_v<RangeFunction, PFN_vkInvalidateMappedMemoryRanges>);

void synchroniseMapping(const DeviceState& state, const BufferAllocation& allocation, RangeFunction function,
                        VkDeviceSize offset, VkDeviceSize size) {
    const bool coherent = (allocation.flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) != 0;
    if (coherent && !state.treatMemoryAsNonCoherent) {
        return;
    }
    const MappedRange rounded =
        roundMappedRange(offset, size, state.limits.nonCoherentAtomSize, allocation.allocationSize);
    VkMappedMemoryRange range = {};
    range.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE;
    range.memory = allocation.memory;
    range.offset = rounded.offset;
    range.size = rounded.size;
    check(function(state.device, 1, &range), "flushing or invalidating mapped memory");
}

unsigned char* bytesAt(const BufferAllocation& allocation, VkDeviceSize offset) {
    return static_cast<unsigned char*>(allocation.mapped) + offset;
}

void writeMapped(const DeviceState& state, const BufferAllocation& allocation, VkDeviceSize offset, const void* data,
                 size_t bytes) {
    std::memcpy(bytesAt(allocation, offset), data, bytes);
    synchroniseMapping(state, allocation, state.vk.vkFlushMappedMemoryRanges, offset, bytes);
}

void readMapped(const DeviceState& state, const BufferAllocation& allocation, VkDeviceSize offset, void* data,
                size_t bytes) {
    synchroniseMapping(state, allocation, state.vk.vkInvalidateMappedMemoryRanges, offset, bytes);
    std::memcpy(data, bytesAt(allocation, offset), bytes);
}

void requireStaging(DeviceState& state) {
    if (state.staging == nullptr) {
        const VkBufferUsageFlags usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
        state.staging = createAllocation(state, kStagingSize, usage, MemoryUse::Staging);
    }
}

void copyAndWait(DeviceState& state, const BufferAllocation& from, VkDeviceSize fromOffset, const BufferAllocation& to,
                 VkDeviceSize toOffset, VkDeviceSize bytes) {
    const VkBufferCopy region = {fromOffset, toOffset, bytes};
    const auto record = [&](VkCommandBuffer commands) {
        state.vk.vkCmdCopyBuffer(commands, from.buffer, to.buffer, 1, &region);
    };
    submitRecorded(state, state.copyObjects, record, kDefaultTimeout);
}

void requireRange(const BufferAllocation& allocation, VkDeviceSize offset, size_t bytes, const char* what) {
    if (offset > allocation.size || bytes > allocation.size - offset) {
        throw RuntimeError(VK_ERROR_UNKNOWN, std::string(what) + " of " + std::to_string(bytes) + " bytes at offset " +
                                                 std::to_string(offset) + ": the buffer has " +
                                                 std::to_string(allocation.size) + " bytes");
    }
}

}  // namespace

std::unique_ptr<BufferAllocation> createBuffer(DeviceState& state, VkDeviceSize size, const BufferOptions& options) {
    return createAllocation(state, size, kUsage | options.extraUsage, memoryUse(options.memory));
}

void uploadBytes(DeviceState& state, const BufferAllocation& allocation, VkDeviceSize offset, const void* data,
                 size_t bytes) {
    state.requireReady();
    if (allocation.mapped != nullptr) {
        writeMapped(state, allocation, offset, data, bytes);
        return;
    }
    requireStaging(state);
    const unsigned char* source = static_cast<const unsigned char*>(data);
    for (size_t done = 0; done < bytes;) {
        const size_t slice = std::min<size_t>(bytes - done, kStagingSize);
        writeMapped(state, *state.staging, 0, source + done, slice);
        copyAndWait(state, *state.staging, 0, allocation, offset + done, slice);
        done += slice;
    }
}

void downloadBytes(DeviceState& state, const BufferAllocation& allocation, VkDeviceSize offset, void* data,
                   size_t bytes) {
    state.requireReady();
    if (allocation.mapped != nullptr && !allocation.readThroughStaging) {
        readMapped(state, allocation, offset, data, bytes);
        return;
    }
    requireStaging(state);
    unsigned char* target = static_cast<unsigned char*>(data);
    for (size_t done = 0; done < bytes;) {
        const size_t slice = std::min<size_t>(bytes - done, kStagingSize);
        copyAndWait(state, allocation, offset + done, *state.staging, 0, slice);
        readMapped(state, *state.staging, 0, target + done, slice);
        done += slice;
    }
}

void fillBuffer(DeviceState& state, const BufferAllocation& allocation, uint32_t word) {
    state.requireReady();
    const VkDeviceSize whole = allocation.size / 4 * 4;
    const size_t tail = static_cast<size_t>(allocation.size - whole);
    if (allocation.mapped != nullptr) {
        for (VkDeviceSize offset = 0; offset < whole; offset += 4) {
            std::memcpy(bytesAt(allocation, offset), &word, 4);
        }
        std::memcpy(bytesAt(allocation, whole), &word, tail);
        synchroniseMapping(state, allocation, state.vk.vkFlushMappedMemoryRanges, 0, allocation.size);
        return;
    }
    if (whole > 0) {
        const auto record = [&](VkCommandBuffer commands) {
            state.vk.vkCmdFillBuffer(commands, allocation.buffer, 0, whole, word);
        };
        submitRecorded(state, state.copyObjects, record, kDefaultTimeout);
    }
    if (tail > 0) {
        uploadBytes(state, allocation, whole, &word, tail);
    }
}

}  // namespace detail

Buffer::Buffer(Device& device, VkDeviceSize size, const BufferOptions& options)
    : state_(device.state_), allocation_(detail::createBuffer(*device.state_, size, options)) {}

Buffer::~Buffer() {
    if (state_ != nullptr) {
        state_->release(std::move(allocation_));
    }
}

Buffer::Buffer(Buffer&&) noexcept = default;

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    if (this != &other) {
        if (state_ != nullptr) {
            state_->release(std::move(allocation_));
        }
        state_ = std::move(other.state_);
        allocation_ = std::move(other.allocation_);
    }
    return *this;
}

VkBuffer Buffer::handle() const noexcept { return allocation_->buffer; }

VkDeviceSize Buffer::size() const noexcept { return allocation_->size; }

bool Buffer::isMapped() const noexcept { return allocation_->mapped != nullptr; }

VkMemoryPropertyFlags Buffer::memoryProperties() const noexcept { return allocation_->flags; }

void Buffer::upload(VkDeviceSize offset, const void* data, size_t bytes) {
    detail::requireRange(*allocation_, offset, bytes, "an upload");
    if (bytes > 0) {
        detail::uploadBytes(*state_, *allocation_, offset, data, bytes);
    }
}

void Buffer::download(VkDeviceSize offset, void* data, size_t bytes) const {
    detail::requireRange(*allocation_, offset, bytes, "a download");
    if (bytes > 0) {
        detail::downloadBytes(*state_, *allocation_, offset, data, bytes);
    }
}

void Buffer::fill(uint32_t word) { detail::fillBuffer(*state_, *allocation_, word); }

}  // namespace vknorm
