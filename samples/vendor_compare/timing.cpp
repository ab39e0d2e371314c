// SPDX-License-Identifier: Apache-2.0
#include "timing.hpp"

#include "interrupt.hpp"

#include <algorithm>
#include <chrono>

namespace vknorm::compare {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// So many dispatches on slots in turns. Whole rounds over the slots, or, where those are too many, each submit goes on where
// the one before ended: what a dispatch reads was always last touched a round ago.
class Batch {
public:
    Batch(Device& device, const RecordSlot& record, uint32_t slots, uint32_t wanted)
        : device_(device),
          record_(record),
          slots_(slots),
          dispatches_(wanted >= slots ? wanted / slots * slots : wanted),
          commands_(device) {
        recordNext();
    }

    // Seconds of one dispatch.
    double run(TimingSource& source) {
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

    uint32_t dispatches() const { return dispatches_; }

private:
    void recordNext() {
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

    Device& device_;
    const RecordSlot& record_;
    uint32_t slots_;
    uint32_t dispatches_;
    uint32_t next_ = 0;
    CommandBuffer commands_;
};

// How many dispatches make a submit of the wanted length: tried twice, because a single one shows little but what a submit
// costs. One that is longer by itself is not repeated.
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
