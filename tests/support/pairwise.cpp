#include "pairwise.hpp"

#include <numeric>

namespace vknorm::test {
namespace {

class Generator {
public:
    Generator(const std::vector<Factor>& factors, const Constraint& isAllowed)
        : factors_(factors), isAllowed_(isAllowed), offsets_(factors.size() + 1) {
        for (size_t f = 0; f < factors.size(); ++f) {
            offsets_[f + 1] = offsets_[f] + static_cast<size_t>(factors[f].values);
        }
        uncovered_.assign(offsets_.back() * offsets_.back(), 0);
    }

    CoveringArray run() {
        collectPairs();
        for (size_t first = 0; first < offsets_.back(); ++first) {
            for (size_t second = first + 1; second < offsets_.back(); ++second) {
                if (isUncovered(first, second)) {
                    addCase(first, second);
                }
            }
        }
        return array_;
    }

private:
    size_t factorOf(size_t value) const {
        size_t factor = 0;
        while (offsets_[factor + 1] <= value) {
            ++factor;
        }
        return factor;
    }

    bool isUncovered(size_t a, size_t b) const {
        return uncovered_[a < b ? a * offsets_.back() + b : b * offsets_.back() + a] != 0;
    }

    std::vector<int> caseWith(size_t a, size_t b) const {
        std::vector<int> values(factors_.size(), kUnset);
        for (const size_t value : {a, b}) {
            const size_t factor = factorOf(value);
            values[factor] = static_cast<int>(value - offsets_[factor]);
        }
        return values;
    }

    void collectPairs() {
        for (size_t a = 0; a < offsets_.back(); ++a) {
            for (size_t b = offsets_[factorOf(a) + 1]; b < offsets_.back(); ++b) {
                ++array_.allPairs;
                std::vector<int> values = caseWith(a, b);
                if (complete(values, 0)) {
                    ++array_.possiblePairs;
                    uncovered_[a * offsets_.back() + b] = 1;
                }
            }
        }
    }

    size_t newPairs(const std::vector<int>& values, size_t factor, int value) const {
        size_t pairs = 0;
        for (size_t other = 0; other < factors_.size(); ++other) {
            if (other != factor && values[other] != kUnset) {
                const size_t a = offsets_[factor] + static_cast<size_t>(value);
                const size_t b = offsets_[other] + static_cast<size_t>(values[other]);
                pairs += isUncovered(a, b) ? 1u : 0u;
            }
        }
        return pairs;
    }

    // Sets what is unset, preferring values that cover most; backtracks where the constraint leaves no way.
    bool complete(std::vector<int>& values, size_t factor) const {
        if (!isAllowed_(values)) {
            return false;
        }
        while (factor < factors_.size() && values[factor] != kUnset) {
            ++factor;
        }
        if (factor == factors_.size()) {
            return true;
        }
        const int count = factors_[factor].values;
        std::vector<bool> tried(static_cast<size_t>(count), false);
        for (int attempt = 0; attempt < count; ++attempt) {
            int best = kUnset;
            size_t bestPairs = 0;
            for (int i = 0; i < count; ++i) {
                // Ties go to a value that changes from case to case, so that no value is favoured.
                const int value =
                    static_cast<int>((static_cast<size_t>(i) + array_.cases.size()) % static_cast<size_t>(count));
                const size_t pairs = newPairs(values, factor, value);
                if (!tried[static_cast<size_t>(value)] && (best == kUnset || pairs > bestPairs)) {
                    best = value;
                    bestPairs = pairs;
                }
            }
            tried[static_cast<size_t>(best)] = true;
            values[factor] = best;
            if (complete(values, factor + 1)) {
                return true;
            }
        }
        values[factor] = kUnset;
        return false;
    }

    void addCase(size_t first, size_t second) {
        std::vector<int> values = caseWith(first, second);
        complete(values, 0);
        for (size_t f = 0; f < factors_.size(); ++f) {
            for (size_t g = f + 1; g < factors_.size(); ++g) {
                const size_t a = offsets_[f] + static_cast<size_t>(values[f]);
                const size_t b = offsets_[g] + static_cast<size_t>(values[g]);
                char& pair = uncovered_[a * offsets_.back() + b];
                array_.coveredPairs += pair != 0 ? 1u : 0u;
                pair = 0;
            }
        }
        array_.cases.push_back(values);
    }

    const std::vector<Factor>& factors_;
    const Constraint& isAllowed_;
    std::vector<size_t> offsets_;  // of a factor's values in the list of all values
    std::vector<char> uncovered_;
    CoveringArray array_;
};

bool visitFrom(const std::vector<Factor>& factors, const Constraint& isAllowed, std::vector<int>& values, size_t factor,
               const std::function<bool(const std::vector<int>&)>& visit) {
    if (!isAllowed(values)) {
        return true;
    }
    if (factor == factors.size()) {
        return visit(values);
    }
    for (int value = 0; value < factors[factor].values; ++value) {
        values[factor] = value;
        if (!visitFrom(factors, isAllowed, values, factor + 1, visit)) {
            return false;
        }
    }
    values[factor] = kUnset;
    return true;
}

}  // namespace

CoveringArray makeCoveringArray(const std::vector<Factor>& factors, const Constraint& isAllowed) {
    return Generator(factors, isAllowed).run();
}

void forEachCase(const std::vector<Factor>& factors, const Constraint& isAllowed,
                 const std::function<bool(const std::vector<int>&)>& visit) {
    std::vector<int> values(factors.size(), kUnset);
    visitFrom(factors, isAllowed, values, 0, visit);
}

}  // namespace vknorm::test
