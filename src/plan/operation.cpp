#include "plan/operation.hpp"

#include "base/error.hpp"
#include "base/float_bits.hpp"
#include "include/interface.h"

#include <cstdio>
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
};
static_assert(VKN_ROLE_KEY_GAMMA == VKN_OPERAND_KEY_GAMMA && VKN_OPERAND_COUNT == kRoleCount);

static constexpr uint32_t rolesOf(std::initializer_list<VknRole> roles) {
    uint32_t bits = 0;
    for (const VknRole role : roles) {
        bits |= roleBit(role);
    }
    return bits;
}

static constexpr uint32_t kMeans = rolesOf({VKN_ROLE_MEAN, VKN_ROLE_MEAN_2});
static constexpr uint32_t kStatistics = kMeans | rolesOf({VKN_ROLE_RSTD, VKN_ROLE_RSTD_2});
static constexpr uint32_t kWeights = rolesOf({VKN_ROLE_GAMMA, VKN_ROLE_BETA});
static constexpr uint32_t kGate = rolesOf({VKN_ROLE_GATE});

static constexpr OperationInfo kOperations[] = {
    {VKN_OPERATION_RMS_NORM, "RMSNorm", true, 0, kMeans},
    {VKN_OPERATION_LAYER_NORM, "LayerNorm", true, 0, 0},
    {VKN_OPERATION_DYT, "DyT", false, 0, kStatistics | kGate},
    {VKN_OPERATION_GATED_ACTIVATION, "gated activation", false, kGate, kStatistics | kWeights},
    {VKN_OPERATION_GROUP_NORM, "GroupNorm", true, 0, kGate},
};

static constexpr uint32_t kNorm = rolesOf({VKN_ROLE_GAMMA, VKN_ROLE_BETA, VKN_ROLE_MEAN, VKN_ROLE_RSTD});
static constexpr uint32_t kBranch = rolesOf({VKN_ROLE_BRANCH_BIAS, VKN_ROLE_LAYER_SCALE, VKN_ROLE_ROW_SCALE});
static constexpr uint32_t kWeights2 = rolesOf({VKN_ROLE_GAMMA_2, VKN_ROLE_BETA_2});

static constexpr PlacementInfo kPlacements[] = {
    {VKN_PLACEMENT_NONE, "", rolesOf({VKN_ROLE_INPUT, VKN_ROLE_OUTPUT}), kNorm | kGate, VKN_ROLE_INPUT,
     VKN_ROLE_OUTPUT},
    {VKN_PLACEMENT_PRE_NORM, "pre-norm add",
     rolesOf({VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT}), kNorm | kBranch,
     VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT},
    {VKN_PLACEMENT_POST_NORM, "post-norm", rolesOf({VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL, VKN_ROLE_OUTPUT}),
     kNorm | kBranch, VKN_ROLE_RESIDUAL, VKN_ROLE_OUTPUT},
    {VKN_PLACEMENT_SANDWICH, "sandwich", rolesOf({VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT}),
     kNorm | kBranch, VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT},
    {VKN_PLACEMENT_SANDWICH_PRE_NORM, "sandwich, pre-norm",
     rolesOf({VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT}),
     kNorm | kBranch | kWeights2 | rolesOf({VKN_ROLE_MEAN_2, VKN_ROLE_RSTD_2}), VKN_ROLE_RESIDUAL,
     VKN_ROLE_RESIDUAL_OUTPUT},
    {VKN_PLACEMENT_PARALLEL, "parallel",
     rolesOf({VKN_ROLE_INPUT, VKN_ROLE_INPUT_2, VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT,
              VKN_ROLE_OUTPUT_2}),
     kNorm | kBranch | kWeights2 | rolesOf({VKN_ROLE_BRANCH_BIAS_2}), VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT},
};

static constexpr uint32_t kAllFlags =
    VKN_PLAN_IN_PLACE_BIT | VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT | VKN_PLAN_EARLY_CAST_BIT | VKN_PLAN_GPU_ROWS_BIT;

