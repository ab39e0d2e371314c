// What plans and executions of the backward refuse.
#include "gpu/arguments.hpp"
#include "gpu/function_shim.hpp"

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

namespace vknorm::test {
namespace {

constexpr uint32_t kHidden = 64;
constexpr uint64_t kRows = 8;
constexpr VkDeviceSize kTensor = kRows * kHidden * sizeof(float);

// Right but for what is spoilt: a pre-norm, or where `placement` is changed what `takeRoles` says.
struct Draft {
    VknBlockInfo block{};
    VknGateInfo gate{};
    VknRopeInfo rope{};
    const void* extension = nullptr;  // of those two
    std::vector<VknOperandType> operands;
    VknPlanCreateInfo info{};

    Draft() {
        takeRoles({VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT,
                   VKN_ROLE_INPUT_GRADIENT, VKN_ROLE_RESIDUAL_GRADIENT, VKN_ROLE_GAMMA, VKN_ROLE_GAMMA_GRADIENT,
                   VKN_ROLE_BRANCH_BIAS_GRADIENT});
        block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
        block.placement = VKN_PLACEMENT_PRE_NORM;
        gate.sType = VKN_STRUCTURE_TYPE_GATE_INFO;
        rope.sType = VKN_STRUCTURE_TYPE_ROPE_INFO;
        rope.rotarySize = 32;
        info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        info.flags = VKN_PLAN_BACKWARD_BIT;
        info.operation = VKN_OPERATION_LAYER_NORM;
        info.hiddenSize = kHidden;
        info.epsilon = 1e-5f;
    }
    void takeRoles(const std::vector<VknRole>& roles) {
        operands.clear();
        for (const VknRole role : roles) {
            add(role);
        }
    }
    // Just a norm.
    void takeNorm() {
        block.placement = VKN_PLACEMENT_NONE;
        takeRoles({VKN_ROLE_INPUT, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT, VKN_ROLE_GAMMA});
    }
    void add(VknRole role, VknType type = VKN_TYPE_F32) { operands.push_back({role, type}); }
    void setType(VknRole role, VknType type) {
        for (VknOperandType& operand : operands) {
            operand.type = operand.role == role ? type : operand.type;
        }
    }
    const VknPlanCreateInfo& complete() {
        block.pNext = extension;
        info.pNext = &block;
        info.operandCount = static_cast<uint32_t>(operands.size());
        info.pOperands = operands.data();
        return info;
    }
};

using WrongPlan = Mistake<Draft>;

auto with(VknRole role, VknType type = VKN_TYPE_F32) {
    return [=](Draft& draft) { draft.add(role, type); };
}

auto withType(VknRole role, VknType type) {
    return [=](Draft& draft) { draft.setType(role, type); };
}

const std::vector<WrongPlan>& wrongPlans() {
    static const std::vector<WrongPlan> wrong = {
        {"a forward that accumulates", [](Draft& d) { d.info.flags = VKN_PLAN_ACCUMULATE_BIT; }, "flags",
         VKN_PLAN_ACCUMULATE_BIT, VKN_PLAN_BACKWARD_BIT},
        {"rows from the GPU", [](Draft& d) { d.info.flags |= VKN_PLAN_GPU_ROWS_BIT; }, "flags",
         VKN_PLAN_BACKWARD_BIT | VKN_PLAN_GPU_ROWS_BIT, 0},
        {"a forward with gradients",
         [](Draft& d) {
             d.info.flags = 0;
             d.takeRoles({VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT,
                          VKN_ROLE_OUTPUT_GRADIENT});
         },
         "pOperands", VKN_ROLE_OUTPUT_GRADIENT, 0},
        {"an output", with(VKN_ROLE_OUTPUT), "pOperands", VKN_ROLE_OUTPUT, 0},
        {"nothing that arrives",
         [](Draft& d) {
             d.takeRoles({VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_INPUT_GRADIENT});
         },
         "pOperands", VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_OUTPUT_GRADIENT},
        {"a mean without rstd", with(VKN_ROLE_MEAN), "pOperands", VKN_ROLE_RSTD, VKN_ROLE_RSTD},
        {"rstd without a mean", with(VKN_ROLE_RSTD), "pOperands", VKN_ROLE_MEAN, VKN_ROLE_MEAN},
        {"statistics with epsilon outside the root",
         [](Draft& d) {
             d.info.operation = VKN_OPERATION_RMS_NORM;
             d.info.flags |= VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT;
             d.add(VKN_ROLE_RSTD);
         },
         "pOperands", VKN_ROLE_RSTD, 0},
        {"a layer scale's gradient without the branch", with(VKN_ROLE_LAYER_SCALE_GRADIENT), "pOperands",
         VKN_ROLE_INPUT, VKN_ROLE_INPUT},
        {"a bias of a branch that is not read", with(VKN_ROLE_BRANCH_BIAS), "pOperands", VKN_ROLE_BRANCH_BIAS, 0},
        {"beta that no gradient depends on", with(VKN_ROLE_BETA), "pOperands", VKN_ROLE_BETA, 0},
        {"alpha's gradient of a norm", with(VKN_ROLE_ALPHA_GRADIENT), "pOperands", VKN_ROLE_ALPHA_GRADIENT, 0},
        {"gathered rows",
         [](Draft& d) {
             d.takeNorm();
             d.add(VKN_ROLE_ROW_INDEX, VKN_TYPE_U32);
         },
         "pOperands", VKN_ROLE_ROW_INDEX, 0},
        {"a gate without its gradient",
         [](Draft& d) {
             d.takeNorm();
             d.extension = &d.gate;
             d.add(VKN_ROLE_GATE);
         },
         "pOperands", VKN_ROLE_GATE_GRADIENT, VKN_ROLE_GATE_GRADIENT},
        {"a gate's gradient without the gate",
         [](Draft& d) {
             d.takeNorm();
             d.add(VKN_ROLE_GATE_GRADIENT);
         },
         "pOperands", VKN_ROLE_GATE_GRADIENT, 0},
        {"what arrives, in place",
         [](Draft& d) {
             d.takeNorm();
             d.info.flags |= VKN_PLAN_IN_PLACE_BIT;
         },
         "pOperands", VKN_ROLE_OUTPUT_GRADIENT, 0},
        {"in place, without what is written there",
         [](Draft& d) {
             d.info.flags |= VKN_PLAN_IN_PLACE_BIT;
             d.takeRoles({VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT});
         },
         "pOperands", VKN_ROLE_RESIDUAL_GRADIENT, VKN_ROLE_RESIDUAL_GRADIENT},
        {"halves that turn, in place",
         [](Draft& d) {
             d.takeNorm();
             d.extension = &d.rope;
             d.info.flags |= VKN_PLAN_IN_PLACE_BIT;
         },
         "flags", VKN_PLAN_BACKWARD_BIT | VKN_PLAN_IN_PLACE_BIT, VKN_PLAN_BACKWARD_BIT},
        {"a quantised gradient", withType(VKN_ROLE_INPUT_GRADIENT, VKN_TYPE_I8), "type", VKN_TYPE_I8, VKN_TYPE_BF16},
        {"a quantised gradient of gamma", withType(VKN_ROLE_GAMMA_GRADIENT, VKN_TYPE_F8_E5M2), "type", VKN_TYPE_F8_E5M2,
         VKN_TYPE_BF16},
        {"a quantised dy", withType(VKN_ROLE_OUTPUT_GRADIENT, VKN_TYPE_F8_E4M3), "type", VKN_TYPE_F8_E4M3,
         VKN_TYPE_BF16},
        {"alpha's gradient in bf16",
         [](Draft& d) {
             d.info.operation = VKN_OPERATION_DYT;
             d.add(VKN_ROLE_ALPHA_GRADIENT, VKN_TYPE_BF16);
         },
         "type", VKN_TYPE_BF16, VKN_TYPE_F32},
    };
    return wrong;
}

class BackwardArguments : public Arguments {};

TEST_F(BackwardArguments, OfPlans) {
    for (const WrongPlan& wrong : wrongPlans()) {
        Draft draft;
        wrong.spoil(draft);
        expectPlanRefused(wrong, draft.complete());
    }
    // Right in itself, but there is no such kernel.
    Draft turning;
    turning.takeNorm();
    turning.rope.queryRows = 4;
    turning.extension = &turning.rope;
    expectPlanRefused(WrongPlan{"queries and keys", nullptr, "queryRows", 4, 0}, turning.complete(),
                      VKN_ERROR_UNSUPPORTED);
}

// A plan without push descriptors, which sees every call, and what it is right to execute it with.
class BackwardExecutionArguments : public BackwardArguments {
protected:
    void SetUp() override {
        BackwardArguments::SetUp();
        shim_ = std::make_unique<FunctionShim>(gpu().device());
        context_ = std::make_unique<PlainContext>(gpu().device(), shim_->getInstanceProcAddr());
        Draft draft;
        VknError error = emptyError();
        ASSERT_EQ(vknCreatePlan(context_->get(), &draft.complete(), &plan_, &error), VKN_SUCCESS) << error.message;
        for (const VknOperandType& operand : draft.operands) {
            buffers_.emplace_back(gpu().device(), kTensor);
            operands_.push_back(buffers_.back().operand(operand.role));
        }
        // Neighbours in one buffer: nothing keeps gradients of parameters from that.
        VknOperand& bias = operandOf(operands_, VKN_ROLE_BRANCH_BIAS_GRADIENT);
        bias.buffer = operandOf(operands_, VKN_ROLE_GAMMA_GRADIENT).buffer;
        bias.offset = kHidden * sizeof(float);
        right_.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
        right_.rows = kRows;
        right_.operandCount = static_cast<uint32_t>(operands_.size());
        right_.pOperands = operands_.data();
        pool_ = makePool(64);
        right_.bindingPool = pool_;
        ASSERT_EQ(vknGetScratchSize(plan_, &right_, &needed_, &error), VKN_SUCCESS) << error.message;
        ASSERT_GT(needed_, 0u);
        scratch_.emplace(gpu().device(), needed_ + 1024);
        right_.scratchBuffer = scratch_->handle();
        right_.scratchSize = needed_;
    }

