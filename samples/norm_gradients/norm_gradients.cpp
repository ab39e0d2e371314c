// The gradients of a norm, as a training step needs them: of its input and of its weights, from what the forward saved. Checks
// every element against fp64, and measures. Usage: norm_gradients [device]: as for hello_norm.
// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"

#include <cmath>
#include <cstdio>
#include <memory>
#include <random>

namespace {
using Floats = std::vector<float>;
using vknorm::Buffer;
using vknorm::samples::measure;
using vknorm::samples::Record;
using vknorm::samples::require;
constexpr size_t kRows = 512;  // tokens
constexpr size_t kHiddenSize = 4096;
constexpr float kEpsilon = 1e-5F;
// The forward's statistics are off by 2^-15 at most (hello_norm says why). The backward's sums are compensated, and lose a few
// units in the last place: relative to the size of the terms that make up a result, all errors together are below this.
constexpr double kBound = 0x1p-14;

// A plan and what it is bound to. Step 1 and 2 of hello_norm, for an operation with scratch.
class Step {
public:
    Step(vknorm::Device& device, VknOperation operation, VknPlanFlags flags, const std::vector<VknOperand>& operands) {
        std::vector<VknOperandType> types;
        for (const VknOperand& operand : operands) types.push_back({operand.role, VKN_TYPE_F32});
        VknPlanCreateInfo create = {};
        create.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        create.flags = flags;
        create.operation = operation;
        create.hiddenSize = kHiddenSize;
        create.operandCount = static_cast<uint32_t>(types.size());
        create.pOperands = types.data();
        create.epsilon = kEpsilon;
        VknError error = vknorm::makeError();
        require(vknCreatePlan(device.context(), &create, plan_.out(), &error), error);
        VknExecuteInfo execute = {};
        execute.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
        execute.rows = kRows;
        execute.operandCount = static_cast<uint32_t>(operands.size());
        execute.pOperands = operands.data();
        VkDeviceSize needed = 0;
        require(vknGetScratchSize(plan_.get(), &execute, &needed, &error), error);
        if (needed != 0) {
            scratch_ = std::make_unique<Buffer>(device, needed);
            execute.scratchBuffer = scratch_->handle();
            execute.scratchSize = needed;
        }
        require(vknCreateBinding(plan_.get(), &execute, binding_.out(), &error), error);
    }

    void record(VkCommandBuffer commands) const {
        VknError error = vknorm::makeError();
        require(vknCmdExecuteBinding(binding_.get(), commands, kRows, &error), error);
    }
    VknPlanInfo info() const { return vknorm::getPlanInfo(plan_); }

private:
    vknorm::Plan plan_;
    std::unique_ptr<Buffer> scratch_;
    vknorm::Binding binding_;
};

// NaN where there is one, so that no bound holds.
double larger(double a, double b) { return b > a || std::isnan(b) ? b : a; }

// Inputs, and the largest errors of dx, dgamma and dbeta.
struct Problem {
    bool isLayerNorm;
    Floats xs, gammas, dys;

