// Wrong quantised outputs: a named error each, with field, value and limit.
#include "gpu/arguments.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace vknorm::test {
namespace {

constexpr uint32_t kHidden = 72;
constexpr uint64_t kRows = 4;

using Operands = std::vector<VknOperandType>;

// Operands of the plan below, in its order.
enum {
    kInput,
    kOutput,
    kResidual,
    kSum,
    kScale
};

// What a plan is made of: a pre-norm whose output is quantised per row.
struct Parts {
    VknPlanCreateInfo info{};
    VknBlockInfo block{};
    VknQuantizationInfo quantization{};
    Operands operands = {{VKN_ROLE_INPUT, VKN_TYPE_BF16},
                         {VKN_ROLE_OUTPUT, VKN_TYPE_I8},
                         {VKN_ROLE_RESIDUAL, VKN_TYPE_F32},
                         {VKN_ROLE_RESIDUAL_OUTPUT, VKN_TYPE_F32},
                         {VKN_ROLE_OUTPUT_SCALE, VKN_TYPE_F32}};
};

using WrongQuantization = Mistake<Parts>;

void makeStatic(Parts& parts) {
    parts.quantization.quantization = VKN_QUANTIZATION_STATIC;
    parts.operands.erase(parts.operands.begin() + kScale);
}

// With one fault: a static scale, or the same of the second output.
WrongQuantization wrongScale(const char* name, float scale, bool isSecond) {
    const auto spoil = [=](Parts& parts) {
        makeStatic(parts);
        (isSecond ? parts.quantization.scale2 : parts.quantization.scale) = scale;
    };
    const bool isNumber = !std::isnan(scale);
    return {name, spoil, isSecond ? "scale2" : "scale", isNumber ? std::optional(bitsOf(scale)) : std::nullopt, {}};
}

WrongQuantization wrongLargest(const char* name, float value) {
    const bool isNumber = !std::isnan(value);
    return {name,
            [=](Parts& parts) { parts.quantization.largestValue = value; },
            "largestValue",
            isNumber ? std::optional(bitsOf(value)) : std::nullopt,
            {}};
}

WrongQuantization wrongType(const char* name, int operand, VknType type, VknType last) {
    return {name, [=](Parts& parts) { parts.operands[static_cast<size_t>(operand)].type = type; }, "type", type, last};
}

WrongQuantization wrongBlockSize(const char* name, VknQuantization quantization, uint32_t size) {
    const auto spoil = [=](Parts& parts) {
        if (quantization == VKN_QUANTIZATION_STATIC) {
            makeStatic(parts);
        }
        parts.quantization.quantization = quantization;
        parts.quantization.blockSize = size;
    };
    return {name, spoil, "blockSize", size, quantization == VKN_QUANTIZATION_PER_BLOCK ? 128u : 0u};
}

WrongQuantization wrongOperand(const char* name, const std::function<void(Parts&)>& spoil, VknRole role) {
    return {name, spoil, "pOperands", role, {}};
}

std::function<void(Parts&)> add(VknRole role, VknType type = VKN_TYPE_F32) {
    return [=](Parts& parts) { parts.operands.push_back({role, type}); };
}

std::vector<WrongQuantization> wrongScales() {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    return {
        wrongScale("scale negative", -1.0f, false),
        wrongScale("scale subnormal", 0x1p-127f, false),
        wrongScale("scale infinite", kInfinity, false),
        wrongScale("scale NaN", std::nanf(""), false),
        wrongScale("scale without an inverse", 0x1.8p126f, false),
        wrongScale("second scale negative", -0x1p-126f, true),
        wrongScale("second scale infinite", -kInfinity, true),
        wrongLargest("largest value negative", -3.0f),
        wrongLargest("largest value subnormal", 0x1p-130f),
        wrongLargest("largest value infinite", kInfinity),
        wrongLargest("largest value NaN", std::nanf("")),
        {"unknown quantization",
         [](Parts& p) { p.quantization.quantization = static_cast<VknQuantization>(3); },
         "quantization",
         3,
         {}},
    };
}

std::vector<WrongQuantization> wrongTypes() {
    const auto inPlace = [](Parts& parts) {
        parts.info.flags = VKN_PLAN_IN_PLACE_BIT;
        parts.block.placement = VKN_PLACEMENT_POST_NORM;
        parts.operands = {{VKN_ROLE_INPUT, VKN_TYPE_BF16},
                          {VKN_ROLE_OUTPUT, VKN_TYPE_F8_E5M2},
                          {VKN_ROLE_OUTPUT_SCALE, VKN_TYPE_F32}};
    };
    return {
        wrongType("input of integers", kInput, VKN_TYPE_I8, VKN_TYPE_BF16),
        wrongType("input in e4m3", kInput, VKN_TYPE_F8_E4M3, VKN_TYPE_BF16),
        wrongType("residual in e5m2", kResidual, VKN_TYPE_F8_E5M2, VKN_TYPE_BF16),
        wrongType("h in e4m3", kSum, VKN_TYPE_F8_E4M3, VKN_TYPE_BF16),
        wrongType("output beyond the types", kOutput, static_cast<VknType>(6), VKN_TYPE_F8_E5M2),
        wrongType("output of u32", kOutput, VKN_TYPE_U32, VKN_TYPE_F8_E5M2),
        wrongType("scale in fp16", kScale, VKN_TYPE_F16, VKN_TYPE_F32),
        {"gamma in int8", add(VKN_ROLE_GAMMA, VKN_TYPE_I8), "type", VKN_TYPE_I8, VKN_TYPE_BF16},
        {"output in place", inPlace, "type", VKN_TYPE_F8_E5M2, VKN_TYPE_BF16},
    };
}

std::vector<WrongQuantization> wrongRoles() {
    const auto makeHalf = [](Parts& parts) { parts.operands[kOutput].type = VKN_TYPE_F16; };
    return {
        wrongBlockSize("blocks of 48", VKN_QUANTIZATION_PER_BLOCK, 48),
        wrongBlockSize("blocks of 256", VKN_QUANTIZATION_PER_BLOCK, 256),
        wrongBlockSize("blocks of none", VKN_QUANTIZATION_PER_BLOCK, 0),
        wrongBlockSize("blocks of a row", VKN_QUANTIZATION_PER_ROW, 64),
        wrongBlockSize("blocks of a static scale", VKN_QUANTIZATION_STATIC, 32),
        wrongOperand(
            "scale missing", [](Parts& p) { p.operands.pop_back(); }, VKN_ROLE_OUTPUT_SCALE),
        wrongOperand(
            "scale that is static", [](Parts& p) { p.quantization.quantization = VKN_QUANTIZATION_STATIC; },
            VKN_ROLE_OUTPUT_SCALE),
        wrongOperand("static scale per row", add(VKN_ROLE_STATIC_SCALE), VKN_ROLE_STATIC_SCALE),
        wrongOperand("second scale of one output", add(VKN_ROLE_OUTPUT_SCALE_2), VKN_ROLE_OUTPUT_SCALE_2),
        wrongOperand(
            "second static scale of one output",
            [](Parts& p) {
                makeStatic(p);
                add(VKN_ROLE_STATIC_SCALE_2)(p);
            },
            VKN_ROLE_STATIC_SCALE_2),
        wrongOperand(
            "scale of an output that has none",
            [=](Parts& p) {
                makeHalf(p);
                p.block.pNext = nullptr;
            },
            VKN_ROLE_OUTPUT_SCALE),
        wrongOperand(
            "scale without a quantization", [](Parts& p) { p.block.pNext = nullptr; }, VKN_ROLE_OUTPUT_SCALE),
        {"quantization of a half",
         [=](Parts& p) {
             makeStatic(p);
             makeHalf(p);
         },
         "pNext",
         VKN_STRUCTURE_TYPE_QUANTIZATION_INFO,
         {}},
        {"quantization twice",
         [](Parts& p) {
             static VknQuantizationInfo second{};
             second.sType = VKN_STRUCTURE_TYPE_QUANTIZATION_INFO;
             p.quantization.pNext = &second;
         },
         "pNext",
         VKN_STRUCTURE_TYPE_QUANTIZATION_INFO,
         {}},
    };
}

class QuantisedArguments : public Arguments {
protected:
    void expectRefused(const std::vector<WrongQuantization>& all) {
        for (const WrongQuantization& wrong : all) {
            Parts parts;
            parts.quantization.sType = VKN_STRUCTURE_TYPE_QUANTIZATION_INFO;
            parts.quantization.quantization = VKN_QUANTIZATION_PER_ROW;
            parts.block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
            parts.block.pNext = &parts.quantization;
            parts.block.placement = VKN_PLACEMENT_PRE_NORM;
            parts.info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
            parts.info.pNext = &parts.block;
            parts.info.operation = VKN_OPERATION_RMS_NORM;
            parts.info.hiddenSize = kHidden;
            parts.info.epsilon = 1e-5f;
            wrong.spoil(parts);
            parts.info.pOperands = parts.operands.data();
            parts.info.operandCount = static_cast<uint32_t>(parts.operands.size());
            expectPlanRefused(wrong, parts.info);
        }
    }

