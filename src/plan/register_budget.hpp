// How many registers a lane has to spend, by vendor and generation.
#pragma once

#include "plan/facts.hpp"

namespace vkn {

// What a lane has room for: how many of a row's elements it can hold in registers, how many lanes can do so at once, and
// whether it can convert a whole chunk of 16-bit elements. Where it cannot, rows of those are not held at all.
struct RegisterBudget {
    uint32_t heldElements;
    uint32_t largestTeam;
    bool canHold16Bit = true;
    uint32_t unalignedPiece = 4;  // elements of rows of any alignment that it works on at once
    bool mustBeFrugal = false;    // with residual blocks of many parts
    bool holds16Bit = true;       // otherwise it converts whole chunks, but rows are read again
    bool mayDrawFirst = true;     // what is dropped of a whole row, before a frugal kernel reads any of it
};

// What an operation needs registers for, beside what is held.
struct RegisterNeeds {
    bool hasMore = false;             // a residual, a gate or gradients
    bool hasTwoBranches = false;      // of a parallel residual
    bool hasCentredGradient = false;  // the backward of LayerNorm, which takes one more mean over a row
};

// Found with each vendor's compiler: the most that no kernel spills with (tests/pipelines).
RegisterBudget registerBudget(const DeviceFacts& facts, const RegisterNeeds& needs);

}  // namespace vkn