    double largestError(const Floats& dxs, const Floats& dgammas, const Floats& dbetas) const {
        const std::vector<double> x(xs.begin(), xs.end()), gamma(gammas.begin(), gammas.end()),
            dy(dys.begin(), dys.end());
        const std::vector<double> dx(dxs.begin(), dxs.end());
        const std::vector<double> dgamma(dgammas.begin(), dgammas.end()), dbeta(dbetas.begin(), dbetas.end());
        std::vector<double> gammaSums(kHiddenSize), gammaSizes(kHiddenSize), betaSums(kHiddenSize),
            betaSizes(kHiddenSize);
        double largest = 0.0;
        for (size_t row = 0; row < x.size(); row += kHiddenSize) {
            double mean = 0.0, squares = 0.0;
            for (size_t i = row; isLayerNorm && i < row + kHiddenSize; ++i) mean += x[i] / kHiddenSize;
            for (size_t i = row; i < row + kHiddenSize; ++i) squares += (x[i] - mean) * (x[i] - mean);
            const double rstd = 1.0 / std::sqrt(squares / kHiddenSize + static_cast<double>(kEpsilon));
            double along = 0.0, ones = 0.0, alongSize = 0.0,
                   onesSize = 0.0;  // means of w x^ and w, and of their magnitudes
            for (size_t i = 0; i < kHiddenSize; ++i) {
                const double normalised = (x[row + i] - mean) * rstd, w = dy[row + i] * gamma[i];
                along += w * normalised / kHiddenSize, alongSize += std::abs(w * normalised) / kHiddenSize;
                ones += isLayerNorm ? w / kHiddenSize : 0.0, onesSize += isLayerNorm ? std::abs(w) / kHiddenSize : 0.0;
                gammaSums[i] += dy[row + i] * normalised, betaSums[i] += dy[row + i];
                gammaSizes[i] += std::abs(dy[row + i]) * (std::abs(normalised) + std::abs(mean) * rstd);
                betaSizes[i] += std::abs(dy[row + i]);
            }
            for (size_t i = 0; i < kHiddenSize; ++i) {
                const double normalised = (x[row + i] - mean) * rstd, w = dy[row + i] * gamma[i];
                const double exact = rstd * (w - ones - normalised * along);
                const double size =
                    rstd * (std::abs(w) + onesSize + (std::abs(normalised) + std::abs(mean) * rstd) * alongSize);
                largest = larger(largest, std::abs(dx[row + i] - exact) / size);
            }
        }
        for (size_t i = 0; i < kHiddenSize; ++i) {
            largest = larger(largest, std::abs(dgamma[i] - gammaSums[i]) / gammaSizes[i]);
            largest = larger(largest, std::abs(dbeta[i] - betaSums[i]) / betaSizes[i]);
        }
        return largest;
    }
};

// Forward and backward, checked; then the backward alone, measured. False where a result is wrong.
bool compute(vknorm::Device& device, const Problem& problem, double copyRate) {
    const Buffer x(device, problem.xs), gamma(device, problem.gammas), dy(device, problem.dys);
    Buffer y(device, x.size()), statistics(device, 2 * kRows * sizeof(float));
    Buffer dx(device, x.size()), dgamma(device, gamma.size()), dbeta(device, gamma.size());
    // Mean and rstd lie in one buffer, because they share a binding.
    const VknOperand rstd = statistics.operand(VKN_ROLE_RSTD);
    VknOperand mean = statistics.operand(VKN_ROLE_MEAN);
    mean.offset = kRows * sizeof(float);
    std::vector<VknOperand> forward = {x.operand(VKN_ROLE_INPUT), y.operand(VKN_ROLE_OUTPUT),
                                       gamma.operand(VKN_ROLE_GAMMA), rstd};
    std::vector<VknOperand> backward = {x.operand(VKN_ROLE_INPUT), dy.operand(VKN_ROLE_OUTPUT_GRADIENT),
                                        gamma.operand(VKN_ROLE_GAMMA), rstd, dx.operand(VKN_ROLE_INPUT_GRADIENT)};
    if (problem.isLayerNorm) {
        forward.push_back(mean);
        backward.push_back(mean);
    }
    const VknOperation operation = problem.isLayerNorm ? VKN_OPERATION_LAYER_NORM : VKN_OPERATION_RMS_NORM;
    const Step norm(device, operation, 0, forward);
    const Step inputOnly(device, operation, VKN_PLAN_BACKWARD_BIT, backward);
    backward.push_back(dgamma.operand(VKN_ROLE_GAMMA_GRADIENT));
    backward.push_back(dbeta.operand(VKN_ROLE_BETA_GRADIENT));
    const Step whole(device, operation, VKN_PLAN_BACKWARD_BIT, backward);

    for (Buffer* result : {&dx, &dgamma, &dbeta}) result->fill(0x7FC00000U);  // NaN: what is not written is seen
    device.submit([&](VkCommandBuffer commands) {
        norm.record(commands);
        device.recordBarrier(commands);
        whole.record(commands);
    });
    const double largest = problem.largestError(
        dx.download<float>(problem.xs.size()), dgamma.download<float>(kHiddenSize), dbeta.download<float>(kHiddenSize));
    const bool isRight = largest <= kBound;  // not so for NaN
    for (const Step* step : {&inputOnly, &whole}) {
        const VknPlanInfo info = step->info();
        const double bytes = static_cast<double>(info.leastBytesPerRow * kRows + info.bytesPerDispatch);
        const Record record = [&](VkCommandBuffer commands) { step->record(commands); };
        const double rate = isRight ? 1e-9 * bytes / measure(device, record).seconds : 0.0;
        std::printf("%-9s %-18s %9.1e %9.1e %9.2f %9.0f %% %8.2f  %s\n", problem.isLayerNorm ? "LayerNorm" : "RMSNorm",
                    step == &whole ? "dx, dgamma, dbeta" : "dx", largest, kBound, rate, 100.0 * rate / copyRate,
                    static_cast<double>(info.bytesPerRow) / static_cast<double>(info.leastBytesPerRow),
                    isRight ? "right" : "WRONG");
    }
    return isRight;
}

bool run(const char* selector) {
    vknorm::DeviceOptions options;
    options.selector = selector;  // empty: VKNORM_DEVICE, or the best there is
    vknorm::Device device(options);
    const vknorm::DeviceInfo& info = device.deviceInfo();
    std::printf("device  %s%s\ndriver  %s %s\n", info.name.c_str(),
                info.isSoftware ? ": a software driver, not a GPU" : "", info.driverName.c_str(),
                info.driverInfo.c_str());
    std::printf("data    %zu rows of %zu, fp32; 24 MiB in all, which a cache may hold\n\n", kRows, kHiddenSize);

    std::mt19937 random(42);
    std::normal_distribution<float> normal;
    Problem problem = {false, Floats(kRows * kHiddenSize), Floats(kHiddenSize), Floats(kRows * kHiddenSize)};
    for (float& value : problem.xs) value = 0.5F + normal(random);
    for (float& value : problem.gammas) value = 1.0F + 0.1F * normal(random);
    for (float& value : problem.dys) value = normal(random);

    // The yardstick: a copy.
    const Buffer from(device, problem.xs), to(device, problem.dys);
    const auto copy = device.function<PFN_vkCmdCopyBuffer>("vkCmdCopyBuffer");
    const VkBufferCopy everything = {0, 0, from.size()};
    const vknorm::SubmitResult copied =
        measure(device, [&](VkCommandBuffer commands) { copy(commands, from.handle(), to.handle(), 1, &everything); });
    const double copyRate = 2e-9 * static_cast<double>(from.size()) / copied.seconds;
    std::printf("operation writes              max error   allowed      GB/s  of a copy    moved\ncopy %58.2f\n",
                copyRate);
    bool isAllRight = true;
    for (const bool isLayerNorm : {false, true}) {
        problem.isLayerNorm = isLayerNorm;
        isAllRight = compute(device, problem, copyRate) && isAllRight;
    }
    std::printf(
        "\nGB/s: of the least bytes, each input read once and each output written once. moved: how many times as many "
        "the\n"
        "kernels access, of which a cache may serve some. Timed by %s.\n",
        copied.source == vknorm::TimingSource::HostClock ? "the host's clock" : "the device's timestamps");
    if (info.isSoftware) std::puts("A software driver shows results, not speed: compare it with no GPU.");
    return isAllRight;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc > 1 ? argv[1] : "") ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "norm_gradients: %s\n", error.what());
        return 2;
    }
}
