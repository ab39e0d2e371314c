// What becomes of a run of vknorm_compare in which cases fail, or which ends early.
#include "case_runner.hpp"
#include "check.hpp"
#include "interrupt.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace vknorm::compare {
namespace {

struct Ending {
    int exitStatus;
    std::vector<Json> lines;
};

const Case kCase = {&findOperation("rmsnorm"), &allTypes().front(), {4, 64}};

// A run of so many cases.
Ending runCases(size_t count, const CaseRunner::RunCase& runCase) {
    const std::string path = ::testing::TempDir() + "vknorm_case_runner_test.jsonl";
    Console console;
    Ending ending = {};
    {
        ResultFile results(path);
        CaseRunner runner(console, results, [](VkResult result) { return result == VK_ERROR_DEVICE_LOST; });
        ending.exitStatus = runner.run(std::vector<Case>(count, kCase), "bench", benchRow, runCase);
    }
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        ending.lines.push_back(Json::parse(line));
    }
    std::remove(path.c_str());
    return ending;
}

Timing someTiming() {
    Timing timing;
    timing.measured.summary = summarise({1.0});
    return timing;
}

// Calls them in turns.
CaseRunner::RunCase inTurns(const std::vector<CaseRunner::RunCase>& runs) {
    return [runs, turn = size_t{0}](CaseResult& result) mutable { runs[turn++ % runs.size()](result); };
}

void succeed(CaseResult& result) { result.timing = someTiming(); }

TEST(CaseRunner, ARunThatSucceeds) {
    const Ending ending = runCases(2, succeed);
    EXPECT_EQ(ending.exitStatus, 0);
    ASSERT_EQ(ending.lines.size(), 3U);
    EXPECT_EQ(ending.lines[0]["status"], "ok");
    EXPECT_EQ(ending.lines[2]["kind"], "end");
    EXPECT_EQ(ending.lines[2]["isComplete"], true);
    EXPECT_EQ(ending.lines[2]["rows"]["ok"], 2);
}

TEST(CaseRunner, WhatIsThrownBecomesAStatusAndTheRunGoesOn) {
    const auto measureAndThrow = [](const std::function<void()>& fail) {
        return [fail](CaseResult& result) {
            succeed(result);
            fail();
        };
    };
    const Ending ending =
        runCases(6, inTurns({measureAndThrow([] { throw Skipped("too large"); }),
                             measureAndThrow([] { throw Unsupported("no such size"); }),
                             measureAndThrow([] { throw RuntimeError(VK_ERROR_OUT_OF_DEVICE_MEMORY, "no memory"); }),
                             measureAndThrow([] { throw RuntimeError(VK_ERROR_UNKNOWN, "who knows"); }),
                             measureAndThrow([] { throw std::runtime_error("a fault"); }), succeed}));
    EXPECT_EQ(ending.exitStatus, kExitWrong);
    const char* const kStatuses[] = {"skipped", "unsupported", "skipped", "failed", "failed", "ok"};
    ASSERT_EQ(ending.lines.size(), 7U);
    for (size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(ending.lines[i]["status"], kStatuses[i]);
        EXPECT_EQ(ending.lines[i].contains("timing"), i == 5) << i;
    }
    EXPECT_EQ(ending.lines[0]["reason"], "too large");
    EXPECT_EQ(ending.lines[6]["isComplete"], true);
}

TEST(CaseRunner, WhatIsSkippedOrUnsupportedIsNoFault) {
    EXPECT_EQ(runCases(2, [](CaseResult&) { throw Skipped("too large"); }).exitStatus, 0);
    EXPECT_EQ(runCases(2, [](CaseResult&) { throw Unsupported("no"); }).exitStatus, 0);
}

TEST(CaseRunner, AWrongResultIsAFaultAndHasNoTimes) {
    const Ending ending = runCases(1, [](CaseResult& result) {
        succeed(result);
        result.status = Status::Wrong;
        result.reason = "output row 0";
    });
    EXPECT_EQ(ending.exitStatus, kExitWrong);
    EXPECT_EQ(ending.lines[0]["status"], "wrong");
    EXPECT_FALSE(ending.lines[0].contains("timing"));
}

TEST(CaseRunner, ALostDeviceEndsTheRunAndIsNoInfiniteSpeed) {
    const Ending ending = runCases(5, inTurns({succeed, [](CaseResult& result) {
                                                   succeed(result);
                                                   throw RuntimeError(VK_ERROR_DEVICE_LOST, "lost");
                                               }}));
    EXPECT_EQ(ending.exitStatus, kExitLost);
    ASSERT_EQ(ending.lines.size(), 3U);
    EXPECT_EQ(ending.lines[1]["status"], "failed");
    EXPECT_FALSE(ending.lines[1].contains("timing"));
    EXPECT_EQ(ending.lines[2]["isComplete"], false);
    EXPECT_EQ(ending.lines[2]["rows"]["ok"], 1);
}

TEST(CaseRunner, AnInterruptedRunLeavesWhatWasFinished) {
    const Ending ending = runCases(5, inTurns({succeed, [](CaseResult&) { throw Interrupted{}; }}));
    EXPECT_EQ(ending.exitStatus, kExitInterrupted);
    ASSERT_EQ(ending.lines.size(), 2U);
    EXPECT_EQ(ending.lines[1]["reason"], "interrupted");
}

TEST(Judging, AnElementOutsideOfItsBoundIsAFault) {
    CheckResult result;
    Judge judge(result);
    EXPECT_TRUE(judge.element(VKN_TYPE_F32, 0.5, 1.5, 1.0, 0x3F800000U, VKN_ROLE_OUTPUT, 3, 5));  // 1
    EXPECT_TRUE(result.isRight());
    EXPECT_FALSE(judge.element(VKN_TYPE_F32, 0.5, 1.5, 1.0, 0x40000000U, VKN_ROLE_OUTPUT, 3, 5));  // 2
    EXPECT_FALSE(result.isRight());
    EXPECT_NE(result.fault.find("output row 3 column 5: 2, not 1"), std::string::npos) << result.fault;
    EXPECT_EQ(result.elements, 2U);
}

TEST(Judging, NaNIsAFaultWhereANumberIsDue) {
    CheckResult result;
    Judge judge(result);
    EXPECT_FALSE(judge.element(VKN_TYPE_BF16, -10.0, 10.0, 1.0, 0x7FC1U, VKN_ROLE_OUTPUT, 0, 0));
    EXPECT_FALSE(judge.gradient(VKN_TYPE_F16, -10.0, 10.0, 1.0, 0x7FC1U, VKN_ROLE_INPUT_GRADIENT, 0, 0));
}

}  // namespace
}  // namespace vknorm::compare
