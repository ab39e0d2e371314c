// The gradients of a row's elements. What they need of the whole row, a norm's statistics and two means, is taken beforehand; then
// each element is by itself, in the kernel of rows and in that of columns alike.
//
// A norm y = x^ * gamma, where x^ = (x - mean) * rstd, passes on rstd * (w - mean(w) - x^ * mean(w * x^)), where w is what
// arrives at y times gamma; RMSNorm without the first mean. A norm is over the stream, or over the branch.
#ifndef VKN_GRADIENT_GLSL
#define VKN_GRADIENT_GLSL

const bool kNormOnStream = kPlacement == VKN_PLACEMENT_PRE_NORM || kPlacement == VKN_PLACEMENT_POST_NORM ||
    kPlacement == VKN_PLACEMENT_SANDWICH_PRE_NORM || kParallel;
const bool kSecondOnStream = kPlacement == VKN_PLACEMENT_SANDWICH_PRE_NORM; // the norm over the stream is N2

struct NormGradient {
    Statistics s;
    float alongNormalised; // mean of w * x^
    float alongOnes;       // mean of w
};

// Where rows of gradients start is found at each piece: few registers are left beside norms and sums.
struct GradientRow {
    Row row;
    NormGradient stream;
    NormGradient branch;
};

// Of a row. Where it is until an element needs it is each kernel's.
NormGradient streamNorm(GradientRow g);
NormGradient branchNorm(GradientRow g);

GradientRow makeGradientRow(uint index) {
    GradientRow g;
    g.row = makeRow(index);
    g.stream = NormGradient(noStatistics(), 0.0, 0.0);
    g.branch = g.stream;
    return g;
}

// What the norm over the stream reads.
Piece streamPiece(Row row, uint column, uint count) {
    if (kPlacement == VKN_PLACEMENT_POST_NORM) {
        return joinStream(row, branchPiece(row, column, count), column, count);
    }
    return loadResidualOutput(rowStart(kWordResidualOutput, row.index), column, count);
}

Piece normalised(NormGradient n, Piece x, uint column, uint count) {
    return normalise(scaled(x, n.s.scale), n.s, column, count);
}

// x^ as gamma is multiplied to it.
Piece castNormalised(NormGradient n, Piece x, uint column, uint count) {
    Piece piece = normalised(n, x, column, count);
    return kEarlyCast ? decodeWeights(encodeWeights(piece)) : piece;
}

Piece timesGamma(Piece arriving, Row row, uint column, uint count) {
    if (kHasGamma) {
        Piece gamma = gammaPiece(row, column, count);
        arriving = multiply(arriving, Piece(kWeightOffset + gamma.a, kWeightOffset + gamma.b));
    }
    return arriving;
}

Piece timesGamma2(Piece arriving, Row row, uint column, uint count) {
    if (kHasGamma2) {
        Piece gamma = gamma2Piece(row, column, count);
        arriving = multiply(arriving, Piece(kWeightOffset + gamma.a, kWeightOffset + gamma.b));
    }
    return arriving;
}

// 1 - tanh^2, of alpha x.
Piece slopeOfTanh(Piece x) {
    vec4 a = tanhSlopeOf(x.a * kAlpha);
    return Piece(a, kPiece == 8u ? tanhSlopeOf(x.b * kAlpha) : x.b);
}

// Of BatchNorm in training, where the means over a column's rows of dy * x^ and dy lie in scratch.
Piece meansOfColumns(uint which, uint column, uint count) {
    uint start = pc.words[kScratchWord + VKN_SCRATCH_ROWS] + which * hiddenSize();
    uint last = hiddenSize() - 1u;
    Piece piece = Piece(vec4(0.0), vec4(0.0));
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        piece.a[i] = scratch[start + min(column + i, last)];
        if (kPiece == 8u) {
            piece.b[i] = scratch[start + min(column + 4u + i, last)];
        }
    }
    return piece;
}

