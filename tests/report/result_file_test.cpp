// Reading result files: what is right is taken whole, and what is wrong is named by file, line and field.
#include "result_text.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

namespace vknorm::compare {
namespace {

using testing::TempDir;

TEST(ResultFile, IsTakenWhole) {
    Json latency = madeCase("rmsnorm", 1, 4096, 1e-5);
    latency["latency"] = madeTime(2e-5);
    Json fused = madeCase("prenorm-add", 512, 4096, 1e-3);
    fused["apart"] = {
        {"operations", {"add", "rmsnorm"}}, {"status", "ok"}, {"timing", madeTime(1.5e-3)}, {"ratio", 1.5}};
    const Json skipped = {{"kind", "bench"},  {"operation", "dyt"},  {"types", "bf16"},  {"rows", 4},
                          {"hiddenSize", 64}, {"status", "skipped"}, {"reason", "large"}};
    const RunFacts file = fileOf({madeRun(),
                                  {{"kind", "empty-dispatch"}, {"timing", madeTime(1e-6)}, {"latency", madeTime(2e-6)}},
                                  latency,
                                  fused,
                                  skipped,
                                  {{"kind", "something new"}, {"x", 1}},
                                  madeEnd()});
    EXPECT_EQ(file.device.name, "Example GPU");
    EXPECT_EQ(file.device.driver(), "example 1.2");
    EXPECT_EQ(file.device.limits.size(), 2U);
    EXPECT_FALSE(file.device.limits[1].second);
    EXPECT_EQ(file.device.memoryHeaps.at(0).bytes, 8589934592U);
    EXPECT_EQ(file.library.kernelHash, "0123456789abcdef");
    EXPECT_DOUBLE_EQ(file.emptyLatency->median, 2e-6);
    EXPECT_EQ(file.settings.memoryLimitBytes, std::optional<uint64_t>(1073741824));
    ASSERT_EQ(file.cases.size(), 3U);
    EXPECT_DOUBLE_EQ(file.cases[0].latency->median, 2e-5);
    EXPECT_DOUBLE_EQ(*file.cases[1].apart->ratio, 1.5);
    EXPECT_DOUBLE_EQ(file.cases[1].copy->best()->median, 0.5e-3);
    EXPECT_EQ(file.cases[1].kernel->reason, "it fits");
    EXPECT_EQ(file.cases[2].status, Status::Skipped);
    EXPECT_EQ(file.cases[2].line, 5U);
}

TEST(ResultFile, PipelinesAreTakenWithTheDriversOwnRegisters) {
    const RunFacts file = fileOf({madeRun(madeDevice(), "pipelines"), madePipeline("RMSNorm 8", 3), madeEnd()});
    ASSERT_EQ(file.pipelines.size(), 1U);
    EXPECT_EQ(*file.pipelines[0].spills, 3.0);
    EXPECT_EQ(file.pipelines[0].driverRegisters, "SGPRs 128, VGPRs 24");
}

// What another list of drivers has to make at the least, as README.md documents it.
TEST(ResultFile, OfPipelinesNeedsLittle) {
    const RunFacts file = parseResultFile(
        R"({"kind":"run","schema":1,"command":"pipelines","device":{"name":"A","driverName":"b","driverInfo":"","isSoftware":false}}
{"kind":"static","variant":"v","status":"ok"}
{"kind":"static","variant":"w","status":"failed","reason":"no memory"}
{"kind":"end","isComplete":true}
)",
        "a.jsonl");
    EXPECT_EQ(file.pipelines.size(), 2U);
    EXPECT_FALSE(file.pipelines[0].spills);
}

TEST(ResultFile, LinesMayEndAsOnWindows) {
    std::string text = textOf({madeRun(), madeCase("rmsnorm", 1, 64, 1e-5), madeEnd()});
    for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) {
        text.insert(at, 1, '\r');
    }
    EXPECT_EQ(faultOf(text + "\r\n"), "");
}

struct Wrong {
    const char* named;  // in the message
    std::function<void(Json& run, Json& row, Json& end)> break_;
};

