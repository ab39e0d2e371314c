// Gradients of parameters, part by part: sums over the rows of a part.
//
// A lane takes a piece of the columns of one part, for one of the rows of gamma where there are several, and adds up the summands of
// its rows one after the other, with their rounding errors. No lane needs another. What a summand needs of a whole row,
// backward.comp has left in scratch; its arithmetic is that of backward.comp.
//
// Defines: VKN_ALIGNED, as norm.comp.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#define VKN_KERNEL_OF_ROWS
#define VKN_TURNS_BACK 1
#include "kernel.glsl"
#include "formats.glsl"
#include "stream.glsl"
#include "backward_operands.glsl"

// Lanes are by themselves.
uint teamLane() {
    return 0u;
}
uint teamSize() {
    return 1u;
}

#include "philox.glsl"
#include "drawn_piece.glsl"
#include "branch.glsl"
#include "elementwise.glsl"
#include "statistics.glsl"
#include "rope.glsl"
#include "elements.glsl"
#include "row.glsl"
#include "weights.glsl"
#include "joining.glsl"
#include "gradient.glsl"

// Frugal kernels read a row's norms anew for each sum.
NormGradient streamNorm(GradientRow g) {
    if (kFrugal) {
        return savedNorm(g.row.index, true);
    }
    return g.stream;
}

NormGradient branchNorm(GradientRow g) {
    if (kFrugal) {
        return savedNorm(g.row.index, false);
    }
    return g.branch;
}

// Sums with their rounding errors (Knuth's two-sum).
struct CompensatedPiece {
    Piece high;
    Piece low;
};

vec4 roundingError(vec4 a, vec4 b, vec4 sum) {
    vec4 virtualB = sum - a;
    return (a - (sum - virtualB)) + (b - virtualB);
}

CompensatedPiece add(CompensatedPiece sum, Piece x) {
    Piece high = add(sum.high, x);
    vec4 a = sum.low.a + roundingError(sum.high.a, x.a, high.a);
    vec4 b = sum.low.b + roundingError(sum.high.b, x.b, high.b);
    return CompensatedPiece(high, Piece(a, b));
}

// By literal indices, so that the array is registers.
CompensatedPiece sums[VKN_SUM_COUNT];

#define VKN_HAS_SUM(SUM) ((kSums & (1u << SUM)) != 0u)
#define VKN_ADD_TO(SUM, SUMMAND)                                                                                         \
    if (VKN_HAS_SUM(SUM)) {                                                                                              \
        sums[SUM] = add(sums[SUM], SUMMAND);                                                                             \
    }
#define VKN_EACH_SUM(DO)                                                                                                 \
    DO(VKN_SUM_GAMMA) DO(VKN_SUM_BETA) DO(VKN_SUM_GAMMA_2) DO(VKN_SUM_BETA_2)                                            \
    DO(VKN_SUM_BRANCH_BIAS) DO(VKN_SUM_BRANCH_BIAS_2) DO(VKN_SUM_LAYER_SCALE) DO(VKN_SUM_ALPHA)

const uint kSumsOfNorms =
    (1u << VKN_SUM_GAMMA) | (1u << VKN_SUM_BETA) | (1u << VKN_SUM_GAMMA_2) | (1u << VKN_SUM_BETA_2);
const uint kSumsOfBranches =
    (1u << VKN_SUM_BRANCH_BIAS) | (1u << VKN_SUM_BRANCH_BIAS_2) | (1u << VKN_SUM_LAYER_SCALE);

// Of two branches, those whose draws are needed.
const uint kSumsOfFirst = (1u << VKN_SUM_BRANCH_BIAS) | (1u << VKN_SUM_LAYER_SCALE);
const uint kSumsOfSecond = (1u << VKN_SUM_BRANCH_BIAS_2) | (1u << VKN_SUM_LAYER_SCALE);
const uint kFirstOfTwo = (kSums & kSumsOfFirst) != 0u ? 0u : 1u;
const uint kEndOfTwo = (kSums & kSumsOfSecond) != 0u ? 2u : 1u;

Piece summandOfAlpha(Piece x, Piece w) {
    return multiply(multiply(w, x), slopeOfTanh(x));
}

