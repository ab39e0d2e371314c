#include "fault/fake_host.hpp"

#include "fault/fake_vulkan.hpp"

#include <cstring>

namespace vknorm::test {
namespace {

FakeVulkan* fake = nullptr;

template <typename Handle>
uint64_t number(Handle handle) {
    return reinterpret_cast<uintptr_t>(handle);
}

template <typename Handle>
VkResult create(const char* function, const char* type, const VkAllocationCallbacks* allocator, Handle* handle) {
    const VkResult result = fake->begin(function);
    uint64_t value = 0xDEAD;  // left on failure, so whoever destroys it is found out
    const VkResult created = result == VK_SUCCESS ? fake->createObject(type, allocator, &value) : result;
    *handle = reinterpret_cast<Handle>(static_cast<uintptr_t>(value));
    return created;
}

// Handles that there is one of.
template <typename Handle>
Handle only(uintptr_t value) {
    return reinterpret_cast<Handle>(value);
}
constexpr uintptr_t kComputeQueue = 0x50;
constexpr uintptr_t kMainQueue = 0x51;

// --- Instance and device -----------------------------------------------------------------------------------------------

VKAPI_ATTR VkResult VKAPI_CALL EnumerateInstanceVersion(uint32_t* version) {
    *version = VK_API_VERSION_1_3;
    return fake->begin("vkEnumerateInstanceVersion");
}

VKAPI_ATTR VkResult VKAPI_CALL EnumerateInstanceExtensionProperties(const char*, uint32_t* count,
                                                                    VkExtensionProperties* properties) {
    if (properties != nullptr) {
        std::strcpy(properties[0].extensionName, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME);
    }
    *count = 1;
    return fake->begin("vkEnumerateInstanceExtensionProperties");
}

// As MoltenVK's devices behind a loader: hidden from those who do not ask for them.
bool showsPortability = false;

VKAPI_ATTR VkResult VKAPI_CALL CreateInstance(const VkInstanceCreateInfo* info, const VkAllocationCallbacks* allocator,
                                              VkInstance* instance) {
    showsPortability = (info->flags & VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR) != 0;
    return create("vkCreateInstance", "Instance", allocator, instance);
}

VKAPI_ATTR void VKAPI_CALL DestroyInstance(VkInstance instance, const VkAllocationCallbacks* allocator) {
    fake->destroyObject("Instance", number(instance), allocator);
}

VKAPI_ATTR VkResult VKAPI_CALL EnumeratePhysicalDevices(VkInstance, uint32_t* count, VkPhysicalDevice* devices) {
    if (devices != nullptr && *count > 0) {
        devices[0] = FakeVulkan::physicalDevice();
    }
    *count = showsPortability ? 1 : 0;
    return fake->begin("vkEnumeratePhysicalDevices");
}

VKAPI_ATTR void VKAPI_CALL GetPhysicalDeviceQueueFamilyProperties(VkPhysicalDevice, uint32_t* count,
                                                                  VkQueueFamilyProperties* families) {
    if (families != nullptr) {
        families[0] = {};
        families[0].queueFlags = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT;
        families[1] = {};
        families[1].queueFlags = VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT;
    }
    *count = 2;
}

VKAPI_ATTR void VKAPI_CALL GetPhysicalDeviceMemoryProperties(VkPhysicalDevice,
                                                             VkPhysicalDeviceMemoryProperties* memory) {
    *memory = {};
    memory->memoryTypeCount = 1;
    memory->memoryTypes[0].propertyFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                           VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    memory->memoryHeapCount = 1;
}

VKAPI_ATTR VkResult VKAPI_CALL CreateDevice(VkPhysicalDevice, const VkDeviceCreateInfo* info,
                                            const VkAllocationCallbacks* allocator, VkDevice* device) {
    if (info->queueCreateInfoCount != 2) {
        fake->faults.emplace_back("the family that only computes is not used");
    }
    return create("vkCreateDevice", "Device", allocator, device);
}

VKAPI_ATTR void VKAPI_CALL DestroyDevice(VkDevice device, const VkAllocationCallbacks* allocator) {
    fake->destroyObject("Device", number(device), allocator);
}

VKAPI_ATTR void VKAPI_CALL GetDeviceQueue(VkDevice, uint32_t family, uint32_t, VkQueue* queue) {
    *queue = only<VkQueue>(family == 1 ? kComputeQueue : kMainQueue);
}

// --- Queues, command buffers, synchronisation ----------------------------------------------------------------------------

#define VKNORM_OBJECT(Type)                                                                                       \
    VKAPI_ATTR VkResult VKAPI_CALL Create##Type(VkDevice, const Vk##Type##CreateInfo*,                            \
                                                const VkAllocationCallbacks* allocator, Vk##Type* handle) {       \
        return create("vkCreate" #Type, #Type, allocator, handle);                                                \
    }                                                                                                             \
    VKAPI_ATTR void VKAPI_CALL Destroy##Type(VkDevice, Vk##Type handle, const VkAllocationCallbacks* allocator) { \
        fake->destroyObject(#Type, number(handle), allocator);                                                    \
    }
VKNORM_OBJECT(CommandPool)
VKNORM_OBJECT(Semaphore)
VKNORM_OBJECT(Fence)
VKNORM_OBJECT(Buffer)
#undef VKNORM_OBJECT

VKAPI_ATTR VkResult VKAPI_CALL AllocateCommandBuffers(VkDevice, const VkCommandBufferAllocateInfo* info,
                                                      VkCommandBuffer* commands) {
    fake->expectAlive("CommandPool", number(info->commandPool), "vkAllocateCommandBuffers");
    commands[0] = FakeVulkan::commandBuffer();
    return fake->begin("vkAllocateCommandBuffers");
}

VKAPI_ATTR VkResult VKAPI_CALL ResetCommandPool(VkDevice, VkCommandPool pool, VkCommandPoolResetFlags) {
    fake->expectAlive("CommandPool", number(pool), "vkResetCommandPool");
    return fake->begin("vkResetCommandPool");
}

VKAPI_ATTR VkResult VKAPI_CALL BeginCommandBuffer(VkCommandBuffer, const VkCommandBufferBeginInfo*) {
    return fake->begin("vkBeginCommandBuffer");
}

VKAPI_ATTR VkResult VKAPI_CALL EndCommandBuffer(VkCommandBuffer) { return fake->begin("vkEndCommandBuffer"); }

VKAPI_ATTR VkResult VKAPI_CALL QueueSubmit(VkQueue queue, uint32_t, const VkSubmitInfo* info, VkFence fence) {
    const bool isCompute = queue == only<VkQueue>(kComputeQueue);
    const bool signals = info->signalSemaphoreCount == 1 && fence == VK_NULL_HANDLE;
    const bool waits = info->waitSemaphoreCount == 1 && fence != VK_NULL_HANDLE;
    if (isCompute ? !signals : !waits) {
        fake->faults.emplace_back("the main queue does not wait for the compute queue");
    }
    return fake->begin("vkQueueSubmit");
}

VKAPI_ATTR VkResult VKAPI_CALL WaitForFences(VkDevice, uint32_t, const VkFence* fences, VkBool32, uint64_t) {
    fake->expectAlive("Fence", number(fences[0]), "vkWaitForFences");
    return fake->begin("vkWaitForFences");
}

VKAPI_ATTR VkResult VKAPI_CALL ResetFences(VkDevice, uint32_t, const VkFence* fences) {
    fake->expectAlive("Fence", number(fences[0]), "vkResetFences");
    return fake->begin("vkResetFences");
}

VKAPI_ATTR VkResult VKAPI_CALL DeviceWaitIdle(VkDevice) { return fake->begin("vkDeviceWaitIdle"); }

VKAPI_ATTR void VKAPI_CALL CmdCopyBuffer(VkCommandBuffer, VkBuffer, VkBuffer, uint32_t, const VkBufferCopy*) {}
VKAPI_ATTR void VKAPI_CALL CmdFillBuffer(VkCommandBuffer, VkBuffer, VkDeviceSize, VkDeviceSize, uint32_t) {}

// --- Memory --------------------------------------------------------------------------------------------------------------

// What is mapped, whichever memory it is: nothing computes with it.
std::vector<char>& mapped() {
    static std::vector<char> bytes;
    return bytes;
}

VKAPI_ATTR void VKAPI_CALL GetBufferMemoryRequirements(VkDevice, VkBuffer buffer, VkMemoryRequirements* requirements) {
    fake->expectAlive("Buffer", number(buffer), "vkGetBufferMemoryRequirements");
    *requirements = {VkDeviceSize{8} << 20, 256, 1};
}

VKAPI_ATTR VkResult VKAPI_CALL AllocateMemory(VkDevice, const VkMemoryAllocateInfo* info,
                                              const VkAllocationCallbacks* allocator, VkDeviceMemory* memory) {
    mapped().resize(static_cast<size_t>(info->allocationSize));
    return create("vkAllocateMemory", "DeviceMemory", allocator, memory);
}

VKAPI_ATTR void VKAPI_CALL FreeMemory(VkDevice, VkDeviceMemory memory, const VkAllocationCallbacks* allocator) {
    fake->destroyObject("DeviceMemory", number(memory), allocator);
}

VKAPI_ATTR VkResult VKAPI_CALL BindBufferMemory(VkDevice, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize) {
    fake->expectAlive("Buffer", number(buffer), "vkBindBufferMemory");
    fake->expectAlive("DeviceMemory", number(memory), "vkBindBufferMemory");
    return fake->begin("vkBindBufferMemory");
}

VKAPI_ATTR VkResult VKAPI_CALL MapMemory(VkDevice, VkDeviceMemory memory, VkDeviceSize, VkDeviceSize, VkMemoryMapFlags,
                                         void** data) {
    fake->expectAlive("DeviceMemory", number(memory), "vkMapMemory");
    *data = mapped().data();
    return fake->begin("vkMapMemory");
}

struct Entry {
    const char* name;
    PFN_vkVoidFunction function;
};

#define VKNORM_ENTRY(name) \
    { "vk" #name, reinterpret_cast<PFN_vkVoidFunction>(&name) }
const Entry kEntries[] = {
    VKNORM_ENTRY(EnumerateInstanceVersion),
    VKNORM_ENTRY(EnumerateInstanceExtensionProperties),
    VKNORM_ENTRY(CreateInstance),
    VKNORM_ENTRY(DestroyInstance),
    VKNORM_ENTRY(EnumeratePhysicalDevices),
    VKNORM_ENTRY(GetPhysicalDeviceQueueFamilyProperties),
    VKNORM_ENTRY(GetPhysicalDeviceMemoryProperties),
    VKNORM_ENTRY(CreateDevice),
    VKNORM_ENTRY(DestroyDevice),
    VKNORM_ENTRY(GetDeviceQueue),
    VKNORM_ENTRY(CreateCommandPool),
    VKNORM_ENTRY(DestroyCommandPool),
    VKNORM_ENTRY(ResetCommandPool),
    VKNORM_ENTRY(AllocateCommandBuffers),
    VKNORM_ENTRY(BeginCommandBuffer),
    VKNORM_ENTRY(EndCommandBuffer),
    VKNORM_ENTRY(QueueSubmit),
    VKNORM_ENTRY(CreateSemaphore),
    VKNORM_ENTRY(DestroySemaphore),
    VKNORM_ENTRY(CreateFence),
    VKNORM_ENTRY(DestroyFence),
    VKNORM_ENTRY(WaitForFences),
    VKNORM_ENTRY(ResetFences),
    VKNORM_ENTRY(DeviceWaitIdle),
    VKNORM_ENTRY(CmdCopyBuffer),
    VKNORM_ENTRY(CmdFillBuffer),
    VKNORM_ENTRY(CreateBuffer),
    VKNORM_ENTRY(DestroyBuffer),
    VKNORM_ENTRY(GetBufferMemoryRequirements),
    VKNORM_ENTRY(AllocateMemory),
    VKNORM_ENTRY(FreeMemory),
    VKNORM_ENTRY(BindBufferMemory),
    VKNORM_ENTRY(MapMemory),
};
#undef VKNORM_ENTRY

}  // namespace

PFN_vkVoidFunction findHostFunction(FakeVulkan& owner, const char* name) {
    fake = &owner;
    for (const Entry& entry : kEntries) {
        if (std::strcmp(entry.name, name) == 0) {
            return entry.function;
        }
    }
    return nullptr;
}

}  // namespace vknorm::test
