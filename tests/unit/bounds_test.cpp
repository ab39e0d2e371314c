// The bounds hold for a plain fp32 computation, and are tight enough to notice a real error.
#include "support/bounds.hpp"

#include "support/formats.hpp"
#include "support/random.hpp"
#include "unit/plain_norm.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace vknorm::test {
namespace {

struct Row {
    NormSpec spec;
    std::vector<float> x;
    std::vector<float> gamma;
    std::vector<double> exactX;
};

Row makeRow(VknOperation operation, size_t hiddenSize, double mean, double deviation, bool outside) {
    Row row;
    row.spec.operation = operation;
    row.spec.epsilon = static_cast<double>(1e-6f);
    row.spec.epsilonOutside = outside;
    row.spec.hasGamma = true;
    row.spec.gammaOffset = 1.0;
    Random random(hiddenSize);
    for (size_t i = 0; i < hiddenSize; ++i) {
        row.x.push_back(static_cast<float>(mean + deviation * random.normal()));
        row.gamma.push_back(static_cast<float>(0.1 * random.normal()));
        row.exactX.push_back(static_cast<double>(row.x.back()));
    }
    return row;
}

uint32_t fp32Bits(float value) { return encode(VKN_TYPE_F32, static_cast<double>(value)); }

TEST(Bounds, HoldForAPlainComputation) {
    double tightest = 0.0;
    for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
        for (const size_t hiddenSize : {1u, 2u, 3u, 7u, 8u, 31u, 64u, 100u, 129u, 768u, 1000u}) {
            for (const double mean : {0.0, 1.0, 100.0, 1e4}) {
                for (const bool outside : {false, true}) {
                    const Row row = makeRow(operation, hiddenSize, mean, 1.0, outside);
                    const Plain plain = computePlainly(row.spec, row.x, row.gamma);
                    const NormBound bound(row.spec, row.exactX, ReductionShape{8, 6, false});
                    for (size_t i = 0; i < hiddenSize; ++i) {
                        const double gamma = static_cast<double>(row.gamma[i]);
                        const Verdict verdict =
                            judge(VKN_TYPE_F32, bound.element(row.exactX[i], gamma, 0),
                                  bound.exactElement(row.exactX[i], gamma, 0), fp32Bits(plain.y[i]));
                        EXPECT_TRUE(verdict.isRight)
                            << operation << " hidden " << hiddenSize << " mean " << mean << " element " << i;
                        tightest = std::max(tightest, verdict.tightness);
                    }
                    EXPECT_TRUE(judge(VKN_TYPE_F32, bound.rstd(), bound.exact().rstd, fp32Bits(plain.rstd)).isRight);
                    EXPECT_TRUE(judge(VKN_TYPE_F32, bound.mean(), bound.exact().mean, fp32Bits(plain.mean)).isRight);
                }
            }
        }
    }
    // A bound that is never approached would say little.
    EXPECT_GT(tightest, 0.2);
    RecordProperty("tightest", std::to_string(tightest));
}

constexpr ReductionShape kOrdinary{8, 8, false};

// LayerNorm's centring has an absolute error, so elements near the mean have room in their own ULP.
bool mustBeNoticed(const NormSpec& spec, double exact) {
    return spec.operation == VKN_OPERATION_RMS_NORM || std::fabs(exact) >= 1.0;
}

TEST(Bounds, CatchAnInjectedError) {
    for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
        for (const size_t hiddenSize : {64u, 768u, 5125u}) {
            const Row row = makeRow(operation, hiddenSize, 0.1, 1.0, false);
            const NormBound bound(row.spec, row.exactX, kOrdinary);
            size_t missed[3] = {};
            const int64_t steps[3] = {64, 2, 2};
            const VknType types[3] = {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16};
            for (size_t i = 0; i < hiddenSize; ++i) {
                const double gamma = static_cast<double>(row.gamma[i]);
                const double exact = bound.exactElement(row.exactX[i], gamma, 0);
                const Interval allowed = bound.element(row.exactX[i], gamma, 0);
                for (size_t t = 0; t < 3; ++t) {
                    const uint32_t right = encode(types[t], exact);
                    EXPECT_TRUE(judge(types[t], allowed, exact, right).isRight);
                    for (const int64_t sign : {-1, 1}) {
                        const uint32_t wrong = stepBits(types[t], right, sign * steps[t]);
                        missed[t] += mustBeNoticed(row.spec, exact) && judge(types[t], allowed, exact, wrong).isRight;
                    }
                }
            }
            EXPECT_EQ(missed[0], 0u) << operation << " " << hiddenSize;
            EXPECT_EQ(missed[1], 0u) << operation << " " << hiddenSize;
            EXPECT_EQ(missed[2], 0u) << operation << " " << hiddenSize;
        }
    }
}

