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

// ---- the chunks of a group -----------------------------------------------------------------------------------------

// The first element of chunk `c` of the group that starts at chunk `firstChunk` of each lane.
uint chunkStart(uint firstChunk, uint c) {
    return ((firstChunk + c) * teamSize() + teamLane()) * kChunk;
}

// How many of its elements the row has. All but the last chunk of a row in registers are whole.
uint chunkCount(uint firstChunk, uint c) {
    if (!kReadAgain && c + 1u < kGroup) {
        return kChunk;
    }
    uint start = chunkStart(firstChunk, c);
    return start < pc.hiddenSize ? min(pc.hiddenSize - start, kChunk) : 0u;
}

Chunk loadChunk(Row row, uint firstChunk, uint c) {
    PackedChunk packed = loadX(row.inputStart + chunkStart(firstChunk, c), chunkCount(firstChunk, c));
    Chunk chunk = decodeChunk(packed, kInputType);
    return Chunk(chunk.a * row.scale, chunk.b * row.scale);
}

#if VKN_ALIGNED

Chunk heldChunks[VKN_MAX_GROUP];

// The loop over a group must unroll, or the array of registers becomes memory.
#define VKN_FOR_GROUP [[unroll]] for (uint c = 0u; c < kGroup; ++c)

void loadGroup(Row row, uint firstChunk) {
    VKN_FOR_GROUP {
        heldChunks[c] = loadChunk(row, firstChunk, c);
    }
}

Chunk groupChunk(Row row, uint firstChunk, uint c) {
    return heldChunks[c];
}

#else

#define VKN_FOR_GROUP [[dont_unroll]] for (uint c = 0u; c < kGroup; ++c)

void loadGroup(Row row, uint firstChunk) {
}

Chunk groupChunk(Row row, uint firstChunk, uint c) {
    return loadChunk(row, firstChunk, c);
}

#endif

float horizontalSum(vec4 v) {
    return (v.x + v.y) + (v.z + v.w);
}

// Elements past the end of the row are zero before centring; this makes them zero after it.
vec4 keepElements(vec4 v, uint count, uint first) {
    return vec4(first < count ? v.x : 0.0, first + 1u < count ? v.y : 0.0, first + 2u < count ? v.z : 0.0,
                first + 3u < count ? v.w : 0.0);
}

vec4 chunkSum(Chunk chunk) {
    return kChunk == 8u ? chunk.a + chunk.b : chunk.a;
}

vec4 chunkSquares(Chunk chunk) {
    vec4 squares = chunk.a * chunk.a;
    return kChunk == 8u ? squares + chunk.b * chunk.b : squares;
}

float groupSum(Row row, uint firstChunk) {
    vec4 sum = vec4(0.0);
    VKN_FOR_GROUP {
        sum += chunkSum(groupChunk(row, firstChunk, c));
    }
    return horizontalSum(sum);
}

float groupSquares(Row row, uint firstChunk) {
    vec4 squares = vec4(0.0);
    VKN_FOR_GROUP {
        squares += chunkSquares(groupChunk(row, firstChunk, c));
    }
    return horizontalSum(squares);
}

// Sum and sum of squares of the elements' distances from `centre`.
vec2 groupMoments(Row row, uint firstChunk, float centre) {
    vec4 sum = vec4(0.0);
    vec4 squares = vec4(0.0);
    VKN_FOR_GROUP {
        uint count = chunkCount(firstChunk, c);
        Chunk chunk = groupChunk(row, firstChunk, c);
        chunk.a = keepElements(chunk.a - centre, count, 0u);
        chunk.b = keepElements(chunk.b - centre, count, 4u);
        sum += chunkSum(chunk);
        squares += chunkSquares(chunk);
    }
    return vec2(horizontalSum(sum), horizontalSum(squares));
}

uint groupElements(uint firstChunk) {
    uint elements = 0u;
    VKN_FOR_GROUP {
        elements += chunkCount(firstChunk, c);
    }
    return elements;
}

// ---- statistics of a row -------------------------------------------------------------------------------------------

uint chunksOfLane() {
    return kReadAgain ? (pc.hiddenSize + teamSize() * kChunk - 1u) / (teamSize() * kChunk) : kGroup;
}

// Loops over the groups of a row. One that fits in registers is a single group, loaded beforehand.
#define VKN_FOR_ROW for (uint firstChunk = 0u; firstChunk < chunksOfLane(); firstChunk += kGroup)

void reloadGroup(Row row, uint firstChunk) {
    if (kReadAgain) {
        loadGroup(row, firstChunk);
    }
}

