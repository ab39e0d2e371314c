// The subcommands that read result files.
// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"
#include "report/comparison.hpp"
#include "report/document.hpp"
#include "report/table.hpp"

#include "viewer_page.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace vknorm::compare {
namespace {

std::vector<RunFacts> readAll(const std::vector<std::string>& paths) {
    std::vector<RunFacts> files;
    for (const std::string& path : paths) {
        files.push_back(readResultFile(path));
    }
    return files;
}

std::string formatOf(const Arguments& arguments) {
    if (!arguments.format.empty()) {
        return arguments.format;
    }
    const std::string extension = std::filesystem::path(arguments.output).extension().string();
    for (const char* known : {"html", "json", "csv", "md"}) {
        if (extension == std::string(".") + known) {
            return known;
        }
    }
    if (arguments.output.empty()) {
        return "md";
    }
    throw std::runtime_error(
        fmt::format("{}: must end in .html, .json, .csv or .md, or be told by --format", arguments.output));
}

std::string makeReport(const MergedResults& merged, const std::string& format) {
    if (format == "html") {
        return makePage(merged, std::string(std::begin(kViewerPage), std::end(kViewerPage)), kViewerMissing);
    }
    if (format == "json") {
        return makeJson(merged);
    }
    return format == "csv" ? makeCsv(merged) : makeMarkdown(merged);
}

void writeTo(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::trunc | std::ios::binary);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.close();
    if (!file) {
        throw std::runtime_error(fmt::format("cannot write {}", path));
    }
}

}  // namespace

int printTable(const Arguments& arguments) {
    const std::vector<RunFacts> files = readAll(arguments.files);
    std::vector<const RunFacts*> each;
    for (const RunFacts& file : files) {
        each.push_back(&file);
    }
    fmt::print("{}", makeTable(each));
    return 0;
}

int writeReport(const Arguments& arguments) {
    const std::string format = formatOf(arguments);
    const MergedResults merged = mergeResults(readAll(arguments.files), {arguments.onlyCommon});
    const std::string text = makeReport(merged, format);
    if (arguments.output.empty()) {
        std::fwrite(text.data(), 1, text.size(), stdout);
        return 0;
    }
    writeTo(arguments.output, text);
    for (const std::string& note : merged.notes) {
        fmt::print(stderr, "note: {}\n", note);
    }
    fmt::print(stderr, "{}: {} device{}, {} bytes\n", arguments.output, merged.devices.size(),
               merged.devices.size() == 1 ? "" : "s", text.size());
    return 0;
}

int compareFiles(const Arguments& arguments) {
    const std::vector<RunFacts> files = readAll(arguments.files);
    const CompareOptions options = {arguments.threshold, arguments.onlyCommon};
    const Comparison comparison = compareResults(files.at(0), files.at(1), options);
    fmt::print("{}", describeComparison(comparison, options, arguments.listAll));
    return comparison.isWorse() ? 1 : 0;
}

}  // namespace vknorm::compare
