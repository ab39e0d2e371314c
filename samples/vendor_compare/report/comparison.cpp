// SPDX-License-Identifier: Apache-2.0
#include "report/comparison.hpp"

#include "report/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace vknorm::compare {
namespace {

void takeTimes(Change& change, const TimeFact& before, const TimeFact& after, double threshold) {
    change.before = before.median;
    change.after = after.median;
    change.ratio = after.median / before.median;
    const bool isLarge = change.ratio > 1.0 + threshold || change.ratio < 1.0 / (1.0 + threshold);
    if (before.interval && after.interval && before.interval->first > 0.0 && after.interval->first > 0.0) {
        change.interval = {after.interval->first / before.interval->second,
                           after.interval->second / before.interval->first};
    }
    if (!isLarge) {
        return;
    }
    if (!change.interval) {
        change.verdict = Verdict::Undecided;
    } else if (change.interval->first > 1.0) {
        change.verdict = Verdict::Slower;
    } else if (change.interval->second < 1.0) {
        change.verdict = Verdict::Faster;
    }
}

std::optional<double> copySeconds(const CaseFact& row) {
    const std::optional<TimeFact> best = row.copy ? row.copy->best() : std::nullopt;
    return best ? std::optional(best->median) : std::nullopt;
}

class Comparer {
public:
    explicit Comparer(double threshold) : threshold_(threshold) {}

    void add(const CaseFact& before, const CaseFact& after) {
        Change change;
        change.key = before.key;
        if (before.status != after.status && (before.status == Status::Ok || after.status == Status::Ok)) {
            change.verdict = after.status == Status::Ok ? Verdict::Mended : Verdict::Broken;
            change.reason = after.status == Status::Ok ? fmt::format("was {}", nameOf(before.status))
                                                       : fmt::format("{}: {}", nameOf(after.status), after.reason);
            result.changes.push_back(change);
            return;
        }
        if (!before.timing || !after.timing) {
            return;
        }
        const std::optional<double> copyBefore = copySeconds(before);
        const std::optional<double> copyAfter = copySeconds(after);
        if (copyBefore && copyAfter) {
            change.copyRatio = *copyAfter / *copyBefore;
        }
        takeTimes(change, *before.timing, *after.timing, threshold_);
        logs_ += std::log(change.ratio);
        ++result.compared;
        result.changes.push_back(change);
        if (before.latency && after.latency) {
            change.isLatency = true;
            change.verdict = Verdict::Same;
            change.interval.reset();
            takeTimes(change, *before.latency, *after.latency, threshold_);
            result.changes.push_back(change);
        }
    }

    Comparison finish() {
        result.meanRatio = result.compared == 0 ? 1.0 : std::exp(logs_ / static_cast<double>(result.compared));
        return std::move(result);
    }

    Comparison result;

private:
    double threshold_;
    double logs_ = 0.0;
};

void noteDifference(Comparison& result, const char* what, const std::string& before, const std::string& after) {
    if (before != after) {
        result.notes.push_back(fmt::format("{}: '{}', and now '{}'", what, before, after));
    }
}

void addNotes(const RunFacts& before, const RunFacts& after, Comparison& result) {
    noteDifference(result, "device", before.device.name, after.device.name);
    noteDifference(result, "driver", before.device.driver(), after.device.driver());
    noteDifference(result, "library", before.library.commit, after.library.commit);
    if (before.library.kernelHash == after.library.kernelHash) {
        result.notes.emplace_back(
            "the kernels are the same: what changed is how they are chosen or run, the driver or the machine");
    }
    if (before.settings.hasKernel != after.settings.hasKernel) {
        result.notes.emplace_back("one of the two was measured with a kernel that was asked for");
    }
    if (before.device.isSoftware || after.device.isSoftware) {
        result.notes.emplace_back(
            "software drivers share their cores with everything else: expect more noise than is shown");
    }
}

std::string nameOfChange(const Change& change) { return change.key.name() + (change.isLatency ? ", latency" : ""); }

std::string line(const Change& change) {
    if (change.verdict == Verdict::Broken || change.verdict == Verdict::Mended) {
        return fmt::format("{:<10} {:<48} {}\n", nameOf(change.verdict), nameOfChange(change), change.reason);
    }
    const std::string noise =
        change.interval ? fmt::format("{:.2f} to {:.2f}", change.interval->first, change.interval->second) : "unknown";
    return fmt::format("{:<10} {:<48} {:>10} {:>10} {:>7.2f} {:>14} {:>6}\n", nameOf(change.verdict),
                       nameOfChange(change), formatSeconds(change.before), formatSeconds(change.after), change.ratio,
                       noise, change.copyRatio ? fmt::format("{:.2f}", *change.copyRatio) : "");
}

}  // namespace

const char* nameOf(Verdict verdict) {
    constexpr const char* kNames[] = {"same", "slower", "faster", "undecided", "broken", "mended"};
    return kNames[static_cast<size_t>(verdict)];
}

size_t Comparison::count(Verdict verdict) const {
    return static_cast<size_t>(
        std::count_if(changes.begin(), changes.end(), [&](const Change& change) { return change.verdict == verdict; }));
}

Comparison compareResults(const RunFacts& before, const RunFacts& after, const CompareOptions& options) {
    for (const RunFacts* file : {&before, &after}) {
        if (file->cases.empty()) {
            failAt({file->path, 0}, "has no rows of bench");
        }
    }
    const std::string difference = differenceOfCases(before.cases, before.path, after.cases, after.path);
    if (!difference.empty() && !options.onlyCommon) {
        throw ResultFileError(difference + "; --common takes only the cases that both have");
    }
    std::map<CaseKey, const CaseFact*> rows;
    for (const CaseFact& row : after.cases) {
        rows.emplace(row.key, &row);
    }
    Comparer comparer(options.threshold);
    for (const CaseFact& row : before.cases) {
        const auto found = rows.find(row.key);
        if (found != rows.end()) {
            comparer.add(row, *found->second);
        }
    }
    Comparison result = comparer.finish();
    if (result.changes.empty()) {
        throw ResultFileError(fmt::format("{} and {}: nothing was measured in both", before.path, after.path));
    }
    addNotes(before, after, result);
    return result;
}

std::string describeComparison(const Comparison& comparison, const CompareOptions& options, bool listsAll) {
    std::string text;
    for (const std::string& note : comparison.notes) {
        text += fmt::format("note: {}\n", note);
    }
    text += fmt::format("{:<10} {:<48} {:>10} {:>10} {:>7} {:>14} {:>6}\n", "", "", "before", "now", "ratio",
                        "95 % noise", "copy");
    for (const Change& change : comparison.changes) {
        if (listsAll || change.verdict != Verdict::Same) {
            text += line(change);
        }
    }
    const auto count = [&](Verdict verdict) { return comparison.count(verdict); };
    text += fmt::format(
        "\n{} slower, {} broken, {} faster, {} mended, {} undecided, {} the same; dispatches take {:.3f} times as long "
        "(geometric mean of {})\n",
        count(Verdict::Slower), count(Verdict::Broken), count(Verdict::Faster), count(Verdict::Mended),
        count(Verdict::Undecided), count(Verdict::Same), comparison.meanRatio, comparison.compared);
    text += fmt::format(
        "Slower or faster: the medians' 95 % intervals lie apart, and the ratio is beyond {:.0f} %. That noise is of "
        "samples within "
        "a run;\nbetween runs there is more, which comparing two runs of the same build shows. Where the copy changed "
        "as much, so "
        "did the machine.\n",
        100.0 * options.threshold);
    return text;
}

}  // namespace vknorm::compare
