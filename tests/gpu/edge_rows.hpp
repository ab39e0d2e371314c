// Rows at the edges of the formats and of the arithmetic.
#pragma once

#include <vknorm/vknorm.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace vknorm::test {

inline constexpr uint32_t kEdgeHidden = 1000;

using RowFunction = double (*)(uint64_t column);

struct EdgeRows {
    std::vector<RowFunction> rows;
    std::vector<VknType> types;  // that can hold them
    float epsilon;
};

const EdgeRows& nanAndInfinityRows();
const EdgeRows& zeroAndConstantRows();
const EdgeRows& rowsBeyondTheRangeOfSquares();  // squares that overflow, in rows of all sizes
const EdgeRows& tinyRows();
const EdgeRows& tinyFp16Rows();
const EdgeRows& tinyRowsWithoutEpsilon();  // the scale of a row must not matter at all
const EdgeRows& fp16RowsWhoseSquaresPass65504();
// All of the above.
const std::vector<const EdgeRows*>& everyEdge();

// An ordinary element.
double noise(uint64_t seed, uint64_t column);
// The same ordinary row again and again.
std::function<double(uint64_t row, uint64_t column)> rowsOfNoise(uint64_t seed);
// Ordinary rows at even indices, the edges between them: what is wrong with one must not show in another.
std::function<double(uint64_t row, uint64_t column)> amongNoise(const EdgeRows& edge);
uint64_t rowsAmongNoise(const EdgeRows& edge);

}  // namespace vknorm::test
