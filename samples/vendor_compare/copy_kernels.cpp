// SPDX-License-Identifier: Apache-2.0
#include "copy_kernels.hpp"

// Generated from copy.comp.
#include "copy_all.h"
#include "copy_looping.h"
#include "copy_spans.h"

#include <span>
#include <string>

namespace vknorm::compare {
namespace {

constexpr uint32_t kBuffers = 2;

void check(VkResult result, const char* what) {
    if (result != VK_SUCCESS) {
        throw RuntimeError(result, std::string(what) + " failed: " + std::to_string(result));
    }
}

template <typename T>
T make(VkStructureType type) {
    T structure = {};
    structure.sType = type;
    return structure;
}

std::span<const uint32_t> codeOf(CopyOrder order) {
    switch (order) {
        case CopyOrder::Looping:
            return copyLooping;
        case CopyOrder::Spans:
            return copySpans;
        case CopyOrder::All:
            break;
    }
    return copyAll;
}

Owned<VkShaderModule> createModule(const Device& device, CopyOrder order) {
    const std::span<const uint32_t> code = codeOf(order);
    auto info = make<VkShaderModuleCreateInfo>(VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
    info.codeSize = code.size_bytes();
    info.pCode = code.data();
    Owned<VkShaderModule> module(device, "vkDestroyShaderModule");
    const auto create = device.function<PFN_vkCreateShaderModule>("vkCreateShaderModule");
    check(create(device.device(), &info, nullptr, module.out()), "vkCreateShaderModule");
    return module;
}

}  // namespace

CopyLayout::CopyLayout(Device& device)
    : device_(device),
      setLayout_(device, "vkDestroyDescriptorSetLayout"),
      pipelineLayout_(device, "vkDestroyPipelineLayout") {
    VkDescriptorSetLayoutBinding bindings[kBuffers] = {};
    for (uint32_t i = 0; i < kBuffers; ++i) {
        bindings[i] = {i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
    }
    auto sets = make<VkDescriptorSetLayoutCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO);
    sets.bindingCount = kBuffers;
    sets.pBindings = bindings;
    const auto createSets = device.function<PFN_vkCreateDescriptorSetLayout>("vkCreateDescriptorSetLayout");
    check(createSets(device.device(), &sets, nullptr, setLayout_.out()), "vkCreateDescriptorSetLayout");

    const VkDescriptorSetLayout setLayout = setLayout_.get();
    const VkPushConstantRange constants = {VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(uint32_t)};
    auto pipelines = make<VkPipelineLayoutCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
    pipelines.setLayoutCount = 1;
    pipelines.pSetLayouts = &setLayout;
    pipelines.pushConstantRangeCount = 1;
    pipelines.pPushConstantRanges = &constants;
    const auto createLayout = device.function<PFN_vkCreatePipelineLayout>("vkCreatePipelineLayout");
    check(createLayout(device.device(), &pipelines, nullptr, pipelineLayout_.out()), "vkCreatePipelineLayout");
}

CopyPipeline::CopyPipeline(const CopyLayout& layout, CopyOrder order, uint32_t workgroupSize)
    : layout_(layout.pipelineLayout()),
      pipeline_(layout.device(), "vkDestroyPipeline"),
      bindPipeline_(layout.device().function<PFN_vkCmdBindPipeline>("vkCmdBindPipeline")),
      bindSets_(layout.device().function<PFN_vkCmdBindDescriptorSets>("vkCmdBindDescriptorSets")),
      push_(layout.device().function<PFN_vkCmdPushConstants>("vkCmdPushConstants")),
      dispatch_(layout.device().function<PFN_vkCmdDispatch>("vkCmdDispatch")) {
    const Device& device = layout.device();
    const Owned<VkShaderModule> module = createModule(device, order);
    const VkSpecializationMapEntry entry = {0, 0, sizeof workgroupSize};
    const VkSpecializationInfo constants = {1, &entry, sizeof workgroupSize, &workgroupSize};
    auto info = make<VkComputePipelineCreateInfo>(VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO);
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = module.get();
    info.stage.pName = "main";
    info.stage.pSpecializationInfo = &constants;
    info.layout = layout_;
    const auto create = device.function<PFN_vkCreateComputePipelines>("vkCreateComputePipelines");
    check(create(device.device(), VK_NULL_HANDLE, 1, &info, nullptr, pipeline_.out()), "vkCreateComputePipelines");
}

void CopyPipeline::bind(VkCommandBuffer commands, VkDescriptorSet set, uint32_t elements) const {
    bindPipeline_(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline_.get());
    bindSets_(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout_, 0, 1, &set, 0, nullptr);
    push_(commands, layout_, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof elements, &elements);
}

CopySets::CopySets(const CopyLayout& layout, uint32_t count)
    : layout_(layout), pool_(layout.device(), "vkDestroyDescriptorPool"), sets_(count) {
    const Device& device = layout.device();
    const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, kBuffers * count};
    auto pool = make<VkDescriptorPoolCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO);
    pool.maxSets = count;
    pool.poolSizeCount = 1;
    pool.pPoolSizes = &size;
    const auto createPool = device.function<PFN_vkCreateDescriptorPool>("vkCreateDescriptorPool");
    check(createPool(device.device(), &pool, nullptr, pool_.out()), "vkCreateDescriptorPool");

    const std::vector<VkDescriptorSetLayout> layouts(count, layout.setLayout());
    auto sets = make<VkDescriptorSetAllocateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO);
    sets.descriptorPool = pool_.get();
    sets.descriptorSetCount = count;
    sets.pSetLayouts = layouts.data();
    const auto allocate = device.function<PFN_vkAllocateDescriptorSets>("vkAllocateDescriptorSets");
    check(allocate(device.device(), &sets, sets_.data()), "vkAllocateDescriptorSets");
}

void CopySets::write(uint32_t index, const VkDescriptorBufferInfo& from, const VkDescriptorBufferInfo& to) {
    const VkDescriptorBufferInfo buffers[kBuffers] = {from, to};
    auto update = make<VkWriteDescriptorSet>(VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET);
    update.dstSet = sets_[index];
    update.descriptorCount = kBuffers;  // goes on in the next binding
    update.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    update.pBufferInfo = buffers;
    const Device& device = layout_.device();
    device.function<PFN_vkUpdateDescriptorSets>("vkUpdateDescriptorSets")(device.device(), 1, &update, 0, nullptr);
}

}  // namespace vknorm::compare
