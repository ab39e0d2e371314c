// What is done to each element by itself, in the reference and in its bounds: activations, DyT, gates.
#include "support/block_bounds.hpp"
#include "support/formats.hpp"
#include "support/functions.hpp"
#include "support/random.hpp"
#include "support/reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace vknorm::test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr VknActivation kActivations[] = {VKN_ACTIVATION_SILU, VKN_ACTIVATION_GELU, VKN_ACTIVATION_GELU_TANH,
                                          VKN_ACTIVATION_RELU, VKN_ACTIVATION_SIGMOID};
constexpr ReductionShape kShape{8, 6, false};

using Values = std::vector<double>;

// ---- functions -------------------------------------------------------------------------------------------------------

struct KnownValue {
    FunctionId function;
    double x;
    double y;
};

// The minima of SiLU and of GELU among them.
const KnownValue kKnown[] = {
    {FunctionId::Exp, 1.0, 2.718281828459045},
    {FunctionId::Sigmoid, 2.0, 0.8807970779778823},
    {FunctionId::Sigmoid, -40.0, 4.248354255291589e-18},
    {FunctionId::Tanh, 0.5, 0.46211715726000975},
    {FunctionId::Silu, 1.0, 0.7310585786300049},
    {FunctionId::Silu, -1.0, -0.2689414213699951},
    {FunctionId::Silu, -1.2784645427610738, -0.2784645427610738},
    {FunctionId::Gelu, 1.0, 0.8413447460685429},
    {FunctionId::Gelu, -1.0, -0.15865525393145707},
    {FunctionId::Gelu, -0.7517915247, -0.16997120747990369},
    {FunctionId::Gelu, -6.0, -5.919526e-9},
    {FunctionId::GeluTanh, 1.0, 0.8411919906082768},
    {FunctionId::GeluTanh, -1.0, -0.15880800939172324},
    {FunctionId::Relu, 2.5, 2.5},
    {FunctionId::Relu, -2.5, 0.0},
};

TEST(ElementFunctions, KnownValues) {
    for (const KnownValue& known : kKnown) {
        const FunctionFacts& facts = functionFacts(known.function);
        EXPECT_EQ(facts.id, known.function);
        EXPECT_NEAR(facts.exact(known.x) / (known.y == 0.0 ? 1.0 : known.y), known.y == 0.0 ? 0.0 : 1.0, 1e-7)
            << facts.name << " of " << known.x;
    }
}

TEST(ElementFunctions, Limits) {
    const Values atInfinity = {kInf, kInf, kInf, kInf, 1.0};
    for (size_t i = 0; i < std::size(kActivations); ++i) {
        const FunctionFacts& facts = activationFacts(kActivations[i]);
        EXPECT_EQ(facts.exact(kInf), atInfinity[i]) << facts.name;
        EXPECT_EQ(facts.exact(-kInf), 0.0) << facts.name;
        EXPECT_EQ(facts.exact(-3e38), 0.0) << facts.name;
        EXPECT_EQ(facts.exact(0.0), kActivations[i] == VKN_ACTIVATION_SIGMOID ? 0.5 : 0.0) << facts.name;
        EXPECT_TRUE(std::isnan(facts.exact(std::nan("")))) << facts.name;
    }
}

// As vknorm.h writes it; the two differ where the sum with tanh cancels.
TEST(ElementFunctions, GeluTanhIsWhatTheHeaderSays) {
    for (double z = -4.0; z <= 8.0; z += 0.03) {
        const double u = std::sqrt(2.0 / 3.14159265358979323846) * (z + 0.044715 * z * z * z);
        EXPECT_NEAR(activationFacts(VKN_ACTIVATION_GELU_TANH).exact(z), z / 2.0 * (1.0 + std::tanh(u)), 1e-15);
    }
}

bool isIn(const Interval& interval, double value) { return value >= interval.low && value <= interval.high; }

