// The CPU's own conversions to the quantised types.
#include "support/formats.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace vknorm::test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

// The types' numbers from 0 up, as their definitions list them: each binade, from the subnormal step on.
double definition(VknType type, uint32_t code) {
    switch (type) {
        case VKN_TYPE_F8_E4M3:
            return code < 8 ? code / 512.0 : std::ldexp(8.0 + (code & 7u), static_cast<int>(code >> 3) - 10);
        case VKN_TYPE_F8_E5M2:
            return code < 4 ? code / 65536.0 : std::ldexp(4.0 + (code & 3u), static_cast<int>(code >> 2) - 17);
        default:
            return code;
    }
}

uint32_t negative(VknType type, uint32_t code) { return type == VKN_TYPE_I8 ? (256u - code) & 0xFFu : code | 0x80u; }

constexpr VknType kTypes[] = {VKN_TYPE_I8, VKN_TYPE_F8_E4M3, VKN_TYPE_F8_E5M2};

TEST(QuantisedFormats, EveryCodeIsDecoded) {
    for (const VknType type : kTypes) {
        const uint32_t largest = formatFacts(type).largestBits;
        for (uint32_t code = 0; code <= largest; ++code) {
            EXPECT_EQ(decode(type, code), definition(type, code)) << code;
            EXPECT_EQ(decode(type, negative(type, code)), -definition(type, code)) << code;
            EXPECT_FALSE(isNan(type, code) || isNan(type, negative(type, code)));
        }
        EXPECT_EQ(elementSize(type), 1u);
    }
    EXPECT_EQ(decode(VKN_TYPE_I8, 0x80), -128.0);
    EXPECT_TRUE(isNan(VKN_TYPE_F8_E4M3, 0x7F) && isNan(VKN_TYPE_F8_E4M3, 0xFF));
    for (const uint32_t sign : {0u, 0x80u}) {
        EXPECT_EQ(decode(VKN_TYPE_F8_E5M2, sign | 0x7C), sign == 0 ? kInf : -kInf);
        for (uint32_t code = 0x7D; code <= 0x7F; ++code) {
            EXPECT_TRUE(isNan(VKN_TYPE_F8_E5M2, sign | code));
            EXPECT_TRUE(std::isnan(decode(VKN_TYPE_F8_E5M2, sign | code)));
        }
    }
    EXPECT_EQ(largestValue(VKN_TYPE_I8), 127.0);
    EXPECT_EQ(largestValue(VKN_TYPE_F8_E4M3), 448.0);
    EXPECT_EQ(largestValue(VKN_TYPE_F8_E5M2), 57344.0);
}

TEST(QuantisedFormats, EveryNumberSurvives) {
    for (const VknType type : kTypes) {
        for (uint32_t code = 0; code <= formatFacts(type).largestBits; ++code) {
            EXPECT_EQ(encode(type, decode(type, code)), code);
            EXPECT_EQ(encode(type, decode(type, negative(type, code))), negative(type, code));
        }
    }
}

TEST(QuantisedFormats, EveryGapRoundsToNearestEven) {
    for (const VknType type : kTypes) {
        for (uint32_t code = 0; code < formatFacts(type).largestBits; ++code) {
            const double low = definition(type, code);
            const double high = definition(type, code + 1);
            const double middle = 0.5 * (low + high);
            const uint32_t even = code % 2 == 0 ? code : code + 1;
            EXPECT_EQ(encode(type, middle), even);
            EXPECT_EQ(encode(type, std::nextafter(middle, 0.0)), code);
            EXPECT_EQ(encode(type, std::nextafter(middle, high)), code + 1);
            EXPECT_EQ(encode(type, -middle), negative(type, even));
            EXPECT_EQ(encode(type, -std::nextafter(middle, high)), negative(type, code + 1));
        }
    }
}

TEST(QuantisedFormats, LargeNumbersSaturate) {
    for (const VknType type : kTypes) {
        const uint32_t largest = formatFacts(type).largestBits;
        const double value = definition(type, largest);
        const double nextUp = std::nextafter(value, kInf);
        for (const double large : {nextUp, value * 1.0625, value * 1.125, value * 2.0, 1e6, 3.4e38, 1e300, kInf}) {
            EXPECT_EQ(encode(type, large), largest) << large;
            EXPECT_EQ(encode(type, -large), negative(type, largest)) << large;
        }
    }
}

