// Where an operation's numbers lie in the push constants of its kernels: shaders/include/interface.h says what they are.
#pragma once

#include "include/interface.h"
#include "plan/operation.hpp"

namespace vkn {

struct WordLayout {
    uint32_t ofRole[kRoleCount] = {};  // the first word of each operand; of one that is read in place, its stand-in's
    uint32_t ofDropout = 0;
    uint32_t ofParameterRows = 0;
    uint32_t ofScratch = 0;
    uint32_t count = 0;
    bool hasOuterStrides = true;  // otherwise each outer block is a dispatch of its own

    uint32_t firstOperand() const { return hasOuterStrides ? VKN_WORD_FIRST_OPERAND : VKN_WORD_FIRST_WITHOUT_OUTER; }
};

// Of a kernel that accesses `roles`, with so many words about scratch. Fits in the 128 bytes that every device grants, but for a
// residual block with all there is.
WordLayout makeWordLayout(const OperationSpec& spec, RoleSet roles, uint32_t scratchWords);

// How many of dropout's words an operation has.
uint32_t dropoutWords(const OperationSpec& spec);

}  // namespace vkn
