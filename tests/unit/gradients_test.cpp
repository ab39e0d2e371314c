// The reference's gradients against finite differences of a loss, against values worked out by hand, and against
// identities that need no reference.
#include "support/gradients.hpp"

#include "support/block_order.hpp"
#include "support/formats.hpp"
#include "support/gradient_order.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>

namespace vknorm::test {
namespace {

using Values = std::vector<double>;

constexpr VknPlacement kEveryPlacement[] = {VKN_PLACEMENT_NONE,      VKN_PLACEMENT_PRE_NORM,
                                            VKN_PLACEMENT_POST_NORM, VKN_PLACEMENT_SANDWICH,
                                            VKN_PLACEMENT_PARALLEL,  VKN_PLACEMENT_SANDWICH_PRE_NORM};
constexpr VknActivation kEveryActivation[] = {VKN_ACTIVATION_SILU, VKN_ACTIVATION_GELU, VKN_ACTIVATION_GELU_TANH,
                                              VKN_ACTIVATION_RELU, VKN_ACTIVATION_SIGMOID};

struct Block {
    BlockSpec spec;
    BlockParameters parameters;
    BlockRow row;
    GradientRow arriving;
};

double dot(const Values& a, const Values& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

Values draw(Random& random, size_t count, double mean = 0.0) {
    Values values(count);
    for (double& value : values) {
        value = roundTo(VKN_TYPE_F32, mean + random.normal());
    }
    return values;
}

// ---- the operation without rounding --------------------------------------------------------------------------------

Values normOf(const Block& block, size_t which, const Values& x) {
    const NormSpec& spec = block.spec.norm[which];
    const RowStatistics statistics = normStatistics(spec, x);
    const auto at = [](const Values& values, size_t i) { return values.empty() ? 0.0 : values[i]; };
    Values y;
    for (size_t i = 0; i < x.size(); ++i) {
        y.push_back(applyParameters(spec, normalise(spec, statistics, x[i]), at(block.parameters.gamma[which], i),
                                    at(block.parameters.beta[which], i)));
    }
    return y;
}

// computeBlock, but in fp64 throughout.
BlockValues computeUnrounded(const Block& block) {
    const PlacementFacts& facts = block.spec.facts();
    const BlockOrder<Fp64> order(block.spec, block.parameters, block.row);
    const size_t hiddenSize = block.row.branch[0].size();
    Values branches[2];
    for (size_t i = 0; i < hiddenSize; ++i) {
        branches[0].push_back(order.branch(0, i).value());
        branches[1].push_back(facts.hasSecondBranch ? order.branch(1, i).value() : 0.0);
    }
    branches[0] = facts.normsBranch ? normOf(block, 0, branches[0]) : branches[0];
    BlockValues values;
    if (!facts.hasResidual) {
        values.y[0] = branches[0];
        for (size_t i = 0; i < hiddenSize && block.spec.activation && block.spec.normFirst; ++i) {
            values.y[0][i] *= order.gate(i).value();
        }
        return values;
    }
    for (size_t i = 0; i < hiddenSize; ++i) {
        values.sum.push_back(order.sum(i, Fp64(branches[0][i]), Fp64(branches[1][i])).value());
    }
    if (facts.normsSum) {
        values.y[0] = normOf(block, block.spec.sumNorm(), values.sum);
        values.y[1] = facts.hasSecondBranch ? normOf(block, 1, values.sum) : Values();
    }
    return values;
}

double lossOf(const Block& block) {
    const BlockValues values = computeUnrounded(block);
    const Values& arriving = block.arriving.residualOutput;
    return dot(values.y[0], block.arriving.output[0]) + dot(values.y[1], block.arriving.output[1]) +
           (arriving.empty() ? 0.0 : dot(values.sum, arriving));
}

// Of fourth order.
double derivative(const std::function<double(double)>& function, double step = 2e-4) {
    return (8.0 * (function(step) - function(-step)) - (function(2.0 * step) - function(-2.0 * step))) / (12.0 * step);
}

// ---- blocks --------------------------------------------------------------------------------------------------------

enum Features {
    kBare,
    kFull
};

NormSpec makeNorm(VknOperation operation, Features features) {
    NormSpec norm;
    norm.operation = operation;
    norm.epsilon = 0.0625;  // large, so that it shows
    norm.alpha = 0.75;
    norm.hasGamma = norm.hasBeta = features == kFull;
    norm.gammaOffset = 1.0;
    return norm;
}

Block makeBlock(VknPlacement placement, const NormSpec& norm, Features features, size_t hiddenSize) {
    Block block;
    Random random(17 * hiddenSize + static_cast<uint64_t>(placement));
    const PlacementFacts& facts = placementFacts(placement);
    block.spec.placement = placement;
    block.spec.norm[0] = block.spec.norm[1] = norm;
    block.row.residual = facts.hasResidual ? draw(random, hiddenSize) : Values();
    for (size_t which = 0; which < 2; ++which) {
        block.row.branch[which] = draw(random, which == 0 || facts.hasSecondBranch ? hiddenSize : 0, 0.5);
        block.arriving.output[which] =
            draw(random, (which == 0 ? facts.writesOutput : facts.hasSecondBranch) ? hiddenSize : 0);
    }
    block.arriving.residualOutput = draw(random, facts.writesSum ? hiddenSize : 0);
    if (features == kBare) {
        return block;
    }
    block.spec.residualScale = 0.75;
    block.spec.branchScale = -1.25;
    block.spec.dropoutProbability = 0.25f;
    block.spec.seed = 4;
    block.row.number = 3;
    block.row.rowScale = 0.625;
    block.parameters.layerScale = draw(random, facts.hasResidual ? hiddenSize : 0, 1.0);
    for (size_t which = 0; which < 2; ++which) {
        block.parameters.gamma[which] = draw(random, hiddenSize);
        block.parameters.beta[which] = draw(random, hiddenSize);
        block.parameters.branchBias[which] = draw(random, hiddenSize);
    }
    return block;
}

void addGate(Block& block, VknActivation activation, bool normFirst) {
    block.spec.activation = activation;
    block.spec.normFirst = normFirst;
    Random random(5);
    for (size_t i = 0; i < block.row.branch[0].size(); ++i) {
        const double z = random.normal();
        block.row.gate.push_back(roundTo(VKN_TYPE_F32, z + std::copysign(0.125, z)));  // not at RELU's kink
    }
}

// Each of `variables` moved by itself.
void expectDifferences(Block& block, Values& variables, const Values& gradient, const char* name) {
    ASSERT_TRUE(variables.empty() || variables.size() == gradient.size()) << name;
    for (size_t i = 0; i < variables.size(); ++i) {
        const double at = variables[i];
        const double expected = derivative([&](double step) {
            variables[i] = at + step;
            return lossOf(block);
        });
        variables[i] = at;
        EXPECT_NEAR(gradient[i], expected, 1e-8 * std::max(1.0, std::fabs(expected))) << name << " " << i;
    }
}

void expectAlphaDifference(Block& block, double gradient) {
    const double at = block.spec.norm[0].alpha;
    const double expected = derivative([&](double step) {
        block.spec.norm[0].alpha = block.spec.norm[1].alpha = at + step;
        return lossOf(block);
    });
    block.spec.norm[0].alpha = block.spec.norm[1].alpha = at;
    EXPECT_NEAR(gradient, expected, 1e-8 * std::max(1.0, std::fabs(expected)));
}

void expectDifferences(Block block) {
    const Gradients gradients = computeGradients(block.spec, block.parameters, block.row, block.arriving);
    expectDifferences(block, block.row.residual, gradients.residual, "residual");
    expectDifferences(block, block.row.gate, gradients.gate, "gate");
    expectDifferences(block, block.parameters.layerScale, gradients.layerScale, "layer scale");
    for (size_t which = 0; which < 2; ++which) {
        const bool isThere = which == 0 || block.spec.facts().hasSecondBranch;
        const bool hasNorm = isThere || block.spec.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM;
        expectDifferences(block, block.row.branch[which], gradients.branch[which], "branch");
        if (isThere) {
            expectDifferences(block, block.parameters.branchBias[which], gradients.branchBias[which], "bias");
        }
        if (hasNorm) {
            expectDifferences(block, block.parameters.gamma[which], gradients.gamma[which], "gamma");
            expectDifferences(block, block.parameters.beta[which], gradients.beta[which], "beta");
        }
    }
    expectAlphaDifference(block, gradients.alpha);
}

struct NormCase {
    const char* name;
    VknOperation operation;
    uint32_t partialSize;
    bool epsilonOutside;
};

constexpr NormCase kNorms[] = {
    {"RMSNorm", VKN_OPERATION_RMS_NORM, 0, false},
    {"RMSNorm of a part", VKN_OPERATION_RMS_NORM, 3, false},
    {"RMSNorm, epsilon outside", VKN_OPERATION_RMS_NORM, 0, true},
    {"RMSNorm of a part, epsilon outside", VKN_OPERATION_RMS_NORM, 3, true},
    {"LayerNorm", VKN_OPERATION_LAYER_NORM, 0, false},
    {"LayerNorm, epsilon outside", VKN_OPERATION_LAYER_NORM, 0, true},
    {"DyT", VKN_OPERATION_DYT, 0, false},
};

template <typename Function>
void forEachBlock(const Function& function) {
    for (const VknPlacement placement : kEveryPlacement) {
        for (const NormCase& kind : kNorms) {
            for (const Features features : {kBare, kFull}) {
                for (const size_t hiddenSize : {1u, 2u, 7u}) {
                    SCOPED_TRACE(std::string(placementFacts(placement).name) + ", " + kind.name +
                                 (features == kFull ? ", full" : "") + ", hidden " + std::to_string(hiddenSize));
                    NormSpec norm = makeNorm(kind.operation, features);
                    norm.partialSize = kind.partialSize;
                    norm.epsilonOutside = kind.epsilonOutside;
                    // At a single element LayerNorm with epsilon outside is at its kink.
                    if (hiddenSize > 1 || kind.operation != VKN_OPERATION_LAYER_NORM || !kind.epsilonOutside) {
                        function(makeBlock(placement, norm, features, hiddenSize));
                    }
                }
            }
        }
    }
}

// The loss is one of what computeBlock computes.
TEST(Gradients, TheirFunctionIsTheReference) {
    forEachBlock([](const Block& block) {
        const BlockValues exact = computeUnrounded(block);
        const BlockValues rounded = computeBlock(block.spec, block.parameters, block.row);
        const auto expectNear = [](const Values& a, const Values& b) {
            ASSERT_EQ(a.size(), b.size());
            for (size_t i = 0; i < a.size(); ++i) {
                EXPECT_NEAR(a[i], b[i], 1e-5 * std::max(1.0, std::fabs(b[i])));
            }
        };
        expectNear(exact.sum, rounded.sum);
        expectNear(exact.y[0], rounded.y[0]);
        expectNear(exact.y[1], rounded.y[1]);
    });
}

TEST(Gradients, AreFiniteDifferences) {
    forEachBlock([](const Block& block) { expectDifferences(block); });
}

TEST(Gradients, AreFiniteDifferencesWithGates) {
    for (const VknActivation activation : kEveryActivation) {
        for (const Features features : {kBare, kFull}) {
            SCOPED_TRACE("activation " + std::to_string(activation) + (features == kFull ? ", full" : ""));
            for (const NormCase& kind : kNorms) {
                for (const bool normFirst : {false, true}) {
                    SCOPED_TRACE(std::string(kind.name) + (normFirst ? ", norm first" : ""));
                    NormSpec norm = makeNorm(kind.operation, features);
                    norm.partialSize = kind.partialSize;
                    norm.epsilonOutside = kind.epsilonOutside;
                    Block block = makeBlock(VKN_PLACEMENT_NONE, norm, features, 7);
                    addGate(block, activation, normFirst);
                    expectDifferences(block);
                }
            }
            Block block = makeBlock(VKN_PLACEMENT_NONE, makeNorm(VKN_OPERATION_GATED_ACTIVATION, kBare), kBare, 7);
            addGate(block, activation, false);
            expectDifferences(block);
        }
    }
}

// A gate before a block's branch, though no plan may have one yet, follows from the rest.
TEST(Gradients, AreFiniteDifferencesWithGatedBranches) {
    for (const VknPlacement placement : kEveryPlacement) {
        SCOPED_TRACE(placementFacts(placement).name);
        Block block = makeBlock(placement, makeNorm(VKN_OPERATION_LAYER_NORM, kFull), kFull, 7);
        addGate(block, VKN_ACTIVATION_SILU, false);
        expectDifferences(block);
    }
}

TEST(Gradients, NothingArrivesAlongTheStreamWhereThereIsNone) {
    Block block = makeBlock(VKN_PLACEMENT_PRE_NORM, makeNorm(VKN_OPERATION_RMS_NORM, kFull), kFull, 7);
    block.arriving.residualOutput.assign(7, 0.0);
    const Gradients zeros = computeGradients(block.spec, block.parameters, block.row, block.arriving);
    block.arriving.residualOutput.clear();
    const Gradients none = computeGradients(block.spec, block.parameters, block.row, block.arriving);
    EXPECT_EQ(zeros.residual, none.residual);
    EXPECT_EQ(zeros.branch[0], none.branch[0]);
}

// h alone is enough, but for what needs the branch.
TEST(Gradients, OfAStoredSum) {
    Block block = makeBlock(VKN_PLACEMENT_PRE_NORM, makeNorm(VKN_OPERATION_LAYER_NORM, kFull), kFull, 7);
    const Gradients whole = computeGradients(block.spec, block.parameters, block.row, block.arriving);
    const Values sum = computeUnrounded(block).sum;
    BlockRow scalars;
    scalars.number = block.row.number;
    scalars.rowScale = block.row.rowScale;
    const Gradients stored = computeGradients(block.spec, block.parameters, scalars, block.arriving, sum);
    EXPECT_EQ(stored.branch[0], whole.branch[0]);
    EXPECT_EQ(stored.gamma[0], whole.gamma[0]);
    EXPECT_EQ(stored.residual, whole.residual);
    EXPECT_TRUE(stored.layerScale.empty());
    EXPECT_NE(computeGradients(block.spec, block.parameters, block.row, block.arriving, Values(7, 1.0)).residual,
              whole.residual);
}

TEST(Gradients, EarlyCastsPassGradientsOn) {
    NormSpec norm = makeNorm(VKN_OPERATION_RMS_NORM, kFull);
    norm.inputType = norm.gammaType = VKN_TYPE_BF16;
    const Block late = makeBlock(VKN_PLACEMENT_NONE, norm, kFull, 7);
    Block early = late;
    early.spec.norm[0].earlyCast = true;
    const Gradients a = computeGradients(late.spec, late.parameters, late.row, late.arriving);
    const Gradients b = computeGradients(early.spec, early.parameters, early.row, early.arriving);
    EXPECT_EQ(a.branch[0], b.branch[0]);
    for (size_t i = 0; i < 7; ++i) {
        const double dy = late.arriving.output[0][i];
        EXPECT_NEAR(b.gamma[0][i], dy * roundTo(VKN_TYPE_BF16, a.gamma[0][i] / dy), 1e-12);
    }
}

// ---- columns, pairs, functions -------------------------------------------------------------------------------------

double columnLoss(const NormSpec& spec, const RowStatistics& statistics, const Values& x, double gamma, double beta,
                  const Values& arriving) {
    double loss = 0.0;
    for (size_t i = 0; i < x.size(); ++i) {
        loss += arriving[i] * applyParameters(spec, normalise(statistics, x[i]), gamma, beta);
    }
    return loss;
}

void expectColumn(const NormSpec& spec, bool training, Values x, const Values& arriving) {
    constexpr double kGamma = 0.75;
    const RowStatistics given = {0.25, 2.0, inverseDeviation(spec, 2.0)};
    const auto loss = [&](double gamma, double beta) {
        return columnLoss(spec, training ? normStatistics(spec, x) : given, x, gamma, beta, arriving);
    };
    const ColumnGradient gradient =
        training ? batchNormGradient(spec, x, kGamma, arriving) : batchNormGradient(spec, given, x, kGamma, arriving);
    EXPECT_NEAR(gradient.gamma, derivative([&](double step) { return loss(kGamma + step, 0.5); }), 1e-9);
    EXPECT_NEAR(gradient.beta, derivative([&](double step) { return loss(kGamma, 0.5 + step); }), 1e-9);
    for (size_t i = 0; i < x.size(); ++i) {
        const double at = x[i];
        const double expected = derivative([&](double step) {
            x[i] = at + step;
            return loss(kGamma, 0.5);
        });
        x[i] = at;
        EXPECT_NEAR(gradient.x[i], expected, 1e-9) << i;
    }
}

TEST(Gradients, OfBatchNormAreFiniteDifferences) {
    Random random(3);
    const NormSpec spec = makeNorm(VKN_OPERATION_BATCH_NORM, kFull);
    for (int column = 0; column < 4; ++column) {
        const Values x = draw(random, 9, column);
        const Values arriving = draw(random, 9);
        expectColumn(spec, true, x, arriving);
        expectColumn(spec, false, x, arriving);
    }
}

TEST(Gradients, OfATurnAreTurnedBack) {
    const double angle = 0.7;
    const auto [a, b] = turnedBack(3.0, -2.0, angle);
    const double x = 0.25;
    const double y = 1.5;
    const double turnedX = x * std::cos(angle) - y * std::sin(angle);
    const double turnedY = y * std::cos(angle) + x * std::sin(angle);
    EXPECT_NEAR(3.0 * turnedX - 2.0 * turnedY, a * x + b * y, 1e-14);
    EXPECT_NEAR(a * a + b * b, 13.0, 1e-13);
}

TEST(Gradients, OfActivationsAreFiniteDifferences) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    for (const VknActivation activation : kEveryActivation) {
        SCOPED_TRACE(activationFacts(activation).name);
        const bool isBounded = activation == VKN_ACTIVATION_SIGMOID;
        for (double z = -12.03; z < 12.0; z += 0.1) {
            const auto at = [&](double step) { return activationFacts(activation).exact(z + step); };
            EXPECT_NEAR(activationDerivative(activation, z), derivative(at), 1e-10) << z;
        }
        EXPECT_EQ(activationDerivative(activation, -kInfinity), 0.0);
        EXPECT_EQ(activationDerivative(activation, kInfinity), isBounded ? 0.0 : 1.0);
        EXPECT_TRUE(std::isnan(activationDerivative(activation, std::nan(""))));
    }
    EXPECT_EQ(activationDerivative(VKN_ACTIVATION_RELU, 0.0), 0.0);
    EXPECT_EQ(activationDerivative(VKN_ACTIVATION_SIGMOID, 0.0), 0.25);
    EXPECT_EQ(tanhDerivative(1000.0), 0.0);
    EXPECT_EQ(tanhDerivative(0.0), 1.0);
}

// ---- by hand, identities, edges ------------------------------------------------------------------------------------

TEST(Gradients, ByHand) {
    NormSpec spec;
    spec.epsilon = 0.0;
    // rms 5, so xhat = 1.4, 0.2 and w xhat has the mean 0.7: dx = (1 - 0.7 * 1.4, -0.7 * 0.2) / 5.
    const NormGradient rms = normGradient(spec, {7, 1}, {}, {1, 0});
    EXPECT_NEAR(rms.x[0], 0.004, 1e-15);
    EXPECT_NEAR(rms.x[1], -0.028, 1e-15);
    EXPECT_NEAR(rms.gamma[0], 1.4, 1e-15);
    EXPECT_EQ(rms.beta, (Values{1, 0}));
    // Statistics of the first element: y = (1, x1 / x0), whose gradients are (-x1 / x0^2, 1 / x0).
    spec.partialSize = 1;
    const NormGradient part = normGradient(spec, {2, 3}, {}, {1, 1});
    EXPECT_NEAR(part.x[0], -0.75, 1e-15);
    EXPECT_NEAR(part.x[1], 0.5, 1e-15);
    spec.partialSize = 0;
    spec.operation = VKN_OPERATION_LAYER_NORM;
    // Two elements become -1, 1 whatever they are.
    const NormGradient layer = normGradient(spec, {1, 5}, {}, {3, 4});
    EXPECT_NEAR(layer.x[0], 0.0, 1e-15);
    EXPECT_NEAR(layer.x[1], 0.0, 1e-15);
}

// What does not change y has no gradient: the length of x, and for LayerNorm its mean.
TEST(Gradients, Identities) {
    Random random(11);
    for (const size_t hiddenSize : {1u, 3u, 64u, 1000u}) {
        const Values x = draw(random, hiddenSize, 3.0);
        const Values arriving = draw(random, hiddenSize);
        const double scale = static_cast<double>(hiddenSize);
        NormSpec spec = makeNorm(VKN_OPERATION_RMS_NORM, kBare);
        spec.epsilon = 0.0;
        EXPECT_NEAR(dot(x, normGradient(spec, x, {}, arriving).x), 0.0, 1e-14 * scale);
        spec.epsilonOutside = true;
        EXPECT_NEAR(dot(x, normGradient(spec, x, {}, arriving).x), 0.0, 1e-14 * scale);
        spec.operation = VKN_OPERATION_LAYER_NORM;
        spec.epsilonOutside = false;
        if (hiddenSize > 1) {
            const Values gradient = normGradient(spec, x, {}, arriving).x;
            EXPECT_NEAR(std::accumulate(gradient.begin(), gradient.end(), 0.0), 0.0, 1e-13 * scale);
            EXPECT_NEAR(dot(x, gradient), 0.0, 1e-13 * scale);  // and so of the centred x
        }
    }
}

TEST(Gradients, WithoutWeightNothingIsDividedByIt) {
    Block block = makeBlock(VKN_PLACEMENT_NONE, makeNorm(VKN_OPERATION_RMS_NORM, kFull), kFull, 7);
    block.spec.norm[0].gammaOffset = 0.0;
    block.parameters.gamma[0].assign(7, 0.0);
    const Gradients gradients = computeGradients(block.spec, block.parameters, block.row, block.arriving);
    EXPECT_EQ(gradients.branch[0], Values(7, 0.0));
    for (const double value : gradients.gamma[0]) {
        EXPECT_TRUE(std::isfinite(value) && value != 0.0);
    }
}

TEST(Gradients, OfConstantRowsAreFinite) {
    Random random(2);
    const Values arriving = draw(random, 7);
    for (const NormCase& kind : kNorms) {
        for (const double value : {0.0, 3.0, 1e4}) {
            NormSpec norm = makeNorm(kind.operation, kBare);
            norm.epsilonOutside = kind.epsilonOutside;
            norm.partialSize = kind.partialSize;
            for (const double gradient : normGradient(norm, Values(7, value), {}, arriving).x) {
                EXPECT_TRUE(std::isfinite(gradient)) << kind.name << " " << value;
            }
        }
    }
    // y = x / epsilon about a row of zeros.
    NormSpec norm = makeNorm(VKN_OPERATION_RMS_NORM, kBare);
    norm.epsilonOutside = true;
    EXPECT_DOUBLE_EQ(normGradient(norm, Values(7, 0.0), {}, arriving).x[3], arriving[3] / norm.epsilon);
}

}  // namespace
}  // namespace vknorm::test