    NormCase rightCase(VknQuantization quantization) {
        NormCase norm;
        norm.plan.hiddenSize = kHidden;
        norm.plan.output = VKN_TYPE_F8_E4M3;
        norm.plan.quantization = quantization;
        norm.plan.blockSize = quantization == VKN_QUANTIZATION_PER_BLOCK ? 32 : 0;
        norm.plan.staticScale = quantization == VKN_QUANTIZATION_STATIC;
        norm.plan.rstd = true;
        norm.plan.variant = gpu().variants().front();
        norm.rows = kRows;
        return norm;
    }
};

TEST_F(QuantisedArguments, WrongScalesAreNamed) { expectRefused(wrongScales()); }

TEST_F(QuantisedArguments, WrongTypesAreNamed) { expectRefused(wrongTypes()); }

TEST_F(QuantisedArguments, WrongRolesAreNamed) { expectRefused(wrongRoles()); }

// Everything at once is too much for the push constants that all devices grant.
TEST_F(QuantisedArguments, TooManyOperandsAreRefused) {
    VknQuantizationInfo quantization{};
    quantization.sType = VKN_STRUCTURE_TYPE_QUANTIZATION_INFO;
    quantization.quantization = VKN_QUANTIZATION_PER_ROW;
    VknBlockInfo block{};
    block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
    block.pNext = &quantization;
    block.placement = VKN_PLACEMENT_PARALLEL;
    block.dropoutProbability = 0.5f;
    Operands operands = {{VKN_ROLE_OUTPUT, VKN_TYPE_I8},
                         {VKN_ROLE_OUTPUT_2, VKN_TYPE_I8},
                         {VKN_ROLE_SEED, VKN_TYPE_U32},
                         {VKN_ROLE_ROW_INDEX, VKN_TYPE_U32}};
    for (const VknRole role :
         {VKN_ROLE_INPUT, VKN_ROLE_INPUT_2, VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_GAMMA, VKN_ROLE_BETA,
          VKN_ROLE_GAMMA_2, VKN_ROLE_BETA_2, VKN_ROLE_BRANCH_BIAS, VKN_ROLE_BRANCH_BIAS_2, VKN_ROLE_LAYER_SCALE,
          VKN_ROLE_ROW_SCALE, VKN_ROLE_MEAN, VKN_ROLE_RSTD, VKN_ROLE_OUTPUT_SCALE, VKN_ROLE_OUTPUT_SCALE_2}) {
        operands.push_back({role, VKN_TYPE_F32});
    }
    VknPlanCreateInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
    info.pNext = &block;
    info.operation = VKN_OPERATION_LAYER_NORM;
    info.hiddenSize = kHidden;
    info.epsilon = 1e-5f;
    info.parameterRows = 2;
    info.pOperands = operands.data();
    info.operandCount = static_cast<uint32_t>(operands.size());
    VknPlan plan = VKN_NULL_HANDLE;
    VknError error = emptyError();
    EXPECT_EQ(vknCreatePlan(gpu().context(), &info, &plan, &error), VKN_ERROR_UNSUPPORTED);
    EXPECT_EQ(plan, static_cast<VknPlan>(VKN_NULL_HANDLE));
    expectError(error, "too many operands", "pOperands", {}, 32, VKN_ERROR_UNSUPPORTED);
    vknDestroyPlan(plan);
}

struct WrongExecution {
    const char* name;
    VknQuantization quantization;
    VknRole role;  // of the operand that is spoilt
    std::function<void(VknOperand&)> spoil;
    const char* field;
    std::optional<uint64_t> value;
    std::optional<uint64_t> limit;
};

const std::vector<WrongExecution>& wrongExecutions() {
    constexpr VknQuantization kStatic = VKN_QUANTIZATION_STATIC;
    constexpr VknQuantization kPerRow = VKN_QUANTIZATION_PER_ROW;
    constexpr VknQuantization kPerBlock = VKN_QUANTIZATION_PER_BLOCK;
    constexpr uint64_t kScales = (kHidden + 31) / 32;
    static const std::vector<WrongExecution> wrong = {
        {"scales in the middle of a word",
         kPerRow,
         VKN_ROLE_OUTPUT_SCALE,
         [](auto& o) { o.offset += 2; },
         "offset",
         {},
         4},
        {"stride of a row's scale", kPerRow, VKN_ROLE_OUTPUT_SCALE, [](auto& o) { o.rowStride = 2; }, "rowStride", 2,
         1},
        {"stride of a row's scales", kPerBlock, VKN_ROLE_OUTPUT_SCALE, [](auto& o) { o.rowStride = 1; }, "rowStride", 1,
         kScales},
        {"too little room for scales",
         kPerBlock,
         VKN_ROLE_OUTPUT_SCALE,
         [](auto& o) { o.bufferSize = o.offset + kRows * kScales * 4 - 4; },
         "bufferSize",
         {},
         {}},
        {"too little room for a static scale",
         kStatic,
         VKN_ROLE_STATIC_SCALE,
         [](auto& o) { o.bufferSize = o.offset; },
         "bufferSize",
         {},
         {}},
        {"no room for the output's last word", kPerRow, VKN_ROLE_OUTPUT,
         [](auto& o) {
             o.offset = 1;
             o.bufferSize = 1 + kRows * kHidden;
         },
         "bufferSize", 1 + kRows * kHidden, 4 + kRows * kHidden},
        {"too little room for the output", kPerBlock, VKN_ROLE_OUTPUT,
         [](auto& o) { o.bufferSize = kRows * kHidden - 1; }, "bufferSize", kRows * kHidden - 1, kRows * kHidden},
        {"rows of the output overlap", kStatic, VKN_ROLE_OUTPUT, [](auto& o) { o.rowStride = kHidden - 1; },
         "rowStride", kHidden - 1, kHidden},
    };
    return wrong;
}

TEST_F(QuantisedArguments, WrongExecutionsAreNamed) {
    for (const VknQuantization quantization :
         {VKN_QUANTIZATION_STATIC, VKN_QUANTIZATION_PER_ROW, VKN_QUANTIZATION_PER_BLOCK}) {
        NormRun run(gpu(), rightCase(quantization));
        for (const WrongExecution& wrong : wrongExecutions()) {
            if (wrong.quantization != quantization) {
                continue;
            }
            ExecutionDraft draft(run.executeInfo());
            wrong.spoil(operandOf(draft.operands, wrong.role));
            const std::string field = fieldOf(draft.operands, wrong.role, wrong.field);
            expectExecutionRefused(wrong, run.plan(), draft.complete(), field);
        }
        // The command buffers above were empty, and the right one is taken.
        run.download();
        for (const VknRole role : {VKN_ROLE_OUTPUT, VKN_ROLE_OUTPUT_SCALE}) {
            if (const DeviceTensor* tensor = run.find(role)) {
                EXPECT_EQ(tensor->after.bytes(), tensor->before.bytes());
            }
        }
        gpu().submit([&](VkCommandBuffer commands) { EXPECT_TRUE(run.record(commands)); });
        run.download();
        EXPECT_TRUE(run.check());
    }
}

// Bytes are bound by whole words, and no more.
TEST_F(QuantisedArguments, BoundRangesAreWholeWords) {
    NormCase norm = rightCase(VKN_QUANTIZATION_PER_BLOCK);
    norm.output.byteOffset = 37;
    norm.output.rowStride = kHidden + 1;
    NormRun run(gpu(), norm);
    VknBoundRange range{};
    VknError error = emptyError();
    ASSERT_EQ(vknGetBoundRange(run.plan(), &run.executeInfo(), VKN_ROLE_OUTPUT, &range, &error), VKN_SUCCESS);
    const uint64_t end = 37 + (kRows - 1) * (kHidden + 1) + kHidden;
    EXPECT_LE(range.offset, 36u);
    EXPECT_EQ(range.offset + range.size, (end + 3) / 4 * 4);
    ASSERT_EQ(vknGetBoundRange(run.plan(), &run.executeInfo(), VKN_ROLE_OUTPUT_SCALE, &range, &error), VKN_SUCCESS);
    EXPECT_GE(range.size, kRows * 3 * 4u);
}

}  // namespace
}  // namespace vknorm::test
