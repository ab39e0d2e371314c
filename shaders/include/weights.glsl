// What a norm does to an element once the statistics are known: the norm itself, gamma and beta.
#ifndef VKN_WEIGHTS_GLSL
#define VKN_WEIGHTS_GLSL

// Of a piece that starts at `column`, what the statistics are taken of.
Piece keepPartial(Piece piece, uint column) {
    if (kPartialSize == 0u) {
        return piece;
    }
    return keepPiece(piece, kPartialSize - min(column, kPartialSize));
}

vec4 inverseDeviations(vec4 variance) {
    return vec4(inverseDeviation(variance.x, kEpsilon), inverseDeviation(variance.y, kEpsilon),
                inverseDeviation(variance.z, kEpsilon), inverseDeviation(variance.w, kEpsilon));
}

struct ColumnStatistics {
    Piece mean;
    Piece rstd;
};

// Those of the batch, or those that training has left.
ColumnStatistics columnStatistics(uint column, uint count) {
    ColumnStatistics s;
    if (kHasBatchMean) {
        s.mean = loadBatchMean(pc.words[kWordBatchMean], column, count);
        s.rstd = loadBatchRstd(pc.words[kWordBatchRstd], column, count);
    } else {
        s.mean = loadRunningMean(pc.words[kWordRunningMean], column, count);
        Piece variance = loadRunningVariance(pc.words[kWordRunningVariance], column, count);
        s.rstd.a = inverseDeviations(variance.a);
        s.rstd.b = kPiece == 8u ? inverseDeviations(variance.b) : variance.b;
    }
    return s;
}

Piece normaliseColumns(Piece piece, uint column, uint count) {
    ColumnStatistics s = columnStatistics(column, count);
    vec4 a = (piece.a - s.mean.a) * s.rstd.a;
    vec4 b = (piece.b - s.mean.b) * s.rstd.b;
    return Piece(a, b);
}

// `piece` is scaled as the statistics are.
Piece normalise(Piece piece, Statistics s, uint column, uint count) {
    if (kBatchNorm) {
        return normaliseColumns(piece, column, count);
    }
    if (kOperation == VKN_OPERATION_DYT) {
        return tanhOf(scaled(piece, kAlpha));
    }
    if (!kTakesStatistics) {
        return piece;
    }
    vec4 a = piece.a;
    vec4 b = piece.b;
    if (kLayerNorm) {
        a = (a - s.centre) - s.correction;
        b = (b - s.centre) - s.correction;
    }
    a *= s.rstd;
    b *= s.rstd;
    return Piece(a, b);
}

uint gammaStart(Row row) {
    uint start = pc.words[kWordGamma];
    if (kHasKeys) {
        start = select(row.isKey, pc.words[kWordKeyGamma], start);
    }
    return start + row.parameterStart;
}

// Gamma, or beta, of elements that share a channel's with their neighbours: NAME's elements from `start` on.
#define VKN_DEFINE_CHANNELS(NAME)                                                                                        \
    Piece channels##NAME(uint start, uint column) {                                                                      \
        if (kWholeChunks) {                                                                                              \
            vec4 all = vec4(loadOne##NAME(start + parameterOf(column)));                                                 \
            return Piece(all, all);                                                                                      \
        }                                                                                                                \
        uint last = hiddenSize() - 1u;                                                                                   \
        Piece piece = Piece(vec4(0.0), vec4(0.0));                                                                       \
        [[unroll]] for (uint i = 0u; i < 4u; ++i) {                                                                      \
            piece.a[i] = loadOne##NAME(start + parameterOf(min(column + i, last)));                                      \
            if (kPiece == 8u) {                                                                                          \
                piece.b[i] = loadOne##NAME(start + parameterOf(min(column + 4u + i, last)));                             \
            }                                                                                                            \
        }                                                                                                                \
        return piece;                                                                                                    \
    }
VKN_DEFINE_CHANNELS(Gamma)
VKN_DEFINE_CHANNELS(Beta)

Piece gammaPiece(Row row, uint column, uint count) {
    if (kChannelsFirst) {
        return channelsGamma(gammaStart(row), column);
    }
    return loadGamma(gammaStart(row), parameterOf(column), count);
}

Piece betaPiece(Row row, uint column, uint count) {
    uint start = pc.words[kWordBeta] + row.parameterStart;
    if (kChannelsFirst) {
        return channelsBeta(start, column);
    }
    return loadBeta(start, parameterOf(column), count);
}

Piece gamma2Piece(Row row, uint column, uint count) {
    return loadGamma2(pc.words[kWordGamma2] + row.parameterStart, column, count);
}

Piece beta2Piece(Row row, uint column, uint count) {
    return loadBeta2(pc.words[kWordBeta2] + row.parameterStart, column, count);
}

// Defines Piece applyNAME(piece, row, column, count): gamma and beta of a norm whose input has type CAST. With early cast the
// normalised value is rounded to that type, and so is a product whose factors share it.
#define VKN_DEFINE_WEIGHTS(NAME, GAMMA, GAMMA_PIECE, BETA, BETA_PIECE, CAST)                                             \
    VKN_DEFINE_DECODER(NAME, CAST)                                                                                       \
    VKN_DEFINE_ENCODER(NAME, CAST)                                                                                       \
    Piece cast##NAME(Piece piece) {                                                                                      \
        if (kEarlyCast) {                                                                                                \
            return decode##NAME(encode##NAME(piece));                                                                    \
        }                                                                                                                \
        return piece;                                                                                                    \
    }                                                                                                                    \
    Piece multiply##NAME(Piece piece, Piece gamma) {                                                                     \
        vec4 a = piece.a * (kWeightOffset + gamma.a);                                                                    \
        vec4 b = piece.b * (kWeightOffset + gamma.b);                                                                    \
        piece = Piece(a, b);                                                                                             \
        if (kType##GAMMA == CAST) {                                                                                      \
            piece = cast##NAME(piece);                                                                                   \
        }                                                                                                                \
        return piece;                                                                                                    \
    }                                                                                                                    \
    Piece apply##NAME(Piece piece, Row row, uint column, uint count) {                                                   \
        piece = cast##NAME(piece);                                                                                       \
        if (kHas##GAMMA) {                                                                                               \
            piece = multiply##NAME(piece, GAMMA_PIECE(row, column, count));                                              \
        }                                                                                                                \
        if (kHas##BETA) {                                                                                                \
            piece = add(piece, BETA_PIECE(row, column, count));                                                          \
        }                                                                                                                \
        return piece;                                                                                                    \
    }

const uint kFirstCast = kPlacement == VKN_PLACEMENT_NONE || kNormOnBranch ? kTypeInput : kTypeResidual;
VKN_DEFINE_WEIGHTS(Weights, Gamma, gammaPiece, Beta, betaPiece, kFirstCast)
VKN_DEFINE_WEIGHTS(Weights2, Gamma2, gamma2Piece, Beta2, beta2Piece, kTypeResidual)

struct KnownWeights {
    Piece gamma;
    Piece beta;
};

KnownWeights noWeights() {
    return KnownWeights(Piece(vec4(0.0), vec4(0.0)), Piece(vec4(0.0), vec4(0.0)));
}

// applyWeights() with weights that are at hand.
Piece applyKnownWeights(Piece piece, KnownWeights known) {
    piece = castWeights(piece);
    if (kHasGamma) {
        piece = multiplyWeights(piece, known.gamma);
    }
    if (kHasBeta) {
        piece = add(piece, known.beta);
    }
    return piece;
}

#endif
