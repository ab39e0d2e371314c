// The library's kernels, unpacked.
#pragma once

#include "device/module.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace vknorm::test {

struct KernelModule {
    std::string name;
    std::vector<uint32_t> words;
};

inline KernelModule unpacked(const VknKernelModule& module) {
    const vkn::HostMemory memory;
    vkn::SpirvCode code;
    if (vkn::unpackModule(memory, module, code, nullptr) != VKN_SUCCESS) {
        throw std::runtime_error(std::string("cannot unpack ").append(module.name));
    }
    KernelModule whole = {module.name, std::vector<uint32_t>(code.words, code.words + code.wordCount)};
    memory.release(code.words);
    return whole;
}

inline std::vector<KernelModule> kernelModules() {
    std::vector<KernelModule> modules;
    for (uint32_t m = 0; m < vkn_kernelCount; ++m) {
        modules.push_back(unpacked(vkn_kernels[m]));
    }
    return modules;
}

}  // namespace vknorm::test
