// Rotary position embedding on the CPU: the angle of a pair, and how far a kernel's sine and cosine may be from its own.
#pragma once

#include "fp32.hpp"

#include <cstdint>
#include <utility>

namespace vknorm::test {

// The error of cosSinOfTurns (shaders/include/functions.glsl), and of a fraction of a turn cut to 32 bits: 2 pi / 2^32.
inline constexpr double kTurnError = 9.0e-8 + 1.5e-9;

// The two words that a table has for a pair: what it turns a position, as a fraction of 2^64.
struct TurnsOfPair {
    uint32_t low;
    uint32_t high;
};

// In radians, from 0 to 2 pi.
double angleOf(uint32_t position, TurnsOfPair turns);

// Where (a, b) may come to lie.
std::pair<Fp32Range, Fp32Range> turned(const Fp32Range& a, const Fp32Range& b, const Fp32Range& cosine,
                                       const Fp32Range& sine);

}  // namespace vknorm::test
