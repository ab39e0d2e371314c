#include "runtime/device_state.hpp"

#include "runtime/error.hpp"

namespace vknorm::detail {
namespace {

// How long the last owner waits for a GPU that did not answer in time, before it leaks.
constexpr std::chrono::nanoseconds kShutdownGrace = std::chrono::seconds(5);

uint64_t nanoseconds(std::chrono::nanoseconds timeout) {
    return timeout.count() > 0 ? static_cast<uint64_t>(timeout.count()) : 0;
}

}  // namespace

DeviceState::~DeviceState() {
    if (device != VK_NULL_HANDLE) {
        if (stuckFence != VK_NULL_HANDLE && !waitIdle(kShutdownGrace)) {
            // Leaked on purpose, see runtime.hpp. Letting the owners go would destroy.
            (void)instance.release();
            return;
        }
        releaseDeferred();
        for (std::unique_ptr<CommandObjects>* objects : {&submitObjects, &copyObjects}) {
            if (*objects != nullptr) {
                destroy(**objects);
            }
        }
        if (staging != nullptr) {
            destroy(*staging);
        }
        if (context != nullptr) {
            vknDestroyContext(context);
        }
        vk.vkDestroyDevice(device, nullptr);
    }
}

void DeviceState::requireReady() {
    if (lost) {
        fail(VK_ERROR_DEVICE_LOST, "the device was lost before");
    }
    if (!waitIdle(std::chrono::nanoseconds(0))) {
        throw RuntimeError(VK_TIMEOUT,
                           "an earlier submit ran out of time and the GPU is still busy with it: VK_TIMEOUT");
    }
}

bool DeviceState::waitIdle(std::chrono::nanoseconds timeout) {
    if (stuckFence == VK_NULL_HANDLE) {
        return true;
    }
    const VkResult result = vk.vkWaitForFences(device, 1, &stuckFence, VK_TRUE, nanoseconds(timeout));
    if (result == VK_TIMEOUT) {
        return false;
    }
    lost = lost || result == VK_ERROR_DEVICE_LOST;
    // Success, or an error: a lost device no longer uses anything.
    stuckFence = VK_NULL_HANDLE;
    releaseDeferred();
    return true;
}

void DeviceState::failSubmit(VkResult result, const char* what) {
    lost = lost || result == VK_ERROR_DEVICE_LOST;
    fail(result, what);
}

void DeviceState::release(std::unique_ptr<BufferAllocation> allocation) noexcept {
    if (allocation == nullptr) {
        return;
    }
    if (stuckFence != VK_NULL_HANDLE) {
        deferredBuffers_.push_back(std::move(allocation));
        return;
    }
    destroy(*allocation);
}

void DeviceState::release(std::unique_ptr<CommandObjects> objects) noexcept {
    if (objects == nullptr) {
        return;
    }
    if (stuckFence != VK_NULL_HANDLE) {
        deferredObjects_.push_back(std::move(objects));
        return;
    }
    destroy(*objects);
}

void DeviceState::releaseDeferred() noexcept {
    for (const auto& allocation : deferredBuffers_) {
        destroy(*allocation);
    }
    deferredBuffers_.clear();
    for (const auto& objects : deferredObjects_) {
        destroy(*objects);
    }
    deferredObjects_.clear();
}

// Destroying a null handle does nothing, so half-made objects can be handed in.
void DeviceState::destroy(BufferAllocation& allocation) noexcept {
    vk.vkDestroyBuffer(device, allocation.buffer, nullptr);
    vk.vkFreeMemory(device, allocation.memory, nullptr);  // unmaps
    allocation = {};
}

void DeviceState::destroy(CommandObjects& objects) noexcept {
    vk.vkDestroyQueryPool(device, objects.queries, nullptr);
    vk.vkDestroyFence(device, objects.fence, nullptr);
    vk.vkDestroyCommandPool(device, objects.pool, nullptr);
    objects = {};
}

}  // namespace vknorm::detail
