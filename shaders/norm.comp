// RMSNorm, LayerNorm and what stands in for a norm, with what surrounds them, forward.
//
// A team of invocations owns a row. Lane l takes chunk l, l + teamSize, ...; a group is the chunks that a lane holds in
// registers at once: the whole row where it fits, otherwise a part, and the row is read again for the second pass. The
// reduction tree depends on element indices only: not on addresses, alignment, rows or the grid. The build decorates all
// arithmetic NoContraction, so that an element has the same bits in every pipeline of a plan.
//
// A placement has one norm, or two of which the second is over what the first one made: each is a stage, which takes the
// statistics of its elements. What the last stage's elements are is written in one more pass; where the output has a scale of
// its own, there is a pass before that which finds it.
//
// Defines: VKN_SUBGROUPS, VKN_ALIGNED (128-bit accesses; otherwise any alignment, and nothing is held: each pass reads its
// pieces anew). All else is a specialisation constant; src/device/specialise.cpp leaves out what those rule out.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#if VKN_SUBGROUPS && !defined(VKN_EMULATE_SUBGROUPS)
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#endif

#define VKN_KERNEL_NORM
#include "kernel.glsl"
#include "formats.glsl"
#include "stream.glsl"
#include "operands.glsl"
#include "branch.glsl"
#include "elementwise.glsl"
#include "reduce.glsl"
#include "statistics.glsl"
#include "quantise.glsl"
#include "rope.glsl"
#include "order.glsl"

const bool kNormOnBranch =
    kPlacement == VKN_PLACEMENT_SANDWICH || kPlacement == VKN_PLACEMENT_SANDWICH_PRE_NORM;
const bool kParallel = kPlacement == VKN_PLACEMENT_PARALLEL;
const bool kBlock = kPlacement != VKN_PLACEMENT_NONE;
const uint kStages = kPlacement == VKN_PLACEMENT_SANDWICH_PRE_NORM ? 2u : 1u;

struct Row {
    uint index; // among the rows of the dispatch
    uint inputStart; // first elements
    uint input2Start;
    uint residualStart;
    uint gateStart;
    uint parameterStart; // of gamma and beta, from the start of either
    bool isKey;
    uint position; // for RoPE
    Statistics branch; // where the norm is on the branch: its
    uint stage;        // whose elements are looked at
    float scale;       // a power of two by which every element is multiplied; 1 nearly always
};

Row makeRow(uint index) {
    Row row;
    row.index = index;
    row.inputStart = inputRowStart(index);
    row.input2Start = kParallel ? rowStart(kWordInput2, index) : 0u;
    row.residualStart = kBlock ? rowStart(kWordResidual, index) : 0u;
    row.gateStart = kHasGate ? rowStart(kWordGate, index) : 0u;
    row.parameterStart = parameterRow(index);
    row.isKey = isKeyRow(index);
    row.position = positionOf(index);
    row.branch = noStatistics();
    row.stage = 0u;
    row.scale = 1.0;
    return row;
}

// ---- norms ---------------------------------------------------------------------------------------------------------

// Elements past the end of the row are zero before centring; this makes them zero after it.
vec4 keepElements(vec4 v, uint count, uint first) {
    return select(lessThan(uvec4(first, first + 1u, first + 2u, first + 3u), uvec4(count)), v, vec4(0.0));
}

Piece keepPiece(Piece piece, uint count) {
    return Piece(keepElements(piece.a, count, 0u), keepElements(piece.b, count, 4u));
}

// Of a piece that starts at `column`, what the statistics are taken of.
Piece keepPartial(Piece piece, uint column) {
    if (kPartialSize == 0u) {
        return piece;
    }
    return keepPiece(piece, kPartialSize - min(column, kPartialSize));
}

// `piece` is scaled as the statistics are.
Piece normalise(Piece piece, Statistics s) {
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
    return loadGamma(gammaStart(row) + parameterOf(column), count);
}

Piece betaPiece(Row row, uint column, uint count) {
    uint start = pc.words[kWordBeta] + row.parameterStart;
    if (kChannelsFirst) {
        return channelsBeta(start, column);
    }
    return loadBeta(start + parameterOf(column), count);
}

Piece gamma2Piece(Row row, uint column, uint count) {
    return loadGamma2(pc.words[kWordGamma2] + row.parameterStart + column, count);
}

Piece beta2Piece(Row row, uint column, uint count) {
    return loadBeta2(pc.words[kWordBeta2] + row.parameterStart + column, count);
}

