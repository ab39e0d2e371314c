// SPDX-License-Identifier: Apache-2.0
#include "report/table.hpp"

#include <fmt/format.h>

#include <map>

namespace vknorm::compare {
namespace {

std::string cellOf(const CaseFact& row) {
    if (!row.timing) {
        return nameOf(row.status);
    }
    std::string cell = formatSeconds(row.timing->median);
    if (row.shareOfComputeCopy) {
        cell += fmt::format(", {:.0f} %", 100.0 * *row.shareOfComputeCopy);
    }
    return cell + (row.timing->isStable ? "" : " \\*");
}

std::string nameOfDevice(const DeviceFacts& device) {
    return fmt::format("{}, {}{}", device.name, device.driver(), device.isSoftware ? ": software, not a GPU" : "");
}

}  // namespace

std::string escapeMarkdown(const std::string& text) {
    std::string result;
    for (const char c : text) {
        if (std::string("|*_`[<&\\").find(c) != std::string::npos) {
            result += '\\';
        }
        result += c;
    }
    return result;
}

std::string makeTable(const std::vector<const RunFacts*>& files) {
    std::string text = "| operation | types | shape |";
    std::string rule = "|---|---|---|";
    std::vector<CaseKey> order;
    std::map<CaseKey, std::map<size_t, const CaseFact*>> rows;
    for (size_t i = 0; i < files.size(); ++i) {
        if (files[i]->cases.empty()) {
            failAt({files[i]->path, 0}, "has no rows of bench");
        }
        text += fmt::format(" [{}] |", i + 1);
        rule += "---|";
        for (const CaseFact& row : files[i]->cases) {
            auto& cells = rows[row.key];
            if (cells.empty()) {
                order.push_back(row.key);
            }
            cells[i] = &row;
        }
    }
    text += fmt::format("\n{}\n", rule);
    for (const CaseKey& key : order) {
        const auto& cells = rows[key];
        text += fmt::format("| {} | {} | {}x{} |", escapeMarkdown(key.operation), escapeMarkdown(key.types), key.rows,
                            key.hiddenSize);
        for (size_t i = 0; i < files.size(); ++i) {
            const auto cell = cells.find(i);
            text += fmt::format(" {} |", cell != cells.end() ? cellOf(*cell->second) : "");
        }
        text += "\n";
    }
    text +=
        "\nThe median time of a dispatch, and its bytes a second as a share of the best compute copy's in the same run;"
        " \\* unsteady.\n";
    for (size_t i = 0; i < files.size(); ++i) {
        text += fmt::format("{}[{}] {}", i == 0 ? "" : ";\n", i + 1, escapeMarkdown(nameOfDevice(files[i]->device)));
    }
    return text + ".\n";
}

}  // namespace vknorm::compare
