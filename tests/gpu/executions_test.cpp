// Wrong executions: a named error each, with field, value and limit, and a command buffer that nothing was recorded into.
#include "gpu/arguments.hpp"
#include "gpu/function_shim.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace vknorm::test {
namespace {

constexpr uint32_t kHidden = 64;
constexpr uint64_t kRows = 8;

using WrongExecution = Mistake<VknExecuteInfo, std::vector<VknOperand>>;

// Operands of the plan below, in its order.
enum {
    kInput,
    kOutput,
    kGamma,
    kMean,
    kRstd
};

const std::vector<WrongExecution>& wrongExecutions() {
    static const std::vector<WrongExecution> wrong = {
        {"sType", [](auto& i, auto&) { i.sType = VKN_STRUCTURE_TYPE_ERROR; }, "sType", 1, 8},
        {"operands null", [](auto& i, auto&) { i.pOperands = nullptr; }, "pOperands", {}, {}},
        {"operand missing", [](auto&, auto& o) { o.erase(o.begin() + kGamma); }, "pOperands", VKN_ROLE_GAMMA, {}},
        {"role that the plan lacks",
         [](auto&, auto& o) { o[kGamma].role = VKN_ROLE_BETA; },
         "pOperands[2].role",
         VKN_ROLE_BETA,
         {}},
        {"unknown role",
         [](auto&, auto& o) { o[kGamma].role = static_cast<VknRole>(77); },
         "pOperands[2].role",
         77,
         {}},
        {"duplicate role",
         [](auto&, auto& o) { o[kGamma].role = VKN_ROLE_OUTPUT; },
         "pOperands[2].role",
         VKN_ROLE_OUTPUT,
         {}},
        {"no buffer", [](auto&, auto& o) { o[kInput].buffer = VK_NULL_HANDLE; }, "pOperands[0].buffer", {}, {}},
        {"fp32 offset 2", [](auto&, auto& o) { o[kInput].offset = 2; }, "pOperands[0].offset", 2, 4},
        {"bf16 offset 1", [](auto&, auto& o) { o[kOutput].offset = 1; }, "pOperands[1].offset", 1, 2},
        {"mean offset 2", [](auto&, auto& o) { o[kMean].offset += 2; }, "pOperands[3].offset", {}, 4},
        {"row stride below hidden size", [](auto&, auto& o) { o[kInput].rowStride = kHidden - 1; },
         "pOperands[0].rowStride", kHidden - 1, kHidden},
        {"mean stride 2", [](auto&, auto& o) { o[kMean].rowStride = 2; }, "pOperands[3].rowStride", 2, {}},
        {"more rows than the input holds", [](auto& i, auto&) { i.rows = kRows + 1; }, "pOperands[0].bufferSize",
         kRows * kHidden * 4, (kRows + 1) * kHidden * 4},
        {"buffer a byte short", [](auto&, auto& o) { o[kOutput].bufferSize -= 1; }, "pOperands[1].bufferSize",
         kRows * kHidden * 2 - 1, kRows * kHidden * 2},
        {"gamma beyond its buffer", [](auto&, auto& o) { o[kGamma].offset = 4; }, "pOperands[2].bufferSize", {}, {}},
        {"strides that overflow",
         [](auto&, auto& o) { o[kInput].rowStride = ~0ull / 4; },
         "pOperands[0].bufferSize",
         {},
         {}},
        {"output onto itself",
         [](auto& i, auto& o) {
             i.rowsPerOuter = 2;
             o[kOutput].outerStride = 1;
         },
         "pOperands[1].outerStride",
         1,
         {}},
        {"input overlaps output",
         [](auto&, auto& o) {
             o[kInput].buffer = o[kOutput].buffer;
             o[kInput].bufferSize = o[kOutput].bufferSize = kRows * kHidden * 8;
             o[kInput].offset = 512;
         },
         "pOperands[1].offset", 0, 512},
        {"gamma inside output",
         [](auto&, auto& o) {
             o[kGamma].buffer = o[kOutput].buffer;
             o[kGamma].bufferSize = o[kOutput].bufferSize;
             o[kGamma].offset = 16;
         },
         "pOperands[2].offset", 16, 0},
        {"mean inside input",
         [](auto&, auto& o) {
             o[kMean].buffer = o[kRstd].buffer = o[kInput].buffer;
             o[kMean].bufferSize = o[kRstd].bufferSize = o[kInput].bufferSize;
         },
         "pOperands[3].offset", 0, 0},
        {"mean and rstd overlap", [](auto&, auto& o) { o[kRstd].offset = o[kMean].offset + 4; }, "pOperands[4].offset",
         4, 0},
        {"mean and rstd in two buffers",
         [](auto&, auto& o) {
             o[kRstd].buffer = o[kGamma].buffer;
             o[kRstd].offset = kHidden * 4;  // behind gamma, so that being apart from mean is all that is wrong
             o[kRstd].bufferSize = 4096;
         },
         "pOperands[4].buffer", VKN_ROLE_RSTD, VKN_ROLE_MEAN},
    };
    return wrong;
}

class WrongExecutions : public Arguments {
protected:
    void SetUp() override {
        Arguments::SetUp();
        shim_ = std::make_unique<FunctionShim>(gpu().device());
        context_ = std::make_unique<PlainContext>(gpu().device(), shim_->getInstanceProcAddr());
        VknBindingPoolCreateInfo poolInfo{};
        poolInfo.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
        poolInfo.maxDispatches = 64;
        ASSERT_EQ(vknCreateBindingPool(context_->get(), &poolInfo, &pool_, nullptr), VKN_SUCCESS);
        input_.emplace(gpu().device(), kRows * kHidden * 4);
        output_.emplace(gpu().device(), kRows * kHidden * 8);
        gamma_.emplace(gpu().device(), kHidden * 4);
        scalars_.emplace(gpu().device(), 256);
        small_.emplace(gpu().device(), 256);
    }

