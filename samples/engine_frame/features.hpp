// All features of a device that its version has in Vulkan's core: 16-bit storage and arithmetic, synchronization2, subgroup
// sizes and the rest. For an engine that enables more than vknorm has any use for.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_FRAME_FEATURES_HPP
#define ENGINE_FRAME_FEATURES_HPP

#include "engine.hpp"

namespace engine_frame {

struct AllFeatures {
    VkPhysicalDeviceFeatures2 core = {};
    VkPhysicalDevice16BitStorageFeatures storage16 = {};
    VkPhysicalDeviceVulkan11Features v11 = {};
    VkPhysicalDeviceVulkan12Features v12 = {};
    VkPhysicalDeviceVulkan13Features v13 = {};

    // Asks the device, and puts what it has in front of the chain. From Vulkan 1.1 on.
    void add(const engine::Engine& engine, engine::DeviceWishes& wishes);
};

}  // namespace engine_frame

#endif
