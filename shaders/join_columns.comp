// Joins the statistics of a column's parts: mean and rstd of the batch, and what becomes of the running statistics.
//
// Some lanes share a column, each with every so many parts. The sums are compensated and in a fixed order: first that of the
// means, then that of the squares, each part's own and those of its mean (Chan's rule).
#version 450
#extension GL_GOOGLE_include_directive : require

#define VKN_KERNEL_JOIN_COLUMNS
#include "kernel.glsl"
#include "statistics.glsl"

VKN_DECLARE_OPERAND_FROM_32(RunningMean, VKN_OPERAND_RUNNING_MEAN)
layout(std430, set = 0, binding = 0) readonly buffer Parts { vec2 parts[]; };
layout(std430, set = 0, binding = 1) writeonly buffer OfBatch { float ofBatch[]; };
layout(std430, set = 0, binding = 2) buffer Running { float running[]; };

const uint kLanesOfColumn = VKN_COLUMN_WORKGROUP / VKN_JOINED_COLUMNS;

shared float sharedSums[VKN_COLUMN_WORKGROUP];

uint laneOfColumn() {
    return gl_LocalInvocationID.x / VKN_JOINED_COLUMNS;
}

float addOverLanes(float sum) {
    barrier(); // what was there has been read
    sharedSums[gl_LocalInvocationID.x] = sum;
    barrier();
    float total = 0.0;
    for (uint lane = 0u; lane < kLanesOfColumn; ++lane) {
        total += sharedSums[lane * VKN_JOINED_COLUMNS + gl_LocalInvocationID.x % VKN_JOINED_COLUMNS];
    }
    return total;
}

float rowsOfPart(uint part) {
    return float(part + 1u == pc.parts ? pc.rowsOfLastPart : pc.rowsPerPart);
}

float meanOfColumn(uint column, float rows) {
    float first = parts[column].x;
    CompensatedSum sum = CompensatedSum(0.0, 0.0);
    for (uint part = laneOfColumn(); part < pc.parts; part += kLanesOfColumn) {
        sum = add(sum, rowsOfPart(part) * (parts[part * pc.hiddenSize + column].x - first));
    }
    return first + addOverLanes(value(sum)) / rows;
}

float squaresOfColumn(uint column, float mean) {
    CompensatedSum sum = CompensatedSum(0.0, 0.0);
    for (uint part = laneOfColumn(); part < pc.parts; part += kLanesOfColumn) {
        vec2 ofPart = parts[part * pc.hiddenSize + column];
        float distance = ofPart.x - mean;
        sum = add(sum, ofPart.y);
        sum = add(sum, rowsOfPart(part) * distance * distance);
    }
    return addOverLanes(value(sum));
}

float updated(float old, float ofBatch) {
    return (1.0 - kMomentum) * old + kMomentum * ofBatch;
}

void writeColumn(uint column, float rows, float mean, float squares) {
    ofBatch[pc.batchMean + column] = mean;
    ofBatch[pc.batchRstd + column] = inverseDeviation(squares / rows, kEpsilon);
    if (kHasRunningMean) {
        float variance = squares / max(rows - 1.0, 1.0);
        running[pc.runningMean + column] = updated(running[pc.runningMean + column], mean);
        running[pc.runningVariance + column] = updated(running[pc.runningVariance + column], variance);
    }
}

void main() {
    float rows = float((pc.parts - 1u) * pc.rowsPerPart + pc.rowsOfLastPart);
    uint step = gl_NumWorkGroups.x * VKN_JOINED_COLUMNS;
    for (uint first = gl_WorkGroupID.x * VKN_JOINED_COLUMNS; first < pc.hiddenSize; first += step) {
        uint own = first + gl_LocalInvocationID.x % VKN_JOINED_COLUMNS;
        uint column = min(own, pc.hiddenSize - 1u); // all keep step, because there are barriers
        float mean = meanOfColumn(column, rows);
        float squares = squaresOfColumn(column, mean);
        if (own < pc.hiddenSize && laneOfColumn() == 0u) {
            writeColumn(column, rows, mean, squares);
        }
    }
}
