// Timing dispatches: many in a submit, by the device's timestamps where it has some.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "statistics.hpp"

#include <vknorm/runtime.hpp>

#include <cstdint>
#include <functional>

namespace vknorm::compare {

struct TimingOptions {
    MeasureLimits limits;
    double submitSeconds = 0.01;  // what a submit should take
    uint32_t mostDispatches = 1000;
};

struct Timing {
    Measured measured;  // seconds of one dispatch
    uint32_t dispatchesPerSubmit = 0;
    TimingSource source = TimingSource::GpuTimestamps;  // HostClock if a single sample was

    double seconds() const { return measured.summary.median; }
};

// Records the operation on a slot.
using RecordSlot = std::function<void(VkCommandBuffer commands, uint32_t slot)>;

// So many dispatches on slots in turns. Whole rounds over the slots, or, where those are too many, each submit goes on where
// the one before ended: what a dispatch reads was always last touched a round ago.
class Batch {
public:
    Batch(Device& device, RecordSlot record, uint32_t slots, uint32_t wanted);

    // Seconds of one dispatch. `source` is changed where it is the host's clock.
    double run(TimingSource& source);
    uint32_t dispatches() const { return dispatches_; }

private:
    void recordNext();

    Device& device_;
    RecordSlot record_;
    uint32_t slots_;
    uint32_t dispatches_;
    uint32_t next_ = 0;
    CommandBuffer commands_;
};

// How many dispatches make a submit of the wanted length: tried twice, because a single one shows little but what a submit
// costs. One that is longer by itself is not repeated.
uint32_t countDispatches(Device& device, const RecordSlot& record, uint32_t slots, const TimingOptions& options);

// One after the other on different slots, with a barrier only when they come to the first again: what they take of the
// device.
Timing timeIndependent(Device& device, const RecordSlot& record, uint32_t slots, const TimingOptions& options);
// Each waits for the one before: how long until the next can begin.
Timing timeDependent(Device& device, const RecordSlot& record, const TimingOptions& options);

}  // namespace vknorm::compare
