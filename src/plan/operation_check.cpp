// What makes a plan's description one that the library can carry out.
#include "base/error.hpp"
#include "base/float_bits.hpp"
#include "plan/operation.hpp"

#include <initializer_list>

namespace vkn {

static constexpr uint32_t kAllFlags = VKN_PLAN_IN_PLACE_BIT | VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT |
                                      VKN_PLAN_EARLY_CAST_BIT | VKN_PLAN_GPU_ROWS_BIT | VKN_PLAN_BACKWARD_BIT |
                                      VKN_PLAN_ACCUMULATE_BIT;

// By bits, because the library may be compiled with -ffast-math by its host.
static bool isFinite(float value) { return (bitsOf(value) & 0x7F800000u) != 0x7F800000u; }

static bool isNegative(float value) { return (bitsOf(value) & 0x80000000u) != 0 && (bitsOf(value) & 0x7FFFFFFFu) != 0; }

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
    if (spec.quantization == VKN_QUANTIZATION_PER_BLOCK && spec.channelsLast != 0) {
        return failArgument(
            error, "quantization", spec.quantization, VKN_QUANTIZATION_PER_ROW,
            "must be STATIC or PER_ROW where channels are last: no block of such a group lies in one piece");
    }
    return VKN_SUCCESS;
}

static VknResult checkTraining(const OperationSpec& spec, VknError* error) {
    if (spec.placement != VKN_PLACEMENT_NONE) {
        return failArgument(error, "placement", spec.placement, VKN_PLACEMENT_NONE,
                            "training's statistics are those of rows without a residual");
    }
    if (spec.isSet(VKN_PLAN_GPU_ROWS_BIT)) {
        return failArgument(error, "flags", spec.flags, 0, "training needs to know the number of rows when it records");
    }
    return VKN_SUCCESS;
}

static VknResult checkBatch(const OperationSpec& spec, VknError* error) {
    const uint32_t momentum = bitsOf(spec.momentum);
    constexpr uint32_t kOne = 0x3F800000u;
    if (isNegative(spec.momentum) || (momentum & 0x7FFFFFFFu) > kOne) {
        return fail(error, VKN_ERROR_INVALID_ARGUMENT, "momentum", momentum, kOne,
                    "(the bits of the float) must be 0 to 1");
    }
    if (spec.operation != VKN_OPERATION_BATCH_NORM) {
        return !spec.isTraining() && momentum == 0
                   ? VKN_SUCCESS
                   : failArgument(error, "training", spec.training, 0, "only BATCH_NORM has statistics of its batch");
    }
    if (spec.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM) {
        return failArgument(error, "placement", spec.placement, VKN_PLACEMENT_SANDWICH,
                            "BatchNorm has the statistics of one norm, not of two");
    }
    if (spec.parameterRows != 1) {
        return failArgument(error, "parameterRows", spec.parameterRows, 1, "must be 1 for BATCH_NORM");
    }
    return spec.isTraining() ? checkTraining(spec, error) : VKN_SUCCESS;
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
    if (spec.ropeAngles > VKN_ROPE_ANGLES_FP32_PRODUCT) {
        return failArgument(error, "angles", spec.ropeAngles, VKN_ROPE_ANGLES_FP32_PRODUCT, "is no VknRopeAngles");
    }
    if (spec.ropeAngles != VKN_ROPE_ANGLES_TURNS && spec.has(VKN_ROLE_COS_SIN)) {
        return failArgument(error, "angles", spec.ropeAngles, VKN_ROPE_ANGLES_TURNS,
                            "there are no angles where COS_SIN has their cosines and sines");
    }
    return checkFinite("scale", spec.ropeScale, error);
}

