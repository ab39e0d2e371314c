#include "runtime/error.hpp"

#include <array>
#include <cstdio>

namespace vknorm::detail {
namespace {

struct ResultText {
    VkResult result;
    const char* name;
    const char* advice;
};

constexpr std::array kResults = {
    ResultText{VK_NOT_READY, "VK_NOT_READY", ""},
    ResultText{VK_TIMEOUT, "VK_TIMEOUT", ""},
    ResultText{VK_INCOMPLETE, "VK_INCOMPLETE", ""},
    ResultText{VK_ERROR_OUT_OF_HOST_MEMORY, "VK_ERROR_OUT_OF_HOST_MEMORY", "the process is out of memory"},
    ResultText{VK_ERROR_OUT_OF_DEVICE_MEMORY, "VK_ERROR_OUT_OF_DEVICE_MEMORY",
               "the device is out of memory: use smaller buffers, or close other programs that use the GPU"},
    ResultText{VK_ERROR_INITIALIZATION_FAILED, "VK_ERROR_INITIALIZATION_FAILED",
               "the driver could not start: check that this user may open the GPU (on Linux: /dev/dri, groups "
               "video and render)"},
    ResultText{VK_ERROR_DEVICE_LOST, "VK_ERROR_DEVICE_LOST",
               "the driver reset the GPU, or it was removed: see the system log (dmesg); a submit that runs for "
               "seconds may be stopped by the operating system. Create a new Device to go on"},
    ResultText{VK_ERROR_MEMORY_MAP_FAILED, "VK_ERROR_MEMORY_MAP_FAILED", "out of address space"},
    ResultText{VK_ERROR_LAYER_NOT_PRESENT, "VK_ERROR_LAYER_NOT_PRESENT",
               "a layer named in the environment (VK_INSTANCE_LAYERS) is not installed"},
    ResultText{VK_ERROR_EXTENSION_NOT_PRESENT, "VK_ERROR_EXTENSION_NOT_PRESENT", ""},
    ResultText{VK_ERROR_FEATURE_NOT_PRESENT, "VK_ERROR_FEATURE_NOT_PRESENT", ""},
    ResultText{VK_ERROR_INCOMPATIBLE_DRIVER, "VK_ERROR_INCOMPATIBLE_DRIVER", ""},
    ResultText{VK_ERROR_TOO_MANY_OBJECTS, "VK_ERROR_TOO_MANY_OBJECTS",
               "too many allocations or devices exist: destroy Buffers that are no longer needed"},
    ResultText{VK_ERROR_UNKNOWN, "VK_ERROR_UNKNOWN", ""},
};

const ResultText* findResult(VkResult result) {
    for (const ResultText& text : kResults) {
        if (text.result == result) {
            return &text;
        }
    }
    return nullptr;
}

}  // namespace

const char* resultName(VkResult result) {
    const ResultText* text = findResult(result);
    return text != nullptr ? text->name : "an unknown VkResult";
}

std::string formatBytes(VkDeviceSize bytes) {
    static constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(bytes);
    size_t unit = 0;
    while (value >= 1024.0 && unit + 1 < kUnits.size()) {
        value /= 1024.0;
        ++unit;
    }
    char text[48];
    std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.2f %s", value, kUnits[unit]);
    return text;
}

void fail(VkResult result, const std::string& what) {
    const ResultText* text = findResult(result);
    std::string message = what + ": ";
    message += text != nullptr ? text->name : "VkResult " + std::to_string(static_cast<int>(result));
    if (text != nullptr && text->advice[0] != '\0') {
        message += std::string(": ") + text->advice;
    }
    throw RuntimeError(result, message);
}

void fail(VknResult result, const VknError& error, const std::string& what) {
    VkResult code = VK_ERROR_UNKNOWN;
    switch (result) {
        case VKN_ERROR_OUT_OF_HOST_MEMORY:
            code = VK_ERROR_OUT_OF_HOST_MEMORY;
            break;
        case VKN_ERROR_OUT_OF_DEVICE_MEMORY:
            code = VK_ERROR_OUT_OF_DEVICE_MEMORY;
            break;
        case VKN_ERROR_DEVICE_LOST:
            code = VK_ERROR_DEVICE_LOST;
            break;
        case VKN_ERROR_UNSUPPORTED:
            code = VK_ERROR_FEATURE_NOT_PRESENT;
            break;
        default:
            break;
    }
    std::string message = what + ": " + vknResultName(result);
    if (error.message[0] != '\0') {
        message += std::string(": ") + error.message;
    }
    throw RuntimeError(code, message);
}

}  // namespace vknorm::detail
