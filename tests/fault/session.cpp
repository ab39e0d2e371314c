#include "fault/session.hpp"

#include "vknorm_kernels.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <span>

namespace vknorm::test {
namespace {

constexpr uint32_t kHidden = 96;
constexpr uint64_t kRows = 8;
constexpr VkDeviceSize kBufferSize = 1 << 16;

const char* const kInstanceExtensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
const char* const kDeviceExtensions[] = {VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME};

VknError emptyError() {
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    return error;
}

constexpr VknOperandType kOperands[] = {{VKN_ROLE_INPUT, VKN_TYPE_F32},
                                        {VKN_ROLE_OUTPUT, VKN_TYPE_BF16},
                                        {VKN_ROLE_GAMMA, VKN_TYPE_F16},
                                        {VKN_ROLE_RSTD, VKN_TYPE_F32}};
constexpr VknOperandType kTrainingOperands[] = {{VKN_ROLE_INPUT, VKN_TYPE_F32},
                                                {VKN_ROLE_OUTPUT, VKN_TYPE_BF16},
                                                {VKN_ROLE_BATCH_MEAN, VKN_TYPE_F32},
                                                {VKN_ROLE_BATCH_RSTD, VKN_TYPE_F32}};
// In place without the last one.
constexpr VknOperandType kBackwardOperands[] = {
    {VKN_ROLE_INPUT, VKN_TYPE_F32},          {VKN_ROLE_GAMMA, VKN_TYPE_F16},
    {VKN_ROLE_INPUT_GRADIENT, VKN_TYPE_F32}, {VKN_ROLE_GAMMA_GRADIENT, VKN_TYPE_F16},
    {VKN_ROLE_BETA_GRADIENT, VKN_TYPE_F32},  {VKN_ROLE_OUTPUT_GRADIENT, VKN_TYPE_BF16}};

std::span<const VknOperandType> operandsOf(PlanKind kind) {
    const std::span backward(kBackwardOperands);
    switch (kind) {
        case PlanKind::Training:
            return kTrainingOperands;
        case PlanKind::Backward:
            return backward;
        case PlanKind::BackwardInPlace:
            return backward.first(backward.size() - 1);
        default:
            return kOperands;
    }
}

VknPlanFlags flagsOf(PlanKind kind) {
    switch (kind) {
        case PlanKind::GpuRows:
            return VKN_PLAN_GPU_ROWS_BIT;
        case PlanKind::Backward:
            return VKN_PLAN_BACKWARD_BIT;
        case PlanKind::BackwardInPlace:
            return VKN_PLAN_BACKWARD_BIT | VKN_PLAN_IN_PLACE_BIT | VKN_PLAN_ACCUMULATE_BIT;
        default:
            return 0;
    }
}

VknPlanCreateInfo planInfo(PlanKind kind) {
    VknPlanCreateInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
    info.flags = flagsOf(kind);
    info.operation = kind == PlanKind::Training ? VKN_OPERATION_BATCH_NORM : VKN_OPERATION_LAYER_NORM;
    info.hiddenSize = kHidden;
    info.operandCount = static_cast<uint32_t>(operandsOf(kind).size());
    info.pOperands = operandsOf(kind).data();
    info.epsilon = 1e-5f;
    info.pName = "fault";
    return info;
}

// Of the device that fake_vulkan.cpp makes up.
std::string tuningTable() {
    char device[128];
    std::snprintf(device, sizeof device, "device driver=0 vendor=0xfa4e subgroup=32 version=0.0 kernels=%016llx\n",
                  static_cast<unsigned long long>(vkn_kernelHash));
    return std::string("vknorm-tuning 1\n") + device +
           "layernorm none forward plain chunk=8 size=96 max-workgroups=9\n";
}

}  // namespace

Session::Session(FakeVulkan& vulkan, FakeAllocator& allocator, bool push)
    : vulkan_(vulkan), allocator_(allocator), push_(push) {}

Session::~Session() {
    for (VknBinding binding : bindings_) {
        vknDestroyBinding(binding);
    }
    vknDestroyBindingPool(pool_);
    for (VknPlan plan : plans_) {
        vknDestroyPlan(plan);
    }
    vknDestroyContext(context_);
}

void Session::call(const char* name, const std::function<VknResult(VknError*)>& function, bool hasError) {
    VknError error = emptyError();
    const size_t commands = vulkan_.commands;
    const VknResult result = function(&error);
    if (result >= 0) {
        EXPECT_EQ(result, VKN_SUCCESS) << name;
        EXPECT_EQ(error.code, VKN_SUCCESS) << name << ": success has filled the error: " << error.message;
        return;
    }
    EXPECT_EQ(vulkan_.commands, commands) << name << " failed and left commands behind";
    if (hasError) {
        EXPECT_EQ(error.code, result) << name;
        EXPECT_STRNE(error.message, "") << name;
        EXPECT_EQ(error.sType, VKN_STRUCTURE_TYPE_ERROR);
    }
    failures_.push_back({name, result, hasError, error});
}

template <typename Handle>
void Session::make(const char* name, Handle* handle, const std::function<VknResult(Handle*, VknError*)>& function) {
    const size_t failures = failures_.size();
    call(name, [&](VknError* error) { return function(handle, error); });
    EXPECT_EQ(*handle == VKN_NULL_HANDLE, failures_.size() != failures) << name;
}

VknResult Session::createContext(VknError* error) {
    VkPhysicalDeviceSubgroupSizeControlFeatures control{};
    control.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES;
    control.computeFullSubgroups = VK_TRUE;
    VknContextCreateInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_CONTEXT_CREATE_INFO;
    info.getInstanceProcAddr = vulkan_.getInstanceProcAddr();
    info.instance = FakeVulkan::instance();
    info.physicalDevice = FakeVulkan::physicalDevice();
    info.device = FakeVulkan::device();
    info.apiVersion = VK_API_VERSION_1_1;
    info.enabledInstanceExtensionCount = 1;
    info.ppEnabledInstanceExtensions = kInstanceExtensions;
    info.enabledDeviceExtensionCount = push_ ? 1 : 0;
    info.ppEnabledDeviceExtensions = kDeviceExtensions;
    info.pEnabledFeatures = &control;
    info.pPipelineCacheData = cacheBlob_.empty() ? nullptr : cacheBlob_.data();
    info.pipelineCacheDataSize = cacheBlob_.size();
    info.pAllocator = allocator_.callbacks();
    const std::string table = tuningTable();
    info.pTuningTable = table.data();
    info.tuningTableSize = table.size();
    const VknResult result = vknCreateContext(&info, &context_, error);
    if (result == VKN_SUCCESS) {
        VknContextInfo found{};
        found.sType = VKN_STRUCTURE_TYPE_CONTEXT_INFO;
        vknGetContextInfo(context_, &found);
        EXPECT_EQ(found.tuningEntries, found.subgroupSize != 0 ? 1u : 0u);  // which Vulkan 1.0 does not tell
    }
    return result;
}

VknResult Session::createPlan(PlanKind kind, VknPlan* plan, VknError* error) {
    VknBatchInfo batch{};
    batch.sType = VKN_STRUCTURE_TYPE_BATCH_INFO;
    batch.training = VK_TRUE;
    VknPlanCreateInfo info = planInfo(kind);
    info.pNext = kind == PlanKind::Training ? &batch : nullptr;
    return vknCreatePlan(context_, &info, plan, error);
}

VknResult Session::createForcedPlan(VknKernelForm form, VknPlan* plan) {
    VknKernelOverride kernel{};
    kernel.sType = VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE;
    kernel.form = form;
    VknPlanCreateInfo info = planInfo(PlanKind::Plain);
    info.pNext = &kernel;
    return vknCreatePlan(context_, &info, plan, nullptr);
}

VknResult Session::recordSelfTest(VknError* error) {
    VknSelfTestInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_SELF_TEST_INFO;
    vknGetSelfTestInfo(context_, &info);
    return vknCmdSelfTest(context_, FakeVulkan::commandBuffer(), FakeVulkan::buffer(9), 0, info.bufferSize, error);
}

void Session::run() {
    call("vknQueryDeviceRequirements", [&](VknError* error) {
        VknDeviceRequirements requirements{};
        requirements.sType = VKN_STRUCTURE_TYPE_DEVICE_REQUIREMENTS;
        return vknQueryDeviceRequirements(vulkan_.getInstanceProcAddr(), FakeVulkan::instance(),
                                          FakeVulkan::physicalDevice(), VK_API_VERSION_1_3, &requirements, error);
    });
    // Twice: the second context starts from what the first one saved.
    for (int round = 0; round < 2; ++round) {
        make<VknContext>("vknCreateContext", &context_,
                         [&](VknContext*, VknError* error) { return createContext(error); });
        if (context_ == VKN_NULL_HANDLE) {
            continue;
        }
        call("vknCmdSelfTest", [&](VknError* error) { return recordSelfTest(error); });
        if (round == 0) {
            runPipelineCache();
            vknDestroyContext(context_);
            context_ = VKN_NULL_HANDLE;
        }
    }
    if (context_ != VKN_NULL_HANDLE) {
        runPlans();
    }
}

void Session::runPipelineCache() {
    size_t size = 0;
    call(
        "vknGetPipelineCacheData", [&](VknError*) { return vknGetPipelineCacheData(context_, &size, nullptr); }, false);
    if (size == 0) {
        return;
    }
    cacheBlob_.resize(size);
    call(
        "vknGetPipelineCacheData",
        [&](VknError*) { return vknGetPipelineCacheData(context_, &size, cacheBlob_.data()); }, false);
    cacheBlob_.resize(size);
}

void Session::runPlans() {
    VknBindingPoolCreateInfo poolInfo{};
    poolInfo.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
    poolInfo.maxDispatches = 15;  // 1, 2, 3, and with two gradients 4 and in place 5
    make<VknBindingPool>("vknCreateBindingPool", &pool_, [&](VknBindingPool* pool, VknError* error) {
        return vknCreateBindingPool(context_, &poolInfo, pool, error);
    });
    for (const PlanKind kind :
         {PlanKind::Plain, PlanKind::GpuRows, PlanKind::Training, PlanKind::Backward, PlanKind::BackwardInPlace}) {
        VknPlan plan = VKN_NULL_HANDLE;
        make<VknPlan>("vknCreatePlan", &plan,
                      [&](VknPlan* made, VknError* error) { return createPlan(kind, made, error); });
        if (plan != VKN_NULL_HANDLE) {
            plans_.push_back(plan);
            runRecording(plan, kind);
        }
    }
    runPlanLists();
}

void Session::runPlanLists() {
    size_t size = 0;
    const auto planCount = static_cast<uint32_t>(plans_.size());
    EXPECT_EQ(vknSerializePlans(planCount, plans_.data(), &size, nullptr), VKN_SUCCESS);
    std::vector<uint8_t> list(size);
    EXPECT_EQ(vknSerializePlans(planCount, plans_.data(), &size, list.data()), VKN_SUCCESS);
    std::vector<VknPlan> made(plans_.size(), VKN_NULL_HANDLE);
    const size_t failures = failures_.size();
    call("vknCreatePlansFromList", [&](VknError* error) {
        uint32_t count = planCount;
        return vknCreatePlansFromList(context_, size, list.data(), &count, made.data(), error);
    });
    size_t missing = 0;
    for (VknPlan plan : made) {
        missing += plan == VKN_NULL_HANDLE ? 1u : 0u;
        plans_.push_back(plan);
    }
    EXPECT_EQ(missing > 0, failures_.size() > failures) << "the others of the list are made all the same";
}

VknExecuteInfo Session::executeInfo(PlanKind kind) {
    operands_.clear();
    for (const VknOperandType& type : operandsOf(kind)) {
        VknOperand operand{};
        operand.role = type.role;
        operand.buffer = FakeVulkan::buffer(operands_.size());
        operand.bufferSize = kBufferSize;
        operands_.push_back(operand);
    }
    if (kind == PlanKind::Training) {  // in the buffer of the mean, behind it
        operands_[3].buffer = operands_[2].buffer;
        operands_[3].offset = kHidden * sizeof(float);
    }
    VknExecuteInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
    info.rows = kRows;
    info.operandCount = static_cast<uint32_t>(operands_.size());
    info.pOperands = operands_.data();
    info.bindingPool = pool_;
    if (kind == PlanKind::GpuRows) {
        info.rowsBuffer = FakeVulkan::buffer(10);
        info.rowsBufferSize = 4;
    }
    if (kind != PlanKind::Plain) {
        info.scratchBuffer = FakeVulkan::buffer(11);
        info.scratchSize = kBufferSize;
    }
    return info;
}

void Session::runRecording(VknPlan plan, PlanKind kind) {
    const VknExecuteInfo info = executeInfo(kind);
    VkCommandBuffer commands = FakeVulkan::commandBuffer();
    if (pool_ != VKN_NULL_HANDLE) {
        call("vknCmdExecute", [&](VknError* error) { return vknCmdExecute(plan, commands, &info, error); });
    }
    VknBinding binding = VKN_NULL_HANDLE;
    make<VknBinding>("vknCreateBinding", &binding,
                     [&](VknBinding* made, VknError* error) { return vknCreateBinding(plan, &info, made, error); });
    if (binding != VKN_NULL_HANDLE) {
        bindings_.push_back(binding);
        call("vknCmdExecuteBinding",
             [&](VknError* error) { return vknCmdExecuteBinding(binding, commands, kRows, error); });
    }
    vknCmdBarrier(context_, commands, plan, plan);
}

}  // namespace vknorm::test
