#include "plan/columns.hpp"

#include "base/integers.hpp"

namespace vkn {

// Enough invocations for a large GPU, and a few megabytes of scratch at most.
static constexpr uint64_t kElementsOfParts = 1u << 19;
// Below, reading the rows costs less than what is written and read for their part.
static constexpr uint64_t kLeastRowsPerPart = 32;

uint64_t mostParts(uint64_t width) { return width < kElementsOfParts ? kElementsOfParts / width : 1; }

uint64_t rowsOfParts(uint64_t rows, uint64_t width) {
    return larger(divideUp(rows, mostParts(width)), kLeastRowsPerPart);
}

ColumnParts divideColumns(uint64_t rows, uint32_t hiddenSize, uint64_t& rowsPerDispatch) {
    ColumnParts parts;
    parts.rowsPerPart = rowsOfParts(rows, hiddenSize);
    if (parts.rowsPerPart >= rowsPerDispatch) {
        parts.rowsPerPart = larger(rowsPerDispatch, 1);
    } else if (rowsPerDispatch < rows) {
        rowsPerDispatch -= rowsPerDispatch % parts.rowsPerPart;
    }
    parts.count = divideUp(rows, parts.rowsPerPart);
    return parts;
}

uint64_t bytesOfParts(uint64_t count, uint32_t hiddenSize) { return count * hiddenSize * 2 * sizeof(float); }

}  // namespace vkn
