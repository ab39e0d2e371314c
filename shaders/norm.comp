// RMSNorm and LayerNorm with what surrounds them, forward.
//
// A team of invocations owns a row. Lane l takes chunk l, l + teamSize, ...; a group is the chunks that a lane holds in
// registers at once: the whole row where it fits, otherwise a part, and the row is read again for the second pass. The
// reduction tree depends on element indices only: not on addresses, alignment, rows or the grid. The build decorates all
// arithmetic NoContraction, so that an element has the same bits in every pipeline of a plan.
//
// A placement has one norm, or two of which the second is over what the first one made: each is a stage, which takes the
// statistics of its elements. What the last stage's elements are is written in one more pass.
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
#include "reduce.glsl"
#include "statistics.glsl"

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
    Statistics branch; // where the norm is on the branch: its
    uint stage;        // whose elements are looked at
    float scale;       // a power of two by which every element is multiplied; 1 nearly always
};

Row makeRow(uint index) {
    Row row;
    row.index = index;
    row.inputStart = rowStart(kWordInput, index);
    row.input2Start = kParallel ? rowStart(kWordInput2, index) : 0u;
    row.residualStart = kBlock ? rowStart(kWordResidual, index) : 0u;
    row.branch = Statistics(1.0, 0.0, 0.0, 1.0, 1.0);
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

// Defines Piece applyNAME(piece, column, count): gamma and beta of a norm whose input has type CAST. With early cast the
// normalised value is rounded to that type, and so is a product whose factors share it.
#define VKN_DEFINE_WEIGHTS(NAME, GAMMA, BETA, CAST)                                                                      \
    VKN_DEFINE_CODEC(NAME, CAST)                                                                                         \
    Piece apply##NAME(Piece piece, uint column, uint count) {                                                            \
        if (kEarlyCast) {                                                                                                \
            piece = decode##NAME(encode##NAME(piece));                                                                   \
        }                                                                                                                \
        if (kHas##GAMMA) {                                                                                               \
            Piece gamma = load##GAMMA(pc.words[kWord##GAMMA] + column, count);                                           \
            vec4 a = piece.a * (kWeightOffset + gamma.a);                                                                \
            vec4 b = piece.b * (kWeightOffset + gamma.b);                                                                \
            piece = Piece(a, b);                                                                                         \
            if (kEarlyCast && kType##GAMMA == CAST) {                                                                    \
                piece = decode##NAME(encode##NAME(piece));                                                               \
            }                                                                                                            \
        }                                                                                                                \
        if (kHas##BETA) {                                                                                                \
            piece = add(piece, load##BETA(pc.words[kWord##BETA] + column, count));                                       \
        }                                                                                                                \
        return piece;                                                                                                    \
    }

const uint kFirstCast = kPlacement == VKN_PLACEMENT_NONE || kNormOnBranch ? kTypeInput : kTypeResidual;
VKN_DEFINE_WEIGHTS(Weights, Gamma, Beta, kFirstCast)
VKN_DEFINE_WEIGHTS(Weights2, Gamma2, Beta2, kTypeResidual)

// ---- the elements of a stage ---------------------------------------------------------------------------------------

Piece branchPiece(Row row, uint column, uint count) {
    return addBias(loadInput(row.inputStart + column, count), column, count);
}

// From the branch, bias added, to the stream: a * residual + b * D(branch).
Piece joinStream(Row row, Piece piece, uint column, uint count) {
    if (kNormOnBranch) {
        piece = applyWeights(normalise(scaled(piece, row.branch.scale), row.branch), column, count);
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

const uint kPiecesOfGroup = kGroup * kPiecesOfChunk;

// The first element of piece `p` of the group that starts at chunk `firstChunk` of each lane.
uint pieceStart(uint firstChunk, uint p) {
    uint chunk = firstChunk + p / kPiecesOfChunk;
    return (chunk * teamSize() + teamLane()) * kChunk + (p % kPiecesOfChunk) * kPiece;
}

// How many of its elements the row has. All but the last chunk of a row in registers are whole.
uint pieceCount(uint firstChunk, uint p) {
    if (!kReadAgain && p / kPiecesOfChunk + 1u < kGroup) {
        return kPiece;
    }
    uint start = pieceStart(firstChunk, p);
    return min(hiddenSize() - min(start, hiddenSize()), kPiece);
}

// As statistics want it: scaled.
Piece loadPiece(Row row, uint firstChunk, uint p) {
    return scaled(stagePiece(row, pieceStart(firstChunk, p), pieceCount(firstChunk, p)), row.scale);
}

// Pieces are held scaled, but as they are where those of the last stage are also written.
const bool kHoldScaled = !kHasResidualOutput;

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
        Piece piece = stagePiece(row, pieceStart(firstChunk, p), pieceCount(firstChunk, p));
        holdPiece(p, kHoldScaled ? scaled(piece, row.scale) : piece);
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
    Piece piece = stagePiece(row, pieceStart(firstChunk, p), pieceCount(firstChunk, p));
    return kHoldScaled ? scaled(piece, row.scale) : piece;
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

uint chunksOfLane() {
    return kReadAgain ? (hiddenSize() + teamSize() * kChunk - 1u) / (teamSize() * kChunk) : kGroup;
}

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
};

OutputRow makeOutputRow(uint index) {
    uint residualStart = kHasResidualOutput ? rowStart(kWordResidualOutput, index) : 0u;
    uint start = kHasOutput ? rowStart(kWordOutput, index) : 0u;
    return OutputRow(residualStart, start, kParallel ? rowStart(kWordOutput2, index) : 0u);
}

void storePiece(Row row, OutputRow target, Statistics s, uint firstChunk, uint p) {
    uint column = pieceStart(firstChunk, p);
    uint count = pieceCount(firstChunk, p);
    Piece piece = lastPiece(row, firstChunk, p);
    if (kHasResidualOutput) {
        storeResidualOutput(target.residualStart + column, count, piece);
        piece = scaled(piece, s.scale);
    }
    if (!kHasOutput) {
        return;
    }
    piece = normalise(piece, s);
    if (kParallel) {
        storeOutput2(target.start2 + column, count, applyWeights2(piece, column, count));
    }
    if (kStages == 2u) {
        piece = applyWeights2(piece, column, count);
    } else {
        piece = applyWeights(piece, column, count);
    }
    storeOutput(target.start + column, count, piece);
}

void storeRow(Row row, Statistics s) {
    OutputRow target = makeOutputRow(row.index);
#if VKN_ALIGNED
    VKN_FOR_ROW {
        reloadGroup(row, firstChunk);
        VKN_FOR_GROUP {
            storePiece(row, target, s, firstChunk, p);
        }
    }
#else
    VKN_FOR_PIECES_OF_LANE { // nothing is held, so nothing is gained by groups
        storePiece(row, target, s, 0u, p);
    }
#endif
}

// Takes the statistics of a stage; after that of the branch, goes on to what follows it.
Statistics stageOfRow(inout Row row, bool owned) {
    Statistics s = statisticsOfRow(row);
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
    if (!kReadAgain && !kHoldScaled) {
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
    if (owned) {
        storeRow(row, s);
    }
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
