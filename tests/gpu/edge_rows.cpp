#include "gpu/edge_rows.hpp"

#include "support/random.hpp"

#include <cmath>
#include <limits>

namespace vknorm::test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

const EdgeRows& nanAndInfinityRows() {
    static const EdgeRows edge = {
        {[](uint64_t c) { return c == 0 ? kNan : 1.0; }, [](uint64_t c) { return c == 999 ? kNan : noise(1, c); },
         [](uint64_t c) { return c == 500 ? kInf : noise(2, c); },
         [](uint64_t c) { return c == 0 ? -kInf : noise(3, c); },
         [](uint64_t c) { return c == 7     ? kInf
                                 : c == 900 ? -kInf
                                            : noise(4, c); },
         [](uint64_t c) { return c == 3   ? kNan
                                 : c == 4 ? kInf
                                          : noise(5, c); }, [](uint64_t) { return kNan; },
         [](uint64_t) { return -kInf; }},
        {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16},
        1e-5f};
    return edge;
}

const EdgeRows& zeroAndConstantRows() {
    static const EdgeRows edge = {
        {[](uint64_t) { return 0.0; }, [](uint64_t) { return -0.0; }, [](uint64_t) { return 3.140625; },
         [](uint64_t) { return -1e4; }, [](uint64_t) { return 1.0; }, [](uint64_t c) { return c == 17 ? 1e-3 : 0.0; },
         [](uint64_t c) { return c == 999 ? 1.0 : 0.0; }, [](uint64_t c) { return c == 0 ? 6e4 : 0.0; }},
        {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16},
        1e-5f};
    return edge;
}

const EdgeRows& rowsBeyondTheRangeOfSquares() {
    static const EdgeRows edge = {
        {[](uint64_t c) { return 1.9e19 * noise(1, c); }, [](uint64_t c) { return c % 2 == 0 ? 3e38 : -3e38; },
         [](uint64_t c) { return 3e38 * (0.5 + 0.4 * std::cos(static_cast<double>(c))); },
         [](uint64_t c) { return c == 12 ? 3e38 : noise(2, c); }, [](uint64_t c) { return 1e30 * noise(3, c); },
         [](uint64_t c) { return c == 3 ? 1e25 : 1e20 * noise(4, c); }, [](uint64_t) { return 3.3e38; }},
        {VKN_TYPE_F32, VKN_TYPE_BF16},
        1e-5f};
    return edge;
}

const EdgeRows& tinyRows() {
    static const EdgeRows edge = {
        {[](uint64_t c) { return 1e-22 * noise(1, c); }, [](uint64_t c) { return 1e-30 * noise(2, c); },
         [](uint64_t c) { return 1e-40 * noise(3, c); }, [](uint64_t c) { return c == 0 ? 1e-20 : 1e-38; },
         [](uint64_t c) { return c == 9 ? 1.0 : 1e-39; }},
        {VKN_TYPE_F32, VKN_TYPE_BF16},
        1e-5f};
    return edge;
}

const EdgeRows& tinyFp16Rows() {
    static const EdgeRows edge = {
        {[](uint64_t c) { return 1e-7 * noise(1, c); }, [](uint64_t) { return 0x1p-24; },
         [](uint64_t c) { return 6e-5 * noise(2, c); }, [](uint64_t c) { return c == 0 ? 0x1p-14 : 0x1p-20; }},
        {VKN_TYPE_F16},
        1e-12f};
    return edge;
}

const EdgeRows& tinyRowsWithoutEpsilon() {
    static const EdgeRows edge = {
        {[](uint64_t c) { return 1e-22 * (1.0 + 0.5 * std::sin(static_cast<double>(c))); },
         [](uint64_t c) { return 1e-30 * (2.0 + std::cos(static_cast<double>(c))); },
         [](uint64_t c) { return (c % 2 == 0 ? 2e-37 : -3e-37) * (1.0 + 0.001 * static_cast<double>(c)); },
         // Squares of 2^-96 among many that underflow by themselves and matter together.
         [](uint64_t c) { return c == 0 ? 0x1p-48 : 0x1.8p-65; },
         [](uint64_t c) { return (c % 2 == 0 ? 1 : -1) * (c == 0 ? 0x1p-47 : 0x1p-64); }},
        {VKN_TYPE_F32, VKN_TYPE_BF16},
        0.0f};
    return edge;
}

const EdgeRows& fp16RowsWhoseSquaresPass65504() {
    static const EdgeRows edge = {
        {[](uint64_t) { return 65504.0; }, [](uint64_t c) { return c % 3 == 0 ? 65504.0 : -65504.0; },
         [](uint64_t c) { return 300.0 * noise(1, c); }, [](uint64_t c) { return c == 0 ? 60000.0 : noise(2, c); },
         // Variance below fp16's smallest number.
         [](uint64_t c) { return 1e-4 * noise(3, c); }},
        {VKN_TYPE_F16},
        1e-12f};
    return edge;
}

const std::vector<const EdgeRows*>& everyEdge() {
    static const std::vector<const EdgeRows*> edges = {
        &nanAndInfinityRows(), &zeroAndConstantRows(),    &rowsBeyondTheRangeOfSquares(),  &tinyRows(),
        &tinyFp16Rows(),       &tinyRowsWithoutEpsilon(), &fp16RowsWhoseSquaresPass65504()};
    return edges;
}

double noise(uint64_t seed, uint64_t column) { return Random(seed * 1000003 + column).normal(); }

std::function<double(uint64_t row, uint64_t column)> rowsOfNoise(uint64_t seed) {
    return [seed](uint64_t, uint64_t column) { return noise(seed, column); };
}

std::function<double(uint64_t row, uint64_t column)> amongNoise(const EdgeRows& edge) {
    return [&edge](uint64_t row, uint64_t column) {
        return row % 2 == 0 ? noise(row, column) : edge.rows[row / 2](column);
    };
}

uint64_t rowsAmongNoise(const EdgeRows& edge) { return 2 * edge.rows.size() + 1; }

}  // namespace vknorm::test
