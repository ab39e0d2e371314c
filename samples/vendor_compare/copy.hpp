// What a copy of as many bytes takes on the device: by the best compute shader that is found, and by vkCmdCopyBuffer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "copy_kernels.hpp"
#include "patterns.hpp"
#include "slots.hpp"
#include "timing.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vknorm::compare {

struct CopyShape {
    CopyOrder order;
    uint32_t workgroupSize;
    uint32_t workgroups;  // as many as it takes where order is All
};
std::string nameOf(const CopyShape& shape);  // "64 x 32 looping", "16 x 128 spans", "64 x all"

// Those that are tried on a device with this limit of invocations.
std::vector<CopyShape> copyShapes(uint32_t maxInvocations);

struct ComputeCopy {
    Timing timing;
    CopyShape shape;
};

struct CopyFigures {
    uint64_t bytes = 0;  // read and written
    std::optional<ComputeCopy> compute;
    std::optional<Timing> transfer;
    bool exceedsCache = false;
    std::string fault;  // why there are none

    std::optional<double> bestSeconds() const;
};

class CopyBench {
public:
    CopyBench(Device& device, Patterns& patterns, const MemoryLimits& limits, const TimingOptions& options);
    ~CopyBench();
    CopyBench(const CopyBench&) = delete;
    CopyBench& operator=(const CopyBench&) = delete;

    // Measured once for each number of bytes.
    const CopyFigures& figures(uint64_t bytes);
    // Of a dispatch that does nothing: one that others do not wait for, and one that they do.
    Timing emptyDispatch(bool isDependent);

private:
    class Kernels;
    class Job;
    CopyFigures measure(uint64_t bytes);
    ComputeCopy measureCompute(Job& job, uint64_t bytes);
    std::vector<CopyShape> bestShapes(Job& job) const;
    Timing timeCompute(Job& job, const CopyShape& shape, const TimingOptions& options) const;

    Device& device_;
    Patterns& patterns_;
    MemoryLimits limits_;
    TimingOptions options_;
    std::unique_ptr<Kernels> kernels_;
    std::map<uint64_t, CopyFigures> figures_;  // by bytes
    std::map<int, CopyShape> shapes_;          // the best by the power of two below the bytes
};

}  // namespace vknorm::compare
