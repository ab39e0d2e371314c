// Gradients of parameters over as many rows as training has: no farther off than so many rows may take them, and the
// same every time.
#include "gpu/fixture.hpp"
#include "support/formats.hpp"
#include "support/gradient_bounds.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <optional>
#include <vector>

namespace vknorm::test {
namespace {

constexpr uint64_t kRows = 100000;
constexpr uint32_t kHidden = 1024;
// Rows of x and of dy come from tables. Their lengths have no common divisor and a product beyond kRows, so no two
// rows add the same, and a row of x meets gradients of both signs: errors do not add up in one direction for being
// repeated.
constexpr uint64_t kInputs = 317;
constexpr uint64_t kGradients = 331;
// Rows that a kernel adds before it joins sums, as divideColumns() has it: 512 parts of so wide rows.
constexpr uint64_t kRowsPerPart = 196;
constexpr float kEpsilon = 1e-5f;

struct Table {
    std::vector<uint16_t> bits;
    std::vector<double> values;

    Table(uint64_t rows, uint64_t seed) {
        Random random(seed);
        for (uint64_t i = 0; i < rows * kHidden; ++i) {
            const double scale = std::ldexp(1.0, static_cast<int>(i / kHidden % 3) - 1);
            bits.push_back(static_cast<uint16_t>(encode(VKN_TYPE_BF16, scale * random.normal())));
            values.push_back(decode(VKN_TYPE_BF16, bits.back()));
        }
    }

    // So many rows of it, again and again, as a tensor.
    std::vector<uint16_t> repeated() const {
        std::vector<uint16_t> all(kRows * kHidden);
        for (uint64_t i = 0; i < all.size(); i += bits.size()) {
            std::copy_n(bits.begin(), std::min(bits.size(), all.size() - i), all.begin() + static_cast<ptrdiff_t>(i));
        }
        return all;
    }

    std::vector<double> row(uint64_t number) const {
        const auto first = values.begin() + static_cast<ptrdiff_t>(number * kHidden);
        return {first, first + kHidden};
    }
};

class ManyRows : public GpuTest {
protected:
    static constexpr VknRole kRoles[] = {VKN_ROLE_INPUT,          VKN_ROLE_GAMMA,          VKN_ROLE_OUTPUT_GRADIENT,
                                         VKN_ROLE_INPUT_GRADIENT, VKN_ROLE_GAMMA_GRADIENT, VKN_ROLE_BETA_GRADIENT};

    void TearDown() override {
        vknDestroyPlan(plan_);
        GpuTest::TearDown();
    }

    void createPlan() {
        std::vector<VknOperandType> operands;
        for (const VknRole role : kRoles) {
            const bool isSum = role == VKN_ROLE_GAMMA_GRADIENT || role == VKN_ROLE_BETA_GRADIENT;
            operands.push_back({role, isSum ? VKN_TYPE_F32 : VKN_TYPE_BF16});
        }
        VknPlanCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        info.flags = VKN_PLAN_BACKWARD_BIT;
        info.operation = VKN_OPERATION_RMS_NORM;
        info.hiddenSize = kHidden;
        info.operandCount = static_cast<uint32_t>(operands.size());
        info.pOperands = operands.data();
        info.epsilon = kEpsilon;
        ASSERT_EQ(vknCreatePlan(gpu().context(), &info, &plan_, nullptr), VKN_SUCCESS);
    }

    // A run takes 2 s on two cores.
    uint32_t runs() { return gpu().device().deviceInfo().isSoftware && !isFullTest() ? 4 : 10; }

