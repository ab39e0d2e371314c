// Scales of quantised outputs: what is stored is y / scale. A pair (x, y) is of the first output and of the second.
#ifndef VKN_QUANTISE_GLSL
#define VKN_QUANTISE_GLSL

const bool kQuantises = kHasOutput && kTypeOutput >= VKN_FORMAT_I8;
const bool kQuantises2 = kHasOutput2 && kTypeOutput2 >= VKN_FORMAT_I8;
const bool kMeasures = (kQuantises || kQuantises2) && kQuantization != VKN_QUANTIZATION_STATIC;

const float kLeastScale = 1.17549435e-38; // the smallest normal number: devices flush what is below

// One Newton step: a division may be off by 2.5 units in the last place.
float quantiserOf(float scale) {
    float inverse = 1.0 / scale;
    float error = 1.0 - scale * inverse;
    return inverse + inverse * error;
}

vec2 staticQuantiser() {
    float scale = kHasStaticScale ? uintBitsToFloat(scalars[pc.words[kWordStaticScale]]) : kScale;
    float scale2 = kHasStaticScale2 ? uintBitsToFloat(scalars[pc.words[kWordStaticScale2]]) : kScale2;
    return vec2(kQuantises ? quantiserOf(scale) : 1.0, kQuantises2 ? quantiserOf(scale2) : 1.0);
}

// Magnitudes are compared as bits, among which NaN would be the largest.
uvec4 magnitudesOf(vec4 v) {
    uvec4 magnitudes = floatBitsToUint(v) & 0x7FFFFFFFu;
    return select(greaterThan(magnitudes, uvec4(0x7F800000u)), uvec4(0u), magnitudes);
}

uint largestOf(uvec4 v) {
    return max(max(v.x, v.y), max(v.z, v.w));
}

// Of the first `count` elements of a piece.
uint largestMagnitude(Piece piece, uint count) {
    uvec4 a = select(lessThan(uvec4(0u, 1u, 2u, 3u), uvec4(count)), magnitudesOf(piece.a), uvec4(0u));
    uint largest = largestOf(a);
    if (kPiece == 8u) { // the row has all of it, or nothing
        largest = max(largest, select(count != 0u, largestOf(magnitudesOf(piece.b)), 0u));
    }
    return largest;
}

float scaleOf(uint magnitude, uint format) {
    float value = uintBitsToFloat(min(magnitude, 0x7F7FFFFFu)); // infinity counts as the largest finite number
    if (kLargestValue > 0.0) {
        value = min(value, kLargestValue);
    }
    float scale = max(value * reciprocalOfLargest(format), kLeastScale);
    return value < kLeastScale ? 1.0 : scale;
}

vec2 scalesOf(uvec2 largest) {
    return vec2(kQuantises ? scaleOf(largest.x, kTypeOutput) : 1.0, kQuantises2 ? scaleOf(largest.y, kTypeOutput2) : 1.0);
}

vec2 quantiserOf(uvec2 largest) {
    vec2 scales = scalesOf(largest);
    return vec2(quantiserOf(scales.x), quantiserOf(scales.y));
}

uint scalesOfRow() {
    return kQuantization == VKN_QUANTIZATION_PER_BLOCK ? (hiddenSize() + kBlockSize - 1u) / kBlockSize : 1u;
}

// Writes the scales of a row, or of a block of it, and gives their quantiser.
vec2 saveScales(uvec2 largest, uint row, uint block) {
    vec2 scales = scalesOf(largest);
    uint at = row * scalesOfRow() + block;
    if (kQuantises) {
        scalars[pc.words[kWordOutputScale] + at] = floatBitsToUint(scales.x);
    }
    if (kQuantises2) {
        scalars[pc.words[kWordOutputScale2] + at] = floatBitsToUint(scales.y);
    }
    return vec2(quantiserOf(scales.x), quantiserOf(scales.y));
}

#endif
