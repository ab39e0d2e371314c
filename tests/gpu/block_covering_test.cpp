// A covering array over residual blocks: every placement with every type, option and shape, in pairs. With
// VKNORM_TEST_FULL=1 what changes the kernel most is multiplied out and the rest drawn (see covering.hpp).
#include "gpu/covering.hpp"
#include "support/reference.hpp"

#include <iterator>

namespace vknorm::test {
namespace {

enum FactorIndex : size_t {
    kPlacement,
    kVariant,
    kOperation,
    kInput,
    kInput2,
    kResidual,
    kSum,
    kOutput,
    kOutput2,
    kGamma,
    kBeta,
    kGamma2,
    kBeta2,
    kBias,
    kBias2,
    kLayerScale,
    kRowScale,
    kDropout,
    kScales,
    kEpsilonPlace,
    kCast,
    kGammaOffset,
    kStatistics,
    kStatistics2,
    kInPlace,
    kGpuRows,
    kShape,
    kPacked = kShape + kShapeFactors,
};

constexpr VknPlacement kPlacements[] = {VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_POST_NORM, VKN_PLACEMENT_SANDWICH,
                                        VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL};

// a and b; 0 counts as 1.
constexpr float kScalePairs[][2] = {{0.0f, 0.0f}, {2.4565f, 0.0f}, {-0.75f, 1.3f}};

std::vector<Factor> factorsOf(const std::vector<FormVariant>& variants) {
    std::vector<Factor> factors = withShape({{"placement", static_cast<int>(std::size(kPlacements))},
                                             {"form", static_cast<int>(variants.size())},
                                             {"operation", 2},
                                             {"branch type", 3},
                                             {"second branch type", 3},
                                             {"residual type", 3},
                                             {"h type", 3},
                                             {"y type", 3},
                                             {"y2 type", 3},
                                             {"gamma", 4},
                                             {"beta", 4},
                                             {"second gamma", 4},
                                             {"second beta", 4},
                                             {"branch bias", 4},
                                             {"second branch bias", 2},
                                             {"layer scale", 4},
                                             {"row scale", 2},
                                             {"dropout", 3},
                                             {"a and b", static_cast<int>(std::size(kScalePairs))},
                                             {"epsilon place", 2},
                                             {"cast", 2},
                                             {"gamma offset", 2},
                                             {"statistics", 4},
                                             {"second statistics", 2},
                                             {"in place", 2},
                                             {"GPU rows", 2}},
                                            kHiddenSizes);
    factors.push_back({"packed parameters", 2});
    return factors;
}

bool isMeaningful(const std::vector<int>& v) {
    if (v[kPlacement] == kUnset) {
        return true;
    }
    const VknPlacement placement = kPlacements[v[kPlacement]];
    const PlacementFacts& facts = placementFacts(placement);
    const bool hasOwnStatistics = placement == VKN_PLACEMENT_SANDWICH_PRE_NORM;
    const bool hasSecondNorm = hasOwnStatistics || facts.hasSecondBranch;
    return onlyWhatIsThereVaries(v, {{kInput2, facts.hasSecondBranch},
                                     {kOutput2, facts.hasSecondBranch},
                                     {kBias2, facts.hasSecondBranch},
                                     {kSum, facts.writesSum},
                                     {kOutput, facts.writesOutput},
                                     {kGamma2, hasSecondNorm},
                                     {kBeta2, hasSecondNorm},
                                     {kStatistics2, hasOwnStatistics}});
}

bool isAllowed(const std::vector<int>& v) {
    // The mean is LayerNorm's.
    if (v[kOperation] == 0 && v[kStatistics] != kUnset && (v[kStatistics] & 1) != 0) {
        return false;
    }
    // In place the residual has the type of what is written.
    if (v[kInPlace] == 1 && v[kResidual] > 0) {
        return false;
    }
    // Without gamma there is no offset to add to it, and no weight before which to cast.
    const bool hasNoGamma = v[kGamma] == 0 && v[kGamma2] == 0;
    return isMeaningful(v) && !(hasNoGamma && (v[kGammaOffset] == 1 || v[kCast] == 1));
}

class BlockCovering : public Covering {
protected:
    static void setBlock(PlanSpec& plan, const std::vector<int>& v) {
        plan.placement = kPlacements[v[kPlacement]];
        plan.input = static_cast<VknType>(v[kInput]);
        plan.input2 = static_cast<VknType>(v[kInput2]);
        plan.residual = static_cast<VknType>(v[kResidual]);
        plan.residualOutput = static_cast<VknType>(v[kSum]);
        plan.output = static_cast<VknType>(v[kOutput]);
        plan.output2 = static_cast<VknType>(v[kOutput2]);
        plan.branchBias = optionalType(v[kBias]);
        // Another type than the first bias has.
        plan.branchBias2 = v[kBias2] == 0 ? std::nullopt : optionalType(1 + v[kBias] % 3);
        plan.layerScale = optionalType(v[kLayerScale]);
        plan.rowScale = v[kRowScale] == 1;
        plan.dropoutProbability = v[kDropout] == 0 ? 0.0f : 0.3f;
        plan.seed = v[kDropout] == 2;
        plan.residualScale = kScalePairs[v[kScales]][0];
        plan.branchScale = kScalePairs[v[kScales]][1];
    }

