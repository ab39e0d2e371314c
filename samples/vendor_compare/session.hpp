// A run on a device: what all commands have in common.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arguments.hpp"
#include "case_runner.hpp"
#include "check.hpp"

#include <vknorm/runtime.hpp>

#include <memory>

namespace vknorm::compare {

class Session {
public:
    // Opens the device, prints what it is and writes the first line of the results.
    Session(const Arguments& arguments, const char* command, const DeviceOptions& options);

    Device& device() { return device_; }
    Patterns& patterns() { return patterns_; }
    Console& console() { return console_; }
    ResultFile& results() { return results_; }
    const Arguments& arguments() const { return arguments_; }
    const MemoryLimits& memory() const { return memory_; }
    const TimingOptions& timing() const { return timing_; }
    const CheckLimits& checks() const { return checks_; }
    CopyBench& copies();

    CaseRunner& runner() { return runner_; }
    // Goes through what the arguments select, and returns the exit status.
    int runCases(const char* kind, CaseRunner::FormatRow format, const CaseRunner::RunCase& run);

private:
    bool isDeviceGone(VkResult result);

    Arguments arguments_;
    ResultFile results_;
    Device device_;
    Console console_;
    Patterns patterns_;
    MemoryLimits memory_;
    TimingOptions timing_;
    CheckLimits checks_;
    CaseRunner runner_;
    std::unique_ptr<CopyBench> copies_;
};

}  // namespace vknorm::compare