// As far off as functions.glsl says is right, and no farther.
TEST(ElementFunctions, RangesAreAsWideAsStated) {
    for (const FunctionId function : {FunctionId::Exp, FunctionId::Sigmoid, FunctionId::Tanh, FunctionId::Silu,
                                      FunctionId::Gelu, FunctionId::GeluTanh, FunctionId::Relu}) {
        const FunctionFacts& facts = functionFacts(function);
        for (double x = -12.0; x <= 12.0; x += 0.37) {
            const double exact = facts.exact(x);
            if (std::fabs(exact) < 2.0 * kFlush) {
                continue;
            }
            const Interval range = apply(facts, Fp32Range(x)).interval();
            const double ulp = ulpSize(VKN_TYPE_F32, exact);
            const double most = (facts.ulpsOfAnyDevice + 0.5) * ulp;
            const double least = (facts.ulpsOfAnyDevice - 0.5) * ulp;
            SCOPED_TRACE(std::string(facts.name) + " of " + std::to_string(x));
            EXPECT_TRUE(isIn(range, apply(facts, Fp32(x)).value()));
            EXPECT_LE(range.high, exact + most);
            EXPECT_GE(range.low, exact - most);
            EXPECT_GE(range.high, std::min(exact + least, facts.largest));
            EXPECT_LE(range.low, std::max(exact - least, -facts.largest));
        }
    }
}

TEST(ElementFunctions, TinyResultsMayBeZero) {
    for (const double x : {0x1p-126, 0x1p-130, -0x1p-149}) {
        const Interval range = apply(activationFacts(VKN_ACTIVATION_SILU), Fp32Range(x)).interval();
        EXPECT_TRUE(isIn(range, 0.0) && isIn(range, x / 2.0)) << x;
    }
    EXPECT_TRUE(isIn(apply(activationFacts(VKN_ACTIVATION_GELU), Fp32Range(-14.0)).interval(), 0.0));
    EXPECT_FALSE(isIn(apply(activationFacts(VKN_ACTIVATION_GELU), Fp32Range(-12.0)).interval(), 0.0));
}

// ---- DyT -------------------------------------------------------------------------------------------------------------

NormSpec dytSpec(double alpha) {
    NormSpec spec;
    spec.operation = VKN_OPERATION_DYT;
    spec.alpha = alpha;
    return spec;
}

BlockRow rowOf(const Values& x, const Values& gate = {}) {
    BlockRow row;
    row.branch[0] = x;
    row.gate = gate;
    return row;
}

TEST(DytReference, ByHand) {
    BlockSpec block;
    block.norm[0] = dytSpec(0.5);
    block.norm[0].hasGamma = block.norm[0].hasBeta = true;
    block.norm[0].gammaOffset = 1.0;
    BlockParameters parameters;
    parameters.gamma[0] = {1, 2, 3};
    parameters.beta[0] = {10, 20, 30};
    const BlockValues values = computeBlock(block, parameters, rowOf({1, kInf, std::nan("")}));
    EXPECT_DOUBLE_EQ(values.y[0][0], 2 * 0.46211715726000975 + 10);
    EXPECT_EQ(values.y[0][1], 23.0);
    EXPECT_TRUE(std::isnan(values.y[0][2]));
}

TEST(DytReference, EarlyCastRoundsTheTanh) {
    NormSpec spec = dytSpec(1.0);
    spec.earlyCast = true;
    spec.inputType = VKN_TYPE_BF16;
    BlockSpec block;
    block.norm[0] = spec;
    EXPECT_EQ(computeBlock(block, {}, rowOf({1})).y[0], (Values{roundTo(VKN_TYPE_BF16, std::tanh(1.0))}));
}

// Twice, on the branch and on the sum.
TEST(DytReference, SandwichThenPreNormByHand) {
    BlockSpec block;
    block.placement = VKN_PLACEMENT_SANDWICH_PRE_NORM;
    block.norm[0] = block.norm[1] = dytSpec(2.0);
    BlockParameters parameters;
    parameters.branchBias[0] = {0.25};
    BlockRow row = rowOf({0.5});
    row.residual = {3.0};
    const BlockValues values = computeBlock(block, parameters, row);
    const double branch = roundTo(VKN_TYPE_F32, std::tanh(1.5));
    EXPECT_EQ(values.sum, (Values{roundTo(VKN_TYPE_F32, 3.0 + branch)}));
    EXPECT_DOUBLE_EQ(values.y[0][0], std::tanh(2.0 * values.sum[0]));
}

// Errors of x that a test can choose, as bad as they are announced.
TEST(DytBounds, HoldForTheWorstInputErrors) {
    double tightest = 0.0;
    for (const double alpha : {0.7, -2.0}) {
        for (const double error : {1e-5, 0.01}) {
            const Values x = {0.0, 0.3, -1.0, 2.5};
            const NormBound bound(dytSpec(alpha), x, kShape, Values(x.size(), error));
            for (const double value : x) {
                const Interval allowed = bound.element(value, 0, 0, error);
                const double exact = bound.exactElement(value, 0, 0);
                for (const double moved : {value - error, value + error}) {
                    const double y = std::tanh(alpha * moved);
                    EXPECT_TRUE(isIn(allowed, y)) << value;
                    const double room = y > exact ? allowed.high - exact : exact - allowed.low;
                    tightest = std::max(tightest, std::fabs(y - exact) / room);
                }
            }
        }
    }
    EXPECT_GT(tightest, 0.99);
}

