// An engine's view: vknorm records into the engine's own command buffer, on the engine's own device. engine.hpp is that
// engine, as small as one can be; hello_norm is for those who have none. README.md and docs/embedding.md quote the parts
// in [brackets].
// SPDX-License-Identifier: Apache-2.0
#include "engine.hpp"

#include <vknorm/vknorm.hpp>

#include <cmath>
#include <cstdio>
#include <stdexcept>

namespace {

constexpr uint32_t kHiddenSize = 1024;
constexpr uint32_t kTokens = 64;
constexpr float kEpsilon = 1e-5F;

VknError error = vknorm::makeError();

void check(VknResult result) {
    if (result != VKN_SUCCESS) {
        throw std::runtime_error(std::string(vknResultName(result)) + ": " + error.message);
    }
}

VknOperand operand(VknRole role, const EngineBuffer& buffer) { return {role, buffer.handle, 0, buffer.size, 0, 0}; }

// [ask]
// Before the device exists: which extensions and features would help here? None of them is required.
struct Wanted {
    std::vector<const char*> extensions;
    VkPhysicalDeviceSubgroupSizeControlFeatures subgroups = {};
    const void* features = nullptr;  // a chain for VkDeviceCreateInfo::pNext
};

void ask(const Engine& engine, Wanted& wanted) {
    VknDeviceRequirements found = vknorm::makeDeviceRequirements();
    check(vknQueryDeviceRequirements(engine.getInstanceProcAddr, engine.instance, engine.physicalDevice,
                                     engine.apiVersion, &found, &error));
    wanted.extensions.assign(found.extensionNames, found.extensionNames + found.extensionCount);
    if (found.subgroupSizeControl || found.computeFullSubgroups) {
        wanted.subgroups.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES;
        wanted.subgroups.subgroupSizeControl = found.subgroupSizeControl;
        wanted.subgroups.computeFullSubgroups = found.computeFullSubgroups;
        wanted.features = &wanted.subgroups;
    }
}
// [/ask]

// [context]
// On the engine's own device. The engine says what it enabled; nothing is guessed.
vknorm::Context createContext(const Engine& engine) {
    VknContextCreateInfo host = vknorm::makeContextCreateInfo();
    host.getInstanceProcAddr = engine.getInstanceProcAddr;
    host.instance = engine.instance;
    host.physicalDevice = engine.physicalDevice;
    host.device = engine.device;
    host.apiVersion = engine.apiVersion;
    host.enabledDeviceExtensionCount = static_cast<uint32_t>(engine.enabledExtensions.size());
    host.ppEnabledDeviceExtensions = engine.enabledExtensions.data();
    host.pEnabledFeatures = engine.enabledFeatures;
    vknorm::Context context;
    check(vknCreateContext(&host, context.out(), &error));
    return context;
}
// [/context]

// [record]
// At load time. A plan is one operation, compiled: y = x / rms(x) * gamma.
vknorm::Plan createPlan(const vknorm::Context& context) {
    const VknOperandType types[] = {
        {VKN_ROLE_INPUT, VKN_TYPE_F32}, {VKN_ROLE_GAMMA, VKN_TYPE_F32}, {VKN_ROLE_OUTPUT, VKN_TYPE_F32}};
    const VknPlanCreateInfo info = vknorm::makePlanCreateInfo(VKN_OPERATION_RMS_NORM, kHiddenSize, types, kEpsilon);
    vknorm::Plan plan;
    check(vknCreatePlan(context.get(), &info, plan.out(), &error));
    return plan;
}

// Each frame, into the engine's command buffer: allocates nothing, compiles nothing, submits nothing.
void recordNorm(VkCommandBuffer commands, const vknorm::Plan& plan, const vknorm::BindingPool& pool,
                const EngineBuffer& x, const EngineBuffer& gamma, const EngineBuffer& y) {
    const VknOperand operands[] = {operand(VKN_ROLE_INPUT, x), operand(VKN_ROLE_GAMMA, gamma),
                                   operand(VKN_ROLE_OUTPUT, y)};
    VknExecuteInfo info = vknorm::makeExecuteInfo(kTokens, operands);
    info.bindingPool = pool.get();  // descriptors for devices without push descriptors
    check(vknCmdExecute(plan.get(), commands, &info, &error));
}
// [/record]

// The largest difference from two norms in double precision.
double largestError(const EngineBuffer& x, const EngineBuffer& gamma, const EngineBuffer& z) {
    double largest = 0.0;
    for (size_t row = 0; row < kTokens; ++row) {
        std::vector<double> values(x.data + row * kHiddenSize, x.data + (row + 1) * kHiddenSize);
        for (int pass = 0; pass < 2; ++pass) {
            double squares = 0.0;
            for (const double value : values) squares += value * value;
            const double rstd = 1.0 / std::sqrt(squares / kHiddenSize + static_cast<double>(kEpsilon));
            for (size_t i = 0; i < kHiddenSize; ++i) values[i] *= rstd * static_cast<double>(gamma.data[i]);
        }
        for (size_t i = 0; i < kHiddenSize; ++i) {
            const double difference = std::abs(values[i] - static_cast<double>(z.data[row * kHiddenSize + i]));
            if (!(difference <= largest)) largest = difference;  // a NaN too
        }
    }
    return largest;
}

bool run() {
    Engine engine;
    Wanted wanted;
    ask(engine, wanted);
    engine.createDevice(wanted.extensions, wanted.features);

    EngineBuffer& x = engine.createBuffer(size_t{kTokens} * kHiddenSize);
    EngineBuffer& y = engine.createBuffer(size_t{kTokens} * kHiddenSize);
    EngineBuffer& z = engine.createBuffer(size_t{kTokens} * kHiddenSize);
    EngineBuffer& gamma = engine.createBuffer(kHiddenSize);
    for (size_t i = 0; i < size_t{kTokens} * kHiddenSize; ++i) x.data[i] = std::sin(static_cast<float>(i % 7919));
    for (size_t i = 0; i < kHiddenSize; ++i) gamma.data[i] = 1.0F + 0.25F * std::cos(static_cast<float>(i));

    const vknorm::Context context = createContext(engine);
    const vknorm::Plan plan = createPlan(context);
    vknorm::BindingPool pool;  // an engine has one for each frame in flight, and resets it where it resets commands
    const VknBindingPoolCreateInfo poolInfo = vknorm::makeBindingPoolCreateInfo(2);
    check(vknCreateBindingPool(context.get(), &poolInfo, pool.out(), &error));

    engine.frame([&](VkCommandBuffer commands) {
        vknResetBindingPool(pool.get());
        // [frame]
        recordNorm(commands, plan, pool, x, gamma, y);
        vknCmdBarrier(context.get(), commands, plan.get(), plan.get());  // the second norm reads what the first wrote
        recordNorm(commands, plan, pool, y, gamma, z);
        // [/frame]
    });

    const double largest = largestError(x, gamma, z);
    const bool isRight = largest < 1e-5;  // of values up to about 3: some ten roundings of fp32
    std::printf("%s: two RMSNorms of %u x %u in one command buffer, largest error %.1e: %s\n",
                engine.deviceName.c_str(), kTokens, kHiddenSize, largest, isRight ? "right" : "WRONG");
    return isRight;
}

}  // namespace

int main() {
    try {
        return run() ? 0 : 1;
    } catch (const std::exception& exception) {
        std::fprintf(stderr, "record_norm: %s\n", exception.what());
        return 2;
    }
}
