// A row's gradients: what its norms need of the whole row, then what is written.
#ifndef VKN_GRADIENT_ROWS_GLSL
#define VKN_GRADIENT_ROWS_GLSL

const bool kHasAnyMean = kHasMean || kHasMean2;
const bool kSavesMeans = kLayerNorm && kHasAnyMean;

// Frugal kernels leave a row's norms in shared memory.
shared float leftNorms[16];
const uint kLeftOnBranch = 8u;

void leaveNorm(uint first, NormGradient n) {
    if (kFrugal) {
        if (teamLane() == 0u) {
            VKN_PUT_NORM(leftNorms, first, n)
        }
        barrier();
    }
}

NormGradient streamNorm(GradientRow g) {
    if (kFrugal) {
        return VKN_TAKE_NORM(leftNorms, 0u);
    }
    return g.stream;
}

NormGradient branchNorm(GradientRow g) {
    if (kFrugal) {
        return VKN_TAKE_NORM(leftNorms, kLeftOnBranch);
    }
    return g.branch;
}

// Of w * x^; where there is a mean, of w; and of x^ about a mean that was saved, which it is not 0 about.
struct GradientSums {
    CompensatedSum along;
    CompensatedSum ones;
    CompensatedSum normalised;
};

vec3 addProducts(vec3 sums, NormGradient n, NormInput norm, uint column, uint count) {
    Piece x1 = normalised(n, norm.x, column, count);
    sums.x = addSum(sums.x, multiply(norm.w, x1));
    if (kLayerNorm) {
        sums.y = addSum(sums.y, norm.w);
    }
    if (kSavesMeans) {
        sums.z = addSum(sums.z, keepPiece(x1, count));
    }
    return sums;
}

// A chunk at a time, so that sums do not depend on how a chunk is read.
GradientSums addChunk(GradientSums sums, vec3 ofChunk) {
    sums.along = add(sums.along, ofChunk.x);
    if (kLayerNorm) {
        sums.ones = add(sums.ones, ofChunk.y);
    }
    if (kSavesMeans) {
        sums.normalised = add(sums.normalised, ofChunk.z);
    }
    return sums;
}

vec3 addPiece(vec3 sums, GradientRow g, NormGradient n, bool onStream, uint p) {
    uint column = pieceStart(0u, p);
    uint count = pieceCount(0u, p);
    return addProducts(sums, n, inputOfNorm(g, onStream, column, count), column, count);
}

vec3 productsOfChunk(GradientRow g, NormGradient n, bool onStream, uint chunk) {
    uint first = chunk * kPiecesOfChunk;
    vec3 sums = vec3(0.0);
    if (kPiecesOfChunk == 1u) {
        return addPiece(sums, g, n, onStream, first);
    }
    if (kFrugal) {
        [[dont_unroll]] for (uint i = 0u; i < kPiecesOfChunk; ++i) {
            sums = addPiece(sums, g, n, onStream, first + i);
        }
    } else {
        for (uint i = 0u; i < kPiecesOfChunk; ++i) {
            sums = addPiece(sums, g, n, onStream, first + i);
        }
    }
    return sums;
}

GradientSums sumsOfLane(GradientRow g, NormGradient n, bool onStream) {
    CompensatedSum nothing = CompensatedSum(0.0, 0.0);
    GradientSums sums = GradientSums(nothing, nothing, nothing);
#if VKN_ALIGNED
    if (kHoldsWords) {
        VKN_FOR_GROUP {
            uint column = pieceStart(0u, p);
            uint count = pieceCount(0u, p);
            sums = addChunk(sums, addProducts(vec3(0.0), n, heldNormInput(g, p, column, count), column, count));
        }
        return sums;
    }
#endif
    uint chunks = chunksOfLane();
    [[dont_unroll]] for (uint chunk = 0u; chunk < chunks; ++chunk) {
        sums = addChunk(sums, productsOfChunk(g, n, onStream, chunk));
    }
    return sums;
}

// Over the row: of w * x^ and of w.
vec2 addLanes(GradientSums sums) {
    if (!kLayerNorm) {
        return vec2(addOverTeam(value(sums.along)), 0.0);
    }
    return addOverTeam(vec2(value(sums.along), value(sums.ones)));
}

// The means over a row of w * x^ and of w. Of a saved mean, which is rounded, what that left over is found on the way and taken
// from x^: where a row's mean is far larger than its deviation, it is far larger than x^'s own rounding.
NormGradient addMeans(GradientRow g, NormGradient n, bool onStream, bool isMeanSaved) {
    GradientSums sums = sumsOfLane(g, n, onStream);
    vec2 total = addLanes(sums);
    n.alongNormalised = total.x / float(statisticsSize()) * n.s.share;
    n.alongOnes = total.y / float(hiddenSize());
    if (kSavesMeans && isMeanSaved) {
        float left = addOverTeam(value(sums.normalised)) / float(hiddenSize());
        float product = left * n.alongOnes;
        n.alongNormalised -= product;
        n.s.correction = n.s.rstd > 0.0 ? left / n.s.rstd : 0.0;
    }
    return n;
}

