// SPIR-V modules: finding one in the embedded table.
#pragma once

#include "vknorm_kernels.h"

namespace vkn {

// Null if there is none of that name.
const VknKernelModule* findModule(const char* name);

}  // namespace vkn
