// vknorm's standalone runtime: a device, buffers and submits for those who have no engine of their own.
// Samples, tests and benchmarks use it. An engine needs vknorm.h only.
//
// Ownership   Device, Buffer and CommandBuffer own what they create and can be moved. Buffers and command buffers
//             share the device's Vulkan objects, so the order of their destruction does not matter. Whatever the
//             engine library created from context() (plans, binding pools) must be destroyed before its Device.
// Threads     A Device, with all that belongs to it, may be used by one thread at a time; the caller
//             synchronises. Different Devices are independent. listDevices() and chooseDevice() may be called from
//             any thread.
// Blocking    Every submit waits until the GPU has finished or a time limit has passed. What one submit wrote, the
//             next one and the host can see.
// Errors      RuntimeError. Its message says what to install or to do. After VK_ERROR_DEVICE_LOST nothing more can
//             be submitted, and everything can still be destroyed.
// Time-out    The GPU may still be running. Until it has finished (waitIdle() or the next submit finds out), Buffers
//             and CommandBuffers that are destroyed are kept alive behind the scenes, and submits throw VK_TIMEOUT.
//             The last owner of the device waits five seconds more; if the GPU is still running then, all Vulkan
//             objects are leaked on purpose, since freeing memory in use is worse. Plans cannot be protected in
//             this way: call waitIdle() before destroying a plan that a timed-out submit uses.
// Vulkan      The loader is found at run time. No Vulkan function is linked; function() gives their addresses.
//             Validation is switched on from outside (VK_INSTANCE_LAYERS, VK_LOADER_LAYERS_ENABLE).
#ifndef VKNORM_RUNTIME_HPP
#define VKNORM_RUNTIME_HPP

#include <vknorm/vknorm.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace vknorm {

class RuntimeError : public std::runtime_error {
public:
    RuntimeError(VkResult result, const std::string& message) : std::runtime_error(message), result_(result) {}
    VkResult result() const noexcept { return result_; }

private:
    VkResult result_;
};

// --- Devices -------------------------------------------------------------------------------------------------------

struct DeviceInfo {
    uint32_t index = 0;  // position in listDevices(); the loader's order
    std::string name;
    std::string driverName;  // as VkPhysicalDeviceDriverProperties tells; empty where the driver cannot tell
    std::string driverInfo;
    uint32_t driverVersion = 0;  // the driver's own encoding
    uint32_t vendorID = 0;
    uint32_t deviceID = 0;
    std::string deviceUUID;  // 32 hexadecimal digits; empty where the driver cannot tell
    VkPhysicalDeviceType type = VK_PHYSICAL_DEVICE_TYPE_OTHER;
    uint32_t apiVersion = 0;    // the lower of instance and device
    bool isSoftware = false;    // runs on the CPU: never to be compared with GPUs
    uint32_t subgroupSize = 0;  // 0: Vulkan 1.0, which has no subgroups
    bool hasComputeQueue = false;
};

// All devices of all drivers. Throws where there is no loader or no driver.
// getInstanceProcAddr: another loader than the system's (a fake one in tests); null for the system's.
std::vector<DeviceInfo> listDevices(PFN_vkGetInstanceProcAddr getInstanceProcAddr = nullptr);

// One of `devices`: selector is an index, a UUID (dashes allowed), or a part of the name, or else of the driver's
// name, upper or lower case. Empty: the best that can compute (discrete, integrated, virtual, other, software).
// Throws, with a list of the devices, where none or several match.
const DeviceInfo& chooseDevice(const std::vector<DeviceInfo>& devices, const std::string& selector);

// A line for people: "[0] llvmpipe (LLVM 15.0.6, 256 bits): software, not a GPU; Vulkan 1.3; …".
std::string describeDevice(const DeviceInfo& device);
// Such a line each, indented, without a line end after the last.
std::string describeDevices(const std::vector<DeviceInfo>& devices);

