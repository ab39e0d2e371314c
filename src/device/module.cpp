#include "device/module.hpp"

#include <cstring>

namespace vkn {

const VknKernelModule* findModule(const char* name) {
    for (uint32_t i = 0; i < vkn_kernelCount; ++i) {
        if (strcmp(vkn_kernels[i].name, name) == 0) {
            return &vkn_kernels[i];
        }
    }
    return nullptr;
}

}  // namespace vkn
