// Two runs of the same cases: what became slower or faster, and by how much more than noise.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/result_file.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vknorm::compare {

enum class Verdict {
    Same,  // within noise, or by less than the threshold
    Slower,
    Faster,
    Undecided,  // too few samples to know the noise
    Broken,     // was measured, and is not any more
    Mended,
};
const char* nameOf(Verdict verdict);

struct Change {
    CaseKey key;
    bool isLatency = false;
    Verdict verdict = Verdict::Same;
    double before = 0.0;  // median seconds; 0 where there are none
    double after = 0.0;
    double ratio = 1.0;                                 // after by before
    std::optional<std::pair<double, double>> interval;  // of the ratio: where the medians' intervals let it be
    std::optional<double> copyRatio;                    // the same of the copies of the same bytes
    std::string reason;                                 // of what is broken
};

struct Comparison {
    std::vector<Change> changes;  // of all cases, as the first file has them
    std::vector<std::string> notes;
    double meanRatio = 1.0;  // geometric, of dispatches that both have
    size_t compared = 0;

    size_t count(Verdict verdict) const;
    bool isWorse() const { return count(Verdict::Slower) + count(Verdict::Broken) != 0; }
};

struct CompareOptions {
    double threshold = 0.05;  // changes of a smaller share are none
    bool onlyCommon = false;
};

// Throws ResultFileError where the files have not the same cases.
Comparison compareResults(const RunFacts& before, const RunFacts& after, const CompareOptions& options);

// For people; rows that are the same only if they are wanted.
std::string describeComparison(const Comparison& comparison, const CompareOptions& options, bool listsAll);

}  // namespace vknorm::compare
