// Joins the parts of a sum over rows, in a fixed order, and writes it as a parameter's gradient.
//
// Some lanes share an element, each with every so many summands; theirs are compensated, and then added one after the other.
#version 450
#extension GL_GOOGLE_include_directive : require

#define VKN_ALIGNED 0
#define VKN_KERNEL_JOIN_SUMS
#include "kernel.glsl"
#include "formats.glsl"
#include "statistics.glsl"

layout(std430, set = 0, binding = 0) readonly buffer Parts { float parts[]; };
layout(std430, set = 0, binding = 1) buffer Target { uint target[]; };

shared float sharedSums[VKN_COLUMN_WORKGROUP];

uint elementsOfWorkgroup() {
    return VKN_COLUMN_WORKGROUP / pc.lanesPerElement;
}

float sumOfLane(uint element) {
    uint lane = gl_LocalInvocationID.x / elementsOfWorkgroup();
    uint start = pc.first + element / pc.inner * pc.outerStride + element % pc.inner * pc.innerStride;
    CompensatedSum sum = CompensatedSum(0.0, 0.0);
    for (uint i = lane; i < pc.parts * pc.repeats; i += pc.lanesPerElement) {
        uint part = i / pc.repeats;
        sum = add(sum, parts[start + part * pc.partStride + (i - part * pc.repeats) * pc.repeatStride]);
    }
    return value(sum);
}

// Of all lanes of an element, in the order of their numbers.
float addOverLanes(float sum) {
    barrier(); // what was there has been read
    sharedSums[gl_LocalInvocationID.x] = sum;
    barrier();
    float total = 0.0;
    for (uint lane = 0u; lane < pc.lanesPerElement; ++lane) {
        total += sharedSums[lane * elementsOfWorkgroup() + gl_LocalInvocationID.x % elementsOfWorkgroup()];
    }
    return total;
}

// A word of two elements may be another invocation's, or another tensor's, as well.
void writeHalf(uint at, float sum) {
    uint shift = 16u * (at & 1u);
    uint word = at >> 1;
    if (pc.accumulates != 0u) {
        uint old = (atomicOr(target[word], 0u) >> shift) & 0xFFFFu;
        sum += pc.format == VKN_FORMAT_F16 ? decodeF16(old) : uintBitsToFloat(old << 16);
    }
    uint bits = pc.format == VKN_FORMAT_F16 ? encodeF16(sum) : encodeBF16(sum);
    atomicAnd(target[word], ~(0xFFFFu << shift));
    atomicOr(target[word], bits << shift);
}

void writeElement(uint element, float sum) {
    uint at = pc.target + element;
    if (pc.format != VKN_FORMAT_F32) {
        writeHalf(at, sum);
    } else if (pc.accumulates != 0u) {
        target[at] = floatBitsToUint(uintBitsToFloat(target[at]) + sum);
    } else {
        target[at] = floatBitsToUint(sum);
    }
}

void main() {
    uint step = gl_NumWorkGroups.x * elementsOfWorkgroup();
    for (uint first = gl_WorkGroupID.x * elementsOfWorkgroup(); first < pc.elements; first += step) {
        uint own = first + gl_LocalInvocationID.x % elementsOfWorkgroup();
        uint element = min(own, pc.elements - 1u); // all keep step, because there are barriers
        float sum = addOverLanes(sumOfLane(element)) * pc.factor;
        if (own < pc.elements && gl_LocalInvocationID.x < elementsOfWorkgroup()) {
            writeElement(element, sum);
        }
    }
}
