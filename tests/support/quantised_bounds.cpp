#include "quantised_bounds.hpp"

#include "formats.hpp"

#include <algorithm>
#include <cmath>

// The derivation. u = 2^-24, as in bounds.cpp.
//
// Scale. The absolute maximum of what fp32 holds is exact, and monotonic in each element, so the ends of the elements'
// intervals give its ends. Its product with fp32's 1 / limit is one operation, rounded to nearest, monotonic as well. A
// maximum below 2^-126 may be flushed to zero anywhere on the way, and then the scale is 1; one from there on has a scale
// of at least 2^-126, since a smaller one could not be divided by.
//
// Quotient. y is multiplied by q, which is 1 / scale from a division with the error d, |d| <= 2.5 ULP <= 5u, and a Newton
// step. With i = (1 + d) / scale: scale * i = (1 + d)(1 + e1), and 1 less that is exact (Sterbenz), r = -d - e1 (1 + d).
// Then i r (1 + e2), and i + i r (1 + e2) rounded by e3:
//   q = (1 + d)(1 + r (1 + e2))(1 + e3) / scale, and (1 + d)(1 + r) = 1 - d^2 - e1 (1 + d)^2,
// so q is off by 2u, of e1 and e3, and some dozens of u^2. If scale is a power of two, scale * i is exact, e1 = 0, and
// 1 - d^2 with its correction's rounding lies nearer to 1 than to any other number: q is exact. From 2^100 on the
// correction i r may be less than 2^-126 and lost: d remains, and e3. The product with y is off by u, or exact where q is
// a power of two.
//
// Where y may be less than 2^-126 the product may have taken it for zero. A quotient that small rounds to zero anyway.

namespace vknorm::test {
namespace {

constexpr double kU = 0x1p-24;
constexpr double kDivision = 5.0;
constexpr double kCorrected = 2.0;
constexpr double kSecondOrder = 1.0 + 0x1p-16;
constexpr double kLargest = 0x1.fffffep127;
constexpr double kUncorrected = 0x1p100;

double finite(double magnitude) { return std::min(roundTo(VKN_TYPE_F32, magnitude), kLargest); }

// The interval of an element's magnitude.
Interval magnitude(const Interval& y) {
    const bool hasZero = y.low <= 0.0 && y.high >= 0.0;
    const double a = std::fabs(y.low);
    const double b = std::fabs(y.high);
    return {hasZero ? 0.0 : finite(std::min(a, b)), finite(std::max(a, b))};
}

bool isPowerOfTwo(double value) {
    int exponent = 0;
    return std::frexp(value, &exponent) == 0.5;
}

double relativeError(double scale) {
    if (scale >= kUncorrected) {
        return (kDivision + 2.0) * kU * kSecondOrder;
    }
    return isPowerOfTwo(scale) ? 0.0 : (kCorrected + 1.0) * kU * kSecondOrder;
}

}  // namespace

bool ScaleBound::permits(double scale) const {
    return (scale >= allowed.low && scale <= allowed.high) || (mayBeOne && scale == 1.0);
}

ScaleBound boundScale(VknType type, double largest, const std::vector<Interval>& y, const std::vector<double>& exact) {
    Interval maximum = {0.0, 0.0};
    double exactMaximum = 0.0;
    for (size_t i = 0; i < y.size(); ++i) {
        if (std::isnan(exact[i])) {
            continue;
        }
        const Interval element = magnitude(y[i]);
        maximum = {std::max(maximum.low, element.low), std::max(maximum.high, element.high)};
        exactMaximum = std::max(exactMaximum, std::min(std::fabs(exact[i]), kLargest));
    }
    const double most = largest > 0.0 ? largest : kLargest;
    const double reciprocal = roundTo(VKN_TYPE_F32, 1.0 / largestValue(type));
    const auto scaleOf = [&](double value) {
        return std::max(roundTo(VKN_TYPE_F32, std::min(std::max(value, kFlush), most) * reciprocal), kFlush);
    };
    ScaleBound bound;
    bound.mayBeOne = maximum.low < kFlush;
    bound.allowed = {scaleOf(maximum.low), maximum.high < kFlush ? 0.0 : scaleOf(maximum.high)};
    bound.exact = exactMaximum < kFlush ? 1.0 : std::min(exactMaximum, most) / largestValue(type);
    return bound;
}

Interval boundQuotient(const Interval& y, double scale) {
    Interval value = {roundTo(VKN_TYPE_F32, y.low), roundTo(VKN_TYPE_F32, y.high)};
    if (value.low < kFlush && value.high > -kFlush) {
        value = {std::min(value.low, 0.0), std::max(value.high, 0.0)};
    }
    const double error = relativeError(scale);
    const auto errorOf = [&](double end) { return std::isfinite(end) ? std::fabs(end) * error : 0.0; };
    const double low = value.low / scale;
    const double high = value.high / scale;
    return {low - errorOf(low), high + errorOf(high)};
}

bool isRightCode(VknType type, const Interval& quotient, double exact, uint32_t bits) {
    if (std::isnan(exact)) {
        return type == VKN_TYPE_I8 ? bits == 0 : isNan(type, bits);
    }
    // Both zeros are right. -128 and NaN lie between no two codes that are made.
    const double got = decode(type, bits);
    return got >= roundTo(type, quotient.low) && got <= roundTo(type, quotient.high);
}

}  // namespace vknorm::test
