// fp32 functions of our own, because a driver's may be anything: SwiftShader's tanh(100) is NaN and its sin(1e6) is off
// by 3e-2. They are made of what Vulkan bounds: + - * rounded correctly (the build forbids contraction), floor,
// conversions, bits, and at most one `/`. Devices may flush subnormal numbers. NaN stays NaN: it is told by its bits,
// since min, max and clamp may do anything with it.
//
// Each function states its largest error in units in the last place (ULP) of the exact result where that is a normal
// number: with a correctly rounded `/`, "or" with one as bad as Vulkan permits, 2.5 ULP. Other results are off by less
// than the smallest normal number. tests/unit/functions_test.cpp compiles this file as C++ and asserts these bounds, so
// it stays within what the two languages share.
#ifndef VKN_FUNCTIONS_GLSL
#define VKN_FUNCTIONS_GLSL

#ifndef __cplusplus
#include "products.glsl"
#include "select.glsl"
#endif

float keepNaN(float x, float result) {
    return select((floatBitsToUint(x) & 0x7FFFFFFFu) > 0x7F800000u, x, result);
}

// x * 2^exponent; x and the result must be normal numbers.
float timesPowerOfTwo(float x, int exponent) {
    return uintBitsToFloat(floatBitsToUint(x) + (uint(exponent) << 23));
}

// The leading 12 bits of x: the product of two such numbers is exact, and so is x - leadingBits(x).
float leadingBits(float x) {
    return uintBitsToFloat(floatBitsToUint(x) & 0xFFFFF000u);
}

// (1 + fraction) * 2^exponent, -0.3 < fraction < 0.42.
struct Exponential {
    float fraction;
    int exponent;
};

// e^(high + low), where low is small beside high: an absolute error of the exponent is a relative one of the result, so
// that in the tails one float has too few digits. What the clamp changes is 0 or infinite either way.
Exponential exponential(float high, float low) {
    float x = clamp(high, -110.0, 89.0);
    float n = floor((x + low) * 1.442695 + 0.5);
    float r = ((x - n * 0.693145751953125) - n * 1.4286068e-6) + low; // ln 2 in two parts; the first product is exact
    float series = ((0.0013865485 * r + 0.008366725) * r + 0.041667495) * r + 0.16666542;
    Exponential result;
    result.fraction = r + r * r * (series * r + 0.49999997);
    result.exponent = int(n);
    return result;
}

// factor * e. The power of two is applied in halves: neither leaves the range, and no subnormal number comes up on the
// way to a normal one.
float timesExponential(float factor, Exponential e) {
    int first = e.exponent >> 1;
    float part = factor * timesPowerOfTwo(1.0 + e.fraction, first);
    return part * timesPowerOfTwo(1.0, e.exponent - first);
}

// factor * sigmoid(high + low). factor may be infinite only where the sigmoid is 0 or 1.
float timesSigmoid(float factor, float high, float low) {
    Exponential e = exponential(-abs(high), select(high < 0.0, low, -low));
    float tail = timesExponential(max(factor, -110.0), e); // -Inf * 0 would be NaN
    return select(high < 0.0, tail, factor) / (1.0 + timesExponential(1.0, e));
}

// e^x. 1.01 ULP.
float expOf(float x) {
    return keepNaN(x, timesExponential(1.0, exponential(x, 0.0)));
}

// 1 / (1 + e^-x). 2.41 ULP, or 4.41. Never above 1, whatever `/` does.
float sigmoidOf(float x) {
    return keepNaN(x, min(timesSigmoid(1.0, x, 0.0), 1.0));
}

// x * sigmoid(x). 3.4 ULP, or 5.4. -Inf gives -0.
float siluOf(float x) {
    return keepNaN(x, timesSigmoid(x, x, 0.0));
}

// From e^-2|x| - 1, of which no digits cancel near 0. 2.5 ULP, or 4.5. Never beyond 1, whatever `/` does.
float tanhOf(float x) {
    Exponential e = exponential(-2.0 * min(abs(x), 10.0), 0.0);
    float power = timesPowerOfTwo(1.0, e.exponent);
    float m = (power - 1.0) + power * e.fraction;
    uint magnitude = min(floatBitsToUint(m / (2.0 + m)) & 0x7FFFFFFFu, 0x3F800000u);
    return keepNaN(x, uintBitsToFloat(magnitude | (floatBitsToUint(x) & 0x80000000u)));
}

