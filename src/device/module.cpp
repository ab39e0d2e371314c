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

// Bytes of a module's code and, before it, of that of modules that it is like. 0: damaged.
static size_t sizeOfCode(const VknKernelModule& module, PackedHeader& header) {
    size_t size = 0;
    PackedHeader own;
    for (const VknKernelModule* each = &module; each != nullptr; each = each->like) {
        if (!readPackedHeader({each->packed, each->packedSize}, own)) {
            return 0;
        }
        header = each == &module ? own : header;
        size += own.codeSize;
    }
    return size;
}

// The code's end, from where what it is like starts; null: damaged.
static uint8_t* expandWithLike(const VknKernelModule& module, uint8_t* start) {
    uint8_t* own = module.like != nullptr ? expandWithLike(*module.like, start) : start;
    const PackedBytes packed = {module.packed, module.packedSize};
    PackedHeader header;
    const bool isWhole = own != nullptr && readPackedHeader(packed, header) &&
                         expandCode(packed, header, own, static_cast<size_t>(own - start));
    return isWhole ? own + header.codeSize : nullptr;
}

static bool unpack(const VknKernelModule& module, const PackedHeader& header, uint8_t* code, uint32_t* words) {
    const uint8_t* end = expandWithLike(module, code);
    return end != nullptr && decodeWords(header, end - header.codeSize, words);
}

VknResult unpackModule(const HostMemory& memory, const VknKernelModule& module, SpirvCode& code, VknError* error) {
    PackedHeader header;
    const size_t size = sizeOfCode(module, header);
    if (size == 0) {
        return failDamaged(module, error);
    }
    auto* steps = static_cast<uint8_t*>(memory.allocate(size));
    auto* words = static_cast<uint32_t*>(memory.allocate(header.wordCount * sizeof(uint32_t)));
    VknResult result = VKN_SUCCESS;
    if (steps == nullptr || words == nullptr) {
        result = fail(error, VKN_ERROR_OUT_OF_HOST_MEMORY, "", 0, 0, "no memory to unpack the kernel %s", module.name);
    } else if (!unpack(module, header, steps, words)) {
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
