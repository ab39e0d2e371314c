// Gradients of RMSNorm, LayerNorm and what stands in for a norm, with what surrounds them: of each element that the forward
// reads. Those of parameters, which are sums over rows, are gradient_columns.comp's.
//
// A team of invocations owns a row, in the order of norm.comp. For each norm it takes the statistics, unless the forward saved
// them, then two means over the row; the last pass writes. What gradient_columns.comp needs of a row is left in scratch.
//
// Defines: as norm.comp.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#if VKN_SUBGROUPS && !defined(VKN_EMULATE_SUBGROUPS)
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#endif

#define VKN_KERNEL_OF_ROWS
#define VKN_TURNS_BACK 1
#include "kernel.glsl"
#include "formats.glsl"
#include "stream.glsl"
#include "backward_operands.glsl"
#include "reduce.glsl"
#include "rows_of_team.glsl"
#include "philox.glsl"
#include "drawn_row.glsl"
#include "branch.glsl"
#include "elementwise.glsl"
#include "statistics.glsl"
#include "rope.glsl"
#include "elements.glsl"
#include "order.glsl"
#include "row.glsl"
#include "weights.glsl"
#include "joining.glsl"
#include "gradient.glsl"

// What statistics are taken of.
Piece stagePiece(Row row, uint column, uint count) {
    return kNormOnStream && row.stage == 0u ? streamPiece(row, column, count) : branchPiece(row, column, count);
}

void storeStage(Row row, uint column, uint count, Piece piece) {
}

#include "held_words.glsl"
#include "group.glsl"
#include "row_statistics.glsl"
#include "gradient_rows.glsl"

const bool kSavesRows = kSums != 0u;

void processRow(uint index, bool owned) {
    if (kDrawsFirst) {
        drawRow(index);
    }
    GradientRow g = makeGradientRow(index);
#if VKN_ALIGNED
    if (kHoldsWords) {
        holdRow(g);
    }
#endif
    if (kTakesStatistics) {
        measureRow(g);
        if (kSavesRows && owned && teamLane() == 0u) {
            saveRow(g);
        }
    }
    if (!kMeasureOnly && owned) {
        storeGradients(g);
    }
}

void main() {
    uint rows = rowsOfDispatch();
    if (kOneTurn) { // a team is a workgroup
        if (workgroupIndex() < rows) {
            processRow(workgroupIndex(), true);
        }
        return;
    }
#if !VKN_EMULATE_SUBGROUPS
    if (kRowsInOrder) {
        RowsOfTeam mine = rowsOfTeam(rows, 1u);
        for (uint index = mine.first; index < mine.end; ++index) {
            processRow(index, true);
        }
        return;
    }
#endif
    uint step = gl_NumWorkGroups.x * teamsPerWorkgroup();
    for (uint first = gl_WorkGroupID.x * teamsPerWorkgroup(); first < rows; first += step) {
        uint index = first + teamIndex();
#if VKN_EMULATE_SUBGROUPS
        processRow(min(index, rows - 1u), index < rows); // idle teams keep step, because emulated reductions have barriers
#else
        if (index >= rows) {
            break;
        }
        processRow(index, true);
#endif
    }
}
