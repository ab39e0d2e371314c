// Normalises a transformer's residual stream with RMSNorm and LayerNorm on any Vulkan device, checks every element
// against fp64, and measures. Usage: hello_norm [device]: index, UUID or part of the name (or set VKNORM_DEVICE).
// SPDX-License-Identifier: Apache-2.0
#include <vknorm/runtime.hpp>
#include <vknorm/vknorm.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>

namespace {

using Floats = std::vector<float>;
constexpr size_t kRows = 512;  // tokens
constexpr size_t kHiddenSize = 4096;
constexpr float kEpsilon = 1e-5F;
constexpr VknOperandType kTypes[] = {{VKN_ROLE_INPUT, VKN_TYPE_F32},
                                     {VKN_ROLE_OUTPUT, VKN_TYPE_F32},
                                     {VKN_ROLE_GAMMA, VKN_TYPE_F32},
                                     {VKN_ROLE_BETA, VKN_TYPE_F32}};
constexpr int kSubmits = 9, kDispatches = 20;  // in each: one alone would measure the submit
// Adding n squares in fp32 loses at most n · 2^-24 of the sum, and half of that after the square root. No lane adds up
// more than a quarter of a row: 4096 / 4 / 2 · 2^-24 = 2^-15, relative to the size of the terms that make up y.
constexpr double kBound = 0x1p-15;

// The largest error of y, or NaN if y has one, so that no bound holds.
double largestError(bool layerNorm, const Floats& xs, const Floats& gammas, const Floats& betas, const Floats& ys) {
    const std::vector<double> x(xs.begin(), xs.end()), gamma(gammas.begin(), gammas.end());
    const std::vector<double> y(ys.begin(), ys.end()), beta(betas.begin(), betas.end());
    double largest = 0.0;
    for (size_t row = 0; row < x.size(); row += kHiddenSize) {
        double mean = 0.0, squares = 0.0;
        for (size_t i = 0; layerNorm && i < kHiddenSize; ++i) mean += x[row + i] / kHiddenSize;
        for (size_t i = 0; i < kHiddenSize; ++i) squares += (x[row + i] - mean) * (x[row + i] - mean);
        const double rstd = 1.0 / std::sqrt(squares / kHiddenSize + static_cast<double>(kEpsilon));
        for (size_t i = 0; i < kHiddenSize; ++i) {
            const double weight = rstd * gamma[i], bias = layerNorm ? beta[i] : 0.0;
            const double exact = (x[row + i] - mean) * weight + bias;
            const double size = (std::abs(x[row + i]) + std::abs(mean)) * std::abs(weight) + std::abs(bias);
            const double error = std::abs(y[row + i] - exact) / (size + 1e-30);
            if (error > largest || std::isnan(error)) largest = error;
        }
    }
    return largest;
}

void require(VknResult result, const VknError& error) {
    if (result != VKN_SUCCESS) throw std::runtime_error(std::string(vknResultName(result)) + ": " + error.message);
}

// What `record` records, many times in one submit; the median of several submits.
vknorm::SubmitResult measure(vknorm::Device& device, const std::function<void(VkCommandBuffer)>& record) {
    vknorm::CommandBuffer commands(device);
    VkCommandBuffer handle = commands.begin();
    for (int i = 0; i < kDispatches; ++i, device.recordBarrier(handle)) record(handle);
    commands.end();
    std::vector<vknorm::SubmitResult> results;
    for (int i = 0; i < kSubmits + 2; ++i) results.push_back(commands.submit());
    std::sort(results.begin() + 2, results.end(), [](auto& a, auto& b) { return a.seconds < b.seconds; });
    return results[2 + kSubmits / 2];  // the first two warmed up
}

bool run(const char* selector) {
    vknorm::DeviceOptions options;
    options.selector = selector;  // empty: VKNORM_DEVICE, or the best there is
    vknorm::Device device(options);
    const std::string description = vknorm::describeDevice(device.deviceInfo());
    std::printf("device     %s\nself-test  %s\ndata       %zu rows of %zu, fp32, with an outlier channel\n\n",
                description.c_str(), device.selfTestReport().c_str(), kRows, kHiddenSize);

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
    const auto recordCopy = [&](VkCommandBuffer commands) { copy(commands, x.handle(), y.handle(), 1, &whole); };
    const vknorm::SubmitResult copyTime = measure(device, recordCopy);
    const double copyRate = 2e-9 * static_cast<double>(x.size()) * kDispatches / copyTime.seconds;
    std::printf("operation   max error   allowed      GB/s  of a copy\ncopy   %35.1f\n", copyRate);

    const VknOperand operands[] = {x.operand(VKN_ROLE_INPUT), y.operand(VKN_ROLE_OUTPUT), gamma.operand(VKN_ROLE_GAMMA),
                                   beta.operand(VKN_ROLE_BETA)};
    bool allRight = true;
    std::string kernels;
    for (const bool layerNorm : {false, true}) {
        const char* name = layerNorm ? "LayerNorm" : "RMSNorm";
        // 1. A plan, at load time: the operation and the types. It chooses the kernel and compiles it.
        VknPlanCreateInfo create = vknorm::makePlanCreateInfo(
            layerNorm ? VKN_OPERATION_LAYER_NORM : VKN_OPERATION_RMS_NORM, kHiddenSize, kTypes, kEpsilon);
        create.operandCount = layerNorm ? 4 : 3;  // no beta in RMSNorm
        VknError error = vknorm::makeError();
        vknorm::Plan plan;
        require(vknCreatePlan(device.context(), &create, plan.out(), &error), error);

        // 2. A binding: the buffers. An engine can also name them at every recording, with vknCmdExecute.
        VknExecuteInfo execute = vknorm::makeExecuteInfo(kRows, operands);
        execute.operandCount = create.operandCount;
        vknorm::Binding binding;
        require(vknCreateBinding(plan.get(), &execute, binding.out(), &error), error);

        // 3. Record, submit, check; only then measure.
        const auto record = [&](VkCommandBuffer commands) {
            require(vknCmdExecuteBinding(binding.get(), commands, kRows, &error), error);
        };
        y.fill(0x7FC00000U);  // NaN: an element that is not written is seen
        device.submit(record);
        const double largest = largestError(layerNorm, inputs, gammas, betas, y.download<float>(inputs.size()));
        const VknPlanInfo info = vknorm::getPlanInfo(plan);
        const double bytes = static_cast<double>(info.leastBytesPerRow * kRows + info.bytesPerDispatch);
        const double rate = largest <= kBound ? 1e-9 * bytes * kDispatches / measure(device, record).seconds : 0.0;
        std::printf("%-9s %11.1e %9.1e %9.1f %9.0f %%  %s\n", name, largest, kBound, rate, 100.0 * rate / copyRate,
                    largest <= kBound ? "right" : "WRONG");
        kernels += std::string(name) + ": " + info.reason + "\n";
        allRight = allRight && largest <= kBound;
    }
    const bool gpuTime = copyTime.source == vknorm::TimingSource::GpuTimestamps;
    std::printf("\n%sMedian of %d submits of %d, %s. 16 MiB are touched, which a cache may hold.\n", kernels.c_str(),
                kSubmits, kDispatches, gpuTime ? "GPU timestamps" : "host clock");
    if (device.deviceInfo().isSoftware) std::puts("A software driver, not a GPU: it shows results, not speed.");
    return allRight;
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
