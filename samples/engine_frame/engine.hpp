// A small engine that knows nothing of vknorm: instance, device, queues, memory, and two frames in flight. Its compute work runs
// on a queue of its own where the device has one, beside the main queue, which in a real engine renders.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_FRAME_ENGINE_HPP
#define ENGINE_FRAME_ENGINE_HPP

#include <volk.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace engine {

inline constexpr uint32_t kFramesInFlight = 2;
inline constexpr VkDeviceSize kSliceAlignment = 256;  // the largest that Vulkan lets a device ask of storage buffers

class Error : public std::runtime_error {
public:
    Error(VkResult result, const std::string& what);
    VkResult result() const noexcept { return result_; }

private:
    VkResult result_;
};

void check(VkResult result, const char* what);

// Part of one of the engine's large buffers.
struct Slice {
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceSize offset = 0;
    VkDeviceSize size = 0;
    VkDeviceSize bufferSize = 0;
    float* data = nullptr;  // where it is mapped
    uint32_t id = 0;        // counts all slices, for whoever keeps something about each
};

// One buffer in one allocation, given out from its start to its end.
struct Arena {
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkDeviceSize size = 0;
    VkDeviceSize used = 0;
    char* data = nullptr;
};

struct Frame {
    uint32_t slot = 0;  // 0 to kFramesInFlight - 1: which of the things that come once a frame in flight
    VkCommandPool pools[2] = {};
    VkCommandBuffer compute = VK_NULL_HANDLE;
    VkCommandBuffer main = VK_NULL_HANDLE;
    VkSemaphore computed = VK_NULL_HANDLE;  // the main queue waits for the compute queue
    VkFence done = VK_NULL_HANDLE;
};

// What the engine's device is created with, beside the engine's own.
struct DeviceWishes {
    std::vector<const char*> extensions;
    const void* features = nullptr;  // a chain for VkDeviceCreateInfo::pNext; the caller's
};

class Engine {
public:
    // getInstanceProcAddr: null for the system's loader. apiVersion: at most this one; 0: the newest that there is.
    explicit Engine(PFN_vkGetInstanceProcAddr getInstanceProcAddr = nullptr, uint32_t apiVersion = 0);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    void createInstance();
    void createDevice(const DeviceWishes& wishes);

    Slice allocateUpload(size_t floats) { return allocate(upload_, floats); }      // mapped; the source of copies
    Slice allocateDevice(size_t floats) { return allocate(device_, floats); }      // what shaders work on
    Slice allocateReadback(size_t floats) { return allocate(readback_, floats); }  // mapped; what copies end in

    // Waits until the frame two before has finished, and begins both command buffers.
    Frame& beginFrame();
    // Submits the compute commands, and behind them the main queue's.
    void endFrame(Frame& frame);
    void waitIdle();

    // What a library needs to be told.
    PFN_vkGetInstanceProcAddr getInstanceProcAddr;
    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice physicalDevice = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    uint32_t apiVersion;                          // as in VkApplicationInfo
    std::vector<const char*> instanceExtensions;  // enabled
    std::vector<const char*> deviceExtensions;
    const void* features = nullptr;

    std::string deviceName;
    bool hasAsyncCompute() const { return families_[0] != families_[1]; }
    uint32_t sliceCount() const { return slices_; }

private:
    void choosePhysicalDevice();
    bool chooseQueues(VkPhysicalDevice candidate);
    void createFrame(Frame& frame);
    void createArena(Arena& arena, VkDeviceSize size, VkBufferUsageFlags usage, VkMemoryPropertyFlags wanted);
    Slice allocate(Arena& arena, size_t floats);
    void destroyDevice();

    uint32_t families_[2] = {};  // of the compute queue and of the main queue
    VkQueue computeQueue_ = VK_NULL_HANDLE;
    VkQueue mainQueue_ = VK_NULL_HANDLE;
    std::array<Frame, kFramesInFlight> frames_;
    uint64_t frameNumber_ = 0;
    Arena upload_, device_, readback_;
    uint32_t slices_ = 0;
};

}  // namespace engine

#endif
