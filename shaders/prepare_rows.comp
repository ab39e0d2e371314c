// Turns a number of rows in a GPU buffer into the arguments of an indirect dispatch: {groups, layers of them, 1, rows}.
#version 450
#extension GL_GOOGLE_include_directive : require
#define VKN_KERNEL_PREPARE_ROWS
#include "interface.h"

layout(local_size_x = 1, local_size_y = 1, local_size_z = 1) in;
layout(std430, set = 0, binding = VKN_BINDING_INPUT) readonly buffer Rows { uint rowsBuffer[]; };
layout(std430, set = 0, binding = VKN_BINDING_OUTPUT) writeonly buffer Target { uint target[]; };

void main() {
    uint total = min(rowsBuffer[pc.rowsWord], 0xFFFFFFFFu / pc.groups) * pc.groups;
    uint rows = total > pc.firstRow ? min(total - pc.firstRow, pc.maxRows) : 0u;
    uint groups = rows / pc.rowsPerWorkgroup + (rows % pc.rowsPerWorkgroup != 0u ? 1u : 0u);
    target[pc.targetWord] = min(groups, pc.maxWorkgroups);
    target[pc.targetWord + 1u] = pc.oneTurn != 0u ? (groups + pc.maxWorkgroups - 1u) / pc.maxWorkgroups : 1u;
    target[pc.targetWord + 2u] = 1u;
    target[pc.targetWord + 3u] = rows;
}
