// Runs the reductions of one kernel form on patterns whose sums are exact in any order; the host judges the results.
#version 450
#extension GL_GOOGLE_include_directive : require
#if VKN_SUBGROUPS && !defined(VKN_EMULATE_SUBGROUPS)
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#endif
#define VKN_KERNEL_SELF_TEST
#include "kernel.glsl"
#include "reduce.glsl"

layout(std430, set = 0, binding = VKN_BINDING_OUTPUT) writeonly buffer Results { uint results[]; };

void main() {
    for (uint pattern = 0u; pattern < VKN_SELF_TEST_PATTERNS; ++pattern) {
        // Lanes are numbered within their team, teams differ in their pattern: a lane that adds another team's shows.
        uint mine = VKN_SELF_TEST_VALUE(pattern + teamIndex(), teamLane());
        float sum = addOverTeam(float(mine));
        vec2 sums = addOverTeam(vec2(1.0, float(mine)));
        uint largest = maxOverTeam(mine);
        uint team = gl_WorkGroupID.x * teamsPerWorkgroup() + teamIndex();
        uint slot = (team * VKN_SELF_TEST_PATTERNS + pattern) * teamSize() + teamLane();
        uint word = pc.targetWord + slot * VKN_SELF_TEST_WORDS;
        results[word] = uint(sum);
        results[word + 1u] = uint(sums.x);
        results[word + 2u] = uint(sums.y);
        results[word + 3u] = largest;
    }
}
