// RMSNorm and LayerNorm, forward.
//
// A team of invocations owns a row. Lane l takes chunk l, l + teamSize, ...; a group is the chunks that a lane holds in
// registers at once: the whole row where it fits, otherwise a part, and the row is read again for the second pass. The
// reduction tree depends on element indices only: not on addresses, alignment, rows or the grid. The build decorates all
// arithmetic NoContraction, so that an element has the same bits in every pipeline of a plan.
//
// Defines: VKN_SUBGROUPS, VKN_IN_PLACE (read through the output's binding), VKN_GPU_ROWS (rows come from a buffer),
// VKN_ALIGNED (128-bit accesses; otherwise any alignment, and nothing is held: each pass reads its chunks one by one).
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
#include "reduce.glsl"
#include "statistics.glsl"

VKN_DECLARE_STREAM(Y, VKN_BINDING_OUTPUT, VKN_READ_WRITE)
VKN_DECLARE_STREAM(Gamma, VKN_BINDING_GAMMA, readonly)
VKN_DECLARE_STREAM(Beta, VKN_BINDING_BETA, readonly)
layout(std430, set = 0, binding = VKN_BINDING_SCALARS) writeonly buffer Scalars { float scalars[]; };

#if VKN_IN_PLACE
#define XQuads YQuads
#define XWords YWords
VKN_DEFINE_SHARED_LOAD(X, kInputType)
#else
VKN_DECLARE_STREAM(X, VKN_BINDING_INPUT, readonly)
VKN_DEFINE_LOAD(X, kInputType)
#endif
VKN_DEFINE_LOAD(Gamma, kGammaType)
VKN_DEFINE_LOAD(Beta, kBetaType)
VKN_DEFINE_STORE(Y, kOutputType)

#if VKN_GPU_ROWS
layout(std140, set = 0, binding = VKN_BINDING_DISPATCH) uniform Dispatch { uvec4 groupsAndRows; } dispatch;
#endif

struct Row {
    uint inputStart; // first element
    uint outputStart;
    float scale; // a power of two by which every element is multiplied; 1 nearly always
};

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
    return start < pc.hiddenSize ? min(pc.hiddenSize - start, kPiece) : 0u;
}

Piece loadPiece(Row row, uint firstChunk, uint p) {
    PackedPiece packed = loadX(row.inputStart + pieceStart(firstChunk, p), pieceCount(firstChunk, p));
    Piece piece = decodePiece(packed, kInputType);
    return Piece(piece.a * row.scale, piece.b * row.scale);
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

Piece groupPiece(Row row, uint firstChunk, uint p) {
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
        holdPiece(p, loadPiece(row, firstChunk, p));
    }
}

#else

// One piece at a time, read anew in each pass.
#define VKN_FOR_GROUP [[dont_unroll]] for (uint p = 0u; p < kPiecesOfGroup; ++p)

void loadGroup(Row row, uint firstChunk) {
}

Piece groupPiece(Row row, uint firstChunk, uint p) {
    return loadPiece(row, firstChunk, p);
}

#endif

// The tree is the same whether a row is read in pairs or, aligned, in whole chunks.
float addQuad(float sum, vec4 v) {
    if (kUnalignedPiece == 2u) {
        return (sum + (v.x + v.y)) + (v.z + v.w);
    }
    return sum + ((v.x + v.y) + (v.z + v.w));
}

// Elements past the end of the row are zero before centring; this makes them zero after it.
vec4 keepElements(vec4 v, uint count, uint first) {
    return vec4(first < count ? v.x : 0.0, first + 1u < count ? v.y : 0.0, first + 2u < count ? v.z : 0.0,
                first + 3u < count ? v.w : 0.0);
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
            piece.a = keepElements(piece.a - centre, count, 0u);
            piece.b = keepElements(piece.b - centre, count, 4u);
            moments.x = addSum(moments.x, piece);
        }
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
    return kReadAgain ? (pc.hiddenSize + teamSize() * kChunk - 1u) / (teamSize() * kChunk) : kGroup;
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
    return addOverTeam(vec2(sum, 0.0)).x / float(pc.hiddenSize);
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
        centre = addOverTeam(vec2(sumOfLane(lane), 0.0)).x / float(pc.hiddenSize);
        moments = momentsAbout(lane, centre);
    }
    moments = addOverTeam(moments);
    return Moments(centre, moments.x, moments.y);
}