    void TearDown() override {
        vknDestroyBindingPool(pool_);
        vknDestroyPlan(plan_);
        context_.reset();
        shim_.reset();
        BackwardArguments::TearDown();
    }

    VknBindingPool makePool(uint32_t dispatches) {
        VknBindingPoolCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
        info.maxDispatches = dispatches;
        VknBindingPool pool = VKN_NULL_HANDLE;
        EXPECT_EQ(vknCreateBindingPool(context_->get(), &info, &pool, nullptr), VKN_SUCCESS);
        return pool;
    }

    // A pool with room for some of the dispatches has none for the operation.
    void expectPoolExhausted() {
        VknBindingPool pool = makePool(3);
        VknExecuteInfo info = right_;
        info.bindingPool = pool;
        gpu().submit([&](VkCommandBuffer commands) {
            VknError error = emptyError();
            EXPECT_EQ(vknCmdExecute(plan_, commands, &info, &error), VKN_ERROR_BINDING_POOL_EXHAUSTED);
            expectError(error, "exhausted pool", "bindingPool", {}, 3, VKN_ERROR_BINDING_POOL_EXHAUSTED);
        });
        vknDestroyBindingPool(pool);
    }

    VkDeviceSize scratchAlignment() const {
        VknPlanInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
        vknGetPlanInfo(plan_, &info);
        return info.scratchAlignment;
    }

