#include "plan/tuning.hpp"

#include "base/error.hpp"

namespace vkn {

const TuningEntry* TuningEntries::find(const OperationSpec& spec) const {
    const TuningKey key = tuningKey(spec);
    const uint32_t size = spec.kernelRowSize();
    for (uint32_t i = 0; i < count; ++i) {
        const TuningEntry& entry = first[i];
        const bool isOfForm = spec.form == VKN_KERNEL_FORM_AUTO || spec.form == entry.form;
        if (entry.key == key && entry.firstSize <= size && size <= entry.lastSize && isOfForm) {
            return &entry;
        }
    }
    return nullptr;
}

namespace {

// Goes through a table and writes the target's entries, as far as there is room.
VknResult readEntries(const TuningTarget& target, const void* table, size_t size, TuningEntry* entries, uint32_t room,
                      uint32_t& count, VknError* error) {
    TuningReader reader(table, size, error);
    count = 0;
    for (;;) {
        switch (reader.next()) {
            case TuningReader::Item::Bad:
                return VKN_ERROR_BAD_DATA;
            case TuningReader::Item::End:
                return VKN_SUCCESS;
            case TuningReader::Item::Device:
                break;
            case TuningReader::Item::Entry:
                if (reader.device().covers(target)) {
                    if (count < room) {
                        entries[count] = reader.entry();
                    }
                    ++count;
                }
        }
    }
}

uint32_t orElse(uint32_t ofHost, uint32_t ofTable) { return ofHost != 0 ? ofHost : ofTable; }

OperationSpec tunedSpec(const OperationSpec& spec, const TuningEntry& entry) {
    OperationSpec tuned = spec;
    tuned.form = orElse(spec.form, entry.form);
    tuned.workgroupSize = orElse(spec.workgroupSize, entry.workgroupSize);
    tuned.subgroupSize = orElse(spec.subgroupSize, entry.subgroupSize);
    tuned.maxWorkgroups = orElse(spec.maxWorkgroups, entry.maxWorkgroups);
    tuned.readTwice = orElse(spec.readTwice, entry.readTwice);
    tuned.rowsAtOnce = orElse(spec.rowsAtOnce, entry.rowsAtOnce);
    return tuned;
}

}  // namespace

VknResult loadTuning(const TuningTarget& target, const void* table, size_t size, const HostMemory& memory,
                     TuningEntries& entries, VknError* error) {
    uint32_t count = 0;
    const VknResult result = readEntries(target, table, size, nullptr, 0, count, error);
    if (result != VKN_SUCCESS || count == 0) {
        return result;
    }
    entries.first = memory.createArray<TuningEntry>(count);
    if (entries.first == nullptr) {
        return fail(error, VKN_ERROR_OUT_OF_HOST_MEMORY, "", 0, 0, "no memory for a tuning table");
    }
    return readEntries(target, table, size, entries.first, count, entries.count, error);
}

VknResult chooseTunedKernel(const DeviceFacts& facts, const TuningEntries& entries, const OperationSpec& spec,
                            KernelChoice& choice, VknError* error) {
    const TuningEntry* entry = entries.find(spec);
    if (entry != nullptr &&
        chooseKernel(facts, tunedSpec(spec, *entry), choice, nullptr, "from the tuning table") == VKN_SUCCESS) {
        return VKN_SUCCESS;
    }
    return chooseKernel(facts, spec, choice, error);
}

}  // namespace vkn
