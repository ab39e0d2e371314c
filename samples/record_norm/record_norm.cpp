// A residual add and the RMSNorm behind it, one dispatch in an engine's own command buffer. README.md quotes this.
// SPDX-License-Identifier: Apache-2.0
// [program]
#include "engine.hpp"

#include <vknorm/vknorm.hpp>

#include <cmath>
#include <cstdio>
#include <stdexcept>

static VknError error = vknorm::makeError();
static void check(VknResult result) { result == VKN_SUCCESS ? void() : throw std::runtime_error(error.message); }

int main() try {
    constexpr uint32_t kTokens = 64, kHiddenSize = 1024, kCount = kTokens * kHiddenSize;
    Engine engine;  // stands for yours: it has a device, buffers, and a command buffer for each frame
    EngineBuffer &h = engine.createBuffer(kCount), &branch = engine.createBuffer(kCount);
    EngineBuffer &y = engine.createBuffer(kCount), &gamma = engine.createBuffer(kHiddenSize);
    for (uint32_t i = 0; i < kCount; ++i) h.data[i] = 0.25F, branch.data[i] = i % 2 == 0 ? 0.5F : -1.0F;
    for (uint32_t i = 0; i < kHiddenSize; ++i) gamma.data[i] = 0.001F * static_cast<float>(i);

    VknContextCreateInfo host = vknorm::makeContextCreateInfo();  // and what you enabled; nothing is needed
    host.getInstanceProcAddr = engine.getInstanceProcAddr;
    host.instance = engine.instance;
    host.physicalDevice = engine.physicalDevice;
    host.device = engine.device;
    host.apiVersion = engine.apiVersion;
    vknorm::Context context;
    check(vknCreateContext(&host, context.out(), &error));

    // At load time a plan, which is one operation, compiled: h += branch; y = h / rms(h) * gamma.
    const VknOperand operands[] = {{VKN_ROLE_INPUT, branch.handle, 0, branch.size, 0, 0},
                                   {VKN_ROLE_RESIDUAL_OUTPUT, h.handle, 0, h.size, 0, 0},
                                   {VKN_ROLE_GAMMA, gamma.handle, 0, gamma.size, 0, 0},
                                   {VKN_ROLE_OUTPUT, y.handle, 0, y.size, 0, 0}};
    VknOperandType types[4];
    for (uint32_t i = 0; i < 4; ++i) types[i] = {operands[i].role, VKN_TYPE_F32};
    const VknBlockInfo block = {VKN_STRUCTURE_TYPE_BLOCK_INFO, nullptr, VKN_PLACEMENT_PRE_NORM, 1.0F, 1.0F, 0.0F};
    VknPlanCreateInfo create = vknorm::makePlanCreateInfo(VKN_OPERATION_RMS_NORM, kHiddenSize, types, 1e-5F);
    create.pNext = &block;
    create.flags = VKN_PLAN_IN_PLACE_BIT;  // h is read where it is written
    vknorm::Plan plan;
    check(vknCreatePlan(context.get(), &create, plan.out(), &error));
    const VknExecuteInfo execute = vknorm::makeExecuteInfo(kTokens, operands);
    vknorm::Binding binding;
    check(vknCreateBinding(plan.get(), &execute, binding.out(), &error));
    // Each frame, into the engine's command buffer: allocates, compiles and submits nothing.
    engine.frame(
        [&](VkCommandBuffer commands) { check(vknCmdExecuteBinding(binding.get(), commands, kTokens, &error)); });
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < kCount; ++i) {  // h is 0.75 or -0.75, and so its root mean square 0.75
        const float weight = gamma.data[i % kHiddenSize], sign = i % 2 == 0 ? 1.0F : -1.0F;
        wrong += h.data[i] == 0.75F * sign && std::abs(y.data[i] - sign * weight) <= 2e-5F * weight ? 0U : 1U;
    }
    return std::printf("%s: %u of %u elements wrong\n", engine.deviceName.c_str(), wrong, kCount), wrong == 0 ? 0 : 1;
} catch (const std::exception& exception) {
    return std::fprintf(stderr, "record_norm: %s\n", exception.what()), 2;
}
