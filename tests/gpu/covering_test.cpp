// A covering array over everything that a plan and a recording can vary in: every pair of values of any two factors
// occurs on every driver. VKNORM_TEST_FULL=1 runs every combination of what changes the kernel instead (hours on a CPU;
// VKNORM_TEST_SHARD=i/n runs a part), with the other factors drawn at random.
#include "gpu/fixture.hpp"
#include "support/formats.hpp"
#include "support/pairwise.hpp"
#include "support/random.hpp"

#include <cstdio>
#include <cstdlib>

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

constexpr uint32_t kHiddenSizes[] = {1, 64, 129, 768, 1027, 9001, 20000};
constexpr uint64_t kRowCounts[] = {1, 3, 17, 70};

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
            {"strides", 4},
            {"offsets", 4},
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

OperandPlace placeOf(int strides, int offsets, VknType type, uint64_t hiddenSize, uint64_t rowsPerOuter,
                     bool isOutput) {
    OperandPlace place;
    const uint64_t more = isOutput ? 2 : 0;  // input and output never have the same strides
    if (strides == 1) {
        place.rowStride = hiddenSize + 1 + more;
    } else if (strides >= 2) {
        place.rowStride = (hiddenSize + 7) / 8 * 8 + 8 * (1 + more);
    }
    if (strides == 3) {
        place.outerStride = rowsPerOuter * place.rowStride + 24 + 8 * more;
    }
    const uint64_t size = elementSize(type);
    const uint64_t bytes[4] = {0, 16, size, 16 + (isOutput ? 3 : 5) * size};
    place.byteOffset = bytes[offsets];
    return place;
}

NormCase caseOf(const std::vector<FormVariant>& variants, const std::vector<int>& v, uint64_t seed) {
    const auto typeAt = [&](FactorIndex factor, int base) { return static_cast<VknType>(v[factor] - base); };
    NormCase norm;
    PlanSpec& plan = norm.plan;
    plan.variant = variants[static_cast<size_t>(v[kVariant])];
    plan.operation = v[kOperation] == 0 ? VKN_OPERATION_RMS_NORM : VKN_OPERATION_LAYER_NORM;
    plan.input = typeAt(kInput, 0);
    plan.output = typeAt(kOutput, 0);
    plan.gamma = v[kGamma] == 0 ? std::nullopt : std::optional(typeAt(kGamma, 1));
    plan.beta = v[kBeta] == 0 ? std::nullopt : std::optional(typeAt(kBeta, 1));
    plan.mean = (v[kStatistics] & 1) != 0;
    plan.rstd = (v[kStatistics] & 2) != 0;
    plan.gammaOffset = static_cast<float>(v[kGammaOffset]);
    plan.epsilon = v[kEpsilonPlace] == 0 ? 1e-5f : 1e-3f;
    const auto flagIf = [&](FactorIndex factor, VknPlanFlagBits flag) {
        return v[factor] == 1 ? VknPlanFlags{flag} : 0u;
    };
    plan.flags = flagIf(kEpsilonPlace, VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT) | flagIf(kCast, VKN_PLAN_EARLY_CAST_BIT) |
                 flagIf(kInPlace, VKN_PLAN_IN_PLACE_BIT) | flagIf(kGpuRows, VKN_PLAN_GPU_ROWS_BIT);
    plan.hiddenSize = kHiddenSizes[v[kHidden]];
    norm.rows = kRowCounts[v[kRows]];
    if (plan.hiddenSize > 5000) {
        norm.rows = (norm.rows + 9) / 10;
    }
    norm.rowsPerOuter = v[kStrides] == 3 ? 3 : 0;
    norm.input = placeOf(v[kStrides], v[kOffsets], plan.input, plan.hiddenSize, norm.rowsPerOuter, false);
    norm.output = placeOf(v[kStrides], v[kOffsets], plan.output, plan.hiddenSize, norm.rowsPerOuter, true);
    norm.gammaOffsetBytes = v[kOffsets] >= 2 && plan.gamma ? elementSize(*plan.gamma) : 0;
    norm.betaOffsetBytes = v[kOffsets] == 3 && plan.beta ? 3 * elementSize(*plan.beta) : 0;
    norm.scalarsOffsetBytes = v[kOffsets] == 3 ? 12 : 0;
    if (v[kGpuRows] == 1) {
        norm.gpuRows = static_cast<uint32_t>(norm.rows - seed % 2 * (norm.rows / 3));
    }
    norm.guardBytes = v[kTail] == 0 ? kGuardBytes : 0;
    norm.seed = seed + 1;
    return norm;
}

class Covering : public GpuTest {
protected:
    void runAll(const std::vector<Factor>& factors) {
        size_t shard = 0;
        size_t shards = 1;
        if (const char* text = std::getenv("VKNORM_TEST_SHARD")) {
            ASSERT_EQ(std::sscanf(text, "%zu/%zu", &shard, &shards), 2);
        }
        // What changes the kernel is multiplied out; the rest is drawn.
        constexpr FactorIndex kDrawn[] = {kRows, kStrides, kOffsets, kTail};
        std::vector<Factor> multiplied = factors;
        for (const FactorIndex factor : kDrawn) {
            multiplied[factor].values = 1;
        }
        size_t index = 0;
        std::vector<NormCase> cases;
        forEachCase(multiplied, isAllowed, [&](const std::vector<int>& values) {
            if (index++ % shards != shard) {
                return true;
            }
            Random random(index);
            std::vector<int> drawn = values;
            for (const FactorIndex factor : kDrawn) {
                drawn[factor] = static_cast<int>(random.below(static_cast<uint32_t>(factors[factor].values)));
            }
            cases.push_back(caseOf(gpu().forms(), drawn, index));
            if (cases.size() == 64) {
                runCases(gpu(), cases);
                cases.clear();
                gpu().forgetPlans();
                std::printf("full product: %zu cases\n", index);
            }
            return !HasFailure();
        });
        runCases(gpu(), cases);
    }
};

TEST_F(Covering, EveryPairOfOptions) {
    const std::vector<Factor> factors = factorsOf(gpu().forms());
    if (isFullTest()) {
        runAll(factors);
        return;
    }
    const CoveringArray array = makeCoveringArray(factors, isAllowed);
    std::vector<NormCase> cases;
    for (size_t i = 0; i < array.cases.size(); ++i) {
        cases.push_back(caseOf(gpu().forms(), array.cases[i], i));
    }
    runCases(gpu(), cases);
    std::printf("covering array: %zu cases cover %zu of %zu possible pairs (%zu with impossible ones)\n",
                array.cases.size(), array.coveredPairs, array.possiblePairs, array.allPairs);
    EXPECT_EQ(array.coveredPairs, array.possiblePairs);
}

}  // namespace
}  // namespace vknorm::test
