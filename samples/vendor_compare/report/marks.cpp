// SPDX-License-Identifier: Apache-2.0
#include "report/marks.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace vknorm::compare {
namespace {

constexpr double kFarOff = 2.0;  // of an outlier, and of samples that are scattered
constexpr double kAboveCopy = 1.05;

// Rows of one operation, type and number of rows, by their hidden sizes.
using Curve = std::map<uint64_t, size_t>;

std::vector<Curve> curvesOf(const std::vector<CaseFact>& rows) {
    std::map<std::tuple<std::string, std::string, uint64_t>, Curve> curves;
    for (size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].bytesPerSecond) {
            const CaseKey& key = rows[i].key;
            curves[{key.operation, key.types, key.rows}][key.hiddenSize] = i;
        }
    }
    std::vector<Curve> result;
    for (auto& each : curves) {
        result.push_back(std::move(each.second));
    }
    return result;
}

std::vector<bool> outliersOf(const std::vector<CaseFact>& rows) {
    std::vector<bool> isOutlier(rows.size(), false);
    const auto rate = [&](Curve::const_iterator at) { return *rows[at->second].bytesPerSecond; };
    for (const Curve& curve : curvesOf(rows)) {
        for (auto at = curve.begin(); at != curve.end(); ++at) {
            if (at == curve.begin() || std::next(at) == curve.end()) {
                continue;
            }
            const auto [lower, higher] = std::minmax({rate(std::prev(at)), rate(std::next(at))});
            isOutlier[at->second] = rate(at) * kFarOff < lower || rate(at) > kFarOff * higher;
        }
    }
    return isOutlier;
}

std::vector<std::string> marksOf(const CaseFact& row, bool isOutlier) {
    const std::optional<TimeFact> copy = row.copy ? row.copy->best() : std::nullopt;
    const bool holds[] = {
        !row.timing->isStable,
        copy && !copy->isStable,
        row.timing->p95 >= kFarOff * row.timing->median,
        isOutlier,
        row.exceedsCache && !*row.exceedsCache,
        row.shareOfCopy.value_or(0.0) > kAboveCopy,
    };
    static_assert(std::size(holds) == std::size(kMarks));
    std::vector<std::string> marks;
    for (size_t i = 0; i < std::size(kMarks); ++i) {
        if (holds[i]) {
            marks.emplace_back(kMarks[i].name);
        }
    }
    return marks;
}

}  // namespace

std::vector<std::vector<std::string>> marksOf(const std::vector<CaseFact>& rows) {
    const std::vector<bool> outliers = outliersOf(rows);
    std::vector<std::vector<std::string>> marks;
    for (size_t i = 0; i < rows.size(); ++i) {
        marks.push_back(rows[i].timing ? marksOf(rows[i], outliers[i]) : std::vector<std::string>());
    }
    return marks;
}

}  // namespace vknorm::compare