void addStreamNorm(GradientRow g, uint column, uint count) {
    Piece x = streamPiece(g.row, column, count);
    Piece x1 = castNormalised(streamNorm(g), x, column, count);
    Piece arriving = outputGradientPiece(g, column, count);
    if (kSecondOnStream) {
        VKN_ADD_TO(VKN_SUM_GAMMA_2, multiply(arriving, x1))
        VKN_ADD_TO(VKN_SUM_BETA_2, arriving)
    } else {
        VKN_ADD_TO(VKN_SUM_GAMMA, multiply(arriving, x1))
        VKN_ADD_TO(VKN_SUM_BETA, arriving)
    }
    if (kParallel) {
        Piece second = output2GradientPiece(g, column, count);
        VKN_ADD_TO(VKN_SUM_GAMMA_2, multiply(second, x1))
        VKN_ADD_TO(VKN_SUM_BETA_2, second)
    }
    VKN_ADD_TO(VKN_SUM_ALPHA, summandOfAlpha(x, arrivingAtStream(g, column, count)))
}

void addBranchNorm(GradientRow g, uint column, uint count) {
    Piece x = branchPiece(g.row, column, count);
    Piece arriving = arrivingAtBranch(g, column, count);
    VKN_ADD_TO(VKN_SUM_GAMMA, multiply(arriving, castNormalised(branchNorm(g), x, column, count)))
    VKN_ADD_TO(VKN_SUM_BETA, arriving)
    VKN_ADD_TO(VKN_SUM_BRANCH_BIAS, throughBranchNorm(g, x, arriving, column, count))
    VKN_ADD_TO(VKN_SUM_ALPHA, summandOfAlpha(x, timesGamma(arriving, g.row, column, count)))
}

// What the layer scale was multiplied to.
Piece valueOfBranch(GradientRow g, uint column, uint count) {
    Piece piece = branchPiece(g.row, column, count);
    return kNormOnBranch ? applyWeights(normalised(branchNorm(g), piece, column, count), g.row, column, count) : piece;
}

// From the gradient of h, and what the layer scale was multiplied to: the first branch or the second.
Piece summandOfLayerScale(GradientRow g, Piece gradient, Piece branch, uint column, uint stream) {
    return multiply(dropAndScaleRow(scaled(gradient, kBranchScale), g.row.index, column, stream), branch);
}

void addBranches(GradientRow g, uint column, uint count) {
    Piece stream = streamGradient(g, column, count);
    if (!kNormOnBranch) {
        VKN_ADD_TO(VKN_SUM_BRANCH_BIAS, intoBranch(g, stream, column, count, 0u))
    }
    VKN_ADD_TO(VKN_SUM_BRANCH_BIAS_2, intoBranch(g, stream, column, count, kSecondStream))
    VKN_ADD_TO(VKN_SUM_LAYER_SCALE, summandOfLayerScale(g, stream, valueOfBranch(g, column, count), column, 0u))
    if (kParallel) {
        Piece second = addBias2(loadInput2(g.row.input2Start, column, count), column, count);
        VKN_ADD_TO(VKN_SUM_LAYER_SCALE, summandOfLayerScale(g, stream, second, column, kSecondStream))
    }
}

void addRow(uint index, uint column, uint count) {
    if (kDrawsFirst && kDropout) {
        drawPiece(index, column, kParallel ? kFirstOfTwo : 0u, kParallel ? kEndOfTwo : 1u);
    }
    GradientRow g = makeGradientRow(index);
    if (kTakesStatistics && kNormOnStream) {
        g.stream = savedNorm(index, true);
    }
    if (kTakesStatistics && (!kNormOnStream || kNormOnBranch)) {
        g.branch = savedNorm(index, false);
    }
    if (kNormOnStream && (kSums & (kSumsOfNorms | (1u << VKN_SUM_ALPHA))) != 0u) {
        addStreamNorm(g, column, count);
    }
    if (!kNormOnStream || kNormOnBranch) {
        addBranchNorm(g, column, count);
    }
    if (kBlock && (kSums & kSumsOfBranches) != 0u) {
        addBranches(g, column, count);
    }
}

// What a piece has past the end of the row is written as its last column again.
void writePiece(uint at, Piece piece, uint count) {
    uint last = count - 1u;
    float written = 0.0;
#define VKN_WRITE(INDEX, ELEMENT)                                                                                        \
    if (INDEX < kPiece) {                                                                                                \
        written = select(INDEX <= last, piece.ELEMENT, written);                                                         \
        scratch[at + min(INDEX, last)] = written;                                                                        \
    }
    VKN_WRITE(0u, a.x) VKN_WRITE(1u, a.y) VKN_WRITE(2u, a.z) VKN_WRITE(3u, a.w)
    VKN_WRITE(4u, b.x) VKN_WRITE(5u, b.y) VKN_WRITE(6u, b.z) VKN_WRITE(7u, b.w)
}

