#include "record/record.hpp"

#include <cstring>

namespace vkn {

AccessScope firstScope(bool gpuRows) {
    return {VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT |
                (gpuRows ? VkPipelineStageFlags{VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT} : 0u),
            VK_ACCESS_SHADER_WRITE_BIT};
}

AccessScope secondScope(bool gpuRows) {
    return {VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT |
                (gpuRows ? VkPipelineStageFlags{VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT} : 0u),
            VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                (gpuRows ? VkAccessFlags{VK_ACCESS_INDIRECT_COMMAND_READ_BIT | VK_ACCESS_UNIFORM_READ_BIT} : 0u)};
}

void recordBarrier(const VknContext_T& context, VkCommandBuffer commandBuffer, const AccessScope& first,
                   const AccessScope& second) {
    const VkMemoryBarrier barrier = {VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, first.accesses, second.accesses};
    context.functions.CmdPipelineBarrier(commandBuffer, first.stages, second.stages, 0, 1, &barrier, 0, nullptr, 0,
                                         nullptr);
}

void recordConstants(const VknContext_T& context, VkCommandBuffer commandBuffer, const void* constants, size_t size) {
    uint8_t whole[sizeof(RowConstants)] = {};
    memcpy(whole, constants, size);
    context.functions.CmdPushConstants(commandBuffer, context.pipelineLayout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                       sizeof whole, whole);
}

void writeSets(const Execution& execution, const VknContext_T& context, VkDescriptorSet* sets) {
    const bool gpuRows = execution.spec->isSet(VKN_PLAN_GPU_ROWS_BIT);
    uint64_t next = 0;
    for (uint64_t i = 0; i < execution.split.dispatchCount; ++i) {
        writeSet(context, sets[next++], contentsOf(execution, makeDispatch(execution, i), i));
    }
    for (uint64_t i = 0; gpuRows && i < execution.split.dispatchCount; ++i) {
        writeSet(context, sets[next++], contentsOf(makePrepareDispatch(execution, i)));
    }
    if (execution.spec->isTraining()) {
        for (uint64_t i = 0; i < execution.split.dispatchCount; ++i) {
            writeSet(context, sets[next++], contentsOf(makeColumnDispatch(execution, i)));
        }
        writeSet(context, sets[next++], contentsOf(makeJoinDispatch(execution)));
    }
}

namespace {

class Recorder {
public:
    Recorder(const VknPlan_T& plan, VkCommandBuffer commandBuffer, const Execution& execution, const SetSource& source)
        : plan_(plan), context_(*plan.context), commandBuffer_(commandBuffer), execution_(execution), source_(source) {}

    void record() const {
        beginLabel();
        if (plan_.prepareRows != VK_NULL_HANDLE) {
            recordPreparations();
        }
        if (plan_.joinColumns != VK_NULL_HANDLE) {
            recordColumns();
        }
        recordDispatches();
        endLabel();
    }

private:
    const VknPlan_T& plan_;
    const VknContext_T& context_;
    VkCommandBuffer commandBuffer_;
    const Execution& execution_;
    const SetSource& source_;

    void beginLabel() const {
        if (context_.functions.CmdBeginDebugUtilsLabel != nullptr) {
            const VkDebugUtilsLabelEXT label = {VK_STRUCTURE_TYPE_DEBUG_UTILS_LABEL_EXT, nullptr, labelText(), {}};
            context_.functions.CmdBeginDebugUtilsLabel(commandBuffer_, &label);
        }
    }

    const char* labelText() const {
        return plan_.spec.name[0] != '\0' ? plan_.spec.name
                                          : findOperation(static_cast<VknOperation>(plan_.spec.operation))->name;
    }

    void endLabel() const {
        if (context_.functions.CmdEndDebugUtilsLabel != nullptr) {
            context_.functions.CmdEndDebugUtilsLabel(commandBuffer_);
        }
    }