// ---- gates -----------------------------------------------------------------------------------------------------------

BlockSpec gatedSpec(VknOperation operation, VknActivation activation, bool normFirst) {
    BlockSpec block;
    block.norm[0].operation = operation;
    block.activation = activation;
    block.normFirst = normFirst;
    return block;
}

TEST(GateReference, ActivationByHand) {
    const BlockSpec block = gatedSpec(VKN_OPERATION_GATED_ACTIVATION, VKN_ACTIVATION_SIGMOID, false);
    EXPECT_EQ(computeBlock(block, {}, rowOf({3, -7, kInf, kInf}, {0, kInf, 0, -kInf})).y[0][0], 1.5);
    EXPECT_EQ(computeBlock(block, {}, rowOf({3, -7, kInf, kInf}, {0, kInf, 0, -kInf})).y[0][1], -7.0);
    EXPECT_EQ(computeBlock(block, {}, rowOf({3, -7, kInf, kInf}, {0, kInf, 0, -kInf})).y[0][2], kInf);
    EXPECT_TRUE(std::isnan(computeBlock(block, {}, rowOf({3, -7, kInf, kInf}, {0, kInf, 0, -kInf})).y[0][3]));
}

// x is 3, -3 with a gate of 1/2 and 1: normed last it is 1.5, -3 by its root mean square, normed first 1, -1 by the gate.
TEST(GateReference, BeforeAndBehindTheNormByHand) {
    const BlockRow row = rowOf({3, -3}, {0, kInf});
    const BlockValues before = computeBlock(gatedSpec(VKN_OPERATION_RMS_NORM, VKN_ACTIVATION_SIGMOID, false), {}, row);
    const double rms = std::sqrt((1.5 * 1.5 + 9.0) / 2.0);
    EXPECT_DOUBLE_EQ(before.y[0][0], 1.5 / rms);
    EXPECT_DOUBLE_EQ(before.y[0][1], -3.0 / rms);
    EXPECT_DOUBLE_EQ(before.statistics[0].rstd, 1.0 / rms);
    BlockSpec behind = gatedSpec(VKN_OPERATION_RMS_NORM, VKN_ACTIVATION_SIGMOID, true);
    behind.norm[0].hasGamma = behind.norm[0].hasBeta = true;
    BlockParameters parameters;
    parameters.gamma[0] = {5, 7};
    parameters.beta[0] = {1, 2};
    const BlockValues after = computeBlock(behind, parameters, row);
    EXPECT_EQ(after.y[0], (Values{3, -5}));  // (5 + 1) / 2 and -7 + 2
    EXPECT_DOUBLE_EQ(after.statistics[0].rstd, 1.0 / 3.0);
}

// The activation and its product with x are rounded, each once.
TEST(GateReference, EveryOperationIsRounded) {
    const double x = 1.0 + 0x1p-23;
    const double activation = roundTo(VKN_TYPE_F32, activationFacts(VKN_ACTIVATION_SILU).exact(1.0));
    const BlockSpec block = gatedSpec(VKN_OPERATION_GATED_ACTIVATION, VKN_ACTIVATION_SILU, false);
    EXPECT_EQ(computeBlock(block, {}, rowOf({x}, {1})).y[0], (Values{roundTo(VKN_TYPE_F32, x * activation)}));
}

struct GatedRow {
    BlockSpec spec;
    BlockParameters parameters;
    BlockRow row;
};

GatedRow makeGatedRow(VknOperation operation, VknActivation activation, bool normFirst, size_t hiddenSize) {
    GatedRow result;
    result.spec = gatedSpec(operation, activation, normFirst);
    result.spec.norm[0].epsilon = 1e-5;
    result.spec.norm[0].hasGamma = operation != VKN_OPERATION_GATED_ACTIVATION;
    Random random(hiddenSize);
    for (size_t i = 0; i < hiddenSize; ++i) {
        result.row.branch[0].push_back(roundTo(VKN_TYPE_F32, 0.25 + random.normal()));
        result.row.gate.push_back(roundTo(VKN_TYPE_F32, 2.0 * random.normal()));
        result.parameters.gamma[0].push_back(roundTo(VKN_TYPE_F32, 1.0 + 0.25 * random.normal()));
    }
    return result;
}

