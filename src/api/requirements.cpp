// What the host should enable when it creates its device.
#include "base/error.hpp"
#include "base/host_memory.hpp"
#include "device/functions.hpp"

#include <cstring>

using namespace vkn;

namespace {

// Extensions that the library uses, and the version that made each core.
struct UsefulExtension {
    const char* name;
    uint32_t coreSince;  // 0: never, for our purposes
};

constexpr UsefulExtension kUsefulExtensions[] = {
    {VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME, 0},  // core in 1.4 as another structure; the extension stays
    {VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME, VK_API_VERSION_1_3},
};

class RequirementQuery {
public:
    RequirementQuery(const Functions& functions, VkPhysicalDevice physicalDevice, uint32_t apiVersion,
                     VknDeviceRequirements& requirements, VknError* error)
        : functions_(functions), physicalDevice_(physicalDevice), requirements_(requirements), error_(error) {
        VkPhysicalDeviceProperties properties;
        functions.GetPhysicalDeviceProperties(physicalDevice, &properties);
        const uint32_t device = properties.apiVersion;
        apiVersion_ = apiVersion < device ? apiVersion : device;
    }

    VknResult run() {
        // Push descriptors and subgroup sizes are described by vkGetPhysicalDeviceProperties2 only.
        const bool canAsk =
            functions_.GetPhysicalDeviceProperties2 != nullptr && functions_.GetPhysicalDeviceFeatures2 != nullptr;
        const VknResult result = canAsk ? listExtensions() : VKN_SUCCESS;
        if (result == VKN_SUCCESS && canAsk && hasSubgroupSizeControl_) {
            askFeatures();
        }
        return result;
    }

private:
    const Functions& functions_;
    VkPhysicalDevice physicalDevice_;
    VknDeviceRequirements& requirements_;
    VknError* error_;
    uint32_t apiVersion_;
    bool hasSubgroupSizeControl_ = false;

    VknResult listExtensions() {
        hasSubgroupSizeControl_ = apiVersion_ >= VK_API_VERSION_1_3;
        const HostMemory memory;
        uint32_t count = 0;
        VkResult result = functions_.EnumerateDeviceExtensionProperties(physicalDevice_, nullptr, &count, nullptr);
        auto* offered = memory.createArray<VkExtensionProperties>(count);
        if (offered == nullptr) {
            return fail(error_, VKN_ERROR_OUT_OF_HOST_MEMORY, "", 0, 0, "no memory for the list of extensions");
        }
        if (result == VK_SUCCESS) {
            result = functions_.EnumerateDeviceExtensionProperties(physicalDevice_, nullptr, &count, offered);
        }
        for (uint32_t i = 0; i < count && result >= VK_SUCCESS; ++i) {
            considerExtension(offered[i].extensionName);
        }
        memory.release(offered);
        return result >= VK_SUCCESS ? VKN_SUCCESS : failVulkan(error_, "vkEnumerateDeviceExtensionProperties", result);
    }

    void considerExtension(const char* name) {
        for (const UsefulExtension& useful : kUsefulExtensions) {
            const bool isCore = useful.coreSince != 0 && apiVersion_ >= useful.coreSince;
            if (isCore || strcmp(name, useful.name) != 0) {
                continue;
            }
            // Subgroups exist from Vulkan 1.1 on.
            const bool isSubgroups = strcmp(name, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME) == 0;
            if (isSubgroups && apiVersion_ < VK_API_VERSION_1_1) {
                continue;
            }
            hasSubgroupSizeControl_ = hasSubgroupSizeControl_ || isSubgroups;
            requirements_.extensionNames[requirements_.extensionCount++] = useful.name;
        }
    }

    void askFeatures() {
        VkPhysicalDeviceSubgroupSizeControlFeatures control = {};
        control.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES;
        VkPhysicalDeviceFeatures2 features = {};
        features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
        features.pNext = &control;
        functions_.GetPhysicalDeviceFeatures2(physicalDevice_, &features);
        requirements_.subgroupSizeControl = control.subgroupSizeControl;
        requirements_.computeFullSubgroups = control.computeFullSubgroups;
    }
};

}  // namespace

VknResult vknQueryDeviceRequirements(PFN_vkGetInstanceProcAddr getInstanceProcAddr, VkInstance instance,
                                     VkPhysicalDevice physicalDevice, uint32_t apiVersion,
                                     VknDeviceRequirements* pRequirements, VknError* pError) {
    const struct {
        bool isNull;
        const char* name;
    } required[] = {{getInstanceProcAddr == nullptr, "getInstanceProcAddr"},
                    {instance == nullptr, "instance"},
                    {physicalDevice == nullptr, "physicalDevice"},
                    {pRequirements == nullptr, "pRequirements"}};
    for (const auto& field : required) {
        if (field.isNull) {
            return failArgument(pError, field.name, 0, 1, "must not be null");
        }
    }
    VknResult result =
        checkStructureType(pError, "sType", pRequirements->sType, VKN_STRUCTURE_TYPE_DEVICE_REQUIREMENTS);
    Functions functions;
    if (result == VKN_SUCCESS) {
        result = loadInstanceFunctions(getInstanceProcAddr, instance, apiVersion, {}, functions, pError);
    }
    if (result != VKN_SUCCESS) {
        return result;
    }
    VknDeviceRequirements found = *pRequirements;
    found.extensionCount = 0;
    found.subgroupSizeControl = VK_FALSE;
    found.computeFullSubgroups = VK_FALSE;
    result = RequirementQuery(functions, physicalDevice, apiVersion, found, pError).run();
    if (result == VKN_SUCCESS) {
        *pRequirements = found;
    }
    return result;
}
