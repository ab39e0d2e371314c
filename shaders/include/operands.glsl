// The operands of a row's kernel: views of their buffers, and how each is read or written.
#ifndef VKN_OPERANDS_GLSL
#define VKN_OPERANDS_GLSL

VKN_DECLARE_OPERAND(Input, VKN_OPERAND_INPUT)
VKN_DECLARE_OPERAND(Input2, VKN_OPERAND_INPUT_2)
VKN_DECLARE_OPERAND(Residual, VKN_OPERAND_RESIDUAL)
VKN_DECLARE_OPERAND(ResidualOutput, VKN_OPERAND_RESIDUAL_OUTPUT)
VKN_DECLARE_OPERAND(Output, VKN_OPERAND_OUTPUT)
VKN_DECLARE_OPERAND(Output2, VKN_OPERAND_OUTPUT_2)
VKN_DECLARE_OPERAND(Gamma, VKN_OPERAND_GAMMA)
VKN_DECLARE_OPERAND(Beta, VKN_OPERAND_BETA)
VKN_DECLARE_OPERAND(Gamma2, VKN_OPERAND_GAMMA_2)
VKN_DECLARE_OPERAND(Beta2, VKN_OPERAND_BETA_2)
VKN_DECLARE_OPERAND(BranchBias, VKN_OPERAND_BRANCH_BIAS)
VKN_DECLARE_OPERAND(BranchBias2, VKN_OPERAND_BRANCH_BIAS_2)
VKN_DECLARE_OPERAND(LayerScale, VKN_OPERAND_LAYER_SCALE)
VKN_DECLARE_OPERAND(RowScale, VKN_OPERAND_ROW_SCALE)
VKN_DECLARE_OPERAND(Mean, VKN_OPERAND_MEAN)
VKN_DECLARE_OPERAND(Rstd, VKN_OPERAND_RSTD)
VKN_DECLARE_OPERAND(Mean2, VKN_OPERAND_MEAN_2)
VKN_DECLARE_OPERAND(Rstd2, VKN_OPERAND_RSTD_2)
VKN_DECLARE_OPERAND(Seed, VKN_OPERAND_SEED)

VKN_DECLARE_VIEW(InputTensor, VKN_BINDING_INPUT, readonly)
VKN_DECLARE_VIEW(Input2Tensor, VKN_BINDING_INPUT_2, readonly)
VKN_DECLARE_VIEW(ResidualTensor, VKN_BINDING_RESIDUAL, readonly)
VKN_DECLARE_VIEW(ResidualOutputTensor, VKN_BINDING_RESIDUAL_OUTPUT, VKN_READ_WRITE)
VKN_DECLARE_VIEW(OutputTensor, VKN_BINDING_OUTPUT, VKN_READ_WRITE)
VKN_DECLARE_VIEW(Output2Tensor, VKN_BINDING_OUTPUT_2, VKN_READ_WRITE)
VKN_DECLARE_VIEW(GammaTensor, VKN_BINDING_GAMMA, readonly)
VKN_DECLARE_VIEW(BetaTensor, VKN_BINDING_BETA, readonly)
VKN_DECLARE_VIEW(Parameters, VKN_BINDING_PARAMETERS, readonly)
layout(std430, set = 0, binding = VKN_BINDING_SCALARS) buffer Scalars { uint scalars[]; };
layout(std140, set = 0, binding = VKN_BINDING_DISPATCH) uniform Dispatch { uvec4 groupsAndRows; } dispatch;

VKN_DEFINE_LOAD(Input2, Input2Tensor)
VKN_DEFINE_LOAD(Gamma, GammaTensor)
VKN_DEFINE_LOAD(Beta, BetaTensor)
VKN_DEFINE_LOAD(Gamma2, Parameters)
VKN_DEFINE_LOAD(Beta2, Parameters)
VKN_DEFINE_LOAD(BranchBias, Parameters)
VKN_DEFINE_LOAD(BranchBias2, Parameters)
VKN_DEFINE_LOAD(LayerScale, Parameters)
VKN_DEFINE_STORE(ResidualOutput, ResidualOutputTensor)
VKN_DEFINE_STORE(Output, OutputTensor)
VKN_DEFINE_STORE(Output2, Output2Tensor)

// What a plan brings up to date in place is read through the view that it is written through.
VKN_DEFINE_CODEC(Input, kTypeInput)
VKN_DEFINE_FETCH(Input, InputTensor, kTypeInput)
VKN_DEFINE_SHARED_FETCH(InputInPlace, OutputTensor, kTypeInput)
Piece loadInput(uint at, uint count) {
    if (kInPlace && kPlacement == VKN_PLACEMENT_NONE) {
        return decodeInput(fetchInputInPlace(at, count));
    }
    return decodeInput(fetchInput(at, count));
}

VKN_DEFINE_CODEC(Residual, kTypeResidual)
VKN_DEFINE_FETCH(Residual, ResidualTensor, kTypeResidual)
VKN_DEFINE_SHARED_FETCH(ResidualInPlace, ResidualOutputTensor, kTypeResidual)
VKN_DEFINE_SHARED_FETCH(ResidualInOutput, OutputTensor, kTypeResidual)
Piece loadResidual(uint at, uint count) {
    if (kInPlace && kPlacement == VKN_PLACEMENT_POST_NORM) {
        return decodeResidual(fetchResidualInOutput(at, count));
    }
    if (kInPlace) {
        return decodeResidual(fetchResidualInPlace(at, count));
    }
    return decodeResidual(fetchResidual(at, count));
}

// The first element of a row of a tensor whose words start at `word`.
uint rowStart(uint word, uint index) {
    if (!kOuterStrides) {
        return pc.words[word] + index * pc.words[word + 1u];
    }
    uint outer = index / pc.words[VKN_WORD_ROWS_PER_OUTER];
    uint inner = index - outer * pc.words[VKN_WORD_ROWS_PER_OUTER];
    return pc.words[word] + inner * pc.words[word + 1u] + outer * pc.words[word + 2u];
}

uint hiddenSize() {
    return pc.words[VKN_WORD_HIDDEN_SIZE];
}

// The elements whose statistics are taken.
uint statisticsSize() {
    return kPartialSize != 0u ? kPartialSize : hiddenSize();
}

uint rowsOfDispatch() {
    if (kGpuRows) {
        return dispatch.groupsAndRows.w;
    }
    return pc.words[VKN_WORD_ROWS];
}

#endif
