// What BatchNorm's plans and executions refuse.
#include "gpu/arguments.hpp"

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

namespace vknorm::test {
namespace {

class BatchNormArguments : public Arguments {
protected:
    static constexpr uint32_t kChannels = 16;

    struct Draft {
        VknBatchInfo batch{};
        VknBlockInfo block{};
        std::vector<VknOperandType> operands = {{VKN_ROLE_INPUT, VKN_TYPE_F32},
                                                {VKN_ROLE_OUTPUT, VKN_TYPE_F32},
                                                {VKN_ROLE_BATCH_MEAN, VKN_TYPE_F32},
                                                {VKN_ROLE_BATCH_RSTD, VKN_TYPE_F32}};
        VknPlanCreateInfo info{};

        Draft() {
            batch.sType = VKN_STRUCTURE_TYPE_BATCH_INFO;
            batch.training = VK_TRUE;
            batch.momentum = 0.1f;
            block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
            info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
            info.operation = VKN_OPERATION_BATCH_NORM;
            info.hiddenSize = kChannels;
            info.epsilon = 1e-5f;
        }
        const VknPlanCreateInfo& complete() {
            batch.pNext = &block;
            info.pNext = &batch;
            info.operandCount = static_cast<uint32_t>(operands.size());
            info.pOperands = operands.data();
            return info;
        }
    };

