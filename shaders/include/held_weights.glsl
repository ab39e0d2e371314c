// Gamma and beta at a lane's pieces of a row: for CPUs, where an access of them costs as much as one of the row, in registers beside
// the row that is held, for all rows that the lane goes on to.
#ifndef VKN_HELD_WEIGHTS_GLSL
#define VKN_HELD_WEIGHTS_GLSL

#if VKN_ALIGNED

VKN_DEFINE_HELD(Weights, KnownWeights)

// All rows have the same, in the order of their elements.
void loadWeights() {
    VKN_FOR_GROUP {
        uint column = pieceStart(0u, p);
        uint count = pieceCount(0u, p);
        KnownWeights weights = noWeights();
        if (kHasGamma) {
            weights.gamma = loadGamma(pc.words[kWordGamma], column, count);
        }
        if (kHasBeta) {
            weights.beta = loadBeta(pc.words[kWordBeta], column, count);
        }
        holdWeights(p, weights);
    }
}

#else

KnownWeights heldWeights(uint p) {
    return noWeights();
}

void loadWeights() {
}

#endif

#endif
