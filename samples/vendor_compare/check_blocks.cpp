// Norms, gates and DyT, with what surrounds them, and their gradients.
// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

#include "support/block_bounds.hpp"
#include "support/bounds.hpp"
#include "support/formats.hpp"
#include "support/gradient_bounds.hpp"
#include "support/quantised_bounds.hpp"

#include <fmt/format.h>

namespace vknorm::compare {
namespace {

test::BlockSpec blockSpecOf(const StepView& view) {
    const Operation& operation = *view.step.test.operation;
    test::BlockSpec block;
    block.placement = operation.placement;
    if (view.has(VKN_ROLE_GATE)) {
        block.activation = VKN_ACTIVATION_SILU;
    }
    constexpr VknRole kGammas[] = {VKN_ROLE_GAMMA, VKN_ROLE_GAMMA_2};
    constexpr VknRole kBetas[] = {VKN_ROLE_BETA, VKN_ROLE_BETA_2};
    for (size_t which = 0; which < 2; ++which) {
        test::NormSpec& spec = block.norm[which];
        spec.operation = operation.operation;
        spec.epsilon = static_cast<double>(kEpsilon);
        spec.alpha = static_cast<double>(kAlpha);
        spec.hasGamma = view.has(kGammas[which]);
        spec.hasBeta = view.has(kBetas[which]);
    }
    return block;
}

test::BlockParameters parametersOf(const StepView& view) {
    test::BlockParameters parameters;
    parameters.gamma[0] = view.all(VKN_ROLE_GAMMA, view.hiddenSize());
    parameters.gamma[1] = view.all(VKN_ROLE_GAMMA_2, view.hiddenSize());
    parameters.beta[0] = view.all(VKN_ROLE_BETA, view.hiddenSize());
    parameters.beta[1] = view.all(VKN_ROLE_BETA_2, view.hiddenSize());
    return parameters;
}

test::BlockRow blockRowOf(const StepView& view, uint64_t row) {
    test::BlockRow block;
    block.number = row;
    block.residual = view.row(VKN_ROLE_RESIDUAL, row);
    block.branch[0] = view.row(VKN_ROLE_INPUT, row);
    block.branch[1] = view.row(VKN_ROLE_INPUT_2, row);
    block.gate = view.row(VKN_ROLE_GATE, row);
    return block;
}

bool checkOutput(const StepView& view, Judge& judge, const test::BlockBound& bound, size_t which, uint64_t row) {
    const VknRole role = which == 0 ? VKN_ROLE_OUTPUT : VKN_ROLE_OUTPUT_2;
    const std::vector<uint32_t> bits = view.rowBits(role, row);
    for (size_t i = 0; i < bits.size(); ++i) {
        const test::Interval allowed = bound.output(which, i);
        if (!judge.element(view.type(role), allowed.low, allowed.high, bound.exact().y[which][i], bits[i], role, row,
                           i)) {
            return false;
        }
    }
    return true;
}

bool checkSum(const StepView& view, Judge& judge, const test::BlockBound& bound, uint64_t row) {
    const std::vector<uint32_t> bits = view.rowBits(VKN_ROLE_RESIDUAL_OUTPUT, row);
    for (size_t i = 0; i < bits.size(); ++i) {
        const test::Interval& allowed = bound.sum(i);
        if (!judge.element(view.type(VKN_ROLE_RESIDUAL_OUTPUT), allowed.low, allowed.high, bound.exact().sum[i],
                           bits[i], VKN_ROLE_RESIDUAL_OUTPUT, row, i)) {
            return false;
        }
    }
    return true;
}

// First the scale that was stored, then each element with that scale.
bool checkQuantised(const StepView& view, Judge& judge, const test::BlockBound& bound, uint64_t row) {
    const VknType type = view.type(VKN_ROLE_OUTPUT);
    const std::vector<double>& exact = bound.exact().y[0];
    std::vector<test::Interval> y;
    for (size_t i = 0; i < exact.size(); ++i) {
        y.push_back(bound.output(0, i));
    }
    const double scale = view.program.read(view.step, VKN_ROLE_OUTPUT_SCALE, row, 1)[0];
    const test::ScaleBound scaleBound = test::boundScale(type, 0.0, y, exact);
    if (!scaleBound.permits(scale)) {
        return judge.fail(VKN_ROLE_OUTPUT_SCALE, row, 0, fmt::format("{}, not {}", scale, scaleBound.exact));
    }
    const std::vector<uint32_t> bits = view.rowBits(VKN_ROLE_OUTPUT, row);
    judge.result().elements += bits.size();
    for (size_t i = 0; i < bits.size(); ++i) {
        if (!test::isRightCode(type, test::boundQuotient(y[i], scale), exact[i], bits[i])) {
            return judge.fail(VKN_ROLE_OUTPUT, row, i,
                              fmt::format("{}, not {}", test::decode(type, bits[i]), exact[i] / scale));
        }
    }
    return true;
}

// ---- gradients -----------------------------------------------------------------------------------------------------

using Sums = std::vector<test::SumBound>;

struct ParameterSums {
    Sums gamma;
    Sums beta;
};

test::Stored storedOf(const StepView& view, uint64_t row) {
    test::Stored stored;
    stored.sum = view.row(VKN_ROLE_RESIDUAL_OUTPUT, row);
    const double mean = view.has(VKN_ROLE_MEAN) ? view.program.read(view.step, VKN_ROLE_MEAN, row, 1)[0] : 0.0;
    stored.statistics[0] = test::SavedStatistics{mean, view.program.read(view.step, VKN_ROLE_RSTD, row, 1)[0]};
    return stored;
}

bool checkInputGradient(const StepView& view, Judge& judge, const test::GradientBound& bound, uint64_t row) {
    const std::vector<uint32_t> bits = view.rowBits(VKN_ROLE_INPUT_GRADIENT, row);
    for (size_t i = 0; i < bits.size(); ++i) {
        const test::Interval allowed = bound.branch(0, i);
        if (!judge.gradient(view.type(VKN_ROLE_INPUT_GRADIENT), allowed.low, allowed.high, bound.exact().branch[0][i],
                            bits[i], VKN_ROLE_INPUT_GRADIENT, row, i)) {
            return false;
        }
    }
    return true;
}

bool checkParameterGradient(const StepView& view, Judge& judge, VknRole role, const Sums& sums) {
    if (!view.has(role)) {
        return true;
    }
    const std::vector<uint32_t> bits = view.rowBits(role, 0);
    for (size_t i = 0; i < bits.size(); ++i) {
        const test::Interval allowed = sums[i].worst();
        if (!judge.gradient(view.type(role), allowed.low, allowed.high, sums[i].middle(), bits[i], role, 0, i)) {
            return false;
        }
    }
    return true;
}

}  // namespace

void checkBlock(const StepView& view, Judge& judge) {
    const test::BlockSpec spec = blockSpecOf(view);
    const test::BlockParameters parameters = parametersOf(view);
    const test::ReductionShape shape = test::reductionShape(view.step.info);
    for (const uint64_t row : view.rows) {
        const test::BlockRow values = blockRowOf(view, row);
        const bool isSumExact =
            view.has(VKN_ROLE_RESIDUAL_OUTPUT) && view.type(VKN_ROLE_RESIDUAL_OUTPUT) == VKN_TYPE_F32;
        const std::vector<double> stored = isSumExact ? view.row(VKN_ROLE_RESIDUAL_OUTPUT, row) : std::vector<double>();
        const test::BlockBound bound(spec, parameters, values, shape, stored);
        if (view.has(VKN_ROLE_RESIDUAL_OUTPUT) && !checkSum(view, judge, bound, row)) {
            return;
        }
        const bool isQuantised = view.step.test.operation->isQuantised;
        if (isQuantised && !checkQuantised(view, judge, bound, row)) {
            return;
        }
        if (view.has(VKN_ROLE_OUTPUT) && !isQuantised && !checkOutput(view, judge, bound, 0, row)) {
            return;
        }
        if (view.has(VKN_ROLE_OUTPUT_2) && !checkOutput(view, judge, bound, 1, row)) {
            return;
        }
    }
}

void checkGradients(const StepView& view, Judge& judge) {
    const test::BlockSpec spec = blockSpecOf(view);
    const test::BlockParameters parameters = parametersOf(view);
    const test::ReductionShape shape = test::reductionShape(view.step.info);
    ParameterSums sums = {Sums(view.hiddenSize()), Sums(view.hiddenSize())};
    for (const uint64_t row : view.rows) {
        const test::BlockRow values = blockRowOf(view, row);
        test::GradientRow arriving;
        arriving.output[0] = view.row(VKN_ROLE_OUTPUT_GRADIENT, row);
        arriving.residualOutput = view.row(VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT, row);
        const test::GradientBound bound(spec, parameters, values, arriving, shape, storedOf(view, row));
        if (!checkInputGradient(view, judge, bound, row)) {
            return;
        }
        for (size_t i = 0; i < view.hiddenSize() && view.step.test.operation->takesSums(); ++i) {
            sums.gamma[i].add(bound.gamma(0, i));
            sums.beta[i].add(bound.beta(0, i));
        }
    }
    if (checkParameterGradient(view, judge, VKN_ROLE_GAMMA_GRADIENT, sums.gamma)) {
        checkParameterGradient(view, judge, VKN_ROLE_BETA_GRADIENT, sums.beta);
    }
}

}  // namespace vknorm::compare