// Defines Piece applyNAME(piece, row, column, count): gamma and beta of a norm whose input has type CAST. With early cast the
// normalised value is rounded to that type, and so is a product whose factors share it.
#define VKN_DEFINE_WEIGHTS(NAME, GAMMA, GAMMA_PIECE, BETA, BETA_PIECE, CAST)                                             \
    VKN_DEFINE_DECODER(NAME, CAST)                                                                                       \
    VKN_DEFINE_ENCODER(NAME, CAST)                                                                                       \
    Piece apply##NAME(Piece piece, Row row, uint column, uint count) {                                                   \
        if (kEarlyCast) {                                                                                                \
            piece = decode##NAME(encode##NAME(piece));                                                                   \
        }                                                                                                                \
        if (kHas##GAMMA) {                                                                                               \
            Piece gamma = GAMMA_PIECE(row, column, count);                                                               \
            vec4 a = piece.a * (kWeightOffset + gamma.a);                                                                \
            vec4 b = piece.b * (kWeightOffset + gamma.b);                                                                \
            piece = Piece(a, b);                                                                                         \
            if (kEarlyCast && kType##GAMMA == CAST) {                                                                    \
                piece = decode##NAME(encode##NAME(piece));                                                               \
            }                                                                                                            \
        }                                                                                                                \
        if (kHas##BETA) {                                                                                                \
            piece = add(piece, BETA_PIECE(row, column, count));                                                          \
        }                                                                                                                \
        return piece;                                                                                                    \
    }

const uint kFirstCast = kPlacement == VKN_PLACEMENT_NONE || kNormOnBranch ? kTypeInput : kTypeResidual;
VKN_DEFINE_WEIGHTS(Weights, Gamma, gammaPiece, Beta, betaPiece, kFirstCast)
VKN_DEFINE_WEIGHTS(Weights2, Gamma2, gamma2Piece, Beta2, beta2Piece, kTypeResidual)

// ---- the elements of a stage ---------------------------------------------------------------------------------------

Piece gatePiece(Row row, uint column, uint count) {
    return activated(loadGate(row.gateStart + column, count));
}

Piece branchPiece(Row row, uint column, uint count) {
    Piece piece = addBias(loadInput(row.inputStart + elementOf(column), count), column, count);
    if (kHasGate && !kNormFirst) {
        piece = multiply(piece, gatePiece(row, column, count));
    }
    return piece;
}

// From the branch, bias added, to the stream: a * residual + b * D(branch).
Piece joinStream(Row row, Piece piece, uint column, uint count) {
    if (kNormOnBranch) {
        piece = applyWeights(normalise(scaled(piece, row.branch.scale), row.branch), row, column, count);
    }
    piece = scaleBranch(piece, row.index, column, count, 0u);
    if (kParallel) {
        Piece second = addBias2(loadInput2(row.input2Start + column, count), column, count);
        piece = add(piece, scaleBranch(second, row.index, column, count, kSecondStream));
    }
    Piece residual = loadResidual(row.residualStart + column, count);
    piece = add(scaled(residual, kResidualScale), scaled(piece, kBranchScale));
    if (kNormOnBranch || kHasRowScale) {
        piece = keepPiece(piece, count);
    }
    return piece;
}

Piece stagePiece(Row row, uint column, uint count) {
    Piece piece = branchPiece(row, column, count);
    if (kBlock && (!kNormOnBranch || row.stage != 0u)) {
        piece = joinStream(row, piece, column, count);
    }
    return piece;
}

// ---- the pieces of a group -----------------------------------------------------------------------------------------

// As statistics want it: scaled.
Piece loadPiece(Row row, uint firstChunk, uint p) {
    return scaled(stagePiece(row, pieceStart(firstChunk, p), pieceCount(firstChunk, p)), row.scale);
}

// Pieces are held scaled, but as they are where those of the last stage are also written.
const bool kHoldScaled = !kHasResidualOutput;

// As it is held, or would be.
Piece lastPieceAt(Row row, uint column, uint count) {
    Piece piece = stagePiece(row, column, count);
    return kHoldScaled ? scaled(piece, row.scale) : piece;
}

#if VKN_ALIGNED

// Indices are literals, so that the array is registers whether or not a driver unrolls a loop before it decides.
Piece heldPieces[VKN_MAX_GROUP];
#define VKN_EACH_HELD(DO) DO(0u) DO(1u) DO(2u) DO(3u) DO(4u) DO(5u) DO(6u) DO(7u)

