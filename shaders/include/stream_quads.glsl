// Streams as quads: a piece is there as a whole (`count` is kPiece) or not at all (0).
#ifndef VKN_STREAM_QUADS_GLSL
#define VKN_STREAM_QUADS_GLSL

#define VKN_DECLARE_STREAM(NAME, BINDING, ACCESS)                                                                        \
    layout(std430, set = 0, binding = BINDING) ACCESS buffer NAME##Stream { uvec4 NAME##Quads[]; };

// Which quads of the stream a piece fills: one, or two where fp32 pieces have 8 elements.
uint firstQuad(uint at, uint format) {
    return format == VKN_FORMAT_F32 ? at >> 2 : at >> 3;
}

bool hasTwoQuads(uint format) {
    return format == VKN_FORMAT_F32 && kPiece == 8u;
}

// Defines PackedPiece loadNAME(at, count): the piece whose first element is element `at`; zeros where it is not there.
#define VKN_DEFINE_LOAD(NAME, FORMAT)                                                                                    \
    PackedPiece load##NAME(uint at, uint count) {                                                                        \
        PackedPiece piece = PackedPiece(uvec4(0u), uvec4(0u));                                                           \
        if (count != 0u) {                                                                                               \
            uint quad = firstQuad(at, FORMAT);                                                                           \
            piece.lo = NAME##Quads[quad];                                                                                \
            if (hasTwoQuads(FORMAT)) {                                                                                   \
                piece.hi = NAME##Quads[quad + 1u];                                                                       \
            }                                                                                                            \
        }                                                                                                                \
        return piece;                                                                                                    \
    }

// Defines storeNAME(at, count, piece).
#define VKN_DEFINE_STORE(NAME, FORMAT)                                                                                   \
    void store##NAME(uint at, uint count, PackedPiece piece) {                                                           \
        if (count != 0u) {                                                                                               \
            uint quad = firstQuad(at, FORMAT);                                                                           \
            NAME##Quads[quad] = piece.lo;                                                                                \
            if (hasTwoQuads(FORMAT)) {                                                                                   \
                NAME##Quads[quad + 1u] = piece.hi;                                                                       \
            }                                                                                                            \
        }                                                                                                                \
    }

// Nothing else is in a row's quads, so reading one that others may be writing does not occur.
#define VKN_DEFINE_SHARED_LOAD(NAME, FORMAT) VKN_DEFINE_LOAD(NAME, FORMAT)

#endif