    void TearDown() override {
        vknDestroyBindingPool(pool_);
        context_.reset();
        shim_.reset();
        Arguments::TearDown();
    }

    VknPlan makePlan(VknPlanFlags flags) {
        PlanSpec spec;
        spec.operation = VKN_OPERATION_LAYER_NORM;
        spec.hiddenSize = kHidden;
        spec.output = VKN_TYPE_BF16;
        spec.gamma = VKN_TYPE_F32;
        spec.mean = true;
        spec.rstd = true;
        spec.flags = flags;
        VknPlan plan = VKN_NULL_HANDLE;
        VknError error = emptyError();
        EXPECT_EQ(createPlan(context_->get(), spec, &plan, &error), VKN_SUCCESS) << error.message;
        return plan;
    }

    std::vector<VknOperand> rightOperands() const {
        const auto operand = [](VknRole role, const Buffer& buffer, VkDeviceSize offset, VkDeviceSize size) {
            VknOperand result{};
            result.role = role;
            result.buffer = buffer.handle();
            result.offset = offset;
            result.bufferSize = size;
            return result;
        };
        return {operand(VKN_ROLE_INPUT, *input_, 0, input_->size()),
                operand(VKN_ROLE_OUTPUT, *output_, 0, kRows * kHidden * 2),
                operand(VKN_ROLE_GAMMA, *gamma_, 0, gamma_->size()),
                operand(VKN_ROLE_MEAN, *scalars_, 0, scalars_->size()),
                operand(VKN_ROLE_RSTD, *scalars_, 128, scalars_->size())};
    }

    VknExecuteInfo rightInfo() const {
        VknExecuteInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
        info.rows = kRows;
        info.bindingPool = pool_;
        return info;
    }

    // Every function that takes a VknExecuteInfo says the same, and nothing is recorded.
    void expectRefused(VknPlan plan, const VknExecuteInfo& info, const char* name, const char* field,
                       std::optional<uint64_t> value, std::optional<uint64_t> limit,
                       VknResult code = VKN_ERROR_INVALID_ARGUMENT) {
        shim_->calls.clear();
        gpu().submit([&](VkCommandBuffer commands) {
            VknError error = emptyError();
            EXPECT_EQ(vknCmdExecute(plan, commands, &info, &error), code) << name;
            expectError(error, name, field, value, limit, code);
            EXPECT_EQ(vknCmdExecute(plan, commands, &info, nullptr), code) << name;
        });
        VknBinding binding = VKN_NULL_HANDLE;
        EXPECT_EQ(vknCreateBinding(plan, &info, &binding, nullptr), code) << name;
        EXPECT_EQ(binding, static_cast<VknBinding>(VKN_NULL_HANDLE)) << name;
        EXPECT_EQ(shim_->callCount(), 0u) << name << ": the command buffer was touched";
    }

