// Tuning tables: which kernel was measured to be the fastest, as text. A file has sections of devices:
//
//   vknorm-tuning 1
//   # a comment
//   device driver=13 vendor=0x10005 device=0x0 subgroup=8 version=22.3 kernels=0123456789abcdef
//   rmsnorm prenorm forward plain chunk=8 size=512-2047 form=subgroup workgroup=64 max-workgroups=32
//
// A device line says for whom the lines below it are: VkDriverId, vendorID, deviceID (absent: any of the vendor), the default
// subgroup size, releases of the driver (22.3, or 22.3-25.0, both included), and the hash of the kernels that were measured.
// An entry is what VknKernelOverride can say of an operation, a placement, a direction and extras (tuning_words.hpp), for chunks of
// 4 elements (every tensor is fp32) or 8, and rows of `size` elements. It knows nothing of the number of rows, because it decides
// how a row is added up.
#pragma once

#include "plan/facts.hpp"
#include "plan/operation.hpp"

#include <cstddef>

namespace vkn {

// What tells devices apart whose tables differ.
struct TuningTarget {
    uint32_t driverId;
    uint32_t vendorId;
    uint32_t deviceId;
    uint32_t subgroupSize;
    uint32_t release;  // DeviceFacts::driverRelease
    uint64_t kernelHash;
};

TuningTarget tuningTarget(const DeviceFacts& facts, uint64_t kernelHash);

// A device line.
struct TuningDevice {
    uint32_t driverId = 0;
    uint32_t vendorId = 0;
    uint32_t deviceId = 0;
    bool isAnyDevice = true;
    uint32_t subgroupSize = 0;
    uint32_t firstRelease = 0;
    uint32_t lastRelease = 0;
    uint64_t kernelHash = 0;

    bool covers(const TuningTarget& target) const;
};

// What an entry is looked up by, beside the size of a row.
struct TuningKey {
    uint32_t operation = 0;
    uint32_t placement = 0;
    uint32_t isBackward = 0;
    uint32_t extras = 0;  // bits of TuningExtra
    uint32_t chunk = 0;

    bool operator==(const TuningKey& other) const = default;
};

TuningKey tuningKey(const OperationSpec& spec);

struct TuningEntry {
    TuningKey key;
    uint32_t firstSize = 0;
    uint32_t lastSize = 0;
    // VknKernelOverride's; zero where the library chooses.
    uint32_t form = 0;
    uint32_t workgroupSize = 0;
    uint32_t subgroupSize = 0;
    uint32_t maxWorkgroups = 0;
    uint32_t readTwice = 0;
    uint32_t rowsAtOnce = 0;
};

// Goes through a table, which may come from anywhere.
class TuningReader {
public:
    enum class Item {
        Device,
        Entry,
        End,
        Bad  // BAD_DATA: `error` names the line
    };

    TuningReader(const void* text, size_t size, VknError* error);

    Item next();
    const TuningDevice& device() const { return device_; }  // of the last device line
    const TuningEntry& entry() const { return entry_; }

private:
    Item read(const char* line, size_t size);
    Item bad(const char* what);

    const char* at_;
    const char* end_;
    VknError* error_;
    uint32_t line_ = 0;
    bool hasHeader_ = false;
    bool hasDevice_ = false;
    TuningDevice device_;
    TuningEntry entry_;
};

}  // namespace vkn
