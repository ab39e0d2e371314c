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

static void pushWhole(const VknContext_T& context, VkCommandBuffer commandBuffer, const RowConstants& constants) {
    context.functions.CmdPushConstants(commandBuffer, context.pipelineLayout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                       sizeof constants, &constants);
}

void recordConstants(const VknContext_T& context, VkCommandBuffer commandBuffer, const void* constants, size_t size) {
    RowConstants whole = {};
    memcpy(&whole, constants, size);
    pushWhole(context, commandBuffer, whole);
}

void writeSets(const Execution& execution, const VknContext_T& context, VkDescriptorSet* sets) {
    const OperationSpec& spec = *execution.spec;
    const SetOrder order = orderSets(execution);
    for (uint64_t i = 0; i < execution.split.dispatchCount; ++i) {
        const DescriptorContents rows = contentsOf(execution, makeDispatch(execution, i), i);
        writeSet(context, sets[order.rows + i], rows);
        if (measuresBefore(spec)) {
            writeSet(context, sets[order.measure + i], rows);
        }
        if (spec.isSet(VKN_PLAN_GPU_ROWS_BIT)) {
            writeSet(context, sets[order.prepare + i], contentsOf(makePrepareDispatch(execution, i)));
        }
        if (spec.takesColumnStatistics()) {
            writeSet(context, sets[order.columns + i], contentsOf(makeColumnDispatch(execution, i)));
        }
    }
    uint64_t ofPass = 0;  // the dispatch: each pass has them all
    for (uint64_t i = order.columns; execution.columns != nullptr && i < order.joins; ++i) {
        const Dispatch dispatch = makeKernelDispatch(execution, *execution.columns, ofPass);
        writeSet(context, sets[i], contentsOf(dispatch));
        ofPass = ofPass + 1 < execution.split.dispatchCount ? ofPass + 1 : 0;
    }
    for (uint64_t i = order.joins; i < order.count; ++i) {
        const auto index = static_cast<uint32_t>(i - order.joins);
        writeSet(context, sets[i],
                 spec.takesColumnStatistics() ? contentsOf(makeJoinDispatch(execution))
                                              : contentsOf(makeJoinSumsDispatch(execution, index)));
    }
}

namespace {

class Recorder {
public:
    Recorder(const VknPlan_T& plan, VkCommandBuffer commandBuffer, const Execution& execution, const SetSource& source)
        : plan_(plan),
          context_(*plan.context),
          commandBuffer_(commandBuffer),
          execution_(execution),
          source_(source),
          order_(source.sets != nullptr ? orderSets(execution) : SetOrder()) {}

    void record() const {
        beginLabel();
        if (plan_.has(kPrepareRowsPipeline)) {
            recordPreparations();
        }
        if (plan_.has(kJoinColumnsPipeline)) {
            recordColumns();
        }
        if (plan_.has(kJoinSumsPipeline)) {
            recordBackward();
        } else {
            recordRows(kRowsPipeline, order_.rows);
        }
        endLabel();
    }

private:
    const VknPlan_T& plan_;
    const VknContext_T& context_;
    VkCommandBuffer commandBuffer_;
    const Execution& execution_;
    const SetSource& source_;
    const SetOrder order_;  // counts nothing where descriptors are pushed

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

    void bindPipeline(uint32_t kind) const {
        context_.functions.CmdBindPipeline(commandBuffer_, VK_PIPELINE_BIND_POINT_COMPUTE, plan_.pipelines[kind]);
    }

    void dispatch(const Grid& grid) const {
        context_.functions.CmdDispatch(commandBuffer_, grid.width, grid.layers, 1);
    }
    void dispatch(uint32_t workgroups) const { dispatch(Grid{workgroups, 1}); }

    // What was written is read, and what was read may be written.
    void separate() const { recordBarrier(context_, commandBuffer_, firstScope(false), secondScope(false)); }

    void pushConstants(const RowConstants& constants) const { pushWhole(context_, commandBuffer_, constants); }

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
        bindPipeline(kPrepareRowsPipeline);
        for (uint64_t i = 0; i < execution_.split.dispatchCount; ++i) {
            const PrepareDispatch prepare = makePrepareDispatch(execution_, i);
            setDescriptors(contentsOf(prepare), order_.prepare + i);
            pushConstants(prepare.constants);
            context_.functions.CmdDispatch(commandBuffer_, 1, 1, 1);
        }
        recordBarrier(context_, commandBuffer_, firstScope(false),
                      {VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT,
                       VK_ACCESS_INDIRECT_COMMAND_READ_BIT | VK_ACCESS_UNIFORM_READ_BIT});
    }

