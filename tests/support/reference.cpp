#include "reference.hpp"

#include "block_order.hpp"
#include "formats.hpp"
#include "fp32.hpp"
#include "functions.hpp"

#include <algorithm>
#include <cmath>

namespace vknorm::test {
namespace {

constexpr PlacementFacts kPlacements[] = {
    // norms: branch, sum; has: residual, second branch; writes: h, y
    {VKN_PLACEMENT_NONE, "none", true, false, false, false, false, true},
    {VKN_PLACEMENT_PRE_NORM, "pre-norm", false, true, true, false, true, true},
    {VKN_PLACEMENT_POST_NORM, "post-norm", false, true, true, false, false, true},
    {VKN_PLACEMENT_SANDWICH, "sandwich", true, false, true, false, true, false},
    {VKN_PLACEMENT_SANDWICH_PRE_NORM, "sandwich+pre-norm", true, true, true, false, true, true},
    {VKN_PLACEMENT_PARALLEL, "parallel", false, true, true, true, true, true},
};

double valueAt(const std::vector<double>& parameters, size_t column) {
    return parameters.empty() ? 0.0 : parameters[column];
}

// y of one norm, not rounded.
std::vector<double> applyNorm(const BlockSpec& spec, const BlockParameters& parameters, size_t which,
                              const RowStatistics& statistics, const std::vector<double>& x) {
    std::vector<double> y(x.size());
    for (size_t column = 0; column < x.size(); ++column) {
        y[column] = applyParameters(spec.norm[which], normalise(spec.norm[which], statistics, x[column]),
                                    valueAt(parameters.gamma[which], column), valueAt(parameters.beta[which], column));
    }
    return y;
}

// Its bias added, and gated where the gate comes first.
std::vector<double> branchValues(const BlockOrder<Fp32>& order, size_t which, size_t hiddenSize) {
    std::vector<double> values(hiddenSize);
    for (size_t column = 0; column < hiddenSize; ++column) {
        values[column] = order.branch(which, column).value();
    }
    return values;
}

}  // namespace

std::vector<double> statisticsPart(const NormSpec& spec, const std::vector<double>& row) {
    const size_t size = spec.partialSize == 0 ? row.size() : std::min<size_t>(spec.partialSize, row.size());
    return {row.begin(), row.begin() + static_cast<std::ptrdiff_t>(size)};
}

bool takesStatistics(VknOperation operation) {
    return operation == VKN_OPERATION_RMS_NORM || operation == VKN_OPERATION_LAYER_NORM ||
           operation == VKN_OPERATION_BATCH_NORM;
}

RowStatistics normStatistics(const NormSpec& spec, const std::vector<double>& row) {
    if (!takesStatistics(spec.operation)) {
        return {0.0, 0.0, 1.0};
    }
    const std::vector<double> x = statisticsPart(spec, row);
    RowStatistics statistics;
    const double count = static_cast<double>(x.size());
    if (spec.operation != VKN_OPERATION_RMS_NORM) {
        double sum = 0.0;
        for (const double value : x) {
            sum += value;
        }
        statistics.mean = sum / count;
        double rest = 0.0;  // fp64 rounds as well: see shifted rows of mean 1e4
        for (const double value : x) {
            rest += value - statistics.mean;
        }
        statistics.mean += rest / count;
    }
    double squares = 0.0;
    for (const double value : x) {
        const double centred = value - statistics.mean;
        squares += centred * centred;
    }
    statistics.variance = squares / count;
    statistics.rstd = inverseDeviation(spec, statistics.variance);
    return statistics;
}

double inverseDeviation(const NormSpec& spec, double variance) {
    return spec.epsilonOutside ? 1.0 / (std::sqrt(variance) + spec.epsilon) : 1.0 / std::sqrt(variance + spec.epsilon);
}

double normalise(const RowStatistics& statistics, double x) { return (x - statistics.mean) * statistics.rstd; }

double normalise(const NormSpec& spec, const RowStatistics& statistics, double x) {
    if (spec.operation == VKN_OPERATION_DYT) {
        return functionFacts(FunctionId::Tanh).exact(spec.alpha * x);
    }
    return takesStatistics(spec.operation) ? normalise(statistics, x) : x;
}

double applyParameters(const NormSpec& spec, double normalised, double gamma, double beta) {
    double value = spec.earlyCast ? roundTo(spec.inputType, normalised) : normalised;
    if (spec.hasGamma) {
        value *= spec.gammaOffset + gamma;
        if (spec.earlyCast && spec.gammaType == spec.inputType) {
            value = roundTo(spec.inputType, value);
        }
    }
    return spec.hasBeta ? value + beta : value;
}

const PlacementFacts& placementFacts(VknPlacement placement) { return kPlacements[placement]; }

BlockValues computeBlock(const BlockSpec& spec, const BlockParameters& parameters, const BlockRow& row,
                         const std::vector<double>& storedSum) {
    const PlacementFacts& facts = spec.facts();
    const BlockOrder<Fp32> order(spec, parameters, row);
    const size_t hiddenSize = row.branch[0].size();
    BlockValues values;
    std::vector<double> branches[2];
    for (size_t which = 0; which < (facts.hasSecondBranch ? 2u : 1u); ++which) {
        branches[which] = branchValues(order, which, hiddenSize);
    }
    if (facts.normsBranch) {
        values.statistics[0] = normStatistics(spec.norm[0], branches[0]);
        branches[0] = applyNorm(spec, parameters, 0, values.statistics[0], branches[0]);
    }
    if (!facts.hasResidual) {
        for (size_t column = 0; column < hiddenSize && spec.activation && spec.normFirst; ++column) {
            branches[0][column] *= order.gate(column).value();
        }
        values.y[0] = branches[0];
        return values;
    }
    for (size_t column = 0; column < hiddenSize; ++column) {
        const Fp32 second(valueAt(branches[1], column));
        values.sum.push_back(order.sum(column, Fp32::rounded(branches[0][column]), second).value());
    }
    if (!facts.normsSum) {
        return values;
    }
    const std::vector<double>& normed = storedSum.empty() ? values.sum : storedSum;
    const RowStatistics& statistics = values.statistics[spec.sumNorm()] =
        normStatistics(spec.norm[spec.sumNorm()], normed);
    values.y[0] = applyNorm(spec, parameters, spec.sumNorm(), statistics, normed);
    if (facts.hasSecondBranch) {
        values.y[1] = applyNorm(spec, parameters, 1, statistics, normed);
    }
    return values;
}

}  // namespace vknorm::test
