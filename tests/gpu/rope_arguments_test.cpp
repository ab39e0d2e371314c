// Wrong rotary position embeddings: a named error each, with field, value and limit.
#include "gpu/arguments.hpp"

#include <vector>

namespace vknorm::test {
namespace {

constexpr uint32_t kHeadSize = 64;
constexpr uint32_t kQueryHeads = 2;
constexpr uint64_t kHeads = 3;
constexpr uint64_t kTokens = 2;

// A right plan of queries and keys, to be spoiled.
struct RopePlan {
    VknPlanCreateInfo info{};
    VknRopeInfo rope{};
    std::vector<VknOperandType> operands;

    RopePlan() {
        rope.sType = VKN_STRUCTURE_TYPE_ROPE_INFO;
        rope.queryRows = kQueryHeads;
        info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        info.operation = VKN_OPERATION_RMS_NORM;
        info.hiddenSize = kHeadSize;
        info.epsilon = 1e-6f;
        operands = {{VKN_ROLE_INPUT, VKN_TYPE_F32},     {VKN_ROLE_KEY, VKN_TYPE_F32},
                    {VKN_ROLE_OUTPUT, VKN_TYPE_F32},    {VKN_ROLE_KEY_OUTPUT, VKN_TYPE_F32},
                    {VKN_ROLE_POSITIONS, VKN_TYPE_U32}, {VKN_ROLE_COS_SIN, VKN_TYPE_F32}};
    }

    const VknPlanCreateInfo& complete() {
        info.pNext = &rope;
        info.operandCount = static_cast<uint32_t>(operands.size());
        info.pOperands = operands.data();
        return info;
    }

