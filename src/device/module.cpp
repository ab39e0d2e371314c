#include "device/module.hpp"

#include "base/error.hpp"
#include "device/packed_module.hpp"

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

static VknResult failDamaged(const VknKernelModule& module, VknError* error) {
    return fail(error, VKN_ERROR_BAD_DATA, "", 0, 0, "the library's own kernel %s is damaged", module.name);
}

VknResult unpackModule(const HostMemory& memory, const VknKernelModule& module, SpirvCode& code, VknError* error) {
    const PackedBytes packed = {module.packed, module.packedSize};
    PackedHeader header;
    if (!readPackedHeader(packed, header)) {
        return failDamaged(module, error);
    }
    auto* steps = static_cast<uint8_t*>(memory.allocate(header.codeSize));
    auto* words = static_cast<uint32_t*>(memory.allocate(header.wordCount * sizeof(uint32_t)));
    VknResult result = VKN_SUCCESS;
    if (steps == nullptr || words == nullptr) {
        result = fail(error, VKN_ERROR_OUT_OF_HOST_MEMORY, "", 0, 0, "no memory to unpack the kernel %s", module.name);
    } else if (!unpack(packed, header, steps, words)) {
        result = failDamaged(module, error);
    }
    memory.release(steps);
    if (result != VKN_SUCCESS) {
        memory.release(words);
        return result;
    }
    code = {words, header.wordCount};
    return VKN_SUCCESS;
}

}  // namespace vkn
