#include "fault/fake_vulkan.hpp"

#include "fault/fake_host.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace vknorm::test {
namespace {

FakeVulkan* fake = nullptr;

template <typename Handle>
uint64_t number(Handle handle) {
    return reinterpret_cast<uintptr_t>(handle);
}

template <typename Handle>
VkResult create(const char* function, const char* type, const VkAllocationCallbacks* allocator, Handle* handle,
                uint32_t room = 0) {
    VkResult result = fake->begin(function);
    uint64_t value = 0;
    if (result == VK_SUCCESS) {
        result = fake->createObject(type, allocator, &value, room);
    }
    if (result == VK_SUCCESS) {
        *handle = reinterpret_cast<Handle>(static_cast<uintptr_t>(value));
    } else {
        // Vulkan leaves it undefined on failure, so whoever destroys it is found out.
        *handle = reinterpret_cast<Handle>(uintptr_t{0xDEAD});
    }
    return result;
}

// --- Instance and physical device ------------------------------------------------------------------------------------

VKAPI_ATTR void VKAPI_CALL GetPhysicalDeviceProperties(VkPhysicalDevice, VkPhysicalDeviceProperties* properties) {
    *properties = {};
    properties->apiVersion = VK_API_VERSION_1_3;
    properties->vendorID = 0xFA4E;
    properties->deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    VkPhysicalDeviceLimits& limits = properties->limits;
    limits.maxComputeWorkGroupInvocations = 1024;
    limits.maxComputeWorkGroupSize[0] = 1024;
    limits.maxComputeWorkGroupCount[0] = 65535;
    limits.maxComputeSharedMemorySize = 32768;
    limits.maxPerStageDescriptorStorageBuffers = 16;
    limits.maxDescriptorSetStorageBuffers = 16;
    limits.maxStorageBufferRange = 1u << 30;
    limits.minStorageBufferOffsetAlignment = 16;
    limits.minUniformBufferOffsetAlignment = 64;
    limits.maxPushConstantsSize = 128;
}

template <typename Function>
void forEachStructure(void* chain, const Function& function) {
    for (auto* s = static_cast<VkBaseOutStructure*>(chain); s != nullptr; s = s->pNext) {
        function(s);
    }
}

VKAPI_ATTR void VKAPI_CALL GetPhysicalDeviceProperties2(VkPhysicalDevice device,
                                                        VkPhysicalDeviceProperties2* properties) {
    GetPhysicalDeviceProperties(device, &properties->properties);
    forEachStructure(properties->pNext, [](VkBaseOutStructure* s) {
        if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES) {
            auto* subgroup = reinterpret_cast<VkPhysicalDeviceSubgroupProperties*>(s);
            subgroup->subgroupSize = 32;
            subgroup->supportedStages = VK_SHADER_STAGE_COMPUTE_BIT;
            subgroup->supportedOperations = VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT;
        } else if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PUSH_DESCRIPTOR_PROPERTIES_KHR) {
            reinterpret_cast<VkPhysicalDevicePushDescriptorPropertiesKHR*>(s)->maxPushDescriptors = 32;
        }
    });
}

VKAPI_ATTR void VKAPI_CALL GetPhysicalDeviceFeatures2(VkPhysicalDevice, VkPhysicalDeviceFeatures2* features) {
    forEachStructure(features->pNext, [](VkBaseOutStructure* s) {
        if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES) {
            auto* control = reinterpret_cast<VkPhysicalDeviceSubgroupSizeControlFeatures*>(s);
            control->subgroupSizeControl = VK_TRUE;
            control->computeFullSubgroups = VK_TRUE;
        }
    });
}

