#include "gpu/covering.hpp"

#include "support/formats.hpp"
#include "support/random.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <stdexcept>
#include <string>

namespace vknorm::test {
namespace {

// Draws until the values go together; none if they hardly ever do.
std::optional<std::vector<int>> draw(const std::vector<Factor>& factors, const Constraint& isAllowed,
                                     const std::vector<size_t>& drawn, std::vector<int> values, uint64_t seed) {
    constexpr int kAttempts = 10000;
    Random random(seed);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        for (const size_t factor : drawn) {
            values[factor] = static_cast<int>(random.below(static_cast<uint32_t>(factors[factor].values)));
        }
        if (isAllowed(values)) {
            return values;
        }
    }
    return std::nullopt;
}

}  // namespace

std::vector<Factor> withShape(std::vector<Factor> own, std::span<const uint32_t> hiddenSizes) {
    const Factor shape[kShapeFactors] = {{"hidden size", static_cast<int>(hiddenSizes.size())},
                                         {"rows", static_cast<int>(std::size(kRowCounts))},
                                         {"strides", kStrideKinds},
                                         {"offsets", kOffsetKinds},
                                         {"buffer tail", 2}};
    own.insert(own.end(), std::begin(shape), std::end(shape));
    return own;
}

ShapeValues shapeOf(const std::vector<int>& values, size_t first, std::span<const uint32_t> hiddenSizes) {
    return {hiddenSizes[static_cast<size_t>(values[first])], kRowCounts[values[first + 1]], values[first + 2],
            values[first + 3], values[first + 4] == 0};
}

std::vector<size_t> withDrawnShape(std::vector<size_t> own, size_t first) {
    for (size_t factor = 1; factor < kShapeFactors; ++factor) {
        own.push_back(first + factor);
    }
    return own;
}

bool onlyWhatIsThereVaries(const std::vector<int>& values, std::initializer_list<std::pair<size_t, bool>> isThere) {
    return std::all_of(isThere.begin(), isThere.end(), [&](const std::pair<size_t, bool>& factor) {
        return factor.second || values[factor.first] <= 0;
    });
}

void Covering::runPairs(const std::vector<Factor>& factors, const Constraint& isAllowed,
                        const std::vector<size_t>& drawn, const MakeCase& makeCase) {
    if (isFullTest()) {
        runAll(factors, isAllowed, drawn, makeCase);
        return;
    }
    const TestShard shard = testShard();
    const CoveringArray array = makeCoveringArray(factors, isAllowed);
    std::vector<NormCase> cases;
    for (size_t i = shard.number; i < array.cases.size(); i += shard.count) {
        cases.push_back(makeCase(gpu().forms(), array.cases[i], i));
    }
    runCases(gpu(), cases);
    std::printf("covering array: %zu cases cover %zu of %zu possible pairs (%zu with impossible ones); %zu were run\n",
                array.cases.size(), array.coveredPairs, array.possiblePairs, array.allPairs, cases.size());
    EXPECT_EQ(array.coveredPairs, array.possiblePairs);
}

void Covering::runAll(const std::vector<Factor>& factors, const Constraint& isAllowed, const std::vector<size_t>& drawn,
                      const MakeCase& makeCase) {
    const TestShard shard = testShard();
    std::vector<Factor> multiplied = factors;
    for (const size_t factor : drawn) {
        multiplied[factor].values = 1;
    }
    // A constraint that a drawn factor has a part in is the draw's.
    const Constraint isAllowedSoFar = [&](std::vector<int> values) {
        for (const size_t factor : drawn) {
            values[factor] = kUnset;
        }
        return isAllowed(values);
    };
    size_t index = 0;
    std::vector<NormCase> cases;
    forEachCase(multiplied, isAllowedSoFar, [&](const std::vector<int>& values) {
        if (index++ % shard.count != shard.number) {
            return true;
        }
        if (const std::optional<std::vector<int>> all = draw(factors, isAllowed, drawn, values, index)) {
            cases.push_back(makeCase(gpu().forms(), *all, index));
        }
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

OperandPlace Covering::placeOf(const ShapeValues& shape, VknType type, const NormCase& norm, uint64_t index) {
    const uint64_t hiddenSize = norm.plan.hiddenSize;
    OperandPlace place;
    const uint64_t more = 2 * index;
    if (shape.strides == 1) {
        place.rowStride = hiddenSize + 1 + more;
    } else if (shape.strides >= 2) {
        place.rowStride = (hiddenSize + 7) / 8 * 8 + 8 * (1 + more);
    }
    if (shape.strides == 3) {
        place.outerStride = norm.rowsPerOuter * place.rowStride + 24 + 8 * more;
    }
    const uint64_t size = elementSize(type);
    const uint64_t bytes[kOffsetKinds] = {0, 16, size, 16 + (3 + more) * size};
    place.byteOffset = bytes[shape.offsets];
    return place;
}

void Covering::setShape(NormCase& norm, const ShapeValues& shape, uint64_t number) {
    norm.plan.hiddenSize = shape.hiddenSize;
    norm.rows = shape.rows;
    if (norm.plan.hiddenSize > 5000) {
        norm.rows = (norm.rows + 9) / 10;
    }
    norm.rowsPerOuter = shape.strides == 3 ? 3 : 0;
    if ((norm.plan.flags & VKN_PLAN_GPU_ROWS_BIT) != 0) {
        norm.gpuRows = static_cast<uint32_t>(norm.rows - number % 2 * (norm.rows / 3));
    }
    norm.guardBytes = shape.hasTail ? kGuardBytes : 0;
    norm.seed = number + 1;
    setPlaces(norm, shape);
}

void Covering::setPlaces(NormCase& norm, const ShapeValues& shape) {
    const PlanSpec& plan = norm.plan;
    norm.input = placeOf(shape, plan.input, norm, 0);
    norm.output = placeOf(shape, plan.output, norm, 1);
    norm.residual = placeOf(shape, plan.residual, norm, 2);
    norm.residualOutput = placeOf(shape, plan.residualOutput, norm, 3);
    norm.input2 = placeOf(shape, plan.input2, norm, 4);
    norm.output2 = placeOf(shape, plan.output2, norm, 5);
}

void Covering::setOffsets(NormCase& norm, const ShapeValues& shape) {
    const PlanSpec& plan = norm.plan;
    norm.gammaOffsetBytes = shape.offsets >= 2 && plan.gamma ? elementSize(*plan.gamma) : 0;
    norm.betaOffsetBytes = shape.offsets == 3 && plan.beta ? 3 * elementSize(*plan.beta) : 0;
    norm.scalarsOffsetBytes = shape.offsets == 3 ? 12 : 0;
}

VknPlanFlags Covering::flagsOf(const std::vector<int>& values,
                               std::initializer_list<std::pair<size_t, VknPlanFlagBits>> factors) {
    VknPlanFlags flags = 0;
    for (const auto& [factor, flag] : factors) {
        flags |= values[factor] == 1 ? VknPlanFlags{flag} : 0u;
    }
    return flags;
}

std::optional<VknType> Covering::optionalType(int value) {
    return value == 0 ? std::nullopt : std::optional(static_cast<VknType>(value - 1));
}

}  // namespace vknorm::test
