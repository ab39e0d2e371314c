// Gamma and beta at a lane's pieces of a row: for CPUs, where an access of them costs as much as one of the row, in registers beside
// the row that is held, for all rows that the lane goes on to.
#ifndef VKN_HELD_WEIGHTS_GLSL
#define VKN_HELD_WEIGHTS_GLSL

#if VKN_ALIGNED

const bool kHoldsWeights = (kFlags & VKN_FLAG_HOLDS_WEIGHTS) != 0u;

VKN_DEFINE_HELD(Gamma, Piece)
VKN_DEFINE_HELD(Beta, Piece)

// All rows have the same, in the order of their elements.
void holdWeights() {
    VKN_FOR_GROUP {
        uint column = pieceStart(0u, p);
        uint count = pieceCount(0u, p);
        if (kHasGamma) {
            holdGamma(p, loadGamma(pc.words[kWordGamma], column, count));
        }
        if (kHasBeta) {
            holdBeta(p, loadBeta(pc.words[kWordBeta], column, count));
        }
    }
}

#else

const bool kHoldsWeights = false;

Piece heldGamma(uint p) {
    return Piece(vec4(0.0), vec4(0.0));
}

Piece heldBeta(uint p) {
    return Piece(vec4(0.0), vec4(0.0));
}

void holdWeights() {
}

#endif

// Of piece `p` of a group.
KnownWeights knownWeights(Row row, uint p, uint column, uint count) {
    KnownWeights known = KnownWeights(Piece(vec4(0.0), vec4(0.0)), Piece(vec4(0.0), vec4(0.0)));
    if (kHoldsWeights) {
        return KnownWeights(heldGamma(p), heldBeta(p));
    }
    if (kHasGamma) {
        known.gamma = gammaPiece(row, column, count);
    }
    if (kHasBeta) {
        known.beta = betaPiece(row, column, count);
    }
    return known;
}

#endif
