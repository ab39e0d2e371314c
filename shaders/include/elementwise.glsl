// What is applied to each element of a piece by itself.
#ifndef VKN_ELEMENTWISE_GLSL
#define VKN_ELEMENTWISE_GLSL

#include "functions.glsl"

Piece tanhOf(Piece piece) {
    return Piece(tanhOf(piece.a), kPiece == 8u ? tanhOf(piece.b) : piece.b);
}

vec4 activated(vec4 z) {
    if (kActivation == VKN_ACTIVATION_GELU) {
        return geluOf(z);
    }
    if (kActivation == VKN_ACTIVATION_GELU_TANH) {
        return geluTanhOf(z);
    }
    if (kActivation == VKN_ACTIVATION_RELU) {
        return reluOf(z);
    }
    if (kActivation == VKN_ACTIVATION_SIGMOID) {
        return sigmoidOf(z);
    }
    return siluOf(z);
}

Piece activated(Piece z) {
    return Piece(activated(z.a), kPiece == 8u ? activated(z.b) : z.b);
}

// The activation's derivative.
vec4 activationSlope(vec4 z) {
    if (kActivation == VKN_ACTIVATION_GELU) {
        return geluSlopeOf(z);
    }
    if (kActivation == VKN_ACTIVATION_GELU_TANH) {
        return geluTanhSlopeOf(z);
    }
    if (kActivation == VKN_ACTIVATION_RELU) {
        return reluSlopeOf(z);
    }
    if (kActivation == VKN_ACTIVATION_SIGMOID) {
        return sigmoidSlopeOf(z);
    }
    return siluSlopeOf(z);
}

Piece activationSlope(Piece z) {
    return Piece(activationSlope(z.a), kPiece == 8u ? activationSlope(z.b) : z.b);
}

#endif
