// What is done to a branch before it meets the stream: bias, dropout, row scale, layer scale, in this order.
#ifndef VKN_BRANCH_GLSL
#define VKN_BRANCH_GLSL

// Selected, not multiplied by 0: what is dropped may be Inf or NaN.
vec4 dropQuad(vec4 v, uint row, uint column, uint stream) {
    if (kDrawsFirst) {
        return select(isDrawn(column, stream), vec4(0.0), v * kKeptScale);
    }
    uvec4 bits = randomQuad(row, column, stream);
    v *= kKeptScale;
    return select(lessThan(bits, uvec4(kDropBelow)), vec4(0.0), v);
}

Piece dropOut(Piece piece, uint row, uint column, uint stream) {
    piece.a = dropQuad(piece.a, row, column, stream);
    if (kPiece == 8u) {
        piece.b = dropQuad(piece.b, row, column + 4u, stream);
    }
    return piece;
}

// Dropout and row scale. `row` counts the dispatch's rows; `column` is the piece's first element.
Piece dropAndScaleRow(Piece piece, uint row, uint column, uint stream) {
    if (kDropout) {
        piece = dropOut(piece, row, column, stream);
    }
    if (kHasRowScale) {
        piece = scaled(piece, uintBitsToFloat(scalars[pc.words[kWordRowScale] + row]));
    }
    return piece;
}

Piece scaleBranch(Piece piece, uint row, uint column, uint count, uint stream) {
    piece = dropAndScaleRow(piece, row, column, stream);
    if (kHasLayerScale) {
        piece = multiply(piece, loadLayerScale(pc.words[kWordLayerScale], column, count));
    }
    return piece;
}

Piece addBias(Piece piece, uint column, uint count) {
    if (kHasBranchBias) {
        piece = add(piece, loadBranchBias(pc.words[kWordBranchBias], column, count));
    }
    return piece;
}

Piece addBias2(Piece piece, uint column, uint count) {
    if (kHasBranchBias2) {
        piece = add(piece, loadBranchBias2(pc.words[kWordBranchBias2], column, count));
    }
    return piece;
}

#endif
