// SPDX-License-Identifier: Apache-2.0
#include "report/document.hpp"
#include "report/summary.hpp"
#include "report/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace vknorm::compare {
namespace {

std::string orDash(const std::string& text) { return text.empty() ? "-" : escapeMarkdown(text); }

std::string devicesTable(const std::vector<DeviceResults>& devices) {
    std::string text =
        "| device | driver | Vulkan | subgroup | measured | left out | copy |\n|---|---|---|---|---|---|---|\n";
    for (const DeviceResults& each : devices) {
        const RunFacts& facts = each.facts;
        const auto measured = static_cast<size_t>(std::count_if(
            facts.cases.begin(), facts.cases.end(), [](const CaseFact& row) { return row.timing.has_value(); }));
        const std::optional<double> copy = copyBandwidth(facts);
        text += fmt::format("| {}{} | {} | {} | {} | {} | {} | {} |\n", escapeMarkdown(each.label),
                            facts.device.isSoftware ? " (software, not a GPU)" : "",
                            escapeMarkdown(facts.device.driver()), orDash(facts.device.apiVersion),
                            facts.device.subgroupSize ? fmt::to_string(*facts.device.subgroupSize) : "-", measured,
                            facts.cases.size() - measured, copy ? fmt::format("{:.1f} GB/s", 1e-9 * *copy) : "-");
    }
    return text;
}

std::string sharesTable(const std::vector<DeviceResults>& devices) {
    const Ranking ranking = rankDevices(devices);
    std::string text =
        "| device | rank | operation | cases | of copy, median | from | to |\n|---|---|---|---|---|---|---|\n";
    for (const ShareSummary& share : summariseShares(devices)) {
        if (!share.types.empty()) {
            continue;
        }
        const DeviceResults& device = devices[share.device];
        const auto& rank = ranking.ranks[share.device];
        text += fmt::format("| {} | {} | {} | {} | {:.0f} % | {:.0f} % | {:.0f} % |\n", escapeMarkdown(device.label),
                            rank ? fmt::to_string(*rank) : (device.facts.device.isSoftware ? "software" : "-"),
                            share.operation.empty() ? "all" : escapeMarkdown(share.operation), share.count,
                            100.0 * share.median, 100.0 * share.least, 100.0 * share.most);
    }
    return text;
}

std::string pipelinesTable(const std::vector<DeviceResults>& devices) {
    std::string text = "| device | driver | compiled | unsupported | failed | spilled |\n|---|---|---|---|---|---|\n";
    for (const DeviceResults& each : devices) {
        const std::vector<PipelineFact>& rows = each.facts.pipelines;
        const auto count = [&](Status status) {
            return std::count_if(rows.begin(), rows.end(),
                                 [&](const PipelineFact& row) { return row.status == status; });
        };
        const auto spilled = std::count_if(rows.begin(), rows.end(),
                                           [](const PipelineFact& row) { return row.spills.value_or(0.0) > 0.0; });
        if (!rows.empty()) {
            text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", escapeMarkdown(each.label),
                                escapeMarkdown(each.facts.device.driver()), count(Status::Ok),
                                count(Status::Unsupported), count(Status::Failed), spilled);
        }
    }
    return text;
}

}  // namespace

std::string makeMarkdown(const MergedResults& merged) {
    std::string text = "# vknorm on " + fmt::to_string(merged.devices.size()) +
                       (merged.devices.size() == 1 ? " device\n\n" : " devices\n\n");
    for (const std::string& note : merged.notes) {
        text += fmt::format("- {}\n", escapeMarkdown(note));
    }
    text += fmt::format("{}## Devices\n\n{}", merged.notes.empty() ? "" : "\n", devicesTable(merged.devices));
    std::vector<const RunFacts*> measured;
    bool hasPipelines = false;
    for (const DeviceResults& device : merged.devices) {
        if (!device.facts.cases.empty()) {
            measured.push_back(&device.facts);
        }
        hasPipelines |= !device.facts.pipelines.empty();
    }
    if (!measured.empty()) {
        text += fmt::format(
            "\n## Share of each device's own copy\n\nOf prefill shapes that exceed the cache.\n\n{}\n## Measured\n\n{}",
            sharesTable(merged.devices), makeTable(measured));
    }
    if (hasPipelines) {
        text += fmt::format(
            "\n## Compiled, not run\n\nWhat drivers tell of the pipelines they make: nothing of speed.\n\n{}",
            pipelinesTable(merged.devices));
    }
    return text;
}

}  // namespace vknorm::compare
