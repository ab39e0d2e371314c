// Streams as words: a piece is a quad or a pair, starts at any element, and only its first `count` elements are the row's.
//
// There are few branches: what is not the row's is not skipped but read from the row's last word and then cleared. Branches in a
// row cost GPUs waiting for one load after the other, and SwiftShader a compilation that doubles with each. A frugal kernel's
// pieces are pairs, and it stores them without a loop.
#ifndef VKN_STREAM_WORDS_GLSL
#define VKN_STREAM_WORDS_GLSL

#define VKN_DECLARE_VIEW(VIEW, BINDING, ACCESS)                                                                          \
    layout(std430, set = 0, binding = BINDING) ACCESS buffer VIEW##View { uint VIEW##Words[]; };

// Places are elements.
#define VKN_PLACE(ELEMENT, FORMAT) (ELEMENT)

#define VKN_DECLARE_NARROW_VIEW(VIEW, BINDING)
#define VKN_WORD(VIEW, WORD) VIEW##Words[WORD]

// Reading a word of which a part may be written by another invocation at the same time.
#define VKN_READ_PLAIN(VIEW, WORD) VIEW##Words[WORD]
#define VKN_READ_ATOMIC(VIEW, WORD) atomicOr(VIEW##Words[WORD], 0u)

// Element `at` of a 16-bit stream is the high half of its word.
bool startsMidWord(uint at) {
    return (at & 1u) != 0u;
}

uvec2 keepHalves(uvec2 words, uint count) {
    uint low = select(count > 0u, 0xFFFFu, 0u);
    uint lowHigh = select(count > 1u, 0xFFFFFFFFu, low);
    uint high = select(count > 2u, 0xFFFFu, 0u);
    uint highHigh = select(count > 3u, 0xFFFFFFFFu, high);
    return words & uvec2(lowHigh, highHigh);
}

uvec4 keepWords(uvec4 words, uint count) {
    return select(greaterThan(uvec4(count), uvec4(0u, 1u, 2u, 3u)), words, uvec4(0u));
}

// The halves that start in the middle of the first of three words.
uvec2 funnel(uint w0, uint w1, uint w2) {
    return (uvec2(w0, w1) >> 16) | (uvec2(w1, w2) << 16);
}

// PackedPiece fetchPresentNAME(at, count): the piece whose first element is element `at`; zeros after `count` elements. READ is for
// the first and the last word of a 16-bit piece, which it may share with others.
#define VKN_DEFINE_FETCH_WITH(NAME, VIEW, FORMAT, READ)                                                                  \
    uvec4 fetchF32##NAME(uint at, uint count) {                                                                          \
        uint last = max(count, 1u) - 1u;                                                                                 \
        uvec4 words = uvec4(VIEW##Words[at], VIEW##Words[at + min(1u, last)], 0u, 0u);                                   \
        if (kPiece >= 4u) {                                                                                              \
            words.z = VIEW##Words[at + min(2u, last)];                                                                   \
            words.w = VIEW##Words[at + min(3u, last)];                                                                   \
        }                                                                                                                \
        return keepWords(words, count);                                                                                  \
    }                                                                                                                    \
    uvec2 fetch16##NAME(uint at, uint count) {                                                                           \
        uint first = at >> 1;                                                                                            \
        uint last = (at + max(count, 1u) - 1u) >> 1;                                                                     \
        uint w0 = READ(VIEW, first);                                                                                     \
        uint w1 = READ(VIEW, min(first + 1u, last));                                                                     \
        uint w2 = 0u;                                                                                                    \
        if (kPiece >= 4u) {                                                                                              \
            w2 = READ(VIEW, min(first + 2u, last));                                                                      \
        }                                                                                                                \
        uvec2 shifted = funnel(w0, w1, w2);                                                                              \
        return keepHalves(select(startsMidWord(at), shifted, uvec2(w0, w1)), count);                                     \
    }                                                                                                                    \
    PackedPiece fetchPresent##NAME(uint at, uint count) {                                                                \
        if (FORMAT == VKN_FORMAT_F32) {                                                                                  \
            return PackedPiece(fetchF32##NAME(at, count), uvec4(0u));                                                    \
        }                                                                                                                \
        return PackedPiece(uvec4(fetch16##NAME(at, count), 0u, 0u), uvec4(0u));                                          \
    }

// Of a stream that is only read, a piece that is not there is the first element of the binding, cleared.
#define VKN_DEFINE_FETCH(NAME, VIEW, FORMAT)                                                                             \
    VKN_DEFINE_FETCH_WITH(NAME, VIEW, FORMAT, VKN_READ_PLAIN)                                                            \
    PackedPiece fetch##NAME(uint start, uint column, uint count) {                                                       \
        return fetchPresent##NAME(select(count != 0u, start + column, 0u), count);                                       \
    }

// Of a stream that is written at the same time, only what the invocation owns may be read, but for words that are shared.
#define VKN_DEFINE_SHARED_FETCH(NAME, VIEW, FORMAT)                                                                      \
    VKN_DEFINE_FETCH_WITH(NAME, VIEW, FORMAT, VKN_READ_ATOMIC)                                                           \
    PackedPiece fetch##NAME(uint start, uint column, uint count) {                                                       \
        PackedPiece piece = PackedPiece(uvec4(0u), uvec4(0u));                                                           \
        if (count != 0u) {                                                                                               \
            piece = fetchPresent##NAME(start + column, count);                                                           \
        }                                                                                                                \
        return piece;                                                                                                    \
    }

