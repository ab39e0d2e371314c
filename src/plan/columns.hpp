// How the rows of a column are divided for its statistics.
#pragma once

#include <cstdint>

namespace vkn {

struct ColumnParts {
    uint64_t rowsPerPart = 0;
    uint64_t count = 0;
};

// The parts of all rows, which come in dispatches of rowsPerDispatch. A formula of these numbers alone, so that sums are the same
// on every device that does not have to split its tensors. Parts do not straddle dispatches: `rowsPerDispatch` is made a multiple
// of theirs where there are several.
ColumnParts divideColumns(uint64_t rows, uint32_t hiddenSize, uint64_t& rowsPerDispatch);

// Rows of a part where nothing else limits them.
uint64_t rowsOfParts(uint64_t rows, uint64_t width);

// The most parts that any number of rows has in one dispatch.
uint64_t mostParts(uint64_t width);

// Bytes of what is known of parts: two floats a column.
uint64_t bytesOfParts(uint64_t count, uint32_t hiddenSize);

}  // namespace vkn
