// The elements of a stage: what its statistics are taken of.
#ifndef VKN_STAGE_GLSL
#define VKN_STAGE_GLSL

Piece stagePiece(Row row, uint column, uint count) {
    if (kStoresFirst && row.isStored) {
        return loadStored(row.storedStart, column, count);
    }
    Piece piece = branchPiece(row, column, count);
    if (kBlock && (!kNormOnBranch || row.stage != 0u)) {
        piece = joinStream(row, piece, column, count);
    }
    return piece;
}

void storeStage(Row row, uint column, uint count, Piece piece) {
    if (kHasResidualOutput) {
        storeResidualOutput(row.storedStart, column, count, piece);
    } else {
        storeOutput(row.storedStart, column, count, piece);
    }
}

#endif
