// The judge of quantised outputs: kernels' arithmetic, with a division as bad as it may be, passes; anything else fails.
#include "support/quantised_bounds.hpp"

#include "support/formats.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace vknorm::test {
namespace {

constexpr VknType kTypes[] = {VKN_TYPE_I8, VKN_TYPE_F8_E4M3, VKN_TYPE_F8_E5M2};
constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

Interval exactly(double y) { return {y, y}; }

float movedBy(float value, int ulps) {
    for (int i = 0; i < std::abs(ulps); ++i) {
        value = std::nextafter(value, ulps > 0 ? HUGE_VALF : 0.0f);
    }
    return value;
}

// As a kernel multiplies; `ulps`: what its division is off by.
float quotientOf(float y, float scale, int ulps, bool corrects) {
    const float inverse = movedBy(1.0f / scale, ulps);
    const volatile float product = scale * inverse;
    const float error = 1.0f - product;
    const volatile float correction = inverse * error;
    return y * (corrects ? inverse + correction : inverse);
}

TEST(QuantisedBounds, KernelsArithmeticPasses) {
    Random random(7);
    for (const VknType type : kTypes) {
        size_t undecided = 0;
        size_t differing = 0;
        for (int i = 0; i < 200000; ++i) {
            const float scale =
                static_cast<float>(std::ldexp(0.5 + random.uniform(), static_cast<int>(random.below(40)) - 20));
            // Half of them at ties, where the arithmetic's error decides.
            const uint32_t code = random.below(formatFacts(type).largestBits);
            const double tie = 0.5 * (decode(type, code) + decode(type, code + 1));
            const double value = i % 2 == 0 ? tie : largestValue(type) * 1.1 * random.uniform();
            const float y = static_cast<float>(value * static_cast<double>(scale)) * (i % 4 < 2 ? 1.0f : -1.0f);
            const Interval quotient = boundQuotient(exactly(static_cast<double>(y)), static_cast<double>(scale));
            const double exact = static_cast<double>(y) / static_cast<double>(scale);
            uint32_t first = 0;
            for (int ulps = -2; ulps <= 2; ++ulps) {
                const uint32_t bits = encode(type, static_cast<double>(quotientOf(y, scale, ulps, true)));
                first = ulps == -2 ? bits : first;
                differing += bits != first ? 1u : 0u;
                ASSERT_TRUE(isRightCode(type, quotient, exact, bits)) << y << " / " << scale << " off by " << ulps;
            }
            const bool isUndecided = encode(type, quotient.low) != encode(type, quotient.high);
            undecided += isUndecided ? 1u : 0u;
            for (const int64_t step : {-2, 2}) {
                const uint32_t wrong = stepBits(type, encode(type, exact), step);
                ASSERT_FALSE(isRightCode(type, quotient, exact, wrong)) << exact;
            }
            if (!isUndecided) {
                for (const int64_t step : {-1, 1}) {
                    const uint32_t wrong = stepBits(type, encode(type, exact), step);
                    const bool isZero = decode(type, wrong) == 0.0 && decode(type, encode(type, exact)) == 0.0;
                    ASSERT_EQ(isRightCode(type, quotient, exact, wrong), isZero) << exact;
                }
            }
        }
        EXPECT_GT(undecided, 1000u);
        EXPECT_LT(undecided, 100100u);  // hardly any but ties
        EXPECT_GT(differing, 0u);
    }
}

// Without the Newton step some are off.
TEST(QuantisedBounds, AnUncorrectedDivisionFails) {
    Random random(8);
    size_t wrong = 0;
    for (int i = 0; i < 100000; ++i) {
        const float scale = static_cast<float>(0.5 + random.uniform());
        const double tie = random.below(127) + 0.5;
        const float y = movedBy(static_cast<float>(tie * static_cast<double>(scale)), 2);
        const Interval quotient = boundQuotient(exactly(static_cast<double>(y)), static_cast<double>(scale));
        const uint32_t bits = encode(VKN_TYPE_I8, static_cast<double>(quotientOf(y, scale, -2, false)));
        wrong += isRightCode(VKN_TYPE_I8, quotient, 1.0, bits) ? 0u : 1u;
    }
    EXPECT_GT(wrong, 100u);
}

TEST(QuantisedBounds, PowersOfTwoLeaveNoChoice) {
    for (const double scale : {0x1p-125, 0x1p-3, 1.0, 0x1p99}) {
        for (int i = -126; i < 127; ++i) {
            const Interval quotient = boundQuotient(exactly((i + 0.5) * scale), scale);
            EXPECT_EQ(quotient.low, i + 0.5);
            EXPECT_EQ(quotient.high, i + 0.5);
        }
    }
    for (int ulps = -2; ulps <= 2; ++ulps) {
        EXPECT_EQ(quotientOf(0.5625f, 0.125f, ulps, true), 4.5f);
    }
}

TEST(QuantisedBounds, SpecialElements) {
    const Interval nan = boundQuotient(exactly(kNan), 0.1);
    EXPECT_TRUE(isRightCode(VKN_TYPE_I8, nan, kNan, 0));
    EXPECT_FALSE(isRightCode(VKN_TYPE_I8, nan, kNan, 1));
    for (const VknType type : {VKN_TYPE_F8_E4M3, VKN_TYPE_F8_E5M2}) {
        EXPECT_TRUE(isRightCode(type, nan, kNan, 0x7F) && isRightCode(type, nan, kNan, 0xFF));
        EXPECT_FALSE(isRightCode(type, nan, kNan, 0x7B));
        EXPECT_FALSE(isRightCode(type, boundQuotient(exactly(1.0), 0.3), 1.0, 0x7F));
    }
    EXPECT_FALSE(isRightCode(VKN_TYPE_F8_E5M2, boundQuotient(exactly(kInf), 0.3), kInf, 0x7C));  // saturates
    EXPECT_TRUE(isRightCode(VKN_TYPE_F8_E5M2, boundQuotient(exactly(kInf), 0.3), kInf, 0x7B));
    EXPECT_TRUE(isRightCode(VKN_TYPE_I8, boundQuotient(exactly(-kInf), 0.25), -kInf, 0x81));
    EXPECT_FALSE(isRightCode(VKN_TYPE_I8, boundQuotient(exactly(-kInf), 0.25), -kInf, 0x80));
    EXPECT_TRUE(isRightCode(VKN_TYPE_I8, boundQuotient({-kInf, kInf}, 0.25), 1.0, 0x05));
    // What may be flushed before a quotient that is not small.
    const Interval tiny = boundQuotient(exactly(0x1p-127), 0x1p-126);
    EXPECT_EQ(tiny.low, 0.0);
    EXPECT_EQ(tiny.high, 0.5);
}

TEST(QuantisedBounds, ScalesAreOfTheLargestMagnitude) {
    const auto bound = [](VknType type, double largest, const std::vector<double>& y) {
        std::vector<Interval> intervals;
        for (const double value : y) {
            intervals.push_back(exactly(value));
        }
        return boundScale(type, largest, intervals, y);
    };
    const float seventh = 1.0f / 127.0f;
    EXPECT_TRUE(bound(VKN_TYPE_I8, 0.0, {1.0, -3.0, 2.0}).permits(static_cast<double>(3.0f * seventh)));
    EXPECT_FALSE(bound(VKN_TYPE_I8, 0.0, {1.0, -3.0, 2.0}).permits(static_cast<double>(movedBy(3.0f * seventh, 1))));
    EXPECT_FALSE(bound(VKN_TYPE_I8, 0.0, {1.0, -3.0, 2.0}).permits(static_cast<double>(movedBy(3.0f * seventh, -1))));
    EXPECT_FALSE(bound(VKN_TYPE_I8, 0.0, {1.0, -3.0, 2.0}).permits(1.0));
    EXPECT_TRUE(bound(VKN_TYPE_F8_E4M3, 0.0, {kNan, 448.0}).permits(1.0));
    EXPECT_TRUE(bound(VKN_TYPE_F8_E4M3, 224.0, {kNan, 448.0}).permits(0.5));
    EXPECT_TRUE(bound(VKN_TYPE_F8_E5M2, 0.0, {-57344.0 * 4, kNan, 5.0}).permits(4.0));
    for (const VknType type : kTypes) {
        for (const std::vector<double>& zeros : {std::vector{0.0, -0.0}, {kNan}, {0x1p-127, 0.0}}) {
            EXPECT_TRUE(bound(type, 0.0, zeros).permits(1.0));
            EXPECT_FALSE(bound(type, 0.0, zeros).permits(0x1p-126));
            EXPECT_FALSE(bound(type, 0.0, zeros).permits(0.0));
        }
        EXPECT_TRUE(bound(type, 0.0, {0x1p-126}).permits(0x1p-126));
        EXPECT_FALSE(bound(type, 0.0, {0x1p-126}).permits(1.0));
        const double most = bound(type, 0.0, {kInf, 1.0}).allowed.high;
        EXPECT_NEAR(most * largestValue(type) / 0x1.fffffep127, 1.0, 1e-6);
        EXPECT_TRUE(bound(type, 7.0, {-kInf}).permits(bound(type, 0.0, {7.0}).allowed.low));
    }
    // An element that is known to an interval only.
    const ScaleBound wide = boundScale(VKN_TYPE_F8_E4M3, 0.0, {{-1.0, 448.0}, {-224.0, -112.0}}, {3.0, -150.0});
    EXPECT_EQ(wide.allowed.low, 0.25);
    EXPECT_EQ(wide.allowed.high, 1.0);
    EXPECT_FALSE(wide.mayBeOne);
}

}  // namespace
}  // namespace vknorm::test