    void remove(VknRole role) {
        std::erase_if(operands, [&](const VknOperandType& operand) { return operand.role == role; });
    }
    void setType(VknRole role, VknType type) {
        for (VknOperandType& operand : operands) {
            operand.type = operand.role == role ? type : operand.type;
        }
    }
};

class RopeArguments : public Arguments {};

TEST_F(RopeArguments, OfPlans) {
    const Mistake<RopePlan> mistakes[] = {
        {"layout", [](RopePlan& p) { p.rope.layout = static_cast<VknRopeLayout>(2); }, "layout", 2, 1},
        {"odd rotary size", [](RopePlan& p) { p.rope.rotarySize = 7; }, "rotarySize", 7, kHeadSize},
        {"too large a rotary size", [](RopePlan& p) { p.rope.rotarySize = 66; }, "rotarySize", 66, kHeadSize},
        {"a head that cannot turn", [](RopePlan& p) { p.info.hiddenSize = 63; }, "rotarySize", 63, 63},
        {"no such angles", [](RopePlan& p) { p.rope.angles = static_cast<VknRopeAngles>(2); }, "angles", 2,
         VKN_ROPE_ANGLES_FP32_PRODUCT},
        {"angles beside cosines", [](RopePlan& p) { p.rope.angles = VKN_ROPE_ANGLES_FP32_PRODUCT; }, "angles",
         VKN_ROPE_ANGLES_FP32_PRODUCT, VKN_ROPE_ANGLES_TURNS},
        {"no norm", [](RopePlan& p) { p.info.operation = VKN_OPERATION_DYT; }, "rotarySize", kHeadSize, 0},
        {"a weight for each query only", [](RopePlan& p) { p.info.parameterRows = kQueryHeads; }, "parameterRows",
         kQueryHeads, kQueryHeads},
        {"positions missing", [](RopePlan& p) { p.remove(VKN_ROLE_POSITIONS); }, "pOperands", VKN_ROLE_POSITIONS, {}},
        {"angles missing", [](RopePlan& p) { p.remove(VKN_ROLE_COS_SIN); }, "pOperands", VKN_ROLE_ROPE_TABLE, {}},
        {"angles twice",
         [](RopePlan& p) {
             p.operands.push_back({VKN_ROLE_ROPE_TABLE, VKN_TYPE_U32});
         },
         "pOperands",
         VKN_ROLE_ROPE_TABLE,
         {}},
        {"key missing", [](RopePlan& p) { p.remove(VKN_ROLE_KEY); }, "pOperands", VKN_ROLE_KEY, {}},
        {"key's output missing",
         [](RopePlan& p) { p.remove(VKN_ROLE_KEY_OUTPUT); },
         "pOperands",
         VKN_ROLE_KEY_OUTPUT,
         {}},
        {"key without a number of queries", [](RopePlan& p) { p.rope.queryRows = 0; }, "pOperands", VKN_ROLE_KEY, {}},
        {"gamma of queries alone",
         [](RopePlan& p) {
             p.operands.push_back({VKN_ROLE_GAMMA, VKN_TYPE_F32});
         },
         "pOperands",
         VKN_ROLE_KEY_GAMMA,
         {}},
        {"beta",
         [](RopePlan& p) {
             p.operands.push_back({VKN_ROLE_BETA, VKN_TYPE_F32});
         },
         "pOperands",
         VKN_ROLE_BETA,
         {}},
        {"key of another type", [](RopePlan& p) { p.setType(VKN_ROLE_KEY, VKN_TYPE_F16); }, "type", VKN_TYPE_F16,
         VKN_TYPE_F32},
        {"positions as floats", [](RopePlan& p) { p.setType(VKN_ROLE_POSITIONS, VKN_TYPE_F32); }, "type", VKN_TYPE_F32,
         VKN_TYPE_U32},
        {"key in place",
         [](RopePlan& p) {
             p.info.flags = VKN_PLAN_IN_PLACE_BIT;
             p.remove(VKN_ROLE_INPUT);
         },
         "pOperands",
         VKN_ROLE_KEY,
         {}},
    };
    for (const Mistake<RopePlan>& wrong : mistakes) {
        RopePlan plan;
        wrong.spoil(plan);
        expectPlanRefused(wrong, plan.complete());
    }
}

// A right recording of the plan above, to be spoiled. Query and key follow each other in one buffer.
struct RopeRecording {
    VknExecuteInfo info{};
    std::vector<VknOperand> operands;
};

using WrongRecording = Mistake<RopeRecording>;

TEST_F(RopeArguments, OfRecordings) {
    enum {
        kQuery,
        kKey,
        kQueryOutput,
        kKeyOutput,
        kPositions,
        kAngles
    };
    constexpr uint64_t kQueryBytes = kTokens * kQueryHeads * kHeadSize * sizeof(float);
    const WrongRecording wrong[] = {
        {"no key", [](RopeRecording& r) { r.info.rowsPerOuter = kQueryHeads; }, "rowsPerOuter", kQueryHeads,
         kQueryHeads},
        {"half a token", [](RopeRecording& r) { r.info.rows = kTokens * kHeads - 1; }, "rows", kTokens * kHeads - 1,
         kHeads},
        {"no rows of angles", [](RopeRecording& r) { r.info.tableRows = 0; }, "tableRows", 0, {}},
        {"more rows of angles than there are",
         [](RopeRecording& r) { r.info.tableRows = 100; },
         "pOperands[5].bufferSize",
         {},
         100 * kHeadSize * sizeof(float)},
        {"positions with a stride", [](RopeRecording& r) { r.operands[kPositions].rowStride = 2; },
         "pOperands[4].rowStride", 2, 1},
        {"key over query",
         [](RopeRecording& r) { r.operands[kKeyOutput].offset = kHeadSize * sizeof(float); },
         "pOperands[3].offset",
         kHeadSize * sizeof(float),
         {}},
        {"tokens that overlap",
         [](RopeRecording& r) { r.operands[kQueryOutput].outerStride = kHeadSize; },
         "pOperands[2].outerStride",
         kHeadSize,
         {}},
        {"no room for the key",
         [](RopeRecording& r) { r.operands[kKey].offset = kQueryBytes + 64; },
         "pOperands[1].bufferSize",
         {},
         {}},
    };
    RopePlan description;
    VknPlan plan = VKN_NULL_HANDLE;
    VknError error = emptyError();
    ASSERT_EQ(vknCreatePlan(gpu().context(), &description.complete(), &plan, &error), VKN_SUCCESS) << error.message;
    const Buffer input(gpu().device(), kTokens * kHeads * kHeadSize * sizeof(float));
    const Buffer output(gpu().device(), kTokens * kHeads * kHeadSize * sizeof(float));
    const Buffer positions(gpu().device(), kTokens * sizeof(uint32_t));
    const Buffer angles(gpu().device(), 10 * kHeadSize * sizeof(float));
    RopeRecording right;
    right.operands = {input.operand(VKN_ROLE_INPUT),         input.operand(VKN_ROLE_KEY),
                      output.operand(VKN_ROLE_OUTPUT),       output.operand(VKN_ROLE_KEY_OUTPUT),
                      positions.operand(VKN_ROLE_POSITIONS), angles.operand(VKN_ROLE_COS_SIN)};
    right.operands[kKey].offset = kQueryBytes;
    right.operands[kKeyOutput].offset = kQueryBytes;
    right.info.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
    right.info.rows = kTokens * kHeads;
    right.info.rowsPerOuter = kHeads;
    right.info.tableRows = 10;
    right.info.bindingPool = gpu().bindingPool();
    const auto record = [&](const RopeRecording& recording) {
        VknExecuteInfo info = recording.info;
        info.operandCount = static_cast<uint32_t>(recording.operands.size());
        info.pOperands = recording.operands.data();
        VknResult result = VKN_SUCCESS;
        error = emptyError();
        gpu().submit([&](VkCommandBuffer commands) { result = vknCmdExecute(plan, commands, &info, &error); });
        return result;
    };
    EXPECT_EQ(record(right), VKN_SUCCESS) << error.message;
    for (const WrongRecording& recording : wrong) {
        RopeRecording spoilt = right;
        recording.spoil(spoilt);
        EXPECT_EQ(record(spoilt), VKN_ERROR_INVALID_ARGUMENT) << recording.name;
        expectError(error, recording.name, recording.field, recording.value, recording.limit,
                    VKN_ERROR_INVALID_ARGUMENT);
    }
    vknDestroyPlan(plan);
}

}  // namespace
}  // namespace vknorm::test
