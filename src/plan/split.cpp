#include "plan/split.hpp"

#include "base/integers.hpp"
#include "include/interface.h"

#include <bit>

namespace vkn {

// Rows of one dispatch: 32-bit row numbers, with room for the grid's stride on top, and for a multiplier and a shift in a word.
static constexpr uint64_t kMaxRowsPerDispatch = 1ull << VKN_ROW_BITS;

uint64_t saturatingMultiply(uint64_t a, uint64_t b) {
    if ((a | b) <= UINT32_MAX) {
        return a * b;
    }
    return a != 0 && b > kTooLarge / a ? kTooLarge : a * b;
}

uint64_t saturatingAdd(uint64_t a, uint64_t b) { return b > kTooLarge - a ? kTooLarge : a + b; }

static uint64_t rowStart(const Tensor& tensor, uint64_t outer, uint64_t inner) {
    return saturatingAdd(saturatingMultiply(outer, tensor.outerStride), saturatingMultiply(inner, tensor.rowStride));
}

RowShape shapeOf(const Tensor& tensor, const RowShape& shape) {
    if (tensor.rowsOfOuter == 0) {
        return shape;
    }
    return {saturatingMultiply(divideUp(shape.rows, shape.rowsPerOuter), tensor.rowsOfOuter), tensor.rowsOfOuter};
}

ByteRange rowRange(const Tensor& tensor, const RowShape& shape, uint64_t first, uint64_t count) {
    if (count == 0) {
        return {tensor.offset, tensor.offset};
    }
    if (tensor.rowsOfOuter != 0) {
        const uint64_t firstOuter = first / shape.rowsPerOuter;
        const uint64_t outers = (first + (count - 1)) / shape.rowsPerOuter - firstOuter + 1;
        Tensor own = tensor;
        own.rowsOfOuter = 0;
        return rowRange(own, {outers * tensor.rowsOfOuter, tensor.rowsOfOuter}, firstOuter * tensor.rowsOfOuter,
                        outers * tensor.rowsOfOuter);
    }
    const uint64_t last = first + (count - 1);
    if (last < shape.rowsPerOuter) {  // all in the first block, as nearly always: without a division
        const auto elementsTo = [&](uint64_t row) { return saturatingMultiply(row, tensor.rowStride); };
        const uint64_t end = saturatingAdd(elementsTo(last), tensor.rowElements);
        return {first == 0 ? tensor.offset
                           : saturatingAdd(tensor.offset, saturatingMultiply(elementsTo(first), tensor.elementSize)),
                saturatingAdd(tensor.offset, saturatingMultiply(end, tensor.elementSize))};
    }
    const uint64_t firstOuter = first / shape.rowsPerOuter;
    const uint64_t lastOuter = last / shape.rowsPerOuter;
    uint64_t end = rowStart(tensor, lastOuter, last % shape.rowsPerOuter);
    if (lastOuter != firstOuter) {  // the last block may be short; the one before it is whole
        end = larger(end, rowStart(tensor, lastOuter - 1, shape.rowsPerOuter - 1));
    }
    end = saturatingAdd(end, tensor.rowElements);
    const uint64_t begin = rowStart(tensor, firstOuter, first % shape.rowsPerOuter);
    return {saturatingAdd(tensor.offset, saturatingMultiply(begin, tensor.elementSize)),
            saturatingAdd(tensor.offset, saturatingMultiply(end, tensor.elementSize))};
}

ByteRange boundRange(const ByteRange& range, uint32_t bindingAlignment) {
    return {roundDownToPower(range.begin, bindingAlignment), roundDownToPower(saturatingAdd(range.end, 3), 4)};
}

ByteRange join(const ByteRange& a, const ByteRange& b) { return {smaller(a.begin, b.begin), larger(a.end, b.end)}; }

uint32_t bindingAlignment(const DeviceFacts& facts) {
    return facts.storageBufferAlignment > 16 ? facts.storageBufferAlignment : 16;
}

// Whether the first `count` rows fit, whatever their alignment: the slack is the most that rounding out can add.
static bool fits(const RowShape& shape, const BoundTensor* tensors, uint32_t tensorCount, uint64_t count,
                 uint64_t maxRange, uint32_t alignment) {
    ByteRange range;
    for (uint32_t i = 0; i < tensorCount; ++i) {
        const BoundTensor& bound = tensors[i];
        const bool isAll = !bound.isPerRow || count == shape.rows;
        const ByteRange own = isAll ? bound.all : rowRange(*bound.tensor, shape, 0, count);
        const bool continues = i != 0 && tensors[i - 1].binding == bound.binding;
        range = continues ? join(range, own) : own;
        if (range.end == kTooLarge || saturatingAdd(range.size(), alignment + 3u) > maxRange) {
            return false;
        }
    }
    return true;
}

// The largest n in [0, most] for which n units fit; units are whole blocks or single rows.
template <typename Fits>
static uint64_t largestThatFits(uint64_t most, const Fits& fitsUnits) {
    uint64_t low = 0;
    uint64_t high = most;
    while (low < high) {
        const uint64_t middle = high - (high - low) / 2;
        if (fitsUnits(middle)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

bool planSplit(const RowShape& shape, const BoundTensor* tensors, uint32_t tensorCount, uint64_t maxRange,
               uint32_t alignment, bool mayJoinOuters, Split& split) {
    const auto rowsFit = [&](uint64_t count) { return fits(shape, tensors, tensorCount, count, maxRange, alignment); };
    const uint64_t outers = divideUp(shape.rows, shape.rowsPerOuter);
    const bool mayJoin = mayJoinOuters || outers <= 1;
    if (mayJoin && shape.rows <= kMaxRowsPerDispatch && rowsFit(shape.rows)) {
        split = {shape.rows, 0, 1};
        return true;
    }
    if (mayJoin && outers > 1 && shape.rowsPerOuter <= kMaxRowsPerDispatch) {
        const uint64_t most = smaller(outers, kMaxRowsPerDispatch / shape.rowsPerOuter);
        const auto outersFit = [&](uint64_t n) { return rowsFit(smaller(n * shape.rowsPerOuter, shape.rows)); };
        const uint64_t whole = largestThatFits(most, outersFit);
        if (whole != 0) {
            split = {whole * shape.rowsPerOuter, 0, divideUp(outers, whole)};
            return true;
        }
    }
    const uint64_t inner = smaller(shape.rowsPerOuter, shape.rows);
    const uint64_t run = largestThatFits(smaller(inner, kMaxRowsPerDispatch), rowsFit);
    if (run == 0) {
        return false;
    }
    const uint64_t perOuter = divideUp(inner, run);
    split = {run, perOuter, saturatingMultiply(perOuter, outers)};
    return split.dispatchCount != kTooLarge;
}

RowRun runOfDispatch(const Split& split, const RowShape& shape, uint64_t index) {
    RowRun run;
    uint64_t end = shape.rows;
    if (split.dispatchesPerOuter == 0) {
        run.first = index * split.rowsPerDispatch;
    } else {
        const uint64_t outer = index / split.dispatchesPerOuter;
        run.first = outer * shape.rowsPerOuter + index % split.dispatchesPerOuter * split.rowsPerDispatch;
        end = smaller(end, (outer + 1) * shape.rowsPerOuter);
    }
    run.count = run.first < end ? smaller(split.rowsPerDispatch, end - run.first) : 0;
    return run;
}

uint32_t dividingBy(uint64_t rows) {
    const uint32_t shift = static_cast<uint32_t>(std::bit_width(rows - 1));
    const uint64_t multiplier = divideUp(uint64_t{1} << (VKN_ROW_BITS + shift), rows);
    return static_cast<uint32_t>(multiplier << VKN_DIVISOR_SHIFT_BITS) | shift;
}

}  // namespace vkn
