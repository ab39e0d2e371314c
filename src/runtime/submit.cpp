// Recording, submitting and waiting, with a time limit.
#include "runtime/device_state.hpp"
#include "runtime/error.hpp"
#include "runtime/timestamps.hpp"

#include <cstdio>

namespace vknorm {
namespace detail {
namespace {

using Clock = std::chrono::steady_clock;

constexpr VkPipelineStageFlags kWorkStages =
    VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT;
constexpr VkAccessFlags kWrites = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
constexpr VkAccessFlags kAccesses = kWrites | VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                                    VK_ACCESS_INDIRECT_COMMAND_READ_BIT | VK_ACCESS_UNIFORM_READ_BIT;

void recordBarrier(const VolkDeviceTable& vk, VkCommandBuffer commands, VkPipelineStageFlags secondStages,
                   VkAccessFlags secondAccesses) {
    VkMemoryBarrier barrier = {};
    barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
    barrier.srcAccessMask = kWrites;
    barrier.dstAccessMask = secondAccesses;
    vk.vkCmdPipelineBarrier(commands, kWorkStages, secondStages, 0, 1, &barrier, 0, nullptr, 0, nullptr);
}

SubmitResult measure(DeviceState& state, const CommandObjects& objects, double hostSeconds) {
    SubmitResult result;
    result.seconds = hostSeconds;
    uint64_t ticks[2] = {};
    if (objects.queries == VK_NULL_HANDLE ||
        // Without WAIT: a driver that never writes them answers VK_NOT_READY.
        state.vk.vkGetQueryPoolResults(state.device, objects.queries, 0, 2, sizeof ticks, ticks, sizeof ticks[0],
                                       VK_QUERY_RESULT_64_BIT) != VK_SUCCESS) {
        return result;
    }
    const double seconds = timestampSeconds(ticks[0], ticks[1], state.timestampValidBits, state.limits.timestampPeriod);
    if (isPlausible(seconds, hostSeconds)) {
        result.seconds = seconds;
        result.source = TimingSource::GpuTimestamps;
    }
    return result;
}

}  // namespace

std::unique_ptr<CommandObjects> createCommandObjects(DeviceState& state) {
    auto objects = std::make_unique<CommandObjects>();
    const VolkDeviceTable& vk = state.vk;
    try {
        VkCommandPoolCreateInfo pool = {};
        pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
        pool.queueFamilyIndex = state.queueFamily;
        check(vk.vkCreateCommandPool(state.device, &pool, nullptr, &objects->pool), "vkCreateCommandPool");

        VkCommandBufferAllocateInfo commands = {};
        commands.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
        commands.commandPool = objects->pool;
        commands.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
        commands.commandBufferCount = 1;
        check(vk.vkAllocateCommandBuffers(state.device, &commands, &objects->commands), "vkAllocateCommandBuffers");

        VkFenceCreateInfo fence = {};
        fence.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
        check(vk.vkCreateFence(state.device, &fence, nullptr, &objects->fence), "vkCreateFence");

        if (areTimestampsUsable(state.timestampValidBits, state.limits.timestampPeriod)) {
            VkQueryPoolCreateInfo queries = {};
            queries.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO;
            queries.queryType = VK_QUERY_TYPE_TIMESTAMP;
            queries.queryCount = 2;
            check(vk.vkCreateQueryPool(state.device, &queries, nullptr, &objects->queries), "vkCreateQueryPool");
        }
    } catch (...) {
        state.release(std::move(objects));
        throw;
    }
    return objects;
}

VkCommandBuffer beginCommands(DeviceState& state, CommandObjects& objects, VkCommandBufferUsageFlags usage) {
    if (objects.recording) {
        throw RuntimeError(VK_ERROR_UNKNOWN, "a recording was begun inside another one of the same command buffer");
    }
    state.requireReady();
    const VolkDeviceTable& vk = state.vk;
    objects.recorded = false;
    check(vk.vkResetCommandPool(state.device, objects.pool, 0), "vkResetCommandPool");
    VkCommandBufferBeginInfo begin = {};
    begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
    begin.flags = usage;
    check(vk.vkBeginCommandBuffer(objects.commands, &begin), "vkBeginCommandBuffer");
    objects.recording = true;
    // A fence makes earlier writes available; only a barrier makes them visible.
    recordBarrier(vk, objects.commands, kWorkStages, kAccesses);
    if (objects.queries != VK_NULL_HANDLE) {
        vk.vkCmdResetQueryPool(objects.commands, objects.queries, 0, 2);
        vk.vkCmdWriteTimestamp(objects.commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, objects.queries, 0);
    }
    return objects.commands;
}

void endCommands(DeviceState& state, CommandObjects& objects) {
    if (!objects.recording) {
        throw RuntimeError(VK_ERROR_UNKNOWN, "end() without begin()");
    }
    objects.recording = false;
    if (objects.queries != VK_NULL_HANDLE) {
        state.vk.vkCmdWriteTimestamp(objects.commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, objects.queries, 1);
    }
    recordBarrier(state.vk, objects.commands, VK_PIPELINE_STAGE_HOST_BIT,
                  VK_ACCESS_HOST_READ_BIT | VK_ACCESS_HOST_WRITE_BIT);
    check(state.vk.vkEndCommandBuffer(objects.commands), "vkEndCommandBuffer");
    objects.recorded = true;
}

SubmitResult submitCommands(DeviceState& state, CommandObjects& objects, std::chrono::nanoseconds timeout) {
    if (!objects.recorded) {
        throw RuntimeError(VK_ERROR_UNKNOWN, "submit() without a finished recording");
    }
    state.requireReady();
    const VolkDeviceTable& vk = state.vk;
    check(vk.vkResetFences(state.device, 1, &objects.fence), "vkResetFences");

    VkSubmitInfo submit = {};
    submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    submit.commandBufferCount = 1;
    submit.pCommandBuffers = &objects.commands;
    const Clock::time_point begin = Clock::now();
    VkResult result = vk.vkQueueSubmit(state.queue, 1, &submit, objects.fence);
    if (result != VK_SUCCESS) {
        state.failSubmit(result, "vkQueueSubmit");
    }
    const uint64_t limit = timeout.count() > 0 ? static_cast<uint64_t>(timeout.count()) : 0;
    result = vk.vkWaitForFences(state.device, 1, &objects.fence, VK_TRUE, limit);
    const double hostSeconds = std::chrono::duration<double>(Clock::now() - begin).count();
    if (result == VK_TIMEOUT) {
        state.stuckFence = objects.fence;
        char text[160];
        std::snprintf(text, sizeof text,
                      "the GPU did not finish within %.3g s: VK_TIMEOUT: submit less at a time, or allow more time",
                      static_cast<double>(limit) * 1e-9);
        throw RuntimeError(VK_TIMEOUT, text);
    }
    if (result != VK_SUCCESS) {
        state.failSubmit(result, "vkWaitForFences");
    }
    return measure(state, objects, hostSeconds);
}

SubmitResult submitRecorded(DeviceState& state, std::unique_ptr<CommandObjects>& objects,
                            const std::function<void(VkCommandBuffer)>& record, std::chrono::nanoseconds timeout) {
    if (objects == nullptr) {
        objects = createCommandObjects(state);
    }
    VkCommandBuffer commands = beginCommands(state, *objects, VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT);
    try {
        record(commands);
    } catch (...) {
        objects->recording = false;
        throw;
    }
    endCommands(state, *objects);
    return submitCommands(state, *objects, timeout);
}

}  // namespace detail

SubmitResult Device::submit(const std::function<void(VkCommandBuffer)>& record, std::chrono::nanoseconds timeout) {
    return detail::submitRecorded(*state_, state_->submitObjects, record, timeout);
}

bool Device::waitIdle(std::chrono::nanoseconds timeout) { return state_->waitIdle(timeout); }

CommandBuffer::CommandBuffer(Device& device)
    : state_(device.state_), objects_(detail::createCommandObjects(*device.state_)) {}

CommandBuffer::~CommandBuffer() {
    if (state_ != nullptr) {
        state_->release(std::move(objects_));
    }
}

CommandBuffer::CommandBuffer(CommandBuffer&&) noexcept = default;

CommandBuffer& CommandBuffer::operator=(CommandBuffer&& other) noexcept {
    if (this != &other) {
        if (state_ != nullptr) {
            state_->release(std::move(objects_));
        }
        state_ = std::move(other.state_);
        objects_ = std::move(other.objects_);
    }
    return *this;
}

VkCommandBuffer CommandBuffer::begin() { return detail::beginCommands(*state_, *objects_, 0); }

void CommandBuffer::end() { detail::endCommands(*state_, *objects_); }

SubmitResult CommandBuffer::submit(std::chrono::nanoseconds timeout) {
    return detail::submitCommands(*state_, *objects_, timeout);
}

void Device::recordBarrier(VkCommandBuffer commands) const {
    detail::recordBarrier(state_->vk, commands, detail::kWorkStages, detail::kAccesses);
}

}  // namespace vknorm
