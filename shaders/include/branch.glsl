// What is done to a branch before it meets the stream: bias, dropout, row scale, layer scale, in this order.
#ifndef VKN_BRANCH_GLSL
#define VKN_BRANCH_GLSL

const uvec2 kPhiloxKeyStep = uvec2(0x9E3779B9u, 0xBB67AE85u);

uvec4 philoxRound(uvec4 counter, uvec2 key) {
    uint high0;
    uint low0;
    uint high1;
    uint low1;
    umulExtended(0xD2511F53u, counter.x, high0, low0);
    umulExtended(0xCD9E8D57u, counter.z, high1, low1);
    return uvec4(high1 ^ counter.y ^ key.x, low1, high0 ^ counter.w ^ key.y, low0);
}

uvec4 philoxRounds(uvec4 counter, uvec2 key) {
    counter = philoxRound(counter, key);
    counter = philoxRound(counter, key + kPhiloxKeyStep);
    counter = philoxRound(counter, key + 2u * kPhiloxKeyStep);
    counter = philoxRound(counter, key + 3u * kPhiloxKeyStep);
    return philoxRound(counter, key + 4u * kPhiloxKeyStep);
}

// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011).
uvec4 philox(uvec4 counter, uvec2 key) {
    if (kFrugal) { // without a loop
        return philoxRounds(philoxRounds(counter, key), key + 5u * kPhiloxKeyStep);
    }
    [[dont_unroll]] for (uint i = 0u; i < 10u; ++i) {
        counter = philoxRound(counter, key);
        key += kPhiloxKeyStep;
    }
    return counter;
}

const bool kParallel = kPlacement == VKN_PLACEMENT_PARALLEL;
const bool kDropout = kDropBelow != 0u;
const uint kSecondStream = 0x80000000u;

uvec2 dropoutSeed() {
    if (kHasSeed) {
        return uvec2(scalars[pc.words[kWordSeed]], scalars[pc.words[kWordSeed] + 1u]);
    }
    return uvec2(pc.words[kDropoutWord + 3u], pc.words[kDropoutWord + 4u]);
}

uvec4 randomQuad(uint row, uint column, uint stream) {
    uint low = pc.words[kDropoutWord] + row;
    uint carry = select(low < row, 1u, 0u);
    uvec4 counter = uvec4(column >> 2, low, pc.words[kDropoutWord + 1u] + carry, pc.words[kDropoutWord + 2u] + stream);
    uvec4 bits = philox(counter, dropoutSeed());
    return kPiece == 2u ? select((column & 2u) != 0u, bits.zwxy, bits) : bits;
}

// A bit for each element of the row, and as many for the second branch.
shared uint drawnRow[VKN_DRAWN_WORDS];
const uint kBranches = kParallel ? 2u : 1u;

uint drawnWords() {
    return (hiddenSize() + 31u) / 32u;
}

void clearDrawnRow() {
    barrier(); // the row before has been read
    [[dont_unroll]] for (uint i = teamLane(); i < kBranches * drawnWords(); i += teamSize()) {
        drawnRow[i] = 0u;
    }
    barrier();
}

// The team is the workgroup.
void drawRow(uint row) {
    clearDrawnRow();
    [[dont_unroll]] for (uint branch = 0u; branch < kBranches; ++branch) {
        [[dont_unroll]] for (uint column = 4u * teamLane(); column < hiddenSize(); column += 4u * teamSize()) {
            uvec4 random = randomQuad(row, column, branch * kSecondStream);
            uvec4 ones = uvec4(1u, 2u, 4u, 8u) << (column & 31u);
            uvec4 bits = select(lessThan(random, uvec4(kDropBelow)), ones, uvec4(0u));
            atomicOr(drawnRow[branch * drawnWords() + column / 32u], bits.x | bits.y | bits.z | bits.w);
        }
    }
    barrier();
}

// A pair does not cross words.
bvec4 isDrawn(uint column, uint stream) {
    uint word = drawnRow[select(stream != 0u, drawnWords(), 0u) + column / 32u];
    uvec4 bits = (word >> (column & 31u)) & uvec4(1u, 2u, 4u, 8u);
    return notEqual(bits, uvec4(0u));
}

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
        piece = multiply(piece, loadLayerScale(pc.words[kWordLayerScale] + column, count));
    }
    return piece;
}

Piece addBias(Piece piece, uint column, uint count) {
    if (kHasBranchBias) {
        piece = add(piece, loadBranchBias(pc.words[kWordBranchBias] + column, count));
    }
    return piece;
}

Piece addBias2(Piece piece, uint column, uint count) {
    if (kHasBranchBias2) {
        piece = add(piece, loadBranchBias2(pc.words[kWordBranchBias2] + column, count));
    }
    return piece;
}

#endif
