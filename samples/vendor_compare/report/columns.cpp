// SPDX-License-Identifier: Apache-2.0
#include "report/columns.hpp"

#include <nlohmann/json.hpp>

namespace vknorm::compare {
namespace {

using Marks = std::vector<std::string>;

template <typename T>
Json orNull(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json textOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

// A member of something that may be missing.
template <typename T, typename Member>
Json of(const std::optional<T>& whole, Member T::*member) {
    return whole ? Json((*whole).*member) : Json(nullptr);
}

Json lowOf(const std::optional<TimeFact>& time) {
    return time && time->interval ? Json(time->interval->first) : Json(nullptr);
}

Json highOf(const std::optional<TimeFact>& time) {
    return time && time->interval ? Json(time->interval->second) : Json(nullptr);
}

std::string joined(const std::vector<std::string>& texts, const char* between) {
    std::string result;
    for (const std::string& text : texts) {
        result.append(result.empty() ? "" : between).append(text);
    }
    return result;
}

Json apartSeconds(const CaseFact& row) { return row.apart ? of(row.apart->timing, &TimeFact::median) : Json(nullptr); }

}  // namespace

const std::vector<CaseColumn>& caseColumns() {
    static const std::vector<CaseColumn> kColumns = {
        {"operation", [](const CaseFact& row, const Marks&) { return Json(row.key.operation); }},
        {"types", [](const CaseFact& row, const Marks&) { return Json(row.key.types); }},
        {"rows", [](const CaseFact& row, const Marks&) { return Json(row.key.rows); }},
        {"hiddenSize", [](const CaseFact& row, const Marks&) { return Json(row.key.hiddenSize); }},
        {"status", [](const CaseFact& row, const Marks&) { return Json(nameOf(row.status)); }},
        {"seconds", [](const CaseFact& row, const Marks&) { return of(row.timing, &TimeFact::median); }},
        {"lowSeconds", [](const CaseFact& row, const Marks&) { return lowOf(row.timing); }},
        {"highSeconds", [](const CaseFact& row, const Marks&) { return highOf(row.timing); }},
        {"deviationSeconds", [](const CaseFact& row, const Marks&) { return of(row.timing, &TimeFact::deviation); }},
        {"p95Seconds", [](const CaseFact& row, const Marks&) { return of(row.timing, &TimeFact::p95); }},
        {"samples", [](const CaseFact& row, const Marks&) { return of(row.timing, &TimeFact::samples); }},
        {"bytesPerSecond", [](const CaseFact& row, const Marks&) { return orNull(row.bytesPerSecond); }},
        {"copyBytesPerSecond",
         [](const CaseFact& row, const Marks&) {
             return row.copy ? orNull(row.copy->bytesPerSecond()) : Json(nullptr);
         }},
        {"shareOfCopy", [](const CaseFact& row, const Marks&) { return orNull(row.shareOfCopy); }},
        {"shareOfComputeCopy", [](const CaseFact& row, const Marks&) { return orNull(row.shareOfComputeCopy); }},
        {"latencySeconds", [](const CaseFact& row, const Marks&) { return of(row.latency, &TimeFact::median); }},
        {"latencyLowSeconds", [](const CaseFact& row, const Marks&) { return lowOf(row.latency); }},
        {"latencyHighSeconds", [](const CaseFact& row, const Marks&) { return highOf(row.latency); }},
        {"apartRatio",
         [](const CaseFact& row, const Marks&) { return row.apart ? orNull(row.apart->ratio) : Json(nullptr); }},
        {"apartSeconds", [](const CaseFact& row, const Marks&) { return apartSeconds(row); }},
        {"apartOperations",
         [](const CaseFact& row, const Marks&) {
             return row.apart ? textOrNull(joined(row.apart->operations, " + ")) : Json(nullptr);
         }},
        {"form", [](const CaseFact& row, const Marks&) { return of(row.kernel, &KernelFact::form); }},
        {"workgroupSize", [](const CaseFact& row, const Marks&) { return of(row.kernel, &KernelFact::workgroupSize); }},
        {"subgroupSize", [](const CaseFact& row, const Marks&) { return of(row.kernel, &KernelFact::subgroupSize); }},
        {"kernelReason", [](const CaseFact& row, const Marks&) { return of(row.kernel, &KernelFact::reason); }},
        {"clock", [](const CaseFact& row, const Marks&) { return of(row.timing, &TimeFact::source); }},
        {"marks", [](const CaseFact&, const Marks& marks) { return textOrNull(joined(marks, "; ")); }},
        {"reason", [](const CaseFact& row, const Marks&) { return textOrNull(row.reason); }},
    };
    return kColumns;
}

const std::vector<PipelineColumn>& pipelineColumns() {
    static const std::vector<PipelineColumn> kColumns = {
        {"variant", [](const PipelineFact& row) { return Json(row.variant); }},
        {"pipeline", [](const PipelineFact& row) { return orNull(row.index); }},
        {"status", [](const PipelineFact& row) { return Json(nameOf(row.status)); }},
        {"form", [](const PipelineFact& row) { return textOrNull(row.form); }},
        {"registers", [](const PipelineFact& row) { return orNull(row.registers); }},
        {"driverRegisters", [](const PipelineFact& row) { return textOrNull(row.driverRegisters); }},
        {"spills", [](const PipelineFact& row) { return orNull(row.spills); }},
        {"occupancy", [](const PipelineFact& row) { return orNull(row.occupancy); }},
        {"instructions", [](const PipelineFact& row) { return orNull(row.instructions); }},
        {"reason", [](const PipelineFact& row) { return textOrNull(row.reason); }},
    };
    return kColumns;
}

}  // namespace vknorm::compare
