// Element formats on the CPU: a second, straightforward implementation, so that the kernels are not their own judge.
#pragma once

#include <vknorm/vknorm.h>

#include <cstddef>
#include <cstdint>

namespace vknorm::test {

struct FormatFacts {
    const char* name;
    uint32_t bits;          // of an element
    int mantissaBits;       // stored ones
    int bias;               // of the exponent
    uint32_t infinityBits;  // +Inf
    uint32_t quietNan;      // the NaN that encode() makes
};

const FormatFacts& formatFacts(VknType type);
size_t elementSize(VknType type);

// Exact value of an element. NaN for NaN.
double decode(VknType type, uint32_t bits);

// Round to nearest, ties to even, once; overflow to infinity, subnormals kept.
uint32_t encode(VknType type, double value);

// encode() and decode(): the value that a store leaves behind.
double roundTo(VknType type, double value);

bool isNan(VknType type, uint32_t bits);
bool isSubnormal(VknType type, uint32_t bits);

// Representable values between a and b, 0 for equal ones and for +0 and -0. Neither is NaN; infinity counts as the
// value after the largest.
uint64_t ulpDistance(VknType type, uint32_t a, uint32_t b);

// The distance between representable values around `value`: that of its binade, the subnormal step below the normals.
double ulpSize(VknType type, double value);

// The element `steps` representable values further up (or down).
uint32_t stepBits(VknType type, uint32_t bits, int64_t steps);

// An element in memory, at any address.
uint32_t loadBits(VknType type, const uint8_t* address);
void storeBits(VknType type, uint8_t* address, uint32_t bits);

}  // namespace vknorm::test
