// Index arithmetic of tensors, against brute force and against 128-bit arithmetic where there are too many rows for that.
#include "plan/split.hpp"

#include "include/interface.h"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace vknorm::test {
namespace {

using vkn::BoundTensor;
using vkn::ByteRange;
using vkn::RowRun;
using vkn::RowShape;
using vkn::Split;

__extension__ typedef unsigned __int128 Wide;

// What products.glsl needs of GLSL, and products.glsl itself.
struct Shader {
    using uint = uint32_t;
    static void umulExtended(uint a, uint b, uint& high, uint& low) {
        const uint64_t product = uint64_t{a} * b;
        high = static_cast<uint>(product >> 32);
        low = static_cast<uint>(product);
    }
    static constexpr bool kRowsInOrder = false;
#include "include/products.glsl"
};

vkn::Tensor makeTensor(uint64_t offset, uint32_t elementSize, uint64_t hiddenSize, uint64_t rowStride,
                       uint64_t outerStride) {
    vkn::Tensor tensor;
    tensor.offset = offset;
    tensor.elementSize = elementSize;
    tensor.rowElements = hiddenSize;
    tensor.rowStride = rowStride;
    tensor.outerStride = outerStride;
    return tensor;
}

// By the formula of the header, in arithmetic that cannot overflow.
Wide startOfRow(const vkn::Tensor& tensor, const RowShape& shape, uint64_t row) {
    const Wide element =
        Wide{row / shape.rowsPerOuter} * tensor.outerStride + Wide{row % shape.rowsPerOuter} * tensor.rowStride;
    return tensor.offset + element * tensor.elementSize;
}

Wide endOfRow(const vkn::Tensor& tensor, const RowShape& shape, uint64_t row) {
    return startOfRow(tensor, shape, row) + Wide{tensor.rowElements} * tensor.elementSize;
}

TEST(Split, RangesCoverTheirRowsExactly) {
    Random random(11);
    for (int i = 0; i < 20000; ++i) {
        const uint64_t hidden = 1 + random.below(40);
        const uint64_t stride = hidden + random.below(5);
        RowShape shape;
        shape.rows = 1 + random.below(30);
        shape.rowsPerOuter = 1 + random.below(8);
        const uint64_t outer = random.below(3) == 0 ? hidden : shape.rowsPerOuter * stride + random.below(9);
        const vkn::Tensor tensor = makeTensor(2 * random.below(20), 2, hidden, stride, outer);
        // Whole blocks, or a run inside one: what a split makes.
        const uint64_t blocks = (shape.rows + shape.rowsPerOuter - 1) / shape.rowsPerOuter;
        const uint64_t block = random.below(static_cast<uint32_t>(blocks));
        uint64_t first = block * shape.rowsPerOuter;
        uint64_t end = std::min(shape.rows, first + shape.rowsPerOuter * (1 + random.below(4)));
        if (random.below(2) == 0) {
            end = std::min(shape.rows, first + shape.rowsPerOuter);
            first += random.below(static_cast<uint32_t>(end - first));
        }
        const ByteRange range = vkn::rowRange(tensor, shape, first, end - first);
        Wide least = startOfRow(tensor, shape, first);
        Wide most = 0;
        for (uint64_t row = first; row < end; ++row) {
            least = std::min(least, startOfRow(tensor, shape, row));
            most = std::max(most, endOfRow(tensor, shape, row));
        }
        ASSERT_EQ(Wide{range.begin} == least && Wide{range.end} == most, true)
            << "rows " << first << " to " << end << " of " << shape.rows << "/" << shape.rowsPerOuter << ", hidden "
            << hidden << ", strides " << stride << ", " << outer;
    }
}

BoundTensor bindRows(const vkn::Tensor& tensor, uint32_t binding, const RowShape& shape) {
    return {&tensor, binding, true, vkn::rowRange(tensor, shape, 0, shape.rows)};
}

// Walks through all dispatches of a split.
void expectCovered(const RowShape& shape, const std::vector<BoundTensor>& tensors, uint64_t maxRange,
                   uint32_t alignment, const Split& split) {
    uint64_t next = 0;
    for (uint64_t i = 0; i < split.dispatchCount; ++i) {
        const RowRun run = vkn::runOfDispatch(split, shape, i);
        if (run.count == 0) {
            continue;
        }
        ASSERT_EQ(run.first, next);
        next += run.count;
        for (const BoundTensor& bound : tensors) {
            if (!bound.isPerRow) {
                continue;
            }
            const ByteRange range =
                vkn::boundRange(vkn::rowRange(*bound.tensor, shape, run.first, run.count), alignment);
            ASSERT_LE(range.size(), maxRange);
            ASSERT_EQ(range.begin % alignment, 0u);
            for (const uint64_t row : {run.first, run.first + run.count / 2, run.first + run.count - 1}) {
                ASSERT_TRUE(startOfRow(*bound.tensor, shape, row) >= range.begin);
                ASSERT_TRUE(endOfRow(*bound.tensor, shape, row) <= range.end);
                // A kernel counts elements from the bound start in 32 bits.
                ASSERT_TRUE((endOfRow(*bound.tensor, shape, row) - range.begin) / bound.tensor->elementSize <
                            1ull << 32);
            }
        }
    }
    EXPECT_EQ(next, shape.rows);
}

TEST(Split, EveryRowIsInOneDispatchThatFits) {
    Random random(5);
    for (int i = 0; i < 5000; ++i) {
        RowShape shape;
        shape.rows = 1 + random.below(200);
        shape.rowsPerOuter = random.below(3) == 0 ? shape.rows : 1 + random.below(12);
        const uint64_t hidden = 1 + random.below(50);
        vkn::Tensor made[3];
        std::vector<BoundTensor> tensors;
        for (uint32_t t = 0; t < 3; ++t) {
            const uint64_t stride = hidden + random.below(10);
            const uint32_t size = random.below(2) == 0 ? 2 : 4;
            made[t] = makeTensor(size * random.below(30), size, hidden, stride,
                                 shape.rowsPerOuter * stride + random.below(20));
            tensors.push_back(bindRows(made[t], t, shape));
        }
        const uint64_t maxRange = 512 + random.below(4000);
        Split split;
        if (!vkn::planSplit(shape, tensors.data(), 3, maxRange, 16, true, split)) {
            EXPECT_GT(hidden * 4 + 32, maxRange) << "one row would fit";
            continue;
        }
        expectCovered(shape, tensors, maxRange, 16, split);
    }
}

TEST(Split, WhatFitsIsNotSplit) {
    const RowShape shape{1000, 1000};
    const vkn::Tensor whole = makeTensor(0, 4, 64, 64, 64000);
    const BoundTensor tensor = bindRows(whole, 0, shape);
    Split split;
    ASSERT_TRUE(vkn::planSplit(shape, &tensor, 1, 1u << 27, 256, true, split));
    EXPECT_EQ(split.dispatchCount, 1u);
}

TEST(Split, BlocksThatMayNotJoinAreDispatchesOfTheirOwn) {
    const RowShape shape{1000, 300};
    const vkn::Tensor blocks = makeTensor(0, 4, 64, 64, 19200);
    const BoundTensor tensor = bindRows(blocks, 0, shape);
    Split split;
    ASSERT_TRUE(vkn::planSplit(shape, &tensor, 1, 1u << 27, 256, false, split));
    EXPECT_EQ(split.dispatchCount, 4u);
    for (uint64_t i = 0; i < split.dispatchCount; ++i) {
        const vkn::RowRun run = vkn::runOfDispatch(split, shape, i);
        EXPECT_EQ(run.first, i * 300);
        EXPECT_EQ(run.count, i < 3 ? 300u : 100u);
    }
}

TEST(Split, BeyondTwoToThe31Elements) {
    struct Case {
        uint64_t rows, perOuter, hidden, rowStride, outerStride;
        uint32_t elementSize;
        uint64_t maxRange;
    };
    const Case cases[] = {
        {3000000, 3000000, 1024, 1024, 0, 4, 1ull << 27},        // 3e9 elements, lavapipe's range
        {3000000, 3000000, 1024, 1024, 0, 2, (1ull << 32) - 1},  // AMD's and NVIDIA's
        {175000, 175000, 12288, 12288, 0, 2, 1ull << 27},        // flashinfer's, near 2^31
        {40000, 32, 128, 128, 1ull << 20, 2, 1ull << 27},        // strided far apart
        {1u << 20, 8, 5125, 5125, 41001, 2, 1ull << 30},
        {5, 5, 1u << 24, 1ull << 33, 0, 4, 1ull << 27},          // one row fits, two do not
        {5000000000, 5000000000, 1, 1, 0, 2, (1ull << 32) - 1},  // more rows than 32 bits can count
    };
    for (const Case& c : cases) {
        const RowShape shape{c.rows, c.perOuter};
        const uint64_t outer = c.outerStride != 0 ? c.outerStride : c.perOuter * c.rowStride;
        const vkn::Tensor rows = makeTensor(6 * c.elementSize, c.elementSize, c.hidden, c.rowStride, outer);
        const vkn::Tensor scalars = makeTensor(4, 4, 1, 1, c.perOuter);
        const std::vector<BoundTensor> tensors = {bindRows(rows, 0, shape), bindRows(scalars, 1, shape)};
        Split split;
        ASSERT_TRUE(vkn::planSplit(shape, tensors.data(), 2, c.maxRange, 16, true, split))
            << c.rows << " x " << c.hidden;
        expectCovered(shape, tensors, c.maxRange, 16, split);
        EXPECT_GE(Wide{split.dispatchCount} * c.maxRange, Wide{c.rows} * c.hidden * c.elementSize);
    }
}

TEST(Split, ARowThatFitsNowhereIsRefused) {
    const RowShape shape{2, 2};
    const vkn::Tensor wide = makeTensor(0, 4, 1u << 24, 1u << 24, 0);
    const BoundTensor tensor = bindRows(wide, 0, shape);
    Split split;
    EXPECT_TRUE(vkn::planSplit(shape, &tensor, 1, 1ull << 27, 16, true, split));
    EXPECT_FALSE(vkn::planSplit(shape, &tensor, 1, (1ull << 26) - 1, 16, true, split));
}

TEST(Split, OverflowIsSaturatedAndRefused) {
    EXPECT_EQ(vkn::saturatingMultiply(1ull << 40, 1ull << 40), vkn::kTooLarge);
    EXPECT_EQ(vkn::saturatingAdd(vkn::kTooLarge - 1, 5), vkn::kTooLarge);
    EXPECT_EQ(vkn::saturatingMultiply(0, vkn::kTooLarge), 0u);
    const RowShape shape{3, 1};
    EXPECT_EQ(vkn::rowRange(makeTensor(0, 4, 1, 1, 1ull << 63), shape, 0, 3).end, vkn::kTooLarge);
}

// As outerOf() in shaders/include/operands.glsl.
uint32_t divided(uint32_t row, uint32_t by) {
    const uint32_t high = Shader().highOfProduct(row << (32 - VKN_ROW_BITS), by >> VKN_DIVISOR_SHIFT_BITS);
    return high >> (by & ((1u << VKN_DIVISOR_SHIFT_BITS) - 1));
}

// At multiples and just before them, where a rounded multiplier would show first; the last ones most.
void expectDivides(uint32_t rows) {
    constexpr uint32_t kRows = 1u << VKN_ROW_BITS;
    const uint32_t by = vkn::dividingBy(rows);
    const uint32_t last = kRows / rows;
    for (const uint32_t multiple : {0u, 1u, 2u, last / 2, last - 1, last}) {
        for (const uint32_t row : {multiple * rows - 1, multiple * rows, multiple * rows + rows / 2}) {
            if (row < kRows) {
                ASSERT_EQ(divided(row, by), row / rows) << row << " / " << rows;
            }
        }
    }
    ASSERT_EQ(divided(kRows - 1, by), (kRows - 1) / rows) << "by " << rows;
}

TEST(Split, HalvesMakeTheSameProduct) {
    Random random(7);
    for (int i = 0; i < 100000; ++i) {
        const auto a = static_cast<uint32_t>(random.next());
        const auto b = static_cast<uint32_t>(random.next());
        ASSERT_EQ(Shader().highOfHalves(a, b), Shader().highOfProduct(a, b)) << a << " * " << b;
    }
    constexpr uint32_t kExtremes[] = {0, 1, 0xFFFF, 0x10000, 0xFFFF0000, 0xFFFF0001, 0xFFFFFFFF};
    for (const uint32_t a : kExtremes) {
        for (const uint32_t b : kExtremes) {
            EXPECT_EQ(Shader().highOfHalves(a, b), Shader().highOfProduct(a, b)) << a << " * " << b;
        }
    }
}

TEST(Split, RowsAreDividedByMultiplication) {
    for (uint32_t rows = 1; rows < 20000; ++rows) {
        expectDivides(rows);
    }
    for (uint32_t bit = 14; bit < VKN_ROW_BITS; ++bit) {
        for (const uint32_t rows : {(1u << bit) - 1, 1u << bit, (1u << bit) + 1, 3u << (bit - 1)}) {
            expectDivides(rows);
        }
    }
    EXPECT_EQ(divided((1u << VKN_ROW_BITS) - 1, vkn::kDividingToZero), 0u);
}

}  // namespace
}  // namespace vknorm::test
