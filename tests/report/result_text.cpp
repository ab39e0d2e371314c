#include "result_text.hpp"

#include <nlohmann/json.hpp>

namespace vknorm::compare {

Json madeTime(double seconds) {
    return {{"medianSeconds", seconds},
            {"lowSeconds", 0.99 * seconds},
            {"highSeconds", 1.01 * seconds},
            {"medianAbsoluteDeviationSeconds", 0.005 * seconds},
            {"p95Seconds", 1.02 * seconds},
            {"samples", 11},
            {"warmUpSamples", 6},
            {"isStable", true},
            {"dispatchesPerSubmit", 4},
            {"source", "gpu-timestamps"}};
}

Json madeDevice(const std::string& name, bool isSoftware) {
    return {{"name", name},
            {"type", isSoftware ? "cpu" : "discrete"},
            {"isSoftware", isSoftware},
            {"uuid", "0011"},
            {"driverName", "example"},
            {"driverInfo", "1.2"},
            {"apiVersion", "1.3.0"},
            {"subgroupSize", 32},
            {"limits", {{"maxComputeWorkGroupInvocations", 1024}, {"timestampPeriod", nullptr}}},
            {"memoryHeaps", {{{"bytes", 8589934592}, {"isDeviceLocal", true}}}},
            {"enabled", {"subgroupSizeControl"}},
            {"selfTest", "passed"},
            {"quirks", ""},
            {"pushDescriptors", true},
            {"usableForms", {"subgroup", "shared"}}};
}

Json madeRun(const Json& device, const char* command) {
    return {{"kind", "run"},
            {"schema", kSchemaVersion},
            {"tool", "vknorm_compare"},
            {"command", command},
            {"started", "2026-01-02T03:04:05Z"},
            {"library", {{"version", "0.1.0"}, {"commit", "abc"}, {"kernelHash", "0123456789abcdef"}}},
            {"device", device},
            {"settings",
             {{"cacheBytes", 33554432},
              {"cacheSource", "found"},
              {"memoryLimitBytes", 1073741824},
              {"secondsPerCase", 0.4},
              {"isQuick", false}}}};
}

Json madeCase(const char* operation, uint64_t rows, uint64_t hiddenSize, double seconds, double share) {
    const double bytes = 8.0 * static_cast<double>(rows * hiddenSize);
    Json json = {{"kind", "bench"},
                 {"operation", operation},
                 {"types", "fp32"},
                 {"rows", rows},
                 {"hiddenSize", hiddenSize},
                 {"status", "ok"},
                 {"kernel", {{"form", "subgroup"}, {"workgroupSize", 64}, {"subgroupSize", 32}, {"reason", "it fits"}}},
                 {"check", {{"rows", 64}, {"elements", 1000}, {"largestShareOfBound", 0.25}}},
                 {"exceedsCache", true},
                 {"timing", madeTime(seconds)}};
    json["copy"] = {{"bytes", 8 * rows * hiddenSize},
                    {"exceedsCache", true},
                    {"compute", madeTime(share * seconds)},
                    {"transfer", madeTime(1.5 * share * seconds)}};
    json["bytesPerSecond"] = bytes / seconds;
    json["shareOfCopy"] = share;
    json["shareOfComputeCopy"] = share;
    return json;
}

Json madeEnd() { return {{"kind", "end"}, {"isComplete", true}}; }

Json madePipeline(const char* variant, double spills) {
    return {{"kind", "static"},
            {"variant", variant},
            {"pipeline", 0},
            {"status", "ok"},
            {"kernel", {{"form", "subgroup"}, {"workgroupSize", 64}, {"subgroupSize", 32}, {"reason", "it fits"}}},
            {"statistics",
             {{"spills", spills},
              {"registers", 128},
              {"instructions", 391},
              {"occupancy", 32},
              {"driver",
               {{{"name", "SGPRs"}, {"value", 128}},
                {{"name", "VGPRs"}, {"value", 24}},
                {{"name", "Hash"}, {"value", 7}}}}}}};
}

std::string textOf(const std::vector<Json>& lines) {
    std::string text;
    for (const Json& line : lines) {
        text += line.dump() + "\n";
    }
    return text;
}

RunFacts fileOf(const std::vector<Json>& lines, const std::string& path) {
    return parseResultFile(textOf(lines), path);
}

std::string faultOf(const std::string& text) {
    try {
        parseResultFile(text, "a.jsonl");
    } catch (const ResultFileError& error) {
        return error.what();
    }
    return {};
}

}  // namespace vknorm::compare
