#include "base/error.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace vkn {

VknResult fail(VknError* error, VknResult code, const char* field, uint64_t value, uint64_t limit, const char* text,
               ...) {
    if (error == nullptr) {
        return code;
    }
    error->code = code;
    error->value = value;
    error->limit = limit;
    snprintf(error->field, sizeof error->field, "%s", field);
    int used = 0;
    if (field[0] != '\0') {
        used =
            snprintf(error->message, sizeof error->message, "%s %llu: ", field, static_cast<unsigned long long>(value));
    }
    const size_t start = used < 0 ? 0 : static_cast<size_t>(used);
    va_list arguments;
    va_start(arguments, text);
    vsnprintf(error->message + start, sizeof error->message - start, text, arguments);
    va_end(arguments);
    return code;
}

VknResult failArgument(VknError* error, const char* field, uint64_t value, uint64_t limit, const char* text) {
    return fail(error, VKN_ERROR_INVALID_ARGUMENT, field, value, limit, "%s", text);
}

static VknResult resultOf(VkResult result) {
    switch (result) {
        case VK_ERROR_OUT_OF_HOST_MEMORY:
            return VKN_ERROR_OUT_OF_HOST_MEMORY;
        case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        case VK_ERROR_OUT_OF_POOL_MEMORY:
        case VK_ERROR_FRAGMENTED_POOL:
            return VKN_ERROR_OUT_OF_DEVICE_MEMORY;
        case VK_ERROR_DEVICE_LOST:
            return VKN_ERROR_DEVICE_LOST;
        default:
            return VKN_ERROR_PIPELINE_FAILED;
    }
}

VknResult failVulkan(VknError* error, const char* function, VkResult result) {
    return fail(error, resultOf(result), "", static_cast<uint64_t>(static_cast<int64_t>(result)), 0,
                "%s returned VkResult %d", function, static_cast<int>(result));
}

FieldName operandField(uint32_t index, const char* member) {
    FieldName name;
    snprintf(name.text, sizeof name.text, "pOperands[%u].%s", index, member);
    return name;
}

VknResult checkStructureType(VknError* error, const char* field, VknStructureType actual, VknStructureType expected) {
    if (actual == expected) {
        return VKN_SUCCESS;
    }
    return fail(error, VKN_ERROR_INVALID_ARGUMENT, field, static_cast<uint64_t>(actual),
                static_cast<uint64_t>(expected), "must be %d, the structure's type", static_cast<int>(expected));
}

}  // namespace vkn