    std::unique_ptr<FunctionShim> shim_;
    std::unique_ptr<PlainContext> context_;
    VknBindingPool pool_ = VKN_NULL_HANDLE;
    std::optional<Buffer> input_;
    std::optional<Buffer> output_;
    std::optional<Buffer> gamma_;
    std::optional<Buffer> scalars_;
    std::optional<Buffer> small_;
};

TEST_F(WrongExecutions, AreNamedAndRecordNothing) {
    VknPlan plan = makePlan(0);
    ASSERT_NE(plan, static_cast<VknPlan>(VKN_NULL_HANDLE));
    for (const WrongExecution& wrong : wrongExecutions()) {
        std::vector<VknOperand> operands = rightOperands();
        VknExecuteInfo info = rightInfo();
        info.pOperands = operands.data();
        wrong.spoil(info, operands);
        info.pOperands = info.pOperands == nullptr ? nullptr : operands.data();
        info.operandCount = static_cast<uint32_t>(operands.size());
        expectRefused(plan, info, wrong.name, wrong.field, wrong.value, wrong.limit);
    }
    // And the right one is taken, so what was refused above was refused for its fault.
    std::vector<VknOperand> operands = rightOperands();
    VknExecuteInfo info = rightInfo();
    info.pOperands = operands.data();
    info.operandCount = static_cast<uint32_t>(operands.size());
    shim_->calls.clear();
    gpu().submit([&](VkCommandBuffer commands) {
        VknError error = emptyError();
        EXPECT_EQ(vknCmdExecute(plan, commands, &info, &error), VKN_SUCCESS) << error.message;
    });
    EXPECT_EQ(shim_->calls["vkCmdDispatch"], 1u);
    vknDestroyPlan(plan);
}

TEST_F(WrongExecutions, ReadOperandsMayShareABuffer) {
    VknPlan plan = makePlan(0);
    std::vector<VknOperand> operands = rightOperands();
    operands[kGamma].buffer = operands[kInput].buffer;
    operands[kGamma].bufferSize = operands[kInput].bufferSize;
    operands[kGamma].offset = 32;
    VknExecuteInfo info = rightInfo();
    info.pOperands = operands.data();
    info.operandCount = static_cast<uint32_t>(operands.size());
    gpu().submit([&](VkCommandBuffer commands) {
        VknError error = emptyError();
        EXPECT_EQ(vknCmdExecute(plan, commands, &info, &error), VKN_SUCCESS) << error.message;
    });
    vknDestroyPlan(plan);
}

TEST_F(WrongExecutions, RowsBuffersAndScratch) {
    VknPlan plan = makePlan(VKN_PLAN_GPU_ROWS_BIT);
    std::vector<VknOperand> operands = rightOperands();
    VknExecuteInfo right = rightInfo();
    right.pOperands = operands.data();
    right.operandCount = static_cast<uint32_t>(operands.size());
    right.rowsBuffer = small_->handle();
    right.rowsBufferSize = 8;
    right.rowsBufferOffset = 4;
    VkDeviceSize needed = 0;
    VknError error = emptyError();
    ASSERT_EQ(vknGetScratchSize(plan, &right, &needed, &error), VKN_SUCCESS) << error.message;
    ASSERT_GT(needed, 0u);
    const Buffer scratch(gpu().device(), needed + 1024);
    right.scratchBuffer = scratch.handle();
    right.scratchSize = needed;
    VknPlanInfo planInfo{};
    planInfo.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
    vknGetPlanInfo(plan, &planInfo);
    EXPECT_GT(planInfo.scratchSize, 0u);

    const auto refuse = [&](const char* name, const std::function<void(VknExecuteInfo&)>& spoil, const char* field,
                            std::optional<uint64_t> value, std::optional<uint64_t> limit) {
        VknExecuteInfo info = right;
        spoil(info);
        expectRefused(plan, info, name, field, value, limit);
    };
    refuse("no rows buffer", [](auto& i) { i.rowsBuffer = VK_NULL_HANDLE; }, "rowsBuffer", {}, {});
    refuse(
        "rows offset 2", [](auto& i) { i.rowsBufferOffset = 2; }, "rowsBufferOffset", 2, 4);
    refuse("rows beyond the buffer", [](auto& i) { i.rowsBufferOffset = 8; }, nullptr, {}, {});
    refuse("no scratch", [](auto& i) { i.scratchBuffer = VK_NULL_HANDLE; }, "scratchBuffer", {}, {});
    refuse(
        "scratch too small", [&](auto& i) { i.scratchSize = needed - 1; }, "scratchSize", needed - 1, needed);
    refuse(
        "scratch misaligned", [&](auto& i) { i.scratchOffset = 4; }, "scratchOffset", 4, planInfo.scratchAlignment);
    vknDestroyPlan(plan);
}

TEST_F(WrongExecutions, ARowThatNoBindingHolds) {
    shim_->maxStorageBufferRange = 256;
    vknDestroyBindingPool(pool_);
    pool_ = VKN_NULL_HANDLE;
    context_.reset();
    context_ = std::make_unique<PlainContext>(gpu().device(), shim_->getInstanceProcAddr());
    VknPlan plan = VKN_NULL_HANDLE;
    PlanSpec spec;
    spec.hiddenSize = kHidden;
    VknError error = emptyError();
    const VknResult created = createPlan(context_->get(), spec, &plan, &error);
    if (created == VKN_SUCCESS) {
        std::vector<VknOperand> operands = rightOperands();
        operands.resize(2);
        operands[kOutput].bufferSize = output_->size();
        VknExecuteInfo info = rightInfo();
        info.bindingPool = VKN_NULL_HANDLE;
        info.pOperands = operands.data();
        info.operandCount = 2;
        gpu().submit([&](VkCommandBuffer commands) { EXPECT_LT(vknCmdExecute(plan, commands, &info, &error), 0); });
        vknDestroyPlan(plan);
    }
    EXPECT_STRNE(error.field, "") << error.message;
}

}  // namespace
}  // namespace vknorm::test
