// The reference against values worked out by hand, and against identities that need no reference.
#include "support/reference.hpp"

#include "support/formats.hpp"
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

}  // namespace
}  // namespace vknorm::test
