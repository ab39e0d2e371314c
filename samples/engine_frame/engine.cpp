#include "engine.hpp"

#include <algorithm>
#include <cstring>

namespace engine {
namespace {

constexpr VkDeviceSize kArenaSize = 4 << 20;

template <typename T>
T make(VkStructureType type) {
    T structure = {};
    structure.sType = type;
    return structure;
}

template <typename T, typename Enumerate>
std::vector<T> enumerate(const char* what, const Enumerate& function) {
    uint32_t count = 0;
    check(function(&count, nullptr), what);
    std::vector<T> all(count);
    check(function(&count, all.data()), what);
    all.resize(count);
    return all;
}

// A failing vkCreate... may leave anything in the handle, which then must not be destroyed.
template <typename Handle, typename Create>
void create(Handle& handle, const char* what, const Create& function) {
    Handle created = VK_NULL_HANDLE;
    check(function(&created), what);
    handle = created;
}

// The first of the kind; Vulkan promises one of each that is asked for here.
uint32_t memoryType(VkPhysicalDevice device, uint32_t typeBits, VkMemoryPropertyFlags wanted) {
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(device, &memory);
    for (uint32_t type = 0; type < memory.memoryTypeCount; ++type) {
        const bool isAllowed = (typeBits & (1U << type)) != 0;
        if (isAllowed && (memory.memoryTypes[type].propertyFlags & wanted) == wanted) return type;
    }
    throw Error(VK_ERROR_FEATURE_NOT_PRESENT, "no memory of a kind that every device has");
}

VkCommandBuffer createCommandBuffer(VkDevice device, uint32_t family, VkCommandPool& pool) {
    auto info = make<VkCommandPoolCreateInfo>(VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
    info.queueFamilyIndex = family;
    info.flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT;
    create(pool, "vkCreateCommandPool",
           [&](auto* handle) { return vkCreateCommandPool(device, &info, nullptr, handle); });
    auto allocate = make<VkCommandBufferAllocateInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
    allocate.commandPool = pool;
    allocate.commandBufferCount = 1;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    check(vkAllocateCommandBuffers(device, &allocate, &commands), "vkAllocateCommandBuffers");
    return commands;
}

void begin(VkCommandBuffer commands) {
    auto info = make<VkCommandBufferBeginInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
    info.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
    check(vkBeginCommandBuffer(commands, &info), "vkBeginCommandBuffer");
}

}  // namespace

Error::Error(VkResult result, const std::string& what)
    : std::runtime_error(what + ": VkResult " + std::to_string(result)), result_(result) {}

void check(VkResult result, const char* what) {
    if (result != VK_SUCCESS) throw Error(result, what);
}

Engine::Engine(PFN_vkGetInstanceProcAddr loader, uint32_t newest) : getInstanceProcAddr(loader), apiVersion(newest) {}

Engine::~Engine() {
    if (device != VK_NULL_HANDLE) destroyDevice();
    if (instance != VK_NULL_HANDLE) vkDestroyInstance(instance, nullptr);
}

void Engine::createInstance() {
    if (getInstanceProcAddr == nullptr) {
        check(volkInitialize(), "looking for a Vulkan loader");
        getInstanceProcAddr = vkGetInstanceProcAddr;
    } else {
        volkInitializeCustom(getInstanceProcAddr);
    }
    const uint32_t newest = std::min(volkGetInstanceVersion(), VK_API_VERSION_1_3);
    apiVersion = apiVersion == 0 ? newest : std::min(apiVersion, newest);

    auto application = make<VkApplicationInfo>(VK_STRUCTURE_TYPE_APPLICATION_INFO);
    application.pApplicationName = "engine_frame";
    application.apiVersion = apiVersion;
    auto info = make<VkInstanceCreateInfo>(VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
    info.pApplicationInfo = &application;
    const auto offered = enumerate<VkExtensionProperties>(
        "vkEnumerateInstanceExtensionProperties", [](uint32_t* count, VkExtensionProperties* all) {
            return vkEnumerateInstanceExtensionProperties(nullptr, count, all);
        });
    for (const VkExtensionProperties& extension : offered) {  // without it MoltenVK's devices are hidden
        if (std::strcmp(extension.extensionName, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME) == 0) {
            instanceExtensions.push_back(VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME);
            info.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
        }
    }
    info.enabledExtensionCount = static_cast<uint32_t>(instanceExtensions.size());
    info.ppEnabledExtensionNames = instanceExtensions.data();
    create(instance, "vkCreateInstance", [&](VkInstance* handle) { return vkCreateInstance(&info, nullptr, handle); });
    volkLoadInstance(instance);
    choosePhysicalDevice();
}

void Engine::choosePhysicalDevice() {
    const auto devices = enumerate<VkPhysicalDevice>(
        "vkEnumeratePhysicalDevices",
        [this](uint32_t* count, VkPhysicalDevice* all) { return vkEnumeratePhysicalDevices(instance, count, all); });
    for (VkPhysicalDevice candidate : devices) {
        if (physicalDevice == VK_NULL_HANDLE && chooseQueues(candidate)) physicalDevice = candidate;
    }
    if (physicalDevice == VK_NULL_HANDLE) throw Error(VK_ERROR_INCOMPATIBLE_DRIVER, "no Vulkan device that computes");
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(physicalDevice, &properties);
    deviceName = properties.deviceName;
    // VK_KHR_portability_subset must be enabled where a device has it.
    const auto offered = enumerate<VkExtensionProperties>(
        "vkEnumerateDeviceExtensionProperties", [this](uint32_t* count, VkExtensionProperties* all) {
            return vkEnumerateDeviceExtensionProperties(physicalDevice, nullptr, count, all);
        });
    for (const VkExtensionProperties& extension : offered) {
        constexpr const char* kPortability = "VK_KHR_portability_subset";
        if (std::strcmp(extension.extensionName, kPortability) == 0) deviceExtensions.push_back(kPortability);
    }
}

// The compute queue is of a family without graphics, if there is one: what is submitted there runs beside what is rendered.
bool Engine::chooseQueues(VkPhysicalDevice candidate) {
    uint32_t count = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(candidate, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    vkGetPhysicalDeviceQueueFamilyProperties(candidate, &count, families.data());
    const auto find = [&](VkQueueFlags has, VkQueueFlags lacks) {
        const auto fits = [&](const VkQueueFamilyProperties& family) {
            return (family.queueFlags & has) == has && (family.queueFlags & lacks) == 0;
        };
        return static_cast<uint32_t>(std::find_if(families.begin(), families.end(), fits) - families.begin());
    };
    const uint32_t async = find(VK_QUEUE_COMPUTE_BIT, VK_QUEUE_GRAPHICS_BIT);
    const uint32_t any = find(VK_QUEUE_COMPUTE_BIT, 0);
    const uint32_t graphics = find(VK_QUEUE_GRAPHICS_BIT, 0);
    families_[0] = async < count ? async : any;
    families_[1] = graphics < count ? graphics : families_[0];
    return any < count;
}

void Engine::createDevice(const DeviceWishes& wishes) {
    deviceExtensions.insert(deviceExtensions.end(), wishes.extensions.begin(), wishes.extensions.end());
    features = wishes.features;
    const float priority = 1.0F;
    std::array<VkDeviceQueueCreateInfo, 2> queues = {};
    for (size_t i = 0; i < queues.size(); ++i) {
        queues[i] = make<VkDeviceQueueCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
        queues[i].queueFamilyIndex = families_[i];
        queues[i].queueCount = 1;
        queues[i].pQueuePriorities = &priority;
    }
    auto info = make<VkDeviceCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO);
    info.pNext = features;
    info.queueCreateInfoCount = hasAsyncCompute() ? 2 : 1;
    info.pQueueCreateInfos = queues.data();
    info.enabledExtensionCount = static_cast<uint32_t>(deviceExtensions.size());
    info.ppEnabledExtensionNames = deviceExtensions.data();
    create(device, "vkCreateDevice",
           [&](VkDevice* handle) { return vkCreateDevice(physicalDevice, &info, nullptr, handle); });
    volkLoadDevice(device);
    vkGetDeviceQueue(device, families_[0], 0, &computeQueue_);
    vkGetDeviceQueue(device, families_[1], 0, &mainQueue_);
    for (uint32_t slot = 0; slot < kFramesInFlight; ++slot) {
        frames_[slot].slot = slot;
        createFrame(frames_[slot]);
    }
    constexpr VkMemoryPropertyFlags kMapped =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    createArena(upload_, kArenaSize, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, kMapped);
    createArena(readback_, kArenaSize, VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, kMapped);
    createArena(
        device_, kArenaSize,
        VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
        VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
}

void Engine::createFrame(Frame& frame) {
    frame.compute = createCommandBuffer(device, families_[0], frame.pools[0]);
    frame.main = createCommandBuffer(device, families_[1], frame.pools[1]);
    const auto semaphore = make<VkSemaphoreCreateInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO);
    create(frame.computed, "vkCreateSemaphore",
           [&](auto* handle) { return vkCreateSemaphore(device, &semaphore, nullptr, handle); });
    auto fence = make<VkFenceCreateInfo>(VK_STRUCTURE_TYPE_FENCE_CREATE_INFO);
    fence.flags = VK_FENCE_CREATE_SIGNALED_BIT;  // nothing to wait for the first time
    create(frame.done, "vkCreateFence", [&](auto* handle) { return vkCreateFence(device, &fence, nullptr, handle); });
}

void Engine::createArena(Arena& arena, VkDeviceSize size, VkBufferUsageFlags usage, VkMemoryPropertyFlags wanted) {
    auto info = make<VkBufferCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO);
    info.size = size;
    info.usage = usage;
    // What both queues use belongs to neither, so no ownership has to be handed over.
    info.sharingMode = hasAsyncCompute() ? VK_SHARING_MODE_CONCURRENT : VK_SHARING_MODE_EXCLUSIVE;
    info.queueFamilyIndexCount = hasAsyncCompute() ? 2 : 0;
    info.pQueueFamilyIndices = families_;
    create(arena.buffer, "vkCreateBuffer",
           [&](auto* handle) { return vkCreateBuffer(device, &info, nullptr, handle); });
    VkMemoryRequirements requirements;
    vkGetBufferMemoryRequirements(device, arena.buffer, &requirements);
    auto memory = make<VkMemoryAllocateInfo>(VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO);
    memory.allocationSize = requirements.size;
    memory.memoryTypeIndex = memoryType(physicalDevice, requirements.memoryTypeBits, wanted);
    create(arena.memory, "vkAllocateMemory",
           [&](auto* handle) { return vkAllocateMemory(device, &memory, nullptr, handle); });
    check(vkBindBufferMemory(device, arena.buffer, arena.memory, 0), "vkBindBufferMemory");
    if ((wanted & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0) {
        void* data = nullptr;
        check(vkMapMemory(device, arena.memory, 0, VK_WHOLE_SIZE, 0, &data), "vkMapMemory");
        arena.data = static_cast<char*>(data);
    }
    arena.size = size;
}

Slice Engine::allocate(Arena& arena, size_t floats) {
    const VkDeviceSize bytes = floats * sizeof(float);
    if (arena.size - arena.used < bytes) throw Error(VK_ERROR_OUT_OF_POOL_MEMORY, "the arena is too small");
    Slice slice = {arena.buffer, arena.used, bytes, arena.size, nullptr, slices_++};
    if (arena.data != nullptr) slice.data = reinterpret_cast<float*>(arena.data + arena.used);
    arena.used = std::min(arena.size, (arena.used + bytes + kSliceAlignment - 1) / kSliceAlignment * kSliceAlignment);
    return slice;
}

Frame& Engine::beginFrame() {
    Frame& frame = frames_[frameNumber_++ % kFramesInFlight];
    check(vkWaitForFences(device, 1, &frame.done, VK_TRUE, UINT64_MAX), "vkWaitForFences");
    for (VkCommandPool pool : frame.pools) check(vkResetCommandPool(device, pool, 0), "vkResetCommandPool");
    begin(frame.compute);
    begin(frame.main);
    return frame;
}

void Engine::endFrame(Frame& frame) {
    check(vkEndCommandBuffer(frame.compute), "vkEndCommandBuffer");
    check(vkEndCommandBuffer(frame.main), "vkEndCommandBuffer");
    auto compute = make<VkSubmitInfo>(VK_STRUCTURE_TYPE_SUBMIT_INFO);
    compute.commandBufferCount = 1;
    compute.pCommandBuffers = &frame.compute;
    compute.signalSemaphoreCount = 1;
    compute.pSignalSemaphores = &frame.computed;
    check(vkQueueSubmit(computeQueue_, 1, &compute, VK_NULL_HANDLE), "vkQueueSubmit");
    const VkPipelineStageFlags consumer = VK_PIPELINE_STAGE_TRANSFER_BIT;
    auto main = make<VkSubmitInfo>(VK_STRUCTURE_TYPE_SUBMIT_INFO);
    main.waitSemaphoreCount = 1;
    main.pWaitSemaphores = &frame.computed;
    main.pWaitDstStageMask = &consumer;
    main.commandBufferCount = 1;
    main.pCommandBuffers = &frame.main;
    check(vkResetFences(device, 1, &frame.done), "vkResetFences");
    check(vkQueueSubmit(mainQueue_, 1, &main, frame.done), "vkQueueSubmit");
}

void Engine::waitIdle() { check(vkDeviceWaitIdle(device), "vkDeviceWaitIdle"); }

// After a lost device too, which is idle then.
void Engine::destroyDevice() {
    vkDeviceWaitIdle(device);
    for (const Frame& frame : frames_) {
        vkDestroyFence(device, frame.done, nullptr);
        vkDestroySemaphore(device, frame.computed, nullptr);
        for (VkCommandPool pool : frame.pools) vkDestroyCommandPool(device, pool, nullptr);
    }
    for (const Arena& arena : {upload_, device_, readback_}) {
        vkDestroyBuffer(device, arena.buffer, nullptr);
        vkFreeMemory(device, arena.memory, nullptr);
    }
    vkDestroyDevice(device, nullptr);
}

}  // namespace engine
