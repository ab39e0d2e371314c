#include "api/aliasing.hpp"

namespace vkn {

bool rangesOverlap(const ByteRange& a, const ByteRange& b) { return a.begin < b.end && b.begin < a.end; }

bool rowsOverlap(const Tensor& tensor, const RowShape& shape) {
    const uint64_t outers = shape.rows / shape.rowsPerOuter + (shape.rows % shape.rowsPerOuter != 0 ? 1 : 0);
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

// Whether tensors are columns of one matrix that do not meet.
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
    const uint64_t startA = a.offset % stride;
    const uint64_t startB = b.offset % stride;
    const uint64_t fromAToB = (startB + stride - startA) % stride;
    const uint64_t fromBToA = (startA + stride - startB) % stride;
    return fromAToB >= a.rowElements * a.elementSize && fromBToA >= b.rowElements * b.elementSize;
}

bool tensorsOverlap(const PlacedTensor& a, const PlacedTensor& b, const RowShape& shape) {
    return rangesOverlap(a.range, b.range) && !areApartColumns(a.tensor, b.tensor, shape);
}

}  // namespace vkn
