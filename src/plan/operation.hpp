// The operation table: which operands an operation has, and what is known of each. Validation, bindings, synchronisation and
// byte counts are derived from it.
#pragma once

#include "vknorm/vknorm.h"

#include <bit>

namespace vkn {

constexpr uint32_t kRoleCount = 51;  // VknRole is 1 to 50; index 0 is unused
constexpr uint32_t kMaxHiddenSize = 1u << 24;

// rows x hiddenSize elements, parameterRows x hiddenSize, one a row or a block of it, one an outer block, a table of the
// operation's own size, one in all, or two words
enum class Extent {
    Rows,
    Parameters,
    Scalars,
    Outers,
    Table,
    Single,
    Seed,
};

using RoleSet = uint64_t;  // bit (1 << role)
constexpr RoleSet roleBit(VknRole role) { return RoleSet{1} << static_cast<uint32_t>(role); }

// For loops over a set that is not empty, in the order of roles' numbers.
constexpr VknRole firstRole(RoleSet roles) { return static_cast<VknRole>(std::countr_zero(roles)); }
constexpr RoleSet withoutFirst(RoleSet roles) { return roles & (roles - 1); }

constexpr VknType kAnyFloat = VKN_TYPE_MAX_ENUM;

struct RoleInfo {
    VknRole role;
    const char* name;
    Extent extent;
    bool isWritten;  // by what it is named for, the forward or the backward; see OperationSpec::writes
    uint32_t slot;   // VKN_BINDING_* in shaders/include/interface.h; VKN_BINDING_COUNT: it has a dispatch to itself
    VknType type;    // the only one, or kAnyFloat

    bool hasSlot() const;
    bool isPerRow() const { return extent == Extent::Rows || extent == Extent::Scalars || extent == Extent::Outers; }
};

struct OperationInfo {
    VknOperation operation;
    const char* name;
    bool takesStatistics;   // of rows; otherwise it works on each element by itself
    RoleSet requiredRoles;  // beside those of its placement
    RoleSet excludedRoles;  // that placements have and it does not
};

// The operands of the forward, or of the backward.
struct DirectionInfo {
    RoleSet requiredRoles;
    RoleSet optionalRoles;
    // In place, the first is read where the second is written.
    VknRole readInPlace;
    VknRole writtenInPlace;
};

// What surrounds the norm.
struct PlacementInfo {
    VknPlacement placement;
    const char* name;
    DirectionInfo forward;
    DirectionInfo backward;
};

// Null for a value that is no role.
const RoleInfo* findRole(VknRole role);
const OperationInfo* findOperation(VknOperation operation);
const PlacementInfo* findPlacement(VknPlacement placement);

// What an operand of the key is for the query; any other operand is itself.
VknRole queryRoleOf(VknRole role);

// Bytes of an element; 0 for a value that is no type.
uint32_t elementSize(VknType type);
bool isQuantised(VknType type);
const char* typeName(VknType type);

// A plan's description, validated: what VknPlanCreateInfo says, without pointers. It is also what a plan list stores.
struct OperationSpec {
    RoleSet roles = 0;
    uint32_t operation = 0;
    uint32_t flags = 0;  // VknPlanFlags
    uint32_t hiddenSize = 0;
    uint32_t types[kRoleCount] = {};
    float epsilon = 0;
    float gammaOffset = 0;
    uint32_t partialSize = 0;
    uint32_t placement = VKN_PLACEMENT_NONE;
    float residualScale = 1;
    float branchScale = 1;
    float dropoutProbability = 0;
    float alpha = 0;
    uint32_t parameterRows = 1;
    uint32_t activation = VKN_ACTIVATION_SILU;
    uint32_t normFirst = 0;
    uint32_t quantization = VKN_QUANTIZATION_STATIC;
    float outputScale = 1;
    float outputScale2 = 1;
    float largestValue = 0;
    uint32_t blockSize = 0;
    uint32_t ropeLayout = VKN_ROPE_LAYOUT_HALF_SPLIT;
    uint32_t rotarySize = 0;
    float ropeScale = 1;
    uint32_t queryRows = 0;
    uint32_t ropeAngles = VKN_ROPE_ANGLES_TURNS;
    uint32_t channels = 0;  // of GroupNorm
    uint32_t groups = 1;
    uint32_t channelsLast = 0;
    uint32_t training = 0;  // of BatchNorm
    float momentum = 0;
    // VknKernelOverride; zero where the library chooses.
    uint32_t form = 0;
    uint32_t workgroupSize = 0;
    uint32_t subgroupSize = 0;
    uint32_t maxWorkgroups = 0;
    uint32_t rowsAtOnce = 0;
    uint32_t readTwice = 0;
    char name[64] = {};

    bool has(VknRole role) const { return (roles & roleBit(role)) != 0; }
    bool isSet(VknPlanFlagBits flag) const { return (flags & static_cast<uint32_t>(flag)) != 0; }
    VknType type(VknRole role) const { return static_cast<VknType>(types[role]); }
    bool isBackward() const { return isSet(VKN_PLAN_BACKWARD_BIT); }
    const DirectionInfo& direction() const;
    bool hasNormOnBranch() const {
        return placement == VKN_PLACEMENT_SANDWICH || placement == VKN_PLACEMENT_SANDWICH_PRE_NORM;
    }
    bool hasDropout() const { return dropoutProbability > 0; }
    bool isTraining() const { return training != 0; }
    // Whether its passes begin with statistics of columns.
    bool takesColumnStatistics() const { return isTraining() && !isBackward(); }
    bool hasRope() const { return rotarySize != 0; }
    // Whether elements turn with others that are half the rotary size away.
    bool turnsHalves() const { return hasRope() && ropeLayout == VKN_ROPE_LAYOUT_HALF_SPLIT; }
    // What kernels take for a row: a group of an image, or the row itself. Its elements, and those from the first to the last.
    uint32_t kernelRowSize() const { return hiddenSize / groups; }
    // Rows of gamma and beta that kernel rows take turns with.
    uint32_t kernelParameterRows() const { return groups > 1 ? groups : parameterRows; }
    uint32_t kernelRowSpan() const {
        return channelsLast != 0 ? hiddenSize - channels + channels / groups : kernelRowSize();
    }
    bool isQuantised(VknRole role) const;
    // Whether an operand is written, and whether what it holds beforehand is read.
    bool writes(const RoleInfo& role) const;
    bool reads(const RoleInfo& role) const;
    bool takesStatistics() const;
    // Whether an output's scale is computed, which takes a pass over the row.
    bool measuresOutput() const;
    // The operand that stands for `role`: itself, but in place, where it is written.
    VknRole standIn(VknRole role) const;
};

// Checks a description against the table. INVALID_ARGUMENT, or SUCCESS with `spec` filled.
VknResult makeOperationSpec(const VknPlanCreateInfo& info, OperationSpec& spec, VknError* error);

// Gradients of parameters.
bool isParameterGradient(VknRole role);

// The roles that an operation must and may have, with its flags and types.
RoleSet requiredRoles(const OperationSpec& spec);
RoleSet optionalRoles(const OperationSpec& spec);

// Checks a specification, which may come from a file.
VknResult checkOperationSpec(const OperationSpec& spec, VknError* error);

// Elements of an operand that belong to a row, or to all.
uint64_t rowElements(const RoleInfo& role, const OperationSpec& spec);

// Bytes of a row that must move: each input read once, each output written once.
uint64_t leastBytesPerRow(const OperationSpec& spec);
// Bytes of gamma, beta and the other parameters.
uint64_t parameterBytes(const OperationSpec& spec);

}  // namespace vkn
