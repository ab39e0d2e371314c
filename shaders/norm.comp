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

#define VKN_KERNEL_OF_ROWS
#include "kernel.glsl"
#include "formats.glsl"
#include "stream.glsl"
#include "forward_operands.glsl"
#include "reduce.glsl"
#include "rows_of_team.glsl"
#include "philox.glsl"
#include "drawn_row.glsl"
#include "branch.glsl"
#include "elementwise.glsl"
#include "statistics.glsl"
#include "quantise.glsl"
#include "rope.glsl"
#include "elements.glsl"
#include "order.glsl"
#include "row.glsl"
#include "weights.glsl"
#include "joining.glsl"
#include "stage.glsl"
#include "group.glsl"
#include "held_weights.glsl"
#include "held_rotations.glsl"
#include "row_statistics.glsl"
#include "output.glsl"
#include "rows_at_once.glsl"

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

void processRow(uint index, bool owned, bool isStored) {
    if (kDrawsFirst) {
        drawRow(index);
    }
    Row row = makeRow(index);
    row.isStored = kStoresFirst && isStored;
    row.stores = kStoresFirst && owned && !isStored;
    if (kHoldsRotations) {
        holdRotations(row);
    }
    if (!kReadAgain && (!kHoldScaled || !kTakesStatistics)) {
        loadGroup(row, 0u);
    }
    Statistics s;
    if (kStages == 1u) {
        s = stageOfRow(row, owned);
    } else if (kRowsInOrder) { // a CPU knows at each load which stage it is in
        s = stageOfRow(row, owned);
        s = stageOfRow(row, owned);
    } else { // a loop, so that the sums are in the code once
        [[dont_unroll]] for (uint stage = 0u; stage < kStages; ++stage) {
            s = stageOfRow(row, owned);
        }
    }
    storeRow(row, s, owned);
}

void processRowsInOrder(RowsOfTeam rows) {
    uint index = rows.first;
    if (kRowsAtOnce > 1u) {
        for (; index + kRowsAtOnce <= rows.end; index += kRowsAtOnce) {
            if (!processRowsAtOnce(index)) {
                for (uint r = 0u; r < kRowsAtOnce; ++r) {
                    processRow(index + r, true, true);
                }
            }
        }
    }
    for (; index < rows.end; ++index) {
        processRow(index, true, false);
    }
}

void main() {
    uint rows = rowsOfDispatch();
    if (kOneTurn) { // a team is a workgroup
        if (workgroupIndex() < rows) {
            processRow(workgroupIndex(), true, false);
        }
        return;
    }
    if (kHoldsWeights) {
        loadWeights();
    }
#if !VKN_EMULATE_SUBGROUPS
    if (kRowsInOrder) {
        processRowsInOrder(rowsOfTeam(rows, kRowsAtOnce));
        return;
    }
#endif
    uint step = gl_NumWorkGroups.x * teamsPerWorkgroup();
    for (uint first = gl_WorkGroupID.x * teamsPerWorkgroup(); first < rows; first += step) {
        uint index = first + teamIndex();
#if VKN_EMULATE_SUBGROUPS
        // Idle teams keep step, because emulated reductions have barriers.
        processRow(min(index, rows - 1u), index < rows, false);
#else
        if (index >= rows) {
            break;
        }
        processRow(index, true, false);
#endif
    }
}