TEST(QuantisedFormats, KnownVectors) {
    EXPECT_EQ(encode(VKN_TYPE_I8, 126.5), 126u);
    EXPECT_EQ(encode(VKN_TYPE_I8, -126.5), 130u);
    EXPECT_EQ(encode(VKN_TYPE_I8, -127.4), 129u);
    EXPECT_EQ(encode(VKN_TYPE_I8, -128.0), 129u);
    EXPECT_EQ(encode(VKN_TYPE_I8, -0.0), 0u);
    EXPECT_EQ(encode(VKN_TYPE_I8, -0.5), 0u);
    EXPECT_EQ(encode(VKN_TYPE_F8_E4M3, 1.0), 0x38u);
    EXPECT_EQ(encode(VKN_TYPE_F8_E4M3, -448.0), 0xFEu);
    EXPECT_EQ(encode(VKN_TYPE_F8_E4M3, 432.0), 0x7Eu);  // a tie, to even
    EXPECT_EQ(encode(VKN_TYPE_F8_E4M3, 0x1p-10), 0u);   // half of the least number
    EXPECT_EQ(encode(VKN_TYPE_F8_E4M3, 0x1.8p-10), 1u);
    EXPECT_EQ(encode(VKN_TYPE_F8_E4M3, 0x1.fp-7), 8u);  // the largest subnormal rounds up to a normal
    EXPECT_EQ(encode(VKN_TYPE_F8_E5M2, 1.0), 0x3Cu);
    EXPECT_EQ(encode(VKN_TYPE_F8_E5M2, 57344.0), 0x7Bu);
    EXPECT_EQ(encode(VKN_TYPE_F8_E5M2, 65536.0), 0x7Bu);
    EXPECT_EQ(encode(VKN_TYPE_F8_E5M2, 0x1p-17), 0u);
    EXPECT_EQ(encode(VKN_TYPE_F8_E5M2, 0x1.4p-16), 1u);
    EXPECT_EQ(encode(VKN_TYPE_F8_E5M2, -0.0), 0x80u);
}

TEST(QuantisedFormats, NanIsNanAndZeroInIntegers) {
    EXPECT_EQ(encode(VKN_TYPE_I8, kNan), 0u);
    EXPECT_EQ(encode(VKN_TYPE_F8_E4M3, kNan), 0x7Fu);
    EXPECT_EQ(encode(VKN_TYPE_F8_E5M2, kNan), 0x7Fu);
    EXPECT_FALSE(isNan(VKN_TYPE_I8, 0x80));
}

TEST(QuantisedFormats, StepsAndSubnormals) {
    EXPECT_EQ(ulpDistance(VKN_TYPE_I8, 0xFF, 1), 2u);
    EXPECT_EQ(stepBits(VKN_TYPE_I8, 1, -2), 0xFFu);
    EXPECT_EQ(ulpSize(VKN_TYPE_I8, 100.0), 1.0);
    EXPECT_FALSE(isSubnormal(VKN_TYPE_I8, 3));
    for (const VknType type : {VKN_TYPE_F8_E4M3, VKN_TYPE_F8_E5M2}) {
        EXPECT_EQ(ulpDistance(type, 1, 0x81), 2u);
        EXPECT_EQ(ulpDistance(type, encode(type, 1.0), encode(type, 2.0)), 1ull << formatFacts(type).mantissaBits);
        EXPECT_EQ(ulpSize(type, 1.5), std::ldexp(1.0, -formatFacts(type).mantissaBits));
        EXPECT_EQ(ulpSize(type, 0.0), decode(type, 1));
        EXPECT_TRUE(isSubnormal(type, 1));
        EXPECT_FALSE(isSubnormal(type, 1u << formatFacts(type).mantissaBits));
    }
    uint8_t byte = 0;
    storeBits(VKN_TYPE_F8_E4M3, &byte, 0xA5);
    EXPECT_EQ(loadBits(VKN_TYPE_F8_E4M3, &byte), 0xA5u);
}

}  // namespace
}  // namespace vknorm::test
