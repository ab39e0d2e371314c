#include "record/descriptors.hpp"

#include "base/error.hpp"

namespace vkn {

DescriptorContents contentsOf(const Dispatch& dispatch) {
    DescriptorContents contents;
    for (uint32_t i = 0; i < dispatch.bindingCount; ++i) {
        contents.add(dispatch.buffers[i]);
    }
    return contents;
}

DescriptorContents contentsOf(const JoinSumsDispatch& join) {
    DescriptorContents contents;
    contents.add(join.parts);
    contents.add(join.target);
    return contents;
}

DescriptorContents contentsOf(const Execution& execution, const Dispatch& dispatch, uint64_t index) {
    DescriptorContents contents = contentsOf(dispatch);
    if (execution.spec->isSet(VKN_PLAN_GPU_ROWS_BIT)) {
        contents.dispatchArguments = makePrepareDispatch(execution, index).target;
    }
    return contents;
}

DescriptorContents contentsOf(const PrepareDispatch& prepare) {
    DescriptorContents contents;
    contents.add(prepare.rows);
    contents.add(prepare.target);
    return contents;
}

DescriptorContents contentsOf(const ColumnDispatch& columns) {
    DescriptorContents contents;
    contents.add(columns.input);
    contents.add(columns.parts);
    return contents;
}

DescriptorContents contentsOf(const JoinDispatch& join) {
    DescriptorContents contents;
    contents.add(join.parts);
    contents.add(join.ofBatch);
    if (join.running.buffer != VK_NULL_HANDLE) {
        contents.add(join.running);
    }
    return contents;
}

namespace {

// The Vulkan structures of a set's contents; they point into each other, so the object stays where it is.
struct Writes {
    VkDescriptorBufferInfo buffers[kMostStorageBuffers + 1];
    VkWriteDescriptorSet writes[kMostStorageBuffers + 1];
    uint32_t count = 0;

    Writes(VkDescriptorSet set, const DescriptorContents& contents) {
        for (uint32_t i = 0; i < contents.storageCount; ++i) {
            add(set, i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, contents.storage[i]);
        }
        if (contents.dispatchArguments.buffer != VK_NULL_HANDLE) {
            add(set, VKN_BINDING_DISPATCH, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, contents.dispatchArguments);
        }
    }

    void add(VkDescriptorSet set, uint32_t binding, VkDescriptorType type, const BoundBuffer& bound) {
        buffers[count] = {bound.buffer, bound.offset, bound.size};
        VkWriteDescriptorSet& write = writes[count];
        write = {};
        write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
        write.dstSet = set;
        write.dstBinding = binding;
        write.descriptorCount = 1;
        write.descriptorType = type;
        write.pBufferInfo = &buffers[count];
        ++count;
    }
};

}  // namespace

void writeSet(const VknContext_T& context, VkDescriptorSet set, const DescriptorContents& contents) {
    const Writes writes(set, contents);
    context.functions.UpdateDescriptorSets(context.device, writes.count, writes.writes, 0, nullptr);
}

void pushSet(const VknContext_T& context, VkCommandBuffer commandBuffer, const DescriptorContents& contents) {
    const Writes writes(VK_NULL_HANDLE, contents);
    context.functions.CmdPushDescriptorSet(commandBuffer, VK_PIPELINE_BIND_POINT_COMPUTE, context.pipelineLayout, 0,
                                           writes.count, writes.writes);
}

void bindSet(const VknContext_T& context, VkCommandBuffer commandBuffer, VkDescriptorSet set) {
    context.functions.CmdBindDescriptorSets(commandBuffer, VK_PIPELINE_BIND_POINT_COMPUTE, context.pipelineLayout, 0, 1,
                                            &set, 0, nullptr);
}

static VkResult allocateSets(VknContext_T& context, VknBindingPool_T& pool) {
    VkDescriptorSetAllocateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
    info.descriptorPool = pool.pool;
    info.descriptorSetCount = 1;
    info.pSetLayouts = &context.setLayout;
    VkResult result = VK_SUCCESS;
    for (uint32_t i = 0; i < pool.setCount && result == VK_SUCCESS; ++i) {
        result = context.functions.AllocateDescriptorSets(context.device, &info, &pool.sets[i]);
    }
    return result;
}

VknResult createSets(VknContext_T& context, uint32_t count, VknBindingPool_T& pool, VknError* error) {
    pool.context = &context;
    pool.setCount = count;
    pool.sets = context.memory.createArray<VkDescriptorSet>(count);
    if (pool.sets == nullptr) {
        return fail(error, VKN_ERROR_OUT_OF_HOST_MEMORY, "", 0, 0, "no memory for %u descriptor sets", count);
    }
    const uint32_t storageBuffers = layoutStorageBuffers(context.facts);
    const VkDescriptorPoolSize sizes[2] = {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, storageBuffers * count},
                                           {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, count}};
    const VkDescriptorPoolCreateInfo info = {
        VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, nullptr, 0, count, 2, sizes};
    const VkResult created =
        context.functions.CreateDescriptorPool(context.device, &info, context.memory.callbacks(), &pool.pool);
    if (created != VK_SUCCESS) {
        pool.pool = VK_NULL_HANDLE;  // undefined after a failure
        destroySets(pool);
        return failVulkan(error, "vkCreateDescriptorPool", created);
    }
    const VkResult allocated = allocateSets(context, pool);
    if (allocated != VK_SUCCESS) {
        destroySets(pool);
        return failVulkan(error, "vkAllocateDescriptorSets", allocated);
    }
    return VKN_SUCCESS;
}

void destroySets(VknBindingPool_T& pool) {
    if (pool.context == nullptr) {
        return;
    }
    if (pool.pool != VK_NULL_HANDLE) {
        pool.context->functions.DestroyDescriptorPool(pool.context->device, pool.pool,
                                                      pool.context->memory.callbacks());
    }
    pool.context->memory.release(pool.sets);
    pool = VknBindingPool_T();
}

SetOrder orderSets(const Execution& execution) {
    const OperationSpec& spec = *execution.spec;
    const uint64_t dispatches = execution.split.dispatchCount;
    const uint64_t passes = spec.takesColumnStatistics()   ? 1
                            : execution.columns != nullptr ? passesOfSums(spec, *execution.choice)
                                                           : 0;
    SetOrder order;
    const auto take = [&](uint64_t& first, uint64_t count) {
        first = order.count;
        order.count = saturatingAdd(order.count, count);
    };
    take(order.rows, dispatches);
    take(order.measure, measuresBefore(spec) ? dispatches : 0);
    take(order.prepare, spec.isSet(VKN_PLAN_GPU_ROWS_BIT) ? dispatches : 0);
    take(order.columns, saturatingMultiply(passes, dispatches));
    take(order.joins, spec.takesColumnStatistics() ? (dispatches != 0 ? 1 : 0) : joinCount(execution));
    return order;
}

uint64_t setsNeeded(const Execution& execution) { return orderSets(execution).count; }

}  // namespace vkn
