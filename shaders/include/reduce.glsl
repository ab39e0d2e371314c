// Reductions over the team of invocations that owns a row: a subgroup, or a workgroup. All subgroup operations of the
// project are in this file.
//
// A team's reductions must be reached by all its invocations; in a test build that emulates subgroups, by the whole
// workgroup. Sums are of one number, or of two at a time: VKN_DEFINE_ADD_OVER... (TYPE, MEMBERS) with float and x, or vec2 and xy.
#ifndef VKN_REDUCE_GLSL
#define VKN_REDUCE_GLSL

#ifndef VKN_EMULATE_SUBGROUPS
#define VKN_EMULATE_SUBGROUPS 0
#endif
#ifndef VKN_BREAK_REDUCTION
#define VKN_BREAK_REDUCTION 0
#endif

#if VKN_SUBGROUPS && VKN_EMULATE_SUBGROUPS

// Test build: subgroups of any size, over shared memory, in a tree that depends on the lane's number only.
shared uvec2 emulatedLanes[VKN_MAX_EMULATED_WORKGROUP];

uint subgroupLane() {
    return gl_LocalInvocationIndex % kSubgroupSize;
}
uint subgroupIndex() {
    return gl_LocalInvocationIndex / kSubgroupSize;
}
uvec2 emulatedExchange(uvec2 value, uint distance) {
    barrier();
    emulatedLanes[gl_LocalInvocationIndex] = value;
    barrier();
    return emulatedLanes[gl_LocalInvocationIndex ^ distance];
}
#define VKN_DEFINE_ADD_OVER_SUBGROUP(TYPE, MEMBERS)                                                                      \
    TYPE addOverSubgroup(TYPE value) {                                                                                   \
        for (uint distance = 1u; distance < kSubgroupSize; distance *= 2u) {                                             \
            uvec2 other = emulatedExchange(uvec2(floatBitsToUint(value)), distance);                                     \
            value += uintBitsToFloat(other.MEMBERS);                                                                     \
        }                                                                                                                \
        return value;                                                                                                    \
    }
uint maxOverSubgroup(uint value) {
    for (uint distance = 1u; distance < kSubgroupSize; distance *= 2u) {
        value = max(value, emulatedExchange(uvec2(value), distance).x);
    }
    return value;
}
// A condition that is uniform in a team, made uniform in whatever must reach a reduction together.
bool anyTeam(bool condition) {
    barrier();
    emulatedLanes[0] = uvec2(0u);
    barrier();
    if (condition) {
        emulatedLanes[0] = uvec2(1u);
    }
    barrier();
    return emulatedLanes[0].x != 0u;
}

#elif VKN_SUBGROUPS

uint subgroupLane() {
    return gl_SubgroupInvocationID;
}
uint subgroupIndex() {
    return gl_SubgroupID;
}
#if VKN_BREAK_REDUCTION // test build: what the self-test must catch
#define VKN_SUMMAND(TYPE, VALUE) (subgroupLane() == kSubgroupSize - 1u ? TYPE(0.0) : VALUE)
#else
#define VKN_SUMMAND(TYPE, VALUE) VALUE
#endif
#define VKN_DEFINE_ADD_OVER_SUBGROUP(TYPE, MEMBERS)                                                                      \
    TYPE addOverSubgroup(TYPE value) {                                                                                   \
        return subgroupAdd(VKN_SUMMAND(TYPE, value));                                                                    \
    }
uint maxOverSubgroup(uint value) {
    return subgroupMax(value);
}
bool anyTeam(bool condition) {
    return condition;
}

#else

bool anyTeam(bool condition) {
    return condition;
}

#endif

// Two buffers in turn: a reduction starts writing while slow invocations still read the result of the one before.
uint reductionParity = 0u;

#if VKN_SUBGROUPS

const uint kSubgroups = kWorkgroupSize / kSubgroupSize;
shared uvec2 subgroupPartials[2 * VKN_MAX_SUBGROUPS];

uint teamSize() {
    return kForm == VKN_FORM_SUBGROUP ? kSubgroupSize : kWorkgroupSize;
}
uint teamsPerWorkgroup() {
    return kForm == VKN_FORM_SUBGROUP ? kSubgroups : 1u;
}
uint teamIndex() {
    return kForm == VKN_FORM_SUBGROUP ? subgroupIndex() : 0u;
}
uint teamLane() {
    return kForm == VKN_FORM_SUBGROUP ? subgroupLane() : gl_LocalInvocationIndex;
}

