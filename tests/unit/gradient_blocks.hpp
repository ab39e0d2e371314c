// Blocks of random numbers whose gradients are held against bounds.
#pragma once

#include "support/bounds.hpp"
#include "support/formats.hpp"
#include "support/gradients.hpp"
#include "support/random.hpp"
#include "support/reference.hpp"

#include <cstdint>
#include <vector>

namespace vknorm::test {

using Values = std::vector<double>;

inline constexpr ReductionShape kPlainShape{8, 6, false};

struct Block {
    BlockSpec spec;
    BlockParameters parameters;
    BlockRow row;
    GradientRow arriving;
};

// Of what is normed.
struct Distribution {
    double mean;
    double deviation;
};

inline constexpr Distribution kOrdinary = {0.0, 1.0};

inline Values draw(Random& random, size_t count, const Distribution& distribution = kOrdinary) {
    Values values(count);
    for (double& value : values) {
        value = roundTo(VKN_TYPE_F32, distribution.mean + distribution.deviation * random.normal());
    }
    return values;
}

inline NormSpec makeNorm(VknOperation operation) {
    NormSpec norm;
    norm.operation = operation;
    norm.epsilon = static_cast<double>(1e-3f);
    norm.alpha = 0.375;
    norm.hasGamma = norm.hasBeta = true;
    norm.gammaOffset = 1.0;
    return norm;
}

inline Block makeBlock(VknPlacement placement, const NormSpec& norm, size_t hiddenSize,
                       const Distribution& distribution, uint64_t number = 5) {
    Block block;
    const PlacementFacts& facts = placementFacts(placement);
    Random random(hiddenSize + 1000 * static_cast<uint64_t>(placement) + 100000 * number);
    Random parameters(hiddenSize);
    block.spec.placement = placement;
    block.spec.norm[0] = block.spec.norm[1] = norm;
    block.spec.residualScale = 0.75;
    block.spec.branchScale = static_cast<double>(1.3f);
    block.spec.dropoutProbability = 0.25f;
    block.spec.seed = 99;
    block.row.number = number;
    block.row.rowScale = static_cast<double>(0.7f);
    block.row.residual = draw(random, facts.hasResidual ? hiddenSize : 0, distribution);
    block.parameters.layerScale = draw(parameters, facts.hasResidual ? hiddenSize : 0, {1.0, 0.5});
    for (size_t which = 0; which < 2; ++which) {
        const bool isThere = which == 0 || facts.hasSecondBranch;
        const bool arrives = which == 0 ? facts.writesOutput : facts.hasSecondBranch;
        block.row.branch[which] = draw(random, isThere ? hiddenSize : 0, distribution);
        block.arriving.output[which] = draw(random, arrives ? hiddenSize : 0);
        block.parameters.gamma[which] = draw(parameters, hiddenSize, {0.0, 0.25});
        block.parameters.beta[which] = draw(parameters, hiddenSize, {0.0, 0.25});
        block.parameters.branchBias[which] = draw(parameters, hiddenSize);
    }
    block.arriving.residualOutput = draw(random, facts.writesSum ? hiddenSize : 0);
    return block;
}

inline Values storedSumOf(const Block& block) { return computeBlock(block.spec, block.parameters, block.row).sum; }

}  // namespace vknorm::test