Statistics statisticsSavedBy(uint wordMean, uint wordRstd, uint index) {
    float mean = kLayerNorm ? uintBitsToFloat(scalars[pc.words[wordMean] + index]) : 0.0;
    float rstd = uintBitsToFloat(scalars[pc.words[wordRstd] + index]);
    return Statistics(1.0, mean, 0.0, rstd, rstd, 1.0);
}

// Of the norm over the stream, which comes first in a row that has both, or of that over the branch.
NormGradient measureNorm(inout GradientRow g, bool onStream) {
    bool isSecond = onStream && kSecondOnStream;
    NormGradient n = NormGradient(noStatistics(), 0.0, 0.0);
    if (isSecond ? kHasRstd2 : kHasRstd) {
        n.s = statisticsSavedBy(isSecond ? kWordMean2 : kWordMean, isSecond ? kWordRstd2 : kWordRstd, g.row.index);
    } else {
        g.row.scale = 1.0;
        n.s = statisticsOfRow(g.row);
    }
    return addMeans(g, n, onStream, isSecond ? kHasMean2 : kHasMean);
}

void measureRow(inout GradientRow g) {
    if (kNormOnStream) {
        g.stream = measureNorm(g, true);
        leaveNorm(0u, g.stream);
        g.row.stage += 1u;
    }
    if (!kNormOnStream || kNormOnBranch) {
        g.branch = measureNorm(g, false);
        leaveNorm(kLeftOnBranch, g.branch);
    }
}

void saveRow(GradientRow g) {
    if (kNormOnStream) {
        saveNorm(streamNorm(g), g.row.index, true);
    }
    if (!kNormOnStream || kNormOnBranch) {
        saveNorm(branchNorm(g), g.row.index, false);
    }
}

// Of x, from that of what the gate and x made together; writes the gate's.
Piece throughGate(GradientRow g, Piece x, Piece gradient, uint column, uint count) {
    Piece z = loadGate(g.row.gateStart, column, count);
    Piece other; // what the gate was multiplied to, and what arrives there
    if (kNormFirst) {
        Piece y = applyWeights(normalised(branchNorm(g), x, column, count), g.row, column, count);
        other = multiply(outputGradientPiece(g, column, count), y);
    } else {
        Piece ungated = addBias(loadInput(g.row.inputStart, elementOf(column), count), column, count);
        other = multiply(gradient, ungated);
        gradient = multiply(gradient, activated(z));
    }
    storeGateGradient(rowStart(kWordGateGradient, g.row.index), column, count, multiply(other, activationSlope(z)));
    return gradient;
}

void storeUnblocked(GradientRow g, Piece x, Piece arriving, uint column, uint count) {
    Piece gradient = throughBranchNorm(g, x, arriving, column, count);
    if (kHasGate) {
        gradient = throughGate(g, x, gradient, column, count);
    }
    storeInputGradient(rowStart(kWordInputGradient, g.row.index), elementOf(column), count, gradient);
}

// In place, the stream's gradient is read by the invocation that writes it, beforehand.
void storeBlock(GradientRow g, Piece stream, uint column, uint count) {
    Piece branch = intoBranch(g, stream, column, count, 0u);
    if (kNormOnBranch) {
        branch = throughBranchNorm(g, branchPiece(g.row, column, count), branch, column, count);
    }
    if (kHasResidualGradient) {
        storeResidualGradient(rowStart(kWordResidualGradient, g.row.index), column, count, scaled(stream, kResidualScale));
    }
    storeInputGradient(rowStart(kWordInputGradient, g.row.index), column, count, branch);
    if (kParallel) {
        Piece second = intoBranch(g, stream, column, count, kSecondStream);
        storeInput2Gradient(rowStart(kWordInput2Gradient, g.row.index), column, count, second);
    }
}

#if VKN_ALIGNED
void storeHeldPiece(GradientRow g, uint p) {
    uint column = pieceStart(0u, p);
    uint count = pieceCount(0u, p);
    if (kBlock) {
        NormInput norm = heldNormInput(g, p, column, count);
        storeBlock(g, streamGradientFrom(g, norm, column, count), column, count);
    } else {
        storeUnblocked(g, heldInput(p), heldGradient(p), column, count);
    }
}
#endif

void storeGradients(GradientRow g) {
#if VKN_ALIGNED
    if (kHoldsWords) {
        VKN_FOR_GROUP {
            storeHeldPiece(g, p);
        }
        return;
    }
#endif
    VKN_FOR_PIECES_OF_LANE {
        uint column = pieceStart(0u, p);
        uint count = pieceCount(0u, p);
        if (kBlock) {
            storeBlock(g, streamGradient(g, column, count), column, count);
        } else {
            Piece x = branchPiece(g.row, column, count);
            storeUnblocked(g, x, arrivingAtBranch(g, column, count), column, count);
        }
    }
}

#endif
