// SPDX-License-Identifier: Apache-2.0
#include "operations.hpp"

#include "plan/operation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace vknorm::compare {
namespace {

constexpr VknRole kX = VKN_ROLE_INPUT;
constexpr VknRole kY = VKN_ROLE_OUTPUT;
constexpr VknRole kGamma = VKN_ROLE_GAMMA;
constexpr VknRole kBeta = VKN_ROLE_BETA;
constexpr VknRole kStream = VKN_ROLE_RESIDUAL;
constexpr VknRole kSum = VKN_ROLE_RESIDUAL_OUTPUT;
constexpr VknRole kDy = VKN_ROLE_OUTPUT_GRADIENT;
constexpr VknRole kDx = VKN_ROLE_INPUT_GRADIENT;
constexpr VknRole kDsum = VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT;
constexpr VknRole kDgamma = VKN_ROLE_GAMMA_GRADIENT;
constexpr VknRole kDbeta = VKN_ROLE_BETA_GRADIENT;
constexpr VknRole kRstd = VKN_ROLE_RSTD;
constexpr VknRole kMean = VKN_ROLE_MEAN;

constexpr VknOperation kRms = VKN_OPERATION_RMS_NORM;
constexpr VknOperation kLayer = VKN_OPERATION_LAYER_NORM;
constexpr VknPlacement kNone = VKN_PLACEMENT_NONE;

Operation backward(const char* name, const char* text, VknOperation operation, VknPlacement placement,
                   std::vector<VknRole> roles) {
    Operation row = {name, text, operation, placement, std::move(roles)};
    row.flags = VKN_PLAN_BACKWARD_BIT;
    return row;
}

Operation with(Operation row, bool Operation::*property) {
    row.*property = true;
    return row;
}

Operation with(Operation row, const Apart& apart) {
    row.apart = apart;
    return row;
}

std::vector<Operation> makeOperations() {
    return {
        {"rmsnorm", "RMSNorm with weight", kRms, kNone, {kX, kGamma, kY}},
        {"layernorm", "LayerNorm with weight and bias", kLayer, kNone, {kX, kGamma, kBeta, kY}},
        with({"prenorm-add",
              "h = residual + x; y = RMSNorm(h)",
              kRms,
              VKN_PLACEMENT_PRE_NORM,
              {kX, kStream, kGamma, kSum, kY}},
             Apart{"add", "rmsnorm", kSum}),
        {"postnorm", "y = LayerNorm(residual + x)", kLayer, VKN_PLACEMENT_POST_NORM, {kX, kStream, kGamma, kBeta, kY}},
        {"sandwich", "h = residual + RMSNorm(x)", kRms, VKN_PLACEMENT_SANDWICH, {kX, kStream, kGamma, kSum}},
        with({"sandwich-prenorm",
              "h = residual + RMSNorm(x); y = RMSNorm2(h)",
              kRms,
              VKN_PLACEMENT_SANDWICH_PRE_NORM,
              {kX, kStream, kGamma, VKN_ROLE_GAMMA_2, kSum, kY}},
             Apart{"sandwich", "rmsnorm", kSum}),
        {"parallel",
         "h = residual + x + x2; y = RMSNorm(h); y2 = RMSNorm2(h)",
         kRms,
         VKN_PLACEMENT_PARALLEL,
         {kX, VKN_ROLE_INPUT_2, kStream, kGamma, VKN_ROLE_GAMMA_2, kSum, kY, VKN_ROLE_OUTPUT_2}},
        with({"qknorm-rope",
              "RMSNorm and RoPE of query and key heads",
              kRms,
              kNone,
              {kX, VKN_ROLE_KEY, kGamma, VKN_ROLE_KEY_GAMMA, kY, VKN_ROLE_KEY_OUTPUT, VKN_ROLE_POSITIONS,
               VKN_ROLE_ROPE_TABLE}},
             &Operation::hasHeads),
        {"swiglu", "y = x * silu(gate)", VKN_OPERATION_GATED_ACTIVATION, kNone, {kX, VKN_ROLE_GATE, kY}},
        with({"gated-rmsnorm", "y = RMSNorm(x * silu(gate))", kRms, kNone, {kX, VKN_ROLE_GATE, kGamma, kY}},
             Apart{"swiglu", "rmsnorm", kY}),
        with({"rmsnorm-int8",
              "RMSNorm with weight, to int8 with a scale a row",
              kRms,
              kNone,
              {kX, kGamma, kY, VKN_ROLE_OUTPUT_SCALE}},
             &Operation::isQuantised),
        with({"groupnorm", "GroupNorm, channels first", VKN_OPERATION_GROUP_NORM, kNone, {kX, kGamma, kBeta, kY}},
             &Operation::hasGroups),
        {"batchnorm",
         "BatchNorm with running statistics",
         VKN_OPERATION_BATCH_NORM,
         kNone,
         {kX, kGamma, kBeta, kY, VKN_ROLE_RUNNING_MEAN, VKN_ROLE_RUNNING_VARIANCE}},
        {"dyt", "tanh(alpha * x) with weight and bias", VKN_OPERATION_DYT, kNone, {kX, kGamma, kBeta, kY}},
        backward("rmsnorm-backward", "dx of RMSNorm", kRms, kNone, {kX, kGamma, kRstd, kDy, kDx}),
        backward("rmsnorm-backward-weights", "dx and dgamma of RMSNorm", kRms, kNone,
                 {kX, kGamma, kRstd, kDy, kDx, kDgamma}),
        backward("layernorm-backward", "dx of LayerNorm", kLayer, kNone, {kX, kGamma, kMean, kRstd, kDy, kDx}),
        backward("layernorm-backward-weights", "dx, dgamma and dbeta of LayerNorm", kLayer, kNone,
                 {kX, kGamma, kMean, kRstd, kDy, kDx, kDgamma, kDbeta}),
        backward("prenorm-add-backward", "dx (and d(residual), the same) of prenorm-add", kRms, VKN_PLACEMENT_PRE_NORM,
                 {kSum, kGamma, kRstd, kDy, kDsum, kDx}),
        backward("prenorm-add-backward-weights", "the same, and dgamma", kRms, VKN_PLACEMENT_PRE_NORM,
                 {kSum, kGamma, kRstd, kDy, kDsum, kDx, kDgamma}),
        // The only plan that adds and does nothing else: mean 0 and variance 1 leave x as it is.
        with({"add",
              "h = residual + x, as BatchNorm in a sandwich",
              VKN_OPERATION_BATCH_NORM,
              VKN_PLACEMENT_SANDWICH,
              {kX, kStream, kSum, VKN_ROLE_RUNNING_MEAN, VKN_ROLE_RUNNING_VARIANCE}},
             &Operation::isPart),
    };
}

constexpr uint64_t kRows[] = {1, 4, 32, 512, 2048, 8192};  // decode, then prefill
constexpr uint32_t kHiddenSizes[] = {64, 128, 256, 896, 1024, 2048, 4096, 5120, 8192, 16384, 65536, 262144};
// Beside those: heads of QK-norm without RoPE, and what others have been measured with.
constexpr Shape kFurtherShapes[] = {{4096, 256}, {16384, 128}, {64, 16384}};
constexpr uint64_t kHeadRows[] = {kHeads, 4 * kHeads, 32 * kHeads, 512 * kHeads};  // of so many tokens
constexpr uint32_t kHeadSizes[] = {64, 128, 256};

bool isOf(VknRole role, std::initializer_list<VknRole> roles) {
    return std::find(roles.begin(), roles.end(), role) != roles.end();
}

}  // namespace

