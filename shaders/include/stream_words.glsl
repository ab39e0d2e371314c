// Streams as words: a chunk starts at any element, and only its first `count` elements are the row's.
#ifndef VKN_STREAM_WORDS_GLSL
#define VKN_STREAM_WORDS_GLSL

#define VKN_DECLARE_STREAM(NAME, BINDING, ACCESS)                                                                        \
    layout(std430, set = 0, binding = BINDING) ACCESS buffer NAME##Stream { uint NAME##Words[]; };

// Reading a word of which a part may be written by another invocation at the same time.
#define VKN_READ_PLAIN(NAME, WORD) NAME##Words[WORD]
#define VKN_READ_ATOMIC(NAME, WORD) atomicOr(NAME##Words[WORD], 0u)

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

// PackedChunk loadNAME(at, count): the chunk whose first element is element `at`; zeros after `count` elements. READ is for
// words that the chunk shares with others.
#define VKN_DEFINE_LOAD_WITH(NAME, FORMAT, READ)                                                                         \
    uint loadF32##NAME(uint at, uint index, uint count) {                                                                \
        return index < count ? NAME##Words[at + index] : 0u;                                                             \
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
        return NAME##Words[(at >> 1) + index];                                                                           \
    }                                                                                                                    \
    PackedChunk load##NAME(uint at, uint count) {                                                                        \
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
    }

// Defines loadNAME for a stream that is only read, and for one that is written at the same time.
#define VKN_DEFINE_LOAD(NAME, FORMAT) VKN_DEFINE_LOAD_WITH(NAME, FORMAT, VKN_READ_PLAIN)
#define VKN_DEFINE_SHARED_LOAD(NAME, FORMAT) VKN_DEFINE_LOAD_WITH(NAME, FORMAT, VKN_READ_ATOMIC)

// Defines storeNAME(at, count, chunk): writes the first `count` elements of a chunk. A word that is shared with another
// chunk, row or tensor is merged atomically, so that its other half keeps what others write there.
#define VKN_DEFINE_STORE(NAME, FORMAT)                                                                                   \
    void storeF32##NAME(uint at, uint index, uint count, uint bits) {                                                    \
        if (index < count) {                                                                                             \
            NAME##Words[at + index] = bits;                                                                              \
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
            NAME##Words[(at >> 1) + index] = bits;                                                                       \
        } else if (ownsLow || ownsHigh) {                                                                                \
            uint mask = ownsLow ? 0xFFFFu : 0xFFFF0000u;                                                                 \
            atomicAnd(NAME##Words[(at >> 1) + index], ~mask);                                                            \
            atomicOr(NAME##Words[(at >> 1) + index], bits & mask);                                                       \
        }                                                                                                                \
    }                                                                                                                    \
    void store##NAME(uint at, uint count, PackedChunk chunk) {                                                           \
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
    }

#endif
