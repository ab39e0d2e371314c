// What every kernel of a row shares: its specialisation constants.
#ifndef VKN_KERNEL_GLSL
#define VKN_KERNEL_GLSL

#include "interface.h"

layout(local_size_x_id = VKN_SPEC_WORKGROUP_SIZE, local_size_y = 1, local_size_z = 1) in;

layout(constant_id = VKN_SPEC_WORKGROUP_SIZE) const uint kWorkgroupSize = 64;
layout(constant_id = VKN_SPEC_FORM) const uint kForm = VKN_SUBGROUPS != 0 ? VKN_FORM_SUBGROUP_SHARED : VKN_FORM_SHARED;
layout(constant_id = VKN_SPEC_SUBGROUP_SIZE) const uint kSubgroupSize = 4;
layout(constant_id = VKN_SPEC_GROUP) const uint kGroup = 1;
layout(constant_id = VKN_SPEC_CHUNK) const uint kChunk = 8;
layout(constant_id = VKN_SPEC_PIECE) const uint kUnalignedPiece = 4;
layout(constant_id = VKN_SPEC_FLAGS) const uint kFlags = 0;
layout(constant_id = VKN_SPEC_OPERANDS) const uint kOperands = 0;
layout(constant_id = VKN_SPEC_PLACEMENT) const uint kPlacement = VKN_PLACEMENT_NONE;
layout(constant_id = VKN_SPEC_EPSILON) const float kEpsilon = 0.0;
layout(constant_id = VKN_SPEC_WEIGHT_OFFSET) const float kWeightOffset = 0.0;
layout(constant_id = VKN_SPEC_RESIDUAL_SCALE) const float kResidualScale = 1.0;
layout(constant_id = VKN_SPEC_BRANCH_SCALE) const float kBranchScale = 1.0;
layout(constant_id = VKN_SPEC_DROP_BELOW) const uint kDropBelow = 0;
layout(constant_id = VKN_SPEC_KEPT_SCALE) const float kKeptScale = 1.0;
layout(constant_id = VKN_SPEC_DROPOUT_WORD) const uint kDropoutWord = 0;
layout(constant_id = VKN_SPEC_PARTIAL_SIZE) const uint kPartialSize = 0;
layout(constant_id = VKN_SPEC_OPERATION) const uint kOperation = VKN_OPERATION_RMS_NORM;
layout(constant_id = VKN_SPEC_ALPHA) const float kAlpha = 1.0;
layout(constant_id = VKN_SPEC_PARAMETER_ROWS) const uint kParameterRows = 1;
layout(constant_id = VKN_SPEC_PARAMETER_ROWS_WORD) const uint kParameterRowsWord = 0;
layout(constant_id = VKN_SPEC_ACTIVATION) const uint kActivation = VKN_ACTIVATION_SILU;
layout(constant_id = VKN_SPEC_QUANTIZATION) const uint kQuantization = VKN_QUANTIZATION_STATIC;
layout(constant_id = VKN_SPEC_BLOCK_SIZE) const uint kBlockSize = 32;
layout(constant_id = VKN_SPEC_SCALE) const float kScale = 1.0;
layout(constant_id = VKN_SPEC_SCALE_2) const float kScale2 = 1.0;
layout(constant_id = VKN_SPEC_LARGEST_VALUE) const float kLargestValue = 0.0;
layout(constant_id = VKN_SPEC_ROTARY_SIZE) const uint kRotarySize = 0;
layout(constant_id = VKN_SPEC_ROPE_SCALE) const float kRopeScale = 1.0;
layout(constant_id = VKN_SPEC_QUERY_ROWS) const uint kQueryRows = 0;
layout(constant_id = VKN_SPEC_GROUP_CHANNELS) const uint kGroupChannels = 0;
layout(constant_id = VKN_SPEC_OPERANDS_FROM_32) const uint kOperandsFrom32 = 0;
layout(constant_id = VKN_SPEC_MOMENTUM) const float kMomentum = 0.0;
layout(constant_id = VKN_SPEC_SUMS) const uint kSums = 0;
layout(constant_id = VKN_SPEC_SCRATCH_WORD) const uint kScratchWord = 0;
layout(constant_id = VKN_SPEC_ROWS_AT_ONCE) const uint kRowsAtOnce = 1;

