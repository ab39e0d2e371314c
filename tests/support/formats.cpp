#include "formats.hpp"

#include <cmath>
#include <cstring>
#include <limits>

namespace vknorm::test {
namespace {

constexpr FormatFacts kFacts[] = {
    {"f32", 32, 23, 127, 0x7F7FFFFFu, 0x7F800000u, 0x7FC00000u, false},
    {"f16", 16, 10, 15, 0x7BFFu, 0x7C00u, 0x7E00u, false},
    {"bf16", 16, 7, 127, 0x7F7Fu, 0x7F80u, 0x7FC0u, false},
    {"i8", 8, 7, 0, 127u, 0u, 0u, true},
    {"e4m3", 8, 3, 7, 0x7Eu, 0u, 0x7Fu, true},
    {"e5m2", 8, 2, 15, 0x7Bu, 0x7Cu, 0x7Fu, true},
};

uint32_t signBit(const FormatFacts& facts) { return 1u << (facts.bits - 1); }

// Position on the line of representable values: monotonic, and both zeros are 0.
int64_t linePosition(VknType type, uint32_t bits) {
    if (type == VKN_TYPE_I8) {
        return static_cast<int8_t>(bits);
    }
    const uint32_t sign = signBit(formatFacts(type));
    const int64_t magnitude = static_cast<int64_t>(bits & (sign - 1));
    return (bits & sign) != 0 ? -magnitude : magnitude;
}

// To an integer, ties to even.
double roundToEven(double value) {
    const double whole = std::floor(value);
    const double rest = value - whole;
    return rest > 0.5 || (rest == 0.5 && std::fmod(whole, 2.0) != 0.0) ? whole + 1.0 : whole;
}

// Two's complement, symmetrical: -128 is never made.
uint32_t encodeInteger(double value) {
    if (std::isnan(value)) {
        return 0;
    }
    const double limited = std::fmin(std::fmax(value, -127.0), 127.0);
    return static_cast<uint8_t>(static_cast<int>(roundToEven(limited)));
}

}  // namespace

const FormatFacts& formatFacts(VknType type) { return kFacts[type]; }

size_t elementSize(VknType type) { return formatFacts(type).bits / 8; }

double decode(VknType type, uint32_t bits) {
    if (type == VKN_TYPE_I8) {
        return static_cast<int8_t>(bits);
    }
    const FormatFacts& facts = formatFacts(type);
    const uint32_t sign = signBit(facts);
    const uint32_t magnitude = bits & (sign - 1);
    double value = 0.0;
    if (isNan(type, bits)) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    if (magnitude > facts.largestBits) {
        value = std::numeric_limits<double>::infinity();
    } else {
        const uint32_t one = 1u << facts.mantissaBits;
        const int exponent = static_cast<int>(magnitude >> facts.mantissaBits);
        const uint32_t mantissa = magnitude & (one - 1);
        const uint32_t significand = exponent == 0 ? mantissa : mantissa | one;
        value = std::ldexp(significand, (exponent == 0 ? 1 : exponent) - facts.bias - facts.mantissaBits);
    }
    return (bits & sign) != 0 ? -value : value;
}

uint32_t encode(VknType type, double value) {
    if (type == VKN_TYPE_I8) {
        return encodeInteger(value);
    }
    const FormatFacts& facts = formatFacts(type);
    if (std::isnan(value)) {
        return facts.quietNan;
    }
    const uint32_t sign = std::signbit(value) ? signBit(facts) : 0u;
    const double magnitude = std::fabs(value);
    if (magnitude == 0.0) {
        return sign;
    }
    const uint32_t overflow = facts.saturates ? facts.largestBits : facts.infinityBits;
    if (std::isinf(magnitude)) {
        return sign | overflow;
    }
    int exponent = 0;
    std::frexp(magnitude, &exponent);  // magnitude = [0.5, 1) * 2^exponent
    const int least = 1 - facts.bias;
    const int binade = exponent - 1 < least ? least : exponent - 1;
    const int last = static_cast<int>(facts.largestBits >> facts.mantissaBits) - facts.bias;
    if (binade > last) {
        return sign | overflow;
    }
    // Whole steps of the binade; a double has bits enough for the scaled value to be exact.
    const double steps = roundToEven(std::ldexp(magnitude, facts.mantissaBits - binade));
    // Adding instead of or-ing lets a carry climb into the exponent, and beyond the largest number.
    const uint32_t whole = static_cast<uint32_t>(steps);
    const uint32_t one = 1u << facts.mantissaBits;
    if (whole < one) {
        return sign | whole;  // subnormal
    }
    const uint32_t biased = static_cast<uint32_t>(binade + facts.bias);
    const uint32_t result = (biased << facts.mantissaBits) + (whole - one);
    return sign | (result > facts.largestBits ? overflow : result);
}

double roundTo(VknType type, double value) { return decode(type, encode(type, value)); }

bool isNan(VknType type, uint32_t bits) {
    if (type == VKN_TYPE_I8) {
        return false;
    }
    const FormatFacts& facts = formatFacts(type);
    const uint32_t magnitude = bits & (signBit(facts) - 1);
    return magnitude > facts.largestBits && magnitude != facts.infinityBits;
}

bool isSubnormal(VknType type, uint32_t bits) {
    if (type == VKN_TYPE_I8) {
        return false;
    }
    const FormatFacts& facts = formatFacts(type);
    const uint32_t magnitude = bits & (signBit(facts) - 1);
    return magnitude != 0 && magnitude < (1u << facts.mantissaBits);
}

double largestValue(VknType type) { return decode(type, formatFacts(type).largestBits); }

uint64_t ulpDistance(VknType type, uint32_t a, uint32_t b) {
    const int64_t distance = linePosition(type, a) - linePosition(type, b);
    return static_cast<uint64_t>(distance < 0 ? -distance : distance);
}

double ulpSize(VknType type, double value) {
    if (type == VKN_TYPE_I8) {
        return 1.0;
    }
    const FormatFacts& facts = formatFacts(type);
    int exponent = 0;
    std::frexp(value, &exponent);
    const int least = 1 - facts.bias;
    int binade = value == 0.0 || exponent - 1 < least ? least : exponent - 1;
    const int last = static_cast<int>(facts.largestBits >> facts.mantissaBits) - facts.bias;
    binade = binade > last ? last : binade;
    return std::ldexp(1.0, binade - facts.mantissaBits);
}

uint32_t stepBits(VknType type, uint32_t bits, int64_t steps) {
    const int64_t position = linePosition(type, bits) + steps;
    if (type == VKN_TYPE_I8) {
        return static_cast<uint8_t>(position);
    }
    const uint32_t magnitude = static_cast<uint32_t>(position < 0 ? -position : position);
    return position < 0 ? signBit(formatFacts(type)) | magnitude : magnitude;
}

uint32_t loadBits(VknType type, const uint8_t* address) {
    if (elementSize(type) == 1) {
        return *address;
    }
    if (elementSize(type) == 2) {
        uint16_t bits = 0;
        std::memcpy(&bits, address, sizeof bits);
        return bits;
    }
    uint32_t bits = 0;
    std::memcpy(&bits, address, sizeof bits);
    return bits;
}

void storeBits(VknType type, uint8_t* address, uint32_t bits) {
    if (elementSize(type) == 1) {
        *address = static_cast<uint8_t>(bits);
        return;
    }
    if (elementSize(type) == 2) {
        const uint16_t half = static_cast<uint16_t>(bits);
        std::memcpy(address, &half, sizeof half);
        return;
    }
    std::memcpy(address, &bits, sizeof bits);
}

}  // namespace vknorm::test