std::string nameOf(const Shape& shape) { return fmt::format("{}x{}", shape.rows, shape.hiddenSize); }

bool Operation::has(VknRole role) const { return std::find(roles.begin(), roles.end(), role) != roles.end(); }

const std::vector<Operation>& allOperations() {
    static const std::vector<Operation> kOperations = makeOperations();
    return kOperations;
}

const Operation& findOperation(const std::string& name) {
    for (const Operation& operation : allOperations()) {
        if (name == operation.name) {
            return operation;
        }
    }
    throw std::out_of_range(fmt::format("no operation '{}'", name));
}

const std::vector<TypeSet>& allTypes() {
    static const std::vector<TypeSet> kTypes = {
        {"fp32", VKN_TYPE_F32, VKN_TYPE_F32, VKN_TYPE_F32},
        {"fp16", VKN_TYPE_F16, VKN_TYPE_F16, VKN_TYPE_F16},
        {"bf16", VKN_TYPE_BF16, VKN_TYPE_BF16, VKN_TYPE_BF16},
        {"bf16+fp32", VKN_TYPE_BF16, VKN_TYPE_F32, VKN_TYPE_F32},
    };
    return kTypes;
}

std::vector<Shape> shapesOf(const Operation& operation) {
    std::vector<Shape> shapes;
    if (operation.hasHeads) {
        for (const uint64_t rows : kHeadRows) {
            for (const uint32_t size : kHeadSizes) {
                shapes.push_back({rows, size});
            }
        }
        return shapes;
    }
    for (const uint64_t rows : kRows) {
        for (const uint32_t size : kHiddenSizes) {
            shapes.push_back({rows, size});
        }
    }
    shapes.insert(shapes.end(), std::begin(kFurtherShapes), std::end(kFurtherShapes));
    return shapes;
}

std::string unsuited(const Operation& operation, const Shape& shape) {
    if (operation.hasHeads && shape.rows % kHeads != 0) {
        return fmt::format("rows {}: must be a multiple of {}, the heads of a token", shape.rows, kHeads);
    }
    if (operation.hasHeads && shape.hiddenSize % 2 != 0) {
        return fmt::format("hidden size {}: must be even, because elements turn in pairs", shape.hiddenSize);
    }
    if (operation.hasGroups && shape.hiddenSize % kChannels != 0) {
        return fmt::format("hidden size {}: must be a multiple of {}, the channels of an image", shape.hiddenSize,
                           kChannels);
    }
    return {};
}

VknType typeOf(const Operation& operation, const TypeSet& types, VknRole role) {
    const vkn::RoleInfo& info = *vkn::findRole(role);
    if (info.type != vkn::kAnyFloat) {
        return info.type;
    }
    if (role == VKN_ROLE_OUTPUT && operation.isQuantised) {
        return VKN_TYPE_I8;
    }
    if (info.extent == vkn::Extent::Parameters) {
        return types.parameter;
    }
    return isOf(role, {kStream, kSum, kDsum, VKN_ROLE_RESIDUAL_GRADIENT}) ? types.stream : types.activation;
}

}  // namespace vknorm::compare
