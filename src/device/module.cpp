#include "device/module.hpp"

#include <cstring>

namespace vkn {

// From the SPIR-V specification: header of five words; an instruction's first word is its length and its opcode.
static constexpr uint32_t kHeaderWords = 5;
static constexpr uint32_t kOpDecorate = 71;
static constexpr uint32_t kDecorationBinding = 33;

const VknKernelModule* findModule(const char* name) {
    for (uint32_t i = 0; i < vkn_kernelCount; ++i) {
        if (strcmp(vkn_kernels[i].name, name) == 0) {
            return &vkn_kernels[i];
        }
    }
    return nullptr;
}

uint32_t* renumberBindings(const HostMemory& memory, const VknKernelModule& module, const uint32_t* bindingOfSlot,
                           uint32_t slotCount) {
    auto* words = static_cast<uint32_t*>(memory.allocate(module.wordCount * sizeof(uint32_t)));
    if (words == nullptr) {
        return nullptr;
    }
    memcpy(words, module.words, module.wordCount * sizeof(uint32_t));
    for (uint32_t at = kHeaderWords; at < module.wordCount;) {
        const uint32_t length = words[at] >> 16;
        const uint32_t opcode = words[at] & 0xFFFFu;
        if (opcode == kOpDecorate && length == 4 && words[at + 2] == kDecorationBinding && words[at + 3] < slotCount) {
            words[at + 3] = bindingOfSlot[words[at + 3]];
        }
        at += length == 0 ? module.wordCount : length;
    }
    return words;
}

}  // namespace vkn
