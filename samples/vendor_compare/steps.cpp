// Which steps a case has.
// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

namespace vknorm::compare {
namespace {

// The norms of which a backward needs what the forward saves, and what is normed.
const Operation& savingForward(VknOperation operation) {
    static const Operation kRms = {"rmsnorm-saving",
                                   "RMSNorm that saves rstd",
                                   VKN_OPERATION_RMS_NORM,
                                   VKN_PLACEMENT_NONE,
                                   {VKN_ROLE_INPUT, VKN_ROLE_GAMMA, VKN_ROLE_OUTPUT, VKN_ROLE_RSTD}};
    static const Operation kLayer = {"layernorm-saving",
                                     "LayerNorm that saves mean and rstd",
                                     VKN_OPERATION_LAYER_NORM,
                                     VKN_PLACEMENT_NONE,
                                     {VKN_ROLE_INPUT, VKN_ROLE_GAMMA, VKN_ROLE_OUTPUT, VKN_ROLE_MEAN, VKN_ROLE_RSTD}};
    return operation == VKN_OPERATION_RMS_NORM ? kRms : kLayer;
}

// y is of no use, so it goes where dx will.
StepInput savingStep(const Case& backward) {
    const VknRole normed = backward.operation->has(VKN_ROLE_INPUT) ? VKN_ROLE_INPUT : VKN_ROLE_RESIDUAL_OUTPUT;
    StepInput step = {{&savingForward(backward.operation->operation), backward.types, backward.shape}, {}, true};
    step.links = {{VKN_ROLE_INPUT, 1, normed},
                  {VKN_ROLE_GAMMA, 1, VKN_ROLE_GAMMA},
                  {VKN_ROLE_OUTPUT, 1, VKN_ROLE_INPUT_GRADIENT},
                  {VKN_ROLE_RSTD, 1, VKN_ROLE_RSTD}};
    if (backward.operation->has(VKN_ROLE_MEAN)) {
        step.links.push_back({VKN_ROLE_MEAN, 1, VKN_ROLE_MEAN});
    }
    return step;
}

}  // namespace

std::vector<StepInput> stepsOf(const Case& test) {
    if (test.operation->isBackward()) {
        return {savingStep(test), {test}};
    }
    return {{test}};
}

std::vector<StepInput> stepsApart(const Case& test) {
    const Apart& apart = *test.operation->apart;
    StepInput first = {{&findOperation(apart.first), test.types, test.shape}};
    StepInput second = {{&findOperation(apart.second), test.types, test.shape}};
    second.links = {{VKN_ROLE_INPUT, 0, apart.between}};
    return {first, second};
}

}  // namespace vknorm::compare
