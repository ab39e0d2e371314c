#include "block_bounds.hpp"

#include "block_order.hpp"

#include <algorithm>
#include <cmath>

// Around a norm every operation is one that IEEE defines, so its result is a single number: intervals are there for
// what a norm on the branch leaves open, and for subnormals that a device may flush. Rounding is monotonic, so the ends
// of an interval are rounded as numbers are.

namespace vknorm::test {
namespace {

// What a norm may have seen of a sum that was stored: the same, but for subnormals that were flushed on the way to
// memory or not.
Interval aroundStored(double stored, const Interval& sum) {
    const bool isNearZero = sum.low < kFlush && sum.high > -kFlush && (sum.low != 0.0 || sum.high != 0.0);
    return isNearZero ? Interval{stored - kFlush, stored + kFlush} : Interval{stored, stored};
}

}  // namespace

void BlockBound::Input::add(double exact, const Interval& interval) {
    const double error = std::max(interval.high - exact, exact - interval.low);
    x.push_back(exact);
    errors.push_back(std::isfinite(exact) ? error : 0.0);
}

BlockBound::BlockBound(const BlockSpec& spec, const BlockParameters& parameters, const BlockRow& row,
                       const ReductionShape& shape, const std::vector<double>& storedSum)
    : spec_(spec), parameters_(parameters), row_(row), exact_(computeBlock(spec, parameters, row, storedSum)) {
    boundBranch(0, shape);
    if (spec.facts().hasSecondBranch) {
        boundBranch(1, shape);
    }
    if (spec.facts().hasResidual) {
        boundSum(shape, storedSum);
    }
}

void BlockBound::boundBranch(size_t which, const ReductionShape& shape) {
    const BlockOrder<Fp32Range> ranges(spec_, parameters_, row_);
    const BlockOrder<Fp32> numbers(spec_, parameters_, row_);
    const size_t hiddenSize = row_.branch[which].size();
    for (size_t column = 0; column < hiddenSize; ++column) {
        branches_[which].push_back(ranges.branch(which, column));
    }
    if (!spec_.facts().normsBranch) {
        return;
    }
    for (size_t column = 0; column < hiddenSize; ++column) {
        branch_.add(numbers.branch(which, column).value(), branches_[which][column].interval());
    }
    norms_[which].emplace(spec_.norm[which], branch_.x, shape, branch_.errors);
    for (size_t column = 0; column < hiddenSize; ++column) {
        const Fp32Range value(normed(which, branch_, column));
        branches_[which][column] = spec_.activation && spec_.normFirst ? value * ranges.gate(column) : value;
    }
}

void BlockBound::boundSum(const ReductionShape& shape, const std::vector<double>& storedSum) {
    const BlockOrder<Fp32Range> ranges(spec_, parameters_, row_);
    const Fp32Range nothing(0.0);
    for (size_t column = 0; column < branches_[0].size(); ++column) {
        const Fp32Range& second = branches_[1].empty() ? nothing : branches_[1][column];
        sums_.push_back(ranges.sum(column, branches_[0][column], second).interval());
        sum_.add(storedSum.empty() ? exact_.sum[column] : storedSum[column],
                 storedSum.empty() ? sums_[column] : aroundStored(storedSum[column], sums_[column]));
    }
    if (!spec_.facts().normsSum) {
        return;
    }
    const size_t first = spec_.sumNorm();
    norms_[first].emplace(spec_.norm[first], sum_.x, shape, sum_.errors);
    if (spec_.facts().hasSecondBranch) {
        norms_[1].emplace(spec_.norm[1], sum_.x, shape, sum_.errors);
    }
}

Interval BlockBound::normed(size_t which, const Input& input, size_t column) const {
    const auto at = [&](const std::vector<double>& parameters) {
        return parameters.empty() ? 0.0 : parameters[column];
    };
    return norms_[which]->element(input.x[column], at(parameters_.gamma[which]), at(parameters_.beta[which]),
                                  input.errors[column]);
}

Interval BlockBound::output(size_t which, size_t column) const {
    if (!spec_.facts().normsSum) {
        return branches_[which][column].interval();
    }
    return normed(which == 0 ? spec_.sumNorm() : which, sum_, column);
}

}  // namespace vknorm::test
