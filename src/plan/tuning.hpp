// The choice of kernel with a tuning table, which is looked up first.
#pragma once

#include "base/host_memory.hpp"
#include "plan/choose.hpp"
#include "plan/tuning_table.hpp"

namespace vkn {

// The entries of a table that are for this device, in its order.
struct TuningEntries {
    TuningEntry* first = nullptr;
    uint32_t count = 0;

    // The first one for this operation; null for a miss. Where the host asks for a form, only one of that form: its other fields
    // belong to it.
    const TuningEntry* find(const OperationSpec& spec) const;
};

// Reads all of a table, and keeps what is for the target. BAD_DATA, OUT_OF_HOST_MEMORY; nothing is kept then.
VknResult loadTuning(const TuningTarget& target, const void* table, size_t size, const HostMemory& memory,
                     TuningEntries& entries, VknError* error);

// As chooseKernel. What the host asks for has precedence over the table, field by field; an entry that the device does not permit
// is a miss.
VknResult chooseTunedKernel(const DeviceFacts& facts, const TuningEntries& entries, const OperationSpec& spec,
                            KernelChoice& choice, VknError* error);

}  // namespace vkn
