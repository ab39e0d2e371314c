// SPDX-License-Identifier: Apache-2.0
#include "tuning_kernels.hpp"

#include "device/objects.hpp"

namespace vknorm::compare {
namespace {

// Short ones, since there are thousands.
TimingOptions timingOf(Session& session) {
    constexpr double kSubmitSeconds = 0.004;
    TimingOptions timing = session.timing();
    timing.submitSeconds = kSubmitSeconds;
    return timing;
}

}  // namespace

vkn::DeviceFacts factsOf(Session& session) { return session.device().context()->currentFacts(); }

KernelBench::KernelBench(Session& session, const Case& test, const KernelOverride& first)
    : session_(session),
      test_(test),
      timing_(timingOf(session)),
      program_(session.device(), session.patterns(), stepsOf(test), first, session.memory()),
      batches_(1) {}

size_t KernelBench::add(const KernelOverride& kernel) {
    const size_t number = program_.addKernel(kernel);
    batches_.resize(number + 1);
    return number;
}

size_t KernelBench::addOf(const KernelBench& other, size_t kernel) {
    const size_t number = program_.addKernelOf(other.program_, kernel);
    batches_.resize(number + 1);
    return number;
}

bool KernelBench::verify(size_t kernel) {
    constexpr CheckLimits kLimits = {uint64_t{1} << 14, uint64_t{1} << 13};
    program_.selectKernel(kernel);
    const CheckResult check = checkProgram(program_, kLimits);
    fault_ = check.fault;
    return check.isRight();
}

RecordSlot KernelBench::recordOf(size_t kernel) {
    return [this, kernel](VkCommandBuffer commands, uint32_t slot) {
        program_.selectKernel(kernel);
        program_.record(commands, slot);
    };
}

double KernelBench::sample(size_t kernel) {
    std::unique_ptr<Batch>& batch = batches_[kernel];
    const uint32_t slots = program_.slotPlan().slots;
    if (!batch) {
        const RecordSlot record = recordOf(kernel);
        batch = std::make_unique<Batch>(session_.device(), record, slots,
                                        countDispatches(session_.device(), record, slots, timing_));
    }
    TimingSource source = TimingSource::GpuTimestamps;
    return batch->run(source);
}

}  // namespace vknorm::compare
