// SPDX-License-Identifier: Apache-2.0
#include "table.hpp"

#include "commands.hpp"
#include "console.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace vknorm::compare {
namespace {

// Throws where a field is missing or of another type, or where a line is no object.
class Reader {
public:
    explicit Reader(const std::string& path) : path_(path), file_(path) {
        if (!file_) {
            throw std::runtime_error(fmt::format("{}: cannot be read", path));
        }
    }

    ResultSet read() {
        for (std::string text; std::getline(file_, text);) {
            ++line_;
            try {
                take(Json::parse(text));
            } catch (const Json::exception& error) {
                throw std::runtime_error(fmt::format("{}, line {}: {}", path_, line_, error.what()));
            }
        }
        if (set_.device.empty() || !isWhole_) {
            throw std::runtime_error(fmt::format("{}: not the results of a whole run of bench", path_));
        }
        return std::move(set_);
    }

private:
    std::string path_;
    std::ifstream file_;
    size_t line_ = 0;
    bool isWhole_ = false;
    ResultSet set_;

    void take(const Json& line) {
        const auto kind = line.at("kind").get<std::string>();
        if (kind == "run") {
            takeRun(line);
        } else if (kind == "bench") {
            set_.cases.push_back(line);
        } else if (kind == "end") {
            isWhole_ = line.at("isComplete").get<bool>();
        }
    }

    void takeRun(const Json& line) {
        const auto schema = line.at("schema").get<int>();
        if (schema != kSchemaVersion) {
            throw std::runtime_error(
                fmt::format("{}: schema {}, and this program knows {}", path_, schema, kSchemaVersion));
        }
        if (line.at("command").get<std::string>().find("bench") == std::string::npos) {
            return;
        }
        const Json& device = line.at("device");
        const auto info = device.at("driverInfo").get<std::string>();
        set_.device = fmt::format("{}, {}{}{}{}", device.at("name").get<std::string>(),
                                  device.at("driverName").get<std::string>(), info.empty() ? "" : " ", info,
                                  device.at("isSoftware").get<bool>() ? ": software, not a GPU" : "");
    }
};

std::string nameOfCase(const Json& row) {
    return fmt::format("{} | {} | {}x{}", row.at("operation").get<std::string>(), row.at("types").get<std::string>(),
                       row.at("rows").get<uint64_t>(), row.at("hiddenSize").get<uint64_t>());
}

std::string cellOf(const Json& row) {
    auto status = row.at("status").get<std::string>();
    if (status != "ok") {
        return status;
    }
    const Json& timing = row.at("timing");
    std::string cell = formatSeconds(timing.at("medianSeconds").get<double>());
    if (row.contains("shareOfComputeCopy")) {
        cell += fmt::format(", {:.0f} %", 100.0 * row["shareOfComputeCopy"].get<double>());
    }
    return cell + (timing.at("isStable").get<bool>() ? "" : " \\*");
}

// Markdown's own characters, and HTML's: names come from drivers.
std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text) {
        if (c == '|' || c == '*' || c == '_' || c == '`' || c == '[' || c == '<' || c == '&' || c == '\\') {
            result += '\\';
        }
        result += c == '\n' || c == '\r' ? ' ' : c;
    }
    return result;
}

std::vector<std::string> namesInOrder(const std::vector<ResultSet>& sets) {
    std::vector<std::string> names;
    for (const ResultSet& set : sets) {
        for (const Json& row : set.cases) {
            const std::string name = nameOfCase(row);
            if (std::find(names.begin(), names.end(), name) == names.end()) {
                names.push_back(name);
            }
        }
    }
    return names;
}

}  // namespace

ResultSet readResults(const std::string& path) { return Reader(path).read(); }

std::string makeTable(const std::vector<ResultSet>& sets) {
    std::string text = "| operation | types | shape |";
    std::string rule = "|---|---|---|";
    for (size_t i = 0; i < sets.size(); ++i) {
        text += fmt::format(" [{}] |", i + 1);
        rule += "---|";
    }
    text += fmt::format("\n{}\n", rule);
    for (const std::string& name : namesInOrder(sets)) {
        text += fmt::format("| {} |", name);
        for (const ResultSet& set : sets) {
            const auto row = std::find_if(set.cases.begin(), set.cases.end(),
                                          [&](const Json& each) { return nameOfCase(each) == name; });
            text += fmt::format(" {} |", row != set.cases.end() ? cellOf(*row) : "");
        }
        text += "\n";
    }
    text +=
        "\nThe median time of a dispatch, and its bytes a second as a share of the best compute copy's in the same run;"
        " \\* unsteady.\n";
    for (size_t i = 0; i < sets.size(); ++i) {
        text += fmt::format("{}[{}] {}", i == 0 ? "" : ";\n", i + 1, escaped(sets[i].device));
    }
    return text + ".\n";
}

int printTable(const Arguments& arguments) {
    std::vector<ResultSet> sets;
    for (const std::string& path : arguments.files) {
        sets.push_back(readResults(path));
    }
    fmt::print("{}", makeTable(sets));
    return 0;
}

}  // namespace vknorm::compare
