// A covering array over everything that a plan and a recording can vary in: every pair of values of any two factors
// occurs on every driver. VKNORM_TEST_FULL=1 runs every combination of what changes the kernel instead (hours on a CPU;
// VKNORM_TEST_SHARD=i/n runs a part), with the other factors drawn at random.
#include "gpu/covering.hpp"
#include "support/formats.hpp"

#include <iterator>

namespace vknorm::test {
namespace {

enum FactorIndex {
    kVariant,
    kOperation,
    kInput,
    kOutput,
    kGamma,
    kBeta,
    kEpsilonPlace,
    kCast,
    kStatistics,
    kGammaOffset,
    kInPlace,
    kGpuRows,
    kHidden,
    kRows,
    kStrides,
    kOffsets,
    kTail,
    kFactorCount
};

std::vector<Factor> factorsOf(const std::vector<FormVariant>& variants) {
    return {{"form", static_cast<int>(variants.size())},
            {"operation", 2},
            {"input type", 3},
            {"output type", 3},
            {"gamma", 4},
            {"beta", 4},
            {"epsilon place", 2},
            {"cast", 2},
            {"statistics", 4},
            {"gamma offset", 2},
            {"in place", 2},
            {"GPU rows", 2},
            {"hidden size", static_cast<int>(std::size(kHiddenSizes))},
            {"rows", static_cast<int>(std::size(kRowCounts))},
            {"strides", kStrideKinds},
            {"offsets", kOffsetKinds},
            {"buffer tail", 2}};
}

bool isAllowed(const std::vector<int>& v) {
    const auto both = [&](FactorIndex a, FactorIndex b) { return v[a] != kUnset && v[b] != kUnset; };
    // The mean is LayerNorm's.
    if (both(kOperation, kStatistics) && v[kOperation] == 0 && (v[kStatistics] & 1) != 0) {
        return false;
    }
    if (v[kInPlace] == 1 && both(kInput, kOutput) && v[kInput] != v[kOutput]) {
        return false;
    }
    // Without gamma there is no offset to add to it, and no weight before which to cast.
    return !(v[kGamma] == 0 && (v[kGammaOffset] == 1 || v[kCast] == 1));
}

class NormCovering : public Covering {
protected:
    static NormCase caseOf(const std::vector<FormVariant>& variants, const std::vector<int>& v, uint64_t number) {
        NormCase norm;
        PlanSpec& plan = norm.plan;
        plan.variant = variants[static_cast<size_t>(v[kVariant])];
        plan.operation = v[kOperation] == 0 ? VKN_OPERATION_RMS_NORM : VKN_OPERATION_LAYER_NORM;
        plan.input = static_cast<VknType>(v[kInput]);
        plan.output = static_cast<VknType>(v[kOutput]);
        plan.gamma = optionalType(v[kGamma]);
        plan.beta = optionalType(v[kBeta]);
        plan.mean = (v[kStatistics] & 1) != 0;
        plan.rstd = (v[kStatistics] & 2) != 0;
        plan.gammaOffset = static_cast<float>(v[kGammaOffset]);
        plan.epsilon = v[kEpsilonPlace] == 0 ? 1e-5f : 1e-3f;
        const auto flagIf = [&](FactorIndex factor, VknPlanFlagBits flag) {
            return v[factor] == 1 ? VknPlanFlags{flag} : 0u;
        };
        plan.flags = flagIf(kEpsilonPlace, VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT) | flagIf(kCast, VKN_PLAN_EARLY_CAST_BIT) |
                     flagIf(kInPlace, VKN_PLAN_IN_PLACE_BIT) | flagIf(kGpuRows, VKN_PLAN_GPU_ROWS_BIT);
        setShape(norm, v[kHidden], v[kRows], v[kStrides], v[kTail] == 0, number);
        norm.input = placeOf(v[kStrides], v[kOffsets], plan.input, norm, 0);
        norm.output = placeOf(v[kStrides], v[kOffsets], plan.output, norm, 1);
        norm.gammaOffsetBytes = v[kOffsets] >= 2 && plan.gamma ? elementSize(*plan.gamma) : 0;
        norm.betaOffsetBytes = v[kOffsets] == 3 && plan.beta ? 3 * elementSize(*plan.beta) : 0;
        norm.scalarsOffsetBytes = v[kOffsets] == 3 ? 12 : 0;
        return norm;
    }
};

TEST_F(NormCovering, EveryPairOfOptions) {
    const std::vector<FormVariant>& forms = gpu().forms();
    runPairs(factorsOf(forms), isAllowed, {kRows, kStrides, kOffsets, kTail},
             [&](const std::vector<int>& values, uint64_t number) { return caseOf(forms, values, number); });
}

}  // namespace
}  // namespace vknorm::test
