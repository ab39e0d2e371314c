// A run on a device: what all commands have in common.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arguments.hpp"
#include "check.hpp"
#include "console.hpp"
#include "results.hpp"

#include <vknorm/runtime.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace vknorm::compare {

// Exit statuses beside 0.
inline constexpr int kExitWrong = 1;  // a result is wrong, or a case failed
inline constexpr int kExitUsage = 2;  // nothing could be run
inline constexpr int kExitLost = 3;   // the device was lost; results up to there are whole
inline constexpr int kExitInterrupted = 130;

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

    // Calls `run` for each case, with a result to fill in; what it throws becomes the result's status. Prints and writes
    // each, then how it ended. Returns the exit status.
    using RunCase = std::function<void(CaseResult&)>;
    using FormatRow = std::string (*)(const CaseResult&);
    int runCases(const std::vector<Case>& cases, const char* kind, FormatRow format, const RunCase& run);

    // A row of the results that is not a case's.
    void count(Status status) { ++counts_[static_cast<size_t>(status)]; }
    // The last line of the results, and the exit status.
    int end(const std::string& reason, int exitStatus);

private:
    void runCase(CaseResult& result, const RunCase& run);
    void note(const CaseResult& result, const char* kind, FormatRow format);
    bool isDeviceGone(VkResult result);

    Arguments arguments_;
    ResultFile results_;
    Device device_;
    Console console_;
    Patterns patterns_;
    MemoryLimits memory_;
    TimingOptions timing_;
    CheckLimits checks_;
    std::unique_ptr<CopyBench> copies_;
    size_t counts_[5] = {};  // by Status
    bool isLost_ = false;
};

}  // namespace vknorm::compare
