#include "features.hpp"

#include <algorithm>

namespace engine_frame {

void AllFeatures::add(const engine::Engine& engine, engine::DeviceWishes& wishes) {
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(engine.physicalDevice, &properties);
    const uint32_t version = std::min(properties.apiVersion, engine.apiVersion);
    if (version < VK_API_VERSION_1_1) return;

    void** end = &core.pNext;
    const auto chain = [&end](auto& structure, VkStructureType type) {
        structure.sType = type;
        *end = &structure;
        end = &structure.pNext;
    };
    core.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    if (version >= VK_API_VERSION_1_2) {
        chain(v11, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
        chain(v12, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
    } else {
        chain(storage16, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES);
    }
    if (version >= VK_API_VERSION_1_3) chain(v13, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES);
    vkGetPhysicalDeviceFeatures2(engine.physicalDevice, &core);
    // What 1.3 has in its own structure may not be there in another one as well.
    if (version < VK_API_VERSION_1_3) *end = const_cast<void*>(wishes.features);
    wishes.features = &core;
}

}  // namespace engine_frame