// Rare, so it reads the row anew and leaves the registers to the usual path.
uint maxMagnitudeOfRow(Row row) {
    uint magnitude = 0u;
    VKN_FOR_PIECES_OF_LANE {
        Piece piece = loadPiece(row, 0u, p);
        magnitude = max(magnitude, max(maxMagnitude(piece.a), kPiece == 8u ? maxMagnitude(piece.b) : 0u));
    }
    return maxOverTeam(magnitude);
}

// A row whose squares overflow or underflow is scaled by a power of two and summed up again. A loop, so that the sums are
// in the code once.
Statistics statisticsOfRow(inout Row row) {
    Moments moments;
    [[dont_unroll]] for (uint attempt = 0u; attempt < 2u; ++attempt) {
        if (!kReadAgain) {
            loadGroup(row, 0u);
        }
        moments = momentsOfRow(row);
        bool rescale = attempt == 0u && isOutOfRange(moments.squares);
        if (!anyTeam(rescale)) {
            break;
        }
        // Rows that share a workgroup in an emulating test build keep their scale.
        float factor = rescalingFactor(maxMagnitudeOfRow(row), pc.epsilon);
        row.scale = rescale ? factor : 1.0;
    }
    return makeStatistics(moments, row.scale, float(pc.hiddenSize), pc.epsilon);
}

// ---- the output ----------------------------------------------------------------------------------------------------

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

// With early cast a product is rounded to the type that its factors share.
const uint kProductType = kEarlyCast && kGammaType == kInputType ? kInputType : VKN_FORMAT_F32;

Piece applyGamma(Piece piece, uint start, uint count) {
    Piece gamma = decodePiece(loadGamma(pc.gammaOffset + start, count), kGammaType);
    vec4 a = piece.a * (pc.weightOffset + gamma.a);
    vec4 b = piece.b * (pc.weightOffset + gamma.b);
    return roundPiece(Piece(a, b), kProductType);
}

Piece applyBeta(Piece piece, uint start, uint count) {
    Piece beta = decodePiece(loadBeta(pc.betaOffset + start, count), kBetaType);
    vec4 a = piece.a + beta.a;
    vec4 b = piece.b + beta.b;
    return Piece(a, b);
}

PackedPiece outputPiece(Piece piece, Statistics s, uint start, uint count) {
    piece = normalise(piece, s);
    if (kEarlyCast) {
        piece = roundPiece(piece, kInputType);
    }
    if (kGamma) {
        piece = applyGamma(piece, start, count);
    }
    if (kBeta) {
        piece = applyBeta(piece, start, count);
    }
    return encodePiece(piece, kOutputType);
}

void storePiece(Row row, Statistics s, uint firstChunk, uint p) {
    uint start = pieceStart(firstChunk, p);
    uint count = pieceCount(firstChunk, p);
    storeY(row.outputStart + start, count, outputPiece(groupPiece(row, firstChunk, p), s, start, count));
}

void storeRow(Row row, Statistics s) {
#if VKN_ALIGNED
    VKN_FOR_ROW {
        reloadGroup(row, firstChunk);
        VKN_FOR_GROUP {
            storePiece(row, s, firstChunk, p);
        }
    }
#else
    VKN_FOR_PIECES_OF_LANE { // nothing is held, so nothing is gained by groups
        storePiece(row, s, 0u, p);
    }
#endif
}

void normaliseRow(uint index, bool owned) {
    uint outer = index / pc.rowsPerOuter;
    uint inner = index - outer * pc.rowsPerOuter;
    Row row;
    row.outputStart = pc.outputOffset + outer * pc.outputOuterStride + inner * pc.outputRowStride;
#if VKN_IN_PLACE
    row.inputStart = row.outputStart;
#else
    row.inputStart = pc.inputOffset + outer * pc.inputOuterStride + inner * pc.inputRowStride;
#endif
    row.scale = 1.0;
    Statistics s = statisticsOfRow(row);
    if (!owned) {
        return;
    }
    if (teamLane() == 0u) {
        if (kSaveMean) {
            scalars[pc.meanOffset + index] = savedMean(s);
        }
        if (kSaveRstd) {
            scalars[pc.rstdOffset + index] = s.savedRstd;
        }
    }
    storeRow(row, s);
}

void main() {
#if VKN_GPU_ROWS
    uint rows = dispatch.groupsAndRows.w;
#else
    uint rows = pc.rows;
#endif
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
        normaliseRow(index, owned);
    }
}
