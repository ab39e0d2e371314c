#include "api/aliasing.hpp"

#include "base/integers.hpp"

namespace vkn {

bool rangesOverlap(const ByteRange& a, const ByteRange& b) { return a.begin < b.end && b.begin < a.end; }

bool rowsOverlap(const Tensor& tensor, const RowShape& shape) {
    const uint64_t outers = divideUp(shape.rows, shape.rowsPerOuter);
    const uint64_t inners = shape.rows < shape.rowsPerOuter ? shape.rows : shape.rowsPerOuter;
    if (outers <= 1) {
        return inners > 1 && tensor.rowStride < tensor.rowElements;
    }
    // The dimension with the shorter stride must fit inside one step of the other.
    const bool rowIsInner = tensor.rowStride <= tensor.outerStride;
    const uint64_t shortStride = rowIsInner ? tensor.rowStride : tensor.outerStride;
    const uint64_t longStride = rowIsInner ? tensor.outerStride : tensor.rowStride;
    const uint64_t shortCount = rowIsInner ? inners : outers;
    const uint64_t longCount = rowIsInner ? outers : inners;
    const uint64_t span = saturatingAdd(saturatingMultiply(shortStride, shortCount - 1), tensor.rowElements);
    return (shortCount > 1 && shortStride < tensor.rowElements) || (longCount > 1 && longStride < span);
}

// Where what a tensor has of each step of a stride lies, in bytes.
struct Column {
    uint64_t begin;
    uint64_t size;
};

static bool areApart(const Column& a, const Column& b, uint64_t stride) {
    const uint64_t startA = a.begin % stride;
    const uint64_t startB = b.begin % stride;
    return (startB + stride - startA) % stride >= a.size && (startA + stride - startB) % stride >= b.size;
}

// Whether rows are columns of one matrix that do not meet.
static bool areApartColumns(const Tensor& a, const Tensor& b, const RowShape& shape) {
    const uint64_t stride = saturatingMultiply(a.rowStride, a.elementSize);
    if (stride == 0 || stride != saturatingMultiply(b.rowStride, b.elementSize)) {
        return false;
    }
    const uint64_t outerA = saturatingMultiply(a.outerStride, a.elementSize);
    const uint64_t outerB = saturatingMultiply(b.outerStride, b.elementSize);
    const bool severalOuters = shape.rows > shape.rowsPerOuter;
    if (severalOuters && (outerA % stride != 0 || outerB % stride != 0)) {
        return false;
    }
    return areApart({a.offset, a.rowElements * a.elementSize}, {b.offset, b.rowElements * b.elementSize}, stride);
}

// All of an outer block, as one column.
static Column blockOf(const Tensor& tensor, const RowShape& shape) {
    const RowShape own = shapeOf(tensor, shape);
    const uint64_t elements =
        saturatingAdd(saturatingMultiply(own.rowsPerOuter - 1, tensor.rowStride), tensor.rowElements);
    return {tensor.offset, saturatingMultiply(elements, tensor.elementSize)};
}

// The same for outer blocks, such as the heads of the query and of the key in each token of a packed tensor.
static bool areApartBlocks(const Tensor& a, const Tensor& b, const RowShape& shape) {
    const uint64_t stride = saturatingMultiply(a.outerStride, a.elementSize);
    return stride != 0 && stride != kTooLarge && stride == saturatingMultiply(b.outerStride, b.elementSize) &&
           areApart(blockOf(a, shape), blockOf(b, shape), stride);
}

bool tensorsOverlap(const PlacedTensor& a, const PlacedTensor& b, const RowShape& shape) {
    return rangesOverlap(a.range, b.range) && !areApartColumns(a.tensor, b.tensor, shape) &&
           !areApartBlocks(a.tensor, b.tensor, shape);
}

}  // namespace vkn
