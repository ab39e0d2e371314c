// SPIR-V modules: finding one in the embedded table, and giving it a plan's binding numbers.
#pragma once

#include "base/host_memory.hpp"
#include "vknorm_kernels.h"

namespace vkn {

// Null if there is none of that name.
const VknKernelModule* findModule(const char* name);

// Copies a module and renumbers its storage bindings: binding b becomes bindingOfSlot[b]. Variables that no specialisation
// of the plan can reach end up on some other operand's binding, so the layout holds what the operation has and nothing else;
// views that do meet are decorated Aliased. Null if memory ran out; the caller releases it.
uint32_t* renumberBindings(const HostMemory& memory, const VknKernelModule& module, const uint32_t* bindingOfSlot,
                           uint32_t slotCount);

}  // namespace vkn
