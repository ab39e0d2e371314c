// BatchNorm, GroupNorm, and queries and keys that are turned.
// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

#include "support/bounds.hpp"
#include "support/fp32.hpp"
#include "support/rope.hpp"

#include <cmath>

namespace vknorm::compare {
namespace {

// What is known of an element.
struct Element {
    test::Fp32Range range;
    double exact;
};

bool checkElements(const StepView& view, Judge& judge, VknRole role, uint64_t row, const std::vector<uint32_t>& bits,
                   const std::vector<Element>& elements) {
    for (size_t i = 0; i < elements.size(); ++i) {
        const test::Interval& allowed = elements[i].range.interval();
        if (!judge.element(view.type(role), allowed.low, allowed.high, elements[i].exact, bits[i], role, row, i)) {
            return false;
        }
    }
    return true;
}

// ---- RoPE ----------------------------------------------------------------------------------------------------------

std::vector<Element> normedHead(const StepView& view, const std::vector<double>& x, const std::vector<double>& gamma) {
    test::NormSpec spec;
    spec.operation = view.step.test.operation->operation;
    spec.epsilon = static_cast<double>(kEpsilon);
    spec.hasGamma = true;
    const test::NormBound bound(spec, x, test::reductionShape(view.step.info));
    std::vector<Element> elements;
    for (size_t i = 0; i < x.size(); ++i) {
        elements.push_back(
            {test::Fp32Range(bound.element(x[i], gamma[i], 0.0)), bound.exactElement(x[i], gamma[i], 0.0)});
    }
    return elements;
}

test::Fp32Range around(double value) {
    return test::Fp32Range(test::Interval{value - test::kTurnError, value + test::kTurnError});
}

void turn(Element& a, Element& b, double angle) {
    const double cosine = std::cos(angle);
    const double sine = std::sin(angle);
    const auto [low, high] = test::turned(a.range, b.range, around(cosine), around(sine));
    const double exact = a.exact * cosine - b.exact * sine;
    b = {high, b.exact * cosine + a.exact * sine};
    a = {low, exact};
}

}  // namespace

void checkHeads(const StepView& view, Judge& judge) {
    const uint32_t size = view.hiddenSize();
    const std::vector<double> gammas[] = {view.all(VKN_ROLE_GAMMA, size), view.all(VKN_ROLE_KEY_GAMMA, size)};
    const std::vector<uint32_t> table = view.program.readBits(view.step, VKN_ROLE_ROPE_TABLE, 0, size);
    for (const uint64_t row : view.rows) {
        const bool isKey = row % kHeads >= kQueryHeads;
        std::vector<Element> elements = normedHead(view, view.row(VKN_ROLE_INPUT, row), gammas[isKey ? 1 : 0]);
        const auto position = view.program.readBits(view.step, VKN_ROLE_POSITIONS, row / kHeads, 1)[0];
        for (uint32_t pair = 0; pair < size / 2; ++pair) {
            const double angle = test::angleOf(position, {table[2 * pair], table[2 * pair + 1]});
            turn(elements[pair], elements[pair + size / 2], angle);
        }
        if (!checkElements(view, judge, VKN_ROLE_OUTPUT, row, view.rowBits(VKN_ROLE_OUTPUT, row), elements)) {
            return;
        }
    }
}

// ---- GroupNorm -----------------------------------------------------------------------------------------------------

void checkGroups(const StepView& view, Judge& judge) {
    test::NormSpec spec;
    spec.operation = VKN_OPERATION_LAYER_NORM;
    spec.epsilon = static_cast<double>(kEpsilon);
    spec.hasGamma = true;
    spec.hasBeta = true;
    const std::vector<double> gamma = view.all(VKN_ROLE_GAMMA, kChannels);
    const std::vector<double> beta = view.all(VKN_ROLE_BETA, kChannels);
    const size_t ofGroup = view.hiddenSize() / kGroups;
    const size_t ofChannel = view.hiddenSize() / kChannels;
    for (const uint64_t row : view.rows) {
        const std::vector<double> image = view.row(VKN_ROLE_INPUT, row);
        std::vector<Element> elements;
        for (size_t first = 0; first < image.size(); first += ofGroup) {
            const auto begin = image.begin() + static_cast<std::ptrdiff_t>(first);
            const std::vector<double> x(begin, begin + static_cast<std::ptrdiff_t>(ofGroup));
            const test::NormBound bound(spec, x, test::reductionShape(view.step.info));
            for (size_t i = 0; i < ofGroup; ++i) {
                const size_t channel = (first + i) / ofChannel;
                elements.push_back({test::Fp32Range(bound.element(x[i], gamma[channel], beta[channel])),
                                    bound.exactElement(x[i], gamma[channel], beta[channel])});
            }
        }
        if (!checkElements(view, judge, VKN_ROLE_OUTPUT, row, view.rowBits(VKN_ROLE_OUTPUT, row), elements)) {
            return;
        }
    }
}

// ---- BatchNorm -----------------------------------------------------------------------------------------------------

void checkColumns(const StepView& view, Judge& judge) {
    test::NormSpec spec;
    spec.operation = VKN_OPERATION_BATCH_NORM;
    spec.epsilon = view.step.test.operation->isPart ? 0.0 : static_cast<double>(kEpsilon);
    spec.hasGamma = view.has(VKN_ROLE_GAMMA);
    spec.hasBeta = view.has(VKN_ROLE_BETA);
    const auto valueOf = [](const std::vector<double>& values, size_t i) { return values.empty() ? 0.0 : values[i]; };
    const std::vector<double> gamma = view.all(VKN_ROLE_GAMMA, view.hiddenSize());
    const std::vector<double> beta = view.all(VKN_ROLE_BETA, view.hiddenSize());
    const std::vector<double> mean = view.all(VKN_ROLE_RUNNING_MEAN, view.hiddenSize());
    const std::vector<double> variance = view.all(VKN_ROLE_RUNNING_VARIANCE, view.hiddenSize());
    const VknRole output = view.has(VKN_ROLE_OUTPUT) ? VKN_ROLE_OUTPUT : VKN_ROLE_RESIDUAL_OUTPUT;
    for (const uint64_t row : view.rows) {
        const std::vector<double> x = view.row(VKN_ROLE_INPUT, row);
        const std::vector<double> residual = view.row(VKN_ROLE_RESIDUAL, row);
        std::vector<Element> elements;
        for (size_t i = 0; i < x.size(); ++i) {
            const test::NormBound bound(spec, mean[i], variance[i]);
            Element element = {test::Fp32Range(bound.element(x[i], valueOf(gamma, i), valueOf(beta, i))),
                               bound.exactElement(x[i], valueOf(gamma, i), valueOf(beta, i))};
            if (!residual.empty()) {
                element = {test::Fp32Range(residual[i]) + element.range, residual[i] + element.exact};
            }
            elements.push_back(element);
        }
        if (!checkElements(view, judge, output, row, view.rowBits(output, row), elements)) {
            return;
        }
    }
}

}  // namespace vknorm::compare
