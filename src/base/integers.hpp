// Arithmetic of sizes and counts.
#pragma once

#include <bit>
#include <cstdint>

namespace vkn {

constexpr uint64_t divideUp(uint64_t a, uint64_t b) { return a <= b ? (a != 0 ? 1 : 0) : (a - 1) / b + 1; }
constexpr uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }
constexpr uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

// Where `b` is a power of two, without a division: of these, recording takes dozens.
constexpr uint64_t remainderOfPower(uint64_t a, uint64_t b) { return a & (b - 1); }
constexpr uint64_t roundDownToPower(uint64_t a, uint64_t b) { return a & ~(b - 1); }
constexpr uint64_t quotientOfPower(uint64_t a, uint64_t b) { return a >> std::countr_zero(b); }

}  // namespace vkn
