// Pieces of rows in memory of a lane's own, for CPUs, where that is the cache: a row that has too many for registers is not read
// again. As they are held: see group.glsl.
#ifndef VKN_KEPT_PIECES_GLSL
#define VKN_KEPT_PIECES_GLSL

const bool kKeepsPieces = kKeptPieces != 0u;

vec4 keptA[VKN_MAX_KEPT_PIECES];
vec4 keptB[VKN_MAX_KEPT_PIECES];

// Of the rows that are at hand, the lane's chunk `chunk` of number r.
uint keptIndex(uint r, uint chunk) {
    return chunk * kRowsAtOnce + r;
}

void keepForLater(uint r, uint chunk, Piece piece) {
    keptA[keptIndex(r, chunk)] = piece.a;
    if (kPiece == 8u) {
        keptB[keptIndex(r, chunk)] = piece.b;
    }
}

Piece keptPiece(uint r, uint chunk) {
    return Piece(keptA[keptIndex(r, chunk)], kPiece == 8u ? keptB[keptIndex(r, chunk)] : vec4(0.0));
}

#endif
