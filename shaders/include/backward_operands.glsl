// What the backward reads and writes beside the forward's operands: gradients, named after what they are of.
#ifndef VKN_BACKWARD_OPERANDS_GLSL
#define VKN_BACKWARD_OPERANDS_GLSL

#define VKN_SCALARS_ACCESS readonly
#include "operands.glsl"

VKN_DECLARE_OPERAND_FROM_32(OutputGradient, VKN_OPERAND_OUTPUT_GRADIENT)
VKN_DECLARE_OPERAND_FROM_32(Output2Gradient, VKN_OPERAND_OUTPUT_2_GRADIENT)
VKN_DECLARE_OPERAND_FROM_32(ResidualOutputGradient, VKN_OPERAND_RESIDUAL_OUTPUT_GRADIENT)
VKN_DECLARE_OPERAND_FROM_32(InputGradient, VKN_OPERAND_INPUT_GRADIENT)
VKN_DECLARE_OPERAND_FROM_32(Input2Gradient, VKN_OPERAND_INPUT_2_GRADIENT)
VKN_DECLARE_OPERAND_FROM_32(ResidualGradient, VKN_OPERAND_RESIDUAL_GRADIENT)
VKN_DECLARE_OPERAND_FROM_32(GateGradient, VKN_OPERAND_GATE_GRADIENT)

VKN_DECLARE_VIEW(ResidualOutputTensor, VKN_BINDING_RESIDUAL_OUTPUT, readonly)
VKN_DECLARE_VIEW(OutputGradientTensor, VKN_BINDING_OUTPUT_GRADIENT, readonly)
VKN_DECLARE_VIEW(Output2GradientTensor, VKN_BINDING_OUTPUT_2_GRADIENT, readonly)
VKN_DECLARE_VIEW(ResidualOutputGradientTensor, VKN_BINDING_RESIDUAL_OUTPUT_GRADIENT, readonly)
VKN_DECLARE_VIEW(InputGradientTensor, VKN_BINDING_INPUT_GRADIENT, VKN_READ_WRITE)
VKN_DECLARE_VIEW(Input2GradientTensor, VKN_BINDING_INPUT_2_GRADIENT, VKN_READ_WRITE)
VKN_DECLARE_VIEW(ResidualGradientTensor, VKN_BINDING_RESIDUAL_GRADIENT, VKN_READ_WRITE)
layout(std430, set = 0, binding = VKN_BINDING_SCRATCH) buffer Scratch { float scratch[]; };

VKN_DEFINE_LOAD(Input, InputTensor)
VKN_DEFINE_LOAD(Residual, ResidualTensor)
VKN_DEFINE_LOAD(ResidualOutput, ResidualOutputTensor)
VKN_DEFINE_LOAD(Output2Gradient, Output2GradientTensor)
VKN_DEFINE_STORE(InputGradient, InputGradientTensor, VKN_DEFINE_PUT)
VKN_DEFINE_STORE(Input2Gradient, Input2GradientTensor, VKN_DEFINE_PUT)
VKN_DEFINE_STORE(GateGradient, Input2GradientTensor, VKN_DEFINE_PUT)
VKN_DEFINE_STORE(ResidualGradient, ResidualGradientTensor, VKN_DEFINE_PUT)

// What a plan brings up to date in place is read through the view that it is written through.
VKN_DEFINE_DECODER(OutputGradient, kTypeOutputGradient)
VKN_DEFINE_FETCH(OutputGradient, OutputGradientTensor, kTypeOutputGradient)
VKN_DEFINE_SHARED_FETCH(OutputGradientInPlace, InputGradientTensor, kTypeOutputGradient)
VKN_DEFINE_SHARED_FETCH(OutputGradientInStream, ResidualGradientTensor, kTypeOutputGradient)
PackedPiece fetchGradientOfOutput(uint start, uint column, uint count) {
    if (kInPlace && kPlacement == VKN_PLACEMENT_NONE) {
        return fetchOutputGradientInPlace(start, column, count);
    }
    if (kInPlace && kPlacement == VKN_PLACEMENT_POST_NORM) {
        return fetchOutputGradientInStream(start, column, count);
    }
    return fetchOutputGradient(start, column, count);
}
Piece loadOutputGradient(uint start, uint column, uint count) {
    return decodeOutputGradient(fetchGradientOfOutput(start, column, count));
}

VKN_DEFINE_DECODER(ResidualOutputGradient, kTypeResidualOutputGradient)
VKN_DEFINE_FETCH(ResidualOutputGradient, ResidualOutputGradientTensor, kTypeResidualOutputGradient)
VKN_DEFINE_SHARED_FETCH(ResidualOutputGradientInPlace, ResidualGradientTensor, kTypeResidualOutputGradient)
Piece loadResidualOutputGradient(uint start, uint column, uint count) {
    if (kInPlace) {
        return decodeResidualOutputGradient(fetchResidualOutputGradientInPlace(start, column, count));
    }
    return decodeResidualOutputGradient(fetchResidualOutputGradient(start, column, count));
}

// Whether a gradient arrives along the stream. In steps, because glslang makes branches of a longer expression.
const bool kStreamGoesOn = kPlacement != VKN_PLACEMENT_NONE && kPlacement != VKN_PLACEMENT_POST_NORM;
const bool kStreamInPlace = kInPlace && kStreamGoesOn;
const bool kStreamArrives = kHasResidualOutputGradient || kStreamInPlace;

#endif
