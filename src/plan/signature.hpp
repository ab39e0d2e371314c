// A plan's bindings: which operand is bound where.
#pragma once

#include "include/interface.h"
#include "plan/facts.hpp"
#include "plan/operation.hpp"

namespace vkn {

constexpr uint32_t kMostStorageBuffers = 8;  // of a layout, whatever the device grants

struct Signature {
    uint32_t bindingOfSlot[VKN_BINDING_COUNT] =
        {};  // an absent slot has a present one's binding, which it never accesses
    bool hasSlot[VKN_BINDING_COUNT] = {};
    uint32_t bindingCount = 0;
    char text[252] = {};  // "input output gamma+beta": operands joined by + share a binding
};

// Of a kernel that accesses `roles`, and scratch: gives every tensor of rows, gamma and beta a binding of their own, one to the
// rarer parameters and one to what rows have one of. Where that is too much for the device, or for a layout, all parameters
// share one; then the gradients of the two outputs, and those of the two branches; then all gradients that are written.
// UNSUPPORTED where that is not enough.
VknResult makeSignature(const DeviceFacts& facts, RoleSet roles, bool hasScratch, Signature& signature,
                        VknError* error);

// Storage buffers that a set has on this device, for any operation.
uint32_t layoutStorageBuffers(const DeviceFacts& facts);

}  // namespace vkn