    // The gradients of gamma and beta of each run.
    std::vector<std::vector<float>> run() {
        Device& device = gpu().device();
        const Buffer input(device, inputs_.repeated());
        const Buffer arriving(device, gradients_.repeated());
        const Buffer gamma(device, std::vector<uint16_t>(kHidden, 0x3F80));
        const Buffer inputGradient(device, kRows * kHidden * sizeof(uint16_t));
        Buffer gammaGradient(device, kHidden * sizeof(float));
        Buffer betaGradient(device, kHidden * sizeof(float));
        const VknOperand operands[] = {input.operand(kRoles[0]),         gamma.operand(kRoles[1]),
                                       arriving.operand(kRoles[2]),      inputGradient.operand(kRoles[3]),
                                       gammaGradient.operand(kRoles[4]), betaGradient.operand(kRoles[5])};
        VknExecuteInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
        info.rows = kRows;
        info.operandCount = static_cast<uint32_t>(std::size(operands));
        info.pOperands = operands;
        info.bindingPool = gpu().bindingPool();
        VkDeviceSize needed = 0;
        EXPECT_EQ(vknGetScratchSize(plan_, &info, &needed, nullptr), VKN_SUCCESS);
        Buffer scratch(device, needed);
        info.scratchBuffer = scratch.handle();
        info.scratchSize = needed;
        std::vector<std::vector<float>> results;
        for (uint32_t i = 0; i < runs(); ++i) {
            // Whatever was there before does not count.
            for (Buffer* buffer : {&gammaGradient, &betaGradient, &scratch}) {
                buffer->fill(0x7FC00000u + i);
            }
            gpu().submit([&](VkCommandBuffer commands) {
                EXPECT_EQ(vknCmdExecute(plan_, commands, &info, nullptr), VKN_SUCCESS);
            });
            results.push_back(gammaGradient.download<float>(kHidden));
            const std::vector<float> beta = betaGradient.download<float>(kHidden);
            results.back().insert(results.back().end(), beta.begin(), beta.end());
        }
        return results;
    }

    // What gamma is multiplied with, of a column of all rows of the table.
    std::vector<NormGradientBound> boundNorms() const {
        NormSpec spec;
        spec.epsilon = static_cast<double>(kEpsilon);
        VknPlanInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
        vknGetPlanInfo(plan_, &info);
        std::vector<NormGradientBound> norms;
        for (uint64_t i = 0; i < kInputs; ++i) {
            const std::vector<double> x = inputs_.row(i);
            norms.emplace_back(spec, std::vector<Fp32Range>(x.begin(), x.end()), x, reductionShape(info), std::nullopt);
        }
        return norms;
    }

    VknPlan plan_ = VKN_NULL_HANDLE;
    const Table inputs_{kInputs, 1};
    const Table gradients_{kGradients, 2};
};

// Of normal numbers, rounded to fp32: what Fp32Range says in a tenth of the time.
Interval product(const Interval& range, double factor) {
    const double a = range.low * factor;
    const double b = range.high * factor;
    const double error = 0x1p-24 * std::max(std::fabs(a), std::fabs(b));
    return {std::min(a, b) - error, std::max(a, b) + error};
}

void expectWithin(const SumBound& sum, float got, double& used) {
    const Interval likely = sum.likely();
    const Interval worst = sum.worst();
    const double value = static_cast<double>(got);
    EXPECT_TRUE(value >= worst.low && value <= worst.high) << value << ", not " << sum.middle();
    EXPECT_TRUE(value >= likely.low && value <= likely.high) << value << ", not " << sum.middle();
    used = std::max(used, std::fabs(value - sum.middle()) / (0.5 * (likely.high - likely.low)));
}

// "Every" has it run under one layer, and once: it is about numbers.
TEST_F(ManyRows, EveryRunHasTheSameGradientsOfParameters) {
    if (isQuickTest()) {
        VKNORM_LOUD_SKIP("many rows take long, and other lanes add them in the same order");
    }
    createPlan();
    const std::vector<std::vector<float>> results = run();
    for (const std::vector<float>& result : results) {
        EXPECT_EQ(std::memcmp(result.data(), results.front().data(), result.size() * sizeof(float)), 0);
    }
    const std::vector<NormGradientBound> norms = boundNorms();
    double used[2] = {};
    // One of eight columns, but of each eight another one after every 64.
    for (uint32_t column = 0; column < kHidden; column += 8 + (column % 64 == 56 ? 1 : 0)) {
        SCOPED_TRACE(column);
        std::vector<Interval> multiplied;
        for (const NormGradientBound& norm : norms) {
            multiplied.push_back(norm.multiplied(column).interval());
        }
        SumBound gamma(kRowsPerPart);
        SumBound beta(kRowsPerPart);
        for (uint64_t row = 0; row < kRows; ++row) {
            const double arriving = gradients_.values[row % kGradients * kHidden + column];
            gamma.add(product(multiplied[row % kInputs], arriving));
            beta.add({arriving, arriving});
        }
        expectWithin(gamma, results.front()[column], used[0]);
        expectWithin(beta, results.front()[kHidden + column], used[1]);
    }
    std::printf("many rows: gamma's and beta's gradients use %.3f and %.3f of what is likely\n", used[0], used[1]);
}

}  // namespace
}  // namespace vknorm::test
