// Index arithmetic of tensors: which bytes a run of rows covers, and how tensors that are too large for one binding are split.
// 64-bit and saturating throughout; a dispatch's own numbers fit in 32 bits by construction.
#pragma once

#include "plan/facts.hpp"

namespace vkn {

// An operand of a recording, with its defaults filled in.
struct Tensor {
    VkBuffer buffer = VK_NULL_HANDLE;
    uint64_t offset = 0;      // bytes
    uint64_t bufferSize = 0;  // bytes
    uint32_t elementSize = 0;
    uint64_t rowElements = 0;  // elements of a row that are accessed; for parameters there is one "row"
    uint64_t rowStride = 0;    // elements; 0 for parameters
    uint64_t outerStride = 0;
    uint64_t sourceRows = 0;   // of a tensor whose rows are gathered: rowElements span them all
    uint64_t rowsOfOuter = 0;  // that the tensor has, where it does not have all rows of an outer block
};

struct RowShape {
    uint64_t rows = 0;
    uint64_t rowsPerOuter = 0;  // at least 1
};

// The rows that a tensor has of an operation's.
RowShape shapeOf(const Tensor& tensor, const RowShape& shape);

struct ByteRange {
    uint64_t begin = 0;
    uint64_t end = 0;  // one past the last

    uint64_t size() const { return end - begin; }
};

constexpr uint64_t kTooLarge = UINT64_MAX;
uint64_t saturatingMultiply(uint64_t a, uint64_t b);
uint64_t saturatingAdd(uint64_t a, uint64_t b);

// Bytes of the buffer that `count` rows from `first` on cover. A run that spans outer blocks starts with a whole one. Of a tensor
// that does not have all rows, those of whole outer blocks.
// end is kTooLarge where the arithmetic does not fit.
ByteRange rowRange(const Tensor& tensor, const RowShape& shape, uint64_t first, uint64_t count);

// The same, rounded out to what kernels access: the start down to the offset alignment of a binding, the end up to a word.
ByteRange boundRange(const ByteRange& range, uint32_t bindingAlignment);
ByteRange join(const ByteRange& a, const ByteRange& b);

// Alignment of bound ranges on a device: 128-bit accesses need 16 even where the device permits less.
uint32_t bindingAlignment(const DeviceFacts& facts);

// How rows become dispatches: runs of whole outer blocks, or runs of rows inside each.
struct Split {
    uint64_t rowsPerDispatch = 0;
    uint64_t dispatchesPerOuter = 0;  // 0: runs of whole outer blocks
    uint64_t dispatchCount = 0;
};

// Tensors that share a binding follow each other and have the same number in `binding`.
struct BoundTensor {
    const Tensor* tensor;
    uint32_t binding;
    bool isPerRow;
    ByteRange all;  // of all rows
};

// The largest runs of rows for which no binding is larger than `maxRange`, of one outer block each if they may not join. False where not even one row fits.
bool planSplit(const RowShape& shape, const BoundTensor* tensors, uint32_t tensorCount, uint64_t maxRange,
               uint32_t alignment, bool mayJoinOuters, Split& split);

struct RowRun {
    uint64_t first = 0;
    uint64_t count = 0;
};
RowRun runOfDispatch(const Split& split, const RowShape& shape, uint64_t index);

// A multiplier and a shift with which kernels divide the numbers of a dispatch's rows: outerOf() in shaders/include/operands.glsl.
// Source: Granlund and Montgomery, "Division by invariant integers using multiplication", 1994.
uint32_t dividingBy(uint64_t rows);
constexpr uint32_t kDividingToZero = 0;  // of all of them

}  // namespace vkn
