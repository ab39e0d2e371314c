// Results as JSON lines; README.md documents the schema.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "check.hpp"
#include "copy.hpp"
#include "report/schema.hpp"
#include "timing.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <optional>
#include <string>

namespace vknorm::compare {

// Of the same by several operations.
struct ApartResult {
    Status status = Status::Ok;
    std::string reason;
    std::optional<Timing> timing;
    uint64_t leastBytes = 0;
};

// What came of a case.
struct CaseResult {
    Case test;
    Status status = Status::Ok;
    std::string reason;
    std::optional<VknPlanInfo> plan;
    std::optional<CheckResult> check;
    std::optional<Timing> timing;
    std::optional<Timing> latency;
    uint64_t leastBytes = 0;
    uint64_t workingSetBytes = 0;
    SlotPlan slots;
    std::optional<CopyFigures> copy;
    std::optional<ApartResult> apart;

    std::optional<double> bytesPerSecond() const;
    std::optional<double> shareOfCopy() const;         // of the better of the two
    std::optional<double> shareOfComputeCopy() const;  // of the compute shader's
    std::optional<double> gainOfFusion() const;        // how many times as long the operations take that are apart
};

Json toJson(const Timing& timing);
Json toJson(const Summary& summary);  // of ratios
Json toJson(const CopyFigures& copy);
Json toJson(const CaseResult& result, const char* kind);  // "bench" or "verify"
Json toJson(const VknPlanInfo& plan);

// A line of JSON each, in the file once written. Without a path nothing is written.
class ResultFile {
public:
    explicit ResultFile(const std::string& path);  // throws std::runtime_error

    void write(const Json& line);

private:
    std::optional<std::ofstream> file_;
    std::string path_;
};

}  // namespace vknorm::compare
