// Judges quantised outputs: first the scale that a kernel stored, then each element with that scale.
#include "gpu/norm_case.hpp"

#include "support/formats.hpp"
#include "support/quantised_bounds.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace vknorm::test {
namespace {

constexpr VknRole kOutputs[] = {VKN_ROLE_OUTPUT, VKN_ROLE_OUTPUT_2};
constexpr VknRole kScales[] = {VKN_ROLE_OUTPUT_SCALE, VKN_ROLE_OUTPUT_SCALE_2};
constexpr VknRole kStaticScales[] = {VKN_ROLE_STATIC_SCALE, VKN_ROLE_STATIC_SCALE_2};

}  // namespace

// Of a plan whose scales are static.
double NormRun::givenScale(size_t which) {
    if (const DeviceTensor* operand = find(kStaticScales[which])) {
        return operand->before.value(0, 0);
    }
    const float scale = which == 0 ? norm_.plan.scale : norm_.plan.scale2;
    return scale == 0.0f ? 1.0 : static_cast<double>(scale);
}

bool NormRun::checkQuantised(size_t which, uint64_t row, const BlockBound& bound) {
    const uint64_t hiddenSize = norm_.plan.hiddenSize;
    const uint64_t size = norm_.plan.blockSize == 0 ? hiddenSize : norm_.plan.blockSize;
    const std::vector<double>& all = bound.exact().y[which];
    coverage().elements += hiddenSize;
    coverage().quantised += hiddenSize;
    for (uint64_t first = 0; first < hiddenSize; first += size) {
        const uint64_t end = std::min(first + size, hiddenSize);
        std::vector<Interval> y;
        std::vector<double> exact;
        for (uint64_t column = first; column < end; ++column) {
            y.push_back(bound.output(which, column));
            exact.push_back(all[column]);
        }
        if (!checkQuantisedPart(which, row, first, y, exact)) {
            return false;
        }
    }
    return true;
}

// A row or a block of it, from column `first` on.
bool NormRun::checkQuantisedPart(size_t which, uint64_t row, uint64_t first, const std::vector<Interval>& y,
                                 const std::vector<double>& exact) {
    const DeviceTensor& output = *find(kOutputs[which]);
    const VknType type = output.after.layout().type;
    double scale = 0.0;
    if (const DeviceTensor* scales = find(kScales[which])) {
        const uint64_t perRow = norm_.plan.scalesPerRow();
        scale = scales->after.value(0, row * perRow + (perRow == 1 ? 0 : first / norm_.plan.blockSize));
        const ScaleBound bound = boundScale(type, static_cast<double>(norm_.plan.largestValue), y, exact);
        if (!bound.permits(scale)) {
            ADD_FAILURE() << norm_.describe() << ": kernel: " << planInfo_.reason << ": "
                          << roleFacts(kScales[which]).name << " of row " << row << " from column " << first << ": got "
                          << scale << ", exact " << bound.exact << ", allowed [" << bound.allowed.low << ", "
                          << bound.allowed.high << "]" << (bound.mayBeOne ? " or 1" : "");
            return false;
        }
    } else {
        scale = givenScale(which);
    }
    for (uint64_t i = 0; i < y.size(); ++i) {
        const Interval quotient = boundQuotient(y[i], scale);
        const uint32_t bits = output.after.bits(row, first + i);
        coverage().undecided += roundTo(type, quotient.low) != roundTo(type, quotient.high) ? 1u : 0u;
        if (!isRightCode(type, quotient, exact[i], bits)) {
            ADD_FAILURE() << norm_.describe() << ": kernel: " << planInfo_.reason << ": "
                          << roleFacts(kOutputs[which]).name << ": got " << decode(type, bits) << ", exact "
                          << exact[i] / scale << ", allowed [" << quotient.low << ", " << quotient.high << "], scale "
                          << scale << ": " << describeInputs(row, first + i);
            return false;
        }
    }
    return true;
}

}  // namespace vknorm::test