const RoleInfo* findRole(VknRole role) {
    for (const RoleInfo& info : kRoles) {
        if (info.role == role) {
            return &info;
        }
    }
    return nullptr;
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

VknRole OperationSpec::standIn(VknRole role) const {
    const PlacementInfo& info = *findPlacement(static_cast<VknPlacement>(placement));
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

// By bits, because the library may be compiled with -ffast-math by its host.
static bool isFinite(float value) { return (bitsOf(value) & 0x7F800000u) != 0x7F800000u; }

static bool isNegative(float value) { return (bitsOf(value) & 0x80000000u) != 0 && (bitsOf(value) & 0x7FFFFFFFu) != 0; }

static bool isQuantised(VknType type) { return elementSize(type) == 1; }

static bool isQuantised(const OperationSpec& spec, VknRole role) {
    return spec.has(role) && isQuantised(spec.type(role));
}

bool OperationSpec::takesStatistics() const {
    return findOperation(static_cast<VknOperation>(operation))->takesStatistics;
}

bool OperationSpec::measuresOutput() const {
    return quantization != VKN_QUANTIZATION_STATIC &&
           (isQuantised(*this, VKN_ROLE_OUTPUT) || isQuantised(*this, VKN_ROLE_OUTPUT_2));
}

// The roles that go with quantised outputs.
static uint32_t scaleRoles(const OperationSpec& spec, VknRole scale, VknRole scale2) {
    return (isQuantised(spec, VKN_ROLE_OUTPUT) ? roleBit(scale) : 0u) |
           (isQuantised(spec, VKN_ROLE_OUTPUT_2) ? roleBit(scale2) : 0u);
}

// The roles of RoPE, and of keys that go with queries.
static uint32_t ropeRoles(const OperationSpec& spec) {
    if (!spec.hasRope()) {
        return 0;
    }
    const VknRole angles = spec.has(VKN_ROLE_COS_SIN) ? VKN_ROLE_COS_SIN : VKN_ROLE_ROPE_TABLE;
    return rolesOf({VKN_ROLE_POSITIONS, angles});
}

static uint32_t keyRoles(const OperationSpec& spec) {
    if (spec.queryRows == 0) {
        return 0;
    }
    return roleBit(VKN_ROLE_KEY_OUTPUT) | (spec.isSet(VKN_PLAN_IN_PLACE_BIT) ? 0u : roleBit(VKN_ROLE_KEY)) |
           (spec.has(VKN_ROLE_GAMMA) ? roleBit(VKN_ROLE_KEY_GAMMA) : 0u);
}

// The roles that a plan must and may have, with its flags and types.
static uint32_t requiredRoles(const OperationSpec& spec, const OperationInfo& operation,
                              const PlacementInfo& placement) {
    const uint32_t scales =
        spec.measuresOutput() ? scaleRoles(spec, VKN_ROLE_OUTPUT_SCALE, VKN_ROLE_OUTPUT_SCALE_2) : 0u;
    const uint32_t readInPlace = spec.isSet(VKN_PLAN_IN_PLACE_BIT) ? roleBit(placement.readInPlace) : 0u;
    return (placement.requiredRoles & ~readInPlace) | operation.requiredRoles | scales | ropeRoles(spec) |
           keyRoles(spec);
}

static uint32_t optionalRoles(const OperationSpec& spec, const OperationInfo& operation,
                              const PlacementInfo& placement) {
    const uint32_t scales =
        spec.measuresOutput() ? 0u : scaleRoles(spec, VKN_ROLE_STATIC_SCALE, VKN_ROLE_STATIC_SCALE_2);
    constexpr uint32_t kNotWithKeys = rolesOf({VKN_ROLE_BETA, VKN_ROLE_GATE, VKN_ROLE_ROW_INDEX});
    constexpr uint32_t kNotWithRope = rolesOf({VKN_ROLE_GATE});
    const bool mayGather = spec.has(VKN_ROLE_INPUT) && spec.operation != VKN_OPERATION_GROUP_NORM;
    const uint32_t roles = (placement.optionalRoles & ~operation.excludedRoles) | scales |
                           (spec.hasDropout() ? roleBit(VKN_ROLE_SEED) : 0u) |
                           (mayGather ? roleBit(VKN_ROLE_ROW_INDEX) : 0u);
    return roles & ~(spec.queryRows != 0 ? kNotWithKeys : 0u) & ~(spec.hasRope() ? kNotWithRope : 0u);
}

static VknResult checkFinite(const char* field, float value, VknError* error) {
    return isFinite(value) ? VKN_SUCCESS
                           : fail(error, VKN_ERROR_INVALID_ARGUMENT, field, bitsOf(value), 0,
                                  "(the bits of the float) must be finite");
}

static VknResult checkBlock(const OperationSpec& spec, VknError* error) {
    VknResult result = checkFinite("residualScale", spec.residualScale, error);
    if (result == VKN_SUCCESS) {
        result = checkFinite("branchScale", spec.branchScale, error);
    }
    constexpr uint32_t kOne = 0x3F800000u;  // floats that are not negative compare as their bits
    const float p = spec.dropoutProbability;
    if (result == VKN_SUCCESS && (isNegative(p) || (bitsOf(p) & 0x7FFFFFFFu) >= kOne)) {
        result = fail(error, VKN_ERROR_INVALID_ARGUMENT, "dropoutProbability", bitsOf(p), kOne,
                      "(the bits of the float) must be at least 0 and below 1");
    }
    if (result == VKN_SUCCESS && spec.hasDropout() && spec.placement == VKN_PLACEMENT_NONE) {
        result = fail(error, VKN_ERROR_INVALID_ARGUMENT, "dropoutProbability", bitsOf(p), 0,
                      "(the bits of the float) must be 0 where there is no residual");
    }
    return result;
}

static VknResult checkScale(const char* field, float scale, VknError* error) {
    constexpr uint32_t kLeast = 0x00800000u;  // 2^-126
    constexpr uint32_t kMost = 0x7E800000u;   // 2^126, whose inverse is normal as well
    const uint32_t bits = bitsOf(scale);
    return bits >= kLeast && bits <= kMost ? VKN_SUCCESS
                                           : fail(error, VKN_ERROR_INVALID_ARGUMENT, field, bits, kMost,
                                                  "(the bits of the float) must be positive, from 2^-126 to 2^126");
}

static VknResult checkQuantization(const OperationSpec& spec, VknError* error) {
    if (spec.quantization > VKN_QUANTIZATION_PER_BLOCK) {
        return failArgument(error, "quantization", spec.quantization, VKN_QUANTIZATION_PER_BLOCK,
                            "is no VknQuantization");
    }
    const bool isPerBlock = spec.quantization == VKN_QUANTIZATION_PER_BLOCK;
    const bool isBlockSize = spec.blockSize == 32 || spec.blockSize == 64 || spec.blockSize == 128;
    if (isPerBlock ? !isBlockSize : spec.blockSize != 0) {
        return failArgument(error, "blockSize", spec.blockSize, isPerBlock ? 128 : 0,
                            "must be 32, 64 or 128 for PER_BLOCK, and otherwise 0");
    }
    const uint32_t largest = bitsOf(spec.largestValue);
    if (largest != 0 && (!isFinite(spec.largestValue) || isNegative(spec.largestValue) || largest < 0x00800000u)) {
        return fail(error, VKN_ERROR_INVALID_ARGUMENT, "largestValue", largest, 0x7F7FFFFFu,
                    "(the bits of the float) must be 0, or positive, normal and finite");
    }
    const VknResult result = checkScale("scale", spec.outputScale, error);
    return result == VKN_SUCCESS ? checkScale("scale2", spec.outputScale2, error) : result;
}

// What only some operations have.
static VknResult checkOwnFields(const OperationSpec& spec, VknError* error) {
    constexpr uint32_t kMostParameterRows = 1u << 24;
    const bool standsAlone =
        spec.operation == VKN_OPERATION_GATED_ACTIVATION || spec.operation == VKN_OPERATION_GROUP_NORM;
    if (standsAlone && spec.placement != VKN_PLACEMENT_NONE) {
        return fail(error, VKN_ERROR_INVALID_ARGUMENT, "placement", spec.placement, VKN_PLACEMENT_NONE,
                    "%s has no residual", findOperation(static_cast<VknOperation>(spec.operation))->name);
    }
    if (spec.operation == VKN_OPERATION_GATED_ACTIVATION && spec.isSet(VKN_PLAN_EARLY_CAST_BIT)) {
        return failArgument(error, "flags", spec.flags, 0,
                            "a gated activation has no weight that an early cast precedes");
    }
    if (spec.activation > VKN_ACTIVATION_SIGMOID) {
        return failArgument(error, "activation", spec.activation, VKN_ACTIVATION_SIGMOID, "is no VknActivation");
    }
    if (spec.normFirst != 0 && !spec.takesStatistics()) {
        return failArgument(error, "normFirst", spec.normFirst, 0, "must be VK_FALSE where there is no norm");
    }
    if (spec.parameterRows == 0 || spec.parameterRows > kMostParameterRows) {
        return failArgument(error, "parameterRows", spec.parameterRows, kMostParameterRows, "must be 1 to 16777216");
    }
    return checkFinite("alpha", spec.alpha, error);
}

static VknResult checkGroups(const OperationSpec& spec, VknError* error) {
    if (spec.operation != VKN_OPERATION_GROUP_NORM) {
        return spec.groups == 1 && spec.channelsLast == 0 && spec.channels == 0
                   ? VKN_SUCCESS
                   : failArgument(error, "groups", spec.groups, 1, "only GROUP_NORM has groups of channels");
    }
    if (spec.channels == 0 || spec.hiddenSize % spec.channels != 0) {
        return failArgument(error, "channels", spec.channels, spec.hiddenSize,
                            "hiddenSize must be a multiple of it, and it must not be 0");
    }
    if (spec.groups == 0 || spec.channels % spec.groups != 0) {
        return failArgument(error, "groups", spec.groups, spec.channels,
                            "channels must be a multiple of it, and it must not be 0");
    }
    if (spec.parameterRows != 1) {
        return failArgument(error, "parameterRows", spec.parameterRows, 1, "must be 1: gamma and beta are of channels");
    }
    if (spec.hasRope()) {
        return failArgument(error, "rotarySize", spec.rotarySize, 0, "must be 0: channels do not turn");
    }
    if (spec.quantization != VKN_QUANTIZATION_STATIC) {
        return failArgument(error, "quantization", spec.quantization, VKN_QUANTIZATION_STATIC,
                            "must be STATIC for GROUP_NORM");
    }
    return VKN_SUCCESS;
}

static VknResult checkRope(const OperationSpec& spec, VknError* error) {
    if (!spec.hasRope()) {
        return VKN_SUCCESS;
    }
    if (spec.ropeLayout > VKN_ROPE_LAYOUT_INTERLEAVED) {
        return failArgument(error, "layout", spec.ropeLayout, VKN_ROPE_LAYOUT_INTERLEAVED, "is no VknRopeLayout");
    }
    if (spec.rotarySize > spec.hiddenSize || spec.rotarySize % 2 != 0) {
        return failArgument(error, "rotarySize", spec.rotarySize, spec.hiddenSize,
                            "must be even and at most hiddenSize");
    }
    if (!spec.takesStatistics() || spec.placement != VKN_PLACEMENT_NONE) {
        return failArgument(error, "rotarySize", spec.rotarySize, 0,
                            "only what a norm without a residual makes can turn");
    }
    if (spec.turnsHalves() && spec.quantization == VKN_QUANTIZATION_PER_BLOCK) {
        return failArgument(error, "quantization", spec.quantization, VKN_QUANTIZATION_PER_ROW,
                            "blocks cannot be scaled where elements turn with others of another block");
    }
    if (spec.queryRows != 0 && spec.parameterRows > 1 && spec.parameterRows <= spec.queryRows) {
        return failArgument(error, "parameterRows", spec.parameterRows, spec.queryRows,
                            "must be 1, or all the rows of an outer block, of which there are more than queryRows");
    }
    return checkFinite("scale", spec.ropeScale, error);
}

static VknResult checkScalars(const OperationSpec& spec, VknError* error) {
    if (spec.hiddenSize == 0) {
        return failArgument(error, "hiddenSize", 0, 1, "must be at least 1");
    }
    if (spec.hiddenSize > kMaxHiddenSize) {
        return failArgument(error, "hiddenSize", spec.hiddenSize, kMaxHiddenSize, "must be at most 16777216");
    }
    const uint32_t mostPartial = spec.operation == VKN_OPERATION_RMS_NORM ? spec.hiddenSize : 0;
    if (spec.partialSize > mostPartial) {
        return failArgument(error, "partialSize", spec.partialSize, mostPartial,
                            "must be at most hiddenSize, and 0 for anything but RMSNorm");
    }
    if ((spec.flags & ~kAllFlags) != 0) {
        return failArgument(error, "flags", spec.flags, kAllFlags, "has bits that are no VknPlanFlagBits");
    }
    if (!isFinite(spec.epsilon) || isNegative(spec.epsilon)) {
        return fail(error, VKN_ERROR_INVALID_ARGUMENT, "epsilon", bitsOf(spec.epsilon), 0,
                    "(the bits of the float) must be finite and not negative");
    }
    VknResult result = checkFinite("gammaOffset", spec.gammaOffset, error);
    for (const auto& check : {checkBlock, checkOwnFields, checkGroups, checkQuantization, checkRope}) {
        if (result == VKN_SUCCESS) {
            result = check(spec, error);
        }
    }
    return result;
}

// Whether a role may have a quantised type: an output that nothing is read from.
static bool mayBeQuantised(const OperationSpec& spec, const PlacementInfo& placement, VknRole role) {
    const bool isReadToo = spec.isSet(VKN_PLAN_IN_PLACE_BIT) && placement.writtenInPlace == role;
    const bool isKeyReadToo = spec.isSet(VKN_PLAN_IN_PLACE_BIT) && role == VKN_ROLE_KEY_OUTPUT;
    const bool isOutput = role == VKN_ROLE_OUTPUT || role == VKN_ROLE_OUTPUT_2 || role == VKN_ROLE_KEY_OUTPUT;
    return isOutput && !isReadToo && !isKeyReadToo;
}

// What an operand of the key is for the query; any other operand is itself.
static VknRole queryRoleOf(VknRole role) {
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

static VknResult checkType(const OperationSpec& spec, const PlacementInfo& placement, const RoleInfo& role,
                           VknError* error) {
    const VknType type = spec.type(role.role);
    const VknType last = mayBeQuantised(spec, placement, role.role) ? VKN_TYPE_F8_E5M2 : VKN_TYPE_BF16;
    if (role.type == kAnyFloat && (elementSize(type) == 0 || type > last)) {
        return fail(error, VKN_ERROR_INVALID_ARGUMENT, "type", type, last, "%s",
                    isQuantised(type) ? "only outputs may be quantised, and not in place" : "is no VknType of tensors");
    }
    const VknRole queryRole = queryRoleOf(role.role);
    if (queryRole != role.role && type != spec.type(queryRole)) {
        return fail(error, VKN_ERROR_INVALID_ARGUMENT, "type", type, spec.type(queryRole),
                    "%s must be of the type of %s, with which it shares a binding", role.name,
                    findRole(queryRole)->name);
    }
    if (role.type != kAnyFloat && type != role.type) {
        return fail(error, VKN_ERROR_INVALID_ARGUMENT, "type", type, role.type, "%s must be of type %s", role.name,
                    typeName(role.type));
    }
    return VKN_SUCCESS;
}

static VknResult checkRole(const OperationSpec& spec, const OperationInfo& operation, const PlacementInfo& placement,
                           const RoleInfo& role, VknError* error) {
    const uint32_t bit = roleBit(role.role);
    const bool isRequired = (requiredRoles(spec, operation, placement) & bit) != 0;
    const bool isOptional = (optionalRoles(spec, operation, placement) & bit) != 0;
    if (!spec.has(role.role)) {
        return !isRequired ? VKN_SUCCESS
                           : fail(error, VKN_ERROR_INVALID_ARGUMENT, "pOperands", role.role, role.role,
                                  "the %s operand is missing", role.name);
    }
    if (!isRequired && !isOptional) {
        const bool isReadInPlace = role.role == placement.readInPlace && spec.isSet(VKN_PLAN_IN_PLACE_BIT);
        return fail(error, VKN_ERROR_INVALID_ARGUMENT, "pOperands", role.role, 0, "%s%s%s has no %s operand%s",
                    operation.name, placement.name[0] != '\0' ? ", " : "", placement.name, role.name,
                    isReadInPlace                                             ? " in place"
                    : role.role == VKN_ROLE_SEED && placement.name[0] != '\0' ? " without dropout"
                                                                              : "");
    }
    return checkType(spec, placement, role, error);
}

VknResult checkOperationSpec(const OperationSpec& spec, VknError* error) {
    const OperationInfo* operation = findOperation(static_cast<VknOperation>(spec.operation));
    if (operation == nullptr) {
        return failArgument(error, "operation", spec.operation, VKN_OPERATION_GROUP_NORM, "is no VknOperation");
    }
    const PlacementInfo* placement = findPlacement(static_cast<VknPlacement>(spec.placement));
    if (placement == nullptr) {
        return failArgument(error, "placement", spec.placement, VKN_PLACEMENT_PARALLEL, "is no VknPlacement");
    }
    if (spec.form > VKN_KERNEL_FORM_SHARED) {
        return failArgument(error, "form", spec.form, VKN_KERNEL_FORM_SHARED, "is no VknKernelForm");
    }
    VknResult result = checkScalars(spec, error);
    for (const RoleInfo& role : kRoles) {
        if (result == VKN_SUCCESS) {
            result = checkRole(spec, *operation, *placement, role, error);
        }
    }
    return result;
}

static VknResult copyOperands(const VknPlanCreateInfo& info, OperationSpec& spec, VknError* error) {
    if (info.operandCount != 0 && info.pOperands == nullptr) {
        return failArgument(error, "pOperands", 0, info.operandCount, "must not be null");
    }
    for (uint32_t i = 0; i < info.operandCount; ++i) {
        const VknOperandType& operand = info.pOperands[i];
        const RoleInfo* role = findRole(operand.role);
        const FieldName field = operandField(i, "role");
        if (role == nullptr) {
            return failArgument(error, field.text, operand.role, VKN_ROLE_KEY_GAMMA, "is no VknRole");
        }
        if (spec.has(operand.role)) {
            return fail(error, VKN_ERROR_INVALID_ARGUMENT, field.text, operand.role, 1, "%s is listed twice",
                        role->name);
        }
        spec.roles |= roleBit(operand.role);
        spec.types[operand.role] = static_cast<uint32_t>(operand.type);
    }
    return VKN_SUCCESS;
}

static void copyKernel(const VknKernelOverride& kernel, OperationSpec& spec) {
    spec.form = static_cast<uint32_t>(kernel.form);
    spec.workgroupSize = kernel.workgroupSize;
    spec.subgroupSize = kernel.subgroupSize;
    spec.maxWorkgroups = kernel.maxWorkgroups;
    spec.readTwice = kernel.readTwice;
}

static float orOne(float scale) { return (bitsOf(scale) & 0x7FFFFFFFu) == 0 ? 1.0F : scale; }

static void copyBlock(const VknBlockInfo& block, OperationSpec& spec) {
    spec.placement = static_cast<uint32_t>(block.placement);
    spec.residualScale = orOne(block.residualScale);
    spec.branchScale = orOne(block.branchScale);
    spec.dropoutProbability = block.dropoutProbability;
}

// What every structure of a chain starts with.
struct ChainLink {
    VknStructureType sType;
    const void* pNext;
};

static void copyQuantization(const VknQuantizationInfo& info, OperationSpec& spec) {
    spec.quantization = static_cast<uint32_t>(info.quantization);
    spec.outputScale = orOne(info.scale);
    spec.outputScale2 = orOne(info.scale2);
    spec.largestValue = info.largestValue;
    spec.blockSize = info.blockSize;
}

static void copyRope(const VknRopeInfo& info, OperationSpec& spec) {
    spec.ropeLayout = static_cast<uint32_t>(info.layout);
    spec.rotarySize = info.rotarySize != 0 ? info.rotarySize : spec.hiddenSize;
    spec.ropeScale = orOne(info.scale);
    spec.queryRows = info.queryRows;
}

static void copyGroups(const VknGroupInfo& info, OperationSpec& spec) {
    spec.channels = info.channels;
    spec.groups = info.groups;
    spec.channelsLast = info.channelsLast != VK_FALSE ? 1 : 0;
}

static void copyGate(const VknGateInfo& info, OperationSpec& spec) {
    spec.activation = static_cast<uint32_t>(info.activation);
    spec.normFirst = info.normFirst;
}

// Which structures were chained: bit (1 << sType).
static VknResult copyChain(const void* chain, OperationSpec& spec, uint32_t& chained, VknError* error) {
    for (const auto* link = static_cast<const ChainLink*>(chain); link != nullptr;
         link = static_cast<const ChainLink*>(link->pNext)) {
        switch (link->sType) {
            case VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE:
                copyKernel(*reinterpret_cast<const VknKernelOverride*>(link), spec);
                break;
            case VKN_STRUCTURE_TYPE_BLOCK_INFO:
                copyBlock(*reinterpret_cast<const VknBlockInfo*>(link), spec);
                break;
            case VKN_STRUCTURE_TYPE_QUANTIZATION_INFO:
                copyQuantization(*reinterpret_cast<const VknQuantizationInfo*>(link), spec);
                break;
            case VKN_STRUCTURE_TYPE_GATE_INFO:
                copyGate(*reinterpret_cast<const VknGateInfo*>(link), spec);
                break;
            case VKN_STRUCTURE_TYPE_GROUP_INFO:
                copyGroups(*reinterpret_cast<const VknGroupInfo*>(link), spec);
                break;
            case VKN_STRUCTURE_TYPE_ROPE_INFO:
                copyRope(*reinterpret_cast<const VknRopeInfo*>(link), spec);
                break;
            default:
                return failArgument(error, "pNext", static_cast<uint64_t>(link->sType), VKN_STRUCTURE_TYPE_GROUP_INFO,
                                    "is no structure that a plan takes");
        }
        const uint32_t bit = 1u << static_cast<uint32_t>(link->sType);
        if ((chained & bit) != 0) {
            return failArgument(error, "pNext", static_cast<uint64_t>(link->sType), 1,
                                "a structure of this type is chained twice");
        }
        chained |= bit;
    }
    return VKN_SUCCESS;
}

// Structures that say something about operands which are not there.
static VknResult checkChain(const OperationSpec& spec, uint32_t chained, VknError* error) {
    const auto isChained = [&](VknStructureType type) { return (chained & (1u << static_cast<uint32_t>(type))) != 0; };
    if (isChained(VKN_STRUCTURE_TYPE_GATE_INFO) && !spec.has(VKN_ROLE_GATE)) {
        return failArgument(error, "pNext", VKN_STRUCTURE_TYPE_GATE_INFO, 0, "there is no gate operand");
    }
    if (isChained(VKN_STRUCTURE_TYPE_QUANTIZATION_INFO) && !isQuantised(spec, VKN_ROLE_OUTPUT) &&
        !isQuantised(spec, VKN_ROLE_OUTPUT_2)) {
        return failArgument(error, "pNext", VKN_STRUCTURE_TYPE_QUANTIZATION_INFO, 0, "no output is quantised");
    }
    return VKN_SUCCESS;
}

VknResult makeOperationSpec(const VknPlanCreateInfo& info, OperationSpec& spec, VknError* error) {
    VknResult result = checkStructureType(error, "sType", info.sType, VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO);
    spec = OperationSpec();
    spec.operation = static_cast<uint32_t>(info.operation);
    spec.flags = info.flags;
    spec.hiddenSize = info.hiddenSize;
    spec.epsilon = info.epsilon;
    spec.gammaOffset = info.gammaOffset;
    spec.partialSize = info.partialSize;
    spec.alpha = info.alpha;
    spec.parameterRows = info.parameterRows != 0 ? info.parameterRows : 1;
    uint32_t chained = 0;
    snprintf(spec.name, sizeof spec.name, "%s", info.pName == nullptr ? "" : info.pName);
    if (result == VKN_SUCCESS) {
        result = copyChain(info.pNext, spec, chained, error);
    }
    if (result == VKN_SUCCESS) {
        result = copyOperands(info, spec, error);
    }
    if (result == VKN_SUCCESS) {
        result = checkOperationSpec(spec, error);
    }
    return result == VKN_SUCCESS ? checkChain(spec, chained, error) : result;
}

// Gamma and beta may have several rows.
static uint32_t parameterRowsOf(VknRole role, const OperationSpec& spec) {
    constexpr uint32_t kOfNorms = kWeights | kWeights2 | roleBit(VKN_ROLE_KEY_GAMMA);
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
                       ? (spec.hiddenSize + spec.blockSize - 1) / spec.blockSize
                       : 1;
        case Extent::Single:
        case Extent::Outers:
            return 1;
        case Extent::Table:  // of COS_SIN, a row
            return spec.rotarySize;
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
            bytes += rowElements(role, spec) * perGroup * elementSize(spec.type(role.role));
        }
    }
    return bytes;
}

uint64_t leastBytesPerRow(const OperationSpec& spec) {
    const PlacementInfo& placement = *findPlacement(static_cast<VknPlacement>(spec.placement));
    const uint64_t readInPlace = uint64_t{spec.hiddenSize} * elementSize(spec.type(placement.writtenInPlace));
    return bytesOf(spec, true) + (spec.isSet(VKN_PLAN_IN_PLACE_BIT) ? readInPlace : 0);
}

uint64_t parameterBytes(const OperationSpec& spec) { return bytesOf(spec, false); }

}  // namespace vkn
