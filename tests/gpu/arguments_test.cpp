// Wrong plans, contexts and pools: a named error each, with field, value and limit.
#include "gpu/arguments.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace vknorm::test {
namespace {

constexpr uint32_t kHidden = 64;

struct WrongPlan {
    const char* name;
    std::function<void(VknPlanCreateInfo&, std::vector<VknOperandType>&, VknKernelOverride&)> spoil;
    const char* field;
    std::optional<uint64_t> value;
    std::optional<uint64_t> limit;
    VknResult code = VKN_ERROR_INVALID_ARGUMENT;
};

using Operands = std::vector<VknOperandType>;

const std::vector<WrongPlan>& wrongPlans() {
    static const std::vector<WrongPlan> wrong = {
        {"sType", [](auto& i, auto&, auto&) { i.sType = VKN_STRUCTURE_TYPE_ERROR; }, "sType", 1, 4},
        {"hidden 0", [](auto& i, auto&, auto&) { i.hiddenSize = 0; }, "hiddenSize", 0, 1},
        {"hidden too large", [](auto& i, auto&, auto&) { i.hiddenSize = (1u << 24) + 1; }, "hiddenSize", (1u << 24) + 1,
         1u << 24},
        {"operation 0", [](auto& i, auto&, auto&) { i.operation = static_cast<VknOperation>(0); }, "operation", 0, {}},
        {"operation 99",
         [](auto& i, auto&, auto&) { i.operation = static_cast<VknOperation>(99); },
         "operation",
         99,
         {}},
        {"unknown flag", [](auto& i, auto&, auto&) { i.flags = 0x4000; }, "flags", 0x4000, {}},
        {"epsilon negative", [](auto& i, auto&, auto&) { i.epsilon = -1e-6f; }, "epsilon", bitsOf(-1e-6f), {}},
        {"epsilon NaN", [](auto& i, auto&, auto&) { i.epsilon = std::nanf(""); }, "epsilon", {}, {}},
        {"epsilon infinite",
         [](auto& i, auto&, auto&) { i.epsilon = std::numeric_limits<float>::infinity(); },
         "epsilon",
         {},
         {}},
        {"partial size beyond the row",
         [](auto& i, auto&, auto&) { i.partialSize = i.hiddenSize + 1; },
         "partialSize",
         {},
         {}},
        {"partial LayerNorm",
         [](auto& i, auto&, auto&) {
             i.operation = VKN_OPERATION_LAYER_NORM;
             i.partialSize = 1;
         },
         "partialSize", 1, 0},
        {"gamma offset NaN", [](auto& i, auto&, auto&) { i.gammaOffset = std::nanf(""); }, "gammaOffset", {}, {}},
        {"operands null", [](auto& i, auto&, auto&) { i.pOperands = nullptr; }, "pOperands", 0, {}},
        {"no operands", [](auto&, auto& o, auto&) { o.clear(); }, "pOperands", VKN_ROLE_INPUT, {}},
        {"input missing", [](auto&, Operands& o, auto&) { o.erase(o.begin()); }, "pOperands", VKN_ROLE_INPUT, {}},
        {"output missing", [](auto&, Operands& o, auto&) { o.erase(o.begin() + 1); }, "pOperands", VKN_ROLE_OUTPUT, {}},
        {"input in place",
         [](auto& i, auto&, auto&) { i.flags = VKN_PLAN_IN_PLACE_BIT; },
         "pOperands",
         VKN_ROLE_INPUT,
         {}},
        {"unknown role",
         [](auto&, Operands& o, auto&) {
             o.push_back({static_cast<VknRole>(63), VKN_TYPE_F32});
         },
         "pOperands[3].role",
         63,
         {}},
        {"duplicate role",
         [](auto&, Operands& o, auto&) {
             o.push_back({VKN_ROLE_GAMMA, VKN_TYPE_F16});
         },
         "pOperands[3].role",
         VKN_ROLE_GAMMA,
         {}},
        {"unknown type", [](auto&, Operands& o, auto&) { o[0].type = static_cast<VknType>(9); }, "type", 9, {}},
        {"mean with RMSNorm",
         [](auto&, Operands& o, auto&) {
             o.push_back({VKN_ROLE_MEAN, VKN_TYPE_F32});
         },
         "pOperands",
         VKN_ROLE_MEAN,
         {}},
        {"rstd in fp16",
         [](auto&, Operands& o, auto&) {
             o.push_back({VKN_ROLE_RSTD, VKN_TYPE_F16});
         },
         "type", VKN_TYPE_F16, VKN_TYPE_F32},
        {"override sType", [](auto&, auto&, auto& k) { k.sType = VKN_STRUCTURE_TYPE_ERROR; }, "pNext", 1, {}},
        {"unknown form", [](auto&, auto&, auto& k) { k.form = static_cast<VknKernelForm>(7); }, "form", 7, {}},
        {"workgroup no power of two",
         [](auto&, auto&, auto& k) {
             k.form = VKN_KERNEL_FORM_SHARED;
             k.workgroupSize = 48;
         },
         "workgroupSize",
         48,
         {}},
        {"workgroup too large",
         [](auto&, auto&, auto& k) {
             k.form = VKN_KERNEL_FORM_SHARED;
             k.workgroupSize = 1u << 20;
         },
         "workgroupSize",
         1u << 20,
         {},
         VKN_ERROR_UNSUPPORTED},
    };
    return wrong;
}

TEST_F(Arguments, WrongPlansAreNamed) {
    for (const WrongPlan& wrong : wrongPlans()) {
        VknKernelOverride kernel{};
        kernel.sType = VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE;
        Operands operands = {
            {VKN_ROLE_INPUT, VKN_TYPE_F32}, {VKN_ROLE_OUTPUT, VKN_TYPE_BF16}, {VKN_ROLE_GAMMA, VKN_TYPE_F32}};
        VknPlanCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        info.pNext = &kernel;
        info.operation = VKN_OPERATION_RMS_NORM;
        info.hiddenSize = kHidden;
        info.epsilon = 1e-5f;
        info.pOperands = operands.data();
        wrong.spoil(info, operands, kernel);
        info.pOperands = info.pOperands == nullptr ? nullptr : operands.data();
        info.operandCount = static_cast<uint32_t>(operands.size());
        expectPlanRefused(wrong, info, wrong.code);
        // Nobody has to ask for the reason.
        VknPlan plan = VKN_NULL_HANDLE;
        EXPECT_EQ(vknCreatePlan(gpu().context(), &info, &plan, nullptr), wrong.code) << wrong.name;
    }
}

TEST_F(Arguments, ContextsAreChecked) {
    Device& device = gpu().device();
    VknContextCreateInfo right{};
    right.sType = VKN_STRUCTURE_TYPE_CONTEXT_CREATE_INFO;
    right.getInstanceProcAddr = device.getInstanceProcAddr();
    right.instance = device.instance();
    right.physicalDevice = device.physicalDevice();
    right.device = device.device();
    const auto refuse = [&](const char* field, const std::function<void(VknContextCreateInfo&)>& spoil) {
        VknContextCreateInfo info = right;
        spoil(info);
        VknContext context = VKN_NULL_HANDLE;
        VknError error = emptyError();
        EXPECT_EQ(vknCreateContext(&info, &context, &error), VKN_ERROR_INVALID_ARGUMENT) << field;
        EXPECT_EQ(context, static_cast<VknContext>(VKN_NULL_HANDLE));
        EXPECT_STREQ(error.field, field);
    };
    refuse("sType", [](auto& i) { i.sType = VKN_STRUCTURE_TYPE_ERROR; });
    refuse("getInstanceProcAddr", [](auto& i) { i.getInstanceProcAddr = nullptr; });
    refuse("instance", [](auto& i) { i.instance = VK_NULL_HANDLE; });
    refuse("physicalDevice", [](auto& i) { i.physicalDevice = VK_NULL_HANDLE; });
    refuse("device", [](auto& i) { i.device = VK_NULL_HANDLE; });
    refuse("flags", [](auto& i) { i.flags = 0x8000; });
    refuse("ppEnabledDeviceExtensions", [](auto& i) { i.enabledDeviceExtensionCount = 2; });
    refuse("ppEnabledInstanceExtensions", [](auto& i) { i.enabledInstanceExtensionCount = 2; });
}

TEST_F(Arguments, PoolsAndRequirementsAreChecked) {
    VknBindingPoolCreateInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
    VknBindingPool pool = VKN_NULL_HANDLE;
    VknError error = emptyError();
    EXPECT_EQ(vknCreateBindingPool(gpu().context(), &info, &pool, &error), VKN_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(error.field, "maxDispatches");
    info.maxDispatches = 1;
    info.sType = VKN_STRUCTURE_TYPE_ERROR;
    EXPECT_EQ(vknCreateBindingPool(gpu().context(), &info, &pool, &error), VKN_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(error.field, "sType");
    VknDeviceRequirements requirements{};
    EXPECT_EQ(vknQueryDeviceRequirements(gpu().device().getInstanceProcAddr(), gpu().device().instance(),
                                         gpu().device().physicalDevice(), VK_API_VERSION_1_1, &requirements, &error),
              VKN_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(error.field, "sType");
}

}  // namespace
}  // namespace vknorm::test
