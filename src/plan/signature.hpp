// A plan's bindings: which operand is bound where.
#pragma once

#include "include/interface.h"
#include "plan/facts.hpp"
#include "plan/operation.hpp"

namespace vkn {

struct Signature {
    uint32_t bindingOfSlot[VKN_BINDING_COUNT] =
        {};  // an absent slot has a present one's binding, which it never accesses
    bool hasSlot[VKN_BINDING_COUNT] = {};
    uint32_t bindingCount = 0;
    char text[256] = {};  // "input output gamma+beta": operands joined by + share a binding
};

// Gives every tensor of rows, gamma and beta a binding of their own, one to the rarer parameters and one to what rows have one
// of; where the device grants too few storage buffers, all parameters share one. UNSUPPORTED where that is not enough.
VknResult makeSignature(const DeviceFacts& facts, const OperationSpec& spec, Signature& signature, VknError* error);

// Storage buffers that a set has on this device, for any operation.
uint32_t layoutStorageBuffers(const DeviceFacts& facts);

}  // namespace vkn
