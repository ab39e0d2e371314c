// The operation table: which operands an operation has, and what is known of each. Validation, bindings, synchronisation and
// byte counts are derived from it.
#pragma once

#include "vknorm/vknorm.h"

namespace vkn {

constexpr uint32_t kRoleCount = 7;  // VknRole is 1 to 6; index 0 is unused
constexpr uint32_t kMaxHiddenSize = 1u << 24;

// rows x hiddenSize elements, hiddenSize, or one a row
enum class Extent {
    Rows,
    Parameters,
    Scalars,
};

struct RoleInfo {
    VknRole role;
    const char* name;
    Extent extent;
    bool isWritten;
    uint32_t slot;     // VKN_BINDING_* in shaders/include/interface.h
    bool onlyFloat32;  // otherwise any VknType
};

struct OperationInfo {
    VknOperation operation;
    const char* name;
    uint32_t kernelFlags;    // VKN_FLAG_*
    uint32_t requiredRoles;  // bit (1 << role)
    uint32_t optionalRoles;
};

// Null for a value that is no role.
const RoleInfo* findRole(VknRole role);
const OperationInfo* findOperation(VknOperation operation);

constexpr uint32_t roleBit(VknRole role) { return 1u << static_cast<uint32_t>(role); }

// Bytes of an element; 0 for a value that is no type.
uint32_t elementSize(VknType type);
const char* typeName(VknType type);

// A plan's description, validated: what VknPlanCreateInfo says, without pointers. It is also what a plan list stores.
struct OperationSpec {
    uint32_t operation = 0;
    uint32_t flags = 0;  // VknPlanFlags
    uint32_t hiddenSize = 0;
    uint32_t roles = 0;  // bit (1 << role)
    uint32_t types[kRoleCount] = {};
    float epsilon = 0;
    float gammaOffset = 0;
    // VknKernelOverride; zero where the library chooses.
    uint32_t form = 0;
    uint32_t workgroupSize = 0;
    uint32_t subgroupSize = 0;
    uint32_t maxWorkgroups = 0;
    uint32_t readTwice = 0;
    char name[64] = {};

    bool has(VknRole role) const { return (roles & roleBit(role)) != 0; }
    bool isSet(VknPlanFlagBits flag) const { return (flags & static_cast<uint32_t>(flag)) != 0; }
    VknType type(VknRole role) const { return static_cast<VknType>(types[role]); }
    // The operand that the kernel reads x from.
    VknRole inputRole() const { return isSet(VKN_PLAN_IN_PLACE_BIT) ? VKN_ROLE_OUTPUT : VKN_ROLE_INPUT; }
};

// Checks a description against the table. INVALID_ARGUMENT, or SUCCESS with `spec` filled.
VknResult makeOperationSpec(const VknPlanCreateInfo& info, OperationSpec& spec, VknError* error);

// Checks a specification that came from a file.
VknResult checkOperationSpec(const OperationSpec& spec, VknError* error);

// Bytes of a row that must move: each input read once, each output written once.
uint64_t leastBytesPerRow(const OperationSpec& spec);
// Bytes of gamma and beta.
uint64_t parameterBytes(const OperationSpec& spec);

}  // namespace vkn
