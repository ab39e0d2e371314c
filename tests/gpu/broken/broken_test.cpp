// The library of this program reduces wrongly over subgroups, on purpose. Adopting a device must notice, and what is left
// must be right.
#include <vknorm/vknorm.h>
#include <vknorm/runtime.hpp>

#include "support/bounds.hpp"
#include "support/formats.hpp"
#include "support/random.hpp"
#include "support/tensor.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace vknorm::test {
namespace {

constexpr uint32_t kHidden = 513;
constexpr uint64_t kRows = 6;

VknContextInfo infoOf(VknContext context) {
    VknContextInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_CONTEXT_INFO;
    vknGetContextInfo(context, &info);
    return info;
}

VknPlan makePlan(VknContext context, VknKernelForm form) {
    VknKernelOverride kernel{};
    kernel.sType = VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE;
    kernel.form = form;
    const VknOperandType operands[] = {{VKN_ROLE_INPUT, VKN_TYPE_F32}, {VKN_ROLE_OUTPUT, VKN_TYPE_F32}};
    VknPlanCreateInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
    info.pNext = &kernel;
    info.operation = VKN_OPERATION_LAYER_NORM;
    info.hiddenSize = kHidden;
    info.operandCount = 2;
    info.pOperands = operands;
    info.epsilon = 1e-5f;
    VknPlan plan = VKN_NULL_HANDLE;
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    vknCreatePlan(context, &info, &plan, &error);
    return plan;
}

// Elements that are outside of their bound.
size_t wrongElements(Device& device, VknPlan plan) {
    TensorLayout layout;
    layout.rows = kRows;
    layout.hiddenSize = kHidden;
    Tensor x(layout);
    Tensor y(layout);
    Random random(3);
    x.fill([&](uint64_t, uint64_t) { return random.normal() + 2.0; });
    Buffer input(device, x.bytes().size());
    Buffer output(device, y.bytes().size());
    input.upload(x.bytes());
    output.upload(y.bytes());
    VknBindingPoolCreateInfo poolInfo{};
    poolInfo.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
    poolInfo.maxDispatches = 1;
    VknBindingPool pool = VKN_NULL_HANDLE;
    EXPECT_EQ(vknCreateBindingPool(device.context(), &poolInfo, &pool, nullptr), VKN_SUCCESS);
    VknOperand operands[2] = {};
    operands[0].role = VKN_ROLE_INPUT;
    operands[0].buffer = input.handle();
    operands[0].bufferSize = input.size();
    operands[1].role = VKN_ROLE_OUTPUT;
    operands[1].buffer = output.handle();
    operands[1].bufferSize = output.size();
    VknExecuteInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
    info.rows = kRows;
    info.operandCount = 2;
    info.pOperands = operands;
    info.bindingPool = pool;
    device.submit(
        [&](VkCommandBuffer commands) { EXPECT_EQ(vknCmdExecute(plan, commands, &info, nullptr), VKN_SUCCESS); });
    output.download(0, y.bytes().data(), y.bytes().size());
    vknDestroyBindingPool(pool);
    VknPlanInfo planInfo{};
    planInfo.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
    vknGetPlanInfo(plan, &planInfo);
    NormSpec spec;
    spec.operation = VKN_OPERATION_LAYER_NORM;
    spec.epsilon = static_cast<double>(1e-5f);
    size_t wrong = 0;
    for (uint64_t row = 0; row < kRows; ++row) {
        const NormBound bound(spec, x.rowValues(row), reductionShape(planInfo));
        for (uint64_t column = 0; column < kHidden; ++column) {
            const double value = x.value(row, column);
            wrong +=
                judge(VKN_TYPE_F32, bound.element(value, 0, 0), bound.exactElement(value, 0, 0), y.bits(row, column))
                        .isRight
                    ? 0u
                    : 1u;
        }
    }
    return wrong;
}

TEST(Broken, TheSelfTestForbidsTheFormsAndTheRestIsRight) {
    Device device;
    std::printf("self-test: %s\n", device.selfTestReport().c_str());
    const VknContextInfo info = infoOf(device.context());
    EXPECT_EQ(info.usableForms, 1u << VKN_KERNEL_FORM_SHARED);
    if (info.subgroupSize == 0 && device.selfTestReport() == "passed") {
        GTEST_SKIP() << "this device has no subgroup arithmetic that could be wrong";
    }
    EXPECT_NE(device.selfTestReport(), "passed");
    VknPlan plan = makePlan(device.context(), VKN_KERNEL_FORM_AUTO);
    ASSERT_NE(plan, static_cast<VknPlan>(VKN_NULL_HANDLE));
    VknPlanInfo planInfo{};
    planInfo.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
    vknGetPlanInfo(plan, &planInfo);
    EXPECT_EQ(planInfo.form, VKN_KERNEL_FORM_SHARED) << planInfo.reason;
    EXPECT_EQ(wrongElements(device, plan), 0u);
    vknDestroyPlan(plan);
    EXPECT_EQ(makePlan(device.context(), VKN_KERNEL_FORM_SUBGROUP), static_cast<VknPlan>(VKN_NULL_HANDLE));
}

// Without the self-test the wrong forms would be used, and the bounds would notice.
TEST(Broken, WithoutTheSelfTestResultsAreWrong) {
    DeviceOptions options;
    options.skipSelfTest = true;
    Device device(options);
    if ((infoOf(device.context()).usableForms & (1u << VKN_KERNEL_FORM_SUBGROUP)) == 0) {
        GTEST_SKIP() << "this device has no subgroup arithmetic that could be wrong";
    }
    for (const VknKernelForm form : {VKN_KERNEL_FORM_SUBGROUP, VKN_KERNEL_FORM_SUBGROUP_SHARED}) {
        VknPlan plan = makePlan(device.context(), form);
        ASSERT_NE(plan, static_cast<VknPlan>(VKN_NULL_HANDLE));
        EXPECT_GT(wrongElements(device, plan), kRows * kHidden / 2);
        vknDestroyPlan(plan);
    }
}

}  // namespace
}  // namespace vknorm::test
