// Element formats: the only place in the kernels that knows how fp16 and bf16 are made of bits.
// Integer arithmetic, because packHalf2x16 and unpackHalf2x16 round, overflow and treat NaN as the driver likes.
#ifndef VKN_FORMATS_GLSL
#define VKN_FORMATS_GLSL

// Elements that are read or written at once: a chunk, or where rows have any alignment, a quad of it.
const uint kPiece = VKN_ALIGNED != 0 ? kChunk : 4u;
const uint kPiecesOfChunk = kChunk / kPiece;

// A piece: kPiece elements, 4 or 8. a holds the first four; b the others, where there are 8.
struct Piece {
    vec4 a;
    vec4 b;
};

// A piece as it lies in memory: 16-bit elements are all in lo, fp32 elements fill lo, then hi.
struct PackedPiece {
    uvec4 lo;
    uvec4 hi;
};

// The conversions are scalar on purpose: done four at a time, their intermediate values spill registers on Intel.

// fp16 in the low 16 bits -> fp32. Exact; subnormals become normal fp32 numbers.
float decodeF16(uint bits) {
    uint magnitude = bits & 0x7FFFu;
    uint normal = (magnitude << 13) + 0x38000000u;
    uint subnormal = floatBitsToUint(float(magnitude) * 5.9604644775390625e-8);
    uint result = magnitude < 0x400u ? subnormal : normal;
    result = magnitude >= 0x7C00u ? normal + 0x38000000u : result; // Inf, NaN
    return uintBitsToFloat(result | ((bits & 0x8000u) << 16));
}

// fp32 -> fp16, round to nearest even, overflow to infinity, NaN to a quiet NaN.
uint encodeF16(float value) {
    uint bits = floatBitsToUint(value);
    uint magnitude = bits & 0x7FFFFFFFu;
    uint rebased = magnitude - 0x38000000u;
    uint normal = (rebased + 0xFFFu + ((rebased >> 13) & 1u)) >> 13;
    // Subnormal results: the mantissa with its hidden bit, shifted so that its unit is 2^-24.
    uint mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
    uint shift = clamp(126u - min(magnitude >> 23, 126u), 14u, 25u);
    uint subnormal = (mantissa + (1u << (shift - 1u)) - 1u + ((mantissa >> shift) & 1u)) >> shift;
    uint result = magnitude < 0x38800000u ? subnormal : normal;
    result = magnitude >= 0x477FF000u ? 0x7C00u : result;
    result = magnitude > 0x7F800000u ? 0x7E00u : result;
    return result | ((bits >> 16) & 0x8000u);
}

// fp32 -> bf16 in the low 16 bits, round to nearest even, NaN to a quiet NaN.
uint encodeBF16(float value) {
    uint bits = floatBitsToUint(value);
    uint rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    uint quiet = ((bits >> 16) & 0x8000u) | 0x7FC0u;
    return (bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded;
}

vec2 decodeWord16(uint word, uint format) {
    if (format == VKN_FORMAT_BF16) {
        return vec2(uintBitsToFloat(word << 16), uintBitsToFloat(word & 0xFFFF0000u));
    }
    return vec2(decodeF16(word & 0xFFFFu), decodeF16(word >> 16));
}

uint encodeWord16(vec2 values, uint format) {
    if (format == VKN_FORMAT_BF16) {
        return encodeBF16(values.x) | (encodeBF16(values.y) << 16);
    }
    return encodeF16(values.x) | (encodeF16(values.y) << 16);
}

Piece decodePiece(PackedPiece packed, uint format) {
    if (format == VKN_FORMAT_F32) {
        return Piece(uintBitsToFloat(packed.lo), uintBitsToFloat(packed.hi));
    }
    Piece piece = Piece(vec4(decodeWord16(packed.lo.x, format), decodeWord16(packed.lo.y, format)), vec4(0.0));
    if (kPiece == 8u) {
        piece.b = vec4(decodeWord16(packed.lo.z, format), decodeWord16(packed.lo.w, format));
    }
    return piece;
}

PackedPiece encodePiece(Piece piece, uint format) {
    if (format == VKN_FORMAT_F32) {
        return PackedPiece(floatBitsToUint(piece.a), floatBitsToUint(piece.b));
    }
    uvec4 words = uvec4(encodeWord16(piece.a.xy, format), encodeWord16(piece.a.zw, format), 0u, 0u);
    if (kPiece == 8u) {
        words.z = encodeWord16(piece.b.xy, format);
        words.w = encodeWord16(piece.b.zw, format);
    }
    return PackedPiece(words, uvec4(0u));
}

// Rounds values to a format and back.
Piece roundPiece(Piece piece, uint format) {
    if (format == VKN_FORMAT_F32) {
        return piece;
    }
    return decodePiece(encodePiece(piece, format), format);
}

#endif
