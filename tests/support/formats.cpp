#include "formats.hpp"

#include <cmath>
#include <cstring>
#include <limits>

namespace vknorm::test {
namespace {

constexpr FormatFacts kFacts[] = {
    {"f32", 32, 23, 127, 0x7F800000u, 0x7FC00000u},
    {"f16", 16, 10, 15, 0x7C00u, 0x7E00u},
    {"bf16", 16, 7, 127, 0x7F80u, 0x7FC0u},
};

uint32_t signBit(const FormatFacts& facts) { return 1u << (facts.bits - 1); }

// Position on the line of representable values: monotonic, and both zeros are 0.
int64_t linePosition(VknType type, uint32_t bits) {
    const uint32_t sign = signBit(formatFacts(type));
    const int64_t magnitude = static_cast<int64_t>(bits & (sign - 1));
    return (bits & sign) != 0 ? -magnitude : magnitude;
}

}  // namespace

const FormatFacts& formatFacts(VknType type) { return kFacts[type]; }

size_t elementSize(VknType type) { return formatFacts(type).bits / 8; }

double decode(VknType type, uint32_t bits) {
    const FormatFacts& facts = formatFacts(type);
    const uint32_t sign = signBit(facts);
    const uint32_t magnitude = bits & (sign - 1);
    double value = 0.0;
    if (magnitude > facts.infinityBits) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    if (magnitude == facts.infinityBits) {
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
    const FormatFacts& facts = formatFacts(type);
    if (std::isnan(value)) {
        return facts.quietNan;
    }
    const uint32_t sign = std::signbit(value) ? signBit(facts) : 0u;
    const double magnitude = std::fabs(value);
    if (magnitude == 0.0) {
        return sign;
    }
    if (std::isinf(magnitude)) {
        return sign | facts.infinityBits;
    }
    int exponent = 0;
    std::frexp(magnitude, &exponent);  // magnitude = [0.5, 1) * 2^exponent
    const int least = 1 - facts.bias;
    const int binade = exponent - 1 < least ? least : exponent - 1;
    if (binade > facts.bias) {
        return sign | facts.infinityBits;
    }
    // Whole steps of the binade; a double has bits enough for the scaled value to be exact.
    const double scaled = std::ldexp(magnitude, facts.mantissaBits - binade);
    double steps = std::floor(scaled);
    const double rest = scaled - steps;
    if (rest > 0.5 || (rest == 0.5 && std::fmod(steps, 2.0) != 0.0)) {
        steps += 1.0;
    }
    // Adding instead of or-ing lets a carry climb into the exponent, up to infinity.
    const uint32_t whole = static_cast<uint32_t>(steps);
    const uint32_t one = 1u << facts.mantissaBits;
    if (whole < one) {
        return sign | whole;  // subnormal
    }
    const uint32_t biased = static_cast<uint32_t>(binade + facts.bias);
    return sign | ((biased << facts.mantissaBits) + (whole - one));
}

double roundTo(VknType type, double value) { return decode(type, encode(type, value)); }

bool isNan(VknType type, uint32_t bits) {
    const FormatFacts& facts = formatFacts(type);
    return (bits & (signBit(facts) - 1)) > facts.infinityBits;
}

bool isSubnormal(VknType type, uint32_t bits) {
    const FormatFacts& facts = formatFacts(type);
    const uint32_t magnitude = bits & (signBit(facts) - 1);
    return magnitude != 0 && magnitude < (1u << facts.mantissaBits);
}

uint64_t ulpDistance(VknType type, uint32_t a, uint32_t b) {
    const int64_t distance = linePosition(type, a) - linePosition(type, b);
    return static_cast<uint64_t>(distance < 0 ? -distance : distance);
}

double ulpSize(VknType type, double value) {
    const FormatFacts& facts = formatFacts(type);
    int exponent = 0;
    std::frexp(value, &exponent);
    const int least = 1 - facts.bias;
    int binade = value == 0.0 || exponent - 1 < least ? least : exponent - 1;
    binade = binade > facts.bias ? facts.bias : binade;
    return std::ldexp(1.0, binade - facts.mantissaBits);
}

uint32_t stepBits(VknType type, uint32_t bits, int64_t steps) {
    const int64_t position = linePosition(type, bits) + steps;
    const uint32_t magnitude = static_cast<uint32_t>(position < 0 ? -position : position);
    return position < 0 ? signBit(formatFacts(type)) | magnitude : magnitude;
}

uint32_t loadBits(VknType type, const uint8_t* address) {
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
    if (elementSize(type) == 2) {
        const uint16_t half = static_cast<uint16_t>(bits);
        std::memcpy(address, &half, sizeof half);
        return;
    }
    std::memcpy(address, &bits, sizeof bits);
}

}  // namespace vknorm::test
