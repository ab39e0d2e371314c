// Two devices of two drivers in one process, each with a thread of its own, working at the same time: contexts share nothing.
#include <vknorm/runtime.hpp>
#include <vknorm/vknorm.hpp>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <thread>

namespace {

constexpr uint32_t kHiddenSize = 320;
constexpr uint32_t kRows = 24;
constexpr int kRounds = 20;
constexpr float kEpsilon = 1e-5F;

void require(VknResult result, const VknError& error) {
    if (result != VKN_SUCCESS) throw std::runtime_error(error.message);
}

std::vector<float> inputs(float scale) {
    std::vector<float> values(size_t{kRows} * kHiddenSize);
    for (size_t i = 0; i < values.size(); ++i) values[i] = scale * std::sin(static_cast<float>(i));
    return values;
}

// Elements that are not as in double precision; NaN is none of those.
size_t countWrong(const std::vector<float>& xs, const std::vector<float>& ys) {
    size_t wrong = 0;
    for (size_t row = 0; row < xs.size(); row += kHiddenSize) {
        double squares = 0.0;
        for (size_t i = 0; i < kHiddenSize; ++i) squares += std::pow(static_cast<double>(xs[row + i]), 2);
        const double rstd = 1.0 / std::sqrt(squares / kHiddenSize + static_cast<double>(kEpsilon));
        for (size_t i = 0; i < kHiddenSize; ++i) {
            const double error = std::abs(static_cast<double>(xs[row + i]) * rstd - static_cast<double>(ys[row + i]));
            wrong += error < 1e-5 ? 0U : 1U;
        }
    }
    return wrong;
}

// Normalises other numbers each round; how many come out wrong.
size_t work(vknorm::Device& device, const std::atomic<int>& waiting) {
    const VknOperandType types[] = {{VKN_ROLE_INPUT, VKN_TYPE_F32}, {VKN_ROLE_OUTPUT, VKN_TYPE_F32}};
    const VknPlanCreateInfo create = vknorm::makePlanCreateInfo(VKN_OPERATION_RMS_NORM, kHiddenSize, types, kEpsilon);
    VknError error = vknorm::makeError();
    vknorm::Plan plan;
    require(vknCreatePlan(device.context(), &create, plan.out(), &error), error);
    vknorm::Buffer x(device, inputs(1.0F)), y(device, inputs(0.0F));
    const VknOperand operands[] = {x.operand(VKN_ROLE_INPUT), y.operand(VKN_ROLE_OUTPUT)};
    const VknExecuteInfo execute = vknorm::makeExecuteInfo(kRows, operands);
    vknorm::Binding binding;
    require(vknCreateBinding(plan.get(), &execute, binding.out(), &error), error);
    while (waiting > 0) std::this_thread::yield();  // both begin together
    size_t wrong = 0;
    for (int round = 1; round <= kRounds; ++round) {
        const std::vector<float> values = inputs(static_cast<float>(round));
        x.upload(values);
        device.submit([&](VkCommandBuffer commands) {
            require(vknCmdExecuteBinding(binding.get(), commands, kRows, &error), error);
        });
        wrong += countWrong(values, y.download<float>(values.size()));
    }
    return wrong;
}

}  // namespace

int main() {
    const std::vector<vknorm::DeviceInfo> found = vknorm::listDevices();
    if (found.size() != 2 || found[0].name == found[1].name) {
        std::printf("two drivers were asked for; there are:\n%s\n", vknorm::describeDevices(found).c_str());
        return 2;
    }
    std::atomic<int> waiting{2};
    std::atomic<int> right{0};
    const auto run = [&](const char* selector) {
        try {
            vknorm::DeviceOptions options;
            options.selector = selector;
            vknorm::Device device(options);
            --waiting;
            const size_t wrong = work(device, waiting);
            std::printf("%s: %d rounds, %zu elements wrong\n", device.deviceInfo().name.c_str(), kRounds, wrong);
            right += wrong == 0 ? 1 : 0;
        } catch (const std::exception& problem) {
            std::printf("device %s: %s\n", selector, problem.what());
            waiting = 0;
        }
    };
    std::thread other(run, "1");
    run("0");
    other.join();
    return right == 2 ? 0 : 1;
}
