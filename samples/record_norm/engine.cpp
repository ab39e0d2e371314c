#include "engine.hpp"

#include <algorithm>
#include <stdexcept>

namespace {

void check(VkResult result, const char* what) {
    if (result != VK_SUCCESS) {
        throw std::runtime_error(std::string(what) + " failed with VkResult " + std::to_string(result));
    }
}

template <typename T>
T make(VkStructureType type) {
    T structure = {};
    structure.sType = type;
    return structure;
}

constexpr uint32_t kNone = ~0U;

uint32_t computeFamily(VkPhysicalDevice device) {
    uint32_t count = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
    for (uint32_t i = 0; i < count; ++i) {
        if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) != 0) {
            return i;
        }
    }
    return kNone;
}

uint32_t memoryType(VkPhysicalDevice device, uint32_t typeBits) {
    // Every device has such a type that buffers can use.
    constexpr VkMemoryPropertyFlags kWanted =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(device, &memory);
    uint32_t type = 0;
    while ((typeBits & (1U << type)) == 0 || (memory.memoryTypes[type].propertyFlags & kWanted) != kWanted) {
        ++type;
    }
    return type;
}

}  // namespace

Engine::Engine() {
    createInstance();
    choosePhysicalDevice();
    createDevice();
    createCommands();
    buffers_.reserve(16);  // references to them stay valid
}

void Engine::createInstance() {
    check(volkInitialize(), "looking for a Vulkan loader");
    getInstanceProcAddr = vkGetInstanceProcAddr;
    apiVersion = std::min(volkGetInstanceVersion(), VK_API_VERSION_1_3);

    auto application = make<VkApplicationInfo>(VK_STRUCTURE_TYPE_APPLICATION_INFO);
    application.pApplicationName = "record_norm";
    application.apiVersion = apiVersion;
    auto info = make<VkInstanceCreateInfo>(VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
    info.pApplicationInfo = &application;
    check(vkCreateInstance(&info, nullptr, &instance), "vkCreateInstance");
    volkLoadInstance(instance);
}

void Engine::choosePhysicalDevice() {
    uint32_t count = 0;
    check(vkEnumeratePhysicalDevices(instance, &count, nullptr), "vkEnumeratePhysicalDevices");
    std::vector<VkPhysicalDevice> devices(count);
    check(vkEnumeratePhysicalDevices(instance, &count, devices.data()), "vkEnumeratePhysicalDevices");
    for (VkPhysicalDevice candidate : devices) {
        queueFamily_ = computeFamily(candidate);
        if (queueFamily_ != kNone) {
            physicalDevice = candidate;
            break;
        }
    }
    if (physicalDevice == VK_NULL_HANDLE) {
        throw std::runtime_error("no Vulkan device that computes");
    }
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(physicalDevice, &properties);
    deviceName = properties.deviceName;
}

Engine::~Engine() {
    if (device != VK_NULL_HANDLE) {
        vkDeviceWaitIdle(device);
        for (const EngineBuffer& buffer : buffers_) {
            vkDestroyBuffer(device, buffer.handle, nullptr);
            vkFreeMemory(device, buffer.memory, nullptr);
        }
        vkDestroyCommandPool(device, pool_, nullptr);
        vkDestroyDevice(device, nullptr);
    }
    vkDestroyInstance(instance, nullptr);
}

void Engine::createDevice() {
    const float priority = 1.0F;
    auto queue = make<VkDeviceQueueCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
    queue.queueFamilyIndex = queueFamily_;
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;
    auto info = make<VkDeviceCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO);
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue;
    check(vkCreateDevice(physicalDevice, &info, nullptr, &device), "vkCreateDevice");
    volkLoadDevice(device);
    vkGetDeviceQueue(device, queueFamily_, 0, &queue_);
}

void Engine::createCommands() {
    auto pool = make<VkCommandPoolCreateInfo>(VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
    pool.queueFamilyIndex = queueFamily_;
    check(vkCreateCommandPool(device, &pool, nullptr, &pool_), "vkCreateCommandPool");
    auto commands = make<VkCommandBufferAllocateInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
    commands.commandPool = pool_;
    commands.commandBufferCount = 1;
    check(vkAllocateCommandBuffers(device, &commands, &commands_), "vkAllocateCommandBuffers");
}

EngineBuffer& Engine::createBuffer(size_t floats) {
    EngineBuffer& buffer = buffers_.emplace_back();
    buffer.size = floats * sizeof(float);
    auto info = make<VkBufferCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO);
    info.size = buffer.size;
    info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
    check(vkCreateBuffer(device, &info, nullptr, &buffer.handle), "vkCreateBuffer");
    VkMemoryRequirements requirements;
    vkGetBufferMemoryRequirements(device, buffer.handle, &requirements);
    auto memory = make<VkMemoryAllocateInfo>(VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO);
    memory.allocationSize = requirements.size;
    memory.memoryTypeIndex = memoryType(physicalDevice, requirements.memoryTypeBits);
    check(vkAllocateMemory(device, &memory, nullptr, &buffer.memory), "vkAllocateMemory");
    check(vkBindBufferMemory(device, buffer.handle, buffer.memory, 0), "vkBindBufferMemory");
    void* data = nullptr;
    check(vkMapMemory(device, buffer.memory, 0, VK_WHOLE_SIZE, 0, &data), "vkMapMemory");
    buffer.data = static_cast<float*>(data);
    return buffer;
}

void Engine::frame(const std::function<void(VkCommandBuffer)>& record) {
    auto begin = make<VkCommandBufferBeginInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
    begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
    check(vkBeginCommandBuffer(commands_, &begin), "vkBeginCommandBuffer");
    record(commands_);
    // What shaders wrote becomes visible to the host; a fence or an idle queue alone would not do it.
    auto toHost = make<VkMemoryBarrier>(VK_STRUCTURE_TYPE_MEMORY_BARRIER);
    toHost.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT;
    toHost.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
    vkCmdPipelineBarrier(commands_, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &toHost, 0,
                         nullptr, 0, nullptr);
    check(vkEndCommandBuffer(commands_), "vkEndCommandBuffer");
    auto submit = make<VkSubmitInfo>(VK_STRUCTURE_TYPE_SUBMIT_INFO);
    submit.commandBufferCount = 1;
    submit.pCommandBuffers = &commands_;
    check(vkQueueSubmit(queue_, 1, &submit, VK_NULL_HANDLE), "vkQueueSubmit");
    check(vkQueueWaitIdle(queue_), "vkQueueWaitIdle");
    check(vkResetCommandPool(device, pool_, 0), "vkResetCommandPool");
}
