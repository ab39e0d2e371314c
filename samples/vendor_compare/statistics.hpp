// What is said of many samples of a time, and when there are enough of them. Pure.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <vector>

namespace vknorm::compare {

struct Summary {
    double median = 0.0;
    double deviation = 0.0;  // the median absolute deviation from the median
    double p95 = 0.0;        // the smallest sample that 95 % are not above
    // Where the median of many more samples would be, in 95 % of all cases: samples themselves, so that nothing is assumed
    // of how they are distributed. 0 and infinity of fewer than six.
    double low = 0.0;
    double high = std::numeric_limits<double>::infinity();
    size_t count = 0;
};

Summary summarise(std::vector<double> samples);

// How far low or high is from the median, as a share of it.
double uncertainty(const Summary& summary);

struct MeasureLimits {
    double uncertainty = 0.02;   // enough is known
    double seconds = 1.0;        // the longest to measure
    double warmUpSeconds = 0.5;  // and to warm up before that
    size_t fewest = 7;           // samples, whatever they say, unless time is up
    size_t most = 200;
};

struct Measured {
    Summary summary;
    size_t warmUps = 0;
    bool isStable = false;  // known to limits.uncertainty
};

// Calls `sample` (which returns seconds) until two runs of three in a row have nearly the same median, then until the median
// is known or time is up. `now`: a clock in seconds.
Measured measureUntilStable(const std::function<double()>& sample, const std::function<double()>& now,
                            const MeasureLimits& limits);

}  // namespace vknorm::compare
