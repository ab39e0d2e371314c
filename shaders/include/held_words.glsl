// A row that the backward holds: what its norm read and what arrived at it, as they lie in memory, so that 16-bit elements take
// half the registers. Each is read once.
#ifndef VKN_HELD_WORDS_GLSL
#define VKN_HELD_WORDS_GLSL

#if VKN_ALIGNED

const bool kHoldsWords = !kReadAgain;

VKN_DEFINE_HELD(InputWords, PackedPiece)
VKN_DEFINE_HELD(GradientWords, PackedPiece)

PackedPiece fetchNormInput(Row row, uint column, uint count) {
    if (kNormOnStream) {
        return fetchResidualOutput(rowStart(kWordResidualOutput, row.index), column, count);
    }
    return fetchInput(row.inputStart, column, count);
}

Piece heldInput(uint p) {
    PackedPiece words = heldInputWords(p);
    if (kNormOnStream) {
        return decodeResidualOutput(words);
    }
    return decodeInput(words);
}

Piece heldGradient(uint p) {
    return decodeOutputGradient(heldGradientWords(p));
}

NormInput heldNormInput(GradientRow g, uint p, uint column, uint count) {
    return NormInput(heldInput(p), timesGamma(heldGradient(p), g.row, column, count));
}

void holdRow(GradientRow g) {
    [[unroll]] for (uint p = 0u; p < kGroup; ++p) {
        uint column = pieceStart(0u, p);
        uint count = pieceCount(0u, p);
        holdInputWords(p, fetchNormInput(g.row, column, count));
        holdGradientWords(p, fetchGradientOfOutput(rowStart(kWordOutputGradient, g.row.index), column, count));
    }
}

#endif

#endif
