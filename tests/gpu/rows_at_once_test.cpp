// Several rows at a time: right, and the same bits as one by one.
#include "gpu/fixture.hpp"
#include "support/random.hpp"

#include <cmath>
#include <limits>

namespace vknorm::test {
namespace {

constexpr uint64_t kRows = 19;  // of which some are left over
constexpr uint64_t kNaNRow = 6;
constexpr uint64_t kHugeRow = 13;  // whose squares overflow: those beside it go one by one as well

// Most are of their own size, none has a size that its neighbour has.
double elementOf(uint64_t row, uint64_t column, VknType type) {
    Random random(7919 * row + column + 1);
    const double x = random.normal() * (1.0 + static_cast<double>(row)) + 0.25 * static_cast<double>(row);
    if (row == kNaNRow && column == 3) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    return row == kHugeRow && type != VKN_TYPE_F16 ? x * std::ldexp(1.0, 100) : x;
}

class RowsAtOnce : public GpuTest {
protected:
    void SetUp() override {
        GpuTest::SetUp();
        for (const FormVariant& variant : gpu().forms()) {
            if (variant.form == VKN_KERNEL_FORM_SUBGROUP && !variant.readTwice) {
                form_ = variant;
            }
        }
        if (form_.form == VKN_KERNEL_FORM_AUTO) {
            VKNORM_LOUD_SKIP("no subgroups on this device");
        }
    }

    // By one workgroup, which has all the rows, and so enough for each subgroup.
    NormCase makeCase(VknOperation operation, VknType type, uint32_t hiddenSize) const {
        NormCase norm;
        norm.plan.operation = operation;
        norm.plan.input = type;
        norm.plan.output = type;
        norm.plan.gamma = type;
        norm.plan.hiddenSize = hiddenSize;
        norm.plan.rstd = true;
        norm.plan.mean = operation == VKN_OPERATION_LAYER_NORM;
        if (operation == VKN_OPERATION_LAYER_NORM) {
            norm.plan.beta = type;
        }
        norm.plan.variant = form_;
        norm.plan.maxWorkgroups = 1;
        norm.plan.workgroupSize = infoOf(norm.plan).subgroupSize;
        norm.rows = kRows;
        norm.value = [type](uint64_t row, uint64_t column) { return elementOf(row, column, type); };
        return norm;
    }

    void expectSameBits(NormCase norm, uint32_t rowsAtOnce) {
        norm.plan.rowsAtOnce = 1;
        NormRun single(gpu(), norm);
        single.execute();
        single.download();
        ASSERT_TRUE(single.check());
        norm.plan.rowsAtOnce = rowsAtOnce;
        ASSERT_EQ(infoOf(norm.plan).rowsAtOnce, rowsAtOnce);
        NormRun run(gpu(), norm);
        run.execute();
        run.download();
        ASSERT_TRUE(run.check());
        for (uint64_t row = 0; row < norm.rows; ++row) {
            ASSERT_EQ(run.outputRow(row), single.outputRow(row)) << norm.describe() << ", row " << row;
        }
    }

    VknPlanInfo infoOf(const PlanSpec& plan) const {
        VknPlanInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
        vknGetPlanInfo(Gpu::get().plan(plan), &info);
        return info;
    }

private:
    FormVariant form_;
};

// A row that is a single group, some groups, and more than a lane keeps; and whose last chunks are not every lane's.
TEST_F(RowsAtOnce, OfBothNorms) {
    expectSameBits(makeCase(VKN_OPERATION_LAYER_NORM, VKN_TYPE_F32, 200), 2);
    NormCase norm = makeCase(VKN_OPERATION_RMS_NORM, VKN_TYPE_BF16, 1032);
    norm.plan.flags |= VKN_PLAN_EARLY_CAST_BIT;
    norm.plan.gammaOffset = 1.0f;
    expectSameBits(norm, 4);
    norm = makeCase(VKN_OPERATION_LAYER_NORM, VKN_TYPE_F16, 1032);
    norm.plan.flags |= VKN_PLAN_IN_PLACE_BIT;
    expectSameBits(norm, 4);
    norm = makeCase(VKN_OPERATION_RMS_NORM, VKN_TYPE_F32, 65540);
    norm.plan.partialSize = 333;
    norm.plan.rowIndex = true;
    expectSameBits(norm, 2);
}

TEST_F(RowsAtOnce, WithAResidual) {
    NormCase norm = makeCase(VKN_OPERATION_RMS_NORM, VKN_TYPE_BF16, 1032);
    norm.plan.placement = VKN_PLACEMENT_PRE_NORM;
    norm.plan.flags |= VKN_PLAN_IN_PLACE_BIT;
    norm.plan.branchBias = VKN_TYPE_BF16;
    norm.plan.dropoutProbability = 0.25f;
    expectSameBits(norm, 4);
    norm = makeCase(VKN_OPERATION_LAYER_NORM, VKN_TYPE_F32, 1024);
    norm.plan.placement = VKN_PLACEMENT_POST_NORM;
    norm.plan.residualScale = 1.5f;
    expectSameBits(norm, 2);
}

// An fp32 stream is stored in the first pass; where one of the rows must be scaled, what it was made of is gone by then.
TEST_F(RowsAtOnce, WithAStreamThatIsStoredFirst) {
    for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
        NormCase norm = makeCase(operation, VKN_TYPE_F32, 1028);
        norm.plan.placement = VKN_PLACEMENT_PRE_NORM;
        norm.plan.flags |= VKN_PLAN_IN_PLACE_BIT;
        norm.plan.dropoutProbability = 0.25f;
        expectSameBits(norm, 4);
    }
}

TEST_F(RowsAtOnce, IsRefusedByNameWhereItIsNotPossible) {
    NormCase norm = makeCase(VKN_OPERATION_RMS_NORM, VKN_TYPE_F32, 512);
    VknPlan plan = VKN_NULL_HANDLE;
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    norm.plan.rowsAtOnce = 3;
    EXPECT_EQ(createPlan(gpu().context(), norm.plan, &plan, &error), VKN_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(error.field, "rowsAtOnce");
    EXPECT_EQ(error.value, 3u);
    EXPECT_EQ(error.limit, 4u);
    norm.plan.rowsAtOnce = 2;
    norm.plan.hiddenSize = 510;  // no whole chunks
    EXPECT_EQ(createPlan(gpu().context(), norm.plan, &plan, &error), VKN_ERROR_UNSUPPORTED);
    EXPECT_STREQ(error.field, "rowsAtOnce");
    EXPECT_EQ(error.value, 2u);
    EXPECT_EQ(plan, static_cast<VknPlan>(VKN_NULL_HANDLE));
}

}  // namespace
}  // namespace vknorm::test
