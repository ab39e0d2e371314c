// Which tensors of one buffer may be used together.
#pragma once

#include "plan/split.hpp"

namespace vkn {

bool rangesOverlap(const ByteRange& a, const ByteRange& b);

// Whether rows of a tensor that is written would share elements.
bool rowsOverlap(const Tensor& tensor, const RowShape& shape);

// Whether two tensors of one buffer share bytes. Columns of one matrix (packed QKV) do not, though their ranges overlap.
struct PlacedTensor {
    const Tensor& tensor;
    ByteRange range;
};
bool tensorsOverlap(const PlacedTensor& a, const PlacedTensor& b, const RowShape& shape);

}  // namespace vkn
