// Creating a device: choose, ask the engine library, enable, tell, test.
#include "runtime/device_list.hpp"
#include "runtime/device_state.hpp"
#include "runtime/error.hpp"

#include <algorithm>
#include <cstdlib>

namespace vknorm {
namespace detail {
namespace {

constexpr const char* kPortabilitySubset = "VK_KHR_portability_subset";  // still behind VK_ENABLE_BETA_EXTENSIONS

std::string selectorOf(const DeviceOptions& options) {
    if (!options.selector.empty()) {
        return options.selector;
    }
    const char* environment = std::getenv("VKNORM_DEVICE");
    return environment != nullptr ? environment : "";
}

void choosePhysicalDevice(DeviceState& state, const DeviceOptions& options) {
    const std::vector<VkPhysicalDevice> handles = state.instance->physicalDevices();
    std::vector<DeviceInfo> devices;
    for (VkPhysicalDevice handle : handles) {
        devices.push_back(queryDevice(*state.instance, handle, static_cast<uint32_t>(devices.size())));
    }
    state.info = chooseDevice(devices, selectorOf(options));
    state.physicalDevice = handles[state.info.index];

    VkPhysicalDeviceProperties properties = {};
    state.instance->getPhysicalDeviceProperties(state.physicalDevice, &properties);
    state.limits = properties.limits;
    state.instance->getPhysicalDeviceMemoryProperties(state.physicalDevice, &state.memory);
}

void queryBufferLimits(DeviceState& state) {
    if (state.info.apiVersion < VK_API_VERSION_1_1) {
        return;
    }
    VkPhysicalDeviceMaintenance3Properties maintenance3 = {};
    maintenance3.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES;
    VkPhysicalDeviceMaintenance4Properties maintenance4 = {};
    maintenance4.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES;
    VkPhysicalDeviceProperties2 properties = {};
    properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    properties.pNext = &maintenance3;
    if (state.info.apiVersion >= VK_API_VERSION_1_3) {
        maintenance3.pNext = &maintenance4;
    }
    state.instance->getPhysicalDeviceProperties2(state.physicalDevice, &properties);
    if (maintenance3.maxMemoryAllocationSize != 0) {
        state.maxAllocationSize = maintenance3.maxMemoryAllocationSize;
    }
    if (maintenance4.maxBufferSize != 0) {
        state.maxBufferSize = maintenance4.maxBufferSize;
    }
}

// The first family that computes and has timestamps, else the first that computes. Graphics is neither needed nor
// avoided: the first family is the one that every driver is tested with.
void chooseQueueFamily(DeviceState& state) {
    const std::vector<VkQueueFamilyProperties> families = state.instance->queueFamilies(state.physicalDevice);
    const VkQueueFamilyProperties* best = nullptr;
    for (const VkQueueFamilyProperties& family : families) {
        const bool computes = family.queueCount > 0 && (family.queueFlags & VK_QUEUE_COMPUTE_BIT) != 0;
        if (computes && (best == nullptr || (best->timestampValidBits == 0 && family.timestampValidBits != 0))) {
            best = &family;
        }
    }
    // chooseDevice() refuses devices without one.
    state.queueFamily = static_cast<uint32_t>(best - families.data());
    state.timestampValidBits = best->timestampValidBits;
}

// What is enabled: the structs must stay where they are while the chain is in use.
struct Enabled {
    std::vector<std::string> extensions;
    std::vector<std::string> featureNames;
    VkPhysicalDeviceSubgroupSizeControlFeatures subgroupSizeControl = {};
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executableProperties = {};
    const void* features = nullptr;
};

void chain(Enabled& enabled, VkBaseOutStructure* features) {
    features->pNext = const_cast<VkBaseOutStructure*>(static_cast<const VkBaseOutStructure*>(enabled.features));
    enabled.features = features;
}

void enableSubgroupSizeControl(const DeviceState& state, const DeviceOptions& options,
                               const VknDeviceRequirements& requirements, Enabled& enabled) {
    const bool defined = state.info.apiVersion >= VK_API_VERSION_1_3 ||
                         contains(enabled.extensions, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
    auto& features = enabled.subgroupSizeControl;
    if (defined && requirements.subgroupSizeControl && (options.disabledFeatures & kFeatureSubgroupSizeControl) == 0) {
        features.subgroupSizeControl = VK_TRUE;
        enabled.featureNames.emplace_back("subgroupSizeControl");
    }
    if (defined && requirements.computeFullSubgroups &&
        (options.disabledFeatures & kFeatureComputeFullSubgroups) == 0) {
        features.computeFullSubgroups = VK_TRUE;
        enabled.featureNames.emplace_back("computeFullSubgroups");
    }
    if (features.subgroupSizeControl || features.computeFullSubgroups) {
        features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES;
        chain(enabled, reinterpret_cast<VkBaseOutStructure*>(&features));
    }
}

// True if statistics can be captured.
bool enableStatistics(const DeviceState& state, const std::vector<std::string>& available, Enabled& enabled) {
    if (state.instance->getPhysicalDeviceFeatures2 == nullptr ||
        !contains(available, VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME)) {
        return false;
    }
    auto& features = enabled.executableProperties;
    features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR;
    VkPhysicalDeviceFeatures2 query = {};
    query.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    query.pNext = &features;
    state.instance->getPhysicalDeviceFeatures2(state.physicalDevice, &query);
    if (!features.pipelineExecutableInfo) {
        return false;
    }
    enabled.extensions.emplace_back(VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME);
    enabled.featureNames.emplace_back("pipelineExecutableInfo");
    chain(enabled, reinterpret_cast<VkBaseOutStructure*>(&features));
    return true;
}

void createDevice(DeviceState& state, const Enabled& enabled) {
    const float priority = 1.0F;
    VkDeviceQueueCreateInfo queue = {};
    queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
    queue.queueFamilyIndex = state.queueFamily;
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;

    const std::vector<const char*> extensions = pointers(enabled.extensions);
    VkDeviceCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
    info.pNext = enabled.features;
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue;
    info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
    info.ppEnabledExtensionNames = extensions.data();
    VkDevice device = VK_NULL_HANDLE;
    const VkResult result = state.instance->createDevice(state.physicalDevice, &info, nullptr, &device);
    if (result != VK_SUCCESS) {
        fail(result, "cannot create a Vulkan device on \"" + state.info.name + "\"");
    }
    state.instance->loadDeviceTable(device, state.vk);
    state.device = device;
    state.vk.vkGetDeviceQueue(device, state.queueFamily, 0, &state.queue);
}

void createContext(DeviceState& state, const DeviceOptions& options, const Enabled& enabled, VknContextFlags flags) {
    const std::vector<const char*> instanceExtensions = pointers(state.instance->extensions());
    const std::vector<const char*> deviceExtensions = pointers(enabled.extensions);
    VknContextCreateInfo info = {};
    info.sType = VKN_STRUCTURE_TYPE_CONTEXT_CREATE_INFO;
    info.flags = flags;
    info.getInstanceProcAddr = state.instance->getInstanceProcAddr;
    info.instance = state.instance->handle();
    info.physicalDevice = state.physicalDevice;
    info.device = state.device;
    info.apiVersion = state.instance->apiVersion();
    info.enabledInstanceExtensionCount = static_cast<uint32_t>(instanceExtensions.size());
    info.ppEnabledInstanceExtensions = instanceExtensions.data();
    info.enabledDeviceExtensionCount = static_cast<uint32_t>(deviceExtensions.size());
    info.ppEnabledDeviceExtensions = deviceExtensions.data();
    info.pEnabledFeatures = enabled.features;
    info.pPipelineCacheData = options.pipelineCache.empty() ? nullptr : options.pipelineCache.data();
    info.pipelineCacheDataSize = options.pipelineCache.size();
    info.forbiddenForms = options.forbiddenForms;
    info.pTuningTable = options.tuningTable.empty() ? nullptr : options.tuningTable.data();
    info.tuningTableSize = options.tuningTable.size();
    VknError error = {};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    const VknResult result = vknCreateContext(&info, &state.context, &error);
    if (result != VKN_SUCCESS) {
        state.context = nullptr;
        fail(result, error, "cannot create vknorm's context on \"" + state.info.name + "\"");
    }
}

void setUp(DeviceState& state, const DeviceOptions& options) {
    InstanceRequest request;
    request.applicationName = options.applicationName;
    request.maxApiVersion = options.maxApiVersion;
    request.debugUtils = options.enableDebugUtils;
    request.messenger = options.messenger;
    request.getInstanceProcAddr = options.getInstanceProcAddr;
    state.instance = std::make_unique<Instance>(request);
    state.treatMemoryAsNonCoherent = options.treatMemoryAsNonCoherent;
    choosePhysicalDevice(state, options);
    queryBufferLimits(state);
    chooseQueueFamily(state);

    VknDeviceRequirements requirements = {};
    requirements.sType = VKN_STRUCTURE_TYPE_DEVICE_REQUIREMENTS;
    VknError error = {};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    const VknResult result =
        vknQueryDeviceRequirements(state.instance->getInstanceProcAddr, state.instance->handle(), state.physicalDevice,
                                   state.instance->apiVersion(), &requirements, &error);
    if (result != VKN_SUCCESS) {
        fail(result, error, "cannot ask what vknorm wants on \"" + state.info.name + "\"");
    }

    Enabled enabled;
    const std::vector<std::string> available = state.instance->deviceExtensions(state.physicalDevice);
    for (uint32_t i = 0; i < requirements.extensionCount; ++i) {
        if (!contains(options.disabledExtensions, requirements.extensionNames[i])) {
            enabled.extensions.emplace_back(requirements.extensionNames[i]);
        }
    }
    // The specification demands it wherever it is offered (MoltenVK).
    if (contains(available, kPortabilitySubset) && !contains(enabled.extensions, kPortabilitySubset)) {
        enabled.extensions.emplace_back(kPortabilitySubset);
    }
    enableSubgroupSizeControl(state, options, requirements, enabled);
    VknContextFlags flags = options.contextFlags;
    if (options.captureStatistics && enableStatistics(state, available, enabled)) {
        flags |= VKN_CONTEXT_CAPTURE_STATISTICS_BIT;
    }

    createDevice(state, enabled);
    createContext(state, options, enabled, flags);
    state.enabledNames = state.instance->extensions();
    state.enabledNames.insert(state.enabledNames.end(), enabled.extensions.begin(), enabled.extensions.end());
    state.enabledNames.insert(state.enabledNames.end(), enabled.featureNames.begin(), enabled.featureNames.end());
    state.selfTestReport = options.skipSelfTest ? "skipped" : runSelfTest(state);
}

}  // namespace
}  // namespace detail

Device::Device(const DeviceOptions& options) : state_(std::make_shared<detail::DeviceState>()) {
    detail::setUp(*state_, options);
}

Device::~Device() = default;
Device::Device(Device&&) noexcept = default;
Device& Device::operator=(Device&&) noexcept = default;

const DeviceInfo& Device::deviceInfo() const noexcept { return state_->info; }

VknContext Device::context() const noexcept { return state_->context; }

const std::string& Device::selfTestReport() const noexcept { return state_->selfTestReport; }

uint32_t Device::instanceApiVersion() const noexcept { return state_->instance->apiVersion(); }

const std::vector<std::string>& Device::enabledNames() const noexcept { return state_->enabledNames; }

bool Device::isEnabled(const std::string& extensionOrFeature) const noexcept {
    return detail::contains(state_->enabledNames, extensionOrFeature.c_str());
}

VkInstance Device::instance() const noexcept { return state_->instance->handle(); }

VkPhysicalDevice Device::physicalDevice() const noexcept { return state_->physicalDevice; }

VkDevice Device::device() const noexcept { return state_->device; }

VkQueue Device::queue() const noexcept { return state_->queue; }

uint32_t Device::queueFamily() const noexcept { return state_->queueFamily; }

PFN_vkGetInstanceProcAddr Device::getInstanceProcAddr() const noexcept { return state_->instance->getInstanceProcAddr; }

const VkPhysicalDeviceLimits& Device::limits() const noexcept { return state_->limits; }

PFN_vkVoidFunction Device::deviceFunction(const char* name) const noexcept {
    return state_->instance->getDeviceProcAddr(state_->device, name);
}

}  // namespace vknorm
