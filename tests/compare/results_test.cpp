// What vknorm_compare writes and prints.
#include "results.hpp"
#include "console.hpp"
#include "environment.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace vknorm::compare {
namespace {

Timing timingOf(double seconds) {
    Timing timing;
    timing.measured.summary = {seconds, seconds / 100, 1.1 * seconds, 0.99 * seconds, 1.01 * seconds, 9};
    timing.measured.warmUps = 6;
    timing.measured.isStable = true;
    timing.dispatchesPerSubmit = 64;
    return timing;
}

// 1000 bytes a millisecond, where a copy moves 4000.
CaseResult measuredCase() {
    CaseResult result;
    result.test = {&findOperation("prenorm-add"), &allTypes()[2], {512, 4096}};
    result.plan.emplace();
    result.plan->form = VKN_KERNEL_FORM_SUBGROUP;
    result.plan->workgroupSize = 64;
    result.check = CheckResult{"", 64, 1000, 0.5};
    result.leastBytes = 1000;
    result.slots = {4, true};
    result.timing = timingOf(1e-3);
    result.copy.emplace();
    result.copy->bytes = 1000;
    result.copy->compute = ComputeCopy{timingOf(5e-4), {CopyOrder::Looping, 64, 32}};
    result.copy->transfer = timingOf(2.5e-4);
    result.apart = ApartResult{Status::Ok, "", timingOf(1.5e-3), 1250};
    return result;
}

TEST(Results, SharesAreOfTheBetterCopyAndOfTheComputeCopy) {
    const CaseResult result = measuredCase();
    EXPECT_DOUBLE_EQ(*result.bytesPerSecond(), 1e6);
    EXPECT_DOUBLE_EQ(*result.shareOfCopy(), 0.25);
    EXPECT_DOUBLE_EQ(*result.shareOfComputeCopy(), 0.5);
    EXPECT_DOUBLE_EQ(*result.gainOfFusion(), 1.5);
}

TEST(Results, VariablesThatChangeDriversAreTold) {
    setenv("GALLIVM_PERF", "nopt", 1);
    EXPECT_EQ(driverEnvironment().value("GALLIVM_PERF", ""), "nopt");
    unsetenv("GALLIVM_PERF");
    EXPECT_FALSE(driverEnvironment().contains("GALLIVM_PERF"));
}

TEST(Results, NothingIsMadeOfWhatWasNotMeasured) {
    CaseResult result = measuredCase();
    result.timing.reset();
    EXPECT_FALSE(result.bytesPerSecond());
    EXPECT_FALSE(result.shareOfCopy());
    EXPECT_FALSE(result.shareOfComputeCopy());
    EXPECT_FALSE(result.gainOfFusion());
    result = measuredCase();
    result.copy->compute.reset();
    EXPECT_DOUBLE_EQ(*result.shareOfCopy(), 0.25);
    EXPECT_FALSE(result.shareOfComputeCopy());
}

TEST(Results, AMeasuredCaseAsJson) {
    const Json json = toJson(measuredCase(), "bench");
    EXPECT_EQ(json["kind"], "bench");
    EXPECT_EQ(json["operation"], "prenorm-add");
    EXPECT_EQ(json["types"], "bf16");
    EXPECT_EQ(json["operands"]["residual"], "bf16");
    EXPECT_EQ(json["rows"], 512);
    EXPECT_EQ(json["hiddenSize"], 4096);
    EXPECT_EQ(json["status"], "ok");
    EXPECT_FALSE(json.contains("reason"));
    EXPECT_EQ(json["kernel"]["form"], "subgroup");
    EXPECT_EQ(json["check"]["rows"], 64);
    EXPECT_EQ(json["timing"]["medianSeconds"], 1e-3);
    EXPECT_EQ(json["timing"]["medianAbsoluteDeviationSeconds"], 1e-5);
    EXPECT_EQ(json["timing"]["p95Seconds"], 1.1e-3);
    EXPECT_EQ(json["timing"]["samples"], 9);
    EXPECT_EQ(json["timing"]["source"], "gpu-timestamps");
    EXPECT_EQ(json["copy"]["compute"]["shape"], "64 x 32 looping");
    EXPECT_EQ(json["shareOfCopy"], 0.25);
    EXPECT_EQ(json["apart"]["operations"], (Json{"add", "rmsnorm"}));
    EXPECT_EQ(json["apart"]["ratio"], 1.5);
}

TEST(Results, ACaseThatWasLeftOutSaysWhy) {
    CaseResult result;
    result.test = measuredCase().test;
    result.status = Status::Skipped;
    result.reason = "needs 5 MiB";
    const Json json = toJson(result, "bench");
    EXPECT_EQ(json["status"], "skipped");
    EXPECT_EQ(json["reason"], "needs 5 MiB");
    for (const char* absent : {"timing", "copy", "kernel", "check", "leastBytes", "shareOfCopy", "apart"}) {
        EXPECT_FALSE(json.contains(absent)) << absent;
    }
    EXPECT_NE(benchRow(result).find("skipped: needs 5 MiB"), std::string::npos);
    EXPECT_NE(verifyRow(result).find("needs 5 MiB"), std::string::npos);
}

TEST(Results, TheClockOfTheHostIsNamed) {
    Timing timing = timingOf(1e-3);
    timing.source = TimingSource::HostClock;
    EXPECT_EQ(toJson(timing)["source"], "host-clock");
}

TEST(Results, EveryStatusHasAName) {
    EXPECT_STREQ(nameOf(Status::Ok), "ok");
    EXPECT_STREQ(nameOf(Status::Unsupported), "unsupported");
    EXPECT_STREQ(nameOf(Status::Skipped), "skipped");
    EXPECT_STREQ(nameOf(Status::Failed), "failed");
    EXPECT_STREQ(nameOf(Status::Wrong), "wrong");
}

TEST(Results, AreALineEachAtOnce) {
    const std::string path = ::testing::TempDir() + "vknorm_results_test.jsonl";
    ResultFile file(path);
    file.write({{"kind", "run"}, {"name", "a driver's \xFF byte"}});
    file.write({{"kind", "end"}});
    std::ifstream written(path);  // while the file is still open for writing
    std::string line;
    ASSERT_TRUE(std::getline(written, line));
    EXPECT_EQ(Json::parse(line)["kind"], "run");
    ASSERT_TRUE(std::getline(written, line));
    EXPECT_EQ(line, R"({"kind":"end"})");
    EXPECT_FALSE(std::getline(written, line));
    std::remove(path.c_str());
}

TEST(Results, AFileThatCannotBeWrittenIsAnError) {
    EXPECT_THROW(ResultFile("/nowhere/at/all.jsonl"), std::runtime_error);
    ResultFile none("");
    EXPECT_NO_THROW(none.write({{"kind", "end"}}));
}

TEST(Results, TheLibraryIsNamed) {
    const Json library = libraryFacts();
    EXPECT_EQ(library["version"].get<std::string>().find(std::to_string(VKN_VERSION_MAJOR) + "."), 0U);
    EXPECT_EQ(library["kernelHash"].get<std::string>().size(), 16U);
    EXPECT_FALSE(library["commit"].get<std::string>().empty());
}

TEST(Table, SecondsHaveAUnitThatFits) {
    EXPECT_EQ(formatSeconds(1.5e-6), "1.50 µs");
    EXPECT_EQ(formatSeconds(0.0123), "12.30 ms");
    EXPECT_EQ(formatSeconds(2.0), "2.00 s");
}

TEST(Table, RowsShowWhatWasMeasured) {
    const std::string row = benchRow(measuredCase());
    for (const char* part :
         {"prenorm-add", "bf16", "512x4096", "1.00 ms", "1.0 %", "25 %", "50 %", "1.50", "subgroup 64"}) {
        EXPECT_NE(row.find(part), std::string::npos) << part << " in " << row;
    }
    EXPECT_EQ(row.find("in cache"), std::string::npos);
    CaseResult unsteady = measuredCase();
    unsteady.slots.exceedsCache = false;
    unsteady.timing->measured.isStable = false;
    EXPECT_NE(benchRow(unsteady).find("in cache, unsteady"), std::string::npos);
    EXPECT_NE(verifyRow(measuredCase()).find("right"), std::string::npos);
}

}  // namespace
}  // namespace vknorm::compare
