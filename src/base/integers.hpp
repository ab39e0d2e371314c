// Arithmetic of sizes and counts.
#pragma once

#include <cstdint>

namespace vkn {

constexpr uint64_t divideUp(uint64_t a, uint64_t b) { return a / b + (a % b != 0 ? 1 : 0); }
constexpr uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }
constexpr uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

}  // namespace vkn
