// Which of many candidates is the fastest over several situations (numbers of rows), found by successive halving: all are sampled
// in turns, those that are slow drop out, and those that are left are sampled more often. Pure.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "statistics.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace vknorm::compare {

class Race {
public:
    // Seconds of a dispatch; nothing: the candidate cannot be used.
    using Sample = std::function<std::optional<double>(size_t candidate, size_t situation)>;

    Race(size_t situations, Sample sample) : situations_(situations), sample_(std::move(sample)) {}

    // Returns its number, from 0. The first one is the library's own choice, which stays to the end.
    size_t add();

    // Samples each that is in, in each situation, in turns. In the first round of a candidate, one that takes `hopeless` times
    // as long as the best in a situation drops out before it costs time in those behind it.
    void run(size_t rounds, double hopeless);
    // All but so many drop out, and the first one.
    void keep(size_t count);
    void drop(size_t candidate) { all_[candidate].isIn = false; }

    bool isIn(size_t candidate) const { return all_[candidate].isIn; }
    // In order of their scores.
    std::vector<size_t> ranking() const;
    // The geometric mean, over situations, of its median time by that of the best: 1 is the best there can be.
    double score(size_t candidate) const;
    double median(size_t candidate, size_t situation) const;
    // How many times as long as a candidate the first one took, over all situations, round by round: of the rounds that both were
    // in, which ended with the last one.
    Summary gain(size_t candidate) const;
    // The one to take: the first, unless the best is faster by more than `worthwhile` at the lower bound of its gain.
    size_t winner(double worthwhile) const;

private:
    struct Candidate {
        std::vector<std::vector<double>> samples;  // of each situation
        bool isIn = true;
    };

    void sampleAll(size_t situation);
    void dropHopeless(size_t situation, double hopeless);
    double bestOf(size_t situation) const;

    size_t situations_;
    Sample sample_;
    std::vector<Candidate> all_;
};

}  // namespace vknorm::compare
