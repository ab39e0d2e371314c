// SPDX-License-Identifier: Apache-2.0
#include "tuning_race.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vknorm::compare {

size_t Race::add() {
    all_.push_back({std::vector<std::vector<double>>(situations_), true});
    return all_.size() - 1;
}

void Race::sampleAll(size_t situation) {
    for (size_t i = 0; i < all_.size(); ++i) {
        if (!all_[i].isIn) {
            continue;
        }
        const std::optional<double> seconds = sample_(i, situation);
        all_[i].isIn = seconds.has_value();
        if (seconds) {
            all_[i].samples[situation].push_back(*seconds);
        }
    }
}

double Race::median(size_t candidate, size_t situation) const {
    return summarise(all_[candidate].samples[situation]).median;
}

double Race::bestOf(size_t situation) const {
    double best = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < all_.size(); ++i) {
        if (!all_[i].samples[situation].empty()) {
            best = std::min(best, median(i, situation));
        }
    }
    return best;
}

void Race::dropHopeless(size_t situation, double hopeless) {
    const double best = bestOf(situation);
    for (size_t i = 1; i < all_.size(); ++i) {
        if (all_[i].isIn && median(i, situation) > hopeless * best) {
            drop(i);
        }
    }
}

void Race::run(size_t rounds, double hopeless) {
    for (size_t round = 0; round < rounds; ++round) {
        for (size_t situation = 0; situation < situations_; ++situation) {
            sampleAll(situation);
            if (round == 0) {
                dropHopeless(situation, hopeless);
            }
        }
    }
}

double Race::score(size_t candidate) const {
    double logarithms = 0.0;
    for (size_t situation = 0; situation < situations_; ++situation) {
        if (all_[candidate].samples[situation].empty()) {
            return std::numeric_limits<double>::infinity();
        }
        logarithms += std::log(median(candidate, situation) / bestOf(situation));
    }
    return std::exp(logarithms / static_cast<double>(situations_));
}

std::vector<size_t> Race::ranking() const {
    std::vector<size_t> order;
    std::vector<double> scores;
    for (size_t i = 0; i < all_.size(); ++i) {
        scores.push_back(all_[i].isIn ? score(i) : std::numeric_limits<double>::infinity());
        if (all_[i].isIn) {
            order.push_back(i);
        }
    }
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
    return order;
}

void Race::keep(size_t count) {
    const std::vector<size_t> order = ranking();
    for (size_t place = count; place < order.size(); ++place) {
        if (order[place] != 0) {
            drop(order[place]);
        }
    }
}

Summary Race::gain(size_t candidate) const {
    size_t rounds = all_[0].samples.front().size();
    for (size_t situation = 0; situation < situations_; ++situation) {
        rounds = std::min(rounds, all_[0].samples[situation].size());
        rounds = std::min(rounds, all_[candidate].samples[situation].size());
    }
    std::vector<double> gains;
    for (size_t round = 1; round <= rounds; ++round) {
        double logarithms = 0.0;
        for (size_t situation = 0; situation < situations_; ++situation) {
            logarithms += std::log(*(all_[0].samples[situation].end() - static_cast<std::ptrdiff_t>(round)) /
                                   *(all_[candidate].samples[situation].end() - static_cast<std::ptrdiff_t>(round)));
        }
        gains.push_back(std::exp(logarithms / static_cast<double>(situations_)));
    }
    return summarise(gains);
}

size_t Race::winner(double worthwhile) const {
    const std::vector<size_t> order = ranking();
    if (order.empty() || (isIn(0) && gain(order.front()).low <= 1.0 + worthwhile)) {
        return 0;
    }
    return order.front();
}

}  // namespace vknorm::compare
