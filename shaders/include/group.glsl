// The pieces of a group: held in registers, or read anew.
#ifndef VKN_GROUP_GLSL
#define VKN_GROUP_GLSL

// As statistics want it: scaled.
Piece loadPiece(Row row, uint firstChunk, uint p) {
    return scaled(stagePiece(row, pieceStart(firstChunk, p), pieceCount(firstChunk, p)), row.scale);
}

#if VKN_ALIGNED
const bool kHoldsWeights = (kFlags & VKN_FLAG_HOLDS_WEIGHTS) != 0u; // see held_weights.glsl
#else
const bool kHoldsWeights = false;
#endif

// Pieces are held scaled, but as they are where those of the last stage are also written: GPUs would hold both. On a CPU it costs
// more to hold anew what a loop may have scaled.
const bool kHoldsAsTheyAre = kHasResidualOutput || kHoldsWeights;
const bool kHoldScaled = !kHoldsAsTheyAre;

// As it is held, or would be.
Piece lastPieceAt(Row row, uint column, uint count) {
    Piece piece = stagePiece(row, column, count);
    return kHoldScaled ? scaled(piece, row.scale) : piece;
}

#if VKN_ALIGNED

#ifndef VKN_HELD_WORDS_GLSL
const bool kHoldsWords = false;
Piece heldInput(uint p) {
    return Piece(vec4(0.0), vec4(0.0));
}
#endif

VKN_DEFINE_HELD(Piece, Piece)

#define VKN_FOR_GROUP [[unroll]] for (uint p = 0u; p < kPiecesOfGroup; ++p)

void loadGroup(Row row, uint firstChunk) {
    if (kHoldsWords) {
        return;
    }
    VKN_FOR_GROUP {
        holdPiece(p, lastPieceAt(row, pieceStart(firstChunk, p), pieceCount(firstChunk, p)));
    }
}

// As it is.
Piece lastPiece(Row row, uint firstChunk, uint p) {
    return heldPiece(p);
}

// Behind all loads of the group, so that none waits for a store that it might read from.
void storeGroup(Row row, uint firstChunk) {
    VKN_FOR_GROUP {
        storeStage(row, pieceStart(firstChunk, p), pieceCount(firstChunk, p), lastPiece(row, firstChunk, p));
    }
}

// What is held, from the first stage's elements to the second's.
void advanceGroup(Row row) {
    VKN_FOR_GROUP {
        holdPiece(p, joinStream(row, heldPiece(p), pieceStart(0u, p), pieceCount(0u, p)));
    }
}

Piece groupPiece(Row row, uint firstChunk, uint p) {
    if (kHoldsWords) {
        return scaled(heldInput(p), row.scale);
    }
    return kHoldScaled ? heldPiece(p) : scaled(heldPiece(p), row.scale);
}

#else

// One piece at a time, read anew in each pass.
#define VKN_FOR_GROUP [[dont_unroll]] for (uint p = 0u; p < kPiecesOfGroup; ++p)

void loadGroup(Row row, uint firstChunk) {
}

void storeGroup(Row row, uint firstChunk) {
}

void advanceGroup(Row row) {
}

Piece groupPiece(Row row, uint firstChunk, uint p) {
    return loadPiece(row, firstChunk, p);
}

Piece lastPiece(Row row, uint firstChunk, uint p) {
    return lastPieceAt(row, pieceStart(firstChunk, p), pieceCount(firstChunk, p));
}

#endif

// The tree is the same whether a row is read in pairs or, aligned, in whole chunks.
float addQuad(float sum, vec4 v) {
    if (kPiece == 2u) {
        return sum + (v.x + v.y);
    }
    if (kUnalignedPiece == 2u) {
        return (sum + (v.x + v.y)) + (v.z + v.w);
    }
    return sum + ((v.x + v.y) + (v.z + v.w));
}

float addSum(float sum, Piece piece) {
    sum = addQuad(sum, piece.a);
    return kPiece == 8u ? addQuad(sum, piece.b) : sum;
}

float addSquares(float squares, Piece piece) {
    squares = addQuad(squares, piece.a * piece.a);
    return kPiece == 8u ? addQuad(squares, piece.b * piece.b) : squares;
}

float groupSum(Row row, uint firstChunk) {
    float sum = 0.0;
    VKN_FOR_GROUP {
        sum = addSum(sum, groupPiece(row, firstChunk, p));
    }
    return sum;
}

// Adds a piece's squares; for LayerNorm, of its elements' distances from `centre`, and the sum of those.
vec2 addMomentsOf(vec2 moments, Piece piece, uint column, uint count, float centre) {
    if (kLayerNorm) {
        piece = keepPiece(Piece(piece.a - centre, piece.b - centre), count);
        moments.x = addSum(moments.x, piece);
    }
    piece = keepPartial(piece, column);
    moments.y = addSquares(moments.y, piece);
    return moments;
}

vec2 addMoments(vec2 moments, Row row, uint firstChunk, uint p, float centre) {
    Piece piece = groupPiece(row, firstChunk, p);
    return addMomentsOf(moments, piece, pieceStart(firstChunk, p), pieceCount(firstChunk, p), centre);
}

vec2 groupMoments(Row row, uint firstChunk, float centre) {
    vec2 moments = vec2(0.0);
    VKN_FOR_GROUP {
        moments = addMoments(moments, row, firstChunk, p, centre);
    }
    return moments;
}

uint groupElements(uint firstChunk) {
    uint elements = 0u;
    VKN_FOR_GROUP {
        elements += pieceCount(firstChunk, p);
    }
    return elements;
}

#define VKN_FOR_PIECES_OF_LANE [[dont_unroll]] for (uint p = 0u, pieces = chunksOfLane() * kPiecesOfChunk; p < pieces; ++p)

// Loops over the groups of a row. One that fits in registers is a single group, loaded beforehand.
#define VKN_FOR_ROW for (uint firstChunk = 0u, chunks = chunksOfLane(); firstChunk < chunks; firstChunk += kGroup)

void reloadGroup(Row row, uint firstChunk) {
    if (kReadAgain) {
        loadGroup(row, firstChunk);
    }
}

#endif
