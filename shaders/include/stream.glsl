// Streams: tensors in storage buffers, read and written in pieces.
//
// A kernel sees a stream either as 128-bit quads, where all rows start at 16 bytes and are whole chunks (VKN_ALIGNED), or
// as 32-bit words, where they may start at any element and end at any. Elements narrower than 32 bits are parts of words,
// so no 16-bit feature is needed. Nothing outside the words that hold a row's elements is touched.
//
// A row starts at a place of its stream, VKN_PLACE of an element, which is counted in what a kernel accesses: a shift for each
// piece is dear on SwiftShader.
#ifndef VKN_STREAM_GLSL
#define VKN_STREAM_GLSL

#define VKN_READ_WRITE

#if VKN_ALIGNED
#include "stream_quads.glsl"
#else
#include "stream_words.glsl"
#endif

// Defines Piece loadNAME(start, column, count) for an operand that is read through a view: the piece at element `column` of a row
// that starts at place `start`, or at element `start`.
#define VKN_DEFINE_LOAD_AT(NAME, VIEW, PLACE)                                                                            \
    VKN_DEFINE_FETCH(NAME, VIEW, kType##NAME)                                                                            \
    VKN_DEFINE_DECODER(NAME, kType##NAME)                                                                                \
    Piece load##NAME(uint start, uint column, uint count) {                                                              \
        return decode##NAME(fetch##NAME(PLACE, column, count));                                                          \
    }
#define VKN_DEFINE_LOAD(NAME, VIEW) VKN_DEFINE_LOAD_AT(NAME, VIEW, start)
#define VKN_DEFINE_LOAD_FROM_ELEMENT(NAME, VIEW) VKN_DEFINE_LOAD_AT(NAME, VIEW, VKN_PLACE(start, kType##NAME))

// Defines float loadOneNAME(at): a single element.
#define VKN_DEFINE_LOAD_ONE(NAME, VIEW)                                                                                  \
    float loadOne##NAME(uint at) {                                                                                       \
        if (kType##NAME == VKN_FORMAT_F32) {                                                                             \
            return uintBitsToFloat(VKN_WORD(VIEW, at));                                                                  \
        }                                                                                                                \
        uint bits = (VKN_WORD(VIEW, at >> 1) >> (16u * (at & 1u))) & 0xFFFFu;                                            \
        return kType##NAME == VKN_FORMAT_F16 ? decodeF16(bits) : uintBitsToFloat(bits << 16);                            \
    }

// Defines storeNAME(start, column, count, Piece); DEFINE_PUT is one of those that a stream has.
#define VKN_DEFINE_STORE(NAME, VIEW, DEFINE_PUT)                                                                         \
    DEFINE_PUT(NAME, VIEW, kType##NAME)                                                                                  \
    VKN_DEFINE_ENCODER(NAME, kType##NAME)                                                                                \
    void store##NAME(uint start, uint column, uint count, Piece piece) {                                                 \
        put##NAME(start, column, count, encode##NAME(piece));                                                            \
    }

#endif
