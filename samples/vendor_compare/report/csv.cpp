// SPDX-License-Identifier: Apache-2.0
#include "report/columns.hpp"
#include "report/document.hpp"
#include "report/marks.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vknorm::compare {
namespace {

// Quoted as RFC 4180 has it. A text that a spreadsheet would take for a formula gets an apostrophe in front.
std::string fieldOf(const Json& value) {
    if (value.is_null()) {
        return {};
    }
    if (!value.is_string()) {
        return value.dump();
    }
    std::string text = value.get<std::string>();
    if (!text.empty() && std::string("=+-@").find(text.front()) != std::string::npos) {
        text.insert(text.begin(), '\'');
    }
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
        return text;
    }
    std::string quoted = "\"";
    for (const char c : text) {
        quoted.append(c == '"' ? 2 : 1, c);
    }
    return quoted + '"';
}

std::string deviceFields(const DeviceResults& device) {
    return fmt::format("{},{},{}", fieldOf(device.label), fieldOf(device.facts.device.driver()),
                       fieldOf(device.facts.device.isSoftware));
}

template <typename Columns>
std::string headerOf(const Columns& columns) {
    std::string text = "device,driver,isSoftware";
    for (const auto& column : columns) {
        text.append(",").append(column.name);
    }
    return text + "\r\n";
}

std::string casesOf(const std::vector<DeviceResults>& devices) {
    std::string text = headerOf(caseColumns());
    for (const DeviceResults& device : devices) {
        const std::vector<std::vector<std::string>> marks = marksOf(device.facts.cases);
        for (size_t i = 0; i < device.facts.cases.size(); ++i) {
            text += deviceFields(device);
            for (const CaseColumn& column : caseColumns()) {
                text.append(",").append(fieldOf(column.value(device.facts.cases[i], marks[i])));
            }
            text += "\r\n";
        }
    }
    return text;
}

std::string pipelinesOf(const std::vector<DeviceResults>& devices) {
    std::string text = headerOf(pipelineColumns());
    for (const DeviceResults& device : devices) {
        for (const PipelineFact& row : device.facts.pipelines) {
            text += deviceFields(device);
            for (const PipelineColumn& column : pipelineColumns()) {
                text.append(",").append(fieldOf(column.value(row)));
            }
            text += "\r\n";
        }
    }
    return text;
}

}  // namespace

std::string makeCsv(const MergedResults& merged) {
    for (const DeviceResults& device : merged.devices) {
        if (!device.facts.cases.empty()) {
            return casesOf(merged.devices);
        }
    }
    return pipelinesOf(merged.devices);
}

}  // namespace vknorm::compare
