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
    uint32_t largestBits;   // the largest finite number
    uint32_t infinityBits;  // +Inf; 0 where there is none
    uint32_t quietNan;      // the NaN that encode() makes; 0 where there is none
    bool saturates;         // beyond the largest number comes the largest number
};

// Types of 8 bits, which kernels only write, and scaled.
inline bool isQuantised(VknType type) { return type >= VKN_TYPE_I8 && type <= VKN_TYPE_F8_E5M2; }

const FormatFacts& formatFacts(VknType type);
size_t elementSize(VknType type);

// Exact value of an element. NaN for NaN.
double decode(VknType type, uint32_t bits);

// Round to nearest, ties to even, once; overflow to infinity or, where the type saturates, to the largest number;
// subnormals kept. NaN is 0 as an integer.
uint32_t encode(VknType type, double value);

// encode() and decode(): the value that a store leaves behind.
double roundTo(VknType type, double value);

bool isNan(VknType type, uint32_t bits);
bool isSubnormal(VknType type, uint32_t bits);

// The largest finite number.
double largestValue(VknType type);

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
