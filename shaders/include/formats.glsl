// Element formats: the only place in the kernels that knows how fp16 and bf16 are made of bits.
// Integer arithmetic, because packHalf2x16 and unpackHalf2x16 round, overflow and treat NaN as the driver likes.
#ifndef VKN_FORMATS_GLSL
#define VKN_FORMATS_GLSL

#include "select.glsl"

// Elements that are read or written at once: a chunk, or where rows have any alignment, a quad or a pair of it.
const uint kPiece = VKN_ALIGNED != 0 ? kChunk : kUnalignedPiece;
const uint kPiecesOfChunk = kChunk / kPiece;

// A piece: kPiece elements, 2, 4 or 8. a holds the first four; b the others, where there are 8. What is not there is 0.
struct Piece {
    vec4 a;
    vec4 b;
};

Piece add(Piece x, Piece y) {
    return Piece(x.a + y.a, x.b + y.b);
}
Piece multiply(Piece x, Piece y) {
    return Piece(x.a * y.a, x.b * y.b);
}
Piece scaled(Piece piece, float factor) {
    return Piece(piece.a * factor, piece.b * factor);
}

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
    uint result = select(magnitude < 0x400u, subnormal, normal);
    result = select(magnitude >= 0x7C00u, normal + 0x38000000u, result); // Inf, NaN
    return uintBitsToFloat(result | ((bits & 0x8000u) << 16));
}

// fp32 -> fp16, round to nearest even, overflow to infinity, NaN to a quiet NaN. The mantissa with its hidden bit is
// shifted to the result's unit, 2^-24 for subnormal results; what rounding carries out of it adds to the exponent.
uint encodeF16(float value) {
    uint bits = floatBitsToUint(value);
    uint exponent = (bits >> 23) & 0xFFu;
    uint mantissa = (bits & 0x7FFFFFu) | 0x800000u;
    uint shift = 126u - clamp(exponent, 101u, 113u); // 13 for normal results
    uint result = (mantissa + (1u << (shift - 1u)) - 1u + ((mantissa >> shift) & 1u)) >> shift;
    result += (max(exponent, 113u) - 113u) << 10;
    result = select(exponent > 142u, 0x7C00u, min(result, 0x7C00u));
    result = select((bits & 0x7FFFFFFFu) > 0x7F800000u, 0x7E00u, result);
    return result | ((bits >> 16) & 0x8000u);
}

// fp32 -> bf16 in the low 16 bits, round to nearest even, NaN to a quiet NaN.
uint encodeBF16(float value) {
    uint bits = floatBitsToUint(value);
    uint rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    uint quiet = ((bits >> 16) & 0x8000u) | 0x7FC0u;
    return select((bits & 0x7FFFFFFFu) > 0x7F800000u, quiet, rounded);
}

vec2 decodeWordF16(uint word) {
    return vec2(decodeF16(word & 0xFFFFu), decodeF16(word >> 16));
}
vec2 decodeWordBF16(uint word) {
    return vec2(uintBitsToFloat(word << 16), uintBitsToFloat(word & 0xFFFF0000u));
}
uint encodeWordF16(vec2 values) {
    return encodeF16(values.x) | (encodeF16(values.y) << 16);
}
uint encodeWordBF16(vec2 values) {
    return encodeBF16(values.x) | (encodeBF16(values.y) << 16);
}

// Defines decodePieceNAME(packed) and encodePieceNAME(piece) for a format with two elements a word.
#define VKN_DEFINE_16_BIT_FORMAT(NAME)                                                                                   \
    Piece decodePiece##NAME(PackedPiece packed) {                                                                        \
        Piece piece = Piece(vec4(decodeWord##NAME(packed.lo.x), 0.0, 0.0), vec4(0.0));                                   \
        if (kPiece >= 4u) {                                                                                              \
            piece.a.zw = decodeWord##NAME(packed.lo.y);                                                                  \
        }                                                                                                                \
        if (kPiece == 8u) {                                                                                              \
            piece.b = vec4(decodeWord##NAME(packed.lo.z), decodeWord##NAME(packed.lo.w));                                \
        }                                                                                                                \
        return piece;                                                                                                    \
    }                                                                                                                    \
    PackedPiece encodePiece##NAME(Piece piece) {                                                                         \
        uvec4 words = uvec4(encodeWord##NAME(piece.a.xy), 0u, 0u, 0u);                                                   \
        if (kPiece >= 4u) {                                                                                              \
            words.y = encodeWord##NAME(piece.a.zw);                                                                      \
        }                                                                                                                \
        if (kPiece == 8u) {                                                                                              \
            words.z = encodeWord##NAME(piece.b.xy);                                                                      \
            words.w = encodeWord##NAME(piece.b.zw);                                                                      \
        }                                                                                                                \
        return PackedPiece(words, uvec4(0u));                                                                            \
    }
VKN_DEFINE_16_BIT_FORMAT(F16)
VKN_DEFINE_16_BIT_FORMAT(BF16)

// Defines Piece decodeNAME(PackedPiece) and PackedPiece encodeNAME(Piece) for an operand. FORMAT is a specialisation
// constant, so that only one of the ways is left in a pipeline.
#define VKN_DEFINE_CODEC(NAME, FORMAT)                                                                                   \
    Piece decode##NAME(PackedPiece packed) {                                                                             \
        if (FORMAT == VKN_FORMAT_F16) {                                                                                  \
            return decodePieceF16(packed);                                                                               \
        }                                                                                                                \
        if (FORMAT == VKN_FORMAT_BF16) {                                                                                 \
            return decodePieceBF16(packed);                                                                              \
        }                                                                                                                \
        return Piece(uintBitsToFloat(packed.lo), uintBitsToFloat(packed.hi));                                            \
    }                                                                                                                    \
    PackedPiece encode##NAME(Piece piece) {                                                                              \
        if (FORMAT == VKN_FORMAT_F16) {                                                                                  \
            return encodePieceF16(piece);                                                                                \
        }                                                                                                                \
        if (FORMAT == VKN_FORMAT_BF16) {                                                                                 \
            return encodePieceBF16(piece);                                                                               \
        }                                                                                                                \
        return PackedPiece(floatBitsToUint(piece.a), floatBitsToUint(piece.b));                                          \
    }

#endif
