// The statistics of columns, part by part: the mean of a column's elements in a part of the rows, and the sum of their squared
// distances from it.
//
// A lane takes a piece of the columns and one part, and reads a few rows at a time. No lane needs another, so neighbours read what
// is next to each other, whatever the hidden size. The arithmetic is that of a lane in a row that is read once, and its centre
// moves as that one's does.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#define VKN_KERNEL_COLUMNS
#include "kernel.glsl"
#include "formats.glsl"
#include "stream.glsl"
#include "statistics.glsl"

VKN_DECLARE_OPERAND(Input, VKN_OPERAND_INPUT)
VKN_DECLARE_VIEW(InputTensor, VKN_BINDING_INPUT, readonly)
VKN_DEFINE_LOAD_FROM_ELEMENT(Input, InputTensor)
layout(std430, set = 0, binding = VKN_BINDING_OUTPUT) writeonly buffer Parts { vec2 parts[]; };

// Each column of a piece: its number, and where it is in a Piece. Literals, so that an array of them is registers.
#define VKN_EACH_COLUMN(DO)                                                                                              \
    DO(0u, a.x) DO(1u, a.y) DO(2u, a.z) DO(3u, a.w) DO(4u, b.x) DO(5u, b.y) DO(6u, b.z) DO(7u, b.w)

LaneMoments columns[8];

// Four rows of a piece of columns; those past the end are the last one again.
struct Rows {
    Piece first;
    Piece second;
    Piece third;
    Piece fourth;
};

Piece loadRow(uint row, uint column, uint count) {
    return loadInput(pc.start + row * pc.rowStride, column, count);
}

Rows loadRows(uint row, uint last, uint column, uint count) {
    return Rows(loadRow(row, column, count), loadRow(min(row + 1u, last), column, count),
                loadRow(min(row + 2u, last), column, count), loadRow(min(row + 3u, last), column, count));
}

LaneMoments addRows(LaneMoments lane, vec4 x, uint count) {
    vec4 d = keepElements(x - lane.centre, count, 0u);
    vec4 squares = d * d;
    vec2 moments = vec2((d.x + d.y) + (d.z + d.w), (squares.x + squares.y) + (squares.z + squares.w));
    return addGroup(lane, float(count), moments);
}

// Branches are few: what a lane's columns have in common is one, not one for each (see stream_words.glsl).
void addToColumns(Rows rows, uint count, bool isFirst) {
#define VKN_ADD(INDEX, ELEMENT)                                                                                          \
    if (INDEX < kPiece) {                                                                                                \
        columns[INDEX].centre = select(isFirst, rows.first.ELEMENT, columns[INDEX].centre);                              \
        vec4 x = vec4(rows.first.ELEMENT, rows.second.ELEMENT, rows.third.ELEMENT, rows.fourth.ELEMENT);                 \
        columns[INDEX] = addRows(columns[INDEX], x, count);                                                              \
    }
    VKN_EACH_COLUMN(VKN_ADD)
}

void recentreColumns() {
#define VKN_RECENTRE(INDEX, ELEMENT)                                                                                     \
    if (INDEX < kPiece) {                                                                                                \
        columns[INDEX] = recentre(columns[INDEX]);                                                                       \
    }
    VKN_EACH_COLUMN(VKN_RECENTRE)
}

// What a piece has past the end of the row is written as its last column again.
void writeColumns(uint part, uint column, uint count) {
    uint start = (pc.firstPart + part) * pc.hiddenSize + column;
    uint last = count - 1u;
    vec2 written = vec2(0.0);
#define VKN_WRITE(INDEX, ELEMENT)                                                                                        \
    if (INDEX < kPiece) {                                                                                                \
        written = mix(written, vec2(columns[INDEX].centre, value(columns[INDEX].squares)), bvec2(INDEX <= last));        \
        parts[start + min(INDEX, last)] = written;                                                                       \
    }
    VKN_EACH_COLUMN(VKN_WRITE)
}

void processPart(uint part, uint column) {
    uint count = min(pc.hiddenSize - column, kPiece);
    uint first = part * pc.rowsPerPart;
    uint end = min(first + pc.rowsPerPart, pc.rows);
#define VKN_CLEAR(INDEX, ELEMENT) columns[INDEX] = emptyLaneMoments();
    VKN_EACH_COLUMN(VKN_CLEAR)
    [[dont_unroll]] for (uint row = first; row < end; row += 4u) {
        addToColumns(loadRows(row, end - 1u, column, count), min(end - row, 4u), row == first);
        uint groups = (row - first) / 4u + 1u;
        if ((groups & (groups - 1u)) == 0u) {
            recentreColumns();
        }
    }
    recentreColumns();
    writeColumns(part, column, count);
}

void main() {
    uint pieces = (pc.hiddenSize + kPiece - 1u) / kPiece;
    uint lanes = pieces * pc.parts;
    uint step = gl_NumWorkGroups.x * kWorkgroupSize;
    for (uint lane = gl_GlobalInvocationID.x; lane < lanes; lane += step) {
        uint part = lane / pieces;
        processPart(part, (lane - part * pieces) * kPiece);
    }
}
