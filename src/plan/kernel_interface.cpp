#include "plan/kernel_interface.hpp"

#include "base/error.hpp"

namespace vkn {

static void orderByBinding(KernelInterface& kernel) {
    for (uint32_t binding = 0; binding < kernel.signature.bindingCount; ++binding) {
        for (RoleSet left = kernel.roles; left != 0; left = withoutFirst(left)) {
            const RoleInfo& role = *findRole(firstRole(left));
            if (role.hasSlot() && kernel.bindingOf(role) == binding) {
                kernel.inOrder[kernel.inOrderCount++] = &role;
            }
        }
    }
}

static RoleSet findSharing(const KernelInterface& kernel) {
    RoleSet sharing = 0;
    for (uint32_t i = 1; i < kernel.inOrderCount; ++i) {
        const RoleInfo& previous = *kernel.inOrder[i - 1];
        const RoleInfo& role = *kernel.inOrder[i];
        if (kernel.bindingOf(previous) == kernel.bindingOf(role)) {
            sharing |= roleBit(previous.role) | roleBit(role.role);
        }
    }
    return sharing;
}

VknResult makeKernelInterface(const DeviceFacts& facts, const OperationSpec& spec, RoleSet roles, uint32_t scratchWords,
                              KernelInterface& made, VknError* error) {
    made.roles = roles;
    made.words = makeWordLayout(spec, roles, scratchWords);
    const VknResult result = makeSignature(facts, roles, scratchWords != 0, made.signature, error);
    if (result == VKN_SUCCESS && made.words.count > VKN_MAX_WORDS) {
        return fail(error, VKN_ERROR_UNSUPPORTED, "pOperands", made.words.count, VKN_MAX_WORDS,
                    "these operands and options need %u words of push constants, and devices grant %u",
                    made.words.count, uint32_t{VKN_MAX_WORDS});
    }
    if (result == VKN_SUCCESS) {
        orderByBinding(made);
        made.sharing = findSharing(made);
    }
    return result;
}

}  // namespace vkn
