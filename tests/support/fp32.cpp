#include "fp32.hpp"

#include "formats.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace vknorm::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Rounds the ends, and takes zero in where a device may have flushed.
Fp32Range rounded(double low, double high) {
    Interval interval = {roundTo(VKN_TYPE_F32, low), roundTo(VKN_TYPE_F32, high)};
    if (low < kFlush && high > -kFlush) {
        interval = {std::min(interval.low, 0.0), std::max(interval.high, 0.0)};
    }
    return Fp32Range(interval);
}

// What follows from operands that are NaN, or from infinities that may cancel or meet a zero.
Fp32Range unknown(const Fp32Range& a, const Fp32Range& b) {
    const bool isNan = a.isNan() || b.isNan() || (a.isNumber() && b.isNumber());
    return Fp32Range(isNan ? Interval{kNan, kNan} : Interval{-HUGE_VAL, HUGE_VAL});
}

}  // namespace

Fp32 Fp32::rounded(double value) { return Fp32(roundTo(VKN_TYPE_F32, value)); }

Fp32 operator+(Fp32 a, Fp32 b) { return Fp32::rounded(a.value() + b.value()); }

Fp32 operator*(Fp32 a, Fp32 b) { return Fp32::rounded(a.value() * b.value()); }

Fp32Range::Fp32Range(double value) : interval_{value, value} {
    if (std::fabs(value) < kFlush) {
        interval_ = {std::min(value, 0.0), std::max(value, 0.0)};
    }
}

bool Fp32Range::isNan() const { return std::isnan(interval_.low); }

Fp32Range operator+(const Fp32Range& a, const Fp32Range& b) {
    const double low = a.interval().low + b.interval().low;
    const double high = a.interval().high + b.interval().high;
    return std::isnan(low) || std::isnan(high) ? unknown(a, b) : rounded(low, high);
}

Fp32Range operator*(const Fp32Range& a, const Fp32Range& b) {
    const Interval& x = a.interval();
    const Interval& y = b.interval();
    const double corners[] = {x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high};
    if (std::any_of(std::begin(corners), std::end(corners), [](double corner) { return std::isnan(corner); })) {
        return unknown(a, b);
    }
    const auto ends = std::minmax_element(std::begin(corners), std::end(corners));
    return rounded(*ends.first, *ends.second);
}

}  // namespace vknorm::test
