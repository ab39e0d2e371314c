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
    char text[64] = {};  // "input output gamma+beta": operands joined by + share a binding
};

// Gives every operand a binding of its own, but mean and rstd one together; where the device grants too few storage buffers,
// gamma and beta share one as well. UNSUPPORTED where that is not enough.
VknResult makeSignature(const DeviceFacts& facts, const OperationSpec& spec, Signature& signature, VknError* error);

// Storage buffers that a set has on this device, for any operation.
uint32_t layoutStorageBuffers(const DeviceFacts& facts);

}  // namespace vkn
