// The smallest engine that record_norm can live in: an instance, a device, a queue, buffers and a frame. It knows nothing
// of vknorm; a real one has all of this already. engine_frame has a larger one.
// SPDX-License-Identifier: Apache-2.0
#ifndef RECORD_NORM_ENGINE_HPP
#define RECORD_NORM_ENGINE_HPP

#include <volk.h>

#include <functional>
#include <string>
#include <vector>

struct EngineBuffer {
    VkBuffer handle = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkDeviceSize size = 0;
    float* data = nullptr;  // mapped and coherent
};

class Engine {
public:
    Engine();  // on the first device that computes, with nothing enabled
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    EngineBuffer& createBuffer(size_t floats);

    // Records a frame, submits it and waits for it.
    void frame(const std::function<void(VkCommandBuffer)>& record);

    // Everything that a library needs to be told.
    PFN_vkGetInstanceProcAddr getInstanceProcAddr = nullptr;
    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice physicalDevice = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    uint32_t apiVersion = VK_API_VERSION_1_0;  // as in VkApplicationInfo
    std::string deviceName;

private:
    void createInstance();
    void choosePhysicalDevice();
    void createDevice();
    void createCommands();

    uint32_t queueFamily_ = 0;
    VkQueue queue_ = VK_NULL_HANDLE;
    VkCommandPool pool_ = VK_NULL_HANDLE;
    VkCommandBuffer commands_ = VK_NULL_HANDLE;
    std::vector<EngineBuffer> buffers_;
};

#endif
