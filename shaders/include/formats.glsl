// Element formats: the only place in the kernels that knows how fp16, bf16 and the 8-bit types are made of bits.
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
// Elements past the end of the row are zero before centring; this makes them zero after it.
vec4 keepElements(vec4 v, uint count, uint first) {
    return select(lessThan(uvec4(first, first + 1u, first + 2u, first + 3u), uvec4(count)), v, vec4(0.0));
}

Piece keepPiece(Piece piece, uint count) {
    return Piece(keepElements(piece.a, count, 0u), keepElements(piece.b, count, 4u));
}

Piece multiply(Piece x, Piece y) {
    return Piece(x.a * y.a, x.b * y.b);
}
Piece scaled(Piece piece, float factor) {
    return Piece(piece.a * factor, piece.b * factor);
}

// A piece as it lies in memory: 8-bit and 16-bit elements are all in lo, fp32 elements fill lo, then hi.
struct PackedPiece {
    uvec4 lo;
    uvec4 hi;
};

// The conversions are scalar on purpose: done four at a time, their intermediate values spill registers on Intel. Factors that are
// powers of two are shifts to any GPU's compiler; SwiftShader multiplies four lanes at once, but shifts them one by one.

// fp16 in the low 16 bits -> fp32. Exact; subnormals become normal fp32 numbers.
float decodeF16(uint bits) {
    uint magnitude = bits & 0x7FFFu;
    uint normal = magnitude * 0x2000u + 0x38000000u;
    uint subnormal = floatBitsToUint(float(magnitude) * 5.9604644775390625e-8);
    uint result = select(magnitude < 0x400u, subnormal, normal);
    result = select(magnitude >= 0x7C00u, normal + 0x38000000u, result); // Inf, NaN
    return uintBitsToFloat(result | (bits & 0x8000u) * 0x10000u);
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

// fp32 -> bf16 in the high 16 bits, above what rounding has left; round to nearest even, NaN to a quiet NaN.
uint encodeHighBF16(float value) {
    uint bits = floatBitsToUint(value);
    uint rounded = bits + select((bits & 0x10000u) != 0u, 0x8000u, 0x7FFFu);
    uint quiet = (bits & 0x80000000u) | 0x7FC00000u;
    return select((bits & 0x7FFFFFFFu) > 0x7F800000u, quiet, rounded);
}

uint encodeBF16(float value) {
    return encodeHighBF16(value) >> 16;
}

// fp32 -> an 8-bit float, round to nearest even, saturating, NaN to a NaN: as encodeF16, with MANTISSA stored bits, normal from
// the fp32 exponent FIRST on, and the largest number LARGEST.
uint encodeF8(float value, uint mantissaBits, uint first, uint largest) {
    uint bits = floatBitsToUint(value);
    uint magnitude = bits & 0x7FFFFFFFu;
    uint exponent = magnitude >> 23;
    uint mantissa = (bits & 0x7FFFFFu) | 0x800000u;
    uint usual = 23u - mantissaBits;
    uint shift = usual + first - clamp(exponent, first - mantissaBits - 2u, first);
    uint result = (mantissa + (1u << (shift - 1u)) - 1u + ((mantissa >> shift) & 1u)) >> shift;
    result += (max(exponent, first) - first) << mantissaBits;
    result = min(result, largest);
    result = select(magnitude > 0x7F800000u, 0x7Fu, result);
    return result | ((bits >> 24) & 0x80u);
}

uint encodeE4M3(float value) {
    return encodeF8(value, 3u, 121u, 0x7Eu);
}
uint encodeE5M2(float value) {
    return encodeF8(value, 2u, 113u, 0x7Bu);
}

// fp32 -> int8, round to nearest even, saturating at 127, NaN to 0. Added to 1.5 * 2^23, a number is rounded to an integer, which
// the low bits then hold.
uint encodeI8(float value) {
    float rounded = clamp(value, -127.0, 127.0) + 12582912.0;
    bool isNumber = (floatBitsToUint(value) & 0x7FFFFFFFu) <= 0x7F800000u;
    return select(isNumber, floatBitsToUint(rounded) & 0xFFu, 0u);
}

vec2 decodeWordF16(uint word) {
    return vec2(decodeF16(word & 0xFFFFu), decodeF16(word >> 16));
}
vec2 decodeWordBF16(uint word) {
    return vec2(uintBitsToFloat(word * 0x10000u), uintBitsToFloat(word & 0xFFFF0000u));
}
uint encodeWordF16(vec2 values) {
    return encodeF16(values.x) | (encodeF16(values.y) << 16);
}
uint encodeWordBF16(vec2 values) {
    return encodeBF16(values.x) | (encodeHighBF16(values.y) & 0xFFFF0000u);
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

#define VKN_DEFINE_8_BIT_FORMAT(NAME)                                                                                    \
    uint encodeQuad##NAME(vec4 values) {                                                                                 \
        uint low = encode##NAME(values.x) | (encode##NAME(values.y) << 8);                                               \
        return low | (encode##NAME(values.z) << 16) | (encode##NAME(values.w) << 24);                                    \
    }                                                                                                                    \
    PackedPiece encodePiece##NAME(Piece piece) {                                                                         \
        uvec4 words = uvec4(encodeQuad##NAME(piece.a), 0u, 0u, 0u);                                                      \
        if (kPiece == 8u) {                                                                                              \
            words.y = encodeQuad##NAME(piece.b);                                                                         \
        }                                                                                                                \
        return PackedPiece(words, uvec4(0u));                                                                            \
    }
VKN_DEFINE_8_BIT_FORMAT(I8)
VKN_DEFINE_8_BIT_FORMAT(E4M3)
VKN_DEFINE_8_BIT_FORMAT(E5M2)

// 1 / the largest number of a quantised format.
float reciprocalOfLargest(uint format) {
    return format == VKN_FORMAT_I8 ? 1.0 / 127.0 : (format == VKN_FORMAT_F8_E4M3 ? 1.0 / 448.0 : 1.0 / 57344.0);
}

// Defines Piece decodeNAME(PackedPiece) for an operand. FORMAT is a specialisation constant, so that only one of the ways is
// left in a pipeline.
#define VKN_DEFINE_DECODER(NAME, FORMAT)                                                                                 \
    Piece decode##NAME(PackedPiece packed) {                                                                             \
        if (FORMAT == VKN_FORMAT_F16) {                                                                                  \
            return decodePieceF16(packed);                                                                               \
        }                                                                                                                \
        if (FORMAT == VKN_FORMAT_BF16) {                                                                                 \
            return decodePieceBF16(packed);                                                                              \
        }                                                                                                                \
        return Piece(uintBitsToFloat(packed.lo), uintBitsToFloat(packed.hi));                                            \
    }

// Defines PackedPiece encodeNAME(Piece). Quantised formats are only written, so they have no decoder.
#define VKN_DEFINE_ENCODER(NAME, FORMAT)                                                                                 \
    PackedPiece encode##NAME(Piece piece) {                                                                              \
        if (FORMAT == VKN_FORMAT_F16) {                                                                                  \
            return encodePieceF16(piece);                                                                                \
        }                                                                                                                \
        if (FORMAT == VKN_FORMAT_BF16) {                                                                                 \
            return encodePieceBF16(piece);                                                                               \
        }                                                                                                                \
        if (FORMAT == VKN_FORMAT_I8) {                                                                                   \
            return encodePieceI8(piece);                                                                                 \
        }                                                                                                                \
        if (FORMAT == VKN_FORMAT_F8_E4M3) {                                                                              \
            return encodePieceE4M3(piece);                                                                               \
        }                                                                                                                \
        if (FORMAT == VKN_FORMAT_F8_E5M2) {                                                                              \
            return encodePieceE5M2(piece);                                                                               \
        }                                                                                                                \
        return PackedPiece(floatBitsToUint(piece.a), floatBitsToUint(piece.b));                                          \
    }

#endif
