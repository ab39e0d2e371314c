// SPIR-V modules: finding one in the embedded table, and unpacking it.
#pragma once

#include "base/host_memory.hpp"
#include "vknorm_kernels.h"

namespace vkn {

// Null if there is none of that name.
const VknKernelModule* findModule(const char* name);

struct SpirvCode {
    uint32_t* words = nullptr;  // null if memory ran out; the caller releases it
    uint32_t wordCount = 0;
};

// OUT_OF_HOST_MEMORY, or BAD_DATA where the module is damaged; nothing is to be released then.
VknResult unpackModule(const HostMemory& memory, const VknKernelModule& module, SpirvCode& code, VknError* error);

}  // namespace vkn
