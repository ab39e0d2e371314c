#include "norms.hpp"

#include <cmath>
#include <thread>

namespace norms {
namespace {

void require(VknResult result, const VknError& error) {
    if (result == VKN_SUCCESS) return;
    throw engine::Error(result == VKN_ERROR_DEVICE_LOST ? VK_ERROR_DEVICE_LOST : VK_ERROR_UNKNOWN,
                        std::string(vknResultName(result)) + " " + error.message);
}

// Descriptions of the model's plans. All of them are of fp32, and of the same width.
struct Description {
    VknOperation operation;
    VknPlacement placement;
    VknPlanFlags flags;
    std::vector<VknRole> roles;
    const char* name;
};
const Description kDescriptions[kPlanCount] = {
    {VKN_OPERATION_RMS_NORM,
     VKN_PLACEMENT_PRE_NORM,
     VKN_PLAN_IN_PLACE_BIT,
     {VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_GAMMA, VKN_ROLE_OUTPUT},
     "layer norm"},
    {VKN_OPERATION_GATED_ACTIVATION, VKN_PLACEMENT_NONE, 0, {VKN_ROLE_INPUT, VKN_ROLE_GATE, VKN_ROLE_OUTPUT}, "gate"},
    {VKN_OPERATION_LAYER_NORM,
     VKN_PLACEMENT_PRE_NORM,
     VKN_PLAN_IN_PLACE_BIT,
     {VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_GAMMA, VKN_ROLE_OUTPUT},
     "final norm"},
};

VknResult createPlan(VknContext context, const Description& description, vknorm::Plan& plan, VknError& error) {
    VknOperandType types[8];
    uint32_t count = 0;
    for (const VknRole role : description.roles) types[count++] = {role, VKN_TYPE_F32};
    VknGateInfo gate = {VKN_STRUCTURE_TYPE_GATE_INFO, nullptr, VKN_ACTIVATION_SILU, VK_FALSE};
    VknBlockInfo block = {VKN_STRUCTURE_TYPE_BLOCK_INFO, nullptr, description.placement, 1.0F, 1.0F, 0.0F};
    if (description.operation == VKN_OPERATION_GATED_ACTIVATION) block.pNext = &gate;
    VknPlanCreateInfo info = vknorm::makePlanCreateInfo(description.operation, kHiddenSize, types, kEpsilon);
    info.pNext = &block;
    info.flags = description.flags;
    info.operandCount = count;
    info.pName = description.name;
    return vknCreatePlan(context, &info, plan.out(), &error);
}

void copy(VkCommandBuffer commands, const engine::Slice& from, const engine::Slice& to, VkDeviceSize bytes) {
    const VkBufferCopy region = {from.offset, to.offset, bytes};
    vkCmdCopyBuffer(commands, from.buffer, to.buffer, 1, &region);
}

}  // namespace

void ask(const engine::Engine& engine, Wanted& wanted) {
    VknError error = vknorm::makeError();
    VknDeviceRequirements found = vknorm::makeDeviceRequirements();
    require(vknQueryDeviceRequirements(engine.getInstanceProcAddr, engine.instance, engine.physicalDevice,
                                       engine.apiVersion, &found, &error),
            error);
    wanted.extensions.assign(found.extensionNames, found.extensionNames + found.extensionCount);
    if (found.subgroupSizeControl || found.computeFullSubgroups) {
        wanted.subgroups.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES;
        wanted.subgroups.subgroupSizeControl = found.subgroupSizeControl;
        wanted.subgroups.computeFullSubgroups = found.computeFullSubgroups;
        wanted.features = &wanted.subgroups;
    }
}

Norms::Norms(engine::Engine& engine, const Warm& warm, bool hasSelfTest) : engine_(engine) {
    createContext(warm);
    allocateSlots();
    loadWeights(hasSelfTest);
    hasPlansFromList_ = createPlansFromList(warm.planList);
    if (!hasPlansFromList_) createPlans();
    for (size_t i = 0; i < kPlanCount; ++i) {
        uint32_t count = 0;
        vknGetPlanAccesses(plans_[i].get(), &count, nullptr);
        accesses_[i].resize(count);
        vknGetPlanAccesses(plans_[i].get(), &count, accesses_[i].data());
    }
}

void Norms::createContext(const Warm& warm) {
    VknError error = vknorm::makeError();
    // [context]
    VknContextCreateInfo host = vknorm::makeContextCreateInfo();
    host.getInstanceProcAddr = engine_.getInstanceProcAddr;
    host.instance = engine_.instance;
    host.physicalDevice = engine_.physicalDevice;
    host.device = engine_.device;
    host.apiVersion = engine_.apiVersion;  // VkApplicationInfo's
    host.enabledInstanceExtensionCount = static_cast<uint32_t>(engine_.instanceExtensions.size());
    host.ppEnabledInstanceExtensions = engine_.instanceExtensions.data();
    host.enabledDeviceExtensionCount = static_cast<uint32_t>(engine_.deviceExtensions.size());
    host.ppEnabledDeviceExtensions = engine_.deviceExtensions.data();
    host.pEnabledFeatures = engine_.features;  // VkDeviceCreateInfo's chain
    host.pPipelineCacheData = warm.pipelineCache.data();
    host.pipelineCacheDataSize = warm.pipelineCache.size();
    host.pTuningTable = warm.tuningTable.data();
    host.tuningTableSize = warm.tuningTable.size();
    host.pAllocator = hostMemory_.callbacks();
    require(vknCreateContext(&host, context_.out(), &error), error);
    // [/context]
}

// At load time, each plan on a thread of its own: compiling is what takes the time.
void Norms::createPlans() {
    VknError errors[kPlanCount];
    VknResult results[kPlanCount];
    std::vector<std::thread> workers;
    for (size_t i = 0; i < kPlanCount; ++i) {
        workers.emplace_back([&, i] {
            errors[i] = vknorm::makeError();
            results[i] = createPlan(context_.get(), kDescriptions[i], plans_[i], errors[i]);
        });
    }
    for (std::thread& worker : workers) worker.join();
    for (size_t i = 0; i < kPlanCount; ++i) require(results[i], errors[i]);
}

// [warm]
// What an installer or the first start writes, so that later starts compile nothing.
void Norms::saveWarm(Warm& warm) const {
    const VknError error = vknorm::makeError();
    size_t size = 0;
    require(vknGetPipelineCacheData(context_.get(), &size, nullptr), error);
    warm.pipelineCache.resize(size);
    require(vknGetPipelineCacheData(context_.get(), &size, warm.pipelineCache.data()), error);
    VknPlan plans[kPlanCount];
    for (size_t i = 0; i < kPlanCount; ++i) plans[i] = plans_[i].get();
    require(vknSerializePlans(kPlanCount, plans, &size, nullptr), error);
    warm.planList.resize(size);
    require(vknSerializePlans(kPlanCount, plans, &size, warm.planList.data()), error);
}
// [/warm]

// False for a list of another version, or of other plans: those are made from their descriptions then.
bool Norms::createPlansFromList(const std::vector<char>& list) {
    VknPlan plans[kPlanCount] = {};
    uint32_t count = kPlanCount;
    const VknResult result = vknCreatePlansFromList(context_.get(), list.size(), list.data(), &count, plans, nullptr);
    for (size_t i = 0; i < kPlanCount; ++i) plans_[i].reset(plans[i]);
    return result == VKN_SUCCESS && count == kPlanCount;
}

void Norms::allocateSlots() {
    constexpr size_t kElements = size_t{kMaxTokens} * kHiddenSize;
    for (Slot& slot : slots_) {
        slot.upload = engine_.allocateUpload(kElements);
        for (engine::Slice* slice : {&slot.tokens, &slot.stream, &slot.branch, &slot.normed, &slot.result}) {
            *slice = engine_.allocateDevice(kElements);
        }
        slot.readback = engine_.allocateReadback(kElements);
        const VknBindingPoolCreateInfo info = vknorm::makeBindingPoolCreateInfo(2 * kLayers + 1);
        VknError error = vknorm::makeError();
        require(vknCreateBindingPool(context_.get(), &info, slot.pool.out(), &error), error);
    }
}

// A frame before the first one: weights go up, and the library's self-test runs.
void Norms::loadWeights(bool hasSelfTest) {
    VknError error = vknorm::makeError();
    const engine::Slice staging = engine_.allocateUpload(size_t{kLayers + 1} * kHiddenSize);
    engine::Frame& frame = engine_.beginFrame();
    for (uint32_t layer = 0; layer <= kLayers; ++layer) {
        weights_.push_back(engine_.allocateDevice(kHiddenSize));
        gammas_.emplace_back(kHiddenSize);
        for (uint32_t i = 0; i < kHiddenSize; ++i) {
            gammas_[layer][i] = 1.0F + 0.25F * std::cos(static_cast<float>(i + 7 * layer));
            staging.data[layer * kHiddenSize + i] = gammas_[layer][i];
        }
        engine::Slice part = staging;
        part.offset += layer * kHiddenSize * sizeof(float);
        copy(frame.compute, part, weights_[layer], weights_[layer].size);
    }
    VknSelfTestInfo info = {};
    info.sType = VKN_STRUCTURE_TYPE_SELF_TEST_INFO;
    vknGetSelfTestInfo(context_.get(), &info);
    const engine::Slice bytes = engine_.allocateReadback(info.bufferSize / sizeof(float));
    if (hasSelfTest) {
        require(vknCmdSelfTest(context_.get(), frame.compute, bytes.buffer, bytes.offset, bytes.bufferSize, &error),
                error);
        VkMemoryBarrier toHost = {VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_SHADER_WRITE_BIT,
                                  VK_ACCESS_HOST_READ_BIT};
        vkCmdPipelineBarrier(frame.compute, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                             &toHost, 0, nullptr, 0, nullptr);
    }
    engine_.endFrame(frame);
    engine_.waitIdle();
    selfTest_.sType = VKN_STRUCTURE_TYPE_SELF_TEST_REPORT;
    if (hasSelfTest) {
        require(vknCheckSelfTest(context_.get(), bytes.data, info.bufferSize, &selfTest_, &error), error);
    }
    tracker_ = std::make_unique<engine::BarrierTracker>(engine_.sliceCount());
}

// In place on the stream, three times: h += branch; y = RMSNorm(h); branch = silu(y) * tokens. Then LayerNorm(h += branch).
void Norms::record(engine::Frame& frame, uint32_t tokens) {
    Slot& slot = slots_[frame.slot];
    vknResetBindingPool(slot.pool.get());  // where the engine resets its command pool
    tracker_->forget();                    // this slot's last frame has finished: its fence was waited for
    const VkDeviceSize bytes = VkDeviceSize{tokens} * kHiddenSize * sizeof(float);
    constexpr VkPipelineStageFlags kTransfer = VK_PIPELINE_STAGE_TRANSFER_BIT;
    copy(frame.compute, slot.upload, slot.tokens, bytes);
    copy(frame.compute, slot.upload, slot.stream, bytes);
    vkCmdFillBuffer(frame.compute, slot.branch.buffer, slot.branch.offset, bytes, 0);
    const engine::Use written[] = {{&slot.tokens, kTransfer, VK_ACCESS_TRANSFER_WRITE_BIT},
                                   {&slot.stream, kTransfer, VK_ACCESS_TRANSFER_WRITE_BIT},
                                   {&slot.branch, kTransfer, VK_ACCESS_TRANSFER_WRITE_BIT}};
    tracker_->use(frame.compute, written, 3);
    for (uint32_t layer = 0; layer < kLayers; ++layer) {
        execute(frame, kLayerNorms, tokens,
                {{VKN_ROLE_INPUT, &slot.branch},
                 {VKN_ROLE_RESIDUAL_OUTPUT, &slot.stream},
                 {VKN_ROLE_GAMMA, &weights_[layer]},
                 {VKN_ROLE_OUTPUT, &slot.normed}});
        execute(frame, kGates, tokens,
                {{VKN_ROLE_INPUT, &slot.tokens}, {VKN_ROLE_GATE, &slot.normed}, {VKN_ROLE_OUTPUT, &slot.branch}});
    }
    execute(frame, kFinalNorm, tokens,
            {{VKN_ROLE_INPUT, &slot.branch},
             {VKN_ROLE_RESIDUAL_OUTPUT, &slot.stream},
             {VKN_ROLE_GAMMA, &weights_[kLayers]},
             {VKN_ROLE_OUTPUT, &slot.result}});
    // The main queue waits for the semaphore, which makes all of that visible to it.
    copy(frame.main, slot.result, slot.readback, bytes);
    VkMemoryBarrier toHost = {VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT,
                              VK_ACCESS_HOST_READ_BIT};
    vkCmdPipelineBarrier(frame.main, kTransfer, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &toHost, 0, nullptr, 0, nullptr);
}

// [execute]
// Before an operation, the engine's own barriers, of what the plan says about each operand.
void Norms::execute(engine::Frame& frame, PlanIndex index, uint32_t tokens, std::initializer_list<Operand> operands) {
    engine::Use uses[8];
    VknOperand named[8];
    size_t count = 0;
    for (const VknOperandAccess& access : accesses_[index]) {  // vknGetPlanAccesses, asked once at load time
        for (const Operand& operand : operands) {
            if (operand.role != access.role) continue;
            const engine::Slice& slice = *operand.slice;
            uses[count] = {&slice, access.stageMask, access.accessMask};
            named[count++] = {operand.role, slice.buffer, slice.offset, slice.bufferSize, 0, 0};
        }
    }
    tracker_->use(frame.compute, uses, count);
    VknExecuteInfo info = vknorm::makeExecuteInfo(tokens, named);
    info.operandCount = static_cast<uint32_t>(count);
    info.bindingPool = slots_[frame.slot].pool.get();  // not needed where push descriptors are enabled
    VknError error = vknorm::makeError();
    require(vknCmdExecute(plans_[index].get(), frame.compute, &info, &error), error);
}
// [/execute]

}  // namespace norms
