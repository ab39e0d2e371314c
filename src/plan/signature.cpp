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

static void numberBindings(Signature& signature, bool packParameters) {
    signature.bindingCount = 0;
    for (uint32_t slot = 0; slot < VKN_BINDING_COUNT; ++slot) {
        if (!signature.hasSlot[slot]) {
            continue;
        }
        const bool joins = packParameters && slot == VKN_BINDING_BETA && signature.hasSlot[VKN_BINDING_GAMMA];
        signature.bindingOfSlot[slot] = joins ? signature.bindingOfSlot[VKN_BINDING_GAMMA] : signature.bindingCount++;
    }
    for (uint32_t slot = 0; slot < VKN_BINDING_COUNT; ++slot) {
        if (!signature.hasSlot[slot]) {
            signature.bindingOfSlot[slot] = signature.bindingOfSlot[VKN_BINDING_OUTPUT];
        }
    }
}

static void describe(const OperationSpec& spec, Signature& signature) {
    uint32_t previous = UINT32_MAX;
    for (uint32_t r = 1; r < kRoleCount; ++r) {
        const RoleInfo* role = findRole(static_cast<VknRole>(r));
        if (!spec.has(role->role)) {
            continue;
        }
        const uint32_t binding = signature.bindingOfSlot[role->slot];
        const size_t used = strlen(signature.text);
        const char* joint = used == 0 ? "" : (binding == previous ? "+" : " ");
        snprintf(signature.text + used, sizeof signature.text - used, "%s%s", joint, role->name);
        previous = binding;
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
