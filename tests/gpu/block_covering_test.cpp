// A covering array over residual blocks: every placement with every type, option and shape, in pairs. With
// VKNORM_TEST_FULL=1 what changes the kernel most is multiplied out and the rest drawn (see covering.hpp).
#include "gpu/covering.hpp"
#include "support/formats.hpp"
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
    kHidden,
    kRows,
    kStrides,
    kOffsets,
    kTail,
    kPacked,
};

constexpr VknPlacement kPlacements[] = {VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_POST_NORM, VKN_PLACEMENT_SANDWICH,
                                        VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL};

// a and b; 0 counts as 1.
constexpr float kScalePairs[][2] = {{0.0f, 0.0f}, {2.4565f, 0.0f}, {-0.75f, 1.3f}};

std::vector<Factor> factorsOf(const std::vector<FormVariant>& variants) {
    return {{"placement", static_cast<int>(std::size(kPlacements))},
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
            {"GPU rows", 2},
            {"hidden size", static_cast<int>(std::size(kHiddenSizes))},
            {"rows", static_cast<int>(std::size(kRowCounts))},
            {"strides", kStrideKinds},
            {"offsets", kOffsetKinds},
            {"buffer tail", 2},
            {"packed parameters", 2}};
}

// Factors of what a placement does not have keep their first value, so that no pair is counted that means nothing.
bool isMeaningful(const std::vector<int>& v) {
    if (v[kPlacement] == kUnset) {
        return true;
    }
    const VknPlacement placement = kPlacements[v[kPlacement]];
    const PlacementFacts& facts = placementFacts(placement);
    const bool hasOwnStatistics = placement == VKN_PLACEMENT_SANDWICH_PRE_NORM;
    const bool hasSecondNorm = hasOwnStatistics || facts.hasSecondBranch;
    const std::pair<FactorIndex, bool> parts[] = {{kInput2, facts.hasSecondBranch}, {kOutput2, facts.hasSecondBranch},
                                                  {kBias2, facts.hasSecondBranch},  {kSum, facts.writesSum},
                                                  {kOutput, facts.writesOutput},    {kGamma2, hasSecondNorm},
                                                  {kBeta2, hasSecondNorm},          {kStatistics2, hasOwnStatistics}};
    for (const auto& [factor, isThere] : parts) {
        if (!isThere && v[factor] > 0) {
            return false;
        }
    }
    return true;
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
        const auto flagIf = [&](FactorIndex factor, VknPlanFlagBits flag) {
            return v[factor] == 1 ? VknPlanFlags{flag} : 0u;
        };
        plan.flags = flagIf(kEpsilonPlace, VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT) | flagIf(kCast, VKN_PLAN_EARLY_CAST_BIT) |
                     flagIf(kInPlace, VKN_PLAN_IN_PLACE_BIT) | flagIf(kGpuRows, VKN_PLAN_GPU_ROWS_BIT);
    }

    static void setPlaces(NormCase& norm, const std::vector<int>& v) {
        const PlanSpec& plan = norm.plan;
        const auto place = [&](VknType type, uint64_t index) {
            return placeOf(v[kStrides], v[kOffsets], type, norm, index);
        };
        norm.input = place(plan.input, 0);
        norm.output = place(plan.output, 1);
        norm.residual = place(plan.residual, 2);
        norm.residualOutput = place(plan.residualOutput, 3);
        norm.input2 = place(plan.input2, 4);
        norm.output2 = place(plan.output2, 5);
        norm.gammaOffsetBytes = v[kOffsets] >= 2 && plan.gamma ? elementSize(*plan.gamma) : 0;
        norm.betaOffsetBytes = v[kOffsets] == 3 && plan.beta ? 3 * elementSize(*plan.beta) : 0;
        norm.parameterSkew = v[kOffsets] >= 2 ? static_cast<uint64_t>(2 * v[kOffsets] - 3) : 0;
        norm.scalarsOffsetBytes = v[kOffsets] == 3 ? 12 : 0;
        norm.packParameters = v[kPacked] == 1;
    }

    static NormCase caseOf(const std::vector<FormVariant>& variants, const std::vector<int>& v, uint64_t number) {
        NormCase norm;
        norm.plan.variant = variants[static_cast<size_t>(v[kVariant])];
        setBlock(norm.plan, v);
        setNorms(norm.plan, v);
        setShape(norm, v[kHidden], v[kRows], v[kStrides], v[kTail] == 0, number);
        setPlaces(norm, v);
        // Rows beyond 2^32 in the middle of a tensor, and the largest stream.
        norm.dropoutSeed = 0x9E3779B97F4A7C15ull * (number + 1);
        norm.firstRow = number % 2 == 0 ? 0 : 0xFFFFFFFEull;
        norm.stream = number % 3 == 0 ? 0x7FFFFFFFu : static_cast<uint32_t>(number);
        return norm;
    }
};

TEST_F(BlockCovering, EveryPairOfOptions) {
    const std::vector<FormVariant>& forms = gpu().forms();
    std::vector<size_t> drawn = {kGamma, kBeta, kGamma2, kBeta2, kBias, kBias2, kLayerScale, kRowScale, kScales};
    for (const size_t factor : {kInput, kInput2, kResidual, kSum, kOutput, kOutput2, kStatistics, kStatistics2}) {
        drawn.push_back(factor);
    }
    for (const size_t factor : {kEpsilonPlace, kCast, kGammaOffset, kRows, kStrides, kOffsets, kTail, kPacked}) {
        drawn.push_back(factor);
    }
    runPairs(factorsOf(forms), isAllowed, drawn,
             [&](const std::vector<int>& values, uint64_t number) { return caseOf(forms, values, number); });
}

}  // namespace
}  // namespace vknorm::test
