// Specialisation of SPIR-V before a driver sees it: constants get their values, branches that these decide disappear, and with
// them blocks, functions and variables that nothing reaches any more. Drivers inline and optimise a module as a whole before
// they know its constants, so a kernel that serves every operation would cost them several times as much; and a binding that
// only unreachable code mentions would have to be in the layout.
#pragma once

#include "device/module.hpp"

namespace vkn {

struct Specialisation {
    const uint32_t* values = nullptr;  // by SpecId
    uint32_t valueCount = 0;
    const uint32_t* bindingOfSlot = nullptr;  // binding b becomes bindingOfSlot[b]; null: as written
    uint32_t slotCount = 0;
};

// Relies on what glslang makes of the kernels: 32-bit constants, structured control flow without OpSwitch, blocks in order of
// dominance, no OpPhi at the head of a loop. The build's tests validate the result for every operation.
SpirvCode specialise(const HostMemory& memory, const SpirvCode& module, const Specialisation& specialisation);

}  // namespace vkn
