// Wrong residual blocks: a named error each, with field, value and limit.
#include "gpu/arguments.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace vknorm::test {
namespace {

constexpr uint32_t kHidden = 64;
constexpr uint64_t kRows = 4;

using Operands = std::vector<VknOperandType>;

using WrongBlock = Mistake<VknPlanCreateInfo, Operands, VknBlockInfo>;

// Operands of the block below, in its order.
enum {
    kInput,
    kOutput,
    kResidual,
    kSum,
    kRowScale
};

const std::vector<WrongBlock>& wrongBlocks() {
    static const auto add = [](VknRole role, VknType type) {
        return [role, type](VknPlanCreateInfo&, Operands& operands, VknBlockInfo&) {
            operands.push_back({role, type});
        };
    };
    static const auto without = [](int index) {
        return [index](VknPlanCreateInfo&, Operands& operands, VknBlockInfo&) {
            operands.erase(operands.begin() + index);
        };
    };
    static const auto probability = [](float p) {
        return [p](VknPlanCreateInfo&, Operands&, VknBlockInfo& block) { block.dropoutProbability = p; };
    };
    static const VknBlockInfo second = [] {
        VknBlockInfo block{};
        block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
        return block;
    }();
    static const float nan = std::nanf("");
    static const float infinity = std::numeric_limits<float>::infinity();
    static const std::vector<WrongBlock> wrong = {
        {"residual missing", without(kResidual), "pOperands", VKN_ROLE_RESIDUAL, {}},
        {"h missing", without(kSum), "pOperands", VKN_ROLE_RESIDUAL_OUTPUT, {}},
        {"branch missing", without(kInput), "pOperands", VKN_ROLE_INPUT, {}},
        {"y missing", without(kOutput), "pOperands", VKN_ROLE_OUTPUT, {}},
        {"residual without a block",
         [](auto&, auto&, auto& b) { b.placement = VKN_PLACEMENT_NONE; },
         "pOperands",
         VKN_ROLE_RESIDUAL,
         {}},
        {"residual in place",
         [](auto& i, auto&, auto&) { i.flags = VKN_PLAN_IN_PLACE_BIT; },
         "pOperands",
         VKN_ROLE_RESIDUAL,
         {}},
        {"h after a post-norm",
         [](auto&, auto&, auto& b) { b.placement = VKN_PLACEMENT_POST_NORM; },
         "pOperands",
         VKN_ROLE_RESIDUAL_OUTPUT,
         {}},
        {"y after a sandwich",
         [](auto&, auto&, auto& b) { b.placement = VKN_PLACEMENT_SANDWICH; },
         "pOperands",
         VKN_ROLE_OUTPUT,
         {}},
        {"second branch missing",
         [](auto&, auto&, auto& b) { b.placement = VKN_PLACEMENT_PARALLEL; },
         "pOperands",
         VKN_ROLE_INPUT_2,
         {}},
        {"second branch of a pre-norm", add(VKN_ROLE_INPUT_2, VKN_TYPE_F32), "pOperands", VKN_ROLE_INPUT_2, {}},
        {"second gamma of a pre-norm", add(VKN_ROLE_GAMMA_2, VKN_TYPE_F32), "pOperands", VKN_ROLE_GAMMA_2, {}},
        {"second rstd of a pre-norm", add(VKN_ROLE_RSTD_2, VKN_TYPE_F32), "pOperands", VKN_ROLE_RSTD_2, {}},
        {"mean of RMSNorm", add(VKN_ROLE_MEAN, VKN_TYPE_F32), "pOperands", VKN_ROLE_MEAN, {}},
        {"residual twice", add(VKN_ROLE_RESIDUAL, VKN_TYPE_F32), "pOperands[5].role", VKN_ROLE_RESIDUAL, {}},
        {"layer scale twice",
         [](auto&, auto& o, auto&) {
             o.push_back({VKN_ROLE_LAYER_SCALE, VKN_TYPE_F32});
             o.push_back({VKN_ROLE_LAYER_SCALE, VKN_TYPE_F16});
         },
         "pOperands[6].role",
         VKN_ROLE_LAYER_SCALE,
         {}},
        {"row scale in bf16", [](auto&, auto& o, auto&) { o[kRowScale].type = VKN_TYPE_BF16; }, "type", VKN_TYPE_BF16,
         VKN_TYPE_F32},
        {"residual of integers", [](auto&, auto& o, auto&) { o[kResidual].type = VKN_TYPE_U32; }, "type", VKN_TYPE_U32,
         VKN_TYPE_BF16},
        {"seed without dropout", add(VKN_ROLE_SEED, VKN_TYPE_U32), "pOperands", VKN_ROLE_SEED, {}},
        {"seed of floats",
         [](auto&, auto& o, auto& b) {
             b.dropoutProbability = 0.5f;
             o.push_back({VKN_ROLE_SEED, VKN_TYPE_F32});
         },
         "type", VKN_TYPE_F32, VKN_TYPE_U32},
        {"unknown placement",
         [](auto&, auto&, auto& b) { b.placement = static_cast<VknPlacement>(77); },
         "placement",
         77,
         {}},
        {"probability 1", probability(1.0f), "dropoutProbability", bitsOf(1.0f), {}},
        {"probability -0.1", probability(-0.1f), "dropoutProbability", bitsOf(-0.1f), {}},
        {"probability NaN", probability(nan), "dropoutProbability", {}, {}},
        {"probability infinite", probability(infinity), "dropoutProbability", bitsOf(infinity), {}},
        {"a is NaN", [](auto&, auto&, auto& b) { b.residualScale = nan; }, "residualScale", {}, {}},
        {"b is infinite",
         [](auto&, auto&, auto& b) { b.branchScale = -infinity; },
         "branchScale",
         bitsOf(-infinity),
         {}},
        {"two blocks", [](auto&, auto&, auto& b) { b.pNext = &second; }, "pNext", VKN_STRUCTURE_TYPE_BLOCK_INFO, {}},
        {"a block of another type",
         [](auto&, auto&, auto& b) { b.sType = VKN_STRUCTURE_TYPE_DROPOUT_INFO; },
         "pNext",
         VKN_STRUCTURE_TYPE_DROPOUT_INFO,
         {}},
    };
    return wrong;
}

class BlockArguments : public Arguments {
protected:
    NormCase rightCase(bool hasDropout) {
        NormCase norm;
        norm.plan.placement = VKN_PLACEMENT_PRE_NORM;
        norm.plan.hiddenSize = kHidden;
        norm.plan.rowScale = true;
        norm.plan.branchBias = VKN_TYPE_F32;
        norm.plan.layerScale = VKN_TYPE_F32;
        norm.plan.dropoutProbability = hasDropout ? 0.5f : 0.0f;
        norm.plan.variant = gpu().variants().front();
        norm.rows = kRows;
        return norm;
    }
};

TEST_F(BlockArguments, WrongBlocksAreNamed) {
    for (const WrongBlock& wrong : wrongBlocks()) {
        VknBlockInfo block{};
        block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
        block.placement = VKN_PLACEMENT_PRE_NORM;
        Operands operands = {{VKN_ROLE_INPUT, VKN_TYPE_F32},
                             {VKN_ROLE_OUTPUT, VKN_TYPE_BF16},
                             {VKN_ROLE_RESIDUAL, VKN_TYPE_F32},
                             {VKN_ROLE_RESIDUAL_OUTPUT, VKN_TYPE_F32},
                             {VKN_ROLE_ROW_SCALE, VKN_TYPE_F32}};
        VknPlanCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        info.pNext = &block;
        info.operation = VKN_OPERATION_RMS_NORM;
        info.hiddenSize = kHidden;
        info.epsilon = 1e-5f;
        wrong.spoil(info, operands, block);
        info.pOperands = operands.data();
        info.operandCount = static_cast<uint32_t>(operands.size());
        expectPlanRefused(wrong, info);
    }
}

using WrongExecution = ExecutionMistake<VknDropoutInfo>;

// Puts an operand so many bytes behind the start of another, in buffers that are said to have room for both.
auto onto(VknRole moved, VknRole other, VkDeviceSize bytes) {
    return [=](VknExecuteInfo&, std::vector<VknOperand>& operands, VknDropoutInfo&) {
        VknOperand& there = operandOf(operands, other);
        VknOperand& operand = operandOf(operands, moved);
        operand.buffer = there.buffer;
        operand.offset = there.offset + bytes;
        operand.bufferSize = there.bufferSize = 1u << 20;
    };
}

// Where the plan has dropout.
const std::vector<WrongExecution>& wrongDropouts() {
    static const std::vector<WrongExecution> wrong = {
        {"dropout info missing", [](auto& i, auto&, auto&) { i.pNext = nullptr; }, {}, "pNext", 0, {}},
        {"another structure",
         [](auto&, auto&, auto& d) { d.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO; },
         {},
         "pNext",
         VKN_STRUCTURE_TYPE_BLOCK_INFO,
         VKN_STRUCTURE_TYPE_DROPOUT_INFO},
        {"stream of the second branch",
         [](auto&, auto&, auto& d) { d.stream = 1u << 31; },
         {},
         "stream",
         1u << 31,
         (1u << 31) - 1},
    };
    return wrong;
}

// Where it has none.
const std::vector<WrongExecution>& wrongExecutions() {
    static const std::vector<WrongExecution> wrong = {
        {"dropout info without dropout", [](auto& i, auto&, auto& d) { i.pNext = &d; }, {}, "pNext", {}, {}},
        {"residual missing",
         [](auto&, auto& o, auto&) { removeOperand(o, VKN_ROLE_RESIDUAL); },
         {},
         "pOperands",
         VKN_ROLE_RESIDUAL,
         {}},
        {"h onto the residual", onto(VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_RESIDUAL, 0), VKN_ROLE_RESIDUAL_OUTPUT,
         "offset", 0, 0},
        {"h into the residual", onto(VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_RESIDUAL, 512), VKN_ROLE_RESIDUAL_OUTPUT,
         "offset", 512, 0},
        {"h onto y", onto(VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT, 0), VKN_ROLE_RESIDUAL_OUTPUT, "offset", 0, 0},
        {"y onto the branch", onto(VKN_ROLE_OUTPUT, VKN_ROLE_INPUT, 0), VKN_ROLE_OUTPUT, "offset", 0, 0},
        {"layer scale inside h",
         onto(VKN_ROLE_LAYER_SCALE, VKN_ROLE_RESIDUAL_OUTPUT, 16),
         VKN_ROLE_LAYER_SCALE,
         "offset",
         16,
         {}},
        {"residual's stride", [](auto&, auto& o, auto&) { operandOf(o, VKN_ROLE_RESIDUAL).rowStride = 63; },
         VKN_ROLE_RESIDUAL, "rowStride", 63, kHidden},
        {"row scale's stride",
         [](auto&, auto& o, auto&) { operandOf(o, VKN_ROLE_ROW_SCALE).rowStride = 2; },
         VKN_ROLE_ROW_SCALE,
         "rowStride",
         2,
         {}},
        {"row scale's offset", [](auto&, auto& o, auto&) { operandOf(o, VKN_ROLE_ROW_SCALE).offset += 2; },
         VKN_ROLE_ROW_SCALE, "offset", 2, 4},
        {"layer scale beyond its buffer",
         [](auto&, auto& o, auto&) { operandOf(o, VKN_ROLE_LAYER_SCALE).bufferSize = 4 * kHidden; },
         VKN_ROLE_LAYER_SCALE,
         "bufferSize",
         4 * kHidden,
         {}},
        {"parameters in two buffers",
         [](auto&, auto& o, auto&) {
             operandOf(o, VKN_ROLE_LAYER_SCALE).buffer = operandOf(o, VKN_ROLE_INPUT).buffer;
             operandOf(o, VKN_ROLE_LAYER_SCALE).offset = 0;
         },
         VKN_ROLE_LAYER_SCALE, "buffer", VKN_ROLE_LAYER_SCALE, VKN_ROLE_BRANCH_BIAS},
    };
    return wrong;
}

TEST_F(BlockArguments, WrongExecutionsAreNamed) {
    for (const bool hasDropout : {false, true}) {
        NormRun run(gpu(), rightCase(hasDropout));
        for (const WrongExecution& wrong : hasDropout ? wrongDropouts() : wrongExecutions()) {
            ExecutionDraft draft(run.executeInfo());
            VknDropoutInfo dropout{};
            dropout.sType = VKN_STRUCTURE_TYPE_DROPOUT_INFO;
            draft.info.pNext = hasDropout ? &dropout : nullptr;
            wrong.spoil(draft.info, draft.operands, dropout);
            const std::string field = fieldOf(draft.operands, wrong.role, wrong.field);
            expectExecutionRefused(wrong, run.plan(), draft.complete(), field);
        }
        // And the right one is taken, so what was refused above was refused for its fault.
        gpu().submit([&](VkCommandBuffer commands) { EXPECT_TRUE(run.record(commands)); });
        run.download();
        EXPECT_TRUE(run.check());
    }
}

}  // namespace
}  // namespace vknorm::test