static VknResult checkDirection(const OperationSpec& spec, VknError* error) {
    if (!spec.isBackward()) {
        return !spec.isSet(VKN_PLAN_ACCUMULATE_BIT)
                   ? VKN_SUCCESS
                   : failArgument(error, "flags", spec.flags, VKN_PLAN_BACKWARD_BIT,
                                  "only gradients are accumulated: VKN_PLAN_BACKWARD_BIT is missing");
    }
    if (spec.isSet(VKN_PLAN_GPU_ROWS_BIT)) {
        return failArgument(error, "flags", spec.flags, 0,
                            "the backward needs to know the number of rows when it records");
    }
    if (spec.queryRows != 0) {
        return fail(error, VKN_ERROR_UNSUPPORTED, "queryRows", spec.queryRows, 0,
                    "queries and keys have a backward each");
    }
    if (spec.turnsHalves() && spec.isSet(VKN_PLAN_IN_PLACE_BIT)) {
        return failArgument(error, "flags", spec.flags, spec.flags & ~uint32_t{VKN_PLAN_IN_PLACE_BIT},
                            "gradients of elements that turn with others far away cannot be written in place");
    }
    return VKN_SUCCESS;
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
    for (const auto& check :
         {checkBlock, checkOwnFields, checkGroups, checkBatch, checkQuantization, checkRope, checkDirection}) {
        if (result == VKN_SUCCESS) {
            result = check(spec, error);
        }
    }
    return result;
}

// Whether a role may have a quantised type: an output that nothing is read from.
static bool mayBeQuantised(const OperationSpec& spec, VknRole role) {
    const bool isReadToo = spec.isSet(VKN_PLAN_IN_PLACE_BIT) && spec.direction().writtenInPlace == role;
    const bool isKeyReadToo = spec.isSet(VKN_PLAN_IN_PLACE_BIT) && role == VKN_ROLE_KEY_OUTPUT;
    const bool isOutput = role == VKN_ROLE_OUTPUT || role == VKN_ROLE_OUTPUT_2 || role == VKN_ROLE_KEY_OUTPUT;
    return isOutput && !isReadToo && !isKeyReadToo;
}

static VknResult checkType(const OperationSpec& spec, const RoleInfo& role, VknError* error) {
    const VknType type = spec.type(role.role);
    const VknType last = mayBeQuantised(spec, role.role) ? VKN_TYPE_F8_E5M2 : VKN_TYPE_BF16;
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
    const RoleSet bit = roleBit(role.role);
    const bool isRequired = (requiredRoles(spec) & bit) != 0;
    const bool isOptional = (optionalRoles(spec) & bit) != 0;
    if (!spec.has(role.role)) {
        return !isRequired ? VKN_SUCCESS
                           : fail(error, VKN_ERROR_INVALID_ARGUMENT, "pOperands", role.role, role.role,
                                  "the %s operand is missing", role.name);
    }
    if (!isRequired && !isOptional) {
        const bool isReadInPlace = role.role == spec.direction().readInPlace && spec.isSet(VKN_PLAN_IN_PLACE_BIT);
        return fail(error, VKN_ERROR_INVALID_ARGUMENT, "pOperands", role.role, 0, "%s%s%s%s has no %s operand%s",
                    operation.name, placement.name[0] != '\0' ? ", " : "", placement.name,
                    spec.isBackward() ? ", backward," : "", role.name,
                    isReadInPlace                                             ? " in place"
                    : role.role == VKN_ROLE_SEED && placement.name[0] != '\0' ? " without dropout"
                                                                              : "");
    }
    return checkType(spec, role, error);
}

VknResult checkOperationSpec(const OperationSpec& spec, VknError* error) {
    const OperationInfo* operation = findOperation(static_cast<VknOperation>(spec.operation));
    if (operation == nullptr) {
        return failArgument(error, "operation", spec.operation, VKN_OPERATION_BATCH_NORM, "is no VknOperation");
    }
    const PlacementInfo* placement = findPlacement(static_cast<VknPlacement>(spec.placement));
    if (placement == nullptr) {
        return failArgument(error, "placement", spec.placement, VKN_PLACEMENT_PARALLEL, "is no VknPlacement");
    }
    if (spec.form > VKN_KERNEL_FORM_SHARED) {
        return failArgument(error, "form", spec.form, VKN_KERNEL_FORM_SHARED, "is no VknKernelForm");
    }
    VknResult result = checkScalars(spec, error);
    for (uint32_t r = 1; r < kRoleCount && result == VKN_SUCCESS; ++r) {
        result = checkRole(spec, *operation, *placement, *findRole(static_cast<VknRole>(r)), error);
    }
    return result;
}

}  // namespace vkn