size_t countWrong(const GatedRow& right, const Values& y, VknType type) {
    const BlockBound bound(right.spec, right.parameters, right.row, kShape);
    size_t wrong = 0;
    for (size_t i = 0; i < y.size(); ++i) {
        wrong += judge(type, bound.output(0, i), bound.exact().y[0][i], encode(type, y[i])).isRight ? 0u : 1u;
    }
    return wrong;
}

template <typename Function>
void forEachGate(const Function& function) {
    for (const VknActivation activation : kActivations) {
        function(makeGatedRow(VKN_OPERATION_GATED_ACTIVATION, activation, false, 300));
        for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
            for (const bool normFirst : {false, true}) {
                SCOPED_TRACE(std::string(activationFacts(activation).name) + ", operation " +
                             std::to_string(operation) + (normFirst ? ", norm first" : ""));
                function(makeGatedRow(operation, activation, normFirst, 300));
            }
        }
    }
}

// With an activation that is as wrong as it may be, in either direction, everything is right.
TEST(GateBounds, HoldForTheWorstActivations) {
    forEachGate([](const GatedRow& gated) {
        for (const int direction : {-1, 1, 0}) {
            GatedRow moved = gated;
            moved.spec.activation = VKN_ACTIVATION_RELU;  // so that the gate is the activation, or minus it
            const FunctionFacts& facts = activationFacts(*gated.spec.activation);
            for (size_t i = 0; i < moved.row.gate.size(); ++i) {
                const int sign = direction != 0 ? direction : (i % 2 == 0 ? 1 : -1);
                const double exact = facts.exact(gated.row.gate[i]);
                const double far =
                    exact + sign * std::max(facts.ulpsOfAnyDevice - 0.5, 0.0) * ulpSize(VKN_TYPE_F32, exact);
                const double activation = roundTo(VKN_TYPE_F32, std::clamp(far, -facts.largest, facts.largest));
                moved.row.gate[i] = std::fabs(activation);
                const double signOf = activation < 0.0 ? -1.0 : 1.0;
                (moved.spec.normFirst ? moved.parameters.gamma[0][i] : moved.row.branch[0][i]) *= signOf;
            }
            EXPECT_EQ(countWrong(gated, computeBlock(moved.spec, moved.parameters, moved.row).y[0], VKN_TYPE_F32), 0u);
        }
    });
}

TEST(GateBounds, CatchAGateOnTheWrongSideOfTheNorm) {
    for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
        for (const bool normFirst : {false, true}) {
            const GatedRow gated = makeGatedRow(operation, VKN_ACTIVATION_SILU, normFirst, 300);
            BlockSpec other = gated.spec;
            other.normFirst = !normFirst;
            const Values y = computeBlock(other, gated.parameters, gated.row).y[0];
            EXPECT_GT(countWrong(gated, y, VKN_TYPE_F32), 295u);
            EXPECT_GT(countWrong(gated, y, VKN_TYPE_BF16), 250u);
        }
    }
}

TEST(GateBounds, CatchAnotherActivation) {
    for (const VknActivation right : kActivations) {
        for (const VknActivation wrong : kActivations) {
            const GatedRow gated = makeGatedRow(VKN_OPERATION_GATED_ACTIVATION, right, false, 300);
            BlockSpec other = gated.spec;
            other.activation = wrong;
            const size_t count = countWrong(gated, computeBlock(other, {}, gated.row).y[0], VKN_TYPE_F32);
            EXPECT_EQ(count == 0, right == wrong) << right << " and " << wrong;
            EXPECT_TRUE(right == wrong || count > 200) << right << " and " << wrong << ": " << count;
        }
    }
}

TEST(GateBounds, CatchAnotherElementsGate) {
    forEachGate([](const GatedRow& gated) {
        GatedRow shifted = gated;
        std::rotate(shifted.row.gate.begin(), shifted.row.gate.begin() + 1, shifted.row.gate.end());
        const Values y = computeBlock(shifted.spec, shifted.parameters, shifted.row).y[0];
        EXPECT_GT(countWrong(gated, y, VKN_TYPE_F32), 200u);
        EXPECT_GT(countWrong(gated, y, VKN_TYPE_BF16), 180u);
    });
}

}  // namespace
}  // namespace vknorm::test