    static void setNorms(PlanSpec& plan, const std::vector<int>& v) {
        plan.operation = v[kOperation] == 0 ? VKN_OPERATION_RMS_NORM : VKN_OPERATION_LAYER_NORM;
        plan.gamma = optionalType(v[kGamma]);
        plan.beta = optionalType(v[kBeta]);
        plan.gamma2 = optionalType(v[kGamma2]);
        plan.beta2 = optionalType(v[kBeta2]);
        plan.mean = (v[kStatistics] & 1) != 0;
        plan.rstd = (v[kStatistics] & 2) != 0;
        plan.rstd2 = v[kStatistics2] == 1;
        plan.mean2 = plan.rstd2 && plan.operation == VKN_OPERATION_LAYER_NORM;
        plan.gammaOffset = static_cast<float>(v[kGammaOffset]);
        plan.epsilon = v[kEpsilonPlace] == 0 ? 1e-5f : 1e-3f;
        plan.flags = flagsOf(v, {{kEpsilonPlace, VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT},
                                 {kCast, VKN_PLAN_EARLY_CAST_BIT},
                                 {kInPlace, VKN_PLAN_IN_PLACE_BIT},
                                 {kGpuRows, VKN_PLAN_GPU_ROWS_BIT}});
    }

    static NormCase caseOf(const std::vector<FormVariant>& forms, const std::vector<int>& v, uint64_t number) {
        NormCase norm;
        norm.plan.variant = forms[static_cast<size_t>(v[kVariant])];
        setBlock(norm.plan, v);
        setNorms(norm.plan, v);
        const ShapeValues shape = shapeOf(v, kShape, kHiddenSizes);
        setShape(norm, shape, number);
        setOffsets(norm, shape);
        norm.parameterSkew = shape.offsets >= 2 ? static_cast<uint64_t>(2 * shape.offsets - 3) : 0;
        norm.packParameters = v[kPacked] == 1;
        // Rows beyond 2^32 in the middle of a tensor, and the largest stream.
        norm.dropoutSeed = 0x9E3779B97F4A7C15ull * (number + 1);
        norm.firstRow = number % 2 == 0 ? 0 : 0xFFFFFFFEull;
        norm.stream = number % 3 == 0 ? 0x7FFFFFFFu : static_cast<uint32_t>(number);
        return norm;
    }
};

TEST_F(BlockCovering, EveryPairOfOptions) {
    const std::vector<size_t> drawn = {kGamma,      kBeta,        kGamma2,  kBeta2,      kBias,        kBias2,
                                       kLayerScale, kRowScale,    kScales,  kInput,      kInput2,      kResidual,
                                       kSum,        kOutput,      kOutput2, kStatistics, kStatistics2, kEpsilonPlace,
                                       kCast,       kGammaOffset, kPacked};
    runPairs(factorsOf(gpu().forms()), isAllowed, withDrawnShape(drawn, kShape), caseOf);
}

}  // namespace
}  // namespace vknorm::test
