// The table of turns: against the formulas of the papers, and what is refused.
#include "support/rope.hpp"

#include <gtest/gtest.h>
#include <vknorm/vknorm.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace vknorm::test {
namespace {

constexpr double kTwoPi = 6.283185307179586;

// fp64's rounding in the formula, and that of the table to a fraction of 2^64 turns.
void expectFrequency(double actual, double expected, size_t pair) {
    EXPECT_NEAR(actual, expected, 1e-14 * expected + kTwoPi * 0x1p-64) << pair;
}

VknRopeTableInfo plainInfo(uint32_t rotarySize) {
    VknRopeTableInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_ROPE_TABLE_INFO;
    info.rotarySize = rotarySize;
    info.theta = 10000;
    return info;
}

// Radians a position, of each pair.
std::vector<double> frequenciesOf(const VknRopeTableInfo& info, float* scale = nullptr) {
    std::vector<uint32_t> table(info.rotarySize);
    EXPECT_EQ(vknMakeRopeTable(&info, table.data(), scale, nullptr), VKN_SUCCESS);
    std::vector<double> frequencies;
    for (uint32_t pair = 0; pair < info.rotarySize / 2; ++pair) {
        frequencies.push_back(angleOf(1, {table[2 * pair], table[2 * pair + 1]}));
    }
    return frequencies;
}

TEST(RopeTable, IsTheOriginalFormula) {
    const std::vector<double> frequencies = frequenciesOf(plainInfo(128));
    for (size_t pair = 0; pair < frequencies.size(); ++pair) {
        const double expected = std::pow(10000.0, -2.0 * static_cast<double>(pair) / 128);
        expectFrequency(frequencies[pair], expected, pair);
    }
}

TEST(RopeTable, IsExactAtAMillionPositions) {
    const VknRopeTableInfo info = plainInfo(128);
    std::vector<uint32_t> table(info.rotarySize);
    ASSERT_EQ(vknMakeRopeTable(&info, table.data(), nullptr, nullptr), VKN_SUCCESS);
    for (uint32_t pair = 0; pair < 64; ++pair) {
        const long double angle = 1000000 * std::pow(10000.0L, -2.0L * pair / 128);
        const double error = std::sin(static_cast<double>(
            static_cast<long double>(angleOf(1000000, {table[2 * pair], table[2 * pair + 1]})) - angle));
        EXPECT_LT(std::abs(error), 2e-9) << pair;
    }
}

TEST(RopeTable, LinearScalingDividesAll) {
    VknRopeTableInfo info = plainInfo(64);
    const std::vector<double> plain = frequenciesOf(info);
    info.scaling = VKN_ROPE_SCALING_LINEAR;
    info.factor = 4;
    const std::vector<double> scaled = frequenciesOf(info);
    for (size_t pair = 0; pair < plain.size(); ++pair) {
        expectFrequency(scaled[pair], plain[pair] / 4, pair);
    }
}

// Wavelengths below 8192 / 4 positions stay, those above 8192 are divided by 8, and what is between is mixed.
TEST(RopeTable, Llama3KeepsShortWavesAndStretchesLongOnes) {
    VknRopeTableInfo info = plainInfo(128);
    info.theta = 500000;
    const std::vector<double> plain = frequenciesOf(info);
    info.scaling = VKN_ROPE_SCALING_LLAMA3;
    info.factor = 8;
    info.originalPositions = 8192;
    info.lowFrequencyFactor = 1;
    info.highFrequencyFactor = 4;
    const std::vector<double> scaled = frequenciesOf(info);
    int kept = 0;
    int stretched = 0;
    for (size_t pair = 0; pair < plain.size(); ++pair) {
        const double wavelength = kTwoPi / plain[pair];
        const double smooth = (8192 / wavelength - 1) / 3;
        double expected = (1 - smooth) * plain[pair] / 8 + smooth * plain[pair];
        if (wavelength < 2048) {
            expected = plain[pair];
            ++kept;
        } else if (wavelength > 8192) {
            expected = plain[pair] / 8;
            ++stretched;
        }
        expectFrequency(scaled[pair], expected, pair);
    }
    EXPECT_GT(kept, 10);
    EXPECT_GT(stretched, 10);
    EXPECT_LT(kept + stretched, 64);
}

// Pairs that turn more than 32 times in the training stay, those that turn less than once are divided by the factor.
TEST(RopeTable, YarnMixesBetweenTheTwoRotationCounts) {
    VknRopeTableInfo info = plainInfo(128);
    const std::vector<double> plain = frequenciesOf(info);
    info.scaling = VKN_ROPE_SCALING_YARN;
    info.factor = 16;
    info.originalPositions = 4096;
    float scale = 0;
    const std::vector<double> scaled = frequenciesOf(info, &scale);
    EXPECT_FLOAT_EQ(scale, static_cast<float>(0.1 * std::log(16.0) + 1));
    const auto pairOf = [](double rotations) {
        return 128 * std::log(4096 / (rotations * kTwoPi)) / (2 * std::log(10000.0));
    };
    const double low = std::floor(pairOf(32));
    const double high = std::ceil(pairOf(1));
    for (size_t pair = 0; pair < plain.size(); ++pair) {
        const double share = std::min(std::max((static_cast<double>(pair) - low) / (high - low), 0.0), 1.0);
        expectFrequency(scaled[pair], plain[pair] / 16 * share + plain[pair] * (1 - share), pair);
    }
    expectFrequency(scaled.front(), plain.front(), 0);
    expectFrequency(scaled.back(), plain.back() / 16, plain.size() - 1);
}

TEST(RopeTable, HoldsTheNearestFp32NumbersForProducts) {
    VknRopeTableInfo info = plainInfo(128);
    info.angles = VKN_ROPE_ANGLES_FP32_PRODUCT;
    std::vector<uint32_t> words(64 + 1, 7);
    ASSERT_EQ(vknMakeRopeTable(&info, words.data(), nullptr, nullptr), VKN_SUCCESS);
    for (uint32_t pair = 0; pair < 64; ++pair) {
        float frequency = 0;
        std::memcpy(&frequency, &words[pair], sizeof frequency);
        EXPECT_EQ(frequency, static_cast<float>(std::pow(10000.0, -2.0 * pair / 128))) << pair;
    }
    EXPECT_EQ(words[64], 7u) << "half as many words";
}

TEST(RopeTable, RefusesWhatIsNoTable) {
    const auto refuses = [](const char* field, auto change) {
        VknRopeTableInfo info = plainInfo(8);
        change(info);
        uint32_t table[8] = {7};
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        EXPECT_EQ(vknMakeRopeTable(&info, table, nullptr, &error), VKN_ERROR_INVALID_ARGUMENT) << field;
        EXPECT_STREQ(error.field, field);
        EXPECT_EQ(table[0], 7u) << "nothing is written";
    };
    refuses("sType", [](VknRopeTableInfo& info) { info.sType = VKN_STRUCTURE_TYPE_ROPE_INFO; });
    refuses("pNext", [](VknRopeTableInfo& info) { info.pNext = &info; });
    refuses("rotarySize", [](VknRopeTableInfo& info) { info.rotarySize = 0; });
    refuses("rotarySize", [](VknRopeTableInfo& info) { info.rotarySize = 7; });
    refuses("theta", [](VknRopeTableInfo& info) { info.theta = 1; });
    refuses("theta", [](VknRopeTableInfo& info) { info.theta = std::nan(""); });
    refuses("scaling", [](VknRopeTableInfo& info) { info.scaling = static_cast<VknRopeScaling>(9); });
    refuses("angles", [](VknRopeTableInfo& info) { info.angles = static_cast<VknRopeAngles>(2); });
    refuses("factor", [](VknRopeTableInfo& info) { info.scaling = VKN_ROPE_SCALING_LINEAR; });
    refuses("originalPositions", [](VknRopeTableInfo& info) {
        info.scaling = VKN_ROPE_SCALING_YARN;
        info.factor = 2;
    });
    refuses("highFrequencyFactor", [](VknRopeTableInfo& info) {
        info.scaling = VKN_ROPE_SCALING_LLAMA3;
        info.factor = 2;
        info.originalPositions = 100;
        info.lowFrequencyFactor = 2;
        info.highFrequencyFactor = 2;
    });
}

}  // namespace
}  // namespace vknorm::test
