// Streams as quads: a piece is there as a whole (`count` is kPiece) or not at all (0).
#ifndef VKN_STREAM_QUADS_GLSL
#define VKN_STREAM_QUADS_GLSL

#define VKN_DECLARE_VIEW(VIEW, BINDING, ACCESS)                                                                          \
    layout(std430, set = 0, binding = BINDING) ACCESS buffer VIEW##View { uvec4 VIEW##Quads[]; };

#define VKN_WORD(VIEW, WORD) VIEW##Quads[(WORD) >> 2][(WORD)&3u]

// The same buffer, for pieces of 8-bit elements, which are half a quad.
#define VKN_DECLARE_NARROW_VIEW(VIEW, BINDING)                                                                           \
    layout(std430, set = 0, binding = BINDING) buffer VIEW##NarrowView { uvec2 VIEW##Pairs[]; };

// Places are counted in quads, those of 8-bit elements in half quads. A piece fills a quad, or two where it has 8 elements of fp32.
#define VKN_PLACE(ELEMENT, FORMAT) (FORMAT == VKN_FORMAT_F32 ? (ELEMENT) >> 2 : (ELEMENT) >> 3)
#define VKN_HAS_TWO_QUADS(FORMAT) (FORMAT == VKN_FORMAT_F32 && kPiece == 8u)

// Defines PackedPiece fetchNAME(start, column, count): the piece at element `column` of the row that starts at place `start`; zeros
// where it is not there.
#define VKN_DEFINE_FETCH(NAME, VIEW, FORMAT)                                                                             \
    PackedPiece fetch##NAME(uint start, uint column, uint count) {                                                       \
        PackedPiece piece = PackedPiece(uvec4(0u), uvec4(0u));                                                           \
        if (count != 0u) {                                                                                               \
            uint quad = start + VKN_PLACE(column, FORMAT);                                                               \
            piece.lo = VIEW##Quads[quad];                                                                                \
            if (VKN_HAS_TWO_QUADS(FORMAT)) {                                                                             \
                piece.hi = VIEW##Quads[quad + 1u];                                                                       \
            }                                                                                                            \
        }                                                                                                                \
        return piece;                                                                                                    \
    }

// Nothing else is in a row's quads, so reading one that others may be writing does not occur.
#define VKN_DEFINE_SHARED_FETCH(NAME, VIEW, FORMAT) VKN_DEFINE_FETCH(NAME, VIEW, FORMAT)

// Defines putNAME(start, column, count, piece).
#define VKN_DEFINE_PUT(NAME, VIEW, FORMAT)                                                                               \
    void put##NAME(uint start, uint column, uint count, PackedPiece piece) {                                             \
        if (count != 0u) {                                                                                               \
            uint quad = start + VKN_PLACE(column, FORMAT);                                                               \
            VIEW##Quads[quad] = piece.lo;                                                                                \
            if (VKN_HAS_TWO_QUADS(FORMAT)) {                                                                             \
                VIEW##Quads[quad + 1u] = piece.hi;                                                                       \
            }                                                                                                            \
        }                                                                                                                \
    }

// The same for a stream that may be quantised.
#define VKN_DEFINE_QUANTISED_PUT(NAME, VIEW, FORMAT)                                                                     \
    VKN_DEFINE_PUT(Wide##NAME, VIEW, FORMAT)                                                                             \
    void put##NAME(uint start, uint column, uint count, PackedPiece piece) {                                             \
        if (FORMAT < VKN_FORMAT_I8) {                                                                                    \
            putWide##NAME(start, column, count, piece);                                                                  \
        } else if (count != 0u) {                                                                                        \
            VIEW##Pairs[start + VKN_PLACE(column, FORMAT)] = piece.lo.xy;                                                \
        }                                                                                                                \
    }

#endif
