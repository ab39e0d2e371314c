// A covering array over everything that a plan and a recording can vary in: every pair of values of any two factors
// occurs, shared out between drivers (drivers.txt). VKNORM_TEST_FULL=1 runs every combination of what changes the kernel instead (hours on a CPU;
// VKNORM_TEST_SHARD=i/n runs a part), with the other factors drawn at random.
#include "gpu/covering.hpp"

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
    kShape,
};

std::vector<Factor> factorsOf(const std::vector<FormVariant>& variants) {
    return withShape({{"form", static_cast<int>(variants.size())},
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
                      {"GPU rows", 2}},
                     kHiddenSizes);
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
    static NormCase caseOf(const std::vector<FormVariant>& forms, const std::vector<int>& v, uint64_t number) {
        NormCase norm;
        PlanSpec& plan = norm.plan;
        plan.variant = forms[static_cast<size_t>(v[kVariant])];
        plan.operation = v[kOperation] == 0 ? VKN_OPERATION_RMS_NORM : VKN_OPERATION_LAYER_NORM;
        plan.input = static_cast<VknType>(v[kInput]);
        plan.output = static_cast<VknType>(v[kOutput]);
        plan.gamma = optionalType(v[kGamma]);
        plan.beta = optionalType(v[kBeta]);
        plan.mean = (v[kStatistics] & 1) != 0;
        plan.rstd = (v[kStatistics] & 2) != 0;
        plan.gammaOffset = static_cast<float>(v[kGammaOffset]);
        plan.epsilon = v[kEpsilonPlace] == 0 ? 1e-5f : 1e-3f;
        plan.flags = flagsOf(v, {{kEpsilonPlace, VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT},
                                 {kCast, VKN_PLAN_EARLY_CAST_BIT},
                                 {kInPlace, VKN_PLAN_IN_PLACE_BIT},
                                 {kGpuRows, VKN_PLAN_GPU_ROWS_BIT}});
        const ShapeValues shape = shapeOf(v, kShape, kHiddenSizes);
        setShape(norm, shape, number);
        setOffsets(norm, shape);
        return norm;
    }
};

TEST_F(NormCovering, EveryPairOfOptions) {
    runPairs(factorsOf(gpu().forms()), isAllowed, withDrawnShape({}, kShape), caseOf);
}

}  // namespace
}  // namespace vknorm::test
