// SPDX-License-Identifier: Apache-2.0
#include "report/document.hpp"

#include "report/columns.hpp"
#include "report/marks.hpp"
#include "report/summary.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

namespace vknorm::compare {
namespace {

template <typename T>
Json orNull(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json toJson(const DeviceFacts& device) {
    Json json = {{"name", device.name},
                 {"type", device.type},
                 {"isSoftware", device.isSoftware},
                 {"driverName", device.driverName},
                 {"driverInfo", device.driverInfo},
                 {"apiVersion", device.apiVersion},
                 {"subgroupSize", orNull(device.subgroupSize)},
                 {"selfTest", device.selfTest},
                 {"quirks", device.quirks},
                 {"pushDescriptors", orNull(device.pushDescriptors)},
                 {"usableForms", device.usableForms},
                 {"enabled", device.enabled}};
    json["limits"] = Json::object();
    for (const auto& [name, value] : device.limits) {
        json["limits"][name] = orNull(value);
    }
    json["memoryHeaps"] = Json::array();
    for (const MemoryHeap& heap : device.memoryHeaps) {
        json["memoryHeaps"].push_back({{"bytes", heap.bytes}, {"isDeviceLocal", heap.isDeviceLocal}});
    }
    return json;
}

template <typename Rows>
Json countsOf(const Rows& rows) {
    std::map<Status, size_t> counts;
    for (const auto& row : rows) {
        ++counts[row.status];
    }
    Json json = Json::object();
    for (const Status status : kStatuses) {
        json[nameOf(status)] = counts[status];
    }
    return json;
}

// What was left out and why, each reason once.
template <typename Rows>
Json reasonsOf(const Rows& rows) {
    std::map<std::pair<Status, std::string>, size_t> counts;
    for (const auto& row : rows) {
        if (row.status != Status::Ok) {
            ++counts[{row.status, row.reason}];
        }
    }
    Json json = Json::array();
    for (const auto& [what, count] : counts) {
        json.push_back({{"status", nameOf(what.first)}, {"reason", what.second}, {"count", count}});
    }
    return json;
}

Json pipelineFacts(const std::vector<PipelineFact>& pipelines) {
    size_t spilled = 0;
    std::optional<double> mostRegisters;
    std::optional<double> leastOccupancy;
    for (const PipelineFact& row : pipelines) {
        spilled += row.spills.value_or(0.0) > 0.0 ? 1U : 0U;
        if (row.registers) {
            mostRegisters = std::max(mostRegisters.value_or(0.0), *row.registers);
        }
        if (row.occupancy) {
            leastOccupancy = std::min(leastOccupancy.value_or(*row.occupancy), *row.occupancy);
        }
    }
    return {{"counts", countsOf(pipelines)},
            {"reasons", reasonsOf(pipelines)},
            {"spilled", spilled},
            {"mostRegisters", orNull(mostRegisters)},
            {"leastOccupancy", orNull(leastOccupancy)}};
}

Json toJson(const DeviceResults& device) {
    const RunFacts& facts = device.facts;
    Json json = {{"label", device.label},
                 {"files", device.paths},
                 {"started", facts.started},
                 {"device", toJson(facts.device)},
                 {"library",
                  {{"version", facts.library.version},
                   {"commit", facts.library.commit},
                   {"kernelHash", facts.library.kernelHash}}},
                 {"settings",
                  {{"cacheBytes", orNull(facts.settings.cacheBytes)},
                   {"cacheSource", facts.settings.cacheSource},
                   {"memoryLimitBytes", orNull(facts.settings.memoryLimitBytes)},
                   {"secondsPerCase", orNull(facts.settings.secondsPerCase)}}},
                 {"copyBytesPerSecond", orNull(copyBandwidth(facts))},
                 {"counts", countsOf(facts.cases)},
                 {"reasons", reasonsOf(facts.cases)},
                 {"verified", countsOf(facts.verified)}};
    json["emptyDispatchSeconds"] = facts.emptyDispatch ? Json(facts.emptyDispatch->median) : Json(nullptr);
    json["emptyLatencySeconds"] = facts.emptyLatency ? Json(facts.emptyLatency->median) : Json(nullptr);
    if (!facts.pipelines.empty()) {
        json["pipelines"] = pipelineFacts(facts.pipelines);
    }
    return json;
}

template <typename Columns>
Json namesOf(const Columns& columns) {
    Json names = {"device"};
    for (const auto& column : columns) {
        names.push_back(column.name);
    }
    return names;
}

void addRows(Json& document, const std::vector<DeviceResults>& devices) {
    document["caseColumns"] = namesOf(caseColumns());
    document["cases"] = Json::array();
    document["pipelineColumns"] = namesOf(pipelineColumns());
    document["pipelines"] = Json::array();
    for (size_t i = 0; i < devices.size(); ++i) {
        const std::vector<CaseFact>& cases = devices[i].facts.cases;
        const std::vector<std::vector<std::string>> marks = marksOf(cases);
        for (size_t row = 0; row < cases.size(); ++row) {
            Json values = {i};
            for (const CaseColumn& column : caseColumns()) {
                values.push_back(column.value(cases[row], marks[row]));
            }
            document["cases"].push_back(std::move(values));
        }
        for (const PipelineFact& row : devices[i].facts.pipelines) {
            Json values = {i};
            for (const PipelineColumn& column : pipelineColumns()) {
                values.push_back(column.value(row));
            }
            document["pipelines"].push_back(std::move(values));
        }
    }
}

Json summaryOf(const std::vector<DeviceResults>& devices) {
    Json json = Json::array();
    for (const ShareSummary& share : summariseShares(devices)) {
        json.push_back({{"device", share.device},
                        {"operation", share.operation},
                        {"types", share.types},
                        {"count", share.count},
                        {"median", share.median},
                        {"least", share.least},
                        {"most", share.most}});
    }
    return json;
}

}  // namespace

Json makeDocument(const MergedResults& merged) {
    Json document = {{"kind", "report"}, {"version", kReportVersion}, {"tool", "vknorm_compare"}};
    document["notes"] = merged.notes;
    document["devices"] = Json::array();
    const Ranking ranking = rankDevices(merged.devices);
    for (size_t i = 0; i < merged.devices.size(); ++i) {
        document["devices"].push_back(toJson(merged.devices[i]));
        document["devices"].back()["rank"] = orNull(ranking.ranks[i]);
    }
    document["rankedCases"] = ranking.cases;
    document["marks"] = Json::object();
    for (const MarkText& mark : kMarks) {
        document["marks"][mark.name] = mark.text;
    }
    document["shares"] = summaryOf(merged.devices);
    addRows(document, merged.devices);
    return document;
}

std::string makeJson(const MergedResults& merged) {
    return makeDocument(merged).dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string fillPage(std::string html, const Json& document) {
    const std::string slot = "{\"vknorm\":\"report\"}";
    const size_t at = html.find(slot);
    if (at == std::string::npos) {
        throw std::logic_error("the page's template has no place for the report");
    }
    // Only texts have these characters. Without them nothing in a file ends the script element that the document is in.
    std::string text;
    for (const char c : document.dump(-1, ' ', true, Json::error_handler_t::replace)) {
        if (c == '<' || c == '>' || c == '&') {
            text += fmt::format("\\u{:04x}", static_cast<int>(c));
        } else {
            text += c;
        }
    }
    return html.replace(at, slot.size(), text);
}

std::string makePage(const MergedResults& merged, const std::string& html, const std::string& missing) {
    if (!missing.empty()) {
        throw std::runtime_error(fmt::format(
            "this vknorm_compare has no page to put a report into: {}. It is made where Node 18 or later and npm are "
            "found when "
            "vknorm_compare is built (Debian and Ubuntu: nodejs, npm); reports as .md, .csv and .json need neither",
            missing));
    }
    return fillPage(html, makeDocument(merged));
}

}  // namespace vknorm::compare