// Gamma is a column's as rstd is, so it comes last.
Piece throughBatch(Row row, Piece x, Piece arriving, uint column, uint count) {
    Piece x1 = normaliseColumns(x, column, count);
    Piece along = meansOfColumns(0u, column, count);
    Piece mean = meansOfColumns(1u, column, count);
    vec4 a = (arriving.a - mean.a) - x1.a * along.a;
    vec4 b = (arriving.b - mean.b) - x1.b * along.b;
    return multiply(timesGamma(Piece(a, b), row, column, count), columnStatistics(column, count).rstd);
}

// From what arrives at a norm's output, times gamma, to what it passes on; x is what it read.
Piece throughNorm(NormGradient n, Piece x, Piece w, uint column, uint count) {
    if (kBatchNorm) {
        return multiply(w, columnStatistics(column, count).rstd);
    }
    if (kOperation == VKN_OPERATION_DYT) {
        return scaled(multiply(w, slopeOfTanh(x)), kAlpha);
    }
    if (!kTakesStatistics) {
        return w;
    }
    Piece x1 = normalised(n, x, column, count);
    Piece along = keepPartial(scaled(x1, n.alongNormalised), column);
    vec4 a = kLayerNorm ? w.a - n.alongOnes : w.a;
    vec4 b = kLayerNorm ? w.b - n.alongOnes : w.b;
    return scaled(Piece(a - along.a, b - along.b), n.s.savedRstd);
}

// ---- the norm over the stream ----------------------------------------------------------------------------------------

// dy, as it was before it turned. A piece is in one half of what turns, and its partner in the other.
Piece turnedBack(GradientRow g, Piece piece, uint column, uint count) {
    if (kInterleaved) {
        return turnNeighbours(piece, turningOf(g.row.position), column);
    }
    uint halfSize = kRotarySize / 2u;
    bool isLow = column < halfSize;
    uint other = select(isLow, column + halfSize, column - halfSize);
    Piece partner = loadOutputGradient(rowStart(kWordOutputGradient, g.row.index), other, count);
    Piece low = piece;
    Piece high = partner;
    if (!isLow) {
        low = partner;
        high = piece;
    }
    turnHalves(low, high, turningOf(g.row.position), select(isLow, column, other));
    if (isLow) {
        return low;
    }
    return high;
}

Piece outputGradientPiece(GradientRow g, uint column, uint count) {
    Piece piece = loadOutputGradient(rowStart(kWordOutputGradient, g.row.index), elementOf(column), count);
    if (kTurns && column < kRotarySize) {
        piece = turnedBack(g, piece, column, count);
    }
    return piece;
}

Piece output2GradientPiece(GradientRow g, uint column, uint count) {
    return loadOutput2Gradient(rowStart(kWordOutput2Gradient, g.row.index), column, count);
}

Piece arrivingAtStream(GradientRow g, uint column, uint count) {
    Piece arriving = outputGradientPiece(g, column, count);
    if (kSecondOnStream) {
        return timesGamma2(arriving, g.row, column, count);
    }
    arriving = timesGamma(arriving, g.row, column, count);
    if (kParallel) {
        arriving = add(arriving, timesGamma2(output2GradientPiece(g, column, count), g.row, column, count));
    }
    return arriving;
}

// What a norm reads, and what arrives at it, times gamma.
struct NormInput {
    Piece x;
    Piece w;
};

NormInput inputOfStreamNorm(GradientRow g, uint column, uint count) {
    return NormInput(streamPiece(g.row, column, count), arrivingAtStream(g, column, count));
}

// Of h: what the norm over the stream passes on, and what arrives along the stream.
Piece streamGradientFrom(GradientRow g, NormInput norm, uint column, uint count) {
    Piece gradient = Piece(vec4(0.0), vec4(0.0));
    if (kNormOnStream) {
        gradient = throughNorm(streamNorm(g), norm.x, norm.w, column, count);
    }
    if (kStreamArrives) {
        Piece arriving = loadResidualOutputGradient(rowStart(kWordResidualOutputGradient, g.row.index), column, count);
        gradient = kNormOnStream ? add(gradient, arriving) : arriving;
    }
    return gradient;
}

