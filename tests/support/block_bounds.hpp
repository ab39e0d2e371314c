// How far a fused block may be from the exact one: bounds.hpp's norms, and intervals through what surrounds them.
#pragma once

#include "bounds.hpp"
#include "fp32.hpp"
#include "reference.hpp"

#include <optional>
#include <vector>

namespace vknorm::test {

class BlockBound {
public:
    // `storedSum`: as for computeBlock. What a kernel stored and sum() found right is exact to the norms behind it;
    // otherwise all that it may have been counts.
    BlockBound(const BlockSpec& spec, const BlockParameters& parameters, const BlockRow& row,
               const ReductionShape& shape, const std::vector<double>& storedSum = {});

    const BlockValues& exact() const { return exact_; }
    // h as fp32, before it is stored. A single number where no norm is on the branch and nothing is subnormal.
    const Interval& sum(size_t column) const { return sums_[column]; }
    // y, or y2.
    Interval output(size_t which, size_t column) const;
    // Of N, or of N2 where it has statistics of its own.
    Interval mean(size_t which) const { return norms_[which]->mean(); }
    Interval rstd(size_t which) const { return norms_[which]->rstd(); }

private:
    // What a norm reads, with the possible errors of each element.
    struct Input {
        std::vector<double> x;
        std::vector<double> errors;

        void add(double exact, const Interval& interval);
    };

    void boundBranch(size_t which, const ReductionShape& shape);
    void boundSum(const ReductionShape& shape, const std::vector<double>& storedSum);
    Interval normed(size_t which, const Input& input, size_t column) const;

    const BlockSpec& spec_;
    const BlockParameters& parameters_;
    const BlockRow& row_;
    BlockValues exact_;
    Input branch_;
    Input sum_;
    std::vector<Fp32Range> branches_[2];  // biased, and normed and gated where the norm is on the branch
    std::vector<Interval> sums_;
    std::optional<NormBound> norms_[2];
};

}  // namespace vknorm::test
