// Element formats: the only place in the kernels that knows how fp16 and bf16 are made of bits.
// Integer arithmetic, because packHalf2x16 and unpackHalf2x16 round, overflow and treat NaN as the driver likes.
#ifndef VKN_FORMATS_GLSL
#define VKN_FORMATS_GLSL

// Up to 8 elements: a holds the first four; b the others, where a chunk has 8.
struct Chunk {
    vec4 a;
    vec4 b;
};

// A chunk as it lies in memory: 16-bit elements are all in lo, fp32 elements fill lo, then hi.
struct PackedChunk {
    uvec4 lo;
    uvec4 hi;
};

uvec4 selectBits(uvec4 ifFalse, uvec4 ifTrue, bvec4 condition) {
    return uvec4(condition.x ? ifTrue.x : ifFalse.x, condition.y ? ifTrue.y : ifFalse.y,
                 condition.z ? ifTrue.z : ifFalse.z, condition.w ? ifTrue.w : ifFalse.w);
}

// fp16 in the low 16 bits of each component -> fp32. Exact; subnormals become normal fp32 numbers.
vec4 decodeF16(uvec4 bits) {
    uvec4 magnitude = bits & 0x7FFFu;
    uvec4 exponent = magnitude & 0x7C00u;
    uvec4 normal = (magnitude << 13) + 0x38000000u;
    uvec4 infinite = normal + 0x38000000u;
    uvec4 subnormal = floatBitsToUint(vec4(magnitude) * 5.9604644775390625e-8);
    uvec4 result = selectBits(normal, infinite, equal(exponent, uvec4(0x7C00u)));
    result = selectBits(result, subnormal, equal(exponent, uvec4(0u)));
    return uintBitsToFloat(result | ((bits & 0x8000u) << 16));
}

// fp32 -> fp16, round to nearest even, overflow to infinity, NaN to a quiet NaN.
uvec4 encodeF16(vec4 values) {
    uvec4 bits = floatBitsToUint(values);
    uvec4 magnitude = bits & 0x7FFFFFFFu;
    uvec4 rebased = magnitude - 0x38000000u;
    uvec4 normal = (rebased + 0xFFFu + ((rebased >> 13) & 1u)) >> 13;
    // Subnormal results: the mantissa with its hidden bit, shifted so that its unit is 2^-24.
    uvec4 mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
    uvec4 shift = clamp(126u - min(magnitude >> 23, uvec4(126u)), uvec4(14u), uvec4(25u));
    uvec4 subnormal = (mantissa + (uvec4(1u) << (shift - 1u)) - 1u + ((mantissa >> shift) & 1u)) >> shift;
    uvec4 result = selectBits(normal, subnormal, lessThan(magnitude, uvec4(0x38800000u)));
    result = selectBits(result, uvec4(0x7C00u), greaterThanEqual(magnitude, uvec4(0x477FF000u)));
    result = selectBits(result, uvec4(0x7E00u), greaterThan(magnitude, uvec4(0x7F800000u)));
    return result | ((bits >> 16) & 0x8000u);
}

// fp32 -> bf16 in the low 16 bits, round to nearest even, NaN to a quiet NaN.
uvec4 encodeBF16(vec4 values) {
    uvec4 bits = floatBitsToUint(values);
    uvec4 rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    uvec4 quiet = ((bits >> 16) & 0x8000u) | 0x7FC0u;
    return selectBits(rounded, quiet, greaterThan(bits & 0x7FFFFFFFu, uvec4(0x7F800000u)));
}

vec4 decodeWords16(uvec2 words, uint format) {
    if (format == VKN_FORMAT_BF16) {
        return uintBitsToFloat(uvec4(words.x << 16, words.x & 0xFFFF0000u, words.y << 16, words.y & 0xFFFF0000u));
    }
    return decodeF16(uvec4(words.x & 0xFFFFu, words.x >> 16, words.y & 0xFFFFu, words.y >> 16));
}

uvec4 encode16(vec4 values, uint format) {
    if (format == VKN_FORMAT_BF16) {
        return encodeBF16(values);
    }
    return encodeF16(values);
}

Chunk decodeChunk(PackedChunk chunk, uint format) {
    if (format == VKN_FORMAT_F32) {
        return Chunk(uintBitsToFloat(chunk.lo), uintBitsToFloat(chunk.hi));
    }
    return Chunk(decodeWords16(chunk.lo.xy, format), decodeWords16(chunk.lo.zw, format));
}

PackedChunk encodeChunk(Chunk chunk, uint format) {
    if (format == VKN_FORMAT_F32) {
        return PackedChunk(floatBitsToUint(chunk.a), floatBitsToUint(chunk.b));
    }
    uvec4 a = encode16(chunk.a, format);
    uvec4 b = encode16(chunk.b, format);
    return PackedChunk(uvec4(a.xz | (a.yw << 16), b.xz | (b.yw << 16)), uvec4(0u));
}

// Rounds values to a format and back.
Chunk roundChunk(Chunk chunk, uint format) {
    if (format == VKN_FORMAT_F32) {
        return chunk;
    }
    return decodeChunk(encodeChunk(chunk, format), format);
}

#endif