// Writes the halves of a word that are the piece's.
#define VKN_PUT_HALVES(VIEW, AT, OWNS_LOW, OWNS_HIGH, BITS)                                                              \
    if (OWNS_LOW && OWNS_HIGH) {                                                                                         \
        VIEW##Words[AT] = BITS;                                                                                          \
    } else {                                                                                                             \
        uint mask = select(OWNS_LOW, 0xFFFFu, 0xFFFF0000u);                                                              \
        atomicAnd(VIEW##Words[AT], ~mask);                                                                               \
        atomicOr(VIEW##Words[AT], BITS & mask);                                                                          \
    }

// Defines putNAME(start, column, count, piece): writes the first `count` elements of a piece. A word that is shared with another
// piece, row or tensor is merged atomically, so that its other half keeps what others write there.
#define VKN_DEFINE_PUT(NAME, VIEW, FORMAT)                                                                               \
    void putF32##NAME(uint at, uint count, uvec4 words) {                                                                \
        if (kFrugal) {                                                                                                   \
            if (count > 0u) {                                                                                            \
                VIEW##Words[at] = words.x;                                                                               \
            }                                                                                                            \
            if (count > 1u) {                                                                                            \
                VIEW##Words[at + 1u] = words.y;                                                                          \
            }                                                                                                            \
            return;                                                                                                      \
        }                                                                                                                \
        [[dont_unroll]] for (uint i = 0u; i < count; ++i) {                                                              \
            VIEW##Words[at + i] = wordAt(words, i);                                                                      \
        }                                                                                                                \
    }                                                                                                                    \
    /* The words that halves [begin, end) lie in, counted from the start of the first; end 0: none. */                   \
    void put16##NAME(uint first, uint begin, uint end, uvec4 words) {                                                    \
        if (kFrugal) {                                                                                                   \
            if (end > 0u) {                                                                                              \
                VKN_PUT_HALVES(VIEW, first, begin == 0u, end > 1u, words.x)                                              \
            }                                                                                                            \
            if (end > 2u) {                                                                                              \
                VKN_PUT_HALVES(VIEW, first + 1u, true, end > 3u, words.y)                                                \
            }                                                                                                            \
            return;                                                                                                      \
        }                                                                                                                \
        [[dont_unroll]] for (uint i = 0u; 2u * i < end; ++i) {                                                           \
            bool ownsLow = 2u * i >= begin;                                                                              \
            bool ownsHigh = 2u * i + 1u < end;                                                                           \
            uint bits = wordAt(words, i);                                                                                \
            VKN_PUT_HALVES(VIEW, first + i, ownsLow, ownsHigh, bits)                                                     \
        }                                                                                                                \
    }                                                                                                                    \
    void put##NAME(uint start, uint column, uint count, PackedPiece piece) {                                             \
        uint at = start + column;                                                                                        \
        if (FORMAT == VKN_FORMAT_F32) {                                                                                  \
            putF32##NAME(at, count, piece.lo);                                                                           \
        } else {                                                                                                         \
            uint begin = at & 1u;                                                                                        \
            uvec2 words = piece.lo.xy;                                                                                   \
            uvec2 shifted = (words << 16) | (uvec2(0u, words.x) >> 16);                                                  \
            uvec4 placed = select(startsMidWord(at), uvec4(shifted, words.y >> 16, 0u), uvec4(words, 0u, 0u));           \
            put16##NAME(at >> 1, begin, select(count != 0u, begin + count, 0u), placed);                                 \
        }                                                                                                                \
    }

// The same for a stream that may be quantised: 8-bit elements, of which those from `begin` to `end` of the words from `first` on
// are the piece's.
#define VKN_DEFINE_QUANTISED_PUT(NAME, VIEW, FORMAT)                                                                     \
    VKN_DEFINE_PUT(Wide##NAME, VIEW, FORMAT)                                                                             \
    void put8##NAME(uint first, uint begin, uint end, uvec2 words) {                                                     \
        [[dont_unroll]] for (uint i = 0u; 4u * i < end; ++i) {                                                           \
            uint mask = bytesBefore(end - 4u * i) & ~bytesBefore(begin - min(begin, 4u * i));                            \
            uint bits = select(i == 0u, words.x, words.y);                                                               \
            if (mask == 0xFFFFFFFFu) {                                                                                   \
                VIEW##Words[first + i] = bits;                                                                           \
            } else {                                                                                                     \
                atomicAnd(VIEW##Words[first + i], ~mask);                                                                \
                atomicOr(VIEW##Words[first + i], bits & mask);                                                           \
            }                                                                                                            \
        }                                                                                                                \
    }                                                                                                                    \
    void put##NAME(uint start, uint column, uint count, PackedPiece piece) {                                             \
        uint at = start + column;                                                                                        \
        if (FORMAT < VKN_FORMAT_I8) {                                                                                    \
            putWide##NAME(start, column, count, piece);                                                                  \
        } else {                                                                                                         \
            uint begin = at & 3u;                                                                                        \
            uint bits = piece.lo.x;                                                                                      \
            uvec2 placed = uvec2(bits << (8u * begin), (bits >> 8) >> (24u - 8u * begin));                               \
            put8##NAME(at >> 2, begin, select(count != 0u, begin + count, 0u), placed);                                  \
        }                                                                                                                \
    }

// All bits of the first `count` bytes of a word.
uint bytesBefore(uint count) {
    return select(count < 4u, (1u << (8u * min(count, 3u))) - 1u, 0xFFFFFFFFu);
}

uint wordAt(uvec4 words, uint index) {
    uint low = select(index == 0u, words.x, words.y);
    uint high = select(index == 2u, words.z, words.w);
    return select(index < 2u, low, high);
}

#endif
