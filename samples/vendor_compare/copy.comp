// The yardstick: a copy by a compute shader, 16 bytes at a time. Each invocation copies one uvec4; or goes over all of them in strides
// of the grid (VKN_COPY_LOOPS); or each workgroup copies a span of its own (VKN_COPY_SPANS), where neighbours in time are neighbours
// in memory, four a turn, which CPUs like.
#version 450

layout(local_size_x_id = 0) in;
layout(std430, set = 0, binding = 0) readonly buffer From { uvec4 from[]; };
layout(std430, set = 0, binding = 1) writeonly buffer To { uvec4 to[]; };
layout(push_constant) uniform Constants { uint count; };

void main() {
#ifdef VKN_COPY_LOOPS
    const uint stride = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
    for (uint i = gl_GlobalInvocationID.x; i < count; i += stride) {
        to[i] = from[i];
    }
#elif defined(VKN_COPY_SPANS)
    const uint turns = (count + gl_WorkGroupSize.x - 1u) / gl_WorkGroupSize.x;
    const uint span = (turns + gl_NumWorkGroups.x - 1u) / gl_NumWorkGroups.x * gl_WorkGroupSize.x;
    const uint first = gl_WorkGroupID.x * span;
    const uint end = min(first + span, count);
    const uint size = gl_WorkGroupSize.x;
    uint i = first + gl_LocalInvocationID.x;
    for (; i + 3u * size < end; i += 4u * size) {
        to[i] = from[i];
        to[i + size] = from[i + size];
        to[i + 2u * size] = from[i + 2u * size];
        to[i + 3u * size] = from[i + 3u * size];
    }
    for (; i < end; i += size) {
        to[i] = from[i];
    }
#else
    // Rows of workgroups: there may be more of them than one dimension of a grid takes.
    const uint workgroup = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    const uint i = workgroup * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    if (i < count) {
        to[i] = from[i];
    }
#endif
}
