#include "plan/signature.hpp"

#include "base/error.hpp"

#include <cstdio>
#include <cstring>

namespace vkn {

uint32_t layoutStorageBuffers(const DeviceFacts& facts) {
    return facts.maxStorageBuffers < kMostStorageBuffers ? facts.maxStorageBuffers : kMostStorageBuffers;
}

static bool hasRole(RoleSet roles, VknRole role) { return (roles & roleBit(role)) != 0; }

static void markSlots(RoleSet roles, Signature& signature) {
    for (uint32_t r = 1; r < kRoleCount; ++r) {
        const RoleInfo& role = *findRole(static_cast<VknRole>(r));
        if (hasRole(roles, role.role) && role.hasSlot()) {
            signature.hasSlot[role.slot] = true;
        }
    }
}

// Slots that share a binding once that many steps of packing are taken.
struct SharedBinding {
    uint32_t steps;
    uint32_t slots;  // bit (1 << VKN_BINDING_*)
};

static constexpr uint32_t slotBit(uint32_t slot) { return 1U << slot; }

static constexpr SharedBinding kSharedBindings[] = {
    {1, slotBit(VKN_BINDING_GAMMA) | slotBit(VKN_BINDING_BETA) | slotBit(VKN_BINDING_PARAMETERS)},
    {2, slotBit(VKN_BINDING_OUTPUT_GRADIENT) | slotBit(VKN_BINDING_OUTPUT_2_GRADIENT)},
    {2, slotBit(VKN_BINDING_INPUT_GRADIENT) | slotBit(VKN_BINDING_INPUT_2_GRADIENT)},
    {3, slotBit(VKN_BINDING_INPUT_GRADIENT) | slotBit(VKN_BINDING_INPUT_2_GRADIENT) |
            slotBit(VKN_BINDING_RESIDUAL_GRADIENT)},
};
static constexpr uint32_t kMostSteps = 3;

// Of the slots before this one, the first that shares its binding; the slot itself where none does.
static uint32_t firstOfShared(const Signature& signature, uint32_t slot, uint32_t steps) {
    for (uint32_t other = 0; other < slot; ++other) {
        for (const SharedBinding& shared : kSharedBindings) {
            const bool areBoth = (shared.slots & slotBit(other)) != 0 && (shared.slots & slotBit(slot)) != 0;
            if (signature.hasSlot[other] && shared.steps <= steps && areBoth) {
                return other;
            }
        }
    }
    return slot;
}

static void numberBindings(Signature& signature, uint32_t steps) {
    signature.bindingCount = 0;
    for (uint32_t slot = 0; slot < VKN_BINDING_COUNT; ++slot) {
        signature.bindingOfSlot[slot] = 0;
        if (signature.hasSlot[slot]) {
            const uint32_t first = firstOfShared(signature, slot, steps);
            signature.bindingOfSlot[slot] = first != slot ? signature.bindingOfSlot[first] : signature.bindingCount++;
        }
    }
}

// Operands by binding, those of one joined by +.
static void describe(RoleSet roles, Signature& signature) {
    for (uint32_t binding = 0; binding < signature.bindingCount; ++binding) {
        const char* joint = binding == 0 ? "" : " ";
        for (uint32_t r = 1; r < kRoleCount; ++r) {
            const RoleInfo* role = findRole(static_cast<VknRole>(r));
            if (hasRole(roles, role->role) && role->hasSlot() && signature.bindingOfSlot[role->slot] == binding) {
                const size_t used = strlen(signature.text);
                snprintf(signature.text + used, sizeof signature.text - used, "%s%s", joint, role->name);
                joint = "+";
            }
        }
    }
}

VknResult makeSignature(const DeviceFacts& facts, RoleSet roles, bool hasScratch, Signature& signature,
                        VknError* error) {
    signature = Signature();
    markSlots(roles, signature);
    signature.hasSlot[VKN_BINDING_SCRATCH] = hasScratch;
    const uint32_t limit = layoutStorageBuffers(facts);
    for (uint32_t steps = 0; steps <= kMostSteps && (steps == 0 || signature.bindingCount > limit); ++steps) {
        numberBindings(signature, steps);
    }
    if (signature.bindingCount > limit) {
        return fail(error, VKN_ERROR_UNSUPPORTED, "operandCount", signature.bindingCount, limit,
                    "storage buffers are needed, and this device permits %u", limit);
    }
    describe(roles, signature);
    return VKN_SUCCESS;
}

}  // namespace vkn