float sumOfSquares(Row row) {
    CompensatedSum total = CompensatedSum(0.0, 0.0);
    VKN_FOR_ROW {
        reloadGroup(row, firstChunk);
        total = add(total, groupSquares(row, firstChunk));
    }
    return addOverTeam(vec2(value(total), 0.0)).x;
}

// A row in registers: the mean, then the moments about it.
Moments momentsInRegisters(Row row) {
    float centre = addOverTeam(vec2(groupSum(row, 0u), 0.0)).x / float(pc.hiddenSize);
    vec2 moments = addOverTeam(groupMoments(row, 0u, centre));
    return Moments(centre, moments.x, moments.y);
}

// A row that is read again: each lane has its own centre, moved to its mean so far whenever the groups seen have doubled.
Moments momentsOfLanes(Row row) {
    LaneMoments lane = emptyLaneMoments();
    uint groups = 0u;
    VKN_FOR_ROW {
        reloadGroup(row, firstChunk);
        float elements = float(groupElements(firstChunk));
        float centre = lane.centre;
        if (groups == 0u && elements > 0.0) {
            centre = groupSum(row, firstChunk) / elements;
        }
        lane = addGroup(lane, elements, centre, groupMoments(row, firstChunk, centre));
        if (((groups + 1u) & groups) == 0u) {
            lane = recentre(lane);
        }
        ++groups;
    }
    float centre = addOverTeam(vec2(sumOfLane(lane), 0.0)).x / float(pc.hiddenSize);
    vec2 moments = addOverTeam(momentsAbout(lane, centre));
    return Moments(centre, moments.x, moments.y);
}

Moments momentsOfRow(Row row) {
    if (!kLayerNorm) {
        return Moments(0.0, 0.0, sumOfSquares(row));
    }
    if (kReadAgain) {
        return momentsOfLanes(row);
    }
    return momentsInRegisters(row);
}

// Rare, so it reads the row anew and leaves the registers to the usual path.
uint maxMagnitudeOfRow(Row row) {
    uint magnitude = 0u;
    [[dont_unroll]] for (uint c = 0u; c < chunksOfLane(); ++c) {
        Chunk chunk = loadChunk(row, 0u, c);
        magnitude = max(magnitude, max(maxMagnitude(chunk.a), kChunk == 8u ? maxMagnitude(chunk.b) : 0u));
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

Chunk normalise(Chunk chunk, Statistics s) {
    vec4 a = chunk.a;
    vec4 b = chunk.b;
    if (kLayerNorm) {
        a = (a - s.centre) - s.correction;
        b = (b - s.centre) - s.correction;
    }
    a *= s.rstd;
    b *= s.rstd;
    return Chunk(a, b);
}

// With early cast a product is rounded to the type that its factors share.
const uint kProductType = kEarlyCast && kGammaType == kInputType ? kInputType : VKN_FORMAT_F32;

Chunk applyGamma(Chunk chunk, uint start, uint count) {
    Chunk gamma = decodeChunk(loadGamma(pc.gammaOffset + start, count), kGammaType);
    vec4 a = chunk.a * (pc.weightOffset + gamma.a);
    vec4 b = chunk.b * (pc.weightOffset + gamma.b);
    return roundChunk(Chunk(a, b), kProductType);
}

Chunk applyBeta(Chunk chunk, uint start, uint count) {
    Chunk beta = decodeChunk(loadBeta(pc.betaOffset + start, count), kBetaType);
    vec4 a = chunk.a + beta.a;
    vec4 b = chunk.b + beta.b;
    return Chunk(a, b);
}

PackedChunk outputChunk(Chunk chunk, Statistics s, uint start, uint count) {
    chunk = normalise(chunk, s);
    if (kEarlyCast) {
        chunk = roundChunk(chunk, kInputType);
    }
    if (kGamma) {
        chunk = applyGamma(chunk, start, count);
    }
    if (kBeta) {
        chunk = applyBeta(chunk, start, count);
    }
    return encodeChunk(chunk, kOutputType);
}

void storeGroup(Row row, Statistics s, uint firstChunk) {
    VKN_FOR_GROUP {
        uint start = chunkStart(firstChunk, c);
        uint count = chunkCount(firstChunk, c);
        storeY(row.outputStart + start, count, outputChunk(groupChunk(row, firstChunk, c), s, start, count));
    }
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
    VKN_FOR_ROW {
        reloadGroup(row, firstChunk);
        storeGroup(row, s, firstChunk);
    }
    if (teamLane() == 0u) {
        if (kSaveMean) {
            scalars[pc.meanOffset + index] = savedMean(s);
        }
        if (kSaveRstd) {
            scalars[pc.rstdOffset + index] = s.savedRstd;
        }
    }
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
