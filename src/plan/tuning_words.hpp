// The words of a tuning table (tuning_table.hpp).
#pragma once

#include "plan/operation.hpp"

namespace vkn {

inline constexpr const char* kTuningHeader = "vknorm-tuning 1";

// By VknOperation, VknPlacement and VknKernelForm.
inline constexpr const char* kOperationWords[] = {nullptr,     "rmsnorm",  "layernorm", "dyt", "gated-activation",
                                                  "groupnorm", "batchnorm"};
inline constexpr const char* kPlacementWords[] = {"none",     "prenorm",          "postnorm",
                                                  "sandwich", "sandwich-prenorm", "parallel"};
inline constexpr const char* kFormWords[] = {nullptr, "subgroup", "subgroup-shared", "shared"};
inline constexpr const char* kDirectionWords[] = {"forward", "backward"};

// What an operation does beside its norm that makes another kernel of it: bit (1 << index). Without any it is "plain".
enum TuningExtra : uint32_t {
    kExtraGate,
    kExtraRope,
    kExtraScales,        // it measures its output
    kExtraSums,          // gradients of parameters
    kExtraChannelsLast,  // of GroupNorm
    kExtraCount,
};
inline constexpr const char* kExtraWords[] = {"gate", "rope", "scales", "sums", "channels-last"};
inline constexpr const char* kPlainWord = "plain";

}  // namespace vkn
