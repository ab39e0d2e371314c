// Philox against Random123's published vectors, dropout against what it promises.
#include "support/philox.hpp"

#include "support/formats.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace vknorm::test {
namespace {

using Words = std::array<uint32_t, 4>;

// Random123, tests/kat_vectors: philox4x32, 10 rounds.
TEST(Philox, PublishedVectors) {
    EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627E8D5u, 0xE169C58Du, 0xBC57AC4Cu, 0x9B00DBD8u}));
    EXPECT_EQ(philox({0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu}, {0xFFFFFFFFu, 0xFFFFFFFFu}),
              (Words{0x408F276Du, 0x41C83B0Eu, 0xA20BC7C6u, 0x6D5451FDu}));
    EXPECT_EQ(philox({0x243F6A88u, 0x85A308D3u, 0x13198A2Eu, 0x03707344u}, {0xA4093822u, 0x299F31D0u}),
              (Words{0xD16CFE09u, 0x94FDCCEBu, 0x5001E420u, 0x24126EA1u}));
}

// The header's words, one by one: which part of seed, row, column and stream goes where.
TEST(Dropout, TheCounterIsTheHeaders) {
    const uint64_t seed = 0x299F31D0A4093822ull;
    const uint64_t row = 0x13198A2E85A308D3ull;
    const uint64_t firstColumn = 4 * uint64_t{0x243F6A88u};
    const Words words = {0xD16CFE09u, 0x94FDCCEBu, 0x5001E420u, 0x24126EA1u};
    for (uint64_t column = 0; column < 4; ++column) {
        // The neighbouring multiples of 2^-24, since fp32 holds no more digits.
        const uint32_t steps = words[column] >> 8;
        const float below = std::ldexp(static_cast<float>(steps), -24);
        const float above = std::ldexp(static_cast<float>(steps + 1), -24);
        EXPECT_FALSE(isDropped(seed, row, firstColumn + column, 0x03707344u, below)) << column;
        EXPECT_TRUE(isDropped(seed, row, firstColumn + column, 0x03707344u, above)) << column;
    }
}

constexpr uint64_t kRows = 100;
constexpr uint64_t kColumns = 1000;

std::vector<bool> mask(uint64_t seed, uint64_t firstRow, uint32_t stream, float probability) {
    std::vector<bool> dropped;
    for (uint64_t row = 0; row < kRows; ++row) {
        for (uint64_t column = 0; column < kColumns; ++column) {
            dropped.push_back(isDropped(seed, firstRow + row, column, stream, probability));
        }
    }
    return dropped;
}

TEST(Dropout, DropsTheShareThatItPromises) {
    for (const float probability : {0.0f, 0.001f, 0.1f, 0.25f, 0.5f, 0.9f, 0.999f}) {
        double dropped = 0.0;
        for (const bool isGone : mask(42, 7, 3, probability)) {
            dropped += isGone ? 1.0 : 0.0;
        }
        const double share = static_cast<double>(probability);
        const double count = static_cast<double>(kRows * kColumns);
        EXPECT_LE(std::fabs(dropped / count - share), 4.0 * std::sqrt(share * (1.0 - share) / count)) << probability;
    }
}

// Independent masks agree in half of the elements.
TEST(Dropout, SeedsStreamsAndRowsAreIndependent) {
    const std::vector<bool> first = mask(42, 0, 3, 0.5f);
    const auto agreement = [&](const std::vector<bool>& other) {
        double same = 0.0;
        for (size_t i = 0; i < first.size(); ++i) {
            same += first[i] == other[i] ? 1.0 : 0.0;
        }
        return same / static_cast<double>(first.size());
    };
    const double tolerance = 4.0 * 0.5 / std::sqrt(static_cast<double>(first.size()));
    EXPECT_NEAR(agreement(mask(43, 0, 3, 0.5f)), 0.5, tolerance) << "seed";
    EXPECT_NEAR(agreement(mask(42 + (1ull << 32), 0, 3, 0.5f)), 0.5, tolerance) << "high half of the seed";
    EXPECT_NEAR(agreement(mask(42, 0, 4, 0.5f)), 0.5, tolerance) << "stream";
    EXPECT_NEAR(agreement(mask(42, 0, 3 + (1u << 31), 0.5f)), 0.5, tolerance) << "stream of the second branch";
    EXPECT_NEAR(agreement(mask(42, 1, 3, 0.5f)), 0.5, tolerance) << "row";
    EXPECT_NEAR(agreement(mask(42, 1ull << 32, 3, 0.5f)), 0.5, tolerance) << "high half of the row";
    EXPECT_EQ(mask(42, 0, 3, 0.5f), first);
}

TEST(Dropout, KeptElementsAreScaledByAnFp32Number) {
    EXPECT_EQ(dropoutScale(0.0f), 1.0);
    EXPECT_EQ(dropoutScale(0.5f), 2.0);
    EXPECT_EQ(dropoutScale(0.75f), 4.0);
    // 0.1f is 0.10000000149, and 1 / (1 - that) is 1.11111111295, between 1.11111104 and 1.11111116.
    EXPECT_EQ(encode(VKN_TYPE_F32, dropoutScale(0.1f)), 0x3F8E38E4u);
}

}  // namespace
}  // namespace vknorm::test
