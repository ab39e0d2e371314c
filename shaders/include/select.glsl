// Choosing between two values without a branch: glslang makes one of `?:` wherever an operand is more than a variable.
#ifndef VKN_SELECT_GLSL
#define VKN_SELECT_GLSL

float select(bool condition, float a, float b) {
    return mix(b, a, condition);
}
uint select(bool condition, uint a, uint b) {
    return mix(b, a, condition);
}
uvec2 select(bool condition, uvec2 a, uvec2 b) {
    return mix(b, a, bvec2(condition));
}
vec2 select(bool condition, vec2 a, vec2 b) {
    return mix(b, a, bvec2(condition));
}
uvec4 select(bool condition, uvec4 a, uvec4 b) {
    return mix(b, a, bvec4(condition));
}
vec4 select(bvec4 condition, vec4 a, vec4 b) {
    return mix(b, a, condition);
}
uvec4 select(bvec4 condition, uvec4 a, uvec4 b) {
    return mix(b, a, condition);
}

#endif