TEST(ResultFile, FaultsNameLineFieldValueAndBound) {
    const Wrong kWrong[] = {
        {"line 1, schema 2: this program knows 1", [](Json& run, Json&, Json&) { run["schema"] = 2; }},
        {"line 1, schema \"1\": must be a whole number", [](Json& run, Json&, Json&) { run["schema"] = "1"; }},
        {"line 1, device: is missing", [](Json& run, Json&, Json&) { run.erase("device"); }},
        {"line 1, device.name 7: must be a text", [](Json& run, Json&, Json&) { run["device"]["name"] = 7; }},
        {"line 1, device.name: must not be empty", [](Json& run, Json&, Json&) { run["device"]["name"] = ""; }},
        {"line 1, device.name: 300 bytes of text, and at most 256",
         [](Json& run, Json&, Json&) { run["device"]["name"] = std::string(300, 'x'); }},
        {"line 1, device.isSoftware 0: must be true or false",
         [](Json& run, Json&, Json&) { run["device"]["isSoftware"] = 0; }},
        {"device.limits.x \"many\": must be a number",
         [](Json& run, Json&, Json&) { run["device"]["limits"]["x"] = "many"; }},
        {"device.memoryHeaps.bytes -1: must be a whole number",
         [](Json& run, Json&, Json&) { run["device"]["memoryHeaps"][0]["bytes"] = -1; }},
        {"line 1, device.enabled \"all\": must be a list",
         [](Json& run, Json&, Json&) { run["device"]["enabled"] = "all"; }},
        {"settings", [](Json& run, Json&, Json&) { run["settings"] = {1}; }},
        {"line 2: must be of kind run", [](Json& run, Json&, Json&) { run = Json(); }},
        {"line 2, kind: is missing", [](Json&, Json& row, Json&) { row.erase("kind"); }},
        {"line 2, rows 0: must be a whole number from 1", [](Json&, Json& row, Json&) { row["rows"] = 0; }},
        {"line 2, rows 1.5: must be a whole number", [](Json&, Json& row, Json&) { row["rows"] = 1.5; }},
        {"line 2, hiddenSize 1e+30: must be a whole number", [](Json&, Json& row, Json&) { row["hiddenSize"] = 1e30; }},
        {"line 2, status: must be ok, unsupported", [](Json&, Json& row, Json&) { row["status"] = "fine"; }},
        {"line 2, reason: is missing", [](Json&, Json& row, Json&) { row["status"] = "failed"; }},
        {"line 2, timing: there must be none where the status is skipped",
         [](Json&, Json& row, Json&) { row["status"] = "skipped", row["reason"] = "?"; }},
        {"line 2, timing: is missing", [](Json&, Json& row, Json&) { row.erase("timing"); }},
        {"line 2, timing.medianSeconds \"1\": must be a number",
         [](Json&, Json& row, Json&) { row["timing"]["medianSeconds"] = "1"; }},
        {"line 2, timing.medianSeconds 0: must be more",
         [](Json&, Json& row, Json&) { row["timing"]["medianSeconds"] = 0; }},
        {"line 2, timing.medianSeconds 10000000.0: must be from 0 to 1e+06",
         [](Json&, Json& row, Json&) { row["timing"]["medianSeconds"] = 1e7; }},
        {"timing.medianSeconds 5: must be from lowSeconds",
         [](Json&, Json& row, Json&) { row["timing"]["medianSeconds"] = 5; }},
        {"line 2, timing.isStable null: must be true or false",
         [](Json&, Json& row, Json&) { row["timing"]["isStable"] = nullptr; }},
        {"line 2, timing.samples: is missing", [](Json&, Json& row, Json&) { row["timing"].erase("samples"); }},
        {"line 2, copy.bytes: is missing", [](Json&, Json& row, Json&) { row["copy"].erase("bytes"); }},
        {"line 2, shareOfCopy -1: must be from 0", [](Json&, Json& row, Json&) { row["shareOfCopy"] = -1; }},
        {"line 2, check.largestShareOfBound 1.5: is more than 1",
         [](Json&, Json& row, Json&) { row["check"]["largestShareOfBound"] = 1.5; }},
        {"line 3, isComplete: the run ended early: interrupted",
         [](Json&, Json&, Json& end) { end["isComplete"] = false, end["reason"] = "interrupted"; }},
        {"has no line of kind end", [](Json&, Json&, Json& end) { end = Json(); }},
    };
    ASSERT_EQ(faultOf(textOf({madeRun(), madeCase("rmsnorm", 512, 4096, 1e-3), madeEnd()})), "");
    for (const Wrong& wrong : kWrong) {
        Json run = madeRun();
        Json row = madeCase("rmsnorm", 512, 4096, 1e-3);
        Json end = madeEnd();
        wrong.break_(run, row, end);
        const auto line = [](const Json& json) { return json.is_null() ? std::string("\n") : json.dump() + "\n"; };
        const std::string fault = faultOf(line(run) + line(row) + line(end));
        EXPECT_EQ(fault.find("a.jsonl"), 0U) << fault;
        EXPECT_NE(fault.find(wrong.named), std::string::npos) << "'" << fault << "' for " << wrong.named;
    }
}

TEST(ResultFile, LinesMustBeInOrderAndOnce) {
    const Json row = madeCase("rmsnorm", 512, 4096, 1e-3);
    EXPECT_NE(faultOf("").find("is empty"), std::string::npos);
    EXPECT_NE(faultOf(textOf({row, madeEnd()})).find("line 1: must be of kind run"), std::string::npos);
    EXPECT_NE(faultOf(textOf({madeRun(), madeRun(), madeEnd()})).find("a second run"), std::string::npos);
    EXPECT_NE(faultOf(textOf({madeRun(), madeEnd(), row})).find("behind the line of kind end"), std::string::npos);
    EXPECT_NE(faultOf(textOf({madeRun(), row, row, madeEnd()})).find("rmsnorm fp32 512x4096 is in line 2 already"),
              std::string::npos);
}

TEST(ResultFile, IsCutOffAnywhereIsAnError) {
    const std::string text = textOf({madeRun(), madeCase("rmsnorm", 512, 4096, 1e-3), madeEnd()});
    for (size_t length = 0; length + 2 < text.size(); length += 7) {
        EXPECT_NE(faultOf(text.substr(0, length)), "") << length;
    }
}

TEST(ResultFile, ThatIsNoneIsAnError) {
    EXPECT_THROW(readResultFile("/no/such/file"), ResultFileError);
    EXPECT_THROW(readResultFile(TempDir()), ResultFileError);
}

TEST(ResultFile, OfMoreThan100MbIsRefused) {
    const std::string path = TempDir() + "vknorm_report_large.jsonl";
    { std::ofstream file(path); }
    std::filesystem::resize_file(path, kMostFileBytes + 1);  // of no blocks
    try {
        readResultFile(path);
        ADD_FAILURE() << "was taken";
    } catch (const ResultFileError& error) {
        EXPECT_NE(std::string(error.what()).find("100000001 bytes: must have at most 100000000"), std::string::npos)
            << error.what();
    }
    std::filesystem::remove(path);
}

#ifdef __linux__
TEST(ResultFile, ThatHasNoEndIsRefused) { EXPECT_THROW(readResultFile("/dev/zero"), ResultFileError); }
#endif

}  // namespace
}  // namespace vknorm::compare
