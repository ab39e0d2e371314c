// SPDX-License-Identifier: Apache-2.0
#include "results.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

namespace vknorm::compare {
namespace {

const char* nameOf(TimingSource source) {
    return source == TimingSource::GpuTimestamps ? "gpu-timestamps" : "host-clock";
}

Json rolesOf(const Case& test) {
    Json roles = Json::object();
    for (const VknRole role : test.operation->roles) {
        roles[vkn::findRole(role)->name] = vkn::typeName(typeOf(*test.operation, *test.types, role));
    }
    return roles;
}

Json toJson(const ApartResult& apart, const Operation& operation) {
    Json json;
    json["operations"] = {operation.apart->first, operation.apart->second};
    json["status"] = compare::nameOf(apart.status);
    if (!apart.reason.empty()) {
        json["reason"] = apart.reason;
    }
    json["leastBytes"] = apart.leastBytes;
    if (apart.timing) {
        json["timing"] = compare::toJson(*apart.timing);
    }
    return json;
}

void addIfThere(Json& json, const char* name, const std::optional<double>& value) {
    if (value) {
        json[name] = *value;
    }
}

}  // namespace

std::optional<double> CaseResult::bytesPerSecond() const {
    return timing ? std::optional(static_cast<double>(leastBytes) / timing->seconds()) : std::nullopt;
}

std::optional<double> CaseResult::shareOfCopy() const {
    const std::optional<double> seconds = copy ? copy->bestSeconds() : std::nullopt;
    // A copy moves a few bytes more where the number is not a multiple of its own elements.
    return seconds && timing ? std::optional(*bytesPerSecond() / (static_cast<double>(copy->bytes) / *seconds))
                             : std::nullopt;
}

std::optional<double> CaseResult::shareOfComputeCopy() const {
    if (!timing || !copy || !copy->compute) {
        return std::nullopt;
    }
    return *bytesPerSecond() / (static_cast<double>(copy->bytes) / copy->compute->timing.seconds());
}

std::optional<double> CaseResult::gainOfFusion() const {
    return timing && apart && apart->timing ? std::optional(apart->timing->seconds() / timing->seconds())
                                            : std::nullopt;
}

Json toJson(const Summary& summary) {
    return {{"median", summary.median}, {"low", summary.low}, {"high", summary.high}, {"samples", summary.count}};
}

Json toJson(const Timing& timing) {
    const Summary& summary = timing.measured.summary;
    return {{"medianSeconds", summary.median},
            {"lowSeconds", summary.low},
            {"highSeconds", std::isfinite(summary.high) ? Json(summary.high) : Json(nullptr)},
            {"medianAbsoluteDeviationSeconds", summary.deviation},
            {"p95Seconds", summary.p95},
            {"samples", summary.count},
            {"warmUpSamples", timing.measured.warmUps},
            {"isStable", timing.measured.isStable},
            {"dispatchesPerSubmit", timing.dispatchesPerSubmit},
            {"source", nameOf(timing.source)}};
}

Json toJson(const CopyFigures& copy) {
    Json json = {{"bytes", copy.bytes}, {"exceedsCache", copy.exceedsCache}};
    if (copy.compute) {
        json["compute"] = toJson(copy.compute->timing);
        json["compute"]["shape"] = nameOf(copy.compute->shape);
    }
    if (copy.transfer) {
        json["transfer"] = toJson(*copy.transfer);
    }
    if (!copy.fault.empty()) {
        json["fault"] = copy.fault;
    }
    return json;
}

Json toJson(const VknPlanInfo& plan) {
    return {{"form", nameOf(plan.form)},
            {"workgroupSize", plan.workgroupSize},
            {"subgroupSize", plan.subgroupSize},
            {"rowsPerWorkgroup", plan.rowsPerWorkgroup},
            {"maxWorkgroups", plan.maxWorkgroups},
            {"rowsAtOnce", plan.rowsAtOnce},
            {"elementsPerAccess", plan.elementsPerAccess},
            {"accessesInRegisters", plan.accessesInRegisters},
            {"inputReads", plan.inputReads},
            {"bytesPerRow", plan.bytesPerRow},
            {"leastBytesPerRow", plan.leastBytesPerRow},
            {"signature", plan.signature},
            {"reason", plan.reason}};
}

Json toJson(const CaseResult& result, const char* kind) {
    const Case& test = result.test;
    Json json = {{"kind", kind},
                 {"operation", test.operation->name},
                 {"types", test.types->name},
                 {"operands", rolesOf(test)},
                 {"rows", test.shape.rows},
                 {"hiddenSize", test.shape.hiddenSize},
                 {"status", nameOf(result.status)}};
    if (!result.reason.empty()) {
        json["reason"] = result.reason;
    }
    if (result.plan) {
        json["kernel"] = toJson(*result.plan);
    }
    if (result.check) {
        json["check"] = {{"rows", result.check->rows},
                         {"elements", result.check->elements},
                         {"largestShareOfBound", result.check->tightest}};
    }
    if (result.leastBytes != 0) {
        json["leastBytes"] = result.leastBytes;
        json["slots"] = result.slots.slots;
        json["workingSetBytes"] = result.workingSetBytes;
        json["exceedsCache"] = result.slots.exceedsCache;
    }
    if (result.timing) {
        json["timing"] = toJson(*result.timing);
    }
    if (result.latency) {
        json["latency"] = toJson(*result.latency);
    }
    if (result.copy) {
        json["copy"] = toJson(*result.copy);
    }
    addIfThere(json, "bytesPerSecond", result.bytesPerSecond());
    addIfThere(json, "shareOfCopy", result.shareOfCopy());
    addIfThere(json, "shareOfComputeCopy", result.shareOfComputeCopy());
    if (result.apart) {
        json["apart"] = toJson(*result.apart, *test.operation);
        addIfThere(json["apart"], "ratio", result.gainOfFusion());
    }
    return json;
}

ResultFile::ResultFile(const std::string& path) : path_(path) {
    if (path.empty()) {
        return;
    }
    file_.emplace(path, std::ios::trunc);
    if (!*file_) {
        throw std::runtime_error(fmt::format("cannot write {}", path));
    }
}

void ResultFile::write(const Json& line) {
    if (!file_) {
        return;
    }
    // Drivers may put anything in their names.
    *file_ << line.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n' << std::flush;
    if (!*file_) {
        throw std::runtime_error(fmt::format("cannot write {}", path_));
    }
}

}  // namespace vknorm::compare