#define VKN_FOR_GROUP [[unroll]] for (uint p = 0u; p < kPiecesOfGroup; ++p)

void holdPiece(uint p, Piece piece) {
#define VKN_HOLD(INDEX)                                                                                                  \
    if (INDEX < kPiecesOfGroup && p == INDEX) {                                                                          \
        heldPieces[INDEX] = piece;                                                                                       \
    }
    VKN_EACH_HELD(VKN_HOLD)
}

Piece heldPiece(uint p) {
    Piece piece = heldPieces[0];
#define VKN_TAKE(INDEX)                                                                                                  \
    if (INDEX < kPiecesOfGroup && p == INDEX) {                                                                          \
        piece = heldPieces[INDEX];                                                                                       \
    }
    VKN_EACH_HELD(VKN_TAKE)
    return piece;
}

void loadGroup(Row row, uint firstChunk) {
    VKN_FOR_GROUP {
        holdPiece(p, lastPieceAt(row, pieceStart(firstChunk, p), pieceCount(firstChunk, p)));
    }
}

// What is held, from the first stage's elements to the second's.
void advanceGroup(Row row) {
    VKN_FOR_GROUP {
        holdPiece(p, joinStream(row, heldPiece(p), pieceStart(0u, p), pieceCount(0u, p)));
    }
}

Piece groupPiece(Row row, uint firstChunk, uint p) {
    return kHoldScaled ? heldPiece(p) : scaled(heldPiece(p), row.scale);
}

// As it is held.
Piece lastPiece(Row row, uint firstChunk, uint p) {
    return heldPiece(p);
}

#else

// One piece at a time, read anew in each pass.
#define VKN_FOR_GROUP [[dont_unroll]] for (uint p = 0u; p < kPiecesOfGroup; ++p)

void loadGroup(Row row, uint firstChunk) {
}

void advanceGroup(Row row) {
}

Piece groupPiece(Row row, uint firstChunk, uint p) {
    return loadPiece(row, firstChunk, p);
}

Piece lastPiece(Row row, uint firstChunk, uint p) {
    return lastPieceAt(row, pieceStart(firstChunk, p), pieceCount(firstChunk, p));
}

#endif

// The tree is the same whether a row is read in pairs or, aligned, in whole chunks.
float addQuad(float sum, vec4 v) {
    if (kUnalignedPiece == 2u) {
        return (sum + (v.x + v.y)) + (v.z + v.w);
    }
    return sum + ((v.x + v.y) + (v.z + v.w));
}

float addSum(float sum, Piece piece) {
    sum = addQuad(sum, piece.a);
    return kPiece == 8u ? addQuad(sum, piece.b) : sum;
}

float addSquares(float squares, Piece piece) {
    squares = addQuad(squares, piece.a * piece.a);
    return kPiece == 8u ? addQuad(squares, piece.b * piece.b) : squares;
}

float groupSum(Row row, uint firstChunk) {
    float sum = 0.0;
    VKN_FOR_GROUP {
        sum = addSum(sum, groupPiece(row, firstChunk, p));
    }
    return sum;
}

// Sum of squares of the elements; for LayerNorm, of their distances from `centre`, and the sum of those.
vec2 groupMoments(Row row, uint firstChunk, float centre) {
    vec2 moments = vec2(0.0);
    VKN_FOR_GROUP {
        Piece piece = groupPiece(row, firstChunk, p);
        if (kLayerNorm) {
            uint count = pieceCount(firstChunk, p);
            piece = keepPiece(Piece(piece.a - centre, piece.b - centre), count);
            moments.x = addSum(moments.x, piece);
        }
        piece = keepPartial(piece, pieceStart(firstChunk, p));
        moments.y = addSquares(moments.y, piece);
    }
    return moments;
}

uint groupElements(uint firstChunk) {
    uint elements = 0u;
    VKN_FOR_GROUP {
        elements += pieceCount(firstChunk, p);
    }
    return elements;
}

// ---- statistics of a row -------------------------------------------------------------------------------------------

#define VKN_FOR_PIECES_OF_LANE [[dont_unroll]] for (uint p = 0u; p < chunksOfLane() * kPiecesOfChunk; ++p)

// Loops over the groups of a row. One that fits in registers is a single group, loaded beforehand.
#define VKN_FOR_ROW for (uint firstChunk = 0u; firstChunk < chunksOfLane(); firstChunk += kGroup)

