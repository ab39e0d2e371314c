// Streams: tensors in storage buffers, read and written in chunks.
//
// A buffer has two views of one binding, 128-bit and 32-bit, hence Aliased. Elements narrower than 32 bits are accessed as
// words, so no 16-bit feature is needed. Nothing outside the words that hold a row's elements is touched.
#ifndef VKN_STREAM_GLSL
#define VKN_STREAM_GLSL

#define VKN_ALIASED spirv_decorate(20)
#define VKN_READ_WRITE

// Declares NAME4 and NAME1, the two views of a binding.
#define VKN_DECLARE_STREAM(NAME, BINDING, ACCESS)                                                                        \
    VKN_ALIASED layout(std430, set = 0, binding = BINDING) ACCESS buffer NAME##Wide { uvec4 NAME##4[]; };                \
    VKN_ALIASED layout(std430, set = 0, binding = BINDING) ACCESS buffer NAME##Narrow { uint NAME##1[]; };

// Reading a word of which a part may be written by another invocation at the same time.
#define VKN_READ_PLAIN(NAME, WORD) NAME##1[WORD]
#define VKN_READ_ATOMIC(NAME, WORD) atomicOr(NAME##1[WORD], 0u)

// Element `at` of a 16-bit stream is the high half of its word.
bool startsMidWord(uint at) {
    return (at & 1u) != 0u;
}

uvec4 keepHalves(uvec4 words, uint count) {
    uvec4 index = uvec4(0u, 2u, 4u, 6u);
    uvec4 low = selectBits(uvec4(0u), uvec4(0xFFFFu), lessThan(index, uvec4(count)));
    uvec4 high = selectBits(uvec4(0u), uvec4(0xFFFF0000u), lessThan(index + 1u, uvec4(count)));
    return words & (low | high);
}