Piece streamGradient(GradientRow g, uint column, uint count) {
    NormInput norm;
    if (kNormOnStream) {
        norm = inputOfStreamNorm(g, column, count);
    }
    return streamGradientFrom(g, norm, column, count);
}

// ---- the branch, and the norm over it --------------------------------------------------------------------------------

// From the gradient of h to that of a branch, or of the norm over it. Dropout, row scale and layer scale are factors.
Piece intoBranch(GradientRow g, Piece gradient, uint column, uint count, uint stream) {
    return scaleBranch(scaled(gradient, kBranchScale), g.row.index, column, count, stream);
}

// What arrives at the output of the norm over the branch.
Piece arrivingAtBranch(GradientRow g, uint column, uint count) {
    if (kPlacement != VKN_PLACEMENT_NONE) {
        return intoBranch(g, streamGradient(g, column, count), column, count, 0u);
    }
    Piece arriving = outputGradientPiece(g, column, count);
    return kHasGate && kNormFirst ? multiply(arriving, gatePiece(g.row, column, count)) : arriving;
}

Piece throughBranchNorm(GradientRow g, Piece x, Piece arriving, uint column, uint count) {
    if (kTraining) {
        return throughBatch(g.row, x, arriving, column, count);
    }
    return throughNorm(branchNorm(g), x, timesGamma(arriving, g.row, column, count), column, count);
}

// ---- means over a row ------------------------------------------------------------------------------------------------

NormInput inputOfNorm(GradientRow g, bool onStream, uint column, uint count) {
    if (onStream) {
        return inputOfStreamNorm(g, column, count);
    }
    Piece arriving = arrivingAtBranch(g, column, count);
    return NormInput(branchPiece(g.row, column, count), timesGamma(arriving, g.row, column, count));
}

// ---- scratch -----------------------------------------------------------------------------------------------------------

const uint kNormsOfRow = kNormOnStream && kNormOnBranch ? 2u : 1u;

uint scratchOfRow(uint index, bool onStream) {
    uint norm = index * kNormsOfRow + (onStream || kNormsOfRow == 1u ? 0u : 1u);
    return pc.words[kScratchWord + VKN_SCRATCH_ROWS] + norm * VKN_WORDS_OF_NORM;
}

// VKN_WORDS_OF_NORM of an array, and a norm from them.
#define VKN_PUT_NORM(ARRAY, AT, NORM)                                                                                    \
    ARRAY[AT] = NORM.s.scale;                                                                                            \
    ARRAY[AT + 1u] = NORM.s.centre;                                                                                      \
    ARRAY[AT + 2u] = NORM.s.correction;                                                                                  \
    ARRAY[AT + 3u] = NORM.s.rstd;                                                                                        \
    ARRAY[AT + 4u] = NORM.s.savedRstd;                                                                                   \
    ARRAY[AT + 5u] = NORM.alongNormalised;                                                                               \
    ARRAY[AT + 6u] = NORM.alongOnes;
#define VKN_TAKE_NORM(ARRAY, AT)                                                                                         \
    NormGradient(Statistics(ARRAY[AT], ARRAY[AT + 1u], ARRAY[AT + 2u], ARRAY[AT + 3u], ARRAY[AT + 4u], 1.0),             \
                 ARRAY[AT + 5u], ARRAY[AT + 6u])

void saveNorm(NormGradient n, uint index, bool onStream) {
    uint at = scratchOfRow(index, onStream);
    VKN_PUT_NORM(scratch, at, n)
}

NormGradient savedNorm(uint index, bool onStream) {
    uint at = scratchOfRow(index, onStream);
    return VKN_TAKE_NORM(scratch, at);
}

#endif
