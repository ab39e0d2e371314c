// What the forward writes, and reads where it is written.
#ifndef VKN_FORWARD_OPERANDS_GLSL
#define VKN_FORWARD_OPERANDS_GLSL

#define VKN_SCALARS_ACCESS VKN_READ_WRITE
#include "operands.glsl"

VKN_DECLARE_VIEW(ResidualOutputTensor, VKN_BINDING_RESIDUAL_OUTPUT, VKN_READ_WRITE)
VKN_DECLARE_VIEW(OutputTensor, VKN_BINDING_OUTPUT, VKN_READ_WRITE)
VKN_DECLARE_VIEW(Output2Tensor, VKN_BINDING_OUTPUT_2, VKN_READ_WRITE)
VKN_DECLARE_NARROW_VIEW(OutputTensor, VKN_BINDING_OUTPUT)
VKN_DECLARE_NARROW_VIEW(Output2Tensor, VKN_BINDING_OUTPUT_2)

VKN_DEFINE_STORE(ResidualOutput, ResidualOutputTensor, VKN_DEFINE_PUT)
VKN_DEFINE_STORE(Output, OutputTensor, VKN_DEFINE_QUANTISED_PUT)
VKN_DEFINE_STORE(Output2, Output2Tensor, VKN_DEFINE_QUANTISED_PUT)

// What a plan brings up to date in place is read through the view that it is written through.
VKN_DEFINE_DECODER(Input, kTypeInput)
VKN_DEFINE_FETCH(Input, InputTensor, kTypeInput)
VKN_DEFINE_SHARED_FETCH(InputInPlace, OutputTensor, kTypeInput)
Piece loadInput(uint start, uint column, uint count) {
    if (kInPlace && kPlacement == VKN_PLACEMENT_NONE) {
        return decodeInput(fetchInputInPlace(start, column, count));
    }
    return decodeInput(fetchInput(start, column, count));
}

VKN_DEFINE_DECODER(Residual, kTypeResidual)
VKN_DEFINE_FETCH(Residual, ResidualTensor, kTypeResidual)
VKN_DEFINE_SHARED_FETCH(ResidualInPlace, ResidualOutputTensor, kTypeResidual)
VKN_DEFINE_SHARED_FETCH(ResidualInOutput, OutputTensor, kTypeResidual)
Piece loadResidual(uint start, uint column, uint count) {
    if (kInPlace && kPlacement == VKN_PLACEMENT_POST_NORM) {
        return decodeResidual(fetchResidualInOutput(start, column, count));
    }
    if (kInPlace) {
        return decodeResidual(fetchResidualInPlace(start, column, count));
    }
    return decodeResidual(fetchResidual(start, column, count));
}

VKN_DEFINE_DECODER(ResidualOutput, kTypeResidualOutput)
VKN_DEFINE_SHARED_FETCH(StoredStream, ResidualOutputTensor, kTypeResidualOutput)
VKN_DEFINE_DECODER(Output, kTypeOutput)
VKN_DEFINE_SHARED_FETCH(StoredBranch, OutputTensor, kTypeOutput)
Piece loadStored(uint start, uint column, uint count) {
    if (kHasResidualOutput) {
        return decodeResidualOutput(fetchStoredStream(start, column, count));
    }
    return decodeOutput(fetchStoredBranch(start, column, count));
}

#endif
