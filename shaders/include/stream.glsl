// Streams: tensors in storage buffers, read and written in pieces.
//
// A kernel sees a stream either as 128-bit quads, where all rows start at 16 bytes and are whole chunks (VKN_ALIGNED), or
// as 32-bit words, where they may start at any element and end at any. Elements narrower than 32 bits are parts of words,
// so no 16-bit feature is needed. Nothing outside the words that hold a row's elements is touched.
#ifndef VKN_STREAM_GLSL
#define VKN_STREAM_GLSL

#define VKN_READ_WRITE

#if VKN_ALIGNED
#include "stream_quads.glsl"
#else
#include "stream_words.glsl"
#endif

#endif