VKAPI_ATTR VkResult VKAPI_CALL EnumerateDeviceExtensionProperties(VkPhysicalDevice, const char*, uint32_t* count,
                                                                  VkExtensionProperties* properties) {
    const VkResult result = fake->begin("vkEnumerateDeviceExtensionProperties");
    if (result != VK_SUCCESS) {
        return result;
    }
    const uint32_t offered = fake->offersPushDescriptors ? 1 : 0;
    if (properties != nullptr && *count >= offered && offered != 0) {
        std::strcpy(properties[0].extensionName, VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME);
    }
    *count = offered;
    return VK_SUCCESS;
}

// --- Device ----------------------------------------------------------------------------------------------------------

#define VKNORM_CREATE(Type)                                                                                 \
    VKAPI_ATTR VkResult VKAPI_CALL Create##Type(VkDevice, const Vk##Type##CreateInfo*,                      \
                                                const VkAllocationCallbacks* allocator, Vk##Type* handle) { \
        return create("vkCreate" #Type, #Type, allocator, handle);                                          \
    }
#define VKNORM_DESTROY(Type)                                                                                      \
    VKAPI_ATTR void VKAPI_CALL Destroy##Type(VkDevice, Vk##Type handle, const VkAllocationCallbacks* allocator) { \
        fake->destroyObject(#Type, number(handle), allocator);                                                    \
    }
VKNORM_CREATE(PipelineLayout)
VKNORM_CREATE(DescriptorSetLayout)
VKNORM_CREATE(PipelineCache)
VKNORM_DESTROY(PipelineLayout)
VKNORM_DESTROY(DescriptorSetLayout)
VKNORM_DESTROY(PipelineCache)
VKNORM_DESTROY(ShaderModule)
VKNORM_DESTROY(Pipeline)
VKNORM_DESTROY(DescriptorPool)
#undef VKNORM_CREATE
#undef VKNORM_DESTROY

// For tests of what becomes of modules elsewhere: VKNORM_DUMP_MODULES names a folder to write them to.
void dumpModule(const VkShaderModuleCreateInfo& info) {
    static size_t count = 0;
    const char* folder = std::getenv("VKNORM_DUMP_MODULES");
    if (folder != nullptr) {
        std::ofstream file(std::string(folder) + "/" + std::to_string(count++) + ".spv", std::ios::binary);
        file.write(reinterpret_cast<const char*>(info.pCode), static_cast<std::streamsize>(info.codeSize));
    }
}

VKAPI_ATTR VkResult VKAPI_CALL CreateShaderModule(VkDevice, const VkShaderModuleCreateInfo* info,
                                                  const VkAllocationCallbacks* allocator, VkShaderModule* module) {
    constexpr uint32_t kMagic = 0x07230203u;
    if (info->codeSize < 20 || info->codeSize % 4 != 0 || info->pCode[0] != kMagic) {
        fake->faults.emplace_back("vkCreateShaderModule was given no SPIR-V");
    }
    dumpModule(*info);
    return create("vkCreateShaderModule", "ShaderModule", allocator, module);
}

VKAPI_ATTR VkResult VKAPI_CALL CreateComputePipelines(VkDevice, VkPipelineCache cache, uint32_t count,
                                                      const VkComputePipelineCreateInfo* info,
                                                      const VkAllocationCallbacks* allocator, VkPipeline* pipelines) {
    if (count != 1) {
        fake->faults.emplace_back("vkCreateComputePipelines: one pipeline at a time was expected");
    }
    fake->expectAlive("PipelineCache", number(cache), "vkCreateComputePipelines");
    fake->expectAlive("PipelineLayout", number(info->layout), "vkCreateComputePipelines");
    fake->expectAlive("ShaderModule", number(info->stage.module), "vkCreateComputePipelines");
    if (fake->pipelinesThatFail > 0) {
        --fake->pipelinesThatFail;
        pipelines[0] = VK_NULL_HANDLE;
        return fake->pipelinesFailSilently ? VK_SUCCESS : VK_ERROR_UNKNOWN;
    }
    const VkResult result = create("vkCreateComputePipelines", "Pipeline", allocator, pipelines);
    if (result != VK_SUCCESS) {
        pipelines[0] = VK_NULL_HANDLE;  // which Vulkan guarantees for pipelines alone
    }
    return result;
}