// Defines PackedChunk loadNAME(at, count): the chunk whose first element is element `at` of the stream. Only the first
// `count` elements are the row's; the others come back as zero. READ is for words that the chunk shares with others.
#define VKN_DEFINE_LOAD(NAME, FORMAT, READ)                                                                              \
    PackedChunk loadWide##NAME(uint at) {                                                                                \
        if (FORMAT == VKN_FORMAT_F32) {                                                                                  \
            uint quad = at >> 2;                                                                                         \
            return PackedChunk(NAME##4[quad], kChunk == 8u ? NAME##4[quad + 1u] : uvec4(0u));                            \
        }                                                                                                                \
        return PackedChunk(NAME##4[at >> 3], uvec4(0u));                                                                 \
    }                                                                                                                    \
    uint loadF32##NAME(uint at, uint index, uint count) {                                                                \
        return index < count ? NAME##1[at + index] : 0u;                                                                 \
    }                                                                                                                    \
    uvec4 loadQuad##NAME(uint at, uint first, uint count) {                                                              \
        return uvec4(loadF32##NAME(at, first, count), loadF32##NAME(at, first + 1u, count),                              \
                     loadF32##NAME(at, first + 2u, count), loadF32##NAME(at, first + 3u, count));                        \
    }                                                                                                                    \
    /* Word `index` of a 16-bit chunk that covers `halves` halves from the start of its first word on. */                \
    uint loadWord##NAME(uint at, uint index, uint halves) {                                                              \
        if (2u * index >= halves) {                                                                                      \
            return 0u;                                                                                                   \
        }                                                                                                                \
        bool isShared = (index == 0u && startsMidWord(at)) || 2u * index + 1u == halves;                                 \
        if (isShared) {                                                                                                  \
            return READ(NAME, (at >> 1) + index);                                                                        \
        }                                                                                                                \
        return NAME##1[(at >> 1) + index];                                                                               \
    }                                                                                                                    \
    PackedChunk loadNarrow##NAME(uint at, uint count) {                                                                  \
        if (FORMAT == VKN_FORMAT_F32) {                                                                                  \
            return PackedChunk(loadQuad##NAME(at, 0u, count),                                                            \
                               kChunk == 8u ? loadQuad##NAME(at, 4u, count) : uvec4(0u));                                \
        }                                                                                                                \
        uint halves = count + (at & 1u);                                                                                 \
        uvec4 words = uvec4(loadWord##NAME(at, 0u, halves), loadWord##NAME(at, 1u, halves),                              \
                            loadWord##NAME(at, 2u, halves), loadWord##NAME(at, 3u, halves));                             \
        if (startsMidWord(at)) {                                                                                         \
            words = (words >> 16) | (uvec4(words.yzw, loadWord##NAME(at, 4u, halves)) << 16);                            \
        }                                                                                                                \
        return PackedChunk(keepHalves(words, count), uvec4(0u));                                                         \
    }                                                                                                                    \
    PackedChunk load##NAME(uint at, uint count) {                                                                        \
        if (kAligned) {                                                                                                  \
            if (count != 0u) {                                                                                           \
                return loadWide##NAME(at);                                                                               \
            }                                                                                                            \
            return PackedChunk(uvec4(0u), uvec4(0u));                                                                    \
        }                                                                                                                \
        uint quadMask = FORMAT == VKN_FORMAT_F32 ? 3u : 7u;                                                              \
        if ((at & quadMask) == 0u && count == kChunk) {                                                                  \
            return loadWide##NAME(at);                                                                                   \
        }                                                                                                                \
        return loadNarrow##NAME(at, count);                                                                              \
    }

// Defines storeNAME(at, count, chunk): writes the first `count` elements of a chunk. A word that is shared with another
// chunk, row or tensor is merged atomically, so that its other half keeps what others write there.
#define VKN_DEFINE_STORE(NAME, FORMAT)                                                                                   \
    void storeWide##NAME(uint at, PackedChunk chunk) {                                                                   \
        if (FORMAT == VKN_FORMAT_F32) {                                                                                  \
            uint quad = at >> 2;                                                                                         \
            NAME##4[quad] = chunk.lo;                                                                                    \
            if (kChunk == 8u) {                                                                                          \
                NAME##4[quad + 1u] = chunk.hi;                                                                           \
            }                                                                                                            \
        } else {                                                                                                         \
            NAME##4[at >> 3] = chunk.lo;                                                                                 \
        }                                                                                                                \
    }                                                                                                                    \
    void storeF32##NAME(uint at, uint index, uint count, uint bits) {                                                    \
        if (index < count) {                                                                                             \
            NAME##1[at + index] = bits;                                                                                  \
        }                                                                                                                \
    }                                                                                                                    \
    void storeQuad##NAME(uint at, uint first, uint count, uvec4 bits) {                                                  \
        storeF32##NAME(at, first, count, bits.x);                                                                        \
        storeF32##NAME(at, first + 1u, count, bits.y);                                                                   \
        storeF32##NAME(at, first + 2u, count, bits.z);                                                                   \
        storeF32##NAME(at, first + 3u, count, bits.w);                                                                   \
    }                                                                                                                    \
    /* Word `index` of a 16-bit chunk that covers halves [begin, end) from the start of its first word on. */            \
    void storeWord##NAME(uint at, uint index, uint begin, uint end, uint bits) {                                         \
        bool ownsLow = 2u * index >= begin && 2u * index < end;                                                          \
        bool ownsHigh = 2u * index + 1u >= begin && 2u * index + 1u < end;                                               \
        if (ownsLow && ownsHigh) {                                                                                       \
            NAME##1[(at >> 1) + index] = bits;                                                                           \
        } else if (ownsLow || ownsHigh) {                                                                                \
            uint mask = ownsLow ? 0xFFFFu : 0xFFFF0000u;                                                                 \
            atomicAnd(NAME##1[(at >> 1) + index], ~mask);                                                                \
            atomicOr(NAME##1[(at >> 1) + index], bits & mask);                                                           \
        }                                                                                                                \
    }                                                                                                                    \
    void storeNarrow##NAME(uint at, uint count, PackedChunk chunk) {                                                     \
        if (FORMAT == VKN_FORMAT_F32) {                                                                                  \
            storeQuad##NAME(at, 0u, count, chunk.lo);                                                                    \
            if (kChunk == 8u) {                                                                                          \
                storeQuad##NAME(at, 4u, count, chunk.hi);                                                                \
            }                                                                                                            \
            return;                                                                                                      \
        }                                                                                                                \
        uvec4 words = chunk.lo;                                                                                          \
        uint begin = at & 1u;                                                                                            \
        uint end = begin + count;                                                                                        \
        if (begin != 0u) {                                                                                               \
            words = (chunk.lo << 16) | (uvec4(0u, chunk.lo.xyz) >> 16);                                                  \
            storeWord##NAME(at, 4u, begin, end, chunk.lo.w >> 16);                                                       \
        }                                                                                                                \
        storeWord##NAME(at, 0u, begin, end, words.x);                                                                    \
        storeWord##NAME(at, 1u, begin, end, words.y);                                                                    \
        storeWord##NAME(at, 2u, begin, end, words.z);                                                                    \
        storeWord##NAME(at, 3u, begin, end, words.w);                                                                    \
    }                                                                                                                    \
    void store##NAME(uint at, uint count, PackedChunk chunk) {                                                           \
        if (kAligned) {                                                                                                  \
            if (count != 0u) {                                                                                           \
                storeWide##NAME(at, chunk);                                                                              \
            }                                                                                                            \
            return;                                                                                                      \
        }                                                                                                                \
        uint quadMask = FORMAT == VKN_FORMAT_F32 ? 3u : 7u;                                                              \
        if ((at & quadMask) == 0u && count == kChunk) {                                                                  \
            storeWide##NAME(at, chunk);                                                                                  \
        } else {                                                                                                         \
            storeNarrow##NAME(at, count, chunk);                                                                         \
        }                                                                                                                \
    }

#endif
