// DyT, y = tanh(alpha x) in place of a norm: alone and in every residual block.
#include "gpu/covering.hpp"
#include "gpu/edge_rows.hpp"
#include "support/formats.hpp"
#include "support/reference.hpp"

#include <cmath>
#include <iterator>

namespace vknorm::test {
namespace {

enum FactorIndex : size_t {
    kPlacement,
    kVariant,
    kInput,
    kResidual,
    kSum,
    kOutput,
    kGamma,
    kBeta,
    kGamma2,
    kBias,
    kRowScale,
    kDropout,
    kAlpha,
    kCast,
    kGammaOffset,
    kParameterRows,
    kInPlace,
    kGpuRows,
    kShape,
};

constexpr VknPlacement kPlacements[] = {VKN_PLACEMENT_NONE,      VKN_PLACEMENT_PRE_NORM,
                                        VKN_PLACEMENT_POST_NORM, VKN_PLACEMENT_SANDWICH,
                                        VKN_PLACEMENT_PARALLEL,  VKN_PLACEMENT_SANDWICH_PRE_NORM};
constexpr float kAlphas[] = {0.5f, 1.7f, -0.03f};
constexpr uint32_t kParameterRowCounts[] = {1, 3, 8};
constexpr uint32_t kFewHiddenSizes[] = {1, 129, 768, 9001};

std::vector<Factor> factorsOf(const std::vector<FormVariant>& variants) {
    return withShape({{"placement", static_cast<int>(std::size(kPlacements))},
                      {"form", static_cast<int>(variants.size())},
                      {"branch type", 3},
                      {"residual type", 3},
                      {"h type", 3},
                      {"y type", 3},
                      {"gamma", 4},
                      {"beta", 2},
                      {"second gamma", 2},
                      {"branch bias", 2},
                      {"row scale", 2},
                      {"dropout", 2},
                      {"alpha", static_cast<int>(std::size(kAlphas))},
                      {"cast", 2},
                      {"gamma offset", 2},
                      {"parameter rows", static_cast<int>(std::size(kParameterRowCounts))},
                      {"in place", 2},
                      {"GPU rows", 2}},
                     kFewHiddenSizes);
}

bool hasSecondWeights(VknPlacement placement) {
    return placement == VKN_PLACEMENT_PARALLEL || placement == VKN_PLACEMENT_SANDWICH_PRE_NORM;
}

bool suitsPlacement(const std::vector<int>& v) {
    if (v[kPlacement] == kUnset) {
        return true;
    }
    const PlacementFacts& facts = placementFacts(kPlacements[v[kPlacement]]);
    const bool isMeaningful = onlyWhatIsThereVaries(v, {{kResidual, facts.hasResidual},
                                                        {kBias, facts.hasResidual},
                                                        {kRowScale, facts.hasResidual},
                                                        {kDropout, facts.hasResidual},
                                                        {kSum, facts.writesSum},
                                                        {kOutput, facts.writesOutput},
                                                        {kGamma2, hasSecondWeights(facts.placement)}});
    const bool isAlone = !facts.hasResidual && v[kInPlace] == 1;
    return isMeaningful && !(isAlone && v[kInput] != kUnset && v[kOutput] != kUnset && v[kInput] != v[kOutput]);
}

bool isAllowed(const std::vector<int>& v) {
    // In place the residual has the type of what is written.
    if (v[kInPlace] == 1 && v[kResidual] > 0) {
        return false;
    }
    const bool hasNoGamma = v[kGamma] == 0;
    return suitsPlacement(v) && !(hasNoGamma && (v[kGammaOffset] == 1 || v[kCast] == 1 || v[kParameterRows] > 0));
}

class Dyt : public Covering {
protected:
    static void setPlan(PlanSpec& plan, const std::vector<int>& v) {
        plan.operation = VKN_OPERATION_DYT;
        plan.placement = kPlacements[v[kPlacement]];
        plan.input = static_cast<VknType>(v[kInput]);
        plan.residual = static_cast<VknType>(v[kResidual]);
        plan.residualOutput = static_cast<VknType>(v[kSum]);
        plan.output = static_cast<VknType>(v[kOutput]);
        // Other types than the first branch and its norm have.
        plan.input2 = static_cast<VknType>((v[kInput] + 1) % 3);
        plan.output2 = static_cast<VknType>((v[kOutput] + 1) % 3);
        plan.gamma = optionalType(v[kGamma]);
        plan.beta = v[kBeta] == 0 ? std::nullopt : optionalType(1 + v[kGamma] % 3);
        plan.gamma2 = v[kGamma2] == 0 ? std::nullopt : optionalType(1 + v[kGamma] % 3);
        plan.beta2 = plan.gamma2;
        plan.branchBias = v[kBias] == 0 ? std::nullopt : optionalType(1 + v[kInput]);
        plan.rowScale = v[kRowScale] == 1;
        plan.dropoutProbability = v[kDropout] == 0 ? 0.0f : 0.3f;
        plan.alpha = kAlphas[v[kAlpha]];
        plan.gammaOffset = static_cast<float>(v[kGammaOffset]);
        plan.parameterRows = kParameterRowCounts[v[kParameterRows]];
        plan.flags = flagsOf(
            v,
            {{kCast, VKN_PLAN_EARLY_CAST_BIT}, {kInPlace, VKN_PLAN_IN_PLACE_BIT}, {kGpuRows, VKN_PLAN_GPU_ROWS_BIT}});
    }

