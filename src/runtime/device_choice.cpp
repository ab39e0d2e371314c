// Choosing one device of a list, and describing them. No Vulkan call.
#include <vknorm/runtime.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace vknorm {
namespace {

struct TypeText {
    VkPhysicalDeviceType type;
    const char* text;
};

// In the order of preference.
constexpr std::array kTypes = {
    TypeText{VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, "discrete GPU"},
    TypeText{VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU, "integrated GPU"},
    TypeText{VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU, "virtual GPU"},
    TypeText{VK_PHYSICAL_DEVICE_TYPE_OTHER, "other"},
    TypeText{VK_PHYSICAL_DEVICE_TYPE_CPU, "software, not a GPU"},
};

size_t typeRank(VkPhysicalDeviceType type) {
    for (size_t i = 0; i < kTypes.size(); ++i) {
        if (kTypes[i].type == type) {
            return i;
        }
    }
    return kTypes.size();
}

std::string lowerCase(const std::string& text) {
    std::string result = text;
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
    return result;
}

bool isDigits(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Lower case without dashes, or empty if the text is no UUID.
std::string asUuid(const std::string& text) {
    std::string digits;
    for (const char c : lowerCase(text)) {
        if (c == '-') {
            continue;
        }
        if (std::isxdigit(static_cast<unsigned char>(c)) == 0) {
            return {};
        }
        digits += c;
    }
    return digits.size() == 2 * VK_UUID_SIZE ? digits : std::string{};
}

[[noreturn]] void failChoice(const std::vector<DeviceInfo>& devices, const std::string& problem) {
    throw RuntimeError(VK_ERROR_INITIALIZATION_FAILED,
                       problem +
                           ". Choose by index, UUID or a part of the name, as argument or in the environment "
                           "variable VKNORM_DEVICE. Devices:\n" +
                           describeDevices(devices));
}

template <typename Predicate>
std::vector<const DeviceInfo*> matching(const std::vector<DeviceInfo>& devices, Predicate predicate) {
    std::vector<const DeviceInfo*> found;
    for (const DeviceInfo& device : devices) {
        if (predicate(device)) {
            found.push_back(&device);
        }
    }
    return found;
}

std::vector<const DeviceInfo*> candidates(const std::vector<DeviceInfo>& devices, const std::string& selector) {
    const std::string uuid = asUuid(selector);
    if (!uuid.empty()) {
        return matching(devices, [&](const DeviceInfo& device) { return device.deviceUUID == uuid; });
    }
    if (isDigits(selector)) {
        // Compared as text: no number is too large for that.
        std::string digits = selector;
        digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
        return matching(devices, [&](const DeviceInfo& device) { return std::to_string(device.index) == digits; });
    }
    const std::string part = lowerCase(selector);
    // The whole name beats a part of it: "GPU 1" is not ambiguous beside "GPU 10".
    auto found = matching(devices, [&](const DeviceInfo& device) { return lowerCase(device.name) == part; });
    if (found.empty()) {
        found = matching(
            devices, [&](const DeviceInfo& device) { return lowerCase(device.name).find(part) != std::string::npos; });
    }
    if (found.empty()) {
        found = matching(devices, [&](const DeviceInfo& device) {
            return lowerCase(device.driverName).find(part) != std::string::npos;
        });
    }
    return found;
}

}  // namespace

const DeviceInfo& chooseDevice(const std::vector<DeviceInfo>& devices, const std::string& selector) {
    if (selector.empty()) {
        const DeviceInfo* best = nullptr;
        for (const DeviceInfo& device : devices) {
            if (device.hasComputeQueue && (best == nullptr || typeRank(device.type) < typeRank(best->type))) {
                best = &device;
            }
        }
        if (best == nullptr) {
            throw RuntimeError(VK_ERROR_INITIALIZATION_FAILED,
                               "no Vulkan device here has a compute queue: install your GPU vendor's driver, or "
                               "mesa-vulkan-drivers (Debian/Ubuntu) for a software driver. Devices:\n" +
                                   describeDevices(devices));
        }
        return *best;
    }
    const std::vector<const DeviceInfo*> found = candidates(devices, selector);
    if (found.empty()) {
        failChoice(devices, "no Vulkan device matches \"" + selector + "\"");
    }
    if (found.size() > 1) {
        failChoice(devices, "\"" + selector + "\" matches " + std::to_string(found.size()) + " Vulkan devices");
    }
    if (!found.front()->hasComputeQueue) {
        failChoice(devices, "the device \"" + found.front()->name + "\" has no compute queue");
    }
    return *found.front();
}

std::string describeDevice(const DeviceInfo& device) {
    const size_t rank = typeRank(device.type);
    std::string text = "[" + std::to_string(device.index) + "] " + device.name + ": " +
                       (rank < kTypes.size() ? kTypes[rank].text : "unknown type") + "; Vulkan " +
                       std::to_string(VK_API_VERSION_MAJOR(device.apiVersion)) + "." +
                       std::to_string(VK_API_VERSION_MINOR(device.apiVersion));
    if (!device.driverName.empty()) {
        text += "; driver " + device.driverName + (device.driverInfo.empty() ? "" : " " + device.driverInfo);
    }
    text += device.subgroupSize != 0 ? "; subgroup " + std::to_string(device.subgroupSize) : "; no subgroups";
    if (!device.deviceUUID.empty()) {
        text += "; UUID " + device.deviceUUID;
    }
    if (!device.hasComputeQueue) {
        text += "; no compute queue";
    }
    return text;
}

std::string describeDevices(const std::vector<DeviceInfo>& devices) {
    std::string text;
    for (const DeviceInfo& device : devices) {
        text += (text.empty() ? "  " : "\n  ") + describeDevice(device);
    }
    return devices.empty() ? "  (none)" : text;
}

}  // namespace vknorm
