// SPDX-License-Identifier: Apache-2.0
#include "statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vknorm::compare {
namespace {

// Of samples in order.
double middleOf(const std::vector<double>& sorted) {
    const size_t half = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[half] : 0.5 * (sorted[half - 1] + sorted[half]);
}

double medianOf(std::vector<double> samples) {
    std::sort(samples.begin(), samples.end());
    return middleOf(samples);
}

// Whether the last three samples say the same as the three before them.
bool isWarm(const std::vector<double>& samples) {
    constexpr size_t kWindow = 3;
    constexpr double kSame = 0.05;
    if (samples.size() < 2 * kWindow) {
        return false;
    }
    const auto end = samples.end();
    const double last = medianOf({end - kWindow, end});
    const double before = medianOf({end - 2 * kWindow, end - kWindow});
    return std::fabs(last - before) <= kSame * before;
}

size_t warmUp(const std::function<double()>& sample, const std::function<double()>& now, double seconds) {
    const double end = now() + seconds;
    std::vector<double> samples;
    do {
        samples.push_back(sample());
    } while (!isWarm(samples) && now() < end);
    return samples.size();
}

// The number of samples below the median of all that could be is binomial, which is nearly normal.
void addInterval(const std::vector<double>& sorted, Summary& summary) {
    constexpr size_t kFewest = 6;
    constexpr double kDeviations = 1.96;
    if (sorted.size() >= kFewest) {
        const auto count = static_cast<double>(sorted.size());
        const auto rank = static_cast<size_t>(std::ceil(0.5 * (count - kDeviations * std::sqrt(count))));
        summary.low = sorted[rank - 1];
        summary.high = sorted[sorted.size() - rank];
    }
}

}  // namespace

Summary summarise(std::vector<double> samples) {
    Summary summary;
    summary.count = samples.size();
    if (samples.empty()) {
        return summary;
    }
    std::sort(samples.begin(), samples.end());
    summary.median = middleOf(samples);
    const size_t rank = (samples.size() * 95 + 99) / 100;
    summary.p95 = samples[rank - 1];
    addInterval(samples, summary);
    for (double& value : samples) {
        value = std::fabs(value - summary.median);
    }
    summary.deviation = medianOf(std::move(samples));
    return summary;
}

double uncertainty(const Summary& summary) {
    if (summary.median <= 0.0) {
        return std::numeric_limits<double>::infinity();
    }
    return std::max(summary.median - summary.low, summary.high - summary.median) / summary.median;
}

Measured measureUntilStable(const std::function<double()>& sample, const std::function<double()>& now,
                            const MeasureLimits& limits) {
    Measured measured;
    measured.warmUps = warmUp(sample, now, limits.warmUpSeconds);
    const double end = now() + limits.seconds;
    std::vector<double> samples;
    do {
        samples.push_back(sample());
        measured.summary = summarise(samples);
        measured.isStable = samples.size() >= limits.fewest && uncertainty(measured.summary) <= limits.uncertainty;
    } while (!measured.isStable && samples.size() < limits.most && now() < end);
    return measured;
}

}  // namespace vknorm::compare
