// The Vulkan objects of the copying compute shader (copy.comp).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vknorm/runtime.hpp>

#include <utility>
#include <vector>

namespace vknorm::compare {

// Owns a handle of the device.
template <typename Handle>
class Owned {
public:
    using Destroy = void(VKAPI_PTR*)(VkDevice, Handle, const VkAllocationCallbacks*);

    Owned() = default;
    Owned(const Device& device, const char* destroy)
        : device_(device.device()), destroy_(device.function<Destroy>(destroy)) {}
    Owned(Owned&& other) noexcept
        : device_(other.device_), destroy_(other.destroy_), handle_(std::exchange(other.handle_, Handle{})) {}
    Owned& operator=(Owned&&) = delete;
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    ~Owned() {
        if (handle_ != Handle{}) {
            destroy_(device_, handle_, nullptr);
        }
    }

    Handle get() const { return handle_; }
    Handle* out() { return &handle_; }

private:
    VkDevice device_ = VK_NULL_HANDLE;
    Destroy destroy_ = nullptr;
    Handle handle_ = Handle{};
};

// Two storage buffers, and the number of elements as push constant.
class CopyLayout {
public:
    explicit CopyLayout(Device& device);

    Device& device() const { return device_; }
    VkDescriptorSetLayout setLayout() const { return setLayout_.get(); }
    VkPipelineLayout pipelineLayout() const { return pipelineLayout_.get(); }

private:
    Device& device_;
    Owned<VkDescriptorSetLayout> setLayout_;
    Owned<VkPipelineLayout> pipelineLayout_;
};

// How a grid covers the elements, as copy.comp has it.
enum class CopyOrder {
    All,
    Looping,
    Spans
};

class CopyPipeline {
public:
    CopyPipeline(const CopyLayout& layout, CopyOrder order, uint32_t workgroupSize);

    void bind(VkCommandBuffer commands, VkDescriptorSet set, uint32_t elements) const;
    void dispatch(VkCommandBuffer commands, uint32_t x, uint32_t y) const { dispatch_(commands, x, y, 1); }

private:
    VkPipelineLayout layout_;
    Owned<VkPipeline> pipeline_;
    PFN_vkCmdBindPipeline bindPipeline_;
    PFN_vkCmdBindDescriptorSets bindSets_;
    PFN_vkCmdPushConstants push_;
    PFN_vkCmdDispatch dispatch_;
};

class CopySets {
public:
    CopySets(const CopyLayout& layout, uint32_t count);

    VkDescriptorSet at(uint32_t index) const { return sets_[index]; }
    void write(uint32_t index, const VkDescriptorBufferInfo& from, const VkDescriptorBufferInfo& to);

private:
    const CopyLayout& layout_;
    Owned<VkDescriptorPool> pool_;
    std::vector<VkDescriptorSet> sets_;
};

}  // namespace vknorm::compare
