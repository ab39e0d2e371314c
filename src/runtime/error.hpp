// How the runtime reports failures: every message says what went wrong and what to do about it.
#ifndef VKNORM_RUNTIME_ERROR_HPP
#define VKNORM_RUNTIME_ERROR_HPP

#include <vknorm/runtime.hpp>

#include <string>

namespace vknorm::detail {

const char* resultName(VkResult result);

// "1.5 GiB", "96 B".
std::string formatBytes(VkDeviceSize bytes);

// Throws RuntimeError: "<what>: VK_ERROR_…: <advice>".
[[noreturn]] void fail(VkResult result, const std::string& what);

// The engine library's errors, in its own words.
[[noreturn]] void fail(VknResult result, const VknError& error, const std::string& what);

inline void check(VkResult result, const char* what) {
    if (result != VK_SUCCESS) {
        fail(result, what);
    }
}

}  // namespace vknorm::detail

#endif