void reloadGroup(Row row, uint firstChunk) {
    if (kReadAgain) {
        loadGroup(row, firstChunk);
    }
}

// What elements are centred on at first: the row's mean where the row is in registers, otherwise the mean of what the lane
// has read.
float firstCentre(Row row, float elements) {
    float sum = groupSum(row, 0u);
    if (kReadAgain) {
        return elements > 0.0 ? sum / elements : 0.0;
    }
    return addOverTeam(vec2(sum, 0.0)).x / float(statisticsSize());
}

// A lane that reads on moves its centre to its mean so far whenever the groups it has seen have doubled.
LaneMoments momentsOfLane(Row row) {
    LaneMoments lane = emptyLaneMoments();
    VKN_FOR_ROW {
        reloadGroup(row, firstChunk);
        float elements = kLayerNorm && kReadAgain ? float(groupElements(firstChunk)) : 0.0;
        if (kLayerNorm && firstChunk == 0u) {
            lane.centre = firstCentre(row, elements);
        }
        lane = addGroup(lane, elements, groupMoments(row, firstChunk, lane.centre));
        uint groups = firstChunk / kGroup + 1u;
        if (kLayerNorm && kReadAgain && (groups & (groups - 1u)) == 0u) {
            lane = recentre(lane);
        }
    }
    return lane;
}

Moments momentsOfRow(Row row) {
    LaneMoments lane = momentsOfLane(row);
    float centre = lane.centre;
    vec2 moments = vec2(value(lane.sum), value(lane.squares));
    if (kLayerNorm && kReadAgain) { // each lane has a centre of its own
        centre = addOverTeam(vec2(sumOfLane(lane), 0.0)).x / float(statisticsSize());
        moments = momentsAbout(lane, centre);
    }
    moments = addOverTeam(moments);
    return Moments(centre, moments.x, moments.y);
}

// Rare, so it reads the row anew and leaves the registers to the usual path.
uint maxMagnitudeOfRow(Row row) {
    uint magnitude = 0u;
    VKN_FOR_PIECES_OF_LANE {
        Piece piece = keepPartial(loadPiece(row, 0u, p), pieceStart(0u, p));
        magnitude = max(magnitude, max(maxMagnitude(piece.a), kPiece == 8u ? maxMagnitude(piece.b) : 0u));
    }
    return maxOverTeam(magnitude);
}

// A row whose squares overflow or underflow is scaled by a power of two and summed up again. A loop, so that the sums are
// in the code once.
Statistics statisticsOfRow(inout Row row) {
    Moments moments;
    [[dont_unroll]] for (uint attempt = 0u; attempt < 2u; ++attempt) {
        if (!kReadAgain && kHoldScaled) {
            loadGroup(row, 0u);
        }
        moments = momentsOfRow(row);
        bool rescale = attempt == 0u && isOutOfRange(moments.squares);
        if (!anyTeam(rescale)) {
            break;
        }
        // Rows that share a workgroup in an emulating test build keep their scale.
        float factor = rescalingFactor(maxMagnitudeOfRow(row), kEpsilon);
        row.scale = rescale ? factor : 1.0;
    }
    return makeStatistics(moments, row.scale, float(statisticsSize()), kEpsilon);
}

// ---- the output ----------------------------------------------------------------------------------------------------

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
    uint residualStart; // first elements
    uint start;
    uint start2;
    vec2 quantiser; // by which y and y2 are multiplied where they are quantised
};

OutputRow makeOutputRow(uint index) {
    uint residualStart = kHasResidualOutput ? rowStart(kWordResidualOutput, index) : 0u;
    uint start = kHasOutput ? headStart(kWordOutput, kWordKeyOutput, index) : 0u;
    return OutputRow(residualStart, start, kParallel ? rowStart(kWordOutput2, index) : 0u, staticQuantiser());
}

// y and y2, of a piece as it is held.
Piece outputPiece(Row row, Statistics s, Piece piece, uint column, uint count) {
    piece = normalise(kHoldScaled ? piece : scaled(piece, s.scale), s);
    piece = kStages == 2u ? applyWeights2(piece, row, column, count) : applyWeights(piece, row, column, count);
    if (kHasGate && kNormFirst) {
        piece = multiply(piece, gatePiece(row, column, count));
    }
    if (kInterleaved) {
        piece = turnNeighbours(piece, row.position, column);
    }
    return piece;
}

Piece output2Piece(Row row, Statistics s, Piece piece, uint column, uint count) {
    return applyWeights2(normalise(scaled(piece, s.scale), s), row, column, count);
}

