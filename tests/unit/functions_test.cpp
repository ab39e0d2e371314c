// The kernels' own transcendental functions, compiled as C++ and compared with the platform's in fp64. They run on
// devices as good as they can be and as bad as Vulkan lets them.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <ostream>

namespace vknorm::test {
namespace {

struct GoodDevice {
    static constexpr bool kFlushesSubnormals = false;
    static constexpr bool kMaxLosesNaN = false;
    static constexpr int kDivisionError = 0;
};

// `/` may be 2.5 ULP off: the correctly rounded quotient's next neighbour but one.
template <int kUlps>
struct BadDevice {
    static constexpr bool kFlushesSubnormals = true;
    static constexpr bool kMaxLosesNaN = true;
    static constexpr int kDivisionError = kUlps;
};

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kSmallest = std::numeric_limits<float>::min();
constexpr float kLargest = std::numeric_limits<float>::max();

// GLSL's float on a device. Literals arrive as double.
template <class Device>
struct Number {
    float value = 0.0f;

    Number() = default;
    constexpr Number(double literal) : value(static_cast<float>(literal)) {}
    explicit constexpr Number(int integer) : value(static_cast<float>(integer)) {}
    static Number of(float value) {
        Number result;
        result.value = Device::kFlushesSubnormals && std::fabs(value) < kSmallest ? std::copysign(0.0f, value) : value;
        return result;
    }

    // Out of range, GLSL leaves the result open.
    explicit operator int() const {
        return std::fabs(value) < 2147483648.0f ? static_cast<int>(value) : std::numeric_limits<int>::min();
    }

    Number operator-() const { return of(-value); }
    friend Number operator+(Number a, Number b) { return of(of(a.value).value + of(b.value).value); }
    friend Number operator-(Number a, Number b) { return of(of(a.value).value - of(b.value).value); }
    friend Number operator*(Number a, Number b) { return of(of(a.value).value * of(b.value).value); }
    friend Number operator/(Number a, Number b) {
        const float x = of(a.value).value;
        const float y = of(b.value).value;
        const float quotient = x / y;
        const bool isExact = static_cast<double>(quotient) * static_cast<double>(y) == static_cast<double>(x);
        if (isExact || !std::isfinite(quotient) || std::fabs(quotient) < 2.0f * kSmallest) {
            return of(quotient);
        }
        return of(std::bit_cast<float>(std::bit_cast<int32_t>(quotient) + Device::kDivisionError));
    }
    friend bool operator<(Number a, Number b) { return of(a.value).value < of(b.value).value; }
    friend bool operator>(Number a, Number b) { return b < a; }
};

// What functions.glsl needs of GLSL, and functions.glsl itself, whose functions become members: one copy a device.
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
template <class Device>
struct Shader {
    using uint = uint32_t;
    using Scalar = Number<Device>;
    struct Vec2 {
        Scalar x, y;
        Vec2(Scalar x0, Scalar y0) : x(x0), y(y0) {}
    };
    struct Vec4 {
        Scalar x, y, z, w;
        Vec4(Scalar x0, Scalar y0, Scalar z0, Scalar w0) : x(x0), y(y0), z(z0), w(w0) {}
    };
    using vec2 = Vec2;
    using vec4 = Vec4;

    static uint floatBitsToUint(Scalar x) { return std::bit_cast<uint>(x.value); }
    static Scalar uintBitsToFloat(uint bits) {
        Scalar x;
        x.value = std::bit_cast<float>(bits);
        return x;
    }
    static Scalar select(bool condition, Scalar a, Scalar b) { return condition ? a : b; }
    static uint select(bool condition, uint a, uint b) { return condition ? a : b; }
    static void umulExtended(uint a, uint b, uint& high, uint& low) {
        const uint64_t product = uint64_t{a} * b;
        high = static_cast<uint>(product >> 32);
        low = static_cast<uint>(product);
    }
    static uint max(uint a, uint b) { return std::max(a, b); }
    static uint min(uint a, uint b) { return std::min(a, b); }
    static Scalar min(Scalar a, Scalar b) { return b < a || loses(a) ? b : a; }
    static Scalar max(Scalar a, Scalar b) { return a < b || loses(a) ? b : a; }
    static Scalar clamp(Scalar x, Scalar low, Scalar high) { return min(max(x, low), high); }
    static Scalar abs(Scalar x) { return Scalar::of(std::fabs(x.value)); }
    static Scalar floor(Scalar x) { return Scalar::of(std::floor(x.value)); }
    static bool loses(Scalar x) { return Device::kMaxLosesNaN && std::isnan(x.value); }