    // Executions of a plan that trains, 100 rows of buffers that hold them.
    void expectRefused(const std::vector<ExecutionMistake<>>& mistakes) {
        Draft draft;
        VknPlan plan = VKN_NULL_HANDLE;
        ASSERT_EQ(vknCreatePlan(gpu().context(), &draft.complete(), &plan, nullptr), VKN_SUCCESS);
        const Buffer rows(gpu().device(), std::vector<float>(100 * kChannels));
        const Buffer output(gpu().device(), std::vector<float>(100 * kChannels));
        const Buffer columns(gpu().device(), std::vector<float>(size_t{2} * kChannels));
        const Buffer scratch(gpu().device(), 4096);
        std::vector<VknOperand> operands = {rows.operand(VKN_ROLE_INPUT), output.operand(VKN_ROLE_OUTPUT),
                                            columns.operand(VKN_ROLE_BATCH_MEAN), columns.operand(VKN_ROLE_BATCH_RSTD)};
        operands[3].offset = kChannels * sizeof(float);
        VknExecuteInfo right{};
        right.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
        right.rows = 100;
        right.operandCount = static_cast<uint32_t>(operands.size());
        right.pOperands = operands.data();
        right.bindingPool = gpu().bindingPool();
        right.scratchBuffer = scratch.handle();
        right.scratchSize = scratch.size();
        for (const ExecutionMistake<>& wrong : mistakes) {
            ExecutionDraft execution(right);
            wrong.spoil(execution.info, execution.operands);
            expectExecutionRefused(wrong, plan, execution.complete(),
                                   fieldOf(execution.operands, wrong.role, wrong.field));
        }
        gpu().submit(
            [&](VkCommandBuffer commands) { EXPECT_EQ(vknCmdExecute(plan, commands, &right, nullptr), VKN_SUCCESS); });
        vknDestroyPlan(plan);
    }
};

TEST_F(BatchNormArguments, OfPlans) {
    const Mistake<Draft> wrong[] = {
        {"momentum above 1", [](Draft& d) { d.batch.momentum = 1.5f; }, "momentum", bitsOf(1.5f), bitsOf(1.0f)},
        {"negative momentum", [](Draft& d) { d.batch.momentum = -0.5f; }, "momentum", bitsOf(-0.5f), bitsOf(1.0f)},
        {"no number", [](Draft& d) { d.batch.momentum = NAN; }, "momentum", std::nullopt, bitsOf(1.0f)},
        {"training of LayerNorm", [](Draft& d) { d.info.operation = VKN_OPERATION_LAYER_NORM; }, "training", 1, 0},
        {"rows of gamma", [](Draft& d) { d.info.parameterRows = 3; }, "parameterRows", 3, 1},
        {"training with a residual", [](Draft& d) { d.block.placement = VKN_PLACEMENT_PRE_NORM; }, "placement",
         VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_NONE},
        {"two norms", [](Draft& d) { d.block.placement = VKN_PLACEMENT_SANDWICH_PRE_NORM; }, "placement",
         VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_SANDWICH},
        {"rows from the GPU", [](Draft& d) { d.info.flags = VKN_PLAN_GPU_ROWS_BIT; }, "flags", VKN_PLAN_GPU_ROWS_BIT,
         0},
        {"no room for the mean", [](Draft& d) { d.operands.erase(d.operands.begin() + 2); }, "pOperands",
         VKN_ROLE_BATCH_MEAN, VKN_ROLE_BATCH_MEAN},
        {"half of the running statistics",
         [](Draft& d) {
             d.operands.push_back({VKN_ROLE_RUNNING_MEAN, VKN_TYPE_F32});
         },
         "pOperands", VKN_ROLE_RUNNING_VARIANCE, VKN_ROLE_RUNNING_VARIANCE},
        {"inference without statistics",
         [](Draft& d) {
             d.batch.training = VK_FALSE;
             d.operands.resize(2);
         },
         "pOperands", VKN_ROLE_RUNNING_MEAN, VKN_ROLE_RUNNING_MEAN},
        {"inference that saves",
         [](Draft& d) {
             d.batch.training = VK_FALSE;
             d.operands.push_back({VKN_ROLE_RUNNING_MEAN, VKN_TYPE_F32});
             d.operands.push_back({VKN_ROLE_RUNNING_VARIANCE, VKN_TYPE_F32});
         },
         "pOperands", VKN_ROLE_BATCH_MEAN, 0},
        {"gathered rows",
         [](Draft& d) {
             d.operands.push_back({VKN_ROLE_ROW_INDEX, VKN_TYPE_U32});
         },
         "pOperands", VKN_ROLE_ROW_INDEX, 0},
        {"fp16 statistics", [](Draft& d) { d.operands[2].type = VKN_TYPE_F16; }, "type", VKN_TYPE_F16, VKN_TYPE_F32},
    };
    for (const Mistake<Draft>& each : wrong) {
        Draft draft;
        each.spoil(draft);
        expectPlanRefused(each, draft.complete());
    }
}

TEST_F(BatchNormArguments, OfExecutions) {
    using Operands = std::vector<VknOperand>;
    expectRefused({
        {"no scratch", [](VknExecuteInfo& i, Operands&) { i.scratchBuffer = VK_NULL_HANDLE; }, std::nullopt,
         "scratchBuffer", 0, 512},
        {"too little scratch", [](VknExecuteInfo& i, Operands&) { i.scratchSize = 511; }, std::nullopt, "scratchSize",
         511, 512},
        {"misaligned scratch", [](VknExecuteInfo& i, Operands&) { i.scratchOffset = 4; }, std::nullopt, "scratchOffset",
         4, std::nullopt},
        {"scratch in the input",
         [](VknExecuteInfo& i, Operands& o) { i.scratchBuffer = operandOf(o, VKN_ROLE_INPUT).buffer; }, std::nullopt,
         "scratchOffset", 0, 512},
        {"outer blocks", [](VknExecuteInfo& i, Operands&) { i.rowsPerOuter = 10; }, std::nullopt, "rowsPerOuter", 10,
         0},
        {"more rows than 32 bits", [](VknExecuteInfo& i, Operands&) { i.rows = uint64_t{1} << 32; }, std::nullopt,
         "rows", uint64_t{1} << 32, UINT32_MAX},
        {"rstd over mean", [](VknExecuteInfo&, Operands& o) { operandOf(o, VKN_ROLE_BATCH_RSTD).offset = 32; },
         VKN_ROLE_BATCH_RSTD, "offset", 32, 0},
    });
}

}  // namespace
}  // namespace vknorm::test
