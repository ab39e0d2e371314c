// How a failing call tells what was wrong: a result code, and the caller's VknError filled.
#pragma once

#include "vknorm/vknorm.h"

namespace vkn {

// Fills `error` (may be null) and returns `code`. The message is "<field> <value>: <text>", or just the text where field is
// empty. `text` is a printf format.
#if defined(__GNUC__)
__attribute__((format(printf, 6, 7)))
#endif
VknResult
fail(VknError* error, VknResult code, const char* field, uint64_t value, uint64_t limit, const char* text, ...);

// INVALID_ARGUMENT with a limit.
VknResult failArgument(VknError* error, const char* field, uint64_t value, uint64_t limit, const char* text);

// Turns a failed Vulkan call into a result code.
VknResult failVulkan(VknError* error, const char* function, VkResult result);

// A field name with an index, such as pOperands[2].offset, in a buffer of its own.
struct FieldName {
    char text[64];
};
FieldName operandField(uint32_t index, const char* member);

// INVALID_ARGUMENT if a structure's sType is not what it should be.
VknResult checkStructureType(VknError* error, const char* field, VknStructureType actual, VknStructureType expected);

}  // namespace vkn
