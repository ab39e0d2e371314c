// The checks that find unwritten and overwritten elements must themselves be able to fail.
#include "support/tensor.hpp"

#include "support/formats.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace vknorm::test {
namespace {

TensorLayout stridedLayout(VknType type) {
    TensorLayout layout;
    layout.type = type;
    layout.rows = 6;
    layout.rowsPerOuter = 2;
    layout.hiddenSize = 5;
    layout.rowStride = 7;
    layout.outerStride = 23;
    layout.byteOffset = 6 * elementSize(type);
    return layout;
}

TEST(Tensor, AddressesFollowTheHeadersFormula) {
    const TensorLayout layout = stridedLayout(VKN_TYPE_F16);
    EXPECT_EQ(layout.elementIndex(0, 0), 0u);
    EXPECT_EQ(layout.elementIndex(1, 4), 11u);
    EXPECT_EQ(layout.elementIndex(5, 1), 2u * 23 + 7 + 1);
    EXPECT_EQ(layout.byteAddress(0, 1), 14u);
    EXPECT_EQ(layout.endByte(), 12 + 2 * (46u + 7 + 5));
    TensorLayout dense;
    dense.rows = 3;
    dense.hiddenSize = 4;
    EXPECT_EQ(dense.elementIndex(2, 3), 11u);
}

TEST(Tensor, PoisonIsNanInEveryType) {
    for (uint64_t i = 0; i < 62; ++i) {
        EXPECT_TRUE(isNan(VKN_TYPE_F16, poisonAt(i)));
        EXPECT_TRUE(isNan(VKN_TYPE_BF16, poisonAt(i)));
        EXPECT_TRUE(isNan(VKN_TYPE_F32, static_cast<uint32_t>(poisonAt(i)) << 16 | poisonAt(i + 1)));
        EXPECT_NE(poisonAt(i), poisonAt(i + 1));
    }
}

TEST(Tensor, PoisonBytesAreNoKernels) {
    for (uint64_t i = 0; i < 8; ++i) {
        EXPECT_EQ(poisonByteAt(VKN_TYPE_I8, i), 0x80);
        EXPECT_TRUE(isNan(VKN_TYPE_F8_E4M3, poisonByteAt(VKN_TYPE_F8_E4M3, i)));
        EXPECT_TRUE(isNan(VKN_TYPE_F8_E5M2, poisonByteAt(VKN_TYPE_F8_E5M2, i)));
        EXPECT_NE(poisonByteAt(VKN_TYPE_F8_E5M2, i) & 0x7F, encode(VKN_TYPE_F8_E5M2, std::nan("")));
    }
}

constexpr VknType kTensorTypes[] = {VKN_TYPE_F32, VKN_TYPE_F16,     VKN_TYPE_BF16,
                                    VKN_TYPE_I8,  VKN_TYPE_F8_E4M3, VKN_TYPE_F8_E5M2};

TEST(Tensor, FindsEveryChangedByteOutsideOfTheElements) {
    for (const VknType type : kTensorTypes) {
        const Tensor before(stridedLayout(type));
        Tensor written = before;
        written.fill([](uint64_t row, uint64_t column) { return static_cast<double>(row * 8 + column); });
        ASSERT_EQ(findOverwritten(before, written.bytes(), 6), "");
        ASSERT_EQ(findUnwritten(written, 6), "");
        size_t found = 0;
        for (size_t byte = 0; byte < written.bytes().size(); ++byte) {
            std::vector<uint8_t> after = written.bytes();
            after[byte] ^= 0x10;
            found += findOverwritten(before, after, 6).empty() ? 0u : 1u;
        }
        EXPECT_EQ(found, written.bytes().size() - 30 * elementSize(type));
    }
}

TEST(Tensor, FindsEveryUnwrittenElement) {
    for (const VknType type : kTensorTypes) {
        if (type == VKN_TYPE_F8_E4M3) {
            continue;  // has no code to spare
        }
        const Tensor poison(stridedLayout(type));
        EXPECT_NE(findUnwritten(poison, 1), "");
        EXPECT_EQ(findUnwritten(poison, 0), "");
        for (uint64_t row = 0; row < 6; ++row) {
            for (uint64_t column = 0; column < 5; ++column) {
                Tensor written = poison;
                written.fill([](uint64_t, uint64_t) { return 1.5; });
                written.setBits(row, column, poison.bits(row, column));
                EXPECT_NE(findUnwritten(written, 6), "") << row << " " << column;
                EXPECT_EQ(findUnwritten(written, row).empty(), true);
            }
        }
    }
}

TEST(Tensor, RowsThatAreNotWrittenAreGuards) {
    const Tensor before(stridedLayout(VKN_TYPE_F32));
    Tensor written = before;
    written.fill([](uint64_t, uint64_t) { return 1.0; });
    EXPECT_NE(findOverwritten(before, written.bytes(), 5), "");
}

}  // namespace
}  // namespace vknorm::test
