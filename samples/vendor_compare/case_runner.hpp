// Goes through cases, whatever happens to each, and ends so that the results are whole. It knows nothing of devices.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "console.hpp"
#include "results.hpp"

#include <array>
#include <functional>
#include <string>
#include <vector>

namespace vknorm::compare {

// Exit statuses beside 0.
inline constexpr int kExitWrong = 1;  // a result is wrong, or a case failed
inline constexpr int kExitUsage = 2;  // nothing could be run
inline constexpr int kExitLost = 3;   // the device was lost; results up to there are whole
inline constexpr int kExitInterrupted = 130;

class CaseRunner {
public:
    // `isGone`: whether nothing can be computed any more after an error of Vulkan.
    CaseRunner(Console& console, ResultFile& results, std::function<bool(VkResult)> isGone)
        : console_(console), results_(results), isGone_(std::move(isGone)) {}

    // Fills in the result of a case; what it throws becomes the status.
    using RunCase = std::function<void(CaseResult&)>;
    using FormatRow = std::string (*)(const CaseResult&);

    // Prints and writes each case, then how it ended. Returns the exit status.
    int run(const std::vector<Case>& cases, const char* kind, FormatRow format, const RunCase& runCase);

    // A row of the results that is not a case's.
    void count(Status status) { ++counts_.at(static_cast<size_t>(status)); }
    // The last line of the results, and the exit status. No reason: it came to its end.
    int end(const std::string& reason, int exitStatus);

private:
    bool runOne(CaseResult& result, const RunCase& runCase);

    Console& console_;
    ResultFile& results_;
    std::function<bool(VkResult)> isGone_;
    std::array<size_t, 5> counts_ = {};  // by Status
};

}  // namespace vknorm::compare