inline constexpr uint32_t kFeatureSubgroupSizeControl = 0x1;
inline constexpr uint32_t kFeatureComputeFullSubgroups = 0x2;

using MessageCallback =
    std::function<void(VkDebugUtilsMessageSeverityFlagBitsEXT severity, const char* id, const char* message)>;

struct DeviceOptions {
    // Which device; see chooseDevice(). Empty: the environment variable VKNORM_DEVICE, and if that is empty, the best.
    std::string selector;
    std::string applicationName = "vknorm";

    // VK_EXT_debug_utils (names and labels in captures), where available.
    bool enableDebugUtils = false;
    // Receives warnings and errors of layers, drivers and the loader (those have the id "Loader Message"), from
    // instance creation to the end. Needs VK_EXT_debug_utils: where that is missing, creation fails rather than
    // staying silent. Must not throw.
    MessageCallback messenger;

    // For tests: pretend that the device can do less. Extensions by name; features are kFeature… bits.
    std::vector<std::string> disabledExtensions;
    uint32_t disabledFeatures = 0;
    uint32_t maxApiVersion = 0;  // 0: the highest there is. VK_API_VERSION_1_0: no subgroups, nothing newer

    // Handed to VknContextCreateInfo as they are.
    VknContextFlags contextFlags = 0;
    uint32_t forbiddenForms = 0;

    // Enables VK_KHR_pipeline_executable_properties where available, and has the library keep what it tells
    // (registers, spills, instructions) of each pipeline. Compiling may bypass the driver's cache.
    bool captureStatistics = false;

    // Leave out the self-test of the reductions. For drivers that execute nothing, and for tests of the self-test.
    bool skipSelfTest = false;

    // From vknGetPipelineCacheData of an earlier run; anything that does not fit is ignored.
    std::vector<uint8_t> pipelineCache;

    // Text of `vknorm_compare tune`; see VknContextCreateInfo::pTuningTable.
    std::string tuningTable;

    // For tests: flush and invalidate mapped memory even where it is coherent.
    bool treatMemoryAsNonCoherent = false;

    // Another loader than the system's; null for the system's.
    PFN_vkGetInstanceProcAddr getInstanceProcAddr = nullptr;
};

// --- Submitting ----------------------------------------------------------------------------------------------------

inline constexpr std::chrono::nanoseconds kDefaultTimeout = std::chrono::seconds(60);

enum class TimingSource {
    GpuTimestamps,  // from the first command to the end of the last
    HostClock,      // from before vkQueueSubmit to after the wait: includes the cost of submitting
};

struct SubmitResult {
    double seconds = 0.0;
    TimingSource source = TimingSource::HostClock;
};

namespace detail {
struct BufferAllocation;
struct CommandObjects;
struct DeviceState;
}  // namespace detail

class Device {
public:
    // Creates instance, device, one compute queue and the engine library's context; enables what the library asks
    // for and nothing else; runs the recorded self-test and hands the result in, which forbids failed kernel forms.
    explicit Device(const DeviceOptions& options = {});
    ~Device();
    Device(Device&&) noexcept;
    Device& operator=(Device&&) noexcept;

    const DeviceInfo& deviceInfo() const noexcept;
    VknContext context() const noexcept;
    // What the self-test found, in words.
    const std::string& selfTestReport() const noexcept;
    // The VkApplicationInfo::apiVersion, and the names of everything that was enabled: extensions, then features.
    uint32_t instanceApiVersion() const noexcept;
    const std::vector<std::string>& enabledNames() const noexcept;
    bool isEnabled(const std::string& extensionOrFeature) const noexcept;

    VkInstance instance() const noexcept;
    VkPhysicalDevice physicalDevice() const noexcept;
    VkDevice device() const noexcept;
    VkQueue queue() const noexcept;
    uint32_t queueFamily() const noexcept;
    PFN_vkGetInstanceProcAddr getInstanceProcAddr() const noexcept;
    const VkPhysicalDeviceLimits& limits() const noexcept;

