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
};
static_assert(VKN_ROLE_BATCH_RSTD == VKN_OPERAND_BATCH_RSTD && VKN_OPERAND_COUNT == kRoleCount);

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

bool isQuantised(VknType type) { return elementSize(type) == 1; }

bool OperationSpec::isQuantised(VknRole role) const { return has(role) && vkn::isQuantised(type(role)); }

bool OperationSpec::writes(const RoleInfo& role) const {
    return role.isWritten || (isTraining() && (kRunning & roleBit(role.role)) != 0);
}

// Words at the edges of rows are merged, so tensors of rows are read as well.
bool OperationSpec::reads(const RoleInfo& role) const {
    return !role.isWritten || role.extent == Extent::Rows || (kOfBatch & roleBit(role.role)) != 0;
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
    const bool needsRunning = !spec.isTraining() || (spec.roles & kRunning) != 0;
    return (spec.isTraining() ? kOfBatch : RoleSet{0}) | (needsRunning ? kRunning : RoleSet{0});
}

RoleSet requiredRoles(const OperationSpec& spec) {
    const OperationInfo& operation = *findOperation(static_cast<VknOperation>(spec.operation));
    const PlacementInfo& placement = *findPlacement(static_cast<VknPlacement>(spec.placement));
    const RoleSet scales =
        spec.measuresOutput() ? scaleRoles(spec, VKN_ROLE_OUTPUT_SCALE, VKN_ROLE_OUTPUT_SCALE_2) : RoleSet{0};
    const RoleSet readInPlace = spec.isSet(VKN_PLAN_IN_PLACE_BIT) ? roleBit(placement.readInPlace) : RoleSet{0};
    return (placement.requiredRoles & ~readInPlace) | operation.requiredRoles | scales | ropeRoles(spec) |
           keyRoles(spec) | batchRoles(spec);
}

RoleSet optionalRoles(const OperationSpec& spec) {
    const OperationInfo& operation = *findOperation(static_cast<VknOperation>(spec.operation));
    const PlacementInfo& placement = *findPlacement(static_cast<VknPlacement>(spec.placement));
    const RoleSet scales =
        spec.measuresOutput() ? RoleSet{0} : scaleRoles(spec, VKN_ROLE_STATIC_SCALE, VKN_ROLE_STATIC_SCALE_2);
    constexpr RoleSet kNotWithKeys = rolesOf({VKN_ROLE_BETA, VKN_ROLE_GATE, VKN_ROLE_ROW_INDEX});
    constexpr RoleSet kNotWithRope = rolesOf({VKN_ROLE_GATE});
    const bool mayGather = spec.has(VKN_ROLE_INPUT) && spec.operation != VKN_OPERATION_GROUP_NORM && !spec.isTraining();
    const RoleSet roles = (placement.optionalRoles & ~operation.excludedRoles) | scales |
                          (spec.hasDropout() ? roleBit(VKN_ROLE_SEED) : RoleSet{0}) |
                          (mayGather ? roleBit(VKN_ROLE_ROW_INDEX) : RoleSet{0});
    return roles & ~(spec.queryRows != 0 ? kNotWithKeys : RoleSet{0}) & ~(spec.hasRope() ? kNotWithRope : RoleSet{0});
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
    constexpr RoleSet kOfNorms = kWeights | kWeights2 | roleBit(VKN_ROLE_KEY_GAMMA);
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
            const uint32_t accesses = spec.writes(role) && !role.isWritten ? 2 : 1;  // brought up to date
            bytes += rowElements(role, spec) * perGroup * accesses * elementSize(spec.type(role.role));
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
