// How many workgroups a dispatch has.
#pragma once

#include "plan/choose.hpp"

namespace vkn {

// In two dimensions.
struct Grid {
    uint32_t width = 0;
    uint32_t layers = 1;
};

// Of a kernel of rows, or of sums over them: those that are too many loop, or make further layers.
Grid gridOf(const KernelChoice& choice, uint64_t wanted, uint32_t most);

}  // namespace vkn
