// Baselines of compiled pipelines: what is worse is found, and nothing else.
#include "pipelines/baseline.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <stdexcept>

namespace vknorm::test {
namespace {

Baseline baselineOf(const PipelineFigures& figures) {
    Baseline baseline("GPU | driver 1.2");
    baseline.add("rows | pipeline 0", figures);
    return baseline;
}

constexpr PipelineFigures kFigures = {2, 40, 300, 8, 4};

size_t faultsOf(const PipelineFigures& now) { return baselineOf(now).faultsAgainst(baselineOf(kFigures)).size(); }

TEST(Baseline, FindsWhatIsWorse) {
    EXPECT_EQ(faultsOf(kFigures), 0U);
    PipelineFigures spills = kFigures;
    ++spills.spills;
    EXPECT_EQ(faultsOf(spills), 1U);
    PipelineFigures narrow = kFigures;
    narrow.wideAccesses = 3;
    EXPECT_EQ(faultsOf(narrow), 1U);
    narrow.wideAccesses.reset();
    EXPECT_EQ(faultsOf(narrow), 1U);
}

TEST(Baseline, MoreRegistersAreNoFault) {
    const Baseline now = baselineOf({0, 64, 200, 8, 5});
    EXPECT_TRUE(now.faultsAgainst(baselineOf(kFigures)).empty());
    EXPECT_EQ(now.changesSince(baselineOf(kFigures)),
              "registers 1 more, 0 less; instructions 0 more, 1 less; occupancy 0 more, 0 less");
}

TEST(Baseline, HasTheSamePipelines) {
    Baseline more = baselineOf(kFigures);
    more.add("rows | pipeline 0", kFigures);  // told apart from the first
    EXPECT_EQ(more.size(), 2U);
    ASSERT_EQ(more.faultsAgainst(baselineOf(kFigures)).size(), 1U);
    EXPECT_EQ(more.faultsAgainst(baselineOf(kFigures))[0], "rows | pipeline 0 #2: not in the baseline");
    EXPECT_EQ(baselineOf(kFigures).faultsAgainst(more)[0], "rows | pipeline 0 #2: only in the baseline");
}

TEST(Baseline, IsReadAsWritten) {
    Baseline baseline = baselineOf(kFigures);
    baseline.add("columns", {0, 7, std::nullopt, std::nullopt, std::nullopt});
    std::stringstream text;
    baseline.write(text);
    const Baseline read = Baseline::read(text);
    EXPECT_EQ(read.driver(), baseline.driver());
    EXPECT_EQ(read.size(), 2U);
    EXPECT_TRUE(read.faultsAgainst(baseline).empty());
    std::stringstream again;
    read.write(again);
    EXPECT_EQ(again.str(), text.str());
}

std::string errorOf(const std::string& text) {
    std::istringstream stream(text);
    try {
        Baseline::read(stream);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

TEST(Baseline, OthersAreRefusedByTheLine) {
    EXPECT_EQ(errorOf(""), "no driver is named");
    EXPECT_EQ(errorOf("0 1 2 3 4 rows\n"), "line 1: a driver should be named before the first pipeline");
    EXPECT_EQ(errorOf("driver d\n0 1 - - rows\n"), "line 2: it should have five figures and a pipeline");
    EXPECT_EQ(errorOf("driver d\n0 1 - - x rows\n"), "line 2: 'x' is no number");
}

}  // namespace
}  // namespace vknorm::test
