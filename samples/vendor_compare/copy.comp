// The yardstick: a copy by a compute shader, 16 bytes at a time. Each invocation copies one uvec4, or with VKN_COPY_LOOPS goes
// over all of them in strides of the grid.
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
#else
    // Rows of workgroups: there may be more of them than one dimension of a grid takes.
    const uint workgroup = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    const uint i = workgroup * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    if (i < count) {
        to[i] = from[i];
    }
#endif
}
