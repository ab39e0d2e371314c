// The reference against values worked out by hand, and against identities that need no reference.
#include "support/reference.hpp"

#include "support/formats.hpp"
#include "support/philox.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace vknorm::test {
namespace {

constexpr VknOperation kRms = VKN_OPERATION_RMS_NORM;
constexpr VknOperation kLayer = VKN_OPERATION_LAYER_NORM;

NormSpec makeSpec(VknOperation operation, double epsilon, bool outside = false) {
    NormSpec spec;
    spec.operation = operation;
    spec.epsilon = epsilon;
    spec.epsilonOutside = outside;
    return spec;
}

TEST(Reference, ByHand) {
    const std::vector<double> x = {1, 2, 3, 4};
    EXPECT_DOUBLE_EQ(normStatistics(makeSpec(kRms, 0), x).variance, 7.5);
    EXPECT_DOUBLE_EQ(normStatistics(makeSpec(kRms, 0.5), x).rstd, 1 / std::sqrt(8.0));
    EXPECT_DOUBLE_EQ(normStatistics(makeSpec(kRms, 0.5, true), x).rstd, 1 / (std::sqrt(7.5) + 0.5));
    const RowStatistics layer = normStatistics(makeSpec(kLayer, 0.75), x);
    EXPECT_DOUBLE_EQ(layer.mean, 2.5);
    EXPECT_DOUBLE_EQ(layer.variance, 1.25);
    EXPECT_DOUBLE_EQ(layer.rstd, 1 / std::sqrt(2.0));
    EXPECT_DOUBLE_EQ(normalise(layer, 4), 1.5 / std::sqrt(2.0));
}

TEST(Reference, ParametersAndCasts) {
    NormSpec spec = makeSpec(kRms, 0);
    EXPECT_EQ(applyParameters(spec, 1.1, 9, 9), 1.1);
    spec.hasGamma = true;
    spec.gammaOffset = 1;
    EXPECT_DOUBLE_EQ(applyParameters(spec, 1.5, 0.25, 9), 1.875);
    spec.hasBeta = true;
    EXPECT_DOUBLE_EQ(applyParameters(spec, 1.5, 0.25, -1), 0.875);
    spec.earlyCast = true;
    spec.inputType = VKN_TYPE_BF16;
    spec.gammaOffset = 0;
    const double wide = 1.0 + 0x1p-9;  // rounds to 1 in bf16
    EXPECT_DOUBLE_EQ(applyParameters(spec, wide, 1.0 + 0x1p-20, 0), 1.0 + 0x1p-20);
    spec.gammaType = VKN_TYPE_BF16;
    EXPECT_DOUBLE_EQ(applyParameters(spec, 1.0 + 0x1p-7, 1.0 + 0x1p-7, 0), 1.0 + 0x1p-6);  // the product rounds too
}

// numerics.md's vectors with their true variances.
TEST(Reference, KnownVariances) {
    EXPECT_DOUBLE_EQ(normStatistics(makeSpec(kLayer, 0), {40000, 40001, 40002, 40003}).variance, 1.25);
    std::vector<double> x(10240, 256.0);
    x.back() = 255.0;
    EXPECT_NEAR(normStatistics(makeSpec(kLayer, 0), x).variance, 9.7647e-5, 1e-9);
    x.assign(16, 0.0);
    for (size_t i = 0; i < 16; ++i) {
        x[i] = roundTo(VKN_TYPE_F32, 1e4 + static_cast<double>(i) * 1e-3);
    }
    EXPECT_NEAR(normStatistics(makeSpec(kLayer, 0), x).variance, 2.0266e-5, 1e-9);
    x.assign(769, 0.0);
    for (size_t c = 0; c < 769; ++c) {
        x[c] = 1000 + (static_cast<double>(c % 17) - 8) / 8;
    }
    EXPECT_NEAR(normStatistics(makeSpec(kLayer, 0), x).variance, 0.376567, 1e-6);
}

TEST(Reference, Identities) {
    Random random(7);
    std::vector<double> x(333);
    std::vector<double> moved(333);
    double sum = 0.0;
    for (double& value : x) {
        value = random.normal();
        sum += value;
    }
    for (size_t i = 0; i < x.size(); ++i) {
        x[i] -= sum / 333;
        moved[i] = 3 * x[i] + 5;
    }
    const RowStatistics rms = normStatistics(makeSpec(kRms, 0), x);
    const RowStatistics layer = normStatistics(makeSpec(kLayer, 0), x);
    const RowStatistics other = normStatistics(makeSpec(kLayer, 0), moved);
    for (size_t i = 0; i < x.size(); ++i) {
        EXPECT_NEAR(normalise(rms, x[i]), normalise(layer, x[i]), 1e-13);
        EXPECT_NEAR(normalise(layer, x[i]), normalise(other, moved[i]), 1e-13);
    }
}

TEST(Reference, InfinitiesAndNansAreIeee) {
    const double inf = std::numeric_limits<double>::infinity();
    const RowStatistics rms = normStatistics(makeSpec(kRms, 1e-6), {1, inf, 2});
    EXPECT_EQ(rms.rstd, 0.0);
    EXPECT_EQ(normalise(rms, 1), 0.0);
    EXPECT_TRUE(std::isnan(normalise(rms, inf)));
    EXPECT_TRUE(std::isnan(normalise(normStatistics(makeSpec(kLayer, 1e-6), {1, inf, 2}), 1)));
}

// ---- blocks --------------------------------------------------------------------------------------------------------

// RMSNorm without epsilon, so that rows of one magnitude are easy: 3, -3 becomes 1, -1.
BlockSpec makeBlock(VknPlacement placement, VknOperation operation = kRms) {
    BlockSpec block;
    block.placement = placement;
    block.norm[0] = block.norm[1] = makeSpec(operation, 0);
    return block;
}

BlockRow makeRow(const std::vector<double>& residual, const std::vector<double>& branch,
                 const std::vector<double>& second = {}) {
    BlockRow row;
    row.residual = residual;
    row.branch[0] = branch;
    row.branch[1] = second;
    return row;
}

using Values = std::vector<double>;

TEST(BlockReference, WithoutABlockItIsTheNorm) {
    const BlockValues values = computeBlock(makeBlock(VKN_PLACEMENT_NONE, kLayer), {}, makeRow({}, {1, 5}));
    EXPECT_EQ(values.y[0], (Values{-1, 1}));
    EXPECT_EQ(values.statistics[0].mean, 3.0);
    EXPECT_TRUE(values.sum.empty());
}

TEST(BlockReference, PreNormByHand) {
    BlockSpec block = makeBlock(VKN_PLACEMENT_PRE_NORM);
    block.norm[0].hasGamma = true;
    block.residualScale = 2.0;
    block.branchScale = 0.5;
    BlockParameters parameters;
    parameters.gamma[0] = {10, 100};
    parameters.branchBias[0] = {1, -1};
    parameters.layerScale = {2, 4};
    BlockRow row = makeRow({1, 2}, {3, 5});
    row.rowScale = 0.5;
    // (3 + 1) * 0.5 * 2 = 4, (5 - 1) * 0.5 * 4 = 8; 2 * 1 + 0.5 * 4 = 4, 2 * 2 + 0.5 * 8 = 8
    const BlockValues values = computeBlock(block, parameters, row);
    EXPECT_EQ(values.sum, (Values{4, 8}));
    EXPECT_DOUBLE_EQ(values.statistics[0].rstd, 1 / std::sqrt(40.0));
    EXPECT_DOUBLE_EQ(values.y[0][0], 40 / std::sqrt(40.0));
    EXPECT_DOUBLE_EQ(values.y[0][1], 800 / std::sqrt(40.0));
}

TEST(BlockReference, PostNormIsPreNormWithoutTheSum) {
    const BlockRow row = makeRow({1, -2, 3}, {0.5, 0.25, 7});
    EXPECT_EQ(computeBlock(makeBlock(VKN_PLACEMENT_POST_NORM), {}, row).y[0],
              computeBlock(makeBlock(VKN_PLACEMENT_PRE_NORM), {}, row).y[0]);
}

TEST(BlockReference, SandwichByHand) {
    BlockSpec block = makeBlock(VKN_PLACEMENT_SANDWICH);
    block.norm[0].hasGamma = block.norm[0].hasBeta = true;
    BlockParameters parameters;
    parameters.gamma[0] = {2, 3};
    parameters.beta[0] = {0.5, 0.25};
    parameters.branchBias[0] = {1, -1};
    parameters.layerScale = {4, 8};
    // (6 + 1, -6 - 1) is normed to 1, -1: (1 * 2 + 0.5) * 4 = 10, (-1 * 3 + 0.25) * 8 = -22
    const BlockValues values = computeBlock(block, parameters, makeRow({100, 200}, {6, -6}));
    EXPECT_EQ(values.sum, (Values{110, 178}));
    EXPECT_EQ(values.statistics[0].rstd, 1.0 / 7.0);
    EXPECT_TRUE(values.y[0].empty());
}

TEST(BlockReference, SandwichThenPreNormByHand) {
    BlockSpec block = makeBlock(VKN_PLACEMENT_SANDWICH_PRE_NORM);
    block.norm[0].hasGamma = block.norm[1].hasBeta = true;
    BlockParameters parameters;
    parameters.gamma[0] = {3, 3};
    parameters.beta[1] = {10, 20};
    // 6, -6 becomes 3, -3; with 1, -1 it is 4, -4; normed 1, -1
    const BlockValues values = computeBlock(block, parameters, makeRow({1, -1}, {6, -6}));
    EXPECT_EQ(values.sum, (Values{4, -4}));
    EXPECT_EQ(values.y[0], (Values{11, 19}));
    EXPECT_EQ(values.statistics[0].rstd, 1.0 / 6.0);
    EXPECT_EQ(values.statistics[1].rstd, 0.25);
    // A kernel that stored another sum, within its rights, norms what it stored.
    const BlockValues stored = computeBlock(block, parameters, makeRow({1, -1}, {6, -6}), {8, -8});
    EXPECT_EQ(stored.sum, (Values{4, -4}));
    EXPECT_EQ(stored.statistics[1].rstd, 0.125);
}

TEST(BlockReference, ParallelByHand) {
    BlockSpec block = makeBlock(VKN_PLACEMENT_PARALLEL);
    block.norm[1].hasGamma = true;
    block.branchScale = 2.0;
    BlockParameters parameters;
    parameters.gamma[1] = {5, 7};
    parameters.branchBias[0] = {1, 1};
    parameters.branchBias[1] = {-1, -2};
    parameters.layerScale = {2, 1};
    BlockRow row = makeRow({4, -14}, {1, 1}, {0.5, 2});
    row.rowScale = 2.0;
    // (1 + 1) * 2 * 2 = 8, (0.5 - 1) * 2 * 2 = -2: 4 + 2 * 6 = 16; 2 * 2 = 4, 0 * 2 = 0: -14 + 2 * 4 = -6
    const BlockValues values = computeBlock(block, parameters, row);
    EXPECT_EQ(values.sum, (Values{16, -6}));
    const double rstd = 1 / std::sqrt((256.0 + 36.0) / 2);
    EXPECT_DOUBLE_EQ(values.y[0][0], 16 * rstd);
    EXPECT_DOUBLE_EQ(values.y[1][0], 5 * 16 * rstd);
    EXPECT_DOUBLE_EQ(values.y[1][1], 7 * -6 * rstd);
}

// Each operation is rounded to fp32, where it stands.
TEST(BlockReference, EveryOperationIsRounded) {
    const double u = 0x1p-24;
    BlockSpec block = makeBlock(VKN_PLACEMENT_PRE_NORM);
    BlockParameters parameters;
    // 1 + u is 1 in fp32; once more it would be 1 + 2u if the sum were not rounded before.
    parameters.branchBias[0] = {u};
    EXPECT_EQ(computeBlock(block, parameters, makeRow({u}, {1})).sum, (Values{1}));
    // A product and a sum, not a fused one: (1 + 2u)^2 - 1 is 4u + 4u^2 and loses its last term in the product.
    block.branchScale = 1 + 2 * u;
    EXPECT_EQ(computeBlock(block, {}, makeRow({-1}, {1 + 2 * u})).sum, (Values{4 * u}));
    // Row scale before layer scale: 1.5 becomes 2 among the subnormals, which the other order would not reach.
    block.branchScale = 1;
    parameters.branchBias[0].clear();
    parameters.layerScale = {0x1p100};
    BlockRow row = makeRow({0}, {1.5});
    row.rowScale = 0x1p-149;
    EXPECT_EQ(computeBlock(block, parameters, row).sum, (Values{0x1p-48}));
    // Overflow is fp32's as well.
    row = makeRow({3e38}, {3e38});
    EXPECT_EQ(computeBlock(block, {}, row).sum, (Values{std::numeric_limits<double>::infinity()}));
}

TEST(BlockReference, DropoutIsBeforeTheScalesAndEachBranchHasItsStream) {
    BlockSpec block = makeBlock(VKN_PLACEMENT_PARALLEL);
    block.dropoutProbability = 0.5f;
    block.seed = 0x0123456789ABCDEFull;
    block.stream = 5;
    BlockParameters parameters;
    parameters.layerScale.assign(64, 3.0);
    BlockRow row = makeRow(Values(64, 0.0), Values(64, 1.0), Values(64, 100.0));
    row.number = 77;
    const BlockValues values = computeBlock(block, parameters, row);
    for (size_t column = 0; column < 64; ++column) {
        const bool first = isDropped(block.seed, 77, column, 5, 0.5f);
        const bool second = isDropped(block.seed, 77, column, 5 + (1u << 31), 0.5f);
        EXPECT_EQ(values.sum[column], (first ? 0.0 : 6.0) + (second ? 0.0 : 600.0)) << column;
    }
    // What is dropped is zero, whatever it was.
    row.branch[0].assign(64, std::nan(""));
    const BlockValues nans = computeBlock(block, parameters, row);
    for (size_t column = 0; column < 64; ++column) {
        EXPECT_EQ(std::isnan(nans.sum[column]), !isDropped(block.seed, 77, column, 5, 0.5f)) << column;
    }
}

// Blocks that do nothing but norm, so that one operation stands for another.
TEST(BlockReference, DegenerateBlocksAreTheNorm) {
    Random random(11);
    Values x(100);
    for (double& value : x) {
        value = roundTo(VKN_TYPE_F32, random.normal());
    }
    const Values zeros(100, 0.0);
    for (const VknOperation operation : {kRms, kLayer}) {
        const BlockValues plain = computeBlock(makeBlock(VKN_PLACEMENT_NONE, operation), {}, makeRow({}, x));
        for (const VknPlacement placement : {VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_POST_NORM}) {
            const BlockValues values = computeBlock(makeBlock(placement, operation), {}, makeRow(zeros, x));
            EXPECT_EQ(values.sum, x);
            EXPECT_EQ(values.y[0], plain.y[0]);
            EXPECT_EQ(computeBlock(makeBlock(placement, operation), {}, makeRow(x, zeros)).y[0], plain.y[0]);
        }
        const BlockValues parallel =
            computeBlock(makeBlock(VKN_PLACEMENT_PARALLEL, operation), {}, makeRow(zeros, zeros, x));
        EXPECT_EQ(parallel.y[0], plain.y[0]);
        EXPECT_EQ(parallel.y[1], plain.y[0]);
        const BlockValues sandwich = computeBlock(makeBlock(VKN_PLACEMENT_SANDWICH, operation), {}, makeRow(zeros, x));
        const BlockValues both =
            computeBlock(makeBlock(VKN_PLACEMENT_SANDWICH_PRE_NORM, operation), {}, makeRow(zeros, x));
        EXPECT_EQ(both.sum, sandwich.sum);
        for (size_t i = 0; i < x.size(); ++i) {
            EXPECT_EQ(sandwich.sum[i], roundTo(VKN_TYPE_F32, plain.y[0][i]));
            EXPECT_NEAR(both.y[0][i], plain.y[0][i], 1e-6) << "norming twice is norming once";
        }
    }
}

}  // namespace
}  // namespace vknorm::test
