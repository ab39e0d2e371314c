// What AMD's disassembly shows of a kernel.
#pragma once

#include "variants/variants.hpp"

#include <cstddef>
#include <string>

namespace vknorm::test {

// What the kernel for aligned rows may do beside moving 128 bits at a time.
struct NarrowAccesses {
    bool readsWords =
        false;  // the number of rows from the GPU, what a row has one of, tables, channels' weights and means
    bool writesHalfQuads = false;  // pieces of 8-bit elements
};

NarrowAccesses narrowAccesses(const Variant& variant);

bool isAmdCode(const std::string& code);

// Loads and stores of 128 bits.
size_t wideAccesses(const std::string& code);

// What is wrong with the code for a pipeline; empty: nothing. `isAligned`: it is the kernel for aligned rows.
std::string amdFault(const std::string& code, bool isAligned, const NarrowAccesses& narrow);

}  // namespace vknorm::test
