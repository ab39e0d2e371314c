// Philox 4x32-10 (Salmon, Moraes, Dror and Shaw 2011), and dropout as VknBlockInfo makes it of that.
#pragma once

#include <array>
#include <cstdint>

namespace vknorm::test {

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

bool isDropped(uint64_t seed, uint64_t row, uint64_t column, uint32_t stream, float probability);

// What an element that is kept is multiplied with: an fp32 value.
double dropoutScale(float probability);

}  // namespace vknorm::test