    // A device-level Vulkan function: device.function<PFN_vkCmdCopyBuffer>("vkCmdCopyBuffer"). Null if unknown.
    template <typename Function>
    Function function(const char* name) const noexcept {
        return reinterpret_cast<Function>(deviceFunction(name));
    }

    // Records a barrier: what compute shaders and transfers wrote before is complete and visible to those after.
    void recordBarrier(VkCommandBuffer commands) const;

    // Records by calling `record`, submits, and waits. Throws VK_TIMEOUT, VK_ERROR_DEVICE_LOST, …; if `record`
    // throws, nothing is submitted and the exception passes through.
    SubmitResult submit(const std::function<void(VkCommandBuffer)>& record,
                        std::chrono::nanoseconds timeout = kDefaultTimeout);

    // Waits for what a timed-out submit left running. True: the device is idle.
    bool waitIdle(std::chrono::nanoseconds timeout = kDefaultTimeout);

private:
    friend class Buffer;
    friend class CommandBuffer;
    PFN_vkVoidFunction deviceFunction(const char* name) const noexcept;
    std::shared_ptr<detail::DeviceState> state_;
};

// A command buffer that can be recorded once and submitted many times, for benchmarks.
class CommandBuffer {
public:
    explicit CommandBuffer(Device& device);
    ~CommandBuffer();
    CommandBuffer(CommandBuffer&&) noexcept;
    CommandBuffer& operator=(CommandBuffer&&) noexcept;

    VkCommandBuffer begin();
    void end();
    SubmitResult submit(std::chrono::nanoseconds timeout = kDefaultTimeout);

private:
    std::shared_ptr<detail::DeviceState> state_;
    std::unique_ptr<detail::CommandObjects> objects_;
};

// --- Buffers -------------------------------------------------------------------------------------------------------

enum class MemoryKind {
    Auto,               // mapped where memory is unified or all of it is reachable (ReBAR), else staged
    HostVisible,        // always mapped, wherever that memory lies
    DeviceLocalStaged,  // device-local, reached by copies through a staging buffer, even if it could be mapped
};

struct BufferOptions {
    MemoryKind memory = MemoryKind::Auto;
    VkBufferUsageFlags extraUsage = 0;  // storage, transfer, indirect and uniform are always there
};

class Buffer {
public:
    // size: bytes, at least 1. The VkBuffer has exactly this size.
    Buffer(Device& device, VkDeviceSize size, const BufferOptions& options = {});
    template <typename T>
    Buffer(Device& device, const std::vector<T>& values, const BufferOptions& options = {})
        : Buffer(device, values.size() * sizeof(T), options) {
        upload(values);
    }
    ~Buffer();
    Buffer(Buffer&&) noexcept;
    Buffer& operator=(Buffer&&) noexcept;

    VkBuffer handle() const noexcept;
    VkDeviceSize size() const noexcept;
    // The whole buffer as a dense operand, for recording.
    VknOperand operand(VknRole role) const noexcept { return {role, handle(), 0, size(), 0, 0}; }
    bool isMapped() const noexcept;
    VkMemoryPropertyFlags memoryProperties() const noexcept;

    // offset + bytes ≤ size(), no alignment asked for. They submit and wait where the memory is staged.
    void upload(VkDeviceSize offset, const void* data, size_t bytes);
    void download(VkDeviceSize offset, void* data, size_t bytes) const;
    // The whole buffer; where the size is no multiple of 4, the tail gets the first bytes of the word.
    void fill(uint32_t word);

    template <typename T>
    void upload(const std::vector<T>& values) {
        upload(0, values.data(), values.size() * sizeof(T));
    }
    template <typename T>
    std::vector<T> download(size_t count, VkDeviceSize offset = 0) const {
        std::vector<T> values(count);
        download(offset, values.data(), count * sizeof(T));
        return values;
    }

private:
    std::shared_ptr<detail::DeviceState> state_;
    std::unique_ptr<detail::BufferAllocation> allocation_;
};

}  // namespace vknorm

#endif