// The sum without its error where that is NaN because the sum is infinite.
vec4 valueOf(vec4 high, vec4 low) {
    bvec4 isFinite = lessThan(floatBitsToUint(high) & 0x7FFFFFFFu, uvec4(0x7F800000u));
    return select(isFinite, high + low, high);
}

void writeSums(uint part, uint parameterRow, uint column, uint count) {
    uint width = hiddenSize() * kParameterRows;
    uint at = pc.words[kScratchWord + VKN_SCRATCH_SUMS] + part * pc.words[kScratchWord + VKN_SCRATCH_PART_STRIDE] +
        parameterRow * hiddenSize() + column;
#define VKN_WRITE_SUM(SUM)                                                                                               \
    if (VKN_HAS_SUM(SUM)) {                                                                                              \
        CompensatedPiece sum = sums[SUM];                                                                                \
        writePiece(at, Piece(valueOf(sum.high.a, sum.low.a), valueOf(sum.high.b, sum.low.b)), count);                    \
        at += width;                                                                                                     \
    }
    VKN_EACH_SUM(VKN_WRITE_SUM)
}

void processPart(uint part, uint parameterRow, uint column, uint count) {
    CompensatedPiece nothing = CompensatedPiece(Piece(vec4(0.0), vec4(0.0)), Piece(vec4(0.0), vec4(0.0)));
#define VKN_CLEAR(SUM)                                                                                                   \
    if (VKN_HAS_SUM(SUM)) {                                                                                              \
        sums[SUM] = nothing;                                                                                             \
    }
    VKN_EACH_SUM(VKN_CLEAR)
    uint rowsPerPart = pc.words[kScratchWord + VKN_SCRATCH_ROWS_PER_PART];
    uint first = part * rowsPerPart;
    uint end = min(first + rowsPerPart, pc.words[VKN_WORD_ROWS]);
    if (kParameterRows > 1u) { // the first row that has this row of gamma
        uint own = (pc.words[kParameterRowsWord] + first) % kParameterRows;
        first += select(parameterRow < own, parameterRow + kParameterRows - own, parameterRow - own);
    }
    [[dont_unroll]] for (uint row = first; row < end; row += kParameterRows) {
        addRow(row, column, count);
    }
    writeSums(part, parameterRow, column, count);
}

uint piecesIn(uint elements) {
    return (elements + kPiece - 1u) / kPiece;
}

// A run of elements starts with a piece of its own: a row; where channels are last, a pixel's; where halves turn with each other,
// each of them, and what does not turn.
uint runSize() {
    if (kHalfSplit) {
        return kRotarySize / 2u;
    }
    return kChannelsLast ? kGroupChannels : hiddenSize();
}

uint piecesOfRow() {
    if (kHalfSplit) {
        return 2u * piecesIn(runSize()) + piecesIn(hiddenSize() - kRotarySize);
    }
    return hiddenSize() / runSize() * piecesIn(runSize());
}

// The first element of a piece, and how many it has. The last run may be of another size.
uvec2 rangeOfPiece(uint piece) {
    uint run = piece / piecesIn(runSize());
    run = kHalfSplit ? min(run, 2u) : run;
    uint offset = (piece - run * piecesIn(runSize())) * kPiece;
    uint size = kHalfSplit && run == 2u ? hiddenSize() - kRotarySize : runSize();
    return uvec2(run * runSize() + offset, min(size - offset, kPiece));
}

uint lanesOfPart() {
    return piecesOfRow() * kParameterRows;
}

void processLane(uint lane) {
    uint part = lane / lanesOfPart();
    uint own = lane - part * lanesOfPart();
    uint parameterRow = own / piecesOfRow();
    uvec2 range = rangeOfPiece(own - parameterRow * piecesOfRow());
    processPart(part, parameterRow, range.x, range.y);
}

void main() {
    uint lanes = lanesOfPart() * pc.words[kScratchWord + VKN_SCRATCH_PARTS];
    if (kOneTurn) {
        uint lane = workgroupIndex() * kWorkgroupSize + gl_LocalInvocationID.x;
        if (lane < lanes) {
            processLane(lane);
        }
        return;
    }
    uint step = gl_NumWorkGroups.x * kWorkgroupSize;
    for (uint lane = gl_GlobalInvocationID.x; lane < lanes; lane += step) {
        processLane(lane);
    }
}