TEST(Bounds, CatchWrongStatistics) {
    // The mistakes that kernels make: n - 1, an element left out, epsilon in the wrong place, an uncorrected mean.
    const size_t hiddenSize = 768;
    Row row = makeRow(VKN_OPERATION_LAYER_NORM, hiddenSize, 3.0, 1.0, false);
    row.spec.epsilon = static_cast<double>(1e-3f);
    const NormBound bound(row.spec, row.exactX, ReductionShape{});
    const auto accepts = [&](const RowStatistics& statistics) {
        size_t accepted = 0;
        for (size_t i = 0; i < hiddenSize; ++i) {
            const double gamma = static_cast<double>(row.gamma[i]);
            const double wrong = applyParameters(row.spec, normalise(statistics, row.exactX[i]), gamma, 0);
            accepted += judge(VKN_TYPE_F32, bound.element(row.exactX[i], gamma, 0),
                              bound.exactElement(row.exactX[i], gamma, 0), encode(VKN_TYPE_F32, wrong))
                            .isRight;
        }
        return accepted;
    };
    EXPECT_EQ(accepts(bound.exact()), hiddenSize);

    RowStatistics sample = bound.exact();
    sample.rstd *= std::sqrt((hiddenSize - 1.0) / hiddenSize);
    EXPECT_LT(accepts(sample), hiddenSize / 50);

    NormSpec outside = row.spec;
    outside.epsilonOutside = true;
    EXPECT_LT(accepts(normStatistics(outside, row.exactX)), hiddenSize / 50);

    std::vector<double> shorter = row.exactX;
    shorter.pop_back();
    EXPECT_LT(accepts(normStatistics(row.spec, shorter)), hiddenSize / 50);

    RowStatistics shifted = bound.exact();
    shifted.mean += 1e-4;
    EXPECT_LT(accepts(shifted), hiddenSize / 50);
}

// Truncation instead of rounding: half of the elements are off by one.
TEST(Bounds, CatchTruncatingStores) {
    const Row row = makeRow(VKN_OPERATION_RMS_NORM, 768, 0.0, 1.0, false);
    const NormBound bound(row.spec, row.exactX, ReductionShape{});
    for (const VknType type : {VKN_TYPE_F16, VKN_TYPE_BF16}) {
        size_t rejected = 0;
        for (size_t i = 0; i < row.x.size(); ++i) {
            const double gamma = static_cast<double>(row.gamma[i]);
            const double exact = bound.exactElement(row.exactX[i], gamma, 0);
            uint32_t bits = encode(type, exact);
            if (std::fabs(decode(type, bits)) > std::fabs(exact)) {
                --bits;
            }
            rejected += judge(type, bound.element(row.exactX[i], gamma, 0), exact, bits).isRight ? 0u : 1u;
        }
        EXPECT_GT(rejected, row.x.size() / 3);
    }
}

TEST(Bounds, NanIsRightOnlyWhereItBelongs) {
    NormSpec spec;
    const NormBound bound(spec, {1.0, std::nan(""), 2.0}, ReductionShape{});
    const double exact = bound.exactElement(1.0, 0, 0);
    EXPECT_TRUE(judge(VKN_TYPE_BF16, bound.element(1.0, 0, 0), exact, 0x7FC0u).isRight);
    EXPECT_FALSE(judge(VKN_TYPE_BF16, bound.element(1.0, 0, 0), exact, 0x3F80u).isRight);
    const NormBound finite(spec, {1.0, 2.0}, ReductionShape{});
    EXPECT_FALSE(judge(VKN_TYPE_BF16, finite.element(1.0, 0, 0), finite.exactElement(1.0, 0, 0), 0x7FC0u).isRight);
}

// Early cast: a value near a rounding boundary may go either way, no other may.
TEST(Bounds, EarlyCastLeavesNoSlack) {
    Row row = makeRow(VKN_OPERATION_RMS_NORM, 768, 0.0, 1.0, false);
    row.spec.earlyCast = true;
    row.spec.inputType = VKN_TYPE_BF16;
    row.spec.gammaType = VKN_TYPE_BF16;
    const NormBound bound(row.spec, row.exactX, ReductionShape{});
    size_t single = 0;
    for (size_t i = 0; i < row.x.size(); ++i) {
        const Interval allowed = bound.element(row.exactX[i], 0.25, 0);
        single += encode(VKN_TYPE_BF16, allowed.low) == encode(VKN_TYPE_BF16, allowed.high) ? 1u : 0u;
    }
    EXPECT_GT(single, row.x.size() * 97 / 100);
}

}  // namespace
}  // namespace vknorm::test
