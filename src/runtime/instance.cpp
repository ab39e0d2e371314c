#include "runtime/instance.hpp"

#include "runtime/error.hpp"

#include <volk.h>

#include <algorithm>
#include <cstring>
#include <mutex>

namespace vknorm::detail {
namespace {

constexpr const char* kNoLoader =
    "no Vulkan loader found: install libvulkan1 (Debian/Ubuntu), vulkan-loader (Fedora), vulkan-icd-loader (Arch), "
    "MoltenVK (macOS), or your GPU vendor's driver (Windows)";
constexpr const char* kNoDriver =
    "no Vulkan driver found: install mesa-vulkan-drivers (Debian/Ubuntu; it has a software driver too) or your GPU "
    "vendor's driver, or set VK_DRIVER_FILES (older loaders: VK_ICD_FILENAMES) to a driver's .json file";

// volk keeps its functions in global variables, so whatever sets them is under one lock.
std::mutex& volkMutex() {
    static std::mutex mutex;
    return mutex;
}

PFN_vkGetInstanceProcAddr systemLoader() {
    const std::lock_guard<std::mutex> lock(volkMutex());
    // Not tried again after success: a second load would only raise the library's reference count.
    static bool loaded = false;
    if (!loaded) {
        if (volkInitialize() != VK_SUCCESS || vkGetInstanceProcAddr == nullptr) {
            throw RuntimeError(VK_ERROR_INITIALIZATION_FAILED, kNoLoader);
        }
        loaded = true;
    }
    return vkGetInstanceProcAddr;
}

// noexcept: an exception must not travel through the driver's C frames.
VKAPI_ATTR VkBool32 VKAPI_CALL forwardMessage(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                              VkDebugUtilsMessageTypeFlagsEXT,
                                              const VkDebugUtilsMessengerCallbackDataEXT* data, void* user) noexcept {
    const MessageCallback& callback = *static_cast<const MessageCallback*>(user);
    callback(severity, data->pMessageIdName != nullptr ? data->pMessageIdName : "",
             data->pMessage != nullptr ? data->pMessage : "");
    return VK_FALSE;
}

VkDebugUtilsMessengerCreateInfoEXT messengerInfo(MessageCallback* callback) {
    VkDebugUtilsMessengerCreateInfoEXT info = {};
    info.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
    info.messageSeverity =
        VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                       VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
    info.pfnUserCallback = forwardMessage;
    info.pUserData = callback;
    return info;
}

// The newest version that these headers, and so the structs we chain, know.
constexpr uint32_t kHeaderApiVersion = VK_HEADER_VERSION_COMPLETE & ~0xFFFU;

}  // namespace

bool contains(const std::vector<std::string>& names, const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<const char*> pointers(const std::vector<std::string>& names) {
    std::vector<const char*> result;
    result.reserve(names.size());
    for (const std::string& name : names) {
        result.push_back(name.c_str());
    }
    return result;
}

template <typename Function>
void Instance::load(Function& function, const char* name, const char* alias) const {
    function = reinterpret_cast<Function>(getInstanceProcAddr(handle_, name));
    if (function == nullptr && alias != nullptr) {
        function = reinterpret_cast<Function>(getInstanceProcAddr(handle_, alias));
    }
}

Instance::Instance(const InstanceRequest& request) {
    getInstanceProcAddr = request.getInstanceProcAddr != nullptr ? request.getInstanceProcAddr : systemLoader();

    PFN_vkEnumerateInstanceVersion enumerateVersion = nullptr;
    PFN_vkEnumerateInstanceExtensionProperties enumerateExtensions = nullptr;
    load(enumerateVersion, "vkEnumerateInstanceVersion");
    load(enumerateExtensions, "vkEnumerateInstanceExtensionProperties");
    uint32_t loaderVersion = VK_API_VERSION_1_0;  // a Vulkan 1.0 loader does not have vkEnumerateInstanceVersion
    if (enumerateVersion != nullptr) {
        check(enumerateVersion(&loaderVersion), "vkEnumerateInstanceVersion");
    }
    apiVersion_ = std::min(loaderVersion & ~0xFFFU, kHeaderApiVersion);
    if (request.maxApiVersion != 0) {
        apiVersion_ = std::min(apiVersion_, request.maxApiVersion);
    }
    if (enumerateExtensions == nullptr) {
        throw RuntimeError(VK_ERROR_INITIALIZATION_FAILED, kNoLoader);
    }
    chooseExtensions(request, enumerateExtensions);
    create(request);

    load(getDeviceProcAddr, "vkGetDeviceProcAddr");
    load(getPhysicalDeviceProperties, "vkGetPhysicalDeviceProperties");
    load(getPhysicalDeviceMemoryProperties, "vkGetPhysicalDeviceMemoryProperties");
    load(createDevice, "vkCreateDevice");
    load(enumeratePhysicalDevices_, "vkEnumeratePhysicalDevices");
    load(enumerateDeviceExtensionProperties_, "vkEnumerateDeviceExtensionProperties");
    load(getQueueFamilyProperties_, "vkGetPhysicalDeviceQueueFamilyProperties");
    const bool properties2 =
        apiVersion_ >= VK_API_VERSION_1_1 || hasExtension(VK_KHR_GET_PHYSICAL_DEVICE_PROPERTIES_2_EXTENSION_NAME);
    if (properties2) {
        // The extension's names first: they may be used on Vulkan 1.0 devices too, the core ones may not.
        load(getPhysicalDeviceProperties2, "vkGetPhysicalDeviceProperties2KHR", "vkGetPhysicalDeviceProperties2");
        load(getPhysicalDeviceFeatures2, "vkGetPhysicalDeviceFeatures2KHR", "vkGetPhysicalDeviceFeatures2");
    }
    if (messenger_ != nullptr) {
        createMessenger();
    }
}

Instance::~Instance() {
    if (messengerHandle_ != VK_NULL_HANDLE) {
        destroyMessenger_(handle_, messengerHandle_, nullptr);
    }
    if (handle_ != VK_NULL_HANDLE) {
        destroyInstance_(handle_, nullptr);
    }
}

void Instance::chooseExtensions(const InstanceRequest& request, PFN_vkEnumerateInstanceExtensionProperties enumerate) {
    std::vector<VkExtensionProperties> available;
    VkResult result = VK_INCOMPLETE;
    while (result == VK_INCOMPLETE) {
        uint32_t count = 0;
        check(enumerate(nullptr, &count, nullptr), "vkEnumerateInstanceExtensionProperties");
        available.resize(count);
        result = enumerate(nullptr, &count, available.data());
        available.resize(count);
    }
    check(result, "vkEnumerateInstanceExtensionProperties");

    const auto enable = [&](const char* name) {
        for (const VkExtensionProperties& extension : available) {
            if (std::strcmp(extension.extensionName, name) == 0) {
                extensions_.emplace_back(name);
                return true;
            }
        }
        return false;
    };
    // Core since 1.1, but a 1.0 device (Adreno 610, Mali v6) may be asked only through the extensions, whatever the
    // instance's version.
    enable(VK_KHR_GET_PHYSICAL_DEVICE_PROPERTIES_2_EXTENSION_NAME);
    enable(VK_KHR_EXTERNAL_MEMORY_CAPABILITIES_EXTENSION_NAME);  // brings VkPhysicalDeviceIDProperties
    enable(VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME);       // without it MoltenVK's devices are hidden
    if (request.debugUtils || request.messenger) {
        const bool enabled = enable(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
        if (!enabled && request.messenger) {
            fail(VK_ERROR_EXTENSION_NOT_PRESENT,
                 "a messenger was given, but this Vulkan loader has no VK_EXT_debug_utils");
        }
    }
}

void Instance::create(const InstanceRequest& request) {
    PFN_vkCreateInstance createInstance = nullptr;
    load(createInstance, "vkCreateInstance");
    if (createInstance == nullptr) {
        throw RuntimeError(VK_ERROR_INITIALIZATION_FAILED, kNoLoader);
    }

    VkApplicationInfo application = {};
    application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    application.pApplicationName = request.applicationName.c_str();
    application.pEngineName = "vknorm";
    application.engineVersion = vknGetVersion();
    application.apiVersion = apiVersion_;

    const std::vector<const char*> names = pointers(extensions_);
    VkInstanceCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.pApplicationInfo = &application;
    info.enabledExtensionCount = static_cast<uint32_t>(names.size());
    info.ppEnabledExtensionNames = names.data();
    if (hasExtension(VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME)) {
        info.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
    }
    VkDebugUtilsMessengerCreateInfoEXT messenger = {};
    if (request.messenger) {
        messenger_ = std::make_unique<MessageCallback>(request.messenger);
        messenger = messengerInfo(messenger_.get());
        info.pNext = &messenger;
    }

    const VkResult result = createInstance(&info, nullptr, &handle_);
    if (result != VK_SUCCESS) {
        handle_ = VK_NULL_HANDLE;
        if (result == VK_ERROR_INCOMPATIBLE_DRIVER) {
            throw RuntimeError(result, kNoDriver);
        }
        fail(result, "vkCreateInstance");
    }
    load(destroyInstance_, "vkDestroyInstance");
}

void Instance::createMessenger() {
    PFN_vkCreateDebugUtilsMessengerEXT createMessengerFunction = nullptr;
    load(createMessengerFunction, "vkCreateDebugUtilsMessengerEXT");
    load(destroyMessenger_, "vkDestroyDebugUtilsMessengerEXT");
    const VkDebugUtilsMessengerCreateInfoEXT info = messengerInfo(messenger_.get());
    const VkResult result = createMessengerFunction(handle_, &info, nullptr, &messengerHandle_);
    if (result != VK_SUCCESS) {
        // The destructor of an object whose constructor throws does not run.
        destroyInstance_(handle_, nullptr);
        fail(result, "vkCreateDebugUtilsMessengerEXT");
    }
}

bool Instance::hasExtension(const char* name) const { return contains(extensions_, name); }

std::vector<VkPhysicalDevice> Instance::physicalDevices() const {
    std::vector<VkPhysicalDevice> devices;
    VkResult result = VK_INCOMPLETE;
    while (result == VK_INCOMPLETE) {
        uint32_t count = 0;
        result = enumeratePhysicalDevices_(handle_, &count, nullptr);
        if (result != VK_SUCCESS) {
            break;
        }
        devices.resize(count);
        result = enumeratePhysicalDevices_(handle_, &count, devices.data());
        devices.resize(count);
    }
    // Some loaders create an instance without any driver, and find out only here.
    if (result == VK_ERROR_INITIALIZATION_FAILED || (result == VK_SUCCESS && devices.empty())) {
        throw RuntimeError(VK_ERROR_INCOMPATIBLE_DRIVER, kNoDriver);
    }
    check(result, "vkEnumeratePhysicalDevices");
    return devices;
}

std::vector<std::string> Instance::deviceExtensions(VkPhysicalDevice device) const {
    std::vector<VkExtensionProperties> available;
    VkResult result = VK_INCOMPLETE;
    while (result == VK_INCOMPLETE) {
        uint32_t count = 0;
        check(enumerateDeviceExtensionProperties_(device, nullptr, &count, nullptr),
              "vkEnumerateDeviceExtensionProperties");
        available.resize(count);
        result = enumerateDeviceExtensionProperties_(device, nullptr, &count, available.data());
        available.resize(count);
    }
    check(result, "vkEnumerateDeviceExtensionProperties");
    std::vector<std::string> names;
    names.reserve(available.size());
    for (const VkExtensionProperties& extension : available) {
        names.emplace_back(extension.extensionName);
    }
    return names;
}

std::vector<VkQueueFamilyProperties> Instance::queueFamilies(VkPhysicalDevice device) const {
    uint32_t count = 0;
    getQueueFamilyProperties_(device, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    getQueueFamilyProperties_(device, &count, families.data());
    families.resize(count);
    return families;
}

void Instance::loadDeviceTable(VkDevice device, VolkDeviceTable& table) const {
    const std::lock_guard<std::mutex> lock(volkMutex());
    vkGetDeviceProcAddr = getDeviceProcAddr;  // the one that volkLoadDeviceTable asks
    volkLoadDeviceTable(&table, device);
}

}  // namespace vknorm::detail
