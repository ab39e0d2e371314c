// What a kernel moves to and from memory: the bytes that plan information tells.
#pragma once

#include "plan/choose.hpp"

namespace vkn {

struct Traffic {
    uint32_t inputReads = 0;   // times that each element of x is read
    uint64_t bytesPerRow = 0;  // each read and each write of what rows have
};

// Of the kernel for aligned rows, which holds what fits in registers, or of the one for any rows, which holds nothing.
Traffic trafficOf(const OperationSpec& spec, const KernelChoice& choice, bool aligned);

// The same of the backward, whose kernels hold nothing (gradient_traffic.cpp).
Traffic gradientTraffic(const OperationSpec& spec, const KernelChoice& choice, bool aligned);

// Elements of a row, of all groups of an image, that lanes read in the first of their groups of chunks.
uint64_t elementsOfFirstGroup(const OperationSpec& spec, const KernelChoice& choice);

}  // namespace vkn
