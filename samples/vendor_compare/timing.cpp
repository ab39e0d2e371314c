// SPDX-License-Identifier: Apache-2.0
#include "timing.hpp"

#include "interrupt.hpp"

#include <algorithm>
#include <chrono>

namespace vknorm::compare {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// So many dispatches, recorded once.
class Batch {
public:
    Batch(Device& device, const RecordSlot& record, uint32_t slots, uint32_t dispatches)
        : commands_(device), dispatches_(dispatches) {
        VkCommandBuffer handle = commands_.begin();
        for (uint32_t i = 0; i < dispatches; ++i) {
            if (i != 0 && i % slots == 0) {
                device.recordBarrier(handle);
            }
            record(handle, i % slots);
        }
        commands_.end();
    }

    // Seconds of one dispatch.
    double run(TimingSource& source) {
        throwIfInterrupted();
        const SubmitResult result = commands_.submit();
        if (result.source == TimingSource::HostClock) {
            source = result.source;
        }
        return result.seconds / dispatches_;
    }

private:
    CommandBuffer commands_;
    uint32_t dispatches_;
};

// How many dispatches make a submit of the wanted length: twice, because a single one shows little but what a submit costs.
uint32_t countDispatches(Device& device, const RecordSlot& record, uint32_t slots, const TimingOptions& options) {
    uint32_t count = 1;
    for (const uint32_t first : {1U, slots}) {
        Batch batch(device, record, slots, std::max(count, std::min(first, options.mostDispatches)));
        TimingSource source = TimingSource::GpuTimestamps;
        batch.run(source);  // pages are touched, caches are filled
        const double seconds = std::max(batch.run(source), 1e-9);
        count = static_cast<uint32_t>(
            std::clamp(options.submitSeconds / seconds, 1.0, static_cast<double>(options.mostDispatches)));
    }
    return count;
}

Timing timeBatches(Device& device, const RecordSlot& record, uint32_t slots, const TimingOptions& options) {
    Timing timing;
    timing.dispatchesPerSubmit = countDispatches(device, record, slots, options);
    // Whole rounds: every slot is used as often, and what a submit uses is what all slots hold.
    timing.dispatchesPerSubmit = std::max(timing.dispatchesPerSubmit / slots, 1U) * slots;
    Batch batch(device, record, slots, timing.dispatchesPerSubmit);
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
