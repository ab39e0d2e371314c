#include "plan/signature.hpp"

#include "base/error.hpp"

#include <cstdio>
#include <cstring>

namespace vkn {

static constexpr uint32_t kMostStorageBuffers = 8;

uint32_t layoutStorageBuffers(const DeviceFacts& facts) {
    return facts.maxStorageBuffers < kMostStorageBuffers ? facts.maxStorageBuffers : kMostStorageBuffers;
}

static void markSlots(const OperationSpec& spec, Signature& signature) {
    for (uint32_t r = 1; r < kRoleCount; ++r) {
        const auto role = static_cast<VknRole>(r);
        if (spec.has(role)) {
            signature.hasSlot[findRole(role)->slot] = true;
        }
    }
}

static bool isParameterSlot(uint32_t slot) {
    return slot == VKN_BINDING_GAMMA || slot == VKN_BINDING_BETA || slot == VKN_BINDING_PARAMETERS;
}

static void numberBindings(Signature& signature, bool packParameters) {
    signature.bindingCount = 0;
    uint32_t ofParameters = UINT32_MAX;
    for (uint32_t slot = 0; slot < VKN_BINDING_COUNT; ++slot) {
        if (!signature.hasSlot[slot]) {
            continue;
        }
        const bool joins = packParameters && isParameterSlot(slot) && ofParameters != UINT32_MAX;
        signature.bindingOfSlot[slot] = joins ? ofParameters : signature.bindingCount++;
        ofParameters = isParameterSlot(slot) ? signature.bindingOfSlot[slot] : ofParameters;
    }
    for (uint32_t slot = 0; slot < VKN_BINDING_COUNT; ++slot) {
        if (!signature.hasSlot[slot]) {
            signature.bindingOfSlot[slot] = 0;
        }
    }
}

// Operands by binding, those of one joined by +.
static void describe(const OperationSpec& spec, Signature& signature) {
    for (uint32_t binding = 0; binding < signature.bindingCount; ++binding) {
        const char* joint = binding == 0 ? "" : " ";
        for (uint32_t r = 1; r < kRoleCount; ++r) {
            const RoleInfo* role = findRole(static_cast<VknRole>(r));
            if (spec.has(role->role) && signature.bindingOfSlot[role->slot] == binding) {
                const size_t used = strlen(signature.text);
                snprintf(signature.text + used, sizeof signature.text - used, "%s%s", joint, role->name);
                joint = "+";
            }
        }
    }
}

VknResult makeSignature(const DeviceFacts& facts, const OperationSpec& spec, Signature& signature, VknError* error) {
    signature = Signature();
    markSlots(spec, signature);
    numberBindings(signature, false);
    const uint32_t limit = layoutStorageBuffers(facts);
    if (signature.bindingCount > limit) {
        numberBindings(signature, true);
    }
    if (signature.bindingCount > limit) {
        return fail(error, VKN_ERROR_UNSUPPORTED, "operandCount", signature.bindingCount, limit,
                    "storage buffers are needed, and this device permits %u", limit);
    }
    describe(spec, signature);
    return VKN_SUCCESS;
}

}  // namespace vkn