// Phi(-z), z = |c| up to 15, is e^(-z^2 / 2) times a smooth ratio, whose relative error in this form is 2e-8 up to z = 13.2,
// beyond which no result is a normal number. All terms are positive, so that nothing cancels, and p's rounding errors do where z is
// large.
struct NormalTail {
    float ratio;
    Exponential density; // e^(-z^2 / 2)
};

NormalTail normalTail(float c) {
    float z = abs(c);
    float lead = leadingBits(z);
    float p = (((z + 9.348217) * z + 40.470634) * z + 93.46587) * z + 101.80846;
    float q = ((2.498176 * z + 23.622446) * z + 94.19825) * z + 203.61691;
    NormalTail tail;
    tail.density = exponential(-0.5 * lead * lead, -0.5 * (z - lead) * (z + lead));
    tail.ratio = p / (2.5066338 * z * p + q);
    return tail;
}

// x * Phi(x), exact GELU. 4.9 ULP, or 8.3. -Inf gives -0.
float geluOf(float x) {
    float c = clamp(x, -15.0, 15.0);
    NormalTail ofSide = normalTail(c);
    float tail = timesExponential(select(x > 0.0, 1.0, c) * ofSide.ratio, ofSide.density); // Phi(-x), or x * Phi(x)
    return keepNaN(x, select(x > 0.0, x * (1.0 - tail), tail));
}

// 0.5 x (1 + tanh u) as x * sigmoid(2u), in which nothing cancels. 3.41 ULP, or 5.41. -Inf gives -0.
// 2u = x (A + B x^2), A = 2 sqrt(2 / pi), B = 0.044715 A, in two parts: as one float it would cost 214 ULP on the left.
float geluTanhOf(float x) {
    float c = clamp(x, -16.0, 16.0);
    float lead = leadingBits(c);
    float rest = c - lead;
    float squareLead = leadingBits(lead * lead);
    float squareRest = (lead * lead - squareLead) + rest * (c + lead);
    float product = 0.07135009765625 * squareLead; // B = 0.07135009765625 + 4.7186163e-6
    float sumLead = leadingBits(1.595703125 + product); // A = 1.595703125 + 6.59966e-5
    float sumRest = ((1.595703125 - sumLead) + product) +
        (6.59966e-5 + (4.7186163e-6 * squareLead + 0.071354814 * squareRest));
    return keepNaN(x, timesSigmoid(x, lead * sumLead, c * sumRest + rest * sumLead));
}

// max(x, 0), which may lose NaN, by bits: the negative numbers down to -Inf are one range of them. -0 stays -0.
float reluOf(float x) {
    return select(floatBitsToUint(x) - 0x80000001u < 0x7F800000u, 0.0, x);
}

// Derivatives. Each states its largest absolute error, as above; where they have a root, no number of digits would be right.

// sigmoid(x) * sigmoid(-x). 4.2e-8, or 1.3e-7.
float sigmoidSlopeOf(float x) {
    return keepNaN(x, sigmoidOf(x) * sigmoidOf(-x));
}

// sigmoid(x) + x * sigmoid(x) * sigmoid(-x). 1.9e-7, or 3.8e-7. What the clamp changes is 0 or 1 either way.
float siluSlopeOf(float x) {
    float c = clamp(x, -100.0, 100.0);
    float s = sigmoidOf(c);
    return keepNaN(x, s + s * (c * sigmoidOf(-c)));
}

// Phi(x) + x * phi(x). 1.6e-7, or 2.1e-7.
float geluSlopeOf(float x) {
    float c = clamp(x, -15.0, 15.0);
    NormalTail tail = normalTail(c);
    float outside = timesExponential(tail.ratio, tail.density);
    float density = timesExponential(0.3989423, tail.density);
    return keepNaN(x, select(x > 0.0, 1.0 - outside, outside) + c * density);
}

// With v = x (A + B x^2), as in geluTanhOf: sigmoid(v) + x sigmoid(v) sigmoid(-v) (A + 3 B x^2). 2.3e-7, or
// 4.2e-7.
float geluTanhSlopeOf(float x) {
    float c = clamp(x, -16.0, 16.0);
    float square = c * c;
    float v = c * (1.5957691 + 0.071354814 * square);
    float s = sigmoidOf(v);
    return keepNaN(x, s + s * (c * sigmoidOf(-v)) * (1.5957691 + 0.21406444 * square));
}

