// Streams as words: a piece is a quad or a pair, starts at any element, and only its first `count` elements are the row's.
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

uvec2 keepHalves(uvec2 words, uint count) {
    uint low = count > 0u ? 0xFFFFu : 0u;
    uint lowHigh = count > 1u ? 0xFFFFFFFFu : low;
    uint high = count > 2u ? 0xFFFFu : 0u;
    uint highHigh = count > 3u ? 0xFFFFFFFFu : high;
    return words & uvec2(lowHigh, highHigh);
}

// PackedPiece loadNAME(at, count): the piece whose first element is element `at`; zeros after `count` elements. READ is for
// words that the piece shares with others.
#define VKN_DEFINE_LOAD_WITH(NAME, FORMAT, READ)                                                                         \
    uint loadF32##NAME(uint at, uint index, uint count) {                                                                \
        return index < kPiece && index < count ? NAME##Words[at + index] : 0u;                                           \
    }                                                                                                                    \
    /* Word `index` of a 16-bit piece that covers `halves` halves from the start of its first word on. */                \
    uint loadWord##NAME(uint at, uint index, uint halves) {                                                              \
        if (2u * index > kPiece || 2u * index >= halves) {                                                               \
            return 0u;                                                                                                   \
        }                                                                                                                \
        bool isShared = (index == 0u && startsMidWord(at)) || 2u * index + 1u == halves;                                 \
        if (isShared) {                                                                                                  \
            return READ(NAME, (at >> 1) + index);                                                                        \
        }                                                                                                                \
        return NAME##Words[(at >> 1) + index];                                                                           \
    }                                                                                                                    \
    PackedPiece load##NAME(uint at, uint count) {                                                                        \
        if (FORMAT == VKN_FORMAT_F32) {                                                                                  \
            return PackedPiece(uvec4(loadF32##NAME(at, 0u, count), loadF32##NAME(at, 1u, count),                         \
                                     loadF32##NAME(at, 2u, count), loadF32##NAME(at, 3u, count)),                        \
                               uvec4(0u));                                                                               \
        }                                                                                                                \
        uint halves = count + (at & 1u);                                                                                 \
        uvec2 words = uvec2(loadWord##NAME(at, 0u, halves), loadWord##NAME(at, 1u, halves));                             \
        if (startsMidWord(at)) {                                                                                         \
            words = (words >> 16) | (uvec2(words.y, loadWord##NAME(at, 2u, halves)) << 16);                              \
        }                                                                                                                \
        return PackedPiece(uvec4(keepHalves(words, count), 0u, 0u), uvec4(0u));                                          \
    }

// Defines loadNAME for a stream that is only read, and for one that is written at the same time.
#define VKN_DEFINE_LOAD(NAME, FORMAT) VKN_DEFINE_LOAD_WITH(NAME, FORMAT, VKN_READ_PLAIN)
#define VKN_DEFINE_SHARED_LOAD(NAME, FORMAT) VKN_DEFINE_LOAD_WITH(NAME, FORMAT, VKN_READ_ATOMIC)

// Defines storeNAME(at, count, piece): writes the first `count` elements of a piece. A word that is shared with another
// piece, row or tensor is merged atomically, so that its other half keeps what others write there.
#define VKN_DEFINE_STORE(NAME, FORMAT)                                                                                   \
    void storeF32##NAME(uint at, uint index, uint count, uint bits) {                                                    \
        if (index < kPiece && index < count) {                                                                           \
            NAME##Words[at + index] = bits;                                                                              \
        }                                                                                                                \
    }                                                                                                                    \
    /* Word `index` of a 16-bit piece that covers halves [begin, end) from the start of its first word on. */            \
    void storeWord##NAME(uint at, uint index, uint begin, uint end, uint bits) {                                         \
        bool ownsLow = 2u * index <= kPiece && 2u * index >= begin && 2u * index < end;                                  \
        bool ownsHigh = 2u * index + 1u <= kPiece && 2u * index + 1u >= begin && 2u * index + 1u < end;                  \
        if (ownsLow && ownsHigh) {                                                                                       \
            NAME##Words[(at >> 1) + index] = bits;                                                                       \
        } else if (ownsLow || ownsHigh) {                                                                                \
            uint mask = ownsLow ? 0xFFFFu : 0xFFFF0000u;                                                                 \
            atomicAnd(NAME##Words[(at >> 1) + index], ~mask);                                                            \
            atomicOr(NAME##Words[(at >> 1) + index], bits & mask);                                                       \
        }                                                                                                                \
    }                                                                                                                    \
    void store##NAME(uint at, uint count, PackedPiece piece) {                                                           \
        if (FORMAT == VKN_FORMAT_F32) {                                                                                  \
            storeF32##NAME(at, 0u, count, piece.lo.x);                                                                   \
            storeF32##NAME(at, 1u, count, piece.lo.y);                                                                   \
            storeF32##NAME(at, 2u, count, piece.lo.z);                                                                   \
            storeF32##NAME(at, 3u, count, piece.lo.w);                                                                   \
            return;                                                                                                      \
        }                                                                                                                \
        uvec2 words = piece.lo.xy;                                                                                       \
        uint begin = at & 1u;                                                                                            \
        uint end = begin + count;                                                                                        \
        if (begin != 0u) {                                                                                               \
            storeWord##NAME(at, 2u, begin, end, words.y >> 16);                                                          \
            words = (words << 16) | (uvec2(0u, words.x) >> 16);                                                          \
        }                                                                                                                \
        storeWord##NAME(at, 0u, begin, end, words.x);                                                                    \
        storeWord##NAME(at, 1u, begin, end, words.y);                                                                    \
    }

#endif
