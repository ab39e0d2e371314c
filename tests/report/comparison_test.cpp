// vknorm_compare compare: what counts as slower, and what as noise.
#include "report/comparison.hpp"
#include "result_text.hpp"

#include <gtest/gtest.h>

namespace vknorm::compare {
namespace {

Json timed(double seconds, double noise) {
    Json json = madeCase("rmsnorm", 512, 4096, seconds);
    json["timing"]["lowSeconds"] = seconds * (1 - noise);
    json["timing"]["highSeconds"] = seconds * (1 + noise);
    return json;
}

RunFacts fileWith(const std::vector<Json>& rows, const std::string& path) {
    std::vector<Json> lines = {madeRun()};
    lines.insert(lines.end(), rows.begin(), rows.end());
    lines.push_back(madeEnd());
    return fileOf(lines, path);
}

Comparison comparisonOf(const Json& before, const Json& after, const CompareOptions& options = {}) {
    return compareResults(fileWith({before}, "old.jsonl"), fileWith({after}, "new.jsonl"), options);
}

TEST(Comparison, IsByIntervalsAndThreshold) {
    struct Row {
        double after;
        double noise;
        Verdict verdict;
    };
    const Row kRows[] = {
        {1.00e-3, 0.02, Verdict::Same},   {1.04e-3, 0.001, Verdict::Same},  // apart, and within the threshold
        {1.20e-3, 0.02, Verdict::Slower}, {1.20e-3, 0.15, Verdict::Same},   // within noise
        {0.80e-3, 0.02, Verdict::Faster}, {0.80e-3, 0.25, Verdict::Same},  {0.97e-3, 0.001, Verdict::Same},
    };
    for (const Row& row : kRows) {
        const Comparison comparison = comparisonOf(timed(1e-3, row.noise), timed(row.after, row.noise));
        ASSERT_EQ(comparison.changes.size(), 1U);
        EXPECT_EQ(comparison.changes[0].verdict, row.verdict) << row.after << " with " << row.noise;
        EXPECT_EQ(comparison.isWorse(), row.verdict == Verdict::Slower);
        EXPECT_NEAR(comparison.meanRatio, row.after / 1e-3, 1e-12);
        EXPECT_NEAR(comparison.changes[0].interval->first, row.after / 1e-3 * (1 - row.noise) / (1 + row.noise), 1e-12);
    }
}

TEST(Comparison, TheThresholdCanBeChosen) {
    EXPECT_TRUE(comparisonOf(timed(1e-3, 0.001), timed(1.04e-3, 0.001), {0.02, false}).isWorse());
    EXPECT_FALSE(comparisonOf(timed(1e-3, 0.001), timed(1.5e-3, 0.001), {1.0, false}).isWorse());
}

TEST(Comparison, TooFewSamplesDecideNothing) {
    Json few = timed(1.5e-3, 0.01);
    few["timing"]["highSeconds"] = nullptr;
    const Comparison comparison = comparisonOf(timed(1e-3, 0.01), few);
    EXPECT_EQ(comparison.changes[0].verdict, Verdict::Undecided);
    EXPECT_FALSE(comparison.isWorse());
    EXPECT_NE(describeComparison(comparison, {}, false).find("unknown"), std::string::npos);
}

TEST(Comparison, WhatFailsIsBroken) {
    Json wrong = {{"kind", "bench"},    {"operation", "rmsnorm"}, {"types", "fp32"},      {"rows", 512},
                  {"hiddenSize", 4096}, {"status", "wrong"},      {"reason", "element 7"}};
    const RunFacts good = fileWith({timed(1e-3, 0.01)}, "old.jsonl");
    const RunFacts bad = fileWith({wrong}, "new.jsonl");
    const Comparison broken = compareResults(good, bad, {});
    EXPECT_EQ(broken.count(Verdict::Broken), 1U);
    EXPECT_TRUE(broken.isWorse());
    EXPECT_NE(describeComparison(broken, {}, false).find("wrong: element 7"), std::string::npos);
    const Comparison mended = compareResults(bad, good, {});
    EXPECT_EQ(mended.count(Verdict::Mended), 1U);
    EXPECT_FALSE(mended.isWorse());
    EXPECT_THROW(compareResults(bad, bad, {}), ResultFileError);
}

TEST(Comparison, LatencyIsComparedByItself) {
    Json before = timed(1e-3, 0.01);
    before["latency"] = madeTime(1e-4);
    Json after = timed(1e-3, 0.01);
    after["latency"] = madeTime(2e-4);
    const Comparison comparison = comparisonOf(before, after);
    ASSERT_EQ(comparison.changes.size(), 2U);
    EXPECT_EQ(comparison.changes[0].verdict, Verdict::Same);
    EXPECT_EQ(comparison.changes[1].verdict, Verdict::Slower);
    EXPECT_TRUE(comparison.changes[1].isLatency);
}

// A machine that is slower as a whole shows in the copy.
TEST(Comparison, TellsOfTheCopy) {
    const Comparison comparison = comparisonOf(timed(1e-3, 0.01), timed(2e-3, 0.01));
    EXPECT_DOUBLE_EQ(*comparison.changes[0].copyRatio, 2.0);
}

TEST(Comparison, OtherCasesAreRefusedUnlessCommonOnesAreWanted) {
    const RunFacts one = fileWith({timed(1e-3, 0.01)}, "old.jsonl");
    const RunFacts two = fileWith({timed(1e-3, 0.01), madeCase("dyt", 512, 4096, 1e-3)}, "new.jsonl");
    EXPECT_THROW(compareResults(one, two, {}), ResultFileError);
    EXPECT_EQ(compareResults(one, two, {0.05, true}).changes.size(), 1U);
    EXPECT_THROW(compareResults(one, fileWith({}, "none.jsonl"), {}), ResultFileError);
}

TEST(Comparison, SaysWhatElseIsDifferent) {
    Json run = madeRun(madeDevice("Another GPU"));
    run["library"]["commit"] = "def";
    const RunFacts before = fileWith({timed(1e-3, 0.01)}, "old.jsonl");
    const RunFacts after = fileOf({run, timed(1e-3, 0.01), madeEnd()}, "new.jsonl");
    const std::string text = describeComparison(compareResults(before, after, {}), {}, true);
    EXPECT_NE(text.find("note: device: 'Example GPU', and now 'Another GPU'"), std::string::npos) << text;
    EXPECT_NE(text.find("note: library: 'abc', and now 'def'"), std::string::npos) << text;
    EXPECT_NE(text.find("same       rmsnorm fp32 512x4096"), std::string::npos) << text;
}

}  // namespace
}  // namespace vknorm::compare