    void bindPipeline(VkPipeline pipeline) const {
        context_.functions.CmdBindPipeline(commandBuffer_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    }

    template <typename Constants>
    void pushConstants(const Constants& constants) const {
        static_assert(sizeof constants <= sizeof(RowConstants));
        recordConstants(context_, commandBuffer_, &constants, sizeof constants);
    }

    void setDescriptors(const DescriptorContents& contents, uint64_t set) const {
        if (source_.sets == nullptr) {
            pushSet(context_, commandBuffer_, contents);
            return;
        }
        if (!source_.areWritten) {
            writeSet(context_, source_.sets[set], contents);
        }
        bindSet(context_, commandBuffer_, source_.sets[set]);
    }

    // All preparations, then one barrier.
    void recordPreparations() const {
        bindPipeline(plan_.prepareRows);
        for (uint64_t i = 0; i < execution_.split.dispatchCount; ++i) {
            const PrepareDispatch prepare = makePrepareDispatch(execution_, i);
            setDescriptors(contentsOf(prepare), execution_.split.dispatchCount + i);
            pushConstants(prepare.constants);
            context_.functions.CmdDispatch(commandBuffer_, 1, 1, 1);
        }
        recordBarrier(context_, commandBuffer_, firstScope(false),
                      {VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT,
                       VK_ACCESS_INDIRECT_COMMAND_READ_BIT | VK_ACCESS_UNIFORM_READ_BIT});
    }

    // The statistics of all parts of the columns, then what they are together.
    void recordColumns() const {
        const uint64_t count = execution_.split.dispatchCount;
        bindPipeline(usesAlignedColumns(execution_) ? plan_.alignedColumns : plan_.columns);
        for (uint64_t i = 0; i < count; ++i) {
            const ColumnDispatch dispatch = makeColumnDispatch(execution_, i);
            if (dispatch.constants.rows != 0) {
                if (i != 0) {  // all bind the whole scratch, of which they write parts of any alignment
                    recordBarrier(context_, commandBuffer_, firstScope(false), secondScope(false));
                }
                setDescriptors(contentsOf(dispatch), count + i);
                pushConstants(dispatch.constants);
                context_.functions.CmdDispatch(commandBuffer_, dispatch.workgroups, 1, 1);
            }
        }
        recordBarrier(context_, commandBuffer_, firstScope(false), secondScope(false));
        const JoinDispatch join = makeJoinDispatch(execution_);
        bindPipeline(plan_.joinColumns);
        setDescriptors(contentsOf(join), 2 * count);
        pushConstants(join.constants);
        context_.functions.CmdDispatch(commandBuffer_, join.workgroups, 1, 1);
        recordBarrier(context_, commandBuffer_, firstScope(false), secondScope(false));
    }

    // Whether `writer` writes where `other` binds.
    static bool writesInto(const Dispatch& writer, const Dispatch& other) {
        for (uint32_t i = 0; i < VKN_BINDING_COUNT; ++i) {
            const ByteRange& range = writer.written[i];
            for (uint32_t j = 0; j < VKN_BINDING_COUNT && range.size() != 0; ++j) {
                const BoundBuffer& bound = other.buffers[j];
                if (bound.buffer == writer.buffers[i].buffer && range.begin < bound.offset + bound.size &&
                    bound.offset < range.end) {
                    return true;
                }
            }
        }
        return false;
    }

    // Dispatches of a split tensor touch words that meet where a row ends inside one; both write them, or one reads the next
    // tensor of which this one is a column.
    static bool mayMeet(const Dispatch& a, const Dispatch& b) { return writesInto(a, b) || writesInto(b, a); }

    void recordDispatches() const {
        bindPipeline(execution_.isAligned && plan_.aligned != VK_NULL_HANDLE ? plan_.aligned : plan_.general);
        Dispatch previous;
        for (uint64_t i = 0; i < execution_.split.dispatchCount; ++i) {
            const Dispatch dispatch = makeDispatch(execution_, i);
            if (dispatch.run.count == 0) {
                continue;
            }
            if (i != 0 && mayMeet(previous, dispatch)) {
                recordBarrier(context_, commandBuffer_, firstScope(false), secondScope(false));
            }
            const DescriptorContents contents = contentsOf(execution_, dispatch, i);
            setDescriptors(contents, i);
            pushConstants(dispatch.constants);
            if (plan_.prepareRows != VK_NULL_HANDLE) {
                context_.functions.CmdDispatchIndirect(commandBuffer_, contents.dispatchArguments.buffer,
                                                       contents.dispatchArguments.offset);
            } else {
                context_.functions.CmdDispatch(commandBuffer_, dispatch.workgroups, 1, 1);
            }
            previous = dispatch;
        }
    }
};

}  // namespace

void recordExecution(const VknPlan_T& plan, VkCommandBuffer commandBuffer, const Execution& execution,
                     const SetSource& source) {
    Recorder(plan, commandBuffer, execution, source).record();
}

}  // namespace vkn