    static constexpr bool kRowsInOrder = true;

#define float Scalar
#include "include/functions.glsl"
#include "include/products.glsl"
#undef float
};
#ifdef __clang__
#pragma clang diagnostic pop
#endif

using Good = Shader<GoodDevice>;
using Low = Shader<BadDevice<-2>>;
using High = Shader<BadDevice<2>>;

// Distance in units of the exact result's last place. Infinite where NaN or an overflow is wrong, and where a result
// that should be subnormal is farther off than the smallest normal number.
double errorInUlps(float result, double exact) {
    constexpr double kWrong = std::numeric_limits<double>::infinity();
    constexpr double kFewUlps = 1.0 + 0x1p-20;
    const double value = static_cast<double>(result);
    const double magnitude = std::fabs(exact);
    if (std::isnan(exact) || std::isnan(result)) {
        return std::isnan(exact) && std::isnan(result) ? 0.0 : kWrong;
    }
    if (std::isinf(result) || std::isinf(exact)) {
        const bool isOverflow = magnitude * kFewUlps > static_cast<double>(kLargest);
        return isOverflow && std::isinf(result) && (value < 0.0) == (exact < 0.0) ? 0.0 : kWrong;
    }
    if (magnitude < static_cast<double>(kSmallest) * kFewUlps) {
        return std::fabs(value - exact) <= static_cast<double>(kSmallest) ? 0.0 : kWrong;
    }
    const uint64_t exponent = std::bit_cast<uint64_t>(exact) & 0x7FF0000000000000u;
    return std::fabs(value - exact) / (std::bit_cast<double>(exponent) * 0x1p-23);
}

// Absolute, in units of 2^-24: what a derivative near 1 may be rounded by.
double errorInUnits(float result, double exact) {
    if (std::isnan(exact) || !std::isfinite(result)) {
        return std::isnan(exact) && std::isnan(result) ? 0.0 : std::numeric_limits<double>::infinity();
    }
    return std::fabs(static_cast<double>(result) - exact) * 0x1p24;
}

// A function, what it is exactly, how results are compared, and functions.glsl's bounds, in those units, for a good device and
// for a bad one.
struct Function {
    const char* name;
    double (*exact)(double);
    double (*error)(float, double);
    float (*good)(float);
    float (*low)(float);
    float (*high)(float);
    double goodBound;
    double badBound;
};

template <class Call>
Function makeFunction(const char* name, double (*exact)(double), Call, double goodBound, double badBound) {
    return {name,
            exact,
            errorInUlps,
            [](float x) { return Call{}(Good{}, Good::Scalar::of(x)).value; },
            [](float x) { return Call{}(Low{}, Low::Scalar::of(x)).value; },
            [](float x) { return Call{}(High{}, High::Scalar::of(x)).value; },
            goodBound,
            badBound};
}

template <class Call>
Function makeSlope(const char* name, double (*exact)(double), Call call, double goodBound, double badBound) {
    Function slope = makeFunction(name, exact, call, goodBound, badBound);
    slope.error = errorInUnits;
    return slope;
}

double exactSigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// The limits of x * sigmoid and x * Phi on the left are 0 long before -1000.
double exactSilu(double x) { return std::max(x, -1000.0) * exactSigmoid(x); }
double exactGelu(double x) { return 0.5 * std::max(x, -1000.0) * std::erfc(-x / std::numbers::sqrt2); }
double exactGeluTanh(double x) {
    const double u = std::sqrt(2.0 * std::numbers::inv_pi) * (x + 0.044715 * x * x * x);
    return std::max(x, -1000.0) * exactSigmoid(2.0 * u);
}

// Beyond 1000 the slopes have been their limits for long.
double exactSigmoidSlope(double x) { return exactSigmoid(x) * exactSigmoid(-x); }
double exactSiluSlope(double x) { return exactSigmoid(x) + std::clamp(x, -1000.0, 1000.0) * exactSigmoidSlope(x); }
double exactGeluSlope(double x) {
    const double c = std::clamp(x, -1000.0, 1000.0);
    const double density = std::exp(-0.5 * c * c) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    return 0.5 * std::erfc(-x / std::numbers::sqrt2) + c * density;
}
double exactGeluTanhSlope(double x) {
    const double c = std::clamp(x, -1000.0, 1000.0);
    const double scale = 2.0 * std::sqrt(2.0 * std::numbers::inv_pi);
    const double v = scale * (c + 0.044715 * c * c * c);
    return exactSigmoid(v) + c * exactSigmoidSlope(v) * scale * (1.0 + 3.0 * 0.044715 * c * c);
}
double exactTanhSlope(double x) { return 4.0 * exactSigmoidSlope(2.0 * x); }

const Function kExp = makeFunction(
    "exp", [](double x) { return std::exp(x); }, [](auto shader, auto x) { return shader.expOf(x); }, 1.01, 1.01);
const Function kSigmoid = makeFunction(
    "sigmoid", exactSigmoid, [](auto shader, auto x) { return shader.sigmoidOf(x); }, 2.41, 4.41);
const Function kTanh = makeFunction(
    "tanh", [](double x) { return std::tanh(x); }, [](auto shader, auto x) { return shader.tanhOf(x); }, 2.5, 4.5);
const Function kSilu = makeFunction(
    "silu", exactSilu, [](auto shader, auto x) { return shader.siluOf(x); }, 3.4, 5.4);
const Function kGelu = makeFunction(
    "gelu", exactGelu, [](auto shader, auto x) { return shader.geluOf(x); }, 4.9, 8.3);
const Function kGeluTanh = makeFunction(
    "gelu tanh", exactGeluTanh, [](auto shader, auto x) { return shader.geluTanhOf(x); }, 3.41, 5.41);
const Function kSigmoidSlope = makeSlope(
    "sigmoid's slope", exactSigmoidSlope, [](auto shader, auto x) { return shader.sigmoidSlopeOf(x); }, 0.69, 2.13);
const Function kSiluSlope = makeSlope(
    "silu's slope", exactSiluSlope, [](auto shader, auto x) { return shader.siluSlopeOf(x); }, 3.1, 6.3);
const Function kGeluSlope = makeSlope(
    "gelu's slope", exactGeluSlope, [](auto shader, auto x) { return shader.geluSlopeOf(x); }, 2.6, 3.5);
const Function kGeluTanhSlope = makeSlope(
    "gelu tanh's slope", exactGeluTanhSlope, [](auto shader, auto x) { return shader.geluTanhSlopeOf(x); }, 3.7, 6.9);
const Function kTanhSlope = makeSlope(
    "tanh's slope", exactTanhSlope, [](auto shader, auto x) { return shader.tanhSlopeOf(x); }, 2.8, 8.5);
const Function* const kFunctions[] = {&kExp,          &kSigmoid,   &kTanh,      &kSilu,          &kGelu,     &kGeluTanh,
                                      &kSigmoidSlope, &kSiluSlope, &kGeluSlope, &kGeluTanhSlope, &kTanhSlope};

struct Worst {
    double error = 0.0;
    float at = 0.0f;

