#include "gpu/gpu.hpp"

#include "support/formats.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace vknorm::test {
namespace {

// Dispatches in one submit of a batch.
constexpr uint32_t kPoolDispatches = 4096;

std::unique_ptr<Gpu>& instance() {
    static std::unique_ptr<Gpu> gpu;
    return gpu;
}

// Messages that are no fault of ours, each with the reason. Those of validation layers are in tests/validation.
struct Allowed {
    const char* part;
    const char* reason;
};
constexpr Allowed kAllowed[] = {
    {"lavapipe is not a conformant vulkan implementation", "the driver introduces itself"},
    {"llvmpipe is not a conformant", "the driver introduces itself"},
    {"forced disabled because name matches filter of env var", "tests run without implicit layers; the loader says so"},
    {"env var 'VK_INSTANCE_LAYERS' defined", "that is how validation is switched on; the loader says so"},
};

bool isAllowed(const std::string& message) {
    for (const Allowed& allowed : kAllowed) {
        if (message.find(allowed.part) != std::string::npos) {
            return true;
        }
    }
    return false;
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

}  // namespace

std::vector<VknOperandType> PlanSpec::operands() const {
    std::vector<VknOperandType> result;
    if (!isInPlace()) {
        result.push_back({VKN_ROLE_INPUT, input});
    }
    result.push_back({VKN_ROLE_OUTPUT, output});
    if (gamma) {
        result.push_back({VKN_ROLE_GAMMA, *gamma});
    }
    if (beta) {
        result.push_back({VKN_ROLE_BETA, *beta});
    }
    if (mean) {
        result.push_back({VKN_ROLE_MEAN, VKN_TYPE_F32});
    }
    if (rstd) {
        result.push_back({VKN_ROLE_RSTD, VKN_TYPE_F32});
    }
    return result;
}

std::string PlanSpec::describe() const {
    std::string text = operation == VKN_OPERATION_LAYER_NORM ? "layer" : "rms";
    text += " " + std::to_string(hiddenSize);
    text += std::string(" ") + formatFacts(input).name + "->" + formatFacts(output).name;
    text += gamma ? std::string(" gamma ") + formatFacts(*gamma).name : "";
    text += beta ? std::string(" beta ") + formatFacts(*beta).name : "";
    text += std::string(mean ? " mean" : "") + (rstd ? " rstd" : "");
    text += " flags " + std::to_string(flags) + " epsilon " + std::to_string(epsilon * 1e9f) + "e-9 offset " +
            std::to_string(gammaOffset);
    text += " form " + variant.name + (variant.readTwice ? " twice" : "");
    text += variant.subgroupSize != 0 ? " subgroup " + std::to_string(variant.subgroupSize) : "";
    text += workgroupSize != 0 ? " workgroup " + std::to_string(workgroupSize) : "";
    text += maxWorkgroups != 0 ? " groups " + std::to_string(maxWorkgroups) : "";
    return text;
}

VknResult createPlan(VknContext context, const PlanSpec& spec, VknPlan* plan, VknError* error) {
    VknKernelOverride kernel{};
    kernel.sType = VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE;
    kernel.form = spec.variant.form;
    kernel.workgroupSize = spec.workgroupSize;
    kernel.subgroupSize = spec.variant.subgroupSize;
    kernel.maxWorkgroups = spec.maxWorkgroups;
    kernel.readTwice = spec.variant.readTwice ? VK_TRUE : VK_FALSE;
    const std::vector<VknOperandType> operands = spec.operands();
    VknPlanCreateInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
    info.pNext = &kernel;
    info.flags = spec.flags;
    info.operation = spec.operation;
    info.hiddenSize = spec.hiddenSize;
    info.operandCount = static_cast<uint32_t>(operands.size());
    info.pOperands = operands.data();
    info.epsilon = spec.epsilon;
    info.gammaOffset = spec.gammaOffset;
    return vknCreatePlan(context, &info, plan, error);
}

MessageCallback MessageLog::callback() {
    return [this](VkDebugUtilsMessageSeverityFlagBitsEXT, const char* id, const char* message) {
        std::string text = std::string(id != nullptr ? id : "") + ": " + message;
        if (!isAllowed(text)) {
            const std::lock_guard<std::mutex> lock(mutex_);
            messages_.push_back(std::move(text));
        }
    };
}

std::vector<std::string> MessageLog::take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(messages_, {});
}

DeviceOptions defaultDeviceOptions() {
    DeviceOptions options;
    options.applicationName = "vknorm tests";
    options.enableDebugUtils = true;
    return options;
}

