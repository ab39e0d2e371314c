// Several rows of gamma and beta, of which each row of x has its own: heads of a token, groups of a wide row.
#include "gpu/fixture.hpp"
#include "gpu/small_bindings.hpp"

#include <iterator>

namespace vknorm::test {
namespace {

class ParameterRows : public GpuTest {
protected:
    NormCase caseOf(VknOperation operation, uint32_t hiddenSize, uint32_t parameterRows, uint64_t rows) {
        NormCase norm;
        norm.plan.operation = operation;
        norm.plan.hiddenSize = hiddenSize;
        norm.plan.parameterRows = parameterRows;
        norm.plan.alpha = 0.8f;
        norm.plan.gamma = VKN_TYPE_F32;
        norm.plan.variant = gpu().variants().front();
        norm.rows = rows;
        return norm;
    }
};

constexpr VknOperation kOperations[] = {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM, VKN_OPERATION_DYT};

// A weight for each head: tokens are outer blocks, in which other things lie beside the heads.
TEST_F(ParameterRows, Heads) {
    std::vector<NormCase> cases;
    for (const uint32_t heads : {1u, 3u, 8u}) {
        for (const VknType type : {VKN_TYPE_BF16, VKN_TYPE_F32}) {
            NormCase norm = caseOf(kOperations[cases.size() % 3], 64 + heads % 2, heads, 5ull * heads);
            norm.plan.input = norm.plan.output = type;
            norm.plan.gamma = type;
            norm.plan.beta = VKN_TYPE_F16;
            norm.rowsPerOuter = heads;
            norm.input = {0, 0, (heads + 2) * uint64_t{norm.plan.hiddenSize}};
            norm.output = {0, 72, heads * 72ull};
            norm.gammaOffsetBytes = type == VKN_TYPE_F32 ? 4 : 2;
            cases.push_back(norm);
        }
    }
    runCases(gpu(), cases);
}

// Rows of a token need not be as many as rows of gamma.
TEST_F(ParameterRows, CountOverOuterBlocks) {
    NormCase norm = caseOf(VKN_OPERATION_RMS_NORM, 40, 3, 20);
    norm.rowsPerOuter = 4;
    norm.input = {0, 48, 240};
    runCases(gpu(), {norm});
}

TEST_F(ParameterRows, BothNormsOfABlock) {
    NormCase norm = caseOf(VKN_OPERATION_LAYER_NORM, 129, 3, 17);
    norm.plan.placement = VKN_PLACEMENT_SANDWICH_PRE_NORM;
    norm.plan.beta = norm.plan.gamma2 = norm.plan.beta2 = VKN_TYPE_BF16;
    norm.plan.branchBias = norm.plan.layerScale = VKN_TYPE_F32;  // of which there is one row
    NormCase parallel = norm;
    parallel.plan.operation = VKN_OPERATION_RMS_NORM;
    parallel.plan.placement = VKN_PLACEMENT_PARALLEL;
    parallel.plan.dropoutProbability = 0.25f;
    parallel.packParameters = true;
    runCases(gpu(), {norm, parallel});
}

TEST_F(ParameterRows, MoreThanThereAreRows) {
    NormCase norm = caseOf(VKN_OPERATION_DYT, 33, 50, 7);
    runCases(gpu(), {norm});
}

TEST_F(ParameterRows, AreCountedAmongThePlansBytes) {
    NormCase norm = caseOf(VKN_OPERATION_DYT, 33, 50, 7);
    norm.plan.beta = VKN_TYPE_BF16;
    VknPlanInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
    vknGetPlanInfo(gpu().plan(norm.plan), &info);
    EXPECT_EQ(info.bytesPerDispatch, 50u * 33 * (4 + 2));
}

// Dispatches whose first row has not the first row of gamma.
TEST_F(ParameterRows, CountOverDispatches) {
    for (const uint32_t heads : {3u, 8u}) {
        NormCase norm = caseOf(VKN_OPERATION_RMS_NORM, 101, heads, 300);
        norm.plan.beta = VKN_TYPE_F32;
        runOnSmallBindings(gpu(), norm, 16384);
    }
    NormCase norm = caseOf(VKN_OPERATION_DYT, 99, 7, 300);
    norm.plan.flags = VKN_PLAN_GPU_ROWS_BIT;
    norm.gpuRows = 123;
    runOnSmallBindings(gpu(), norm, 16384);
}

}  // namespace
}  // namespace vknorm::test
