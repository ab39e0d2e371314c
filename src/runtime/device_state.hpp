// What a Device, its Buffers and its CommandBuffers share. The last of them destroys it.
#ifndef VKNORM_RUNTIME_DEVICE_STATE_HPP
#define VKNORM_RUNTIME_DEVICE_STATE_HPP

#include "runtime/instance.hpp"

#include <volk.h>

#include <limits>

namespace vknorm::detail {

struct BufferAllocation {
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkDeviceSize size = 0;            // as asked for
    VkDeviceSize allocationSize = 0;  // of the memory
    VkMemoryPropertyFlags flags = 0;
    void* mapped = nullptr;           // null: reached through the staging buffer
    bool readThroughStaging = false;  // mapped, but slow to read
};

struct CommandObjects {
    VkCommandPool pool = VK_NULL_HANDLE;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    VkFence fence = VK_NULL_HANDLE;
    VkQueryPool queries = VK_NULL_HANDLE;  // null: no usable timestamps
    bool recording = false;
    bool recorded = false;
};

struct DeviceState {
    DeviceState() = default;
    ~DeviceState();
    DeviceState(const DeviceState&) = delete;
    DeviceState& operator=(const DeviceState&) = delete;

    // Throws if nothing can be submitted: the device is lost, or a timed-out submit still runs.
    void requireReady();
    // Waits for a timed-out submit, if there is one. True: nothing is running any more.
    bool waitIdle(std::chrono::nanoseconds timeout);
    // Remembers a lost device, then throws.
    [[noreturn]] void failSubmit(VkResult result, const char* what);

    // Now, or once a timed-out submit has finished, since that may still use them.
    void release(std::unique_ptr<BufferAllocation> allocation) noexcept;
    void release(std::unique_ptr<CommandObjects> objects) noexcept;

    std::unique_ptr<Instance> instance;
    DeviceInfo info;
    VkPhysicalDevice physicalDevice = VK_NULL_HANDLE;
    VkPhysicalDeviceLimits limits = {};
    VkPhysicalDeviceMemoryProperties memory = {};
    VkDeviceSize maxBufferSize = std::numeric_limits<VkDeviceSize>::max();
    VkDeviceSize maxAllocationSize = std::numeric_limits<VkDeviceSize>::max();
    uint32_t queueFamily = 0;
    uint32_t timestampValidBits = 0;
    bool treatMemoryAsNonCoherent = false;

    VkDevice device = VK_NULL_HANDLE;
    VkQueue queue = VK_NULL_HANDLE;
    VolkDeviceTable vk = {};
    VknContext context = nullptr;
    std::vector<std::string> enabledNames;
    std::string selfTestReport;

    std::unique_ptr<BufferAllocation> staging;      // made when first needed
    std::unique_ptr<CommandObjects> submitObjects;  // of Device::submit
    std::unique_ptr<CommandObjects> copyObjects;    // of staged uploads and downloads

    bool lost = false;
    VkFence stuckFence = VK_NULL_HANDLE;  // of a submit that timed out and was not seen to finish

private:
    void destroy(BufferAllocation& allocation) noexcept;
    void destroy(CommandObjects& objects) noexcept;
    void releaseDeferred() noexcept;

    std::vector<std::unique_ptr<BufferAllocation>> deferredBuffers_;
    std::vector<std::unique_ptr<CommandObjects>> deferredObjects_;
};

std::unique_ptr<BufferAllocation> createBuffer(DeviceState& state, VkDeviceSize size, const BufferOptions& options);
void uploadBytes(DeviceState& state, const BufferAllocation& allocation, VkDeviceSize offset, const void* data,
                 size_t bytes);
void downloadBytes(DeviceState& state, const BufferAllocation& allocation, VkDeviceSize offset, void* data,
                   size_t bytes);
void fillBuffer(DeviceState& state, const BufferAllocation& allocation, uint32_t word);

std::unique_ptr<CommandObjects> createCommandObjects(DeviceState& state);
VkCommandBuffer beginCommands(DeviceState& state, CommandObjects& objects, VkCommandBufferUsageFlags usage);
void endCommands(DeviceState& state, CommandObjects& objects);
SubmitResult submitCommands(DeviceState& state, CommandObjects& objects, std::chrono::nanoseconds timeout);
// All three, with objects made at first use.
SubmitResult submitRecorded(DeviceState& state, std::unique_ptr<CommandObjects>& objects,
                            const std::function<void(VkCommandBuffer)>& record, std::chrono::nanoseconds timeout);

// Runs the library's recorded self-test and hands the result in; returns its report.
std::string runSelfTest(DeviceState& state);

}  // namespace vknorm::detail

#endif
