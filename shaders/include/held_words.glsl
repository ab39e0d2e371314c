// A row that the backward holds: what its norm read and what arrived at it, as they lie in memory, so that 16-bit elements take
// half the registers. Each is read once.
#ifndef VKN_HELD_WORDS_GLSL
#define VKN_HELD_WORDS_GLSL

#if VKN_ALIGNED

const bool kHoldsWords = !kReadAgain;

PackedPiece heldInputs[VKN_MAX_GROUP];
PackedPiece heldGradients[VKN_MAX_GROUP];

PackedPiece fetchNormInput(Row row, uint column, uint count) {
    if (kNormOnStream) {
        return fetchResidualOutput(rowStart(kWordResidualOutput, row.index) + column, count);
    }
    return fetchInput(row.inputStart + column, count);
}

void holdWords(uint p, PackedPiece x, PackedPiece gradient) {
#define VKN_HOLD_WORDS(INDEX)                                                                                            \
    if (INDEX < kGroup && p == INDEX) {                                                                                  \
        heldInputs[INDEX] = x;                                                                                           \
        heldGradients[INDEX] = gradient;                                                                                 \
    }
    VKN_EACH_HELD(VKN_HOLD_WORDS)
}

Piece heldInput(uint p) {
    PackedPiece words = heldInputs[0];
#define VKN_TAKE_INPUT(INDEX)                                                                                            \
    if (INDEX < kGroup && p == INDEX) {                                                                                  \
        words = heldInputs[INDEX];                                                                                       \
    }
    VKN_EACH_HELD(VKN_TAKE_INPUT)
    if (kNormOnStream) {
        return decodeResidualOutput(words);
    }
    return decodeInput(words);
}

Piece heldGradient(uint p) {
    PackedPiece words = heldGradients[0];
#define VKN_TAKE_GRADIENT(INDEX)                                                                                         \
    if (INDEX < kGroup && p == INDEX) {                                                                                  \
        words = heldGradients[INDEX];                                                                                    \
    }
    VKN_EACH_HELD(VKN_TAKE_GRADIENT)
    return decodeOutputGradient(words);
}

NormInput heldNormInput(GradientRow g, uint p, uint column, uint count) {
    return NormInput(heldInput(p), timesGamma(heldGradient(p), g.row, column, count));
}

void holdRow(GradientRow g) {
    [[unroll]] for (uint p = 0u; p < kGroup; ++p) {
        uint column = pieceStart(0u, p);
        uint count = pieceCount(0u, p);
        PackedPiece gradient = fetchGradientOfOutput(rowStart(kWordOutputGradient, g.row.index) + column, count);
        holdWords(p, fetchNormInput(g.row, column, count), gradient);
    }
}

#endif

#endif
