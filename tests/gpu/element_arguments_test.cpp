// Wrong gates, DyT, rows of parameters and indices: a named error each, with field, value and limit.
#include "gpu/arguments.hpp"
#include "gpu/function_shim.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace vknorm::test {
namespace {

constexpr uint32_t kHidden = 64;
constexpr uint64_t kRows = 4;

// A plan that may be created, with all that the mistakes below are made in.
struct PlanDraft {
    VknPlanCreateInfo info{};
    std::vector<VknOperandType> operands;
    VknGateInfo gate{};
    VknBlockInfo block{};
    VknKernelOverride kernel{};

    PlanDraft() {
        info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        info.hiddenSize = kHidden;
        info.epsilon = 1e-5f;
        info.alpha = 0.5f;
        gate.sType = VKN_STRUCTURE_TYPE_GATE_INFO;
        block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
        kernel.sType = VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE;
        add(VKN_ROLE_INPUT);
        add(VKN_ROLE_OUTPUT);
    }

    void add(VknRole role, VknType type = VKN_TYPE_F32) { operands.push_back({role, type}); }

    const VknPlanCreateInfo& complete() {
        info.pOperands = operands.data();
        info.operandCount = static_cast<uint32_t>(operands.size());
        return info;
    }
};

void makeGated(PlanDraft& draft) {
    draft.info.operation = VKN_OPERATION_GATED_ACTIVATION;
    draft.info.pNext = &draft.gate;
    draft.add(VKN_ROLE_GATE);
}

void makeGatedNorm(PlanDraft& draft) {
    makeGated(draft);
    draft.info.operation = VKN_OPERATION_RMS_NORM;
    draft.add(VKN_ROLE_GAMMA);
}

void makeDyt(PlanDraft& draft) {
    draft.info.operation = VKN_OPERATION_DYT;
    draft.add(VKN_ROLE_GAMMA);
}

void makeGathered(PlanDraft& draft) {
    draft.info.operation = VKN_OPERATION_LAYER_NORM;
    draft.add(VKN_ROLE_ROW_INDEX, VKN_TYPE_U32);
}

using WrongPlan = Mistake<PlanDraft>;

void addBlock(PlanDraft& draft, VknPlacement placement) {
    draft.block.placement = placement;
    draft.block.pNext = draft.info.pNext;
    draft.info.pNext = &draft.block;
    draft.add(VKN_ROLE_RESIDUAL);
    draft.add(VKN_ROLE_RESIDUAL_OUTPUT);
}

std::function<void(PlanDraft&)> withRole(VknRole role, VknType type = VKN_TYPE_F32) {
    return [=](PlanDraft& draft) { draft.add(role, type); };
}

std::vector<WrongPlan> wrongGates() {
    return {
        {"gate missing",
         [](PlanDraft& d) {
             d.info.pNext = nullptr;
             d.operands.pop_back();
         },
         "pOperands",
         VKN_ROLE_GATE,
         {}},
        {"gate twice", withRole(VKN_ROLE_GATE), "pOperands[3].role", VKN_ROLE_GATE, {}},
        {"gate of integers", [](PlanDraft& d) { d.operands[2].type = VKN_TYPE_U32; }, "type", VKN_TYPE_U32,
         VKN_TYPE_BF16},
        {"quantised gate", [](PlanDraft& d) { d.operands[2].type = VKN_TYPE_I8; }, "type", VKN_TYPE_I8, VKN_TYPE_BF16},
        {"unknown activation", [](PlanDraft& d) { d.gate.activation = static_cast<VknActivation>(5); }, "activation", 5,
         VKN_ACTIVATION_SIGMOID},
        {"early cast without weights", [](PlanDraft& d) { d.info.flags = VKN_PLAN_EARLY_CAST_BIT; }, "flags",
         VKN_PLAN_EARLY_CAST_BIT, 0},
        {"norm first without a norm", [](PlanDraft& d) { d.gate.normFirst = VK_TRUE; }, "normFirst", 1, 0},
        {"gated activation in a block", [](PlanDraft& d) { addBlock(d, VKN_PLACEMENT_PRE_NORM); }, "placement",
         VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_NONE},
        {"gated activation with gamma", withRole(VKN_ROLE_GAMMA), "pOperands", VKN_ROLE_GAMMA, {}},
        {"gated activation with beta", withRole(VKN_ROLE_BETA), "pOperands", VKN_ROLE_BETA, {}},
        {"rstd of a gated activation", withRole(VKN_ROLE_RSTD), "pOperands", VKN_ROLE_RSTD, {}},
        {"part of a gated activation", [](PlanDraft& d) { d.info.partialSize = 8; }, "partialSize", 8, 0},
        {"two gate infos",
         [](PlanDraft& d) {
             static const VknGateInfo second = [] {
                 VknGateInfo gate{};
                 gate.sType = VKN_STRUCTURE_TYPE_GATE_INFO;
                 return gate;
             }();
             d.gate.pNext = &second;
         },
         "pNext",
         VKN_STRUCTURE_TYPE_GATE_INFO,
         {}},
        {"two overrides around a gate info",
         [](PlanDraft& d) {
             static const VknKernelOverride second = [] {
                 VknKernelOverride kernel{};
                 kernel.sType = VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE;
                 return kernel;
             }();
             d.kernel.pNext = &d.gate;
             d.gate.pNext = &second;
             d.info.pNext = &d.kernel;
         },
         "pNext",
         VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE,
         {}},
        {"gate info of another type",
         [](PlanDraft& d) { d.gate.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO; },
         "pNext",
         VKN_STRUCTURE_TYPE_EXECUTE_INFO,
         {}},
    };
}

std::vector<WrongPlan> wrongGatedNorms() {
    return {
        {"gate info of a norm without a gate",
         [](PlanDraft& d) { d.operands.erase(d.operands.begin() + 2); },
         "pNext",
         VKN_STRUCTURE_TYPE_GATE_INFO,
         {}},
        {"gated norm in a block",
         [](PlanDraft& d) { addBlock(d, VKN_PLACEMENT_PRE_NORM); },
         "pOperands",
         VKN_ROLE_GATE,
         {}},
    };
}

std::vector<WrongPlan> wrongDyts() {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    return {
        {"gate of DyT", withRole(VKN_ROLE_GATE), "pOperands", VKN_ROLE_GATE, {}},
        {"norm first of DyT",
         [](PlanDraft& d) {
             makeGated(d);
             d.info.operation = VKN_OPERATION_DYT;
             d.gate.normFirst = VK_TRUE;
         },
         "normFirst", 1, 0},
        {"mean of DyT", withRole(VKN_ROLE_MEAN), "pOperands", VKN_ROLE_MEAN, {}},
        {"rstd of DyT", withRole(VKN_ROLE_RSTD), "pOperands", VKN_ROLE_RSTD, {}},
        {"second rstd of DyT",
         [](PlanDraft& d) {
             addBlock(d, VKN_PLACEMENT_SANDWICH_PRE_NORM);
             d.add(VKN_ROLE_RSTD_2);
         },
         "pOperands",
         VKN_ROLE_RSTD_2,
         {}},
        {"part of DyT", [](PlanDraft& d) { d.info.partialSize = 8; }, "partialSize", 8, 0},
        {"alpha NaN", [](PlanDraft& d) { d.info.alpha = std::nanf(""); }, "alpha", {}, {}},
        {"alpha infinite", [](PlanDraft& d) { d.info.alpha = -kInfinity; }, "alpha", bitsOf(-kInfinity), {}},
        {"too many parameter rows", [](PlanDraft& d) { d.info.parameterRows = (1u << 24) + 1; }, "parameterRows",
         (1u << 24) + 1, 1u << 24},
    };
}

std::vector<WrongPlan> wrongIndices() {
    return {
        {"index in fp32", [](PlanDraft& d) { d.operands[2].type = VKN_TYPE_F32; }, "type", VKN_TYPE_F32, VKN_TYPE_U32},
        {"index twice", withRole(VKN_ROLE_ROW_INDEX, VKN_TYPE_U32), "pOperands[3].role", VKN_ROLE_ROW_INDEX, {}},
        {"index in place, where there is no input",
         [](PlanDraft& d) {
             d.info.flags = VKN_PLAN_IN_PLACE_BIT;
             d.operands.erase(d.operands.begin());
         },
         "pOperands",
         VKN_ROLE_ROW_INDEX,
         {}},
    };
}

class ElementArguments : public Arguments {
protected:
    NormCase rightCase() {
        NormCase norm;
        norm.plan.operation = VKN_OPERATION_RMS_NORM;
        norm.plan.hiddenSize = kHidden;
        norm.plan.variant = gpu().variants().front();
        norm.plan.gate = VKN_TYPE_F32;
        norm.plan.gamma = VKN_TYPE_F32;
        norm.plan.parameterRows = 3;
        norm.plan.rowIndex = true;
        norm.rows = kRows;
        norm.sourceRows = 9;
        norm.guardBytes = 0;
        return norm;
    }