// The largest magnitudes in them.
uvec2 measurePiece(Row row, Statistics s, Piece piece, uint column, uint count) {
    uvec2 largest = uvec2(0u);
    if (kQuantises) {
        largest.x = largestMagnitude(outputPiece(row, s, piece, column, count), count);
    }
    if (kQuantises2) {
        largest.y = largestMagnitude(output2Piece(row, s, piece, column, count), count);
    }
    return largest;
}

void storeQuantised(OutputRow target, Piece y, uint column, uint count) {
    storeOutput(target.start + elementOf(column), count, kQuantises ? scaled(y, target.quantiser.x) : y);
}

void storePiece(Row row, OutputRow target, Statistics s, Piece piece, uint column, uint count) {
    if (kHasResidualOutput) {
        storeResidualOutput(target.residualStart + column, count, piece);
    }
    if (kHasOutput) {
        storeQuantised(target, outputPiece(row, s, piece, column, count), column, count);
    }
    if (kParallel) {
        Piece y2 = output2Piece(row, s, piece, column, count);
        storeOutput2(target.start2 + column, count, kQuantises2 ? scaled(y2, target.quantiser.y) : y2);
    }
}

// Measures two pieces that turn with each other, or stores them.
uvec2 finishPair(Row row, OutputRow target, Statistics s, uint firstChunk, uint p, bool stores) {
    uint q = p + kPiecesOfChunk;
    uvec2 column = uvec2(pieceStart(firstChunk, p), pieceStart(firstChunk, q));
    uvec2 count = uvec2(pieceCount(firstChunk, p), pieceCount(firstChunk, q));
    Piece low = outputPiece(row, s, lastPiece(row, firstChunk, p), column.x, count.x);
    Piece high = outputPiece(row, s, lastPiece(row, firstChunk, q), column.y, count.y);
    if (column.x < kRotarySize / 2u) {
        turnHalves(low, high, row.position, column.x);
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
        return measurePiece(row, s, piece, column, count);
    }
    storePiece(row, target, s, piece, column, count);
    return uvec2(0u);
}

uvec2 finishPieces(Row row, OutputRow target, Statistics s, bool stores) {
    uvec2 largest = uvec2(0u);
#if VKN_ALIGNED
    VKN_FOR_ROW {
        reloadGroup(row, firstChunk);
        VKN_FOR_GROUP {
            largest = max(largest, finishPiece(row, target, s, firstChunk, p, stores));
        }
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
            largest = max(largest, measurePiece(row, s, lastPieceAt(row, column, count), column, count));
        }
        target.quantiser = saveScales(largest, row.index, block);
        [[dont_unroll]] for (uint column = block * kBlockSize; column < end; column += kPiece) {
            uint count = min(end - column, kPiece);
            storePiece(row, target, s, lastPieceAt(row, column, count), column, count);
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

// Takes the statistics of a stage; after that of the branch, goes on to what follows it.
Statistics stageOfRow(inout Row row, bool owned) {
    Statistics s = noStatistics();
    if (kTakesStatistics) {
        s = statisticsOfRow(row);
    }
    if (owned) {
        saveStatistics(row, s);
    }
    if (kNormOnBranch && row.stage == 0u) {
        row.branch = s;
        row.scale = 1.0;
        if (!kReadAgain) {
            advanceGroup(row);
        }
    }
    row.stage += 1u;
    return s;
}

void processRow(uint index, bool owned) {
    Row row = makeRow(index);
    if (!kReadAgain && (!kHoldScaled || !kTakesStatistics)) {
        loadGroup(row, 0u);
    }
    Statistics s;
    if (kStages == 1u) {
        s = stageOfRow(row, owned);
    } else { // a loop, so that the sums are in the code once
        [[dont_unroll]] for (uint stage = 0u; stage < kStages; ++stage) {
            s = stageOfRow(row, owned);
        }
    }
    storeRow(row, s, owned);
}

void main() {
    uint rows = rowsOfDispatch();
    uint step = gl_NumWorkGroups.x * teamsPerWorkgroup();
    for (uint first = gl_WorkGroupID.x * teamsPerWorkgroup(); first < rows; first += step) {
        uint index = first + teamIndex();
        bool owned = index < rows;
#if VKN_EMULATE_SUBGROUPS
        index = min(index, rows - 1u); // idle teams keep step, because emulated reductions have barriers
#else
        if (!owned) {
            break;
        }
#endif
        processRow(index, owned);
    }
}
