// Wrong residual blocks: a named error each, with field, value and limit.
#include "gpu/arguments.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace vknorm::test {
namespace {

constexpr uint32_t kHidden = 64;
constexpr uint64_t kRows = 4;

uint64_t bitsOf(float value) {
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

using Operands = std::vector<VknOperandType>;

struct WrongBlock {
    const char* name;
    std::function<void(VknPlanCreateInfo&, Operands&, VknBlockInfo&)> spoil;
    const char* field;
    std::optional<uint64_t> value;
    std::optional<uint64_t> limit;
};

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
        VknPlan plan = VKN_NULL_HANDLE;
        VknError error = emptyError();
        EXPECT_EQ(vknCreatePlan(gpu().context(), &info, &plan, &error), VKN_ERROR_INVALID_ARGUMENT) << wrong.name;
        EXPECT_EQ(plan, static_cast<VknPlan>(VKN_NULL_HANDLE)) << wrong.name;
        expectError(error, wrong.name, wrong.field, wrong.value, wrong.limit, VKN_ERROR_INVALID_ARGUMENT);
        vknDestroyPlan(plan);
    }
}

struct WrongExecution {
    const char* name;
    bool hasDropout;
    std::function<void(VknExecuteInfo&, std::vector<VknOperand>&, VknDropoutInfo&)> spoil;
    std::optional<VknRole> role;  // of the operand that the field belongs to
    std::string field;
    std::optional<uint64_t> value;
    std::optional<uint64_t> limit;
};

VknOperand& operandOf(std::vector<VknOperand>& operands, VknRole role) {
    return *std::find_if(operands.begin(), operands.end(), [&](const VknOperand& o) { return o.role == role; });
}

std::string fieldOf(const WrongExecution& wrong, std::vector<VknOperand>& operands) {
    if (!wrong.role) {
        return wrong.field;
    }
    const auto index = &operandOf(operands, *wrong.role) - operands.data();
    return "pOperands[" + std::to_string(index) + "]." + wrong.field;
}

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

const std::vector<WrongExecution>& wrongExecutions() {
    static const std::vector<WrongExecution> wrong = {
        {"dropout info missing", true, [](auto& i, auto&, auto&) { i.pNext = nullptr; }, {}, "pNext", 0, {}},
        {"another structure",
         true,
         [](auto&, auto&, auto& d) { d.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO; },
         {},
         "pNext",
         VKN_STRUCTURE_TYPE_BLOCK_INFO,
         VKN_STRUCTURE_TYPE_DROPOUT_INFO},
        {"stream of the second branch",
         true,
         [](auto&, auto&, auto& d) { d.stream = 1u << 31; },
         {},
         "stream",
         1u << 31,
         (1u << 31) - 1},
        {"dropout info without dropout", false, [](auto& i, auto&, auto& d) { i.pNext = &d; }, {}, "pNext", {}, {}},
        {"residual missing",
         false,
         [](auto&, auto& o, auto&) {
             operandOf(o, VKN_ROLE_RESIDUAL) = o.back();
             o.pop_back();
         },
         {},
         "pOperands",
         VKN_ROLE_RESIDUAL,
         {}},
        {"h onto the residual", false, onto(VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_RESIDUAL, 0), VKN_ROLE_RESIDUAL_OUTPUT,
         "offset", 0, 0},
        {"h into the residual", false, onto(VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_RESIDUAL, 512), VKN_ROLE_RESIDUAL_OUTPUT,
         "offset", 512, 0},
        {"h onto y", false, onto(VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT, 0), VKN_ROLE_RESIDUAL_OUTPUT, "offset", 0,
         0},
        {"y onto the branch", false, onto(VKN_ROLE_OUTPUT, VKN_ROLE_INPUT, 0), VKN_ROLE_OUTPUT, "offset", 0, 0},
        {"layer scale inside h",
         false,
         onto(VKN_ROLE_LAYER_SCALE, VKN_ROLE_RESIDUAL_OUTPUT, 16),
         VKN_ROLE_LAYER_SCALE,
         "offset",
         16,
         {}},
        {"residual's stride", false, [](auto&, auto& o, auto&) { operandOf(o, VKN_ROLE_RESIDUAL).rowStride = 63; },
         VKN_ROLE_RESIDUAL, "rowStride", 63, kHidden},
        {"row scale's stride",
         false,
         [](auto&, auto& o, auto&) { operandOf(o, VKN_ROLE_ROW_SCALE).rowStride = 2; },
         VKN_ROLE_ROW_SCALE,
         "rowStride",
         2,
         {}},
        {"row scale's offset", false, [](auto&, auto& o, auto&) { operandOf(o, VKN_ROLE_ROW_SCALE).offset += 2; },
         VKN_ROLE_ROW_SCALE, "offset", 2, 4},
        {"layer scale beyond its buffer",
         false,
         [](auto&, auto& o, auto&) { operandOf(o, VKN_ROLE_LAYER_SCALE).bufferSize = 4 * kHidden; },
         VKN_ROLE_LAYER_SCALE,
         "bufferSize",
         4 * kHidden,
         {}},
        {"parameters in two buffers", false,
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
        for (const WrongExecution& wrong : wrongExecutions()) {
            if (wrong.hasDropout != hasDropout) {
                continue;
            }
            VknExecuteInfo info = run.executeInfo();
            std::vector<VknOperand> operands(info.pOperands, info.pOperands + info.operandCount);
            VknDropoutInfo dropout{};
            dropout.sType = VKN_STRUCTURE_TYPE_DROPOUT_INFO;
            info.pNext = hasDropout ? &dropout : nullptr;
            wrong.spoil(info, operands, dropout);
            info.pOperands = operands.data();
            info.operandCount = static_cast<uint32_t>(operands.size());
            const std::string field = fieldOf(wrong, operands);
            gpu().submit([&](VkCommandBuffer commands) {
                VknError error = emptyError();
                EXPECT_EQ(vknCmdExecute(run.plan(), commands, &info, &error), VKN_ERROR_INVALID_ARGUMENT) << wrong.name;
                expectError(error, wrong.name, field.c_str(), wrong.value, wrong.limit, VKN_ERROR_INVALID_ARGUMENT);
            });
        }
        // And the right one is taken, so what was refused above was refused for its fault.
        gpu().submit([&](VkCommandBuffer commands) { EXPECT_TRUE(run.record(commands)); });
        run.download();
        EXPECT_TRUE(run.check());
    }
}

}  // namespace
}  // namespace vknorm::test
