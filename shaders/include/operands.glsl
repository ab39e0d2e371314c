// The operands of a row's kernel that the forward and the backward have, views of their buffers, and where their rows are. How
// x and the residual are read, and what is written, is in forward_operands.glsl and backward_operands.glsl.
#ifndef VKN_OPERANDS_GLSL
#define VKN_OPERANDS_GLSL

#include "products.glsl"

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
VKN_DECLARE_OPERAND(OutputScale, VKN_OPERAND_OUTPUT_SCALE)
VKN_DECLARE_OPERAND(OutputScale2, VKN_OPERAND_OUTPUT_SCALE_2)
VKN_DECLARE_OPERAND(StaticScale, VKN_OPERAND_STATIC_SCALE)
VKN_DECLARE_OPERAND(StaticScale2, VKN_OPERAND_STATIC_SCALE_2)
VKN_DECLARE_OPERAND(Gate, VKN_OPERAND_GATE)
VKN_DECLARE_OPERAND(RowIndex, VKN_OPERAND_ROW_INDEX)
VKN_DECLARE_OPERAND(Positions, VKN_OPERAND_POSITIONS)
VKN_DECLARE_OPERAND(RopeTable, VKN_OPERAND_ROPE_TABLE)
VKN_DECLARE_OPERAND(CosSin, VKN_OPERAND_COS_SIN)
VKN_DECLARE_OPERAND(Key, VKN_OPERAND_KEY)
VKN_DECLARE_OPERAND(KeyOutput, VKN_OPERAND_KEY_OUTPUT)
VKN_DECLARE_OPERAND(KeyGamma, VKN_OPERAND_KEY_GAMMA)

VKN_DECLARE_OPERAND_FROM_32(RunningMean, VKN_OPERAND_RUNNING_MEAN)
VKN_DECLARE_OPERAND_FROM_32(RunningVariance, VKN_OPERAND_RUNNING_VARIANCE)
VKN_DECLARE_OPERAND_FROM_32(BatchMean, VKN_OPERAND_BATCH_MEAN)
VKN_DECLARE_OPERAND_FROM_32(BatchRstd, VKN_OPERAND_BATCH_RSTD)

VKN_DECLARE_VIEW(InputTensor, VKN_BINDING_INPUT, readonly)
VKN_DECLARE_VIEW(Input2Tensor, VKN_BINDING_INPUT_2, readonly)
VKN_DECLARE_VIEW(ResidualTensor, VKN_BINDING_RESIDUAL, readonly)
VKN_DECLARE_VIEW(GammaTensor, VKN_BINDING_GAMMA, readonly)
VKN_DECLARE_VIEW(BetaTensor, VKN_BINDING_BETA, readonly)
VKN_DECLARE_VIEW(Parameters, VKN_BINDING_PARAMETERS, readonly)
// The same, for what is read a word at a time.
layout(std430, set = 0, binding = VKN_BINDING_PARAMETERS) readonly buffer Tables { uint tables[]; };
layout(std430, set = 0, binding = VKN_BINDING_SCALARS) VKN_SCALARS_ACCESS buffer Scalars { uint scalars[]; };
VKN_DECLARE_VIEW(OfBatch, VKN_BINDING_SCALARS, readonly)
layout(std140, set = 0, binding = VKN_BINDING_DISPATCH) uniform Dispatch { uvec4 groupsAndRows; } dispatch;

VKN_DEFINE_LOAD(Input2, Input2Tensor)
VKN_DEFINE_LOAD(Gate, Input2Tensor)
VKN_DEFINE_LOAD_FROM_ELEMENT(Gamma, GammaTensor)
VKN_DEFINE_LOAD_FROM_ELEMENT(Beta, BetaTensor)
VKN_DEFINE_LOAD_ONE(Gamma, GammaTensor)
VKN_DEFINE_LOAD_ONE(Beta, BetaTensor)
VKN_DEFINE_LOAD_FROM_ELEMENT(Gamma2, Parameters)
VKN_DEFINE_LOAD_FROM_ELEMENT(Beta2, Parameters)
VKN_DEFINE_LOAD_FROM_ELEMENT(BranchBias, Parameters)
VKN_DEFINE_LOAD_FROM_ELEMENT(BranchBias2, Parameters)
VKN_DEFINE_LOAD_FROM_ELEMENT(LayerScale, Parameters)
VKN_DEFINE_LOAD_FROM_ELEMENT(RunningMean, Parameters)
VKN_DEFINE_LOAD_FROM_ELEMENT(RunningVariance, Parameters)
VKN_DEFINE_LOAD_FROM_ELEMENT(BatchMean, OfBatch)
VKN_DEFINE_LOAD_FROM_ELEMENT(BatchRstd, OfBatch)

// A quotient by multiplication: CPUs divide lane by lane, and GPUs have no instruction for it.
uint outerOf(uint index) {
    if (!kOuterStrides) {
        return 0u;
    }
    uint divisor = pc.words[VKN_WORD_OUTER_DIVISOR];
    uint high = highOfProduct(index << (32u - VKN_ROW_BITS), divisor >> VKN_DIVISOR_SHIFT_BITS);
    return high >> (divisor & ((1u << VKN_DIVISOR_SHIFT_BITS) - 1u));
}

uint innerOf(uint index) {
    if (!kOuterStrides) {
        return index;
    }
    return index - outerOf(index) * pc.words[VKN_WORD_ROWS_PER_OUTER];
}

// The place at which a row starts, of a tensor whose words start at `word`.
uint rowStart(uint word, uint inner, uint outer) {
    uint start = pc.words[word] + inner * pc.words[word + 1u];
    return kOuterStrides ? start + outer * pc.words[word + 2u] : start;
}
uint rowStart(uint word, uint index) {
    return rowStart(word, innerOf(index), outerOf(index));
}

// Whether a row is the key's: those behind the query's in each outer block.
const bool kHasKeys = kQueryRows != 0u;
bool isKeyRow(uint index) {
    return kHasKeys && innerOf(index) >= kQueryRows;
}

// The same of a tensor that is the query's, or where the row is the key's, of the key's.
uint headStart(uint word, uint keyWord, uint index) {
    uint query = rowStart(word, index);
    if (!kHasKeys) {
        return query;
    }
    return select(isKeyRow(index), rowStart(keyWord, innerOf(index) - kQueryRows, outerOf(index)), query);
}

uint hiddenSize() {
    return pc.words[VKN_WORD_HIDDEN_SIZE];
}

// The elements whose statistics are taken.
uint statisticsSize() {
    return kPartialSize != 0u ? kPartialSize : hiddenSize();
}

// The place at which a row of x starts, which may be another row of the tensor.
uint inputRowStart(uint index) {
    if (!kHasRowIndex) {
        return headStart(kWordInput, kWordKey, index);
    }
    uint source = min(scalars[pc.words[kWordRowIndex] + index], pc.words[kWordRowIndex + 1u]);
    return pc.words[kWordInput] + source * pc.words[kWordInput + 1u];
}

// The first element of the row of gamma, or of beta, that belongs to a row. The key's are counted from its own first.
uint parameterRow(uint index) {
    if (kParameterRows == 1u) {
        return 0u;
    }
    uint row = (pc.words[kParameterRowsWord] + index) % kParameterRows;
    return select(isKeyRow(index), row - kQueryRows, row) * (kGroupNorm ? kGroupChannels : hiddenSize());
}

uint rowsOfDispatch() {
    if (kGpuRows) {
        return dispatch.groupsAndRows.w;
    }
    return pc.words[VKN_WORD_ROWS];
}

#endif
