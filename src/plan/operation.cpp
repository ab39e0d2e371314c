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
};
static_assert(VKN_ROLE_SEED == VKN_OPERAND_SEED && VKN_OPERAND_COUNT == kRoleCount);

static constexpr OperationInfo kOperations[] = {
    {VKN_OPERATION_RMS_NORM, "RMSNorm", 0, false},
    {VKN_OPERATION_LAYER_NORM, "LayerNorm", VKN_FLAG_LAYER_NORM, true},
};

static constexpr uint32_t rolesOf(std::initializer_list<VknRole> roles) {
    uint32_t bits = 0;
    for (const VknRole role : roles) {
        bits |= roleBit(role);
    }
    return bits;
}

static constexpr uint32_t kMeans = rolesOf({VKN_ROLE_MEAN, VKN_ROLE_MEAN_2});
static constexpr uint32_t kNorm = rolesOf({VKN_ROLE_GAMMA, VKN_ROLE_BETA, VKN_ROLE_MEAN, VKN_ROLE_RSTD});
static constexpr uint32_t kBranch = rolesOf({VKN_ROLE_BRANCH_BIAS, VKN_ROLE_LAYER_SCALE, VKN_ROLE_ROW_SCALE});
static constexpr uint32_t kWeights2 = rolesOf({VKN_ROLE_GAMMA_2, VKN_ROLE_BETA_2});

static constexpr PlacementInfo kPlacements[] = {
    {VKN_PLACEMENT_NONE, "", rolesOf({VKN_ROLE_INPUT, VKN_ROLE_OUTPUT}), kNorm, VKN_ROLE_INPUT, VKN_ROLE_OUTPUT},
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
        case VKN_TYPE_U32:
            return "u32";
        default:
            return "unknown";
    }
}

// By bits, because the library may be compiled with -ffast-math by its host.
static bool isFinite(float value) { return (bitsOf(value) & 0x7F800000u) != 0x7F800000u; }

static bool isNegative(float value) { return (bitsOf(value) & 0x80000000u) != 0 && (bitsOf(value) & 0x7FFFFFFFu) != 0; }

// The roles that a plan must and may have, with its flags.
static uint32_t requiredRoles(const PlacementInfo& placement, uint32_t flags) {
    const bool inPlace = (flags & VKN_PLAN_IN_PLACE_BIT) != 0;
    return placement.requiredRoles & ~(inPlace ? roleBit(placement.readInPlace) : 0u);
}

static uint32_t optionalRoles(const OperationSpec& spec, const OperationInfo& operation,
                              const PlacementInfo& placement) {
    const uint32_t roles = placement.optionalRoles & ~(operation.hasMean ? 0u : kMeans);
    return roles | (spec.hasDropout() ? roleBit(VKN_ROLE_SEED) : 0u);
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
    const VknResult result = checkFinite("gammaOffset", spec.gammaOffset, error);
    return result == VKN_SUCCESS ? checkBlock(spec, error) : result;
}

static VknResult checkType(const OperationSpec& spec, const RoleInfo& role, VknError* error) {
    const VknType type = spec.type(role.role);
    if (role.type == kAnyFloat && (elementSize(type) == 0 || type > VKN_TYPE_BF16)) {
        return fail(error, VKN_ERROR_INVALID_ARGUMENT, "type", type, VKN_TYPE_BF16,
                    "the %s operand's type is no VknType of tensors", role.name);
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
    const bool isRequired = (requiredRoles(placement, spec.flags) & bit) != 0;
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
    return checkType(spec, role, error);
}

VknResult checkOperationSpec(const OperationSpec& spec, VknError* error) {
    const OperationInfo* operation = findOperation(static_cast<VknOperation>(spec.operation));
    if (operation == nullptr) {
        return failArgument(error, "operation", spec.operation, VKN_OPERATION_LAYER_NORM, "is no VknOperation");
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
            return failArgument(error, field.text, operand.role, VKN_ROLE_SEED, "is no VknRole");
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

static void copyBlock(const VknBlockInfo& block, OperationSpec& spec) {
    const auto orOne = [](float scale) { return (bitsOf(scale) & 0x7FFFFFFFu) == 0 ? 1.0F : scale; };
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

static VknResult copyChain(const void* chain, OperationSpec& spec, VknError* error) {
    bool hasKernel = false;
    bool hasBlock = false;
    for (const auto* link = static_cast<const ChainLink*>(chain); link != nullptr;
         link = static_cast<const ChainLink*>(link->pNext)) {
        if (link->sType == VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE && !hasKernel) {
            hasKernel = true;
            copyKernel(*reinterpret_cast<const VknKernelOverride*>(link), spec);
        } else if (link->sType == VKN_STRUCTURE_TYPE_BLOCK_INFO && !hasBlock) {
            hasBlock = true;
            copyBlock(*reinterpret_cast<const VknBlockInfo*>(link), spec);
        } else {
            return failArgument(error, "pNext", static_cast<uint64_t>(link->sType), VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE,
                                "one VknBlockInfo and one VknKernelOverride may be chained, and nothing else");
        }
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
    snprintf(spec.name, sizeof spec.name, "%s", info.pName == nullptr ? "" : info.pName);
    if (result == VKN_SUCCESS) {
        result = copyChain(info.pNext, spec, error);
    }
    if (result == VKN_SUCCESS) {
        result = copyOperands(info, spec, error);
    }
    return result == VKN_SUCCESS ? checkOperationSpec(spec, error) : result;
}

uint32_t rowElements(const RoleInfo& role, uint32_t hiddenSize) {
    switch (role.extent) {
        case Extent::Scalars:
            return 1;
        case Extent::Seed:
            return 2;
        default:
            return hiddenSize;
    }
}

static uint64_t bytesOf(const OperationSpec& spec, bool perRow) {
    uint64_t bytes = 0;
    for (const RoleInfo& role : kRoles) {
        if (spec.has(role.role) && role.isPerRow() == perRow) {
            bytes += uint64_t{rowElements(role, spec.hiddenSize)} * elementSize(spec.type(role.role));
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