const bool kBatchNorm = kOperation == VKN_OPERATION_BATCH_NORM;
const bool kGroupNorm = kOperation == VKN_OPERATION_GROUP_NORM;
const bool kLayerNorm = kOperation == VKN_OPERATION_LAYER_NORM || kGroupNorm;
const bool kHasChannelsLast = (kFlags & VKN_FLAG_CHANNELS_LAST) != 0u;
const bool kChannelsLast = kGroupNorm && kHasChannelsLast;
const bool kChannelsFirst = kGroupNorm && !kHasChannelsLast;
const bool kWholeChunks = (kFlags & VKN_FLAG_WHOLE_CHUNKS) != 0u;
const bool kTakesStatistics = kOperation == VKN_OPERATION_RMS_NORM || kLayerNorm;
const bool kNormFirst = (kFlags & VKN_FLAG_NORM_FIRST) != 0u;
const bool kEpsilonOutside = (kFlags & VKN_FLAG_EPSILON_OUTSIDE) != 0u;
const bool kEarlyCast = (kFlags & VKN_FLAG_EARLY_CAST) != 0u;
const bool kReadAgain = (kFlags & VKN_FLAG_READ_AGAIN) != 0u;
const bool kInPlace = (kFlags & VKN_FLAG_IN_PLACE) != 0u;
const bool kOuterStrides = (kFlags & VKN_FLAG_OUTER_STRIDES) != 0u;
const bool kTurns = kRotarySize != 0u;
const bool kTurnsNeighbours = (kFlags & VKN_FLAG_INTERLEAVED) != 0u;
const bool kInterleaved = kTurns && kTurnsNeighbours;
const bool kHalfSplit = kTurns && !kTurnsNeighbours;
const bool kMeasureOnly = (kFlags & VKN_FLAG_MEASURE_ONLY) != 0u;
const bool kTraining = (kFlags & VKN_FLAG_TRAINING) != 0u;
const bool kAnglesOfProducts = (kFlags & VKN_FLAG_ANGLE_PRODUCTS) != 0u;
const bool kWholeGroups = (kFlags & VKN_FLAG_WHOLE_GROUPS) != 0u;
const bool kStoresFirst = (kFlags & VKN_FLAG_STORES_FIRST) != 0u;
const bool kGpuRows = (kFlags & VKN_FLAG_GPU_ROWS) != 0u;
const bool kRowsInOrder = (kFlags & VKN_FLAG_ROWS_IN_ORDER) != 0u;

// V3D's compiler keeps what a loop writes in a register of its own for as long as the loop around it lasts, if control flow depends
// on the workgroup, because several share a processor's lanes. So its 32 registers are spent on loops, not on elements, and there
// workgroups have no loop over rows.
const bool kFrugal = (kFlags & VKN_FLAG_FRUGAL) != 0u;
const bool kOneTurn = (kFlags & VKN_FLAG_ONE_TURN) != 0u;

// In a grid of two dimensions.
uint workgroupIndex() {
    return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
}
const bool kDrawsFirst = (kFlags & VKN_FLAG_DRAWS_FIRST) != 0u;

// An operand's element type, and the first of its words in the push constants.
#define VKN_DECLARE_OPERAND_IN(NAME, OPERAND, OPERANDS, BIT)                                                             \
    layout(constant_id = VKN_SPEC_TYPE_OF(OPERAND)) const uint kType##NAME = VKN_FORMAT_F32;                             \
    layout(constant_id = VKN_SPEC_WORD_OF(OPERAND)) const uint kWord##NAME = 0;                                          \
    const bool kHas##NAME = (OPERANDS & (1u << (BIT))) != 0u;
#define VKN_DECLARE_OPERAND(NAME, OPERAND) VKN_DECLARE_OPERAND_IN(NAME, OPERAND, kOperands, OPERAND)
#define VKN_DECLARE_OPERAND_FROM_32(NAME, OPERAND) VKN_DECLARE_OPERAND_IN(NAME, OPERAND, kOperandsFrom32, OPERAND - 32)

#endif
