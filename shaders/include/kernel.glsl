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
layout(constant_id = VKN_SPEC_INPUT_TYPE) const uint kInputType = VKN_FORMAT_F32;
layout(constant_id = VKN_SPEC_OUTPUT_TYPE) const uint kOutputType = VKN_FORMAT_F32;
layout(constant_id = VKN_SPEC_GAMMA_TYPE) const uint kGammaType = VKN_FORMAT_F32;
layout(constant_id = VKN_SPEC_BETA_TYPE) const uint kBetaType = VKN_FORMAT_F32;
layout(constant_id = VKN_SPEC_FLAGS) const uint kFlags = 0;
layout(constant_id = VKN_SPEC_PIECE) const uint kUnalignedPiece = 4;

const bool kLayerNorm = (kFlags & VKN_FLAG_LAYER_NORM) != 0u;
const bool kEpsilonOutside = (kFlags & VKN_FLAG_EPSILON_OUTSIDE) != 0u;
const bool kEarlyCast = (kFlags & VKN_FLAG_EARLY_CAST) != 0u;
const bool kSaveMean = (kFlags & VKN_FLAG_SAVE_MEAN) != 0u;
const bool kSaveRstd = (kFlags & VKN_FLAG_SAVE_RSTD) != 0u;
const bool kGamma = (kFlags & VKN_FLAG_GAMMA) != 0u;
const bool kBeta = (kFlags & VKN_FLAG_BETA) != 0u;
const bool kReadAgain = (kFlags & VKN_FLAG_READ_AGAIN) != 0u;

#endif
