// What a branch is before its norm, and the stream that it joins.
#ifndef VKN_JOINING_GLSL
#define VKN_JOINING_GLSL

Piece gatePiece(Row row, uint column, uint count) {
    return activated(loadGate(row.gateStart, column, count));
}

Piece branchPiece(Row row, uint column, uint count) {
    Piece piece = addBias(loadInput(row.inputStart, elementOf(column), count), column, count);
    if (kHasGate && !kNormFirst) {
        piece = multiply(piece, gatePiece(row, column, count));
    }
    return piece;
}

// From the branch, bias added, to the stream: a * residual + b * D(branch).
Piece joinStream(Row row, Piece piece, uint column, uint count) {
    if (kNormOnBranch) {
        piece = applyWeights(normalise(scaled(piece, row.branch.scale), row.branch, column, count), row, column, count);
    }
    piece = scaleBranch(piece, row.index, column, count, 0u);
    if (kParallel) {
        Piece second = addBias2(loadInput2(row.input2Start, column, count), column, count);
        piece = add(piece, scaleBranch(second, row.index, column, count, kSecondStream));
    }
    Piece residual = loadResidual(row.residualStart, column, count);
    piece = add(scaled(residual, kResidualScale), scaled(piece, kBranchScale));
    if (kNormOnBranch || kHasRowScale) {
        piece = keepPiece(piece, count);
    }
    return piece;
}

#endif