    // The statistics of all parts of the columns, then what they are together.
    void recordColumns() const {
        bindPipeline(usesAlignedColumns(execution_) ? kAlignedColumnsPipeline : kColumnsPipeline);
        for (uint64_t i = 0; i < execution_.split.dispatchCount; ++i) {
            const ColumnDispatch columns = makeColumnDispatch(execution_, i);
            if (columns.constants.rows != 0) {
                if (i != 0) {  // all bind the whole scratch, of which they write parts of any alignment
                    separate();
                }
                setDescriptors(contentsOf(columns), order_.columns + i);
                pushConstants(columns.constants);
                dispatch(columns.workgroups);
            }
        }
        separate();
        const JoinDispatch join = makeJoinDispatch(execution_);
        bindPipeline(kJoinColumnsPipeline);
        setDescriptors(contentsOf(join), order_.joins);
        pushConstants(join.constants);
        dispatch(join.workgroups);
        separate();
    }

    // Sums over rows, before the rows' own gradients or behind them.
    void recordBackward() const {
        const bool sumsFirst = sumsComeFirst(plan_.spec);
        if (measuresBefore(plan_.spec)) {
            recordRows(kMeasurePipeline, order_.measure);
            separate();
        }
        if (!sumsFirst) {
            recordRows(kRowsPipeline, order_.rows);
            separate();
        }
        recordSums();
        recordJoins();
        if (sumsFirst) {
            separate();
            recordRows(kRowsPipeline, order_.rows);
        }
    }

    void recordSums() const {
        const bool aligned = usesAlignedColumns(execution_);
        const uint64_t count = execution_.split.dispatchCount;
        for (uint32_t pass = 0; pass < passesOfSums(plan_.spec, plan_.choice); ++pass) {
            bindPipeline((aligned ? kAlignedGradientColumnsPipeline : kGradientColumnsPipeline) + pass);
            for (uint64_t i = 0; i < count; ++i) {
                const Dispatch columns = makeGradientColumnDispatch(execution_, i, pass);
                if (columns.run.count == 0) {
                    continue;
                }
                if (i != 0 || pass != 0) {  // as in recordColumns()
                    separate();
                }
                setDescriptors(contentsOf(columns), order_.columns + pass * count + i);
                pushConstants(columns.constants);
                dispatch(columns.grid);
            }
        }
        separate();
    }

    // Gradients may share words with their neighbours in memory, so they wait for each other.
    void recordJoins() const {
        bindPipeline(kJoinSumsPipeline);
        for (uint32_t i = 0; i < joinCount(execution_); ++i) {
            const JoinSumsDispatch join = makeJoinSumsDispatch(execution_, i);
            if (i != 0) {
                separate();
            }
            setDescriptors(contentsOf(join), order_.joins + i);
            pushConstants(join.constants);
            dispatch(join.workgroups);
        }
    }

    // Whether `writer` writes where `other` binds.
    static bool writesInto(const Dispatch& writer, const Dispatch& other) {
        for (uint32_t i = 0; i < writer.bindingCount; ++i) {
            const ByteRange& range = writer.written[i];
            for (uint32_t j = 0; j < other.bindingCount && range.size() != 0; ++j) {
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

    // `kind`: of any rows; the pipeline for aligned ones is the next. `firstSet`: of dispatches.
    void recordRows(PipelineKind kind, uint64_t firstSet) const {
        bindPipeline(usesAlignedRows(execution_) ? kind + 1 : kind);
        Dispatch previous;
        for (uint64_t i = 0; i < execution_.split.dispatchCount; ++i) {
            const Dispatch rows = makeDispatch(execution_, i);
            if (rows.run.count == 0) {
                continue;
            }
            const bool sharesScratch = plan_.rows.signature.hasSlot[VKN_BINDING_SCRATCH];
            if (i != 0 && (sharesScratch || mayMeet(previous, rows))) {
                separate();
            }
            const DescriptorContents contents = contentsOf(execution_, rows, i);
            setDescriptors(contents, firstSet + i);
            pushConstants(rows.constants);
            if (plan_.has(kPrepareRowsPipeline)) {
                context_.functions.CmdDispatchIndirect(commandBuffer_, contents.dispatchArguments.buffer,
                                                       contents.dispatchArguments.offset);
            } else {
                dispatch(rows.grid);
            }
            if (i + 1 < execution_.split.dispatchCount) {
                previous = rows;
            }
        }
    }
};

}  // namespace

void recordExecution(const VknPlan_T& plan, VkCommandBuffer commandBuffer, const Execution& execution,
                     const SetSource& source) {
    Recorder(plan, commandBuffer, execution, source).record();
}

}  // namespace vkn