VKAPI_ATTR VkResult VKAPI_CALL CreateDescriptorPool(VkDevice, const VkDescriptorPoolCreateInfo* info,
                                                    const VkAllocationCallbacks* allocator, VkDescriptorPool* pool) {
    return create("vkCreateDescriptorPool", "DescriptorPool", allocator, pool, info->maxSets);
}

VKAPI_ATTR VkResult VKAPI_CALL AllocateDescriptorSets(VkDevice, const VkDescriptorSetAllocateInfo* info,
                                                      VkDescriptorSet* sets) {
    fake->expectAlive("DescriptorPool", number(info->descriptorPool), "vkAllocateDescriptorSets");
    const VkResult result = fake->begin("vkAllocateDescriptorSets");
    if (result != VK_SUCCESS) {
        return result;
    }
    for (uint32_t i = 0; i < info->descriptorSetCount; ++i) {
        fake->expectAlive("DescriptorSetLayout", number(info->pSetLayouts[i]), "vkAllocateDescriptorSets");
        if (!fake->takeRoom(number(info->descriptorPool))) {
            return VK_ERROR_OUT_OF_POOL_MEMORY;
        }
        sets[i] = reinterpret_cast<VkDescriptorSet>(uintptr_t{0x5E7});
    }
    return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL GetPipelineCacheData(VkDevice, VkPipelineCache cache, size_t* size, void* data) {
    fake->expectAlive("PipelineCache", number(cache), "vkGetPipelineCacheData");
    const VkResult result = fake->begin("vkGetPipelineCacheData");
    if (result != VK_SUCCESS) {
        return result;
    }
    constexpr size_t kSize = 48;
    if (data != nullptr) {
        if (*size < kSize) {
            return VK_INCOMPLETE;
        }
        std::memset(data, 0x5C, kSize);
    }
    *size = kSize;
    return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL SetDebugUtilsObjectNameEXT(VkDevice, const VkDebugUtilsObjectNameInfoEXT*) {
    return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL UpdateDescriptorSets(VkDevice, uint32_t, const VkWriteDescriptorSet*, uint32_t,
                                                const VkCopyDescriptorSet*) {}

// --- Recording -------------------------------------------------------------------------------------------------------

VKAPI_ATTR void VKAPI_CALL CmdBindPipeline(VkCommandBuffer, VkPipelineBindPoint, VkPipeline pipeline) {
    fake->expectAlive("Pipeline", number(pipeline), "vkCmdBindPipeline");
    ++fake->commands;
}

VKAPI_ATTR void VKAPI_CALL CmdBindDescriptorSets(VkCommandBuffer, VkPipelineBindPoint, VkPipelineLayout, uint32_t,
                                                 uint32_t, const VkDescriptorSet*, uint32_t, const uint32_t*) {
    ++fake->commands;
}

VKAPI_ATTR void VKAPI_CALL CmdPushDescriptorSetKHR(VkCommandBuffer, VkPipelineBindPoint, VkPipelineLayout, uint32_t,
                                                   uint32_t, const VkWriteDescriptorSet*) {
    ++fake->commands;
}

VKAPI_ATTR void VKAPI_CALL CmdPushConstants(VkCommandBuffer, VkPipelineLayout, VkShaderStageFlags, uint32_t, uint32_t,
                                            const void*) {
    ++fake->commands;
}

VKAPI_ATTR void VKAPI_CALL CmdDispatch(VkCommandBuffer, uint32_t, uint32_t, uint32_t) { ++fake->commands; }

VKAPI_ATTR void VKAPI_CALL CmdDispatchIndirect(VkCommandBuffer, VkBuffer, VkDeviceSize) { ++fake->commands; }

VKAPI_ATTR void VKAPI_CALL CmdPipelineBarrier(VkCommandBuffer, VkPipelineStageFlags, VkPipelineStageFlags,
                                              VkDependencyFlags, uint32_t, const VkMemoryBarrier*, uint32_t,
                                              const VkBufferMemoryBarrier*, uint32_t, const VkImageMemoryBarrier*) {
    ++fake->commands;
}

VKAPI_ATTR void VKAPI_CALL CmdBeginDebugUtilsLabelEXT(VkCommandBuffer, const VkDebugUtilsLabelEXT*) {
    ++fake->commands;
}

VKAPI_ATTR void VKAPI_CALL CmdEndDebugUtilsLabelEXT(VkCommandBuffer) { ++fake->commands; }

// --- Look-up ---------------------------------------------------------------------------------------------------------

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL GetDeviceProcAddr(VkDevice device, const char* name);

struct Entry {
    const char* name;
    PFN_vkVoidFunction function;
    bool isDevices;
};

#define VKNORM_ENTRY(name, isDevices) \
    { "vk" #name, reinterpret_cast<PFN_vkVoidFunction>(&name), isDevices }
const Entry kEntries[] = {
    VKNORM_ENTRY(GetPhysicalDeviceProperties, false),
    VKNORM_ENTRY(GetPhysicalDeviceProperties2, false),
    VKNORM_ENTRY(GetPhysicalDeviceFeatures2, false),
    VKNORM_ENTRY(EnumerateDeviceExtensionProperties, false),
    VKNORM_ENTRY(GetDeviceProcAddr, false),
    VKNORM_ENTRY(CreateShaderModule, true),
    VKNORM_ENTRY(DestroyShaderModule, true),
    VKNORM_ENTRY(CreateComputePipelines, true),
    VKNORM_ENTRY(DestroyPipeline, true),
    VKNORM_ENTRY(CreatePipelineLayout, true),
    VKNORM_ENTRY(DestroyPipelineLayout, true),
    VKNORM_ENTRY(CreateDescriptorSetLayout, true),
    VKNORM_ENTRY(DestroyDescriptorSetLayout, true),
    VKNORM_ENTRY(CreateDescriptorPool, true),
    VKNORM_ENTRY(DestroyDescriptorPool, true),
    VKNORM_ENTRY(AllocateDescriptorSets, true),
    VKNORM_ENTRY(UpdateDescriptorSets, true),
    VKNORM_ENTRY(CreatePipelineCache, true),
    VKNORM_ENTRY(DestroyPipelineCache, true),
    VKNORM_ENTRY(GetPipelineCacheData, true),
    VKNORM_ENTRY(SetDebugUtilsObjectNameEXT, true),
    VKNORM_ENTRY(CmdBindPipeline, true),
    VKNORM_ENTRY(CmdBindDescriptorSets, true),
    VKNORM_ENTRY(CmdPushDescriptorSetKHR, true),
    VKNORM_ENTRY(CmdPushConstants, true),
    VKNORM_ENTRY(CmdDispatch, true),
    VKNORM_ENTRY(CmdDispatchIndirect, true),
    VKNORM_ENTRY(CmdPipelineBarrier, true),
    VKNORM_ENTRY(CmdBeginDebugUtilsLabelEXT, true),
    VKNORM_ENTRY(CmdEndDebugUtilsLabelEXT, true),
};
#undef VKNORM_ENTRY

PFN_vkVoidFunction find(const char* name, bool devicesOnly) {
    fake->asked.insert(name);
    if (fake->missing.count(name) != 0) {
        return nullptr;
    }
    for (const Entry& entry : kEntries) {
        if (std::strcmp(entry.name, name) == 0 && (entry.isDevices || !devicesOnly)) {
            return entry.function;
        }
    }
    return findHostFunction(*fake, name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL GetDeviceProcAddr(VkDevice, const char* name) { return find(name, true); }

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL GetInstanceProcAddr(VkInstance, const char* name) { return find(name, false); }

}  // namespace

// --- Host memory -----------------------------------------------------------------------------------------------------

void* FakeAllocator::allocate(void* self, size_t size, size_t alignment, VkSystemAllocationScope) {
    auto& allocator = *static_cast<FakeAllocator*>(self);
    if (size == 0 || alignment > alignof(std::max_align_t)) {
        allocator.faults_.emplace_back("an allocation of 0 bytes, or of a strange alignment");
    }
    if (allocator.allocations_++ == allocator.failAt_) {
        return nullptr;
    }
    void* memory = std::malloc(size);
    allocator.live_.insert(memory);
    return memory;
}

void* FakeAllocator::reallocate(void* self, void*, size_t, size_t, VkSystemAllocationScope) {
    static_cast<FakeAllocator*>(self)->faults_.emplace_back("a reallocation, of which there should be none");
    return nullptr;
}

void FakeAllocator::release(void* self, void* memory) {
    auto& allocator = *static_cast<FakeAllocator*>(self);
    if (memory != nullptr && allocator.live_.erase(memory) == 0) {
        allocator.faults_.emplace_back("memory was freed that was not allocated here, or twice");
        return;
    }
    std::free(memory);
}

// --- The device ------------------------------------------------------------------------------------------------------

FakeVulkan::FakeVulkan() {
    if (fake != nullptr) {
        std::abort();
    }
    fake = this;
}

FakeVulkan::~FakeVulkan() { fake = nullptr; }

PFN_vkGetInstanceProcAddr FakeVulkan::getInstanceProcAddr() const { return &GetInstanceProcAddr; }

VkResult FakeVulkan::begin(const char* function) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (isLost_) {
        return VK_ERROR_DEVICE_LOST;
    }
    if (fallibleCalls++ != failAt) {
        return VK_SUCCESS;
    }
    failedCall = function;
    isLost_ = failure == VK_ERROR_DEVICE_LOST;
    return failure;
}

VkResult FakeVulkan::createObject(const char* type, const VkAllocationCallbacks* allocator, uint64_t* handle,
                                  uint32_t room) {
    Object object{type, nullptr, nullptr, room};
    if (allocator != nullptr) {
        // As drivers do.
        object.memory = allocator->pfnAllocation(allocator->pUserData, 24, 8, VK_SYSTEM_ALLOCATION_SCOPE_OBJECT);
        object.allocator = allocator->pUserData;
        if (object.memory == nullptr) {
            return VK_ERROR_OUT_OF_HOST_MEMORY;
        }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    *handle = next_++;
    objects_[*handle] = object;
    return VK_SUCCESS;
}

void FakeVulkan::destroyObject(const char* type, uint64_t handle, const VkAllocationCallbacks* allocator) {
    if (handle == 0) {
        return;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = objects_.find(handle);
    if (found == objects_.end() || found->second.type != type) {
        faults.push_back(std::string("a ") + type + " was destroyed that is none");
        return;
    }
    if (found->second.allocator != (allocator != nullptr ? allocator->pUserData : nullptr)) {
        faults.push_back(std::string("a ") + type + " was destroyed with another allocator");
    } else if (allocator != nullptr) {
        allocator->pfnFree(allocator->pUserData, found->second.memory);
    }
    objects_.erase(found);
}

void FakeVulkan::expectAlive(const char* type, uint64_t handle, const char* function) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = objects_.find(handle);
    if (found == objects_.end() || found->second.type != type) {
        faults.push_back(std::string(function) + " was given a " + type + " that is none");
    }
}

bool FakeVulkan::takeRoom(uint64_t pool) {
    const auto found = objects_.find(pool);
    return found != objects_.end() && found->second.room > 0 && found->second.room-- > 0;
}

std::string FakeVulkan::describeObjects() const {
    std::string text;
    for (const auto& [handle, object] : objects_) {
        text += (text.empty() ? "" : ", ") + object.type;
    }
    return text;
}

}  // namespace vknorm::test