    static NormCase caseOf(const std::vector<FormVariant>& forms, const std::vector<int>& v, uint64_t number) {
        NormCase norm;
        const PlanSpec& plan = norm.plan;
        norm.plan.variant = forms[static_cast<size_t>(v[kVariant])];
        setPlan(norm.plan, v);
        const ShapeValues shape = shapeOf(v, kShape, kFewHiddenSizes);
        setShape(norm, shape, number);
        norm.gammaOffsetBytes = shape.offsets >= 2 && plan.gamma ? elementSize(*plan.gamma) : 0;
        norm.parameterSkew = shape.offsets >= 2 ? 1 : 0;
        norm.firstRow = number;
        return norm;
    }

    NormCase plainCase(float alpha, VknType type, uint32_t hiddenSize, uint64_t rows) {
        NormCase norm;
        norm.plan.operation = VKN_OPERATION_DYT;
        norm.plan.alpha = alpha;
        norm.plan.hiddenSize = hiddenSize;
        norm.plan.input = norm.plan.output = type;
        norm.plan.variant = gpu().variants().front();
        norm.rows = rows;
        return norm;
    }
};

using DytCovering = Dyt;

TEST_F(DytCovering, EveryPairOfOptions) {
    const std::vector<size_t> drawn = {kInput,  kResidual, kSum,      kOutput, kGamma,       kBeta,
                                       kGamma2, kBias,     kRowScale, kAlpha,  kGammaOffset, kParameterRows};
    runPairs(factorsOf(gpu().forms()), isAllowed, withDrawnShape(drawn, kShape), caseOf);
}

// From -0.03 to where every result is 1, tiny and subnormal ones between.
TEST_F(Dyt, TanhFromZeroToOne) {
    std::vector<NormCase> cases;
    for (const float alpha : {1.0f, -3e4f, 0.0f}) {
        NormCase norm = plainCase(alpha, VKN_TYPE_F32, 4096, 2);
        norm.value = [](uint64_t row, uint64_t column) {
            const double size = std::exp2(-150.0 + static_cast<double>(column) * 0.0376);  // up to 2^4
            return row == 0 ? size : -size;
        };
        cases.push_back(norm);
    }
    runCases(gpu(), cases);
}

// An element has nothing to do with its row, and no x is too large.
TEST_F(Dyt, RowsAtTheEdges) {
    std::vector<NormCase> cases;
    for (size_t e = 0; e < everyEdge().size(); ++e) {
        const EdgeRows& edge = *everyEdge()[e];
        const VknType type = edge.types[e % edge.types.size()];
        NormCase norm = plainCase(0.75f, type, kEdgeHidden, rowsAmongNoise(edge));
        norm.value = amongNoise(edge);
        cases.push_back(norm);
    }
    runCases(gpu(), cases);
}

TEST_F(Dyt, NanStaysInItsElementAndInfinityIsOne) {
    NormCase norm = plainCase(0.5f, VKN_TYPE_F32, kEdgeHidden, rowsAmongNoise(nanAndInfinityRows()));
    norm.value = amongNoise(nanAndInfinityRows());
    NormRun run(gpu(), norm);
    run.execute();
    EXPECT_TRUE(run.check());
    for (uint64_t row = 0; row < norm.rows; ++row) {
        for (uint64_t column = 0; column < kEdgeHidden; ++column) {
            const double x = run.find(VKN_ROLE_INPUT)->before.value(row, column);
            const double y = run.find(VKN_ROLE_OUTPUT)->after.value(row, column);
            ASSERT_EQ(std::isnan(y), std::isnan(x));
            ASSERT_TRUE(!std::isinf(x) || y == std::copysign(1.0, x)) << x << ": " << y;
        }
    }
}

TEST_F(Dyt, SameBitsAnywhere) {
    NormCase base = plainCase(0.6f, VKN_TYPE_BF16, 896, 2);
    base.plan.gamma = base.plan.beta = VKN_TYPE_F32;
    base.value = [](uint64_t, uint64_t column) { return 2.0 * noise(1, column); };
    NormCase elsewhere = base;
    elsewhere.rows = 37;
    elsewhere.input = {6, 899, 0};
    elsewhere.output = {2, 897, 0};
    elsewhere.gammaOffsetBytes = 4;
    NormCase inPlace = base;
    inPlace.plan.flags = VKN_PLAN_IN_PLACE_BIT;
    expectSameRows(gpu(), {base, elsewhere, inPlace});
}

}  // namespace
}  // namespace vknorm::test
