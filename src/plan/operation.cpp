#include "plan/operation.hpp"

#include "include/interface.h"

#include <initializer_list>

namespace vkn {

static constexpr RoleInfo kRoles[] = {
    {VKN_ROLE_INPUT, "input", Extent::Rows, false, VKN_BINDING_INPUT, kAnyFloat},
    {VKN_ROLE_OUTPUT, "output", Extent::Rows, true, VKN_BINDING_OUTPUT, kAnyFloat},
    {VKN_ROLE_GAMMA, "gamma", Extent::Parameters, false, VKN_BINDING_GAMMA, kAnyFloat},
    {VKN_ROLE_BETA, "beta", Extent::Parameters, false, VKN_BINDING_BETA, kAnyFloat},
    {VKN_ROLE_MEAN, "mean", Extent::Scalars, true, VKN_BINDING_SCALARS, VKN_TYPE_F32},
    {VKN_ROLE_RSTD, "rstd", Extent::Scalars, true, VKN_BINDING_SCALARS, VKN_TYPE_F32},
    {VKN_ROLE_RESIDUAL, "residual", Extent::Rows, false, VKN_BINDING_RESIDUAL, kAnyFloat},
    {VKN_ROLE_RESIDUAL_OUTPUT, "residual-output", Extent::Rows, true, VKN_BINDING_RESIDUAL_OUTPUT, kAnyFloat},
    {VKN_ROLE_INPUT_2, "input2", Extent::Rows, false, VKN_BINDING_INPUT_2, kAnyFloat},
    {VKN_ROLE_OUTPUT_2, "output2", Extent::Rows, true, VKN_BINDING_OUTPUT_2, kAnyFloat},
    {VKN_ROLE_GAMMA_2, "gamma2", Extent::Parameters, false, VKN_BINDING_PARAMETERS, kAnyFloat},
    {VKN_ROLE_BETA_2, "beta2", Extent::Parameters, false, VKN_BINDING_PARAMETERS, kAnyFloat},
    {VKN_ROLE_BRANCH_BIAS, "branch-bias", Extent::Parameters, false, VKN_BINDING_PARAMETERS, kAnyFloat},
    {VKN_ROLE_BRANCH_BIAS_2, "branch-bias2", Extent::Parameters, false, VKN_BINDING_PARAMETERS, kAnyFloat},
    {VKN_ROLE_LAYER_SCALE, "layer-scale", Extent::Parameters, false, VKN_BINDING_PARAMETERS, kAnyFloat},
    {VKN_ROLE_ROW_SCALE, "row-scale", Extent::Scalars, false, VKN_BINDING_SCALARS, VKN_TYPE_F32},
    {VKN_ROLE_MEAN_2, "mean2", Extent::Scalars, true, VKN_BINDING_SCALARS, VKN_TYPE_F32},
    {VKN_ROLE_RSTD_2, "rstd2", Extent::Scalars, true, VKN_BINDING_SCALARS, VKN_TYPE_F32},
    {VKN_ROLE_SEED, "seed", Extent::Seed, false, VKN_BINDING_SCALARS, VKN_TYPE_U32},
    {VKN_ROLE_OUTPUT_SCALE, "output-scale", Extent::Scalars, true, VKN_BINDING_SCALARS, VKN_TYPE_F32},
    {VKN_ROLE_OUTPUT_SCALE_2, "output-scale2", Extent::Scalars, true, VKN_BINDING_SCALARS, VKN_TYPE_F32},
    {VKN_ROLE_STATIC_SCALE, "static-scale", Extent::Single, false, VKN_BINDING_SCALARS, VKN_TYPE_F32},
    {VKN_ROLE_STATIC_SCALE_2, "static-scale2", Extent::Single, false, VKN_BINDING_SCALARS, VKN_TYPE_F32},
    {VKN_ROLE_GATE, "gate", Extent::Rows, false, VKN_BINDING_INPUT_2, kAnyFloat},
    {VKN_ROLE_ROW_INDEX, "row-index", Extent::Scalars, false, VKN_BINDING_SCALARS, VKN_TYPE_U32},
    {VKN_ROLE_POSITIONS, "positions", Extent::Outers, false, VKN_BINDING_SCALARS, VKN_TYPE_U32},
    {VKN_ROLE_ROPE_TABLE, "rope-table", Extent::Table, false, VKN_BINDING_PARAMETERS, VKN_TYPE_U32},
    {VKN_ROLE_COS_SIN, "cos-sin", Extent::Table, false, VKN_BINDING_PARAMETERS, VKN_TYPE_F32},
    {VKN_ROLE_KEY, "key", Extent::Rows, false, VKN_BINDING_INPUT, kAnyFloat},
    {VKN_ROLE_KEY_OUTPUT, "key-output", Extent::Rows, true, VKN_BINDING_OUTPUT, kAnyFloat},
    {VKN_ROLE_KEY_GAMMA, "key-gamma", Extent::Parameters, false, VKN_BINDING_GAMMA, kAnyFloat},
    {VKN_ROLE_RUNNING_MEAN, "running-mean", Extent::Parameters, false, VKN_BINDING_PARAMETERS, VKN_TYPE_F32},
    {VKN_ROLE_RUNNING_VARIANCE, "running-variance", Extent::Parameters, false, VKN_BINDING_PARAMETERS, VKN_TYPE_F32},
    {VKN_ROLE_BATCH_MEAN, "batch-mean", Extent::Parameters, true, VKN_BINDING_SCALARS, VKN_TYPE_F32},
    {VKN_ROLE_BATCH_RSTD, "batch-rstd", Extent::Parameters, true, VKN_BINDING_SCALARS, VKN_TYPE_F32},
    {VKN_ROLE_OUTPUT_GRADIENT, "output-gradient", Extent::Rows, false, VKN_BINDING_OUTPUT_GRADIENT, kAnyFloat},
    {VKN_ROLE_OUTPUT_2_GRADIENT, "output2-gradient", Extent::Rows, false, VKN_BINDING_OUTPUT_2_GRADIENT, kAnyFloat},
    {VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT, "residual-output-gradient", Extent::Rows, false,
     VKN_BINDING_RESIDUAL_OUTPUT_GRADIENT, kAnyFloat},
    {VKN_ROLE_INPUT_GRADIENT, "input-gradient", Extent::Rows, true, VKN_BINDING_INPUT_GRADIENT, kAnyFloat},
    {VKN_ROLE_INPUT_2_GRADIENT, "input2-gradient", Extent::Rows, true, VKN_BINDING_INPUT_2_GRADIENT, kAnyFloat},
    {VKN_ROLE_RESIDUAL_GRADIENT, "residual-gradient", Extent::Rows, true, VKN_BINDING_RESIDUAL_GRADIENT, kAnyFloat},
    {VKN_ROLE_GATE_GRADIENT, "gate-gradient", Extent::Rows, true, VKN_BINDING_INPUT_2_GRADIENT, kAnyFloat},
    {VKN_ROLE_GAMMA_GRADIENT, "gamma-gradient", Extent::Parameters, true, VKN_BINDING_COUNT, kAnyFloat},
    {VKN_ROLE_BETA_GRADIENT, "beta-gradient", Extent::Parameters, true, VKN_BINDING_COUNT, kAnyFloat},
    {VKN_ROLE_GAMMA_2_GRADIENT, "gamma2-gradient", Extent::Parameters, true, VKN_BINDING_COUNT, kAnyFloat},
    {VKN_ROLE_BETA_2_GRADIENT, "beta2-gradient", Extent::Parameters, true, VKN_BINDING_COUNT, kAnyFloat},
    {VKN_ROLE_BRANCH_BIAS_GRADIENT, "branch-bias-gradient", Extent::Parameters, true, VKN_BINDING_COUNT, kAnyFloat},
    {VKN_ROLE_BRANCH_BIAS_2_GRADIENT, "branch-bias2-gradient", Extent::Parameters, true, VKN_BINDING_COUNT, kAnyFloat},
    {VKN_ROLE_LAYER_SCALE_GRADIENT, "layer-scale-gradient", Extent::Parameters, true, VKN_BINDING_COUNT, kAnyFloat},
    {VKN_ROLE_ALPHA_GRADIENT, "alpha-gradient", Extent::Single, true, VKN_BINDING_COUNT, VKN_TYPE_F32},
};
static_assert(VKN_ROLE_ALPHA_GRADIENT == VKN_OPERAND_ALPHA_GRADIENT && VKN_OPERAND_COUNT == kRoleCount);

static constexpr RoleSet rolesOf(std::initializer_list<VknRole> roles) {
    RoleSet bits = 0;
    for (const VknRole role : roles) {
        bits |= roleBit(role);
    }
    return bits;
}

static constexpr RoleSet kMeans = rolesOf({VKN_ROLE_MEAN, VKN_ROLE_MEAN_2});
static constexpr RoleSet kStatistics = kMeans | rolesOf({VKN_ROLE_RSTD, VKN_ROLE_RSTD_2});
static constexpr RoleSet kWeights = rolesOf({VKN_ROLE_GAMMA, VKN_ROLE_BETA});
static constexpr RoleSet kGate = rolesOf({VKN_ROLE_GATE});

static constexpr RoleSet kRunning = rolesOf({VKN_ROLE_RUNNING_MEAN, VKN_ROLE_RUNNING_VARIANCE});
static constexpr RoleSet kOfBatch = rolesOf({VKN_ROLE_BATCH_MEAN, VKN_ROLE_BATCH_RSTD});

static constexpr OperationInfo kOperations[] = {
    {VKN_OPERATION_RMS_NORM, "RMSNorm", true, 0, kMeans},
    {VKN_OPERATION_LAYER_NORM, "LayerNorm", true, 0, 0},
    {VKN_OPERATION_DYT, "DyT", false, 0, kStatistics | kGate},
    {VKN_OPERATION_GATED_ACTIVATION, "gated activation", false, kGate, kStatistics | kWeights},
    {VKN_OPERATION_GROUP_NORM, "GroupNorm", true, 0, kGate},
    {VKN_OPERATION_BATCH_NORM, "BatchNorm", false, 0, kStatistics | kGate},
};

static constexpr RoleSet kNorm = rolesOf({VKN_ROLE_GAMMA, VKN_ROLE_BETA, VKN_ROLE_MEAN, VKN_ROLE_RSTD});
static constexpr RoleSet kBranch = rolesOf({VKN_ROLE_BRANCH_BIAS, VKN_ROLE_LAYER_SCALE, VKN_ROLE_ROW_SCALE});
static constexpr RoleSet kWeights2 = rolesOf({VKN_ROLE_GAMMA_2, VKN_ROLE_BETA_2});

// Of the backward. What some gradients need beside them is in gradientRoles().
static constexpr RoleSet kNormBackward = rolesOf({VKN_ROLE_GAMMA, VKN_ROLE_MEAN, VKN_ROLE_RSTD, VKN_ROLE_GAMMA_GRADIENT,
                                                  VKN_ROLE_BETA_GRADIENT, VKN_ROLE_ALPHA_GRADIENT});
static constexpr RoleSet kNorm2Backward =
    rolesOf({VKN_ROLE_GAMMA_2, VKN_ROLE_GAMMA_2_GRADIENT, VKN_ROLE_BETA_2_GRADIENT});
static constexpr RoleSet kBranchBackward =
    rolesOf({VKN_ROLE_RESIDUAL_GRADIENT, VKN_ROLE_LAYER_SCALE, VKN_ROLE_ROW_SCALE, VKN_ROLE_BRANCH_BIAS_GRADIENT,
             VKN_ROLE_LAYER_SCALE_GRADIENT});
static constexpr RoleSet kStreamGradient = rolesOf({VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT});

static constexpr PlacementInfo kPlacements[] = {
    {VKN_PLACEMENT_NONE,
     "",
     {rolesOf({VKN_ROLE_INPUT, VKN_ROLE_OUTPUT}), kNorm | kGate, VKN_ROLE_INPUT, VKN_ROLE_OUTPUT},
     {rolesOf({VKN_ROLE_INPUT, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT}), kNormBackward | kGate,
      VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT}},
    {VKN_PLACEMENT_PRE_NORM,
     "pre-norm add",
     {rolesOf({VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT}), kNorm | kBranch,
      VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT},
     {rolesOf({VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT}),
      kNormBackward | kBranchBackward | kStreamGradient, VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT,
      VKN_ROLE_RESIDUAL_GRADIENT}},
    {VKN_PLACEMENT_POST_NORM,
     "post-norm",
     {rolesOf({VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL, VKN_ROLE_OUTPUT}), kNorm | kBranch, VKN_ROLE_RESIDUAL,
      VKN_ROLE_OUTPUT},
     {rolesOf({VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT}),
      kNormBackward | kBranchBackward, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_RESIDUAL_GRADIENT}},
    {VKN_PLACEMENT_SANDWICH,
     "sandwich",
     {rolesOf({VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT}), kNorm | kBranch, VKN_ROLE_RESIDUAL,
      VKN_ROLE_RESIDUAL_OUTPUT},
     {rolesOf({VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT}),
      kNormBackward | kBranchBackward, VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT, VKN_ROLE_RESIDUAL_GRADIENT}},
    {VKN_PLACEMENT_SANDWICH_PRE_NORM,
     "sandwich, pre-norm",
     {rolesOf({VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT}),
      kNorm | kBranch | kWeights2 | rolesOf({VKN_ROLE_MEAN_2, VKN_ROLE_RSTD_2}), VKN_ROLE_RESIDUAL,
      VKN_ROLE_RESIDUAL_OUTPUT},
     {rolesOf({VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT}),
      kNormBackward | kNorm2Backward | kBranchBackward | kStreamGradient | rolesOf({VKN_ROLE_MEAN_2, VKN_ROLE_RSTD_2}),
      VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT, VKN_ROLE_RESIDUAL_GRADIENT}},
    {VKN_PLACEMENT_PARALLEL,
     "parallel",
     {rolesOf({VKN_ROLE_INPUT, VKN_ROLE_INPUT_2, VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT,
               VKN_ROLE_OUTPUT_2}),
      kNorm | kBranch | kWeights2 | rolesOf({VKN_ROLE_BRANCH_BIAS_2}), VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT},
     {rolesOf({VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_OUTPUT_2_GRADIENT, VKN_ROLE_INPUT_GRADIENT,
               VKN_ROLE_INPUT_2_GRADIENT}),
      kNormBackward | kNorm2Backward | kBranchBackward | kStreamGradient | rolesOf({VKN_ROLE_BRANCH_BIAS_2_GRADIENT}),
      VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT, VKN_ROLE_RESIDUAL_GRADIENT}},
};

static constexpr bool areRolesInOrder() {
    uint32_t number = 0;
    for (const RoleInfo& info : kRoles) {
        if (static_cast<uint32_t>(info.role) != ++number) {
            return false;
        }
    }
    return number + 1 == kRoleCount;
}

const RoleInfo* findRole(VknRole role) {
    static_assert(areRolesInOrder(), "recording looks roles up many times, so each is at its number");
    const auto number = static_cast<uint32_t>(role);
    return number != 0 && number < kRoleCount ? &kRoles[number - 1] : nullptr;
}

const OperationInfo* findOperation(VknOperation operation) {
    for (const OperationInfo& info : kOperations) {
        if (info.operation == operation) {
            return &info;
        }
    }
    return nullptr;
}

const PlacementInfo* findPlacement(VknPlacement placement) {
    for (const PlacementInfo& info : kPlacements) {
        if (info.placement == placement) {
            return &info;
        }
    }
    return nullptr;
}

bool RoleInfo::hasSlot() const { return slot != VKN_BINDING_COUNT; }

bool isParameterGradient(VknRole role) { return role >= VKN_ROLE_GAMMA_GRADIENT && role <= VKN_ROLE_ALPHA_GRADIENT; }

const DirectionInfo& OperationSpec::direction() const {
    const PlacementInfo& info = *findPlacement(static_cast<VknPlacement>(placement));
    return isBackward() ? info.backward : info.forward;
}

VknRole OperationSpec::standIn(VknRole role) const {
    const DirectionInfo& info = direction();
    if (isSet(VKN_PLAN_IN_PLACE_BIT) && role == VKN_ROLE_KEY) {
        return VKN_ROLE_KEY_OUTPUT;
    }
    return isSet(VKN_PLAN_IN_PLACE_BIT) && role == info.readInPlace ? info.writtenInPlace : role;
}

uint32_t elementSize(VknType type) {
    switch (type) {
        case VKN_TYPE_F32:
        case VKN_TYPE_U32:
            return 4;
        case VKN_TYPE_F16:
        case VKN_TYPE_BF16:
            return 2;
        case VKN_TYPE_I8:
        case VKN_TYPE_F8_E4M3:
        case VKN_TYPE_F8_E5M2:
            return 1;
        default:
            return 0;
    }
}

const char* typeName(VknType type) {
    switch (type) {
        case VKN_TYPE_F32:
            return "fp32";
        case VKN_TYPE_F16:
            return "fp16";
        case VKN_TYPE_BF16:
            return "bf16";
        case VKN_TYPE_I8:
            return "int8";
        case VKN_TYPE_F8_E4M3:
            return "e4m3";
        case VKN_TYPE_F8_E5M2:
            return "e5m2";
        case VKN_TYPE_U32:
            return "u32";
        default:
            return "unknown";
    }
}

bool isQuantised(VknType type) { return elementSize(type) == 1; }

bool OperationSpec::isQuantised(VknRole role) const { return has(role) && vkn::isQuantised(type(role)); }

bool OperationSpec::writes(const RoleInfo& role) const {
    if (isBackward()) {  // what the forward has written is read
        return role.isWritten && role.role >= VKN_ROLE_OUTPUT_GRADIENT;
    }
    return role.isWritten || (isTraining() && (kRunning & roleBit(role.role)) != 0);
}

// Words at the edges of rows and of parameters' gradients are merged, so those tensors are read as well.
bool OperationSpec::reads(const RoleInfo& role) const {
    return !writes(role) || role.extent == Extent::Rows || isParameterGradient(role.role) || !role.isWritten ||
           (kOfBatch & roleBit(role.role)) != 0;
}

bool OperationSpec::takesStatistics() const {
    return findOperation(static_cast<VknOperation>(operation))->takesStatistics;
}

bool OperationSpec::measuresOutput() const {
    return quantization != VKN_QUANTIZATION_STATIC && (isQuantised(VKN_ROLE_OUTPUT) || isQuantised(VKN_ROLE_OUTPUT_2));
}

// The roles that go with quantised outputs.
static RoleSet scaleRoles(const OperationSpec& spec, VknRole scale, VknRole scale2) {
    return (spec.isQuantised(VKN_ROLE_OUTPUT) ? roleBit(scale) : RoleSet{0}) |
           (spec.isQuantised(VKN_ROLE_OUTPUT_2) ? roleBit(scale2) : RoleSet{0});
}

// The roles of RoPE, and of keys that go with queries.
static RoleSet ropeRoles(const OperationSpec& spec) {
    if (!spec.hasRope()) {
        return 0;
    }
    const VknRole angles = spec.has(VKN_ROLE_COS_SIN) ? VKN_ROLE_COS_SIN : VKN_ROLE_ROPE_TABLE;
    return rolesOf({VKN_ROLE_POSITIONS, angles});
}

static RoleSet keyRoles(const OperationSpec& spec) {
    if (spec.queryRows == 0) {
        return 0;
    }
    return roleBit(VKN_ROLE_KEY_OUTPUT) | (spec.isSet(VKN_PLAN_IN_PLACE_BIT) ? RoleSet{0} : roleBit(VKN_ROLE_KEY)) |
           (spec.has(VKN_ROLE_GAMMA) ? roleBit(VKN_ROLE_KEY_GAMMA) : RoleSet{0});
}

// BatchNorm's statistics: with training they are the batch's, and the running ones come both or not at all.
static RoleSet batchRoles(const OperationSpec& spec) {
    if (spec.operation != VKN_OPERATION_BATCH_NORM) {
        return 0;
    }
    const bool needsRunning = !spec.isTraining() || (!spec.isBackward() && (spec.roles & kRunning) != 0);
    return (spec.isTraining() ? kOfBatch : RoleSet{0}) | (needsRunning ? kRunning : RoleSet{0});
}

// What the gradients of some operands need beside the others, and where statistics come in pairs.
static RoleSet gradientRoles(const OperationSpec& spec) {
    if (!spec.isBackward()) {
        return 0;
    }
    const auto when = [](bool condition, std::initializer_list<VknRole> roles) {
        return condition ? rolesOf(roles) : RoleSet{0};
    };
    const bool isLayerNorm = spec.operation == VKN_OPERATION_LAYER_NORM || spec.operation == VKN_OPERATION_GROUP_NORM;
    const bool needsBranch = spec.has(VKN_ROLE_LAYER_SCALE_GRADIENT);
    return when(spec.has(VKN_ROLE_GATE), {VKN_ROLE_GATE_GRADIENT}) |
           when(spec.isSet(VKN_PLAN_IN_PLACE_BIT), {spec.direction().writtenInPlace}) |
           when(needsBranch, {VKN_ROLE_INPUT}) |
           when(needsBranch && spec.placement == VKN_PLACEMENT_PARALLEL, {VKN_ROLE_INPUT_2}) |
           when(spec.has(VKN_ROLE_MEAN), {VKN_ROLE_RSTD}) | when(spec.has(VKN_ROLE_MEAN_2), {VKN_ROLE_RSTD_2}) |
           when(isLayerNorm && spec.has(VKN_ROLE_RSTD), {VKN_ROLE_MEAN}) |
           when(isLayerNorm && spec.has(VKN_ROLE_RSTD_2), {VKN_ROLE_MEAN_2});
}

// What the backward may have because of others that it has.
static RoleSet optionalGradientRoles(const OperationSpec& spec) {
    if (!spec.isBackward()) {
        return 0;
    }
    const auto when = [](bool condition, std::initializer_list<VknRole> roles) {
        return condition ? rolesOf(roles) : RoleSet{0};
    };
    const bool isBlock = spec.placement != VKN_PLACEMENT_NONE;
    const bool valueCounts = (spec.hasNormOnBranch() && spec.has(VKN_ROLE_LAYER_SCALE_GRADIENT)) ||
                             (spec.has(VKN_ROLE_GATE) && spec.normFirst != 0);
    return when(isBlock && spec.has(VKN_ROLE_INPUT), {VKN_ROLE_BRANCH_BIAS}) |
           when(spec.has(VKN_ROLE_INPUT_2), {VKN_ROLE_BRANCH_BIAS_2}) | when(valueCounts, {VKN_ROLE_BETA});
}

// What only some operations and options do not have in the backward.
static RoleSet rolesWithoutBackward(const OperationSpec& spec) {
    constexpr RoleSet kWeightGradients = rolesOf({VKN_ROLE_GAMMA_GRADIENT, VKN_ROLE_BETA_GRADIENT});
    RoleSet roles = 0;
    if (spec.isBackward() && spec.isSet(VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT)) {
        roles |= kStatistics;
    }
    if (spec.operation != VKN_OPERATION_DYT) {
        roles |= roleBit(VKN_ROLE_ALPHA_GRADIENT);
    }
    return spec.operation == VKN_OPERATION_GATED_ACTIVATION ? roles | kWeightGradients : roles;
}

RoleSet requiredRoles(const OperationSpec& spec) {
    const OperationInfo& operation = *findOperation(static_cast<VknOperation>(spec.operation));
    const DirectionInfo& direction = spec.direction();
    const RoleSet scales =
        spec.measuresOutput() ? scaleRoles(spec, VKN_ROLE_OUTPUT_SCALE, VKN_ROLE_OUTPUT_SCALE_2) : RoleSet{0};
    const RoleSet readInPlace = spec.isSet(VKN_PLAN_IN_PLACE_BIT) ? roleBit(direction.readInPlace) : RoleSet{0};
    return ((direction.requiredRoles | gradientRoles(spec)) & ~readInPlace) | operation.requiredRoles | scales |
           ropeRoles(spec) | keyRoles(spec) | batchRoles(spec);
}

RoleSet optionalRoles(const OperationSpec& spec) {
    const OperationInfo& operation = *findOperation(static_cast<VknOperation>(spec.operation));
    const DirectionInfo& direction = spec.direction();
    const RoleSet scales =
        spec.measuresOutput() ? RoleSet{0} : scaleRoles(spec, VKN_ROLE_STATIC_SCALE, VKN_ROLE_STATIC_SCALE_2);
    constexpr RoleSet kNotWithKeys = rolesOf({VKN_ROLE_BETA, VKN_ROLE_GATE, VKN_ROLE_ROW_INDEX});
    constexpr RoleSet kNotWithRope = rolesOf({VKN_ROLE_GATE});
    const bool mayGather = spec.has(VKN_ROLE_INPUT) && spec.operation != VKN_OPERATION_GROUP_NORM &&
                           !spec.isTraining() && !spec.isBackward();
    const RoleSet readInPlace = spec.isSet(VKN_PLAN_IN_PLACE_BIT) ? roleBit(direction.readInPlace) : RoleSet{0};
    const RoleSet roles = (direction.optionalRoles & ~operation.excludedRoles & ~readInPlace) | scales |
                          optionalGradientRoles(spec) | (spec.hasDropout() ? roleBit(VKN_ROLE_SEED) : RoleSet{0}) |
                          (mayGather ? roleBit(VKN_ROLE_ROW_INDEX) : RoleSet{0});
    return roles & ~rolesWithoutBackward(spec) & ~(spec.queryRows != 0 ? kNotWithKeys : RoleSet{0}) &
           ~(spec.hasRope() ? kNotWithRope : RoleSet{0});
}

VknRole queryRoleOf(VknRole role) {
    switch (role) {
        case VKN_ROLE_KEY:
            return VKN_ROLE_INPUT;
        case VKN_ROLE_KEY_OUTPUT:
            return VKN_ROLE_OUTPUT;
        case VKN_ROLE_KEY_GAMMA:
            return VKN_ROLE_GAMMA;
        default:
            return role;
    }
}

// Gamma and beta may have several rows.
static uint32_t parameterRowsOf(VknRole role, const OperationSpec& spec) {
    constexpr RoleSet kOfNorms = kWeights | kWeights2 |
                                 rolesOf({VKN_ROLE_KEY_GAMMA, VKN_ROLE_GAMMA_GRADIENT, VKN_ROLE_BETA_GRADIENT,
                                          VKN_ROLE_GAMMA_2_GRADIENT, VKN_ROLE_BETA_2_GRADIENT});
    if (spec.parameterRows == 1 || (kOfNorms & roleBit(role)) == 0) {
        return 1;
    }
    if (spec.queryRows == 0) {
        return spec.parameterRows;
    }
    return role == VKN_ROLE_KEY_GAMMA ? spec.parameterRows - spec.queryRows : spec.queryRows;
}

static bool isOutputScale(VknRole role) { return role == VKN_ROLE_OUTPUT_SCALE || role == VKN_ROLE_OUTPUT_SCALE_2; }

uint64_t rowElements(const RoleInfo& role, const OperationSpec& spec) {
    switch (role.extent) {
        case Extent::Scalars:
            return isOutputScale(role.role) && spec.blockSize != 0
                       ? (spec.kernelRowSize() + spec.blockSize - 1) / spec.blockSize
                       : 1;
        case Extent::Single:
        case Extent::Outers:
            return 1;
        case Extent::Table:  // of COS_SIN, a row
            return spec.ropeAngles == VKN_ROPE_ANGLES_FP32_PRODUCT ? spec.rotarySize / 2 : spec.rotarySize;
        case Extent::Seed:
            return 2;
        case Extent::Parameters:
            return spec.channels != 0 ? spec.channels : uint64_t{parameterRowsOf(role.role, spec)} * spec.hiddenSize;
        default:
            return spec.hiddenSize;
    }
}

// A row is the query's or the key's, so what the key has counts as the query's.
static uint64_t bytesOf(const OperationSpec& spec, bool perRow) {
    uint64_t bytes = 0;
    for (const RoleInfo& role : kRoles) {
        const bool isCounted = queryRoleOf(role.role) == role.role || !role.isPerRow();
        if (spec.has(role.role) && role.isPerRow() == perRow && isCounted) {
            const uint32_t perGroup = role.extent == Extent::Scalars ? spec.groups : 1;
            const bool isAddedTo = spec.isSet(VKN_PLAN_ACCUMULATE_BIT) && isParameterGradient(role.role);
            const uint32_t accesses =
                isAddedTo || (spec.writes(role) && !role.isWritten) ? 2 : 1;  // brought up to date
            bytes += rowElements(role, spec) * perGroup * accesses * elementSize(spec.type(role.role));
        }
    }
    return bytes;
}

uint64_t leastBytesPerRow(const OperationSpec& spec) {
    const uint64_t readInPlace = uint64_t{spec.hiddenSize} * elementSize(spec.type(spec.direction().writtenInPlace));
    return bytesOf(spec, true) + (spec.isSet(VKN_PLAN_IN_PLACE_BIT) ? readInPlace : 0);
}

uint64_t parameterBytes(const OperationSpec& spec) { return bytesOf(spec, false); }

}  // namespace vkn