    // Mistakes in the plans that `make` makes.
    void expectRefused(void (*make)(PlanDraft&), const std::vector<WrongPlan>& mistakes) {
        for (const WrongPlan& wrong : mistakes) {
            PlanDraft draft;
            make(draft);
            wrong.spoil(draft);
            expectPlanRefused(wrong, draft.complete());
        }
    }
};

TEST_F(ElementArguments, WrongPlansAreNamed) {
    expectRefused(makeGated, wrongGates());
    expectRefused(makeGatedNorm, wrongGatedNorms());
    expectRefused(makeDyt, wrongDyts());
    expectRefused(makeGathered, wrongIndices());
}

// And without the mistakes they are taken, so what was refused above was refused for its fault.
TEST_F(ElementArguments, RightPlansAreTaken) {
    for (const auto make : {makeGated, makeGatedNorm, makeDyt, makeGathered}) {
        PlanDraft draft;
        make(draft);
        VknPlan plan = VKN_NULL_HANDLE;
        VknError error = emptyError();
        EXPECT_EQ(vknCreatePlan(gpu().context(), &draft.complete(), &plan, &error), VKN_SUCCESS)
            << error.field << ": " << error.message;
        vknDestroyPlan(plan);
    }
}

// Where nothing is said of the gate, it is SiLU, before a norm.
TEST_F(ElementArguments, AGateNeedsNoInfo) {
    PlanDraft draft;
    makeGated(draft);
    draft.info.pNext = nullptr;
    VknPlan plan = VKN_NULL_HANDLE;
    ASSERT_EQ(vknCreatePlan(gpu().context(), &draft.complete(), &plan, nullptr), VKN_SUCCESS);
    NormCase norm;
    norm.plan.operation = VKN_OPERATION_GATED_ACTIVATION;
    norm.plan.hiddenSize = kHidden;
    norm.plan.gate = VKN_TYPE_F32;
    norm.plan.variant = gpu().variants().front();
    norm.rows = kRows;
    NormRun run(gpu(), norm);
    gpu().submit([&](VkCommandBuffer commands) {
        EXPECT_EQ(vknCmdExecute(plan, commands, &run.executeInfo(), nullptr), VKN_SUCCESS);
    });
    run.download();
    EXPECT_TRUE(run.check());
    vknDestroyPlan(plan);
}

// ---- executions --------------------------------------------------------------------------------------------------------

using WrongExecution = ExecutionMistake<>;

std::function<void(VknExecuteInfo&, std::vector<VknOperand>&)> without(VknRole role) {
    return [=](VknExecuteInfo&, std::vector<VknOperand>& operands) { removeOperand(operands, role); };
}

const std::vector<WrongExecution>& wrongExecutions() {
    constexpr uint64_t kRowBytes = kHidden * sizeof(float);
    static const std::vector<WrongExecution> wrong = {
        {"no source rows", [](auto& i, auto&) { i.sourceRows = 0; }, {}, "sourceRows", 0, UINT32_MAX},
        {"more source rows than an index can name",
         [](auto& i, auto&) { i.sourceRows = 1ull << 32; },
         {},
         "sourceRows",
         1ull << 32,
         UINT32_MAX},
        {"more source rows than there are", [](auto& i, auto&) { i.sourceRows = 10; }, VKN_ROLE_INPUT, "bufferSize",
         9 * kRowBytes, 10 * kRowBytes},
        {"gathered rows with outer blocks", [](auto&, auto& o) { operandOf(o, VKN_ROLE_INPUT).outerStride = 1024; },
         VKN_ROLE_INPUT, "outerStride", 1024, 0},
        {"gathered rows that overlap", [](auto&, auto& o) { operandOf(o, VKN_ROLE_INPUT).rowStride = kHidden - 1; },
         VKN_ROLE_INPUT, "rowStride", kHidden - 1, kHidden},
        {"a stride that overflows",
         [](auto&, auto& o) { operandOf(o, VKN_ROLE_INPUT).rowStride = ~0ull / 4; },
         VKN_ROLE_INPUT,
         "bufferSize",
         {},
         {}},
        {"output among the rows that may be gathered",
         [](auto&, auto& o) {
             const VknOperand& x = operandOf(o, VKN_ROLE_INPUT);
             VknOperand& y = operandOf(o, VKN_ROLE_OUTPUT);
             y.buffer = x.buffer;
             y.bufferSize = 13 * kRowBytes;
             y.offset = 8 * kRowBytes;
         },
         VKN_ROLE_OUTPUT, "offset", 8 * kRowBytes, 0},
        {"index missing", without(VKN_ROLE_ROW_INDEX), {}, "pOperands", VKN_ROLE_ROW_INDEX, {}},
        {"index beyond its buffer",
         [](auto&, auto& o) { operandOf(o, VKN_ROLE_ROW_INDEX).offset += 4; },
         VKN_ROLE_ROW_INDEX,
         "bufferSize",
         {},
         {}},
        {"index not dense", [](auto&, auto& o) { operandOf(o, VKN_ROLE_ROW_INDEX).rowStride = 2; }, VKN_ROLE_ROW_INDEX,
         "rowStride", 2, 1},
        {"gate missing", without(VKN_ROLE_GATE), {}, "pOperands", VKN_ROLE_GATE, {}},
        {"gate's stride", [](auto&, auto& o) { operandOf(o, VKN_ROLE_GATE).rowStride = 1; }, VKN_ROLE_GATE, "rowStride",
         1, kHidden},
        {"output onto the gate",
         [](auto&, auto& o) { operandOf(o, VKN_ROLE_GATE).buffer = operandOf(o, VKN_ROLE_OUTPUT).buffer; },
         VKN_ROLE_GATE, "offset", 0, 0},
        {"fewer rows of gamma than the plan has",
         [](auto&, auto& o) { operandOf(o, VKN_ROLE_GAMMA).bufferSize = kRowBytes; }, VKN_ROLE_GAMMA, "bufferSize",
         kRowBytes, 3 * kRowBytes},
    };
    return wrong;
}

TEST_F(ElementArguments, WrongExecutionsAreNamed) {
    FunctionShim shim(gpu().device());
    PlainContext context(gpu().device(), shim.getInstanceProcAddr(), VK_API_VERSION_1_1);
    VknBindingPoolCreateInfo poolInfo{};
    poolInfo.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
    poolInfo.maxDispatches = 4;
    VknBindingPool pool = VKN_NULL_HANDLE;
    ASSERT_EQ(vknCreateBindingPool(context.get(), &poolInfo, &pool, nullptr), VKN_SUCCESS);
    const NormCase norm = rightCase();
    VknPlan plan = VKN_NULL_HANDLE;
    VknError planError = emptyError();
    ASSERT_EQ(createPlan(context.get(), norm.plan, &plan, &planError), VKN_SUCCESS) << planError.message;
    NormRun run(gpu(), norm);
    VknExecuteInfo right = run.executeInfo();
    right.bindingPool = pool;
    for (const WrongExecution& wrong : wrongExecutions()) {
        ExecutionDraft draft(right);
        wrong.spoil(draft.info, draft.operands);
        const std::string field = fieldOf(draft.operands, wrong.role, wrong.field);
        shim.calls.clear();
        expectExecutionRefused(wrong, plan, draft.complete(), field);
        EXPECT_EQ(shim.callCount(), 0u) << wrong.name << ": the command buffer was touched";
    }
    gpu().submit(
        [&](VkCommandBuffer commands) { EXPECT_EQ(vknCmdExecute(plan, commands, &right, nullptr), VKN_SUCCESS); });
    run.download();
    EXPECT_TRUE(run.check());
    vknDestroyBindingPool(pool);
    vknDestroyPlan(plan);
}

}  // namespace
}  // namespace vknorm::test
