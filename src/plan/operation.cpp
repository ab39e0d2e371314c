#include "plan/operation.hpp"

#include "base/error.hpp"
#include "include/interface.h"

#include <cstdio>
#include <cstring>

namespace vkn {

static constexpr RoleInfo kRoles[] = {
    {VKN_ROLE_INPUT, "input", Extent::Rows, false, VKN_BINDING_INPUT, false},
    {VKN_ROLE_OUTPUT, "output", Extent::Rows, true, VKN_BINDING_OUTPUT, false},
    {VKN_ROLE_GAMMA, "gamma", Extent::Parameters, false, VKN_BINDING_GAMMA, false},
    {VKN_ROLE_BETA, "beta", Extent::Parameters, false, VKN_BINDING_BETA, false},
    {VKN_ROLE_MEAN, "mean", Extent::Scalars, true, VKN_BINDING_SCALARS, true},
    {VKN_ROLE_RSTD, "rstd", Extent::Scalars, true, VKN_BINDING_SCALARS, true},
};

static constexpr uint32_t kNormRequired = roleBit(VKN_ROLE_INPUT) | roleBit(VKN_ROLE_OUTPUT);
static constexpr uint32_t kNormOptional = roleBit(VKN_ROLE_GAMMA) | roleBit(VKN_ROLE_BETA) | roleBit(VKN_ROLE_RSTD);

static constexpr OperationInfo kOperations[] = {
    {VKN_OPERATION_RMS_NORM, "RMSNorm", 0, kNormRequired, kNormOptional},
    {VKN_OPERATION_LAYER_NORM, "LayerNorm", VKN_FLAG_LAYER_NORM, kNormRequired, kNormOptional | roleBit(VKN_ROLE_MEAN)},
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

uint32_t elementSize(VknType type) {
    switch (type) {
        case VKN_TYPE_F32:
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
        default:
            return "unknown";
    }
}

// Bits, because the library may be compiled with -ffast-math by its host.
static uint32_t bitsOf(float value) {
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static bool isFinite(float value) { return (bitsOf(value) & 0x7F800000u) != 0x7F800000u; }

static bool isNegative(float value) { return (bitsOf(value) & 0x80000000u) != 0 && (bitsOf(value) & 0x7FFFFFFFu) != 0; }

// The roles that a plan must and may have, with its flags.
static uint32_t requiredRoles(const OperationInfo& operation, uint32_t flags) {
    const bool inPlace = (flags & VKN_PLAN_IN_PLACE_BIT) != 0;
    return operation.requiredRoles & ~(inPlace ? roleBit(VKN_ROLE_INPUT) : 0u);
}

static VknResult checkScalars(const OperationSpec& spec, VknError* error) {
    if (spec.hiddenSize == 0) {
        return failArgument(error, "hiddenSize", 0, 1, "must be at least 1");
    }
    if (spec.hiddenSize > kMaxHiddenSize) {
        return failArgument(error, "hiddenSize", spec.hiddenSize, kMaxHiddenSize, "must be at most 16777216");
    }
    if ((spec.flags & ~kAllFlags) != 0) {
        return failArgument(error, "flags", spec.flags, kAllFlags, "has bits that are no VknPlanFlagBits");
    }
    if (!isFinite(spec.epsilon) || isNegative(spec.epsilon)) {
        return fail(error, VKN_ERROR_INVALID_ARGUMENT, "epsilon", bitsOf(spec.epsilon), 0,
                    "(the bits of the float) must be finite and not negative");
    }
    if (!isFinite(spec.gammaOffset)) {
        return fail(error, VKN_ERROR_INVALID_ARGUMENT, "gammaOffset", bitsOf(spec.gammaOffset), 0,
                    "(the bits of the float) must be finite");
    }
    return VKN_SUCCESS;
}

static VknResult checkRoles(const OperationSpec& spec, const OperationInfo& operation, VknError* error) {
    const uint32_t required = requiredRoles(operation, spec.flags);
    for (const RoleInfo& role : kRoles) {
        const bool present = spec.has(role.role);
        const bool isRequired = (required & roleBit(role.role)) != 0;
        const bool isOptional = (operation.optionalRoles & roleBit(role.role)) != 0;
        if (!present && isRequired) {
            return fail(error, VKN_ERROR_INVALID_ARGUMENT, "pOperands", role.role, role.role,
                        "the %s operand is missing", role.name);
        }
        if (present && !isRequired && !isOptional) {
            const bool inPlaceInput = role.role == VKN_ROLE_INPUT && spec.isSet(VKN_PLAN_IN_PLACE_BIT);
            return fail(error, VKN_ERROR_INVALID_ARGUMENT, "pOperands", role.role, 0, "%s has no %s operand%s",
                        operation.name, role.name, inPlaceInput ? " in place" : "");
        }
        if (present && elementSize(spec.type(role.role)) == 0) {
            return fail(error, VKN_ERROR_INVALID_ARGUMENT, "type", spec.types[role.role], VKN_TYPE_BF16,
                        "the %s operand's type is no VknType", role.name);
        }
        if (present && role.onlyFloat32 && spec.type(role.role) != VKN_TYPE_F32) {
            return fail(error, VKN_ERROR_INVALID_ARGUMENT, "type", spec.types[role.role], VKN_TYPE_F32,
                        "%s must be VKN_TYPE_F32", role.name);
        }
    }
    return VKN_SUCCESS;
}

VknResult checkOperationSpec(const OperationSpec& spec, VknError* error) {
    const OperationInfo* operation = findOperation(static_cast<VknOperation>(spec.operation));
    if (operation == nullptr) {
        return failArgument(error, "operation", spec.operation, VKN_OPERATION_LAYER_NORM, "is no VknOperation");
    }
    if (spec.form > VKN_KERNEL_FORM_SHARED) {
        return failArgument(error, "form", spec.form, VKN_KERNEL_FORM_SHARED, "is no VknKernelForm");
    }
    const VknResult result = checkScalars(spec, error);
    return result == VKN_SUCCESS ? checkRoles(spec, *operation, error) : result;
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
            return failArgument(error, field.text, operand.role, VKN_ROLE_RSTD, "is no VknRole");
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

static VknResult copyChain(const void* chain, OperationSpec& spec, VknError* error) {
    if (chain == nullptr) {
        return VKN_SUCCESS;
    }
    const auto* kernel = static_cast<const VknKernelOverride*>(chain);
    if (kernel->sType != VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE || kernel->pNext != nullptr) {
        return failArgument(error, "pNext", static_cast<uint64_t>(kernel->sType), VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE,
                            "only one VknKernelOverride may be chained");
    }
    spec.form = static_cast<uint32_t>(kernel->form);
    spec.workgroupSize = kernel->workgroupSize;
    spec.subgroupSize = kernel->subgroupSize;
    spec.maxWorkgroups = kernel->maxWorkgroups;
    spec.readTwice = kernel->readTwice;
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
    snprintf(spec.name, sizeof spec.name, "%s", info.pName == nullptr ? "" : info.pName);
    if (result == VKN_SUCCESS) {
        result = copyChain(info.pNext, spec, error);
    }
    if (result == VKN_SUCCESS) {
        result = copyOperands(info, spec, error);
    }
    return result == VKN_SUCCESS ? checkOperationSpec(spec, error) : result;
}

static uint64_t bytesOf(const OperationSpec& spec, Extent extent) {
    uint64_t bytes = 0;
    for (const RoleInfo& role : kRoles) {
        if (spec.has(role.role) && role.extent == extent) {
            const uint64_t elements = extent == Extent::Scalars ? 1 : spec.hiddenSize;
            bytes += elements * elementSize(spec.type(role.role));
        }
    }
    return bytes;
}

uint64_t leastBytesPerRow(const OperationSpec& spec) {
    const uint64_t inPlaceRead =
        spec.isSet(VKN_PLAN_IN_PLACE_BIT) ? uint64_t{spec.hiddenSize} * elementSize(spec.type(VKN_ROLE_OUTPUT)) : 0;
    return bytesOf(spec, Extent::Rows) + bytesOf(spec, Extent::Scalars) + inPlaceRead;
}

uint64_t parameterBytes(const OperationSpec& spec) { return bytesOf(spec, Extent::Parameters); }

}  // namespace vkn
