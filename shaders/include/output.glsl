// The last pass over a row, which writes it, and the one before that which finds its scale.
#ifndef VKN_OUTPUT_GLSL
#define VKN_OUTPUT_GLSL

void saveStatistics(Row row, Statistics s) {
    if (teamLane() != 0u) {
        return;
    }
    if (kHasMean && row.stage == 0u) {
        scalars[pc.words[kWordMean] + row.index] = floatBitsToUint(savedMean(s));
    }
    if (kHasRstd && row.stage == 0u) {
        scalars[pc.words[kWordRstd] + row.index] = floatBitsToUint(s.savedRstd);
    }
    if (kHasMean2 && row.stage != 0u) {
        scalars[pc.words[kWordMean2] + row.index] = floatBitsToUint(savedMean(s));
    }
    if (kHasRstd2 && row.stage != 0u) {
        scalars[pc.words[kWordRstd2] + row.index] = floatBitsToUint(s.savedRstd);
    }
}

struct OutputRow {
    uint residualStart; // places
    uint start;
    uint start2;
    vec2 quantiser; // by which y and y2 are multiplied where they are quantised
};

OutputRow makeOutputRow(uint index) {
    uint residualStart = kHasResidualOutput ? rowStart(kWordResidualOutput, index) : 0u;
    uint start = kHasOutput ? headStart(kWordOutput, kWordKeyOutput, index) : 0u;
    return OutputRow(residualStart, start, kParallel ? rowStart(kWordOutput2, index) : 0u, staticQuantiser());
}

// y and y2, of piece `p` of a group.
Piece outputPiece(Row row, Statistics s, Piece piece, uint p, uint column, uint count) {
    piece = normalise(kHoldScaled ? piece : scaled(piece, s.scale), s, column, count);
    if (kHoldsWeights) {
        piece = applyKnownWeights(piece, heldWeights(p));
    } else if (kStages == 2u) {
        piece = applyWeights2(piece, row, column, count);
    } else {
        piece = applyWeights(piece, row, column, count);
    }
    if (kHasGate && kNormFirst) {
        piece = multiply(piece, gatePiece(row, column, count));
    }
    if (kInterleaved) {
        piece = turnNeighbours(piece, turningOfPiece(row, p), column);
    }
    return piece;
}

Piece output2Piece(Row row, Statistics s, Piece piece, uint column, uint count) {
    return applyWeights2(normalise(scaled(piece, s.scale), s, column, count), row, column, count);
}

// The largest magnitudes in them.
uvec2 measurePiece(Row row, Statistics s, Piece piece, uint p, uint column, uint count) {
    uvec2 largest = uvec2(0u);
    if (kQuantises) {
        largest.x = largestMagnitude(outputPiece(row, s, piece, p, column, count), count);
    }
    if (kQuantises2) {
        largest.y = largestMagnitude(output2Piece(row, s, piece, column, count), count);
    }
    return largest;
}

void storeQuantised(OutputRow target, Piece y, uint column, uint count) {
    storeOutput(target.start, elementOf(column), count, kQuantises ? scaled(y, target.quantiser.x) : y);
}

void storePiece(Row row, OutputRow target, Statistics s, Piece piece, uint p, uint column, uint count) {
    if (kHasResidualOutput && !kStoresFirst) {
        storeResidualOutput(target.residualStart, column, count, piece);
    }
    if (kHasOutput) {
        storeQuantised(target, outputPiece(row, s, piece, p, column, count), column, count);
    }
    if (kParallel) {
        Piece y2 = output2Piece(row, s, piece, column, count);
        storeOutput2(target.start2, column, count, kQuantises2 ? scaled(y2, target.quantiser.y) : y2);
    }
}

// Measures two pieces that turn with each other, or stores them.
uvec2 finishPair(Row row, OutputRow target, Statistics s, uint firstChunk, uint p, bool stores) {
    uint q = p + kPiecesOfChunk;
    uvec2 column = uvec2(pieceStart(firstChunk, p), pieceStart(firstChunk, q));
    uvec2 count = uvec2(pieceCount(firstChunk, p), pieceCount(firstChunk, q));
    Piece low = outputPiece(row, s, lastPiece(row, firstChunk, p), p, column.x, count.x);
    Piece high = outputPiece(row, s, lastPiece(row, firstChunk, q), q, column.y, count.y);
    if (column.x < kRotarySize / 2u) {
        turnHalves(low, high, turningOfPiece(row, p), column.x);
    }
    if (!stores) {
        return uvec2(max(largestMagnitude(low, count.x), largestMagnitude(high, count.y)), 0u);
    }
    storeQuantised(target, low, column.x, count.x);
    storeQuantised(target, high, column.y, count.y);
    return uvec2(0u);
}

