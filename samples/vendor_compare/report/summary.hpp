// How near devices come to what they can: the share of their own copies, and the rank by it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/merge.hpp"

#include <optional>
#include <string>
#include <vector>

namespace vknorm::compare {

// Of measured rows that do not stay in a cache.
struct ShareSummary {
    size_t device = 0;
    std::string operation;  // empty: all
    std::string types;      // empty: all
    size_t count = 0;
    double median = 0.0;
    double least = 0.0;
    double most = 0.0;
};

// Rows that also have a latency are decode shapes, where starting a dispatch counts more than bytes: they are left out.
std::vector<ShareSummary> summariseShares(const std::vector<DeviceResults>& devices);

// The most bytes a second of any copy beyond the cache.
std::optional<double> copyBandwidth(const RunFacts& file);

struct Ranking {
    size_t cases = 0;  // that all GPUs have, by which they are ranked
    std::vector<std::optional<size_t>>
        ranks;  // of each device, from 1; none of software, and none where nothing is compared
};
Ranking rankDevices(const std::vector<DeviceResults>& devices);

}  // namespace vknorm::compare
