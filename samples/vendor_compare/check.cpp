// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

#include "interrupt.hpp"

#include "support/bounds.hpp"
#include "support/formats.hpp"
#include "support/gradient_bounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace vknorm::compare {
namespace {

void checkStep(const StepView& view, Judge& judge) {
    const Operation& operation = *view.step.test.operation;
    if (operation.hasHeads) {
        checkHeads(view, judge);
    } else if (operation.hasGroups) {
        checkGroups(view, judge);
    } else if (operation.operation == VKN_OPERATION_BATCH_NORM) {
        checkColumns(view, judge);
    } else if (operation.isBackward()) {
        checkGradients(view, judge);
    } else {
        checkBlock(view, judge);
    }
}

// The first slot again, with only those rows of what arrives that are compared.
void checkSums(Program& program, const StepView& view, Judge& judge) {
    program.keepRows(view.step, VKN_ROLE_OUTPUT_GRADIENT, view.rows);
    program.runFirst();
    checkStep(view, judge);
    program.restore(view.step, VKN_ROLE_OUTPUT_GRADIENT);
    program.runFirst();
}

}  // namespace

std::vector<uint64_t> rowsToCompare(const Shape& shape, uint64_t elements) {
    const uint64_t affordable = std::max<uint64_t>(elements / shape.hiddenSize, 2);
    const uint64_t count = std::min(shape.rows, affordable);
    std::vector<uint64_t> rows;
    for (uint64_t i = 0; i < count; ++i) {
        rows.push_back(count == 1 ? 0 : i * (shape.rows - 1) / (count - 1));
    }
    return rows;
}

CheckResult checkProgram(Program& program, const CheckLimits& limits) {
    program.runAll();
    CheckResult result;
    Judge judge(result);
    for (const Step& step : program.steps()) {
        if (step.isPreparation) {
            continue;
        }
        throwIfInterrupted();
        const bool isBackward = step.test.operation->isBackward();
        const std::vector<uint64_t> rows =
            rowsToCompare(step.test.shape, isBackward ? limits.gradientElements : limits.elements);
        const StepView view = {program, step, rows};
        result.rows = rows.size();
        if (step.test.operation->takesSums()) {
            checkSums(program, view, judge);
        } else {
            checkStep(view, judge);
        }
        if (!result.isRight()) {
            return result;
        }
    }
    result.fault = program.findDifference();
    return result;
}

std::vector<double> StepView::row(VknRole role, uint64_t row) const {
    return has(role) ? program.read(step, role, row * hiddenSize(), hiddenSize()) : std::vector<double>();
}

std::vector<uint32_t> StepView::rowBits(VknRole role, uint64_t row) const {
    return program.readBits(step, role, row * hiddenSize(), hiddenSize());
}

std::vector<double> StepView::all(VknRole role, uint64_t count) const {
    return has(role) ? program.read(step, role, 0, count) : std::vector<double>();
}

bool Judge::element(VknType type, double low, double high, double exact, uint32_t bits, VknRole role, uint64_t row,
                    uint64_t column) {
    const test::Verdict verdict = test::judge(type, {low, high}, exact, bits);
    ++result_.elements;
    result_.tightest = std::max(result_.tightest, verdict.tightness);
    return verdict.isRight ||
           fail(role, row, column, fmt::format("{}, not {} [{}, {}]", test::decode(type, bits), exact, low, high));
}

bool Judge::gradient(VknType type, double low, double high, double exact, uint32_t bits, VknRole role, uint64_t row,
                     uint64_t column) {
    const test::Verdict verdict = test::judgeGradient(type, {low, high}, exact, bits);
    ++result_.elements;
    result_.tightest = std::max(result_.tightest, verdict.tightness);
    return verdict.isRight ||
           fail(role, row, column, fmt::format("{}, not {} [{}, {}]", test::decode(type, bits), exact, low, high));
}

bool Judge::fail(VknRole role, uint64_t row, uint64_t column, const std::string& what) {
    result_.fault = fmt::format("{} row {} column {}: {}", vkn::findRole(role)->name, row, column, what);
    return false;
}

}  // namespace vknorm::compare
