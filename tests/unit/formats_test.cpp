// The CPU's own conversions, on which every other test relies.
#include "support/formats.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace vknorm::test {
namespace {

constexpr VknType kTypes[] = {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16};

double floatFromBits(uint32_t bits) {
    float value = 0.0f;
    std::memcpy(&value, &bits, sizeof value);
    return static_cast<double>(value);
}

TEST(Formats, Fp32IsThePlatformsFloat) {
    Random random(1);
    for (int i = 0; i < 200000; ++i) {
        const uint32_t bits = static_cast<uint32_t>(random.next());
        if (isNan(VKN_TYPE_F32, bits)) {
            EXPECT_TRUE(std::isnan(decode(VKN_TYPE_F32, bits)));
            continue;
        }
        ASSERT_EQ(decode(VKN_TYPE_F32, bits), floatFromBits(bits)) << std::hex << bits;
        const double value = decode(VKN_TYPE_F32, bits) * (1.0 + random.normal() * 0x1p-24);
        const float rounded = static_cast<float>(value);
        uint32_t expected = 0;
        std::memcpy(&expected, &rounded, sizeof expected);
        ASSERT_EQ(encode(VKN_TYPE_F32, value), expected) << value;
    }
}

TEST(Formats, KnownVectors) {
    EXPECT_EQ(encode(VKN_TYPE_F16, 1.0), 0x3C00u);
    EXPECT_EQ(encode(VKN_TYPE_F16, -2.0), 0xC000u);
    EXPECT_EQ(encode(VKN_TYPE_F16, 65504.0), 0x7BFFu);
    EXPECT_EQ(encode(VKN_TYPE_F16, 65519.99), 0x7BFFu);
    EXPECT_EQ(encode(VKN_TYPE_F16, 65520.0), 0x7C00u);
    EXPECT_EQ(encode(VKN_TYPE_F16, 0x1p-24), 0x0001u);
    EXPECT_EQ(encode(VKN_TYPE_F16, 0x1p-25), 0x0000u);
    EXPECT_EQ(encode(VKN_TYPE_F16, 0x1.8p-25), 0x0001u);
    EXPECT_EQ(encode(VKN_TYPE_F16, 0x1.ffcp-15), 0x0400u);  // the largest subnormal rounds up to a normal
    EXPECT_EQ(encode(VKN_TYPE_BF16, 1.0), 0x3F80u);
    EXPECT_EQ(encode(VKN_TYPE_BF16, 256.0 + 1.0), 0x4380u);  // a tie, to even
    EXPECT_EQ(encode(VKN_TYPE_BF16, 256.0 + 3.0), 0x4382u);
    EXPECT_EQ(encode(VKN_TYPE_BF16, 3.4e38), 0x7F80u);
    EXPECT_EQ(encode(VKN_TYPE_F32, 0x1.fffffep127), 0x7F7FFFFFu);
    EXPECT_EQ(encode(VKN_TYPE_F32, 0x1.ffffffp127), 0x7F800000u);
    EXPECT_EQ(encode(VKN_TYPE_F32, -0.0), 0x80000000u);
    EXPECT_EQ(decode(VKN_TYPE_F16, 0x3555u), 0.333251953125);
    EXPECT_EQ(decode(VKN_TYPE_BF16, 0x4049u), 3.140625);
}

TEST(Formats, EveryNarrowElementSurvives) {
    for (const VknType type : {VKN_TYPE_F16, VKN_TYPE_BF16}) {
        for (uint32_t bits = 0; bits < 65536; ++bits) {
            if (isNan(type, bits)) {
                ASSERT_TRUE(std::isnan(decode(type, bits)));
                ASSERT_TRUE(isNan(type, encode(type, decode(type, bits))));
            } else {
                ASSERT_EQ(encode(type, decode(type, bits)), bits);
            }
        }
    }
}

// A bf16 is the upper half of a float, which the platform can check; fp16 has no such neighbour but the same code.
TEST(Formats, EveryBf16IsTheUpperHalfOfAFloat) {
    for (uint32_t bits = 0; bits < 65536; ++bits) {
        if (!isNan(VKN_TYPE_BF16, bits)) {
            ASSERT_EQ(decode(VKN_TYPE_BF16, bits), floatFromBits(bits << 16));
        }
    }
}

// Round to nearest even, by its definition: between two neighbours the middle goes to the even one, and the least
// that is off the middle decides.
TEST(Formats, EveryGapOfTheNarrowTypesRoundsToNearestEven) {
    for (const VknType type : {VKN_TYPE_F16, VKN_TYPE_BF16}) {
        for (uint32_t bits = 0; bits + 1 < formatFacts(type).infinityBits; ++bits) {
            const double low = decode(type, bits);
            const double high = decode(type, bits + 1);
            const double middle = 0.5 * (low + high);
            const uint32_t even = (bits & 1u) == 0 ? bits : bits + 1;
            ASSERT_EQ(encode(type, middle), even);
            ASSERT_EQ(encode(type, std::nextafter(middle, 0.0)), bits);
            ASSERT_EQ(encode(type, std::nextafter(middle, high)), bits + 1);
            ASSERT_EQ(encode(type, -middle) & 0x7FFFu, even);
        }
    }
}

TEST(Formats, UlpDistanceCountsAcrossZero) {
    for (const VknType type : kTypes) {
        const uint32_t minusTiny = encode(type, -0.0) | 1u;
        EXPECT_EQ(ulpDistance(type, 1, minusTiny), 2u);
        EXPECT_EQ(ulpDistance(type, 0, encode(type, -0.0)), 0u);
        EXPECT_EQ(ulpDistance(type, encode(type, 1.0), encode(type, 2.0)), 1ull << formatFacts(type).mantissaBits);
        EXPECT_EQ(stepBits(type, 1, -2), minusTiny);
        EXPECT_EQ(stepBits(type, encode(type, -1.0), -1), encode(type, -1.0) + 1);
        EXPECT_EQ(ulpSize(type, 1.5), std::ldexp(1.0, -formatFacts(type).mantissaBits));
        EXPECT_EQ(ulpSize(type, 0.0), decode(type, 1));
        EXPECT_EQ(ulpDistance(type, formatFacts(type).infinityBits, formatFacts(type).infinityBits - 1), 1u);
    }
}

TEST(Formats, SubnormalsAndNansAreTold) {
    EXPECT_TRUE(isSubnormal(VKN_TYPE_F16, 0x83FFu));
    EXPECT_FALSE(isSubnormal(VKN_TYPE_F16, 0x0400u));
    EXPECT_FALSE(isSubnormal(VKN_TYPE_F16, 0x8000u));
    EXPECT_TRUE(isNan(VKN_TYPE_BF16, 0xFF81u));
    EXPECT_FALSE(isNan(VKN_TYPE_BF16, 0xFF80u));
    EXPECT_TRUE(isNan(VKN_TYPE_F16, encode(VKN_TYPE_F16, std::numeric_limits<double>::quiet_NaN())));
}

}  // namespace
}  // namespace vknorm::test