// Measures a piece, or stores it.
uvec2 finishPiece(Row row, OutputRow target, Statistics s, uint firstChunk, uint p, bool stores) {
    if (kHalfSplit) {
        return isFirstOfPair(p) ? finishPair(row, target, s, firstChunk, p, stores) : uvec2(0u);
    }
    uint column = pieceStart(firstChunk, p);
    uint count = pieceCount(firstChunk, p);
    Piece piece = lastPiece(row, firstChunk, p);
    if (!stores) {
        return measurePiece(row, s, piece, p, column, count);
    }
    storePiece(row, target, s, piece, p, column, count);
    return uvec2(0u);
}

uvec2 finishGroup(Row row, OutputRow target, Statistics s, uint firstChunk, bool stores) {
    uvec2 largest = uvec2(0u);
    reloadGroup(row, firstChunk);
    if (kHalfSplit) { // without a branch on whether a piece is the first of two, which costs SwiftShader a quarter of a row's time
        VKN_FOR_PAIRS_OF_GROUP {
            largest = max(largest, finishPair(row, target, s, firstChunk, firstOfPair(pair), stores));
        }
        return largest;
    }
    VKN_FOR_GROUP {
        largest = max(largest, finishPiece(row, target, s, firstChunk, p, stores));
    }
    return largest;
}

uvec2 finishPieces(Row row, OutputRow target, Statistics s, bool stores) {
    uvec2 largest = uvec2(0u);
#if VKN_ALIGNED
    if (!kReadAgain) {
        return finishGroup(row, target, s, 0u, stores);
    }
    VKN_FOR_ROW {
        largest = max(largest, finishGroup(row, target, s, firstChunk, stores));
    }
#else
    VKN_FOR_PIECES_OF_LANE { // nothing is held, so nothing is gained by groups
        largest = max(largest, finishPiece(row, target, s, 0u, p, stores));
    }
#endif
    return largest;
}

// A lane has whole blocks to itself, so that it knows their scales.
void storeBlocks(Row row, OutputRow target, Statistics s) {
    [[dont_unroll]] for (uint block = teamLane(); block < scalesOfRow(); block += teamSize()) {
        uint end = min((block + 1u) * kBlockSize, hiddenSize());
        uvec2 largest = uvec2(0u);
        [[dont_unroll]] for (uint column = block * kBlockSize; column < end; column += kPiece) {
            uint count = min(end - column, kPiece);
            largest = max(largest, measurePiece(row, s, lastPieceAt(row, column, count), 0u, column, count));
        }
        target.quantiser = saveScales(largest, row.index, block);
        [[dont_unroll]] for (uint column = block * kBlockSize; column < end; column += kPiece) {
            uint count = min(end - column, kPiece);
            storePiece(row, target, s, lastPieceAt(row, column, count), 0u, column, count);
        }
    }
}

// Teams that own no row keep step: see main().
void storeRow(Row row, Statistics s, bool owned) {
    OutputRow target = makeOutputRow(row.index);
    if (kMeasures && kQuantization == VKN_QUANTIZATION_PER_ROW) {
        uvec2 largest = finishPieces(row, target, s, false);
        largest.x = kQuantises ? maxOverTeam(largest.x) : 0u;
        largest.y = kQuantises2 ? maxOverTeam(largest.y) : 0u;
        target.quantiser = quantiserOf(largest);
        if (owned && teamLane() == 0u) {
            saveScales(largest, row.index, 0u);
        }
    }
    if (!owned) {
        return;
    }
    if (kMeasures && kQuantization == VKN_QUANTIZATION_PER_BLOCK) {
        storeBlocks(row, target, s);
    } else {
        finishPieces(row, target, s, true);
    }
}

#endif