// Every subgroup hands in a partial result; returns the parity of the buffer in which all of them now are.
uint sharePartial(uvec2 partial) {
    reductionParity ^= 1u;
    if (subgroupLane() == 0u) {
        subgroupPartials[reductionParity * VKN_MAX_SUBGROUPS + subgroupIndex()] = partial;
    }
    barrier();
    return reductionParity * VKN_MAX_SUBGROUPS;
}

#define VKN_DEFINE_ADD_OVER_TEAM(TYPE, MEMBERS)                                                                          \
    VKN_DEFINE_ADD_OVER_SUBGROUP(TYPE, MEMBERS)                                                                          \
    TYPE addOverTeam(TYPE value) {                                                                                       \
        TYPE sum = addOverSubgroup(value);                                                                               \
        if (kForm == VKN_FORM_SUBGROUP || kSubgroups == 1u) {                                                            \
            return sum;                                                                                                  \
        }                                                                                                                \
        uint first = sharePartial(uvec2(floatBitsToUint(sum)));                                                          \
        sum = TYPE(0.0);                                                                                                 \
        for (uint i = subgroupLane(); i < kSubgroups; i += kSubgroupSize) {                                              \
            sum += uintBitsToFloat(subgroupPartials[first + i].MEMBERS);                                                 \
        }                                                                                                                \
        return addOverSubgroup(sum);                                                                                     \
    }

uint maxOverTeam(uint value) {
    uint result = maxOverSubgroup(value);
    if (kForm == VKN_FORM_SUBGROUP || kSubgroups == 1u) {
        return result;
    }
    uint first = sharePartial(uvec2(result));
    for (uint i = subgroupLane(); i < kSubgroups; i += kSubgroupSize) {
        result = max(result, subgroupPartials[first + i].x);
    }
    return maxOverSubgroup(result);
}

#else

shared uvec2 lanes[2 * VKN_MAX_SHARED_WORKGROUP];

uint teamSize() {
    return kWorkgroupSize;
}
uint teamsPerWorkgroup() {
    return 1u;
}
uint teamIndex() {
    return 0u;
}
uint teamLane() {
    return gl_LocalInvocationIndex;
}

// The workgroup size is a power of two.
#define VKN_DEFINE_ADD_OVER_TEAM(TYPE, MEMBERS)                                                                          \
    TYPE addOverTeam(TYPE value) {                                                                                       \
        reductionParity ^= 1u;                                                                                           \
        uint mine = reductionParity * VKN_MAX_SHARED_WORKGROUP + gl_LocalInvocationIndex;                                \
        TYPE sum = value;                                                                                                \
        lanes[mine].MEMBERS = floatBitsToUint(sum);                                                                      \
        barrier();                                                                                                       \
        for (uint distance = kWorkgroupSize / 2u; distance > 0u; distance /= 2u) {                                       \
            if (gl_LocalInvocationIndex < distance) {                                                                    \
                if (kFrugal) {                                                                                           \
                    sum = uintBitsToFloat(lanes[mine].MEMBERS);                                                          \
                }                                                                                                        \
                sum += uintBitsToFloat(lanes[mine + distance].MEMBERS);                                                  \
                lanes[mine].MEMBERS = floatBitsToUint(sum);                                                              \
            }                                                                                                            \
            barrier();                                                                                                   \
        }                                                                                                                \
        return uintBitsToFloat(lanes[reductionParity * VKN_MAX_SHARED_WORKGROUP].MEMBERS);                               \
    }

uint maxOverTeam(uint value) {
    reductionParity ^= 1u;
    uint mine = reductionParity * VKN_MAX_SHARED_WORKGROUP + gl_LocalInvocationIndex;
    lanes[mine] = uvec2(value);
    barrier();
    for (uint distance = kWorkgroupSize / 2u; distance > 0u; distance /= 2u) {
        if (gl_LocalInvocationIndex < distance) {
            lanes[mine].x = max(lanes[mine].x, lanes[mine + distance].x);
        }
        barrier();
    }
    return lanes[reductionParity * VKN_MAX_SHARED_WORKGROUP].x;
}

#endif

VKN_DEFINE_ADD_OVER_TEAM(float, x)
VKN_DEFINE_ADD_OVER_TEAM(vec2, xy)

#endif
