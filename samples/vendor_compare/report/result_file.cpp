// SPDX-License-Identifier: Apache-2.0
#include "report/result_file.hpp"

#include "report/rows.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <tuple>

namespace vknorm::compare {
namespace {

class Parser {
public:
    explicit Parser(const std::string& path) : place_{path, 0} { file_.path = path; }

    RunFacts parse(std::string_view text) {
        while (!text.empty()) {
            const size_t end = text.find('\n');
            const std::string_view line = text.substr(0, end);
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
            ++place_.line;
            takeLine(line);
        }
        place_.line = 0;
        if (!hasRun_) {
            failAt(place_, "is empty: must begin with a line of kind run");
        }
        if (!hasEnd_) {
            failAt(place_, "has no line of kind end: it is cut off, or the program was killed");
        }
        return std::move(file_);
    }

private:
    Place place_;
    RunFacts file_;
    bool hasRun_ = false;
    bool hasEnd_ = false;
    std::map<std::pair<bool, CaseKey>, size_t> cases_;

    void takeLine(std::string_view line) {
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
            return;
        }
        if (line.size() > kMostLineBytes) {
            failAt(place_, fmt::format("{} bytes: a line has at most {}", line.size(), kMostLineBytes));
        }
        const Json json = parseLine(line, place_);
        const Fields fields(json, place_);
        const std::string kind = fields.text("kind");
        if (hasRun_ == (kind == "run")) {
            failAt(place_, hasRun_ ? "a second run: give each a file of its own"
                                   : "must be of kind run, as the first line of a result file is");
        }
        if (hasEnd_) {
            failAt(place_, "is behind the line of kind end");
        }
        take(kind, fields);
    }

    void take(const std::string& kind, const Fields& fields) {
        if (kind == "run") {
            takeRun(fields);
        } else if (kind == "empty-dispatch") {
            file_.emptyDispatch = takeTime(fields.object("timing"));
            file_.emptyLatency = takeTime(fields.object("latency"));
        } else if (kind == "bench" || kind == "verify") {
            takeNewCase(fields, kind == "bench");
        } else if (kind == "static") {
            takeNewPipeline(fields);
        } else if (kind == "end") {
            takeEnd(fields);
        }  // others may have been added without a new version
    }

    void takeRun(const Fields& fields) {
        hasRun_ = true;
        const uint64_t schema = fields.count("schema", 0, kMostExact);
        if (schema != kSchemaVersion) {
            fields.fail("schema", fmt::format(" {}: this program knows {}", schema, kSchemaVersion));
        }
        file_.command = fields.text("command", kMostTextBytes);
        if (!fields.has("device")) {
            fields.fail("device",
                        ": is missing; files of bench, verify and pipelines have it, those of devices have not");
        }
        file_.device = takeDevice(fields.object("device"));
        file_.started = fields.textOr("started", "");
        if (const std::optional<Fields> library = fields.objectIfThere("library")) {
            file_.library = takeLibrary(*library);
        }
        if (const std::optional<Fields> settings = fields.objectIfThere("settings")) {
            file_.settings = takeSettings(*settings);
        }
    }

    void takeNewCase(const Fields& fields, bool isMeasured) {
        std::vector<CaseFact>& rows = isMeasured ? file_.cases : file_.verified;
        checkCount(rows.size());
        CaseFact row = takeCase(fields);
        const auto [first, isNew] = cases_.emplace(std::pair(isMeasured, row.key), row.line);
        if (!isNew) {
            failAt(place_, fmt::format("{} is in line {} already", row.key.name(), first->second));
        }
        rows.push_back(std::move(row));
    }

    // The same variant may come twice: with other forms of its kernel, for example.
    void takeNewPipeline(const Fields& fields) {
        checkCount(file_.pipelines.size());
        file_.pipelines.push_back(takePipeline(fields));
    }

    void takeEnd(const Fields& fields) {
        hasEnd_ = true;
        if (!fields.flag("isComplete")) {
            fields.fail("isComplete",
                        fmt::format(": the run ended early: {}", fields.textOr("reason", "", kMostTextBytes)));
        }
    }

    void checkCount(size_t rows) {
        if (rows >= kMostRows) {
            failAt(place_, fmt::format("more than {} rows", kMostRows));
        }
    }
};

std::string readWhole(const std::string& path) {
    const Place place{path, 0};
    std::error_code error;
    const auto size = std::filesystem::is_regular_file(path, error) ? std::filesystem::file_size(path, error) : 0;
    const std::string tooLarge = fmt::format("must have at most {} bytes", kMostFileBytes);
    if (!error && size > kMostFileBytes) {
        failAt(place, fmt::format("{} bytes: {}", size, tooLarge));
    }
    std::ifstream file(path, std::ios::binary);
    if (!file || std::filesystem::is_directory(path, error)) {
        failAt(place, "cannot be read");
    }
    std::string text;
    constexpr size_t kChunk = size_t{1} << 20;
    do {  // what is no regular file has no size
        const size_t before = text.size();
        text.resize(before + kChunk);
        file.read(text.data() + before, kChunk);
        text.resize(before + static_cast<size_t>(file.gcount()));
    } while (file && text.size() <= kMostFileBytes);
    if (text.size() > kMostFileBytes) {
        failAt(place, tooLarge);
    }
    if (file.bad()) {
        failAt(place, "cannot be read");
    }
    return text;
}

}  // namespace

std::string CaseKey::name() const { return fmt::format("{} {} {}x{}", operation, types, rows, hiddenSize); }

bool operator<(const CaseKey& a, const CaseKey& b) {
    return std::tie(a.operation, a.types, a.rows, a.hiddenSize) < std::tie(b.operation, b.types, b.rows, b.hiddenSize);
}

bool operator==(const CaseKey& a, const CaseKey& b) {
    return std::tie(a.operation, a.types, a.rows, a.hiddenSize) == std::tie(b.operation, b.types, b.rows, b.hiddenSize);
}

std::optional<TimeFact> CopyFact::best() const {
    if (!compute || !transfer) {
        return compute ? compute : transfer;
    }
    return compute->median < transfer->median ? compute : transfer;
}

std::optional<double> CopyFact::bytesPerSecond() const {
    const std::optional<TimeFact> fastest = best();
    return fastest ? std::optional(static_cast<double>(bytes) / fastest->median) : std::nullopt;
}

std::string DeviceFacts::driver() const { return driverInfo.empty() ? driverName : driverName + " " + driverInfo; }

RunFacts readResultFile(const std::string& path) { return parseResultFile(readWhole(path), path); }

RunFacts parseResultFile(std::string_view text, const std::string& path) { return Parser(path).parse(text); }

}  // namespace vknorm::compare
