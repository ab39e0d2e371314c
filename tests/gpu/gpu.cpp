#include "gpu/gpu.hpp"

#include "support/formats.hpp"
#include "support/functions.hpp"
#include "support/reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <stdexcept>

namespace vknorm::test {
namespace {

// Dispatches in one submit of a batch.
constexpr uint32_t kPoolDispatches = 4096;

std::unique_ptr<Gpu>& instance() {
    static std::unique_ptr<Gpu> gpu;
    return gpu;
}

// Messages that are no fault of ours, each with the reason. Those of validation
// layers are in tests/validation.
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

std::string describeQuantization(const PlanSpec& spec) {
    constexpr const char* kNames[] = {"static", "per row", "per block"};
    char text[128];
    std::snprintf(text, sizeof text, " %s %u scales %a %a largest %a", kNames[spec.quantization], spec.blockSize,
                  static_cast<double>(spec.scale), static_cast<double>(spec.scale2),
                  static_cast<double>(spec.largestValue));
    return text;
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

}  // namespace

const RoleFacts& roleFacts(VknRole role) {
    static constexpr RoleFacts kRoles[] = {
        {VKN_ROLE_INPUT, "x", Extent::Rows, false},
        {VKN_ROLE_OUTPUT, "y", Extent::Rows, true},
        {VKN_ROLE_GAMMA, "gamma", Extent::Parameters, false},
        {VKN_ROLE_BETA, "beta", Extent::Parameters, false},
        {VKN_ROLE_MEAN, "mean", Extent::Scalars, true},
        {VKN_ROLE_RSTD, "rstd", Extent::Scalars, true},
        {VKN_ROLE_RESIDUAL, "residual", Extent::Rows, false},
        {VKN_ROLE_RESIDUAL_OUTPUT, "h", Extent::Rows, true},
        {VKN_ROLE_INPUT_2, "x2", Extent::Rows, false},
        {VKN_ROLE_OUTPUT_2, "y2", Extent::Rows, true},
        {VKN_ROLE_GAMMA_2, "gamma2", Extent::Parameters, false},
        {VKN_ROLE_BETA_2, "beta2", Extent::Parameters, false},
        {VKN_ROLE_BRANCH_BIAS, "branch bias", Extent::Parameters, false},
        {VKN_ROLE_BRANCH_BIAS_2, "branch bias 2", Extent::Parameters, false},
        {VKN_ROLE_LAYER_SCALE, "layer scale", Extent::Parameters, false},
        {VKN_ROLE_ROW_SCALE, "row scale", Extent::Scalars, false},
        {VKN_ROLE_MEAN_2, "mean2", Extent::Scalars, true},
        {VKN_ROLE_RSTD_2, "rstd2", Extent::Scalars, true},
        {VKN_ROLE_SEED, "seed", Extent::Seed, false},
        {VKN_ROLE_OUTPUT_SCALE, "scale", Extent::Scales, true},
        {VKN_ROLE_OUTPUT_SCALE_2, "scale2", Extent::Scales, true},
        {VKN_ROLE_STATIC_SCALE, "static scale", Extent::Single, false},
        {VKN_ROLE_STATIC_SCALE_2, "static scale2", Extent::Single, false},
        {VKN_ROLE_GATE, "gate", Extent::Rows, false},
        {VKN_ROLE_ROW_INDEX, "row index", Extent::Scalars, false},
    };
    return *std::find_if(std::begin(kRoles), std::end(kRoles),
                         [&](const RoleFacts& facts) { return facts.role == role; });
}

VknRole PlanSpec::inputRole() const {
    return isInPlace() && placement == VKN_PLACEMENT_NONE ? VKN_ROLE_OUTPUT : VKN_ROLE_INPUT;
}

VknRole PlanSpec::residualRole() const {
    if (!isInPlace()) {
        return VKN_ROLE_RESIDUAL;
    }
    return placementFacts(placement).writesSum ? VKN_ROLE_RESIDUAL_OUTPUT : VKN_ROLE_OUTPUT;
}

std::vector<VknOperandType> PlanSpec::operands() const {
    const PlacementFacts& facts = placementFacts(placement);
    std::vector<VknOperandType> result;
    const auto add = [&](bool isThere, VknRole role, VknType type) {
        if (isThere) {
            result.push_back({role, type});
        }
    };
    const auto addOptional = [&](VknRole role, const std::optional<VknType>& type) {
        add(type.has_value(), role, type.value_or(VKN_TYPE_F32));
    };
    add(inputRole() == VKN_ROLE_INPUT, VKN_ROLE_INPUT, input);
    add(facts.writesOutput, VKN_ROLE_OUTPUT, output);
    addOptional(VKN_ROLE_GAMMA, gamma);
    addOptional(VKN_ROLE_BETA, beta);
    add(mean, VKN_ROLE_MEAN, VKN_TYPE_F32);
    add(rstd, VKN_ROLE_RSTD, VKN_TYPE_F32);
    add(facts.hasResidual && !isInPlace(), VKN_ROLE_RESIDUAL, residual);
    add(facts.writesSum, VKN_ROLE_RESIDUAL_OUTPUT, residualOutput);
    add(facts.hasSecondBranch, VKN_ROLE_INPUT_2, input2);
    add(facts.hasSecondBranch, VKN_ROLE_OUTPUT_2, output2);
    addOptional(VKN_ROLE_GAMMA_2, gamma2);
    addOptional(VKN_ROLE_BETA_2, beta2);
    addOptional(VKN_ROLE_BRANCH_BIAS, branchBias);
    addOptional(VKN_ROLE_BRANCH_BIAS_2, branchBias2);
    addOptional(VKN_ROLE_LAYER_SCALE, layerScale);
    add(rowScale, VKN_ROLE_ROW_SCALE, VKN_TYPE_F32);
    add(mean2, VKN_ROLE_MEAN_2, VKN_TYPE_F32);
    add(rstd2, VKN_ROLE_RSTD_2, VKN_TYPE_F32);
    add(seed, VKN_ROLE_SEED, VKN_TYPE_U32);
    addOptional(VKN_ROLE_GATE, gate);
    add(rowIndex, VKN_ROLE_ROW_INDEX, VKN_TYPE_U32);
    const bool measures = quantization != VKN_QUANTIZATION_STATIC;
    add(hasQuantised(VKN_ROLE_OUTPUT) && measures, VKN_ROLE_OUTPUT_SCALE, VKN_TYPE_F32);
    add(hasQuantised(VKN_ROLE_OUTPUT_2) && measures, VKN_ROLE_OUTPUT_SCALE_2, VKN_TYPE_F32);
    add(hasQuantised(VKN_ROLE_OUTPUT) && staticScale, VKN_ROLE_STATIC_SCALE, VKN_TYPE_F32);
    add(hasQuantised(VKN_ROLE_OUTPUT_2) && staticScale, VKN_ROLE_STATIC_SCALE_2, VKN_TYPE_F32);
    return result;
}

bool PlanSpec::hasQuantised(VknRole role) const {
    const PlacementFacts& facts = placementFacts(placement);
    return role == VKN_ROLE_OUTPUT ? facts.writesOutput && isQuantised(output)
                                   : facts.hasSecondBranch && isQuantised(output2);
}

uint32_t PlanSpec::scalesPerRow() const { return blockSize == 0 ? 1 : (hiddenSize + blockSize - 1) / blockSize; }

VknType PlanSpec::typeOf(VknRole role) const {
    for (const VknOperandType& operand : operands()) {
        if (operand.role == role) {
            return operand.type;
        }
    }
    throw std::logic_error(std::string("no operand ") + roleFacts(role).name);
}

uint64_t PlanSpec::parametersOf(VknRole role) const {
    const bool isOfNorm =
        role == VKN_ROLE_GAMMA || role == VKN_ROLE_BETA || role == VKN_ROLE_GAMMA_2 || role == VKN_ROLE_BETA_2;
    return isOfNorm ? std::max(parameterRows, 1u) : 1;
}

std::string PlanSpec::describe() const {
    constexpr const char* kOperations[] = {"", "rms", "layer", "dyt", "gated"};
    std::string text = kOperations[operation];
    text += " " + std::to_string(hiddenSize);
    for (const VknOperandType& operand : operands()) {
        text += std::string(" ") + roleFacts(operand.role).name;
        const bool hasType = roleFacts(operand.role).extent <= Extent::Parameters;
        text += hasType ? std::string(":") + formatFacts(operand.type).name : "";
    }
    text += " flags " + std::to_string(flags) + " epsilon " + std::to_string(epsilon * 1e9f) + "e-9 offset " +
            std::to_string(gammaOffset);
    if (partialSize != 0) {
        text += " of the first " + std::to_string(partialSize);
    }
    if (operation == VKN_OPERATION_DYT) {
        text += " alpha " + std::to_string(alpha);
    }
    if (parameterRows > 1) {
        text += " parameters of " + std::to_string(parameterRows) + " rows";
    }
    if (gate) {
        text += std::string(" ") + activationFacts(activation).name + (normFirst ? " behind the norm" : "");
    }
    if (placement != VKN_PLACEMENT_NONE) {
        text += std::string(" ") + placementFacts(placement).name + " a " + std::to_string(residualScale) + " b " +
                std::to_string(branchScale) + " dropout " + std::to_string(dropoutProbability);
    }
    if (hasQuantised(VKN_ROLE_OUTPUT) || hasQuantised(VKN_ROLE_OUTPUT_2)) {
        text += describeQuantization(*this);
    }
    text += " form " + variant.name + (variant.readTwice ? " twice" : "");
    text += variant.subgroupSize != 0 ? " subgroup " + std::to_string(variant.subgroupSize) : "";
    text += workgroupSize != 0 ? " workgroup " + std::to_string(workgroupSize) : "";
    text += maxWorkgroups != 0 ? " groups " + std::to_string(maxWorkgroups) : "";
    text += rowsAtOnce != 0 ? " rows at once " + std::to_string(rowsAtOnce) : "";
    return text;
}

VknResult createPlan(VknContext context, const PlanSpec& spec, VknPlan* plan, VknError* error) {
    VknKernelOverride kernel{};
    kernel.sType = VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE;
    kernel.form = spec.variant.form;
    kernel.workgroupSize = spec.workgroupSize;
    kernel.subgroupSize = spec.variant.subgroupSize;
    kernel.maxWorkgroups = spec.maxWorkgroups;
    kernel.rowsAtOnce = spec.rowsAtOnce;
    kernel.readTwice = spec.variant.readTwice ? VK_TRUE : VK_FALSE;
    VknGateInfo gate{};
    gate.sType = VKN_STRUCTURE_TYPE_GATE_INFO;
    gate.pNext = &kernel;
    gate.activation = spec.activation;
    gate.normFirst = spec.normFirst ? VK_TRUE : VK_FALSE;
    VknBlockInfo block{};
    block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
    block.pNext = spec.gate ? static_cast<const void*>(&gate) : &kernel;
    block.placement = spec.placement;
    block.residualScale = spec.residualScale;
    block.branchScale = spec.branchScale;
    block.dropoutProbability = spec.dropoutProbability;
    VknQuantizationInfo quantization{};
    quantization.sType = VKN_STRUCTURE_TYPE_QUANTIZATION_INFO;
    quantization.quantization = spec.quantization;
    quantization.scale = spec.scale;
    quantization.scale2 = spec.scale2;
    quantization.largestValue = spec.largestValue;
    quantization.blockSize = spec.blockSize;
    const std::vector<VknOperandType> operands = spec.operands();
    VknPlanCreateInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
    info.pNext = block.pNext;
    if (spec.placement != VKN_PLACEMENT_NONE) {
        info.pNext = &block;
    }
    if (spec.hasQuantised(VKN_ROLE_OUTPUT) || spec.hasQuantised(VKN_ROLE_OUTPUT_2)) {
        quantization.pNext = info.pNext;
        info.pNext = &quantization;
    }
    info.flags = spec.flags;
    info.operation = spec.operation;
    info.hiddenSize = spec.hiddenSize;
    info.operandCount = static_cast<uint32_t>(operands.size());
    info.pOperands = operands.data();
    info.epsilon = spec.epsilon;
    info.gammaOffset = spec.gammaOffset;
    info.partialSize = spec.partialSize;
    info.alpha = spec.alpha;
    info.parameterRows = spec.parameterRows;
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
    if (emulatesSubgroups()) {
        for (const uint32_t size : {32u, 64u, 128u}) {
            variants_.push_back({"subgroup", VKN_KERNEL_FORM_SUBGROUP, size, false});
            variants_.push_back({"subgroup+shared", VKN_KERNEL_FORM_SUBGROUP_SHARED, size, false});
        }
        variants_.push_back({"subgroup+shared", VKN_KERNEL_FORM_SUBGROUP_SHARED, 64, true});
    } else {
        const auto isUsable = [&](VknKernelForm form) { return (contextInfo_.usableForms & (1u << form)) != 0; };
        variants_.push_back({});
        if (isUsable(VKN_KERNEL_FORM_SUBGROUP)) {
            variants_.push_back({"subgroup", VKN_KERNEL_FORM_SUBGROUP, 0, false});
        }
        if (isUsable(VKN_KERNEL_FORM_SUBGROUP_SHARED)) {
            variants_.push_back({"subgroup+shared", VKN_KERNEL_FORM_SUBGROUP_SHARED, 0, false});
        }
        variants_.push_back({"shared", VKN_KERNEL_FORM_SHARED, 0, false});
        variants_.push_back({"shared", VKN_KERNEL_FORM_SHARED, 0, true});
    }
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