Gpu& Gpu::get() {
    if (!instance()) {
        instance() = std::make_unique<Gpu>(defaultDeviceOptions());
        const DeviceInfo& info = instance()->device().deviceInfo();
        std::printf("device: %s\nself-test: %s\n", describeDevice(info).c_str(),
                    instance()->device().selfTestReport().c_str());
    }
    return *instance();
}

void Gpu::close() {
    if (instance()) {
        std::printf("plans: %zu, pipelines: %zu\n", instance()->planCount(), instance()->pipelineCount());
        instance().reset();
    }
}

Gpu::Gpu(const DeviceOptions& options)
    : device_([&] {
          DeviceOptions withMessages = options;
          withMessages.messenger = messages_.callback();
          return withMessages;
      }()) {
    contextInfo_.sType = VKN_STRUCTURE_TYPE_CONTEXT_INFO;
    vknGetContextInfo(context(), &contextInfo_);
    if (contextInfo_.pushDescriptors == VK_FALSE) {
        VknBindingPoolCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
        info.maxDispatches = kPoolDispatches;
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        if (vknCreateBindingPool(context(), &info, &pool_, &error) != VKN_SUCCESS) {
            throw std::runtime_error(std::string("binding pool: ") + error.message);
        }
    }
    listVariants();
}

Gpu::~Gpu() {
    forgetPlans();
    vknDestroyBindingPool(pool_);
}

void Gpu::forgetPlans() {
    for (const auto& [description, plan] : plans_) {
        vknDestroyPlan(plan);
    }
    plans_.clear();
}

void Gpu::listVariants() {
    const auto isUsable = [&](VknKernelForm form) { return (contextInfo_.usableForms & (1u << form)) != 0; };
#ifdef VKN_EMULATE_SUBGROUPS
    for (const uint32_t size : {32u, 64u, 128u}) {
        variants_.push_back({"subgroup", VKN_KERNEL_FORM_SUBGROUP, size, false});
        variants_.push_back({"subgroup+shared", VKN_KERNEL_FORM_SUBGROUP_SHARED, size, false});
    }
    variants_.push_back({"subgroup+shared", VKN_KERNEL_FORM_SUBGROUP_SHARED, 64, true});
    (void)isUsable;
#else
    variants_.push_back({});
    if (isUsable(VKN_KERNEL_FORM_SUBGROUP)) {
        variants_.push_back({"subgroup", VKN_KERNEL_FORM_SUBGROUP, 0, false});
    }
    if (isUsable(VKN_KERNEL_FORM_SUBGROUP_SHARED)) {
        variants_.push_back({"subgroup+shared", VKN_KERNEL_FORM_SUBGROUP_SHARED, 0, false});
    }
    variants_.push_back({"shared", VKN_KERNEL_FORM_SHARED, 0, false});
    variants_.push_back({"shared", VKN_KERNEL_FORM_SHARED, 0, true});
#endif
    for (const FormVariant& variant : variants_) {
        if (variant.form != VKN_KERNEL_FORM_AUTO) {
            forms_.push_back(variant);
        }
    }
}

VknPlan Gpu::plan(const PlanSpec& spec) {
    const std::string key = spec.describe();
    const auto found = plans_.find(key);
    if (found != plans_.end()) {
        return found->second;
    }
    VknPlan plan = VKN_NULL_HANDLE;
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    const VknResult result = createPlan(context(), spec, &plan, &error);
    EXPECT_EQ(result, VKN_SUCCESS) << key << ": " << error.field << ": " << error.message;
    uint32_t count = 0;
    if (plan != VKN_NULL_HANDLE) {
        vknGetPlanPipelines(plan, &count, nullptr);
    }
    pipelines_ += count;
    ++plansMade_;
    plans_[key] = plan;
    return plan;
}

void Gpu::submit(const std::function<void(VkCommandBuffer)>& record) {
    device_.submit(record, std::chrono::seconds(300));
    if (pool_ != VKN_NULL_HANDLE) {
        vknResetBindingPool(pool_);
    }
}

bool isFullTest() { return environment("VKNORM_TEST_FULL") == "1"; }

bool isQuickTest() { return environment("VKNORM_TEST_QUICK") == "1"; }

bool isTurnOf(size_t form, size_t other) { return !isQuickTest() || other % Gpu::get().forms().size() == form; }

bool isSynchronisationValidated() {
    return !environment("VKNORM_VALIDATION").empty() && environment("VKNORM_VALIDATION") != "none";
}

bool isPackagedValidation() { return environment("VKNORM_VALIDATION") == "packaged"; }

}  // namespace vknorm::test