// Exact; 0 at 0.
float reluSlopeOf(float x) {
    return keepNaN(x, select(x > 0.0, 1.0, 0.0));
}

// 1 - tanh^2, as 4 sigmoid(2x) sigmoid(-2x), in which nothing cancels. 1.7e-7, or 5.1e-7.
float tanhSlopeOf(float x) {
    return 4.0 * sigmoidSlopeOf(2.0 * x);
}

// 32 bits of 1 / (2 pi) from bit 32 * (index - 1) on; 0 before the first.
uint wordOfTurn(uint index) {
    uint word = select(index == 1u, 0x28BE60DBu, 0u);
    word = select(index == 2u, 0x9391054Au, word);
    word = select(index == 3u, 0x7F09D5F4u, word);
    return select(index == 4u, 0x7D4D3770u, word);
}

// The fraction of a turn that an angle in radians is, of 2^32 and cut off: off by less than 1.01 for |angle| < 2^64. The angle is
// mantissa * 2^(exponent - 150). Of 1 / (2 pi) only 64 bits count: those before them make whole turns, those behind no bit.
uint turnsOfAngle(float angle) {
    uint bits = floatBitsToUint(angle);
    uint exponent = (bits >> 23) & 0xFFu;
    uint mantissa = (bits & 0x7FFFFFu) | 0x800000u;
    uint end = max(exponent, 86u) - 86u; // of those bits
    uint index = end >> 5;
    uint shift = end & 31u;
    uint middle = wordOfTurn(index);
    uint high = (wordOfTurn(max(index, 1u) - 1u) << shift) | ((middle >> 1) >> (31u - shift));
    uint low = (middle << shift) | ((wordOfTurn(index + 1u) >> 1) >> (31u - shift));
    uint fraction = mantissa * high + highOfProduct(mantissa, low);
    return select((bits >> 31) != 0u, 0u - fraction, fraction);
}

// (cos, sin) of 2 pi fraction / 2^32, each with an absolute error of 9.0e-8 at most, and exact at quarters of a turn,
// where 0 may be -0. The quadrant comes off exactly; r is what is left in eighths of a turn, -1 to 1.
vec2 cosSinOfTurns(uint fraction) {
    uint quadrant = (fraction + 0x20000000u) >> 30;
    float r = float(int(fraction - (quadrant << 30))) * 1.862645149230957e-9;
    float square = r * r;
    float sine = ((-3.58792e-5 * square + 0.0024898755) * square - 0.08074537) * square - 3.2436006e-8;
    sine = r * 0.7853982 + r * sine;
    float cosine = ((3.5026505e-6 * square - 3.2588287e-4) * square + 0.01585429) * square - 0.30842513;
    cosine = 1.0 + square * cosine;
    bool isOdd = (quadrant & 1u) != 0u;
    uint x = floatBitsToUint(select(isOdd, sine, cosine)) ^ (((quadrant + 1u) & 2u) << 30);
    uint y = floatBitsToUint(select(isOdd, cosine, sine)) ^ ((quadrant & 2u) << 30);
    return vec2(uintBitsToFloat(x), uintBitsToFloat(y));
}

// NAME of each component.
#define VKN_DEFINE_OF_FOUR(NAME)                                                                                       \
    vec4 NAME(vec4 v) {                                                                                                \
        return vec4(NAME(v.x), NAME(v.y), NAME(v.z), NAME(v.w));                                                       \
    }
VKN_DEFINE_OF_FOUR(expOf)
VKN_DEFINE_OF_FOUR(sigmoidOf)
VKN_DEFINE_OF_FOUR(siluOf)
VKN_DEFINE_OF_FOUR(tanhOf)
VKN_DEFINE_OF_FOUR(geluOf)
VKN_DEFINE_OF_FOUR(geluTanhOf)
VKN_DEFINE_OF_FOUR(reluOf)
VKN_DEFINE_OF_FOUR(sigmoidSlopeOf)
VKN_DEFINE_OF_FOUR(siluSlopeOf)
VKN_DEFINE_OF_FOUR(geluSlopeOf)
VKN_DEFINE_OF_FOUR(geluTanhSlopeOf)
VKN_DEFINE_OF_FOUR(reluSlopeOf)
VKN_DEFINE_OF_FOUR(tanhSlopeOf)
#undef VKN_DEFINE_OF_FOUR

#endif
