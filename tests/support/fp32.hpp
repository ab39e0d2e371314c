// fp32 arithmetic, an operation and a rounding at a time: as a number, and as everything that a device may make of it.
#pragma once

namespace vknorm::test {

struct Interval {
    double low = 0.0;
    double high = 0.0;
};

// A device may take anything nearer to zero for zero.
inline constexpr double kFlush = 0x1p-126;

// An fp32 value. Sums and products are made in fp64 and rounded from there: a product is exact in fp64, and a sum that
// is rounded twice is the sum rounded once, because 53 bits are more than 2 * 24 + 2.
class Fp32 {
public:
    explicit Fp32(double value) : value_(value) {}  // that fp32 can hold
    static Fp32 rounded(double value);

    double value() const { return value_; }

private:
    double value_;
};

Fp32 operator+(Fp32 a, Fp32 b);
Fp32 operator*(Fp32 a, Fp32 b);

// What an fp32 value may be: a single one, unless subnormals were flushed to zero or not, or it came from an interval.
class Fp32Range {
public:
    explicit Fp32Range(double value);  // that fp32 can hold
    explicit Fp32Range(const Interval& interval) : interval_(interval) {}

    const Interval& interval() const { return interval_; }
    bool isNumber() const { return interval_.low == interval_.high; }
    bool isNan() const;

private:
    Interval interval_;
};

Fp32Range operator+(const Fp32Range& a, const Fp32Range& b);
Fp32Range operator*(const Fp32Range& a, const Fp32Range& b);

}  // namespace vknorm::test