    void see(double another, float x) {
        if (another > error) {
            *this = {another, x};
        }
    }
};

struct WorstOfDevices {
    Worst good;
    Worst bad;

    void see(const Function& function, float x) {
        const double exact = function.exact(static_cast<double>(x));
        good.see(function.error(function.good(x), exact), x);
        bad.see(function.error(function.low(x), exact), x);
        bad.see(function.error(function.high(x), exact), x);
    }
    void expectWithin(const Function& function) const {
        EXPECT_LE(good.error, function.goodBound) << function.name << " at " << good.at;
        EXPECT_LE(bad.error, function.badBound) << function.name << " at " << bad.at << " of a bad device";
    }
};

// The largest error of the two coordinates.
double circleError(uint32_t fraction) {
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(static_cast<int32_t>(fraction)) * 0x1p-32;
    const Low::Vec2 point = Low{}.cosSinOfTurns(fraction);
    return std::max(std::fabs(static_cast<double>(point.x.value) - std::cos(angle)),
                    std::fabs(static_cast<double>(point.y.value) - std::sin(angle)));
}

TEST(Functions, BoundsHoldOverAllPatterns) {
    constexpr uint32_t kStride = 16381;  // a prime
    for (const Function* function : kFunctions) {
        WorstOfDevices worst;
        for (uint64_t bits = 0; bits <= 0xFFFFFFFFu; bits += kStride) {
            worst.see(*function, std::bit_cast<float>(static_cast<uint32_t>(bits)));
        }
        worst.expectWithin(*function);
    }
}

// Most patterns are of numbers where the functions have become simple.
TEST(Functions, BoundsHoldWhereResultsAreNotYetLimits) {
    for (const Function* function : kFunctions) {
        WorstOfDevices worst;
        for (int i = -200000; i <= 200000; ++i) {
            worst.see(*function, static_cast<float>(i) * 5.3e-4f);
            worst.see(*function, static_cast<float>(i) * 6.7e-5f);
        }
        worst.expectWithin(*function);
    }
}

TEST(Functions, BoundsHoldAtEdges) {
    constexpr float kEdges[] = {0.0f,  0x1p-149f, kSmallest, 0x1.fffffcp-127f, 0x1p-24f, 1.0f,  9.01f, 10.0f,    13.1f,
                                15.0f, 16.0f,     87.33654f, 87.3366f,         88.7228f, 89.0f, 91.9f, 103.972f, 110.0f,
                                1e6f,  1e30f,     kLargest,  kInfinity};
    for (const Function* function : kFunctions) {
        WorstOfDevices worst;
        for (const float edge : kEdges) {
            for (const float x : {edge, std::nextafter(edge, 0.0f), std::nextafter(edge, kInfinity)}) {
                worst.see(*function, x);
                worst.see(*function, -x);
            }
        }
        worst.expectWithin(*function);
    }
}

// Found among all numbers of 2^-26 <= |x| < 128; of slopes, all of 0.25 <= |x| < 16 and every 16th of the others.
TEST(Functions, BoundsHoldWhereErrorsAreLargest) {
    for (const float x : {-5.84202576f, -4.1572938f, 4.50509071f, -3.21125126f, -1.83934534f, -5.72409391f,
                          -2.97789097f, 0.658192337f, 3.45558132e-4f, 2.76619959f, 1.82473767f, 0.821624637f,
                          6.00573746e-3f, 1.51670182f, 1.12542641f, 0.329096168f, 1.72779066e-4f}) {
        for (const Function* function : kFunctions) {
            WorstOfDevices worst;
            worst.see(*function, x);
            worst.expectWithin(*function);
        }
    }
    EXPECT_LE(circleError(1582460784u), 9.0e-8);
}

TEST(Functions, NaNStaysNaN) {
    for (const uint32_t bits : {0x7F800001u, 0x7FC00000u, 0x7FFFFFFFu, 0xFF800001u, 0xFFC00000u, 0xFFFFFFFFu}) {
        const float nan = std::bit_cast<float>(bits);
        for (const Function* function : kFunctions) {
            EXPECT_TRUE(std::isnan(function->good(nan))) << function->name << ' ' << std::hex << bits;
            EXPECT_TRUE(std::isnan(function->low(nan))) << function->name << ' ' << std::hex << bits;
        }
        EXPECT_TRUE(std::isnan(Low{}.reluOf(Low::uintBitsToFloat(bits)).value)) << std::hex << bits;
    }
}

TEST(Functions, Limits) {
    EXPECT_EQ(kExp.low(kInfinity), kInfinity);
    EXPECT_EQ(kExp.low(-kInfinity), 0.0f);
    EXPECT_EQ(kExp.low(0.0f), 1.0f);
    EXPECT_EQ(kSigmoid.low(kInfinity), 1.0f);
    EXPECT_EQ(kSigmoid.low(-kInfinity), 0.0f);
    EXPECT_EQ(kSigmoid.low(0.0f), 0.5f);
    EXPECT_EQ(kTanh.low(kInfinity), 1.0f);
    EXPECT_EQ(kTanh.low(-kInfinity), -1.0f);
    for (const Function* function : {&kSilu, &kGelu, &kGeluTanh}) {
        EXPECT_EQ(function->low(kInfinity), kInfinity) << function->name;
        EXPECT_EQ(function->low(-kInfinity), 0.0f) << function->name;
    }
    for (const Function* slope : {&kSigmoidSlope, &kSiluSlope, &kGeluSlope, &kGeluTanhSlope, &kTanhSlope}) {
        const bool isOfBoundedFunction = slope == &kSigmoidSlope || slope == &kTanhSlope;
        EXPECT_EQ(slope->low(kInfinity), isOfBoundedFunction ? 0.0f : 1.0f) << slope->name;
        EXPECT_EQ(slope->low(-kInfinity), 0.0f) << slope->name;
    }
}

TEST(Functions, ResultsHaveTheSignOfX) {
    for (const Function* function : {&kTanh, &kSilu, &kGelu, &kGeluTanh}) {
        for (const float x : {0.0f, 0x1p-149f, 1e-30f, 1.0f, 20.0f, 1000.0f, kInfinity}) {
            EXPECT_FALSE(std::signbit(function->good(x))) << function->name << ' ' << x;
            EXPECT_FALSE(std::signbit(function->low(x))) << function->name << ' ' << x;
            EXPECT_TRUE(std::signbit(function->good(-x))) << function->name << ' ' << -x;
            EXPECT_TRUE(std::signbit(function->low(-x))) << function->name << ' ' << -x;
        }
    }
}

// However wrong the quotient that they end in.
TEST(Functions, SigmoidAndTanhDoNotExceedOne) {
    for (float x = 5.0f; x < 20.0f; x += 1e-4f) {
        ASSERT_LE(kSigmoid.high(x), 1.0f) << x;
        ASSERT_LE(kTanh.high(x), 1.0f) << x;
    }
}

TEST(Functions, Relu) {
    const auto relu = [](float x) { return Good{}.reluOf(Good::Scalar::of(x)).value; };
    for (const float x : {0.0f, 0x1p-149f, kSmallest, 1.0f, kLargest, kInfinity}) {
        EXPECT_EQ(relu(x), x);
        EXPECT_EQ(relu(-x), 0.0f) << x;
    }
}

// 0 at 0. A subnormal number may count as 0 where a device flushes it.
TEST(Functions, ReluSlope) {
    const auto good = [](float x) { return Good{}.reluSlopeOf(Good::Scalar::of(x)).value; };
    const auto bad = [](float x) { return Low{}.reluSlopeOf(Low::Scalar::of(x)).value; };
    for (const float x : {kSmallest, 1.0f, kLargest, kInfinity}) {
        EXPECT_EQ(good(x), 1.0f) << x;
        EXPECT_EQ(bad(x), 1.0f) << x;
        EXPECT_EQ(good(-x), 0.0f) << x;
        EXPECT_EQ(bad(-x), 0.0f) << x;
    }
    EXPECT_EQ(good(0.0f), 0.0f);
    EXPECT_EQ(good(-0.0f), 0.0f);
    EXPECT_EQ(good(0x1p-149f), 1.0f);
    EXPECT_EQ(bad(0x1p-149f), 0.0f);
    for (const uint32_t bits : {0x7F800001u, 0x7FC00000u, 0xFFFFFFFFu}) {
        EXPECT_TRUE(std::isnan(bad(std::bit_cast<float>(bits)))) << std::hex << bits;
    }
}

TEST(Functions, FourAtOnceAreTheSame) {
    const Good::Vec4 x(-1.0, 0.5, 3.0, -20.0);
    const Good::Vec4 y = Good{}.geluOf(x);
    EXPECT_EQ(y.x.value, Good{}.geluOf(x.x).value);
    EXPECT_EQ(y.y.value, Good{}.geluOf(x.y).value);
    EXPECT_EQ(y.z.value, Good{}.geluOf(x.z).value);
    EXPECT_EQ(y.w.value, Good{}.geluOf(x.w).value);
}

TEST(Functions, CosineAndSineOfTurns) {
    double worst = 0.0;
    for (uint64_t fraction = 0; fraction <= 0xFFFFFFFFu; fraction += 4099) {
        worst = std::max(worst, circleError(static_cast<uint32_t>(fraction)));
    }
    for (uint32_t eighth = 0; eighth < 8; ++eighth) {  // where reduction wraps
        for (uint32_t step = 0; step < 1000; ++step) {
            worst = std::max(worst, circleError((eighth << 29) + step - 500u));
        }
    }
    EXPECT_LE(worst, 9.0e-8);
}

// How far a fraction is from the exact one, of 2^32. Each product with half a word of 1 / (2 pi) has 40 bits, so that its own
// fraction of a turn is exact.
double turnError(float angle) {
    constexpr uint64_t kWords[] = {0x28BE60DB, 0x9391054A, 0x7F09D5F4, 0x7D4D3770, 0x36D8A566};
    int exponent = 0;
    const auto mantissa = static_cast<uint64_t>(std::ldexp(std::frexp(std::fabs(angle), &exponent), 24));
    long double turns = 0.0L;  // modulo 1
    for (int word = 0; word < 5; ++word) {
        const int scale = exponent - 24 - 32 * (word + 1);  // of this word's product
        for (int half = 0; half < 2; ++half) {
            const uint64_t product = mantissa * (half == 0 ? kWords[word] >> 16 : kWords[word] & 0xFFFF);  // 40 bits
            const long double part = std::ldexp(static_cast<long double>(product), scale + (half == 0 ? 16 : 0));
            turns += part - std::floor(part);
        }
    }
    turns -= std::floor(turns);
    turns = std::signbit(angle) && turns != 0.0L ? 1.0L - turns : turns;
    const auto fraction = std::ldexp(static_cast<long double>(Good{}.turnsOfAngle(Good::Scalar::of(angle))), -32);
    const auto error = static_cast<double>(std::fabs(fraction - turns));
    return std::ldexp(std::min(error, 1.0 - error), 32);
}

TEST(Functions, TurnsOfAnAngle) {
    double worst = 0.0;
    for (uint32_t bits = 0; bits < std::bit_cast<uint32_t>(0x1p64f); bits += 4099) {
        const auto angle = std::bit_cast<float>(bits);
        worst = std::max({worst, turnError(angle), turnError(-angle)});
    }
    EXPECT_LT(worst, 1.01);
    for (const float angle : {1.0f, 3.0f, 1e3f, 1e6f, 16777215.0f}) {
        const Good::Vec2 point = Good{}.cosSinOfTurns(Good{}.turnsOfAngle(Good::Scalar::of(angle)));
        EXPECT_NEAR(static_cast<double>(point.x.value), std::cos(static_cast<double>(angle)), 9.2e-8) << angle;
        EXPECT_NEAR(static_cast<double>(point.y.value), std::sin(static_cast<double>(angle)), 9.2e-8) << angle;
    }
}

TEST(Functions, QuartersOfATurnAreExact) {
    for (uint32_t quarter = 0; quarter < 4; ++quarter) {
        const Low::Vec2 point = Low{}.cosSinOfTurns(quarter << 30);
        EXPECT_EQ(point.x.value, quarter == 0 ? 1.0f : (quarter == 2 ? -1.0f : 0.0f)) << quarter;
        EXPECT_EQ(point.y.value, quarter == 1 ? 1.0f : (quarter == 3 ? -1.0f : 0.0f)) << quarter;
    }
}

}  // namespace
}  // namespace vknorm::test
