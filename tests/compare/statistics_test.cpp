// What vknorm_compare says of samples, and when it has enough of them.
#include "statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace vknorm::compare {
namespace {

TEST(Summary, OfNothing) {
    const Summary summary = summarise({});
    EXPECT_EQ(summary.count, 0U);
    EXPECT_EQ(summary.median, 0.0);
    EXPECT_TRUE(std::isinf(uncertainty(summary)));
}

TEST(Summary, OfOneSample) {
    const Summary summary = summarise({3.0});
    EXPECT_EQ(summary.median, 3.0);
    EXPECT_EQ(summary.deviation, 0.0);
    EXPECT_EQ(summary.p95, 3.0);
    EXPECT_TRUE(std::isinf(uncertainty(summary)));
}

TEST(Summary, MedianAndDeviationAreNotMovedByAnOutlier) {
    const Summary summary = summarise({5.0, 1.0, 4.0, 2.0, 1000.0});
    EXPECT_EQ(summary.median, 4.0);
    EXPECT_EQ(summary.deviation, 2.0);  // of 1, 3, 0, 2, 996
    EXPECT_EQ(summary.p95, 1000.0);
    EXPECT_EQ(summary.count, 5U);
}

TEST(Summary, OfAnEvenNumberTheMedianIsBetweenTheMiddleTwo) {
    const Summary summary = summarise({4.0, 1.0, 3.0, 2.0});
    EXPECT_EQ(summary.median, 2.5);
    EXPECT_EQ(summary.deviation, 1.0);  // of 1.5, 0.5, 0.5, 1.5
}

TEST(Summary, NinetyFivePercentAreNotAboveP95) {
    std::vector<double> samples;
    for (int i = 100; i > 0; --i) {
        samples.push_back(i);
    }
    EXPECT_EQ(summarise(samples).p95, 95.0);
    samples.resize(20);  // 100 to 81
    EXPECT_EQ(summarise(samples).p95, 99.0);
}

TEST(Summary, TheMedianIsBetweenSamplesWithoutAnyAssumption) {
    std::vector<double> samples;
    for (int i = 1; i <= 20; ++i) {
        samples.push_back(i);
    }
    const Summary summary = summarise(samples);  // 6 to 15: 95.9 %
    EXPECT_EQ(summary.low, 6.0);
    EXPECT_EQ(summary.high, 15.0);
    EXPECT_DOUBLE_EQ(uncertainty(summary), 4.5 / 10.5);
    samples.resize(6);
    EXPECT_EQ(summarise(samples).low, 1.0);
    EXPECT_EQ(summarise(samples).high, 6.0);
    samples.resize(5);
    EXPECT_EQ(summarise(samples).low, 0.0);
    EXPECT_TRUE(std::isinf(summarise(samples).high));
}

// Their median absolute deviation is 0.
TEST(Summary, TwoValuesInTurnsAreNotCertain) {
    const Summary summary = summarise({1.0, 5.0, 1.0, 5.0, 1.0, 5.0, 1.0});
    EXPECT_EQ(summary.deviation, 0.0);
    EXPECT_EQ(uncertainty(summary), 4.0);
}

// A clock that samples take the time of, and samples that come from a list; the last one stays.
struct Machine {
    std::vector<double> seconds;
    double time = 0.0;
    size_t next = 0;

    double sample() {
        const double value = seconds[std::min(next++, seconds.size() - 1)];
        time += value;
        return value;
    }
    Measured measure(const MeasureLimits& limits) {
        return measureUntilStable([&] { return sample(); }, [&] { return time; }, limits);
    }
};

TEST(Measuring, StopsWhenTheMedianIsKnown) {
    Machine machine = {{0.01}};
    MeasureLimits limits;
    limits.fewest = 7;
    const Measured measured = machine.measure(limits);
    EXPECT_TRUE(measured.isStable);
    EXPECT_EQ(measured.warmUps, 6U);  // two runs of three that say the same
    EXPECT_EQ(measured.summary.count, 7U);
    EXPECT_EQ(measured.summary.median, 0.01);
}

TEST(Measuring, WarmsUpWhileSamplesStillChange) {
    Machine machine = {{0.10, 0.09, 0.08, 0.05, 0.03, 0.02, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01}};
    const Measured measured = machine.measure({});
    EXPECT_GT(measured.warmUps, 8U);
    EXPECT_EQ(measured.summary.median, 0.01);
    EXPECT_EQ(measured.summary.p95, 0.01);
}

TEST(Measuring, EndsWhenTimeIsUp) {
    Machine machine;
    for (int i = 0; i < 1000; ++i) {
        machine.seconds.push_back(i % 2 == 0 ? 0.01 : 0.05);
    }
    MeasureLimits limits;
    limits.seconds = 1.0;
    limits.warmUpSeconds = 0.2;
    limits.most = 100000;
    const Measured measured = machine.measure(limits);
    EXPECT_FALSE(measured.isStable);
    EXPECT_LT(machine.time, 1.0 + 0.2 + 2 * 0.05);
}

TEST(Measuring, HasAtLeastOneSampleHoweverLongItTakes) {
    Machine machine = {{10.0}};
    const Measured measured = machine.measure({});
    EXPECT_EQ(measured.warmUps, 1U);
    EXPECT_EQ(measured.summary.count, 1U);
    EXPECT_FALSE(measured.isStable);
}

TEST(Measuring, EndsAtTheMostSamples) {
    Machine machine;
    for (int i = 0; i < 1000; ++i) {
        machine.seconds.push_back(i % 2 == 0 ? 1e-6 : 5e-6);
    }
    MeasureLimits limits;
    limits.warmUpSeconds = 0.0;
    limits.most = 30;
    EXPECT_EQ(machine.measure(limits).summary.count, 30U);
}

}  // namespace
}  // namespace vknorm::compare