    std::unique_ptr<FunctionShim> shim_;
    std::unique_ptr<PlainContext> context_;
    VknPlan plan_ = VKN_NULL_HANDLE;
    VknBindingPool pool_ = VKN_NULL_HANDLE;
    std::vector<Buffer> buffers_;
    std::vector<VknOperand> operands_;
    std::optional<Buffer> scratch_;
    VkDeviceSize needed_ = 0;
    VknExecuteInfo right_{};
};

using WrongExecution = ExecutionMistake<>;

// Puts an operand so many bytes behind the start of another.
auto onto(VknRole moved, VknRole other, VkDeviceSize bytes) {
    return [=](VknExecuteInfo&, std::vector<VknOperand>& operands) {
        operandOf(operands, moved).buffer = operandOf(operands, other).buffer;
        operandOf(operands, moved).offset = operandOf(operands, other).offset + bytes;
        operandOf(operands, moved).bufferSize = operandOf(operands, other).bufferSize = 2 * kTensor;
    };
}

// Puts the scratch there.
auto scratchOnto(VknRole role) {
    return [=](VknExecuteInfo& info, std::vector<VknOperand>& operands) {
        info.scratchBuffer = operandOf(operands, role).buffer;
    };
}

const std::vector<WrongExecution>& wrongExecutions() {
    static const std::vector<WrongExecution> wrong = {
        {"dx onto dy", onto(VKN_ROLE_INPUT_GRADIENT, VKN_ROLE_OUTPUT_GRADIENT, 0), VKN_ROLE_INPUT_GRADIENT, "offset", 0,
         0},
        {"dx into dy", onto(VKN_ROLE_INPUT_GRADIENT, VKN_ROLE_OUTPUT_GRADIENT, 512), VKN_ROLE_INPUT_GRADIENT, "offset",
         512, 0},
        {"the stream's gradient onto what arrives along it",
         onto(VKN_ROLE_RESIDUAL_GRADIENT, VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT, 0), VKN_ROLE_RESIDUAL_GRADIENT, "offset",
         0, 0},
        {"the stream's gradient onto the branch's", onto(VKN_ROLE_RESIDUAL_GRADIENT, VKN_ROLE_INPUT_GRADIENT, 4),
         VKN_ROLE_RESIDUAL_GRADIENT, "offset", 4, 0},
        {"dx onto h", onto(VKN_ROLE_INPUT_GRADIENT, VKN_ROLE_RESIDUAL_OUTPUT, 0), VKN_ROLE_INPUT_GRADIENT, "offset", 0,
         0},
        {"gamma's gradient onto gamma", onto(VKN_ROLE_GAMMA_GRADIENT, VKN_ROLE_GAMMA, 0), VKN_ROLE_GAMMA_GRADIENT,
         "offset", 0, 0},
        {"gamma's gradient inside h", onto(VKN_ROLE_GAMMA_GRADIENT, VKN_ROLE_RESIDUAL_OUTPUT, 16),
         VKN_ROLE_GAMMA_GRADIENT, "offset", 16, 0},
        {"the bias' gradient into gamma's", onto(VKN_ROLE_BRANCH_BIAS_GRADIENT, VKN_ROLE_GAMMA_GRADIENT, 252),
         VKN_ROLE_BRANCH_BIAS_GRADIENT, "offset", 252, 0},
        {"gamma's gradient beyond its buffer",
         [](auto&, auto& o) { operandOf(o, VKN_ROLE_GAMMA_GRADIENT).bufferSize = 4 * kHidden - 1; },
         VKN_ROLE_GAMMA_GRADIENT, "bufferSize", 4 * kHidden - 1, 4 * kHidden},
        {"h missing",
         [](auto&, auto& o) { removeOperand(o, VKN_ROLE_RESIDUAL_OUTPUT); },
         {},
         "pOperands",
         VKN_ROLE_RESIDUAL_OUTPUT,
         VKN_ROLE_RESIDUAL_OUTPUT},
        {"no buffer for gamma's gradient of no rows",
         [](auto& i, auto& o) {
             i.rows = 0;
             operandOf(o, VKN_ROLE_GAMMA_GRADIENT).buffer = VK_NULL_HANDLE;
         },
         VKN_ROLE_GAMMA_GRADIENT,
         "buffer",
         0,
         {}},
        {"more rows than 32 bits",
         [](auto& i, auto&) { i.rows = uint64_t{1} << 32; },
         {},
         "rows",
         uint64_t{1} << 32,
         UINT32_MAX},
        {"no scratch", [](auto& i, auto&) { i.scratchBuffer = VK_NULL_HANDLE; }, {}, "scratchBuffer", 0, {}},
        {"scratch in what arrives", scratchOnto(VKN_ROLE_OUTPUT_GRADIENT), {}, "scratchOffset", 0, {}},
        {"scratch in gamma's gradient", scratchOnto(VKN_ROLE_GAMMA_GRADIENT), {}, "scratchOffset", 0, {}},
    };
    return wrong;
}

TEST_F(BackwardExecutionArguments, AreRefusedByNameAndRecordNothing) {
    std::vector<WrongExecution> all = wrongExecutions();
    all.push_back(
        {"too little scratch", [](auto& i, auto&) { i.scratchSize -= 1; }, {}, "scratchSize", needed_ - 1, needed_});
    all.push_back({"misaligned scratch",
                   [](auto& i, auto&) { i.scratchOffset = 4; },
                   {},
                   "scratchOffset",
                   4,
                   scratchAlignment()});
    shim_->calls.clear();
    for (const WrongExecution& wrong : all) {
        ExecutionDraft draft(right_);
        wrong.spoil(draft.info, draft.operands);
        const VknExecuteInfo& info = draft.complete();
        expectExecutionRefused(wrong, plan_, info, fieldOf(draft.operands, wrong.role, wrong.field));
        VknBinding binding = VKN_NULL_HANDLE;
        EXPECT_EQ(vknCreateBinding(plan_, &info, &binding, nullptr), VKN_ERROR_INVALID_ARGUMENT) << wrong.name;
        EXPECT_EQ(binding, static_cast<VknBinding>(VKN_NULL_HANDLE)) << wrong.name;
    }
    expectPoolExhausted();
    EXPECT_EQ(shim_->callCount(), 0u) << "a command buffer was touched";
    // And the right one is taken, so what was refused above was refused for its fault.
    gpu().submit(
        [&](VkCommandBuffer commands) { EXPECT_EQ(vknCmdExecute(plan_, commands, &right_, nullptr), VKN_SUCCESS); });
    EXPECT_GE(shim_->calls["vkCmdDispatch"], 4u) << "rows, columns and two joins";
}

// What a list makes is the same plan, down to the bytes that it would be listed with.
TEST_F(BackwardExecutionArguments, AListOfPlansMakesTheSamePlan) {
    const auto listOf = [](VknPlan plan) {
        size_t size = 0;
        EXPECT_EQ(vknSerializePlans(1, &plan, &size, nullptr), VKN_SUCCESS);
        std::vector<uint8_t> list(size);
        EXPECT_EQ(vknSerializePlans(1, &plan, &size, list.data()), VKN_SUCCESS);
        return list;
    };
    const std::vector<uint8_t> list = listOf(plan_);
    VknPlan made = VKN_NULL_HANDLE;
    uint32_t count = 1;
    VknError error = emptyError();
    ASSERT_EQ(vknCreatePlansFromList(context_->get(), list.size(), list.data(), &count, &made, &error), VKN_SUCCESS)
        << error.message;
    EXPECT_EQ(listOf(made), list);
    VknPlanInfo infos[2] = {};
    for (const VknPlan plan : {plan_, made}) {
        VknPlanInfo& info = infos[plan == made ? 1 : 0];
        info.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
        vknGetPlanInfo(plan, &info);
    }
    EXPECT_STREQ(infos[1].signature, infos[0].signature);
    EXPECT_EQ(infos[1].bytesPerRow, infos[0].bytesPerRow);
    VkDeviceSize needed = 0;
    EXPECT_EQ(vknGetScratchSize(made, &right_, &needed, nullptr), VKN_SUCCESS);
    EXPECT_EQ(needed, needed_);
    gpu().submit(
        [&](VkCommandBuffer commands) { EXPECT_EQ(vknCmdExecute(made, commands, &right_, nullptr), VKN_SUCCESS); });
    vknDestroyPlan(made);
}

}  // namespace
}  // namespace vknorm::test
