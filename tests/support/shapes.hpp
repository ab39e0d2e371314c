// The one list of hidden sizes that every kernel form must get right.
#pragma once

#include <cstdint>

namespace vknorm::test {

struct Shape {
    uint32_t hiddenSize;
    uint32_t rows;
};

// Powers of two and their neighbours, sizes of real models, odd sizes, and rows too wide for any register file. Rows
// are uneven numbers, and few where a row is wide.
inline constexpr Shape kShapes[] = {
    {1, 37},   {2, 37},   {3, 37},   {7, 37},   {8, 37},    {31, 37},   {33, 37},   {64, 37},    {100, 37},   {127, 19},
    {128, 19}, {129, 19}, {255, 19}, {768, 11}, {769, 11},  {896, 11},  {1024, 11}, {1536, 7},   {2560, 7},   {3000, 7},
    {4096, 7}, {5120, 5}, {5125, 5}, {8192, 5}, {16384, 3}, {32768, 3}, {65536, 3}, {131072, 2}, {262144, 2},
};

// Three shapes at which every combination of types runs: odd and short, aligned, odd and long.
inline constexpr Shape kTypeShapes[] = {{129, 5}, {896, 5}, {5125, 3}};

}  // namespace vknorm::test
