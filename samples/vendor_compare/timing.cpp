// SPDX-License-Identifier: Apache-2.0
#include "timing.hpp"

#include "interrupt.hpp"

#include <algorithm>
#include <chrono>

namespace vknorm::compare {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

Batch::Batch(Device& device, RecordSlot record, uint32_t slots, uint32_t wanted)
    : device_(device),
      record_(std::move(record)),
      slots_(slots),
      dispatches_(wanted >= slots ? wanted / slots * slots : wanted),
      commands_(device) {
    recordNext();
}

double Batch::run(TimingSource& source) {
    throwIfInterrupted();
    const SubmitResult result = commands_.submit();
    if (result.source == TimingSource::HostClock) {
        source = result.source;
    }
    if (dispatches_ < slots_) {
        recordNext();
    }
    return result.seconds / dispatches_;
}

void Batch::recordNext() {
    VkCommandBuffer handle = commands_.begin();
    for (uint32_t i = 0; i < dispatches_; ++i) {
        if (i != 0 && i % slots_ == 0) {
            device_.recordBarrier(handle);
        }
        record_(handle, (next_ + i) % slots_);
    }
    commands_.end();
    next_ = (next_ + dispatches_) % slots_;
}

uint32_t countDispatches(Device& device, const RecordSlot& record, uint32_t slots, const TimingOptions& options) {
    uint32_t count = 1;
    for (int pass = 0; pass < 2; ++pass) {
        TimingSource source = TimingSource::GpuTimestamps;
        const double seconds = std::max(Batch(device, record, slots, count).run(source), 1e-9);
        if (seconds >= options.submitSeconds) {
            return 1;
        }
        count = static_cast<uint32_t>(
            std::min(options.submitSeconds / seconds, static_cast<double>(options.mostDispatches)));
    }
    return count;
}

namespace {

Timing timeBatches(Device& device, const RecordSlot& record, uint32_t slots, const TimingOptions& options) {
    Timing timing;
    Batch batch(device, record, slots, countDispatches(device, record, slots, options));
    timing.dispatchesPerSubmit = batch.dispatches();
    const auto sample = [&] { return batch.run(timing.source); };
    timing.measured = measureUntilStable(sample, now, options.limits);
    return timing;
}

}  // namespace

Timing timeIndependent(Device& device, const RecordSlot& record, uint32_t slots, const TimingOptions& options) {
    return timeBatches(device, record, slots, options);
}

Timing timeDependent(Device& device, const RecordSlot& record, const TimingOptions& options) {
    return timeBatches(device, record, 1, options);
}

}  // namespace vknorm::compare
