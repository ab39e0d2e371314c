// SPDX-License-Identifier: Apache-2.0
#include "report/summary.hpp"

#include "statistics.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace vknorm::compare {
namespace {

bool counts(const CaseFact& row) { return row.shareOfCopy && row.exceedsCache.value_or(false) && !row.latency; }

ShareSummary summaryOf(std::vector<double> shares) {
    const auto [least, most] = std::minmax_element(shares.begin(), shares.end());
    ShareSummary summary;
    summary.count = shares.size();
    summary.least = *least;
    summary.most = *most;
    summary.median = summarise(std::move(shares)).median;
    return summary;
}

}  // namespace

std::vector<ShareSummary> summariseShares(const std::vector<DeviceResults>& devices) {
    std::map<std::tuple<size_t, std::string, std::string>, std::vector<double>> shares;
    for (size_t i = 0; i < devices.size(); ++i) {
        for (const CaseFact& row : devices[i].facts.cases) {
            if (counts(row)) {
                for (const std::string& operation : {std::string(), row.key.operation}) {
                    for (const std::string& types : {std::string(), row.key.types}) {
                        shares[{i, operation, types}].push_back(*row.shareOfCopy);
                    }
                }
            }
        }
    }
    std::vector<ShareSummary> result;
    for (auto& [key, values] : shares) {
        result.push_back(summaryOf(std::move(values)));
        std::tie(result.back().device, result.back().operation, result.back().types) = key;
    }
    return result;
}

std::optional<double> copyBandwidth(const RunFacts& file) {
    std::optional<double> best;
    for (const CaseFact& row : file.cases) {
        const std::optional<double> rate =
            row.copy && row.copy->exceedsCache ? row.copy->bytesPerSecond() : std::nullopt;
        best = rate ? std::max(best.value_or(0.0), *rate) : best;
    }
    return best;
}

Ranking rankDevices(const std::vector<DeviceResults>& devices) {
    Ranking ranking;
    ranking.ranks.resize(devices.size());
    std::vector<size_t> gpus;
    for (size_t i = 0; i < devices.size(); ++i) {
        if (!devices[i].facts.device.isSoftware && !devices[i].facts.cases.empty()) {
            gpus.push_back(i);
        }
    }
    // A device that has only what is easy would win, so all are judged by the same cases.
    std::map<CaseKey, std::map<size_t, double>> shares;
    for (const size_t gpu : gpus) {
        for (const CaseFact& row : devices[gpu].facts.cases) {
            if (counts(row)) {
                shares[row.key][gpu] = *row.shareOfCopy;
            }
        }
    }
    std::map<size_t, std::vector<double>> common;
    for (const auto& [key, ofGpus] : shares) {
        if (ofGpus.size() == gpus.size()) {
            ++ranking.cases;
            for (const auto& [gpu, share] : ofGpus) {
                common[gpu].push_back(share);
            }
        }
    }
    if (gpus.size() < 2 || ranking.cases == 0) {
        ranking.cases = 0;
        return ranking;
    }
    std::vector<std::pair<double, size_t>> order;
    for (const auto& [gpu, values] : common) {
        order.emplace_back(-summarise(values).median, gpu);
    }
    std::sort(order.begin(), order.end());
    for (size_t i = 0; i < order.size(); ++i) {
        const bool isTied = i != 0 && order[i].first == order[i - 1].first;
        ranking.ranks[order[i].second] = isTied ? ranking.ranks[order[i - 1].second] : std::optional(i + 1);
    }
    return ranking;
}

}  // namespace vknorm::compare
