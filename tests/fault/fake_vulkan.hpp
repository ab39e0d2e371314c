// A Vulkan device that exists only here: it executes nothing, knows what is alive, and fails when it is told to.
#pragma once

#include <vknorm/vknorm.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace vknorm::test {

// Host memory through VkAllocationCallbacks: counts, and fails at the allocation that it is told.
class FakeAllocator {
public:
    static constexpr size_t kNever = SIZE_MAX;

    const VkAllocationCallbacks* callbacks() const { return &callbacks_; }
    void failAt(size_t allocation) { failAt_ = allocation; }  // counted from 0
    size_t allocations() const { return allocations_; }
    bool hasFailed() const { return allocations_ > failAt_; }
    size_t live() const { return live_.size(); }
    const std::vector<std::string>& faults() const { return faults_; }

private:
    static VKAPI_ATTR void* VKAPI_CALL allocate(void* self, size_t size, size_t alignment, VkSystemAllocationScope);
    static VKAPI_ATTR void* VKAPI_CALL reallocate(void*, void*, size_t, size_t, VkSystemAllocationScope);
    static VKAPI_ATTR void VKAPI_CALL release(void* self, void* memory);

    VkAllocationCallbacks callbacks_{this, &allocate, &reallocate, &release, nullptr, nullptr};
    size_t failAt_ = kNever;
    size_t allocations_ = 0;
    std::set<void*> live_;
    std::vector<std::string> faults_;
};

// One at a time, because Vulkan's function pointers have no user data.
class FakeVulkan {
public:
    FakeVulkan();
    ~FakeVulkan();
    FakeVulkan(const FakeVulkan&) = delete;
    FakeVulkan& operator=(const FakeVulkan&) = delete;

    // --- What it is.
    bool offersPushDescriptors = true;
    // Functions that the loader does not know.
    std::set<std::string> missing;

    // --- What fails: call number `failAt`, from 0, of those that can. A lost device stays lost.
    static constexpr size_t kNever = SIZE_MAX;
    size_t failAt = kNever;
    VkResult failure = VK_ERROR_OUT_OF_DEVICE_MEMORY;
    // Pipelines that cannot be compiled, from the first on; and whether the driver claims success all the same.
    size_t pipelinesThatFail = 0;
    bool pipelinesFailSilently = false;

    // --- What happened.
    size_t fallibleCalls = 0;
    std::string failedCall;           // the function that was made to fail; empty as long as there is none
    size_t commands = 0;              // recorded
    std::set<std::string> asked;      // names of functions that were looked up
    std::vector<std::string> faults;  // wrong use: destroyed twice, with another allocator, used after its end
    size_t liveObjects() const { return objects_.size(); }
    std::string describeObjects() const;

    PFN_vkGetInstanceProcAddr getInstanceProcAddr() const;
    static VkInstance instance() { return reinterpret_cast<VkInstance>(uintptr_t{0x10}); }
    static VkPhysicalDevice physicalDevice() { return reinterpret_cast<VkPhysicalDevice>(uintptr_t{0x20}); }
    static VkDevice device() { return reinterpret_cast<VkDevice>(uintptr_t{0x30}); }
    static VkCommandBuffer commandBuffer() { return reinterpret_cast<VkCommandBuffer>(uintptr_t{0x40}); }
    static VkBuffer buffer(uintptr_t number) { return reinterpret_cast<VkBuffer>(0x1000 + number); }

    // --- For the functions.
    // The result that a call must return now.
    VkResult begin(const char* function);
    VkResult createObject(const char* type, const VkAllocationCallbacks* allocator, uint64_t* handle,
                          uint32_t room = 0);
    void destroyObject(const char* type, uint64_t handle, const VkAllocationCallbacks* allocator);
    void expectAlive(const char* type, uint64_t handle, const char* function);
    bool takeRoom(uint64_t pool);

private:
    struct Object {
        std::string type;
        const void* allocator;  // pUserData, or null
        void* memory;
        uint32_t room;  // sets that can still be taken from a descriptor pool
    };
    std::mutex mutex_;  // of what follows, and of calls and faults: objects are created from several threads
    std::map<uint64_t, Object> objects_;
    uint64_t next_ = 0x100000;
    bool isLost_ = false;
};

}  // namespace vknorm::test
