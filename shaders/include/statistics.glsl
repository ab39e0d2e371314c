// The arithmetic of a row's statistics, in fp32: sums, moments, and what they are turned into.
#ifndef VKN_STATISTICS_GLSL
#define VKN_STATISTICS_GLSL

#include "select.glsl"

// A sum with its rounding error (Knuth's two-sum), so that wide rows need no deep tree.
struct CompensatedSum {
    float high;
    float low;
};

CompensatedSum add(CompensatedSum sum, float x) {
    float high = sum.high + x;
    float virtualX = high - sum.high;
    float error = (sum.high - (high - virtualX)) + (x - virtualX);
    float low = sum.low + error;
    return CompensatedSum(high, low);
}

float value(CompensatedSum sum) {
    float result = sum.high + sum.low;
    return (floatBitsToUint(sum.high) & 0x7FFFFFFFu) >= 0x7F800000u ? sum.high : result; // Inf - Inf is in low
}

// Of a row about `centre`, which is near its mean: the sum of x - centre and of its square.
struct Moments {
    float centre;
    float sum;
    float squares;
};

// The same of the elements that one lane has seen.
struct LaneMoments {
    float elements;
    float centre;
    CompensatedSum sum;
    CompensatedSum squares;
};

LaneMoments emptyLaneMoments() {
    return LaneMoments(0.0, 0.0, CompensatedSum(0.0, 0.0), CompensatedSum(0.0, 0.0));
}

// `moments` are about the lane's centre.
LaneMoments addGroup(LaneMoments lane, float elements, vec2 moments) {
    return LaneMoments(lane.elements + elements, lane.centre, add(lane.sum, moments.x), add(lane.squares, moments.y));
}

// Moves the centre to the mean. What cancels is in proportion to the distance between the two, and elements that caused
// the distance are a fixed share of those seen, so the squares lose a few units in the last place and no more.
LaneMoments recentre(LaneMoments lane) {
    float count = lane.elements;
    float sum = value(lane.sum);
    float centre = lane.centre;
    float target = centre + (count > 0.0 ? sum / count : 0.0);
    float moved = target - centre;
    float squares = value(lane.squares) - moved * (2.0 * sum - count * moved);
    float rest = sum - count * moved;
    return LaneMoments(count, target, CompensatedSum(rest, 0.0), CompensatedSum(max(squares, 0.0), 0.0));
}

// A lane's part in the sum over the row.
float sumOfLane(LaneMoments lane) {
    float sum = lane.elements * lane.centre + value(lane.sum);
    return sum;
}

// A lane's moments about the row's centre: its own, and those of its mean (Chan's rule).
vec2 momentsAbout(LaneMoments lane, float centre) {
    float mean = lane.elements > 0.0 ? value(lane.sum) / lane.elements : 0.0;
    float own = max(value(lane.squares) - lane.elements * mean * mean, 0.0);
    float distance = (lane.centre - centre) + mean;
    vec2 moments = vec2(lane.elements * distance, own + lane.elements * distance * distance);
    return lane.elements > 0.0 ? moments : vec2(0.0);
}

struct Statistics {
    float scale; // a power of two by which the row is multiplied first; 1 nearly always
    float centre;
    float correction; // mean = centre + correction
    float rstd;       // of the scaled row
    float savedRstd;  // of the row as it is
    float share;      // with epsilon outside the root: (deviation + epsilon) / deviation, or 0 where there is none; otherwise 1
};

// Of an operation that takes none.
Statistics noStatistics() {
    return Statistics(1.0, 0.0, 0.0, 1.0, 1.0, 1.0);
}

bool isNaN(float x) {
    return (floatBitsToUint(x) & 0x7FFFFFFFu) > 0x7F800000u;
}

// A sum of squares that overflowed, or to which squares that underflowed may have been lost.
bool isOutOfRange(float squares) {
    uint magnitude = floatBitsToUint(squares) & 0x7FFFFFFFu;
    return magnitude > 0x7B800000u /* 2^120, Inf, NaN */ || magnitude < 0x0F800000u /* 2^-96 */;
}

uint maxMagnitude(vec4 v) {
    uvec4 magnitude = floatBitsToUint(v) & 0x7FFFFFFFu;
    return max(max(magnitude.x, magnitude.y), max(magnitude.z, magnitude.w));
}

float powerOfTwo(int exponent) {
    return uintBitsToFloat(uint(exponent + 127) << 23);
}

// The power of two that brings a row's largest magnitude near 1, but not epsilon * factor^2 past 2^100.
float rescalingFactor(uint largest, float epsilon) {
    if (largest == 0u || largest >= 0x7F800000u) {
        return 1.0; // nothing to gain: all zero, or Inf and NaN that must stay what they are
    }
    int exponent = 127 - int(largest >> 23);
    if (epsilon > 0.0) {
        int epsilonExponent = int(floatBitsToUint(epsilon) >> 23) - 127;
        exponent = min(exponent, (100 - epsilonExponent) >> 1);
    }
    return powerOfTwo(clamp(exponent, -126, 126));
}

// One Newton step: inversesqrt may be off by 2 units in the last place.
float refinedInverseSqrt(float v) {
    float r = inversesqrt(v);
    float error = 1.0 - (v * r) * r;
    float refined = r + 0.5 * r * error;
    bool isUsable = v > 1.1754944e-38 && v < 3.4e38;
    return isUsable ? refined : r;
}

float inverseDeviation(float variance, float epsilon) {
    if (kEpsilonOutside) {
        float root = select(variance > 0.0, variance * refinedInverseSqrt(variance), variance);
        return 1.0 / (root + epsilon);
    }
    return refinedInverseSqrt(variance + epsilon);
}

float shareOfDeviation(float variance, float epsilon) {
    float share = 1.0 + epsilon * refinedInverseSqrt(variance);
    return variance > 0.0 ? share : 0.0;
}

Statistics makeStatistics(Moments moments, float scale, float hiddenSize, float epsilon) {
    float squares = moments.squares;
    float sum = moments.sum;
    float correction = sum / hiddenSize;
    float variance = squares / hiddenSize;
    if (kLayerNorm && !isNaN(squares)) { // max(NaN, 0) is 0 on most devices
        variance = max(squares - sum * correction, 0.0) / hiddenSize;
    }
    if (variance == 0.0 && scale < 1.0 && epsilon > 0.0) {
        // A constant row whose scaled epsilon may have become 0: its elements are 0, not 0 / 0.
        return Statistics(scale, moments.centre, correction, 0.0, inverseDeviation(0.0, epsilon), 0.0);
    }
    float rstd = inverseDeviation(variance, kEpsilonOutside ? epsilon * scale : epsilon * scale * scale);
    float share = kEpsilonOutside ? shareOfDeviation(variance, epsilon * scale) : 1.0;
    return Statistics(scale, moments.centre, correction, rstd, rstd * scale, share);
}

// Scale is a power of two within 2^126 of 1, so dividing by it is exact.
float savedMean(Statistics s) {
    float mean = (s.centre + s.correction) / s.scale;
    return mean;
}

#endif
