// Putting result files together: what belongs to one device, what is refused, and what is said of the rest.
#include "result_text.hpp"

#include "report/marks.hpp"
#include "report/summary.hpp"

#include <gtest/gtest.h>

namespace vknorm::compare {
namespace {

RunFacts benchOf(const std::string& device, const std::vector<Json>& rows, const std::string& path,
                 bool isSoftware = false) {
    std::vector<Json> lines = {madeRun(madeDevice(device, isSoftware))};
    lines.insert(lines.end(), rows.begin(), rows.end());
    lines.push_back(madeEnd());
    return fileOf(lines, path);
}

std::string refusalOf(std::vector<RunFacts> files, const MergeOptions& options = {}) {
    try {
        mergeResults(std::move(files), options);
    } catch (const ResultFileError& error) {
        return error.what();
    }
    return {};
}

const Json kFirst = madeCase("rmsnorm", 512, 4096, 1e-3);
const Json kSecond = madeCase("rmsnorm", 2048, 4096, 4e-3);

TEST(Merge, FilesOfOneDeviceAreOne) {
    const MergedResults merged =
        mergeResults({benchOf("A", {kFirst}, "a.jsonl"), benchOf("B", {kFirst, kSecond}, "b.jsonl"),
                      benchOf("A", {kSecond}, "c.jsonl")},
                     {});
    ASSERT_EQ(merged.devices.size(), 2U);
    EXPECT_EQ(merged.devices[0].paths, (std::vector<std::string>{"a.jsonl", "c.jsonl"}));
    EXPECT_EQ(merged.devices[0].facts.cases.size(), 2U);
    EXPECT_EQ(merged.devices[0].label, "A");
}

TEST(Merge, TheSameCasesTwiceAreTwoRuns) {
    const MergedResults merged =
        mergeResults({benchOf("A", {kFirst}, "a.jsonl"), benchOf("A", {kFirst}, "b.jsonl")}, {});
    ASSERT_EQ(merged.devices.size(), 2U);
    EXPECT_EQ(merged.devices[0].label, "A, 1.2");
    EXPECT_EQ(merged.devices[1].label, "A, 1.2 (2)");
}

TEST(Merge, OtherCasesAreRefusedByName) {
    std::vector<RunFacts> files = {benchOf("A", {kFirst}, "a.jsonl"), benchOf("B", {kFirst, kSecond}, "b.jsonl")};
    const std::string refusal = refusalOf(files);
    EXPECT_EQ(
        refusal.find("a.jsonl has 1 cases and b.jsonl has 2, not the same; only the second has rmsnorm fp32 2048x4096"),
        0U)
        << refusal;
    const MergedResults merged = mergeResults(files, {true});
    EXPECT_EQ(merged.devices[1].facts.cases.size(), 1U);
    EXPECT_FALSE(merged.notes.empty());
    EXPECT_NE(refusalOf({benchOf("A", {kFirst}, "a.jsonl"), benchOf("B", {kSecond}, "b.jsonl")}, {true})
                  .find("has no case that all"),
              std::string::npos);
}

TEST(Merge, AResultThatWasWrongIsRefused) {
    Json wrong = {{"kind", "bench"},  {"operation", "dyt"}, {"types", "fp32"},      {"rows", 4},
                  {"hiddenSize", 64}, {"status", "wrong"},  {"reason", "element 7"}};
    const std::string refusal = refusalOf({benchOf("A", {kFirst, wrong}, "a.jsonl")});
    EXPECT_EQ(refusal.find("a.jsonl, line 3: dyt fp32 4x64 failed its verification (element 7)"), 0U) << refusal;
    wrong["check"] = {{"largestShareOfBound", nullptr}};  // NaN is no number of JSON
    EXPECT_EQ(refusalOf({benchOf("A", {kFirst, wrong}, "a.jsonl")}), refusal);
    Json verified = wrong;
    verified["kind"] = "verify";
    EXPECT_NE(refusalOf({benchOf("A", {kFirst, verified}, "a.jsonl")}), "");
}

TEST(Merge, AFileOfNothingIsRefused) {
    EXPECT_NE(refusalOf({benchOf("A", {}, "a.jsonl")}).find("has no rows"), std::string::npos);
}

TEST(Merge, PipelinesNeedNoCases) {
    const RunFacts pipelines =
        fileOf({madeRun(madeDevice("C"), "pipelines"), madePipeline("v", 0), madeEnd()}, "c.jsonl");
    const MergedResults merged = mergeResults({benchOf("A", {kFirst}, "a.jsonl"), pipelines}, {});
    EXPECT_EQ(merged.devices.size(), 2U);
    EXPECT_TRUE(merged.notes.empty());
}

TEST(Merge, SoftwareAndOtherKernelsAreNoted) {
    Json run = madeRun(madeDevice("B", true));
    run["library"]["kernelHash"] = "fedcba9876543210";
    const MergedResults merged =
        mergeResults({benchOf("A", {kFirst}, "a.jsonl"), fileOf({run, kFirst, madeEnd()}, "b.jsonl")}, {});
    ASSERT_EQ(merged.notes.size(), 2U);
    EXPECT_NE(merged.notes[0].find("different kernels"), std::string::npos);
    EXPECT_NE(merged.notes[1].find("not ranked: B"), std::string::npos);
}

// ---- shares and ranks ----------------------------------------------------------------------------------------------

TEST(Shares, AreOfPrefillBeyondTheCache) {
    Json decode = madeCase("rmsnorm", 1, 4096, 1e-5, 0.1);
    decode["latency"] = madeTime(1e-5);
    Json cached = madeCase("rmsnorm", 512, 64, 1e-5, 0.9);
    cached["exceedsCache"] = false;
    cached["copy"]["exceedsCache"] = false;
    const MergedResults merged = mergeResults(
        {benchOf("A",
                 {decode, cached, madeCase("rmsnorm", 512, 4096, 1e-3, 0.5), madeCase("dyt", 512, 4096, 2e-3, 0.7)},
                 "a")},
        {});
    const std::vector<ShareSummary> shares = summariseShares(merged.devices);
    ASSERT_EQ(shares.size(), 6U);  // all and two operations, with all and one type
    EXPECT_EQ(shares[0].operation, "");
    EXPECT_EQ(shares[0].count, 2U);
    EXPECT_DOUBLE_EQ(shares[0].median, 0.6);
    EXPECT_DOUBLE_EQ(shares[0].least, 0.5);
    EXPECT_DOUBLE_EQ(shares[0].most, 0.7);
    EXPECT_DOUBLE_EQ(*copyBandwidth(merged.devices[0].facts), 8.0 * 512 * 4096 / 0.5e-3);
}

TEST(Ranks, AreOfGpusByWhatAllHave) {
    const auto with = [](double first, double second) {
        return std::vector<Json>{madeCase("rmsnorm", 512, 4096, 1e-3, first),
                                 madeCase("rmsnorm", 2048, 4096, 1e-3, second)};
    };
    Json left = {{"kind", "bench"},    {"operation", "rmsnorm"}, {"types", "fp32"},  {"rows", 2048},
                 {"hiddenSize", 4096}, {"status", "skipped"},    {"reason", "large"}};
    const MergedResults merged =
        mergeResults({benchOf("A", with(0.5, 0.99), "a"), benchOf("soft", with(0.9, 0.9), "s", true),
                      benchOf("B", {madeCase("rmsnorm", 512, 4096, 1e-3, 0.6), left}, "b")},
                     {});
    const Ranking ranking = rankDevices(merged.devices);
    EXPECT_EQ(ranking.cases, 1U);
    EXPECT_EQ(ranking.ranks[0], std::optional<size_t>(2));
    EXPECT_EQ(ranking.ranks[1], std::nullopt);
    EXPECT_EQ(ranking.ranks[2], std::optional<size_t>(1));
    const Ranking alone = rankDevices(mergeResults({benchOf("A", with(0.5, 0.6), "a")}, {}).devices);
    EXPECT_EQ(alone.ranks[0], std::nullopt);
}

// ---- marks ---------------------------------------------------------------------------------------------------------

TEST(Marks, SayWhatToDoubt) {
    Json steady = madeCase("rmsnorm", 512, 1024, 1e-3);
    Json unsteady = madeCase("rmsnorm", 512, 2048, 2e-3);
    unsteady["timing"]["isStable"] = false;
    unsteady["copy"]["compute"]["isStable"] = false;
    Json slow = madeCase("rmsnorm", 512, 4096, 20e-3);
    Json scattered = madeCase("rmsnorm", 512, 8192, 8e-3);
    scattered["timing"]["p95Seconds"] = 17e-3;
    Json cached = madeCase("rmsnorm", 512, 16384, 16e-3, 1.2);
    cached["exceedsCache"] = false;
    const RunFacts file = benchOf("A", {steady, unsteady, slow, scattered, cached}, "a");
    const auto marks = marksOf(file.cases);
    EXPECT_TRUE(marks[0].empty());
    EXPECT_EQ(marks[1], (std::vector<std::string>{"unsteady", "unsteady copy"}));
    EXPECT_EQ(marks[2], std::vector<std::string>{"outlier"});
    EXPECT_EQ(marks[3], std::vector<std::string>{"scattered"});
    EXPECT_EQ(marks[4], (std::vector<std::string>{"in cache", "above copy"}));
}

// A step up has a neighbour on either side that is as fast.
TEST(Marks, AStepHasNoOutlier) {
    const RunFacts file = benchOf("A",
                                  {madeCase("rmsnorm", 512, 1024, 1e-3), madeCase("rmsnorm", 512, 2048, 2e-3),
                                   madeCase("rmsnorm", 512, 4096, 0.4e-3), madeCase("rmsnorm", 512, 8192, 0.8e-3)},
                                  "a");
    for (const std::vector<std::string>& marks : marksOf(file.cases)) {
        EXPECT_TRUE(marks.empty());
    }
}

}  // namespace
}  // namespace vknorm::compare
