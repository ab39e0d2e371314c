// Normalises a transformer's residual stream with RMSNorm and LayerNorm on any Vulkan device, checks every element
// against fp64, and measures. Usage: hello_norm [device]: index, UUID or part of the name (or set VKNORM_DEVICE).
// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"

#include <cmath>
#include <cstdio>
#include <random>

namespace {
using Floats = std::vector<float>;
using vknorm::samples::measure;
using vknorm::samples::Record;
using vknorm::samples::require;
constexpr size_t kRows = 512;  // tokens
constexpr size_t kHiddenSize = 4096;
constexpr float kEpsilon = 1e-5F;
constexpr VknType kType = VKN_TYPE_F32;
constexpr VknOperandType kTypes[] = {
    {VKN_ROLE_INPUT, kType}, {VKN_ROLE_OUTPUT, kType}, {VKN_ROLE_GAMMA, kType}, {VKN_ROLE_BETA, kType}};
// Adding n squares in fp32 loses at most n · 2^-24 of the sum, and half of that after the square root. No lane adds up
// more than a quarter of a row: 4096 / 4 / 2 · 2^-24 = 2^-15, relative to the size of the terms that make up y.
constexpr double kBound = 0x1p-15;

// The largest error of y, or NaN if y has one, so that no bound holds.
double largestError(bool isLayerNorm, const Floats& xs, const Floats& gammas, const Floats& betas, const Floats& ys) {
    const std::vector<double> x(xs.begin(), xs.end()), gamma(gammas.begin(), gammas.end());
    const std::vector<double> y(ys.begin(), ys.end()), beta(betas.begin(), betas.end());
    double largest = 0.0;
    for (size_t row = 0; row < x.size(); row += kHiddenSize) {
        double mean = 0.0, squares = 0.0;
        for (size_t i = 0; isLayerNorm && i < kHiddenSize; ++i) mean += x[row + i] / kHiddenSize;
        for (size_t i = 0; i < kHiddenSize; ++i) squares += (x[row + i] - mean) * (x[row + i] - mean);
        const double rstd = 1.0 / std::sqrt(squares / kHiddenSize + static_cast<double>(kEpsilon));
        for (size_t i = 0; i < kHiddenSize; ++i) {
            const double weight = rstd * gamma[i], bias = isLayerNorm ? beta[i] : 0.0;
            const double exact = (x[row + i] - mean) * weight + bias;
            const double size = (std::abs(x[row + i]) + std::abs(mean)) * std::abs(weight) + std::abs(bias);
            const double error = std::abs(y[row + i] - exact) / (size + 1e-30);
            if (error > largest || std::isnan(error)) largest = error;
        }
    }
    return largest;
}

bool run(const char* selector) {
    vknorm::DeviceOptions options;
    options.selector = selector;  // empty: VKNORM_DEVICE, or the best there is
    vknorm::Device device(options);
    const vknorm::DeviceInfo& info = device.deviceInfo();
    std::printf("device     %s%s\n", info.name.c_str(), info.isSoftware ? ": a software driver, not a GPU" : "");
    std::printf("driver     %s %s\nvulkan     %u.%u, subgroup size %u\nself-test  %s\n", info.driverName.c_str(),
                info.driverInfo.c_str(), VK_API_VERSION_MAJOR(info.apiVersion), VK_API_VERSION_MINOR(info.apiVersion),
                info.subgroupSize, device.selfTestReport().c_str());
    std::printf("data       %zu rows of %zu, fp32; 16 MiB in all, which a cache may hold\n\n", kRows, kHiddenSize);

    // What a language model has in its residual stream: normal values, and a channel that is huge for a few tokens.
    std::mt19937 random(42);
    std::normal_distribution<float> normal;
    Floats inputs(kRows * kHiddenSize), gammas(kHiddenSize), betas(kHiddenSize);
    for (float& value : inputs) value = 0.5F + normal(random);
    for (size_t row = 0; row < kRows; row += 64) inputs[row * kHiddenSize + 1415] = 1500.0F;
    for (float& value : gammas) value = 1.0F + 0.1F * normal(random);
    for (float& value : betas) value = 0.1F * normal(random);
    vknorm::Buffer x(device, inputs), y(device, inputs), gamma(device, gammas), beta(device, betas);

    // The yardstick: a copy of the same bytes.
    const auto copy = device.function<PFN_vkCmdCopyBuffer>("vkCmdCopyBuffer");
    const VkBufferCopy whole = {0, 0, x.size()};
    const vknorm::SubmitResult copied =
        measure(device, [&](VkCommandBuffer commands) { copy(commands, x.handle(), y.handle(), 1, &whole); });
    const double copyRate = 2e-9 * static_cast<double>(x.size()) / copied.seconds;
    std::printf("operation   max error   allowed      GB/s  of a copy\ncopy   %35.2f\n", copyRate);

    const VknOperand operands[] = {x.operand(VKN_ROLE_INPUT), y.operand(VKN_ROLE_OUTPUT), gamma.operand(VKN_ROLE_GAMMA),
                                   beta.operand(VKN_ROLE_BETA)};
    bool isAllRight = true;
    std::string kernels;
    for (const bool isLayerNorm : {false, true}) {
        const char* name = isLayerNorm ? "LayerNorm" : "RMSNorm";
        // 1. A plan, at load time: the operation and the types. It chooses the kernel and compiles it.
        VknPlanCreateInfo create = vknorm::makePlanCreateInfo(
            isLayerNorm ? VKN_OPERATION_LAYER_NORM : VKN_OPERATION_RMS_NORM, kHiddenSize, kTypes, kEpsilon);
        create.operandCount = isLayerNorm ? 4 : 3;  // no beta in RMSNorm
        VknError error = vknorm::makeError();
        vknorm::Plan plan;
        require(vknCreatePlan(device.context(), &create, plan.out(), &error), error);

        // 2. A binding: the buffers. An engine can also name them at every recording, with vknCmdExecute.
        VknExecuteInfo execute = vknorm::makeExecuteInfo(kRows, operands);
        execute.operandCount = create.operandCount;
        vknorm::Binding binding;
        require(vknCreateBinding(plan.get(), &execute, binding.out(), &error), error);

        // 3. Record, submit, check; only then measure.
        const Record record = [&](VkCommandBuffer commands) {
            require(vknCmdExecuteBinding(binding.get(), commands, kRows, &error), error);
        };
        y.fill(0x7FC00000U);  // NaN: an element that is not written is seen
        device.submit(record);
        const double largest = largestError(isLayerNorm, inputs, gammas, betas, y.download<float>(inputs.size()));
        const bool isRight = largest <= kBound;  // not so for NaN
        const VknPlanInfo chosen = vknorm::getPlanInfo(plan);
        const double bytes = static_cast<double>(chosen.leastBytesPerRow * kRows + chosen.bytesPerDispatch);
        const double rate = isRight ? 1e-9 * bytes / measure(device, record).seconds : 0.0;
        std::printf("%-9s %11.1e %9.1e %9.2f %9.0f %%  %s\n", name, largest, kBound, rate, 100.0 * rate / copyRate,
                    isRight ? "right" : "WRONG");
        kernels += std::string(name) + ": " + chosen.reason + "\n";
        isAllRight = isAllRight && isRight;
    }
    const bool isHostClock = copied.source == vknorm::TimingSource::HostClock;
    std::printf("\n%sTimed by %s.\n", kernels.c_str(), isHostClock ? "the host's clock" : "the device's timestamps");
    if (info.isSoftware) std::puts("A software driver shows results, not speed: compare it with no GPU.");
    return isAllRight;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc > 1 ? argv[1] : "") ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "hello_norm: %s\n", error.what());
        return 2;
    }
}
