// What a kernel accesses, and how it is told where that is: bindings and push constants.
#pragma once

#include "plan/signature.hpp"
#include "plan/words.hpp"

namespace vkn {

struct KernelInterface {
    RoleSet roles = 0;
    RoleSet sharing = 0;  // those of which the binding is another's too
    // Those that have a binding, by its number: operands that share one follow each other.
    const RoleInfo* inOrder[kRoleCount] = {};
    uint32_t inOrderCount = 0;
    Signature signature;
    WordLayout words;

    bool has(VknRole role) const { return (roles & roleBit(role)) != 0; }
    uint32_t bindingOf(const RoleInfo& role) const { return signature.bindingOfSlot[role.slot]; }
    bool shareBinding(VknRole a, VknRole b) const {
        const RoleSet pair = roleBit(a) | roleBit(b);
        return (sharing & pair) == pair && bindingOf(*findRole(a)) == bindingOf(*findRole(b));
    }
};

// UNSUPPORTED where a device has too few storage buffers, or push constants have too little room.
VknResult makeKernelInterface(const DeviceFacts& facts, const OperationSpec& spec, RoleSet roles, uint32_t scratchWords,
                              KernelInterface& made, VknError* error);

}  // namespace vkn
