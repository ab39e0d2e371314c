// A VkInstance with its own function pointers, so that several instances, of different loaders even, live in one
// process: volk's global instance functions would be those of the last one loaded.
#ifndef VKNORM_RUNTIME_INSTANCE_HPP
#define VKNORM_RUNTIME_INSTANCE_HPP

#include <vknorm/runtime.hpp>

#include <memory>
#include <string>
#include <vector>

struct VolkDeviceTable;

namespace vknorm::detail {

struct InstanceRequest {
    std::string applicationName = "vknorm";
    uint32_t maxApiVersion = 0;
    bool debugUtils = false;
    MessageCallback messenger;
    PFN_vkGetInstanceProcAddr getInstanceProcAddr = nullptr;
};

class Instance {
public:
    explicit Instance(const InstanceRequest& request);
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    VkInstance handle() const { return handle_; }
    uint32_t apiVersion() const { return apiVersion_; }
    const std::vector<std::string>& extensions() const { return extensions_; }
    bool hasExtension(const char* name) const;

    // In the loader's order; throws where there is none.
    std::vector<VkPhysicalDevice> physicalDevices() const;
    std::vector<std::string> deviceExtensions(VkPhysicalDevice device) const;
    std::vector<VkQueueFamilyProperties> queueFamilies(VkPhysicalDevice device) const;

    // Loads a VolkDeviceTable through this instance's loader.
    void loadDeviceTable(VkDevice device, VolkDeviceTable& table) const;

    PFN_vkGetInstanceProcAddr getInstanceProcAddr = nullptr;
    PFN_vkGetDeviceProcAddr getDeviceProcAddr = nullptr;
    PFN_vkGetPhysicalDeviceProperties getPhysicalDeviceProperties = nullptr;
    PFN_vkGetPhysicalDeviceMemoryProperties getPhysicalDeviceMemoryProperties = nullptr;
    PFN_vkCreateDevice createDevice = nullptr;
    // Core from Vulkan 1.1, and an extension for 1.0; null where there is neither.
    PFN_vkGetPhysicalDeviceProperties2 getPhysicalDeviceProperties2 = nullptr;
    PFN_vkGetPhysicalDeviceFeatures2 getPhysicalDeviceFeatures2 = nullptr;

private:
    void chooseExtensions(const InstanceRequest& request, PFN_vkEnumerateInstanceExtensionProperties enumerate);
    void create(const InstanceRequest& request);
    void createMessenger();
    template <typename Function>
    void load(Function& function, const char* name, const char* alias = nullptr) const;

    VkInstance handle_ = VK_NULL_HANDLE;
    uint32_t apiVersion_ = VK_API_VERSION_1_0;
    std::vector<std::string> extensions_;
    std::unique_ptr<MessageCallback> messenger_;  // at a stable address: the driver keeps a pointer to it
    VkDebugUtilsMessengerEXT messengerHandle_ = VK_NULL_HANDLE;
    PFN_vkDestroyInstance destroyInstance_ = nullptr;
    PFN_vkDestroyDebugUtilsMessengerEXT destroyMessenger_ = nullptr;
    PFN_vkEnumeratePhysicalDevices enumeratePhysicalDevices_ = nullptr;
    PFN_vkEnumerateDeviceExtensionProperties enumerateDeviceExtensionProperties_ = nullptr;
    PFN_vkGetPhysicalDeviceQueueFamilyProperties getQueueFamilyProperties_ = nullptr;
};

bool contains(const std::vector<std::string>& names, const char* name);
std::vector<const char*> pointers(const std::vector<std::string>& names);

}  // namespace vknorm::detail

#endif
