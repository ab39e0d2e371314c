// The backward: gradients of every placement and operation against fp64, within their bounds.
#include "gpu/fixture.hpp"
#include "gpu/function_shim.hpp"
#include "gpu/gradient_case.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace vknorm::test {
namespace {

using Backward = GpuTest;

constexpr VknPlacement kPlacements[] = {
    VKN_PLACEMENT_NONE,     VKN_PLACEMENT_PRE_NORM,          VKN_PLACEMENT_POST_NORM,
    VKN_PLACEMENT_SANDWICH, VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL};

constexpr VknType kTypes[] = {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16};
constexpr VknOperation kNorms[] = {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM};

bool isBlock(const GradientCase& gradient) { return gradient.placement != VKN_PLACEMENT_NONE; }

// Everything that a placement can have.
void addAll(GradientCase& gradient) {
    gradient.with.merge(parameterGradients(gradient.placement, gradient.operation));
    if (!isBlock(gradient)) {
        return;
    }
    gradient.with.insert({VKN_ROLE_LAYER_SCALE, VKN_ROLE_ROW_SCALE, VKN_ROLE_BRANCH_BIAS, VKN_ROLE_RESIDUAL_GRADIENT});
    if (gradient.placement != VKN_PLACEMENT_POST_NORM) {
        gradient.with.insert(VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT);
    }
    const bool hasSecond =
        gradient.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM || gradient.placement == VKN_PLACEMENT_PARALLEL;
    if (hasSecond) {
        gradient.with.insert(VKN_ROLE_GAMMA_2);
    }
    if (gradient.placement == VKN_PLACEMENT_PARALLEL) {
        gradient.with.insert(VKN_ROLE_BRANCH_BIAS_2);
    }
    if (gradient.placement == VKN_PLACEMENT_SANDWICH || gradient.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM) {
        gradient.with.insert(VKN_ROLE_BETA);
    }
    gradient.residualScale = 1.25f;
    gradient.branchScale = 0.75f;
    gradient.dropoutProbability = 0.25f;
    gradient.firstRow = 0xFFFFFFFEull;
}

void saveStatistics(GradientCase& gradient) {
    gradient.with.insert(VKN_ROLE_RSTD);
    if (gradient.operation != VKN_OPERATION_RMS_NORM) {
        gradient.with.insert(VKN_ROLE_MEAN);
    }
    if (gradient.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM) {
        gradient.with.insert(VKN_ROLE_RSTD_2);
        if (gradient.operation != VKN_OPERATION_RMS_NORM) {
            gradient.with.insert(VKN_ROLE_MEAN_2);
        }
    }
}

// Each placement with nothing but what it must have, and with everything; statistics saved and taken again; all types in turn.
TEST_F(Backward, EveryPlacement) {
    size_t turn = 0;
    for (const VknPlacement placement : kPlacements) {
        for (const VknOperation operation : kNorms) {
            for (const bool everything : {false, true}) {
                ++turn;
                if (!isShareOf(turn / 2, 2)) {
                    continue;
                }
                GradientCase gradient;
                gradient.placement = placement;
                gradient.operation = operation;
                gradient.hiddenSize = turn % 3 == 0 ? 129 : 200;
                gradient.branch = kTypes[turn % 3];
                gradient.stream = turn % 4 == 0 ? VKN_TYPE_BF16 : VKN_TYPE_F32;
                gradient.arriving = kTypes[turn / 2 % 3];
                gradient.parameter = kTypes[turn / 3 % 3];
                gradient.gap = turn % 5 == 0 ? 3 : 0;
                gradient.offset = turn % 7 == 0 ? 4 : 0;
                gradient.gammaOffset = turn % 2 == 0 ? 1.0f : 0.0f;
                gradient.seed = turn;
                if (everything) {
                    addAll(gradient);
                }
                if (turn / 2 % 2 == 0) {
                    saveStatistics(gradient);
                }
                expectGradients(gpu(), gradient);
            }
        }
    }
}

// Shapes, forms and types of the plain norm, with the gradients of its parameters: aligned rows and not.
TEST_F(Backward, EveryShapeAndType) {
    size_t turn = 0;
    size_t size = 0;
    for (const uint32_t hiddenSize : {1u, 2u, 7u, 33u, 128u, 769u, 1024u, 5125u}) {
        ++size;
        for (size_t form = 0; form < gpu().forms().size(); ++form) {
            ++turn;
            if (!isTurnOf(form, size)) {
                continue;
            }
            GradientCase gradient;
            gradient.operation = kNorms[turn % 2];
            gradient.hiddenSize = hiddenSize;
            gradient.rows = hiddenSize > 1000 ? 5 : 37;
            gradient.branch = kTypes[turn % 3];
            gradient.arriving = kTypes[turn / 2 % 3];
            gradient.parameter = kTypes[turn / 3 % 3];
            gradient.gap = turn % 3 == 0 ? 8 : turn % 4;
            gradient.offset = turn % 5 == 0 ? 4 : 16;
            gradient.with.merge(parameterGradients(VKN_PLACEMENT_NONE, gradient.operation));
            gradient.variant = gpu().forms()[form];
            gradient.seed = turn;
            expectGradients(gpu(), gradient);
        }
    }
}

// In place the rows are measured first, then come the sums, and the rows' gradients take the place of what arrived.
TEST_F(Backward, InPlace) {
    for (const VknPlacement placement : kPlacements) {
        for (const bool hasSums : {false, true}) {
            if (!isShareOf(static_cast<size_t>(placement) + (hasSums ? 0U : 1U), 2)) {
                continue;
            }
            GradientCase gradient;
            gradient.placement = placement;
            gradient.operation = VKN_OPERATION_LAYER_NORM;
            gradient.flags = VKN_PLAN_IN_PLACE_BIT;
            gradient.hiddenSize = 77;
            gradient.stream = VKN_TYPE_BF16;
            gradient.branch = VKN_TYPE_F16;
            gradient.arriving = placement == VKN_PLACEMENT_NONE ? VKN_TYPE_F16 : VKN_TYPE_BF16;
            gradient.gap = 2;
            if (hasSums) {
                addAll(gradient);
            }
            expectGradients(gpu(), gradient);
        }
    }
}

TEST_F(Backward, Options) {
    GradientCase gradient;
    gradient.with.merge(parameterGradients(VKN_PLACEMENT_NONE, gradient.operation));
    gradient.hiddenSize = 100;
    gradient.partialSize = 30;
    expectGradients(gpu(), gradient);
    gradient.partialSize = 0;
    gradient.flags = VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT;
    gradient.epsilon = 0.125f;
    expectGradients(gpu(), gradient);
    gradient.operation = VKN_OPERATION_LAYER_NORM;
    expectGradients(gpu(), gradient);
    gradient.flags = VKN_PLAN_EARLY_CAST_BIT | VKN_PLAN_ACCUMULATE_BIT;
    gradient.operation = VKN_OPERATION_RMS_NORM;
    gradient.branch = VKN_TYPE_BF16;
    gradient.parameter = VKN_TYPE_BF16;
    expectGradients(gpu(), gradient);
    gradient.parameter = VKN_TYPE_F32;
    expectGradients(gpu(), gradient);
}

// Rows of gamma that rows take turns with, whole turns or not; more rows than a part has.
TEST_F(Backward, ParameterRows) {
    for (const uint64_t rows : {1u, 7u, 200u}) {
        GradientCase gradient;
        gradient.hiddenSize = 24;
        gradient.rows = rows;
        gradient.parameterRows = 3;
        gradient.with.merge(parameterGradients(VKN_PLACEMENT_NONE, gradient.operation));
        expectGradients(gpu(), gradient);
        gradient.placement = VKN_PLACEMENT_PRE_NORM;
        gradient.with.merge(parameterGradients(VKN_PLACEMENT_PRE_NORM, gradient.operation));
        expectGradients(gpu(), gradient);
    }
}

// dy turns back before it goes through the norm.
TEST_F(Backward, Rope) {
    for (const VknRopeLayout layout : {VKN_ROPE_LAYOUT_HALF_SPLIT, VKN_ROPE_LAYOUT_INTERLEAVED}) {
        for (const uint32_t rotarySize : {64u, 26u}) {
            GradientCase gradient;
            gradient.rope = layout;
            gradient.rotarySize = rotarySize;
            gradient.rows = 15;
            gradient.rowsPerOuter = 3;
            gradient.parameterRows = rotarySize == 26 ? 3 : 1;
            gradient.arriving = rotarySize == 26 ? VKN_TYPE_BF16 : VKN_TYPE_F32;
            gradient.operation = kNorms[layout % 2];
            gradient.with.merge(parameterGradients(VKN_PLACEMENT_NONE, gradient.operation));
            expectGradients(gpu(), gradient);
        }
    }
}

TEST_F(Backward, Gates) {
    for (const VknOperation operation :
         {VKN_OPERATION_GATED_ACTIVATION, VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
        for (const VknActivation activation : {VKN_ACTIVATION_SILU, VKN_ACTIVATION_GELU, VKN_ACTIVATION_GELU_TANH,
                                               VKN_ACTIVATION_RELU, VKN_ACTIVATION_SIGMOID}) {
            const bool isNorm = operation != VKN_OPERATION_GATED_ACTIVATION;
            if (!isShareOf(static_cast<size_t>(activation) + (isNorm ? 1U : 0U), 2)) {
                continue;
            }
            GradientCase gradient;
            gradient.operation = operation;
            gradient.activation = activation;
            gradient.hiddenSize = 72;
            gradient.normFirst = isNorm && activation % 2 == 0;
            gradient.with.clear();
            if (isNorm) {
                gradient.with = parameterGradients(VKN_PLACEMENT_NONE, operation);
                gradient.with.insert(VKN_ROLE_GAMMA);
            }
            if (gradient.normFirst) {
                gradient.with.insert(VKN_ROLE_BETA);
            }
            expectGradients(gpu(), gradient);
        }
    }
}

TEST_F(Backward, Dyt) {
    for (const VknPlacement placement : kPlacements) {
        GradientCase gradient;
        gradient.operation = VKN_OPERATION_DYT;
        gradient.placement = placement;
        gradient.alpha = 0.75f;
        gradient.hiddenSize = 60;
        addAll(gradient);
        if (isShareOf(static_cast<size_t>(placement), 3)) {
            expectGradients(gpu(), gradient);
        }
    }
}

TEST_F(Backward, GroupNorm) {
    for (const bool channelsLast : {false, true}) {
        for (const uint32_t pixels : {1u, 9u, 32u}) {
            GradientCase gradient;
            gradient.operation = VKN_OPERATION_GROUP_NORM;
            gradient.channels = 24;
            gradient.groups = 3;
            gradient.channelsLast = channelsLast;
            gradient.hiddenSize = gradient.channels * pixels;
            gradient.rows = 3;
            gradient.branch = kTypes[pixels % 3];
            gradient.with.merge(parameterGradients(VKN_PLACEMENT_NONE, gradient.operation));
            expectGradients(gpu(), gradient);
        }
    }
}

// BatchNorm's columns, with statistics of the batch and with given ones.
class BatchGradients {
public:
    BatchGradients(uint32_t channels, uint64_t rows, bool training)
        : channels_(channels), rows_(rows), training_(training) {
        Random random(channels + rows);
        for (uint64_t i = 0; i < rows * channels; ++i) {
            x_.push_back(static_cast<float>(random.normal() + static_cast<double>(i % channels % 3)));
            arriving_.push_back(static_cast<float>(random.normal()));
        }
        for (uint32_t i = 0; i < channels; ++i) {
            gamma_.push_back(static_cast<float>(1.0 + 0.5 * random.normal()));
            const RowStatistics exact = normStatistics(spec(), column(x_, i));
            mean_.push_back(training ? static_cast<float>(exact.mean) : static_cast<float>(random.normal()));
            second_.push_back(training ? static_cast<float>(exact.rstd)
                                       : static_cast<float>(std::exp(random.normal())));
        }
    }

    void run(Gpu& gpu, bool inPlace) const {
        std::vector<float> statistics = mean_;
        statistics.insert(statistics.end(), second_.begin(), second_.end());
        const Buffer x(gpu.device(), x_);
        const Buffer gamma(gpu.device(), gamma_);
        const Buffer arriving(gpu.device(), arriving_);
        const Buffer ofColumns(gpu.device(), statistics);
        const Buffer gradient(gpu.device(), inPlace ? arriving_ : std::vector<float>(x_.size()));
        const Buffer gammaGradient(gpu.device(), std::vector<float>(channels_));
        const Buffer betaGradient(gpu.device(), std::vector<float>(channels_));
        std::vector<VknOperand> operands = {
            x.operand(VKN_ROLE_INPUT),
            gamma.operand(VKN_ROLE_GAMMA),
            gradient.operand(VKN_ROLE_INPUT_GRADIENT),
            gammaGradient.operand(VKN_ROLE_GAMMA_GRADIENT),
            betaGradient.operand(VKN_ROLE_BETA_GRADIENT),
            ofColumns.operand(training_ ? VKN_ROLE_BATCH_MEAN : VKN_ROLE_RUNNING_MEAN),
            ofColumns.operand(training_ ? VKN_ROLE_BATCH_RSTD : VKN_ROLE_RUNNING_VARIANCE)};
        operands.back().offset = channels_ * sizeof(float);
        if (!inPlace) {
            operands.push_back(arriving.operand(VKN_ROLE_OUTPUT_GRADIENT));
        }
        execute(gpu, operands, inPlace);
        check(gradient.download<float>(x_.size()), gammaGradient.download<float>(channels_),
              betaGradient.download<float>(channels_));
    }

private:
    static constexpr float kEpsilon = 1e-5f;

    NormSpec spec() const {
        NormSpec spec;
        spec.operation = VKN_OPERATION_BATCH_NORM;
        spec.epsilon = static_cast<double>(kEpsilon);
        spec.hasGamma = true;
        return spec;
    }

    std::vector<double> column(const std::vector<float>& values, uint32_t number) const {
        std::vector<double> result;
        for (uint64_t row = 0; row < rows_; ++row) {
            result.push_back(static_cast<double>(values[row * channels_ + number]));
        }
        return result;
    }

    void execute(Gpu& gpu, const std::vector<VknOperand>& operands, bool inPlace) const {
        std::vector<VknOperandType> types;
        for (const VknOperand& operand : operands) {
            types.push_back({operand.role, VKN_TYPE_F32});
        }
        VknBatchInfo batch{};
        batch.sType = VKN_STRUCTURE_TYPE_BATCH_INFO;
        batch.training = training_ ? VK_TRUE : VK_FALSE;
        VknPlanCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        info.pNext = &batch;
        info.flags = VKN_PLAN_BACKWARD_BIT | (inPlace ? VknPlanFlags{VKN_PLAN_IN_PLACE_BIT} : 0u);
        info.operation = VKN_OPERATION_BATCH_NORM;
        info.hiddenSize = channels_;
        info.operandCount = static_cast<uint32_t>(types.size());
        info.pOperands = types.data();
        info.epsilon = kEpsilon;
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        VknPlan plan = VKN_NULL_HANDLE;
        ASSERT_EQ(vknCreatePlan(gpu.context(), &info, &plan, &error), VKN_SUCCESS) << error.message;
        VknExecuteInfo execute{};
        execute.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
        execute.rows = rows_;
        execute.operandCount = static_cast<uint32_t>(operands.size());
        execute.pOperands = operands.data();
        execute.bindingPool = gpu.bindingPool();
        VkDeviceSize needed = 0;
        ASSERT_EQ(vknGetScratchSize(plan, &execute, &needed, &error), VKN_SUCCESS) << error.message;
        const Buffer scratch(gpu.device(), needed);
        execute.scratchBuffer = scratch.handle();
        execute.scratchSize = needed;
        gpu.submit([&](VkCommandBuffer commands) {
            EXPECT_EQ(vknCmdExecute(plan, commands, &execute, &error), VKN_SUCCESS) << error.message;
        });
        vknDestroyPlan(plan);
    }

    void check(const std::vector<float>& x, const std::vector<float>& gamma, const std::vector<float>& beta) const {
        const auto expectWithin = [](const Interval& allowed, float value) {
            EXPECT_GE(static_cast<double>(value), allowed.low);
            EXPECT_LE(static_cast<double>(value), allowed.high);
        };
        for (uint32_t i = 0; i < channels_; ++i) {
            const double second = static_cast<double>(second_[i]);
            const double ofVariance = inverseDeviation(spec(), second);
            const Fp32Range rstd = training_
                                       ? Fp32Range(second)
                                       : Fp32Range(Interval{ofVariance * (1 - 0x1p-22), ofVariance * (1 + 0x1p-22)});
            const ColumnGradientBound bound(spec(), static_cast<double>(gamma_[i]), static_cast<double>(mean_[i]), rstd,
                                            training_, column(x_, i), column(arriving_, i));
            for (uint64_t row = 0; row < rows_ && !::testing::Test::HasFailure(); ++row) {
                SCOPED_TRACE(std::to_string(row) + " " + std::to_string(i));
                expectWithin(bound.element(row), x[row * channels_ + i]);
            }
            expectWithin(bound.gamma().worst(), gamma[i]);
            expectWithin(bound.beta().worst(), beta[i]);
        }
    }

    const uint32_t channels_;
    const uint64_t rows_;
    const bool training_;
    std::vector<float> x_;
    std::vector<float> arriving_;
    std::vector<float> gamma_;
    std::vector<float> mean_;
    std::vector<float> second_;  // variance, or rstd
};

TEST_F(Backward, BatchNorm) {
    for (const bool training : {false, true}) {
        for (const uint64_t rows : {1u, 33u, 300u}) {
            const BatchGradients batch(rows == 33 ? 64 : 37, rows, training);
            batch.run(gpu(), false);
            batch.run(gpu(), true);
        }
    }
}

// Parameters' gradients of no rows are zeros, or what was there.
TEST_F(Backward, NoRows) {
    GradientCase gradient;
    gradient.rows = 0;
    gradient.with.merge(parameterGradients(VKN_PLACEMENT_NONE, gradient.operation));
    expectGradients(gpu(), gradient);
    gradient.persistent = true;
    expectGradients(gpu(), gradient);
    gradient.flags = VKN_PLAN_ACCUMULATE_BIT;
    expectGradients(gpu(), gradient);
}

TEST_F(Backward, GammaOfZeroAndConstantRows) {
    for (const VknOperation operation : kNorms) {
        GradientCase gradient;
        gradient.operation = operation;
        gradient.with.merge(parameterGradients(VKN_PLACEMENT_NONE, operation));
        gradient.values[VKN_ROLE_GAMMA] = [](uint64_t, uint64_t) { return 0.0; };
        gradient.values[VKN_ROLE_INPUT] = [](uint64_t row, uint64_t column) {
            return row == 1 ? 3.0 : (row == 2 ? 0.0 : static_cast<double>((row * 7 + column) % 11) - 5.0);
        };
        expectGradients(gpu(), gradient);
        gradient.values.erase(VKN_ROLE_GAMMA);
        expectGradients(gpu(), gradient);
    }
}

TEST_F(Backward, LargeMeanAndExtremeRows) {
    for (const auto& [operation, hiddenSize, saved] :
         {std::tuple(VKN_OPERATION_RMS_NORM, 1000u, false), std::tuple(VKN_OPERATION_RMS_NORM, 1000u, true),
          std::tuple(VKN_OPERATION_LAYER_NORM, 1000u, false), std::tuple(VKN_OPERATION_LAYER_NORM, 1000u, true),
          std::tuple(VKN_OPERATION_LAYER_NORM, 128u, true)}) {
        GradientCase gradient;
        gradient.operation = operation;
        gradient.hiddenSize = hiddenSize;
        if (saved) {
            saveStatistics(gradient);
        }
        gradient.with.merge(parameterGradients(VKN_PLACEMENT_NONE, operation));
        gradient.values[VKN_ROLE_INPUT] = [](uint64_t row, uint64_t column) {
            const double noise = static_cast<double>((row * 31 + column * 17) % 101) / 50.0 - 1.0;
            return row == 0 ? 10000.0 + 0.1 * noise : row == 1 ? 1e25 * noise : row == 2 ? 1e-25 * noise : noise;
        };
        expectGradients(gpu(), gradient);
    }
}

// Many rows: several parts, the same bits each time and from a binding of its own.
TEST_F(Backward, SameRowsSameBits) {
    GradientCase gradient;
    gradient.operation = VKN_OPERATION_LAYER_NORM;
    gradient.hiddenSize = 96;
    gradient.rows = 1000;
    gradient.with.merge(parameterGradients(VKN_PLACEMENT_NONE, gradient.operation));
    std::vector<std::vector<uint8_t>> first;
    for (int i = 0; i < 4; ++i) {
        gradient.persistent = i == 3;
        GradientRun run(gpu(), gpu().context(), gradient);
        run.run();
        std::vector<std::vector<uint8_t>> bytes;
        for (const VknRole role : {VKN_ROLE_INPUT_GRADIENT, VKN_ROLE_GAMMA_GRADIENT, VKN_ROLE_BETA_GRADIENT}) {
            bytes.push_back(run.after(role).bytes());
        }
        if (i == 0) {
            run.check();
            first = bytes;
        }
        EXPECT_EQ(bytes, first) << i;
    }
}

std::vector<uint32_t> bitsOf(const Tensor& tensor) {
    std::vector<uint32_t> bits;
    for (uint64_t row = 0; row < tensor.layout().rows; ++row) {
        for (uint64_t column = 0; column < tensor.layout().hiddenSize; ++column) {
            bits.push_back(tensor.bits(row, column));
        }
    }
    return bits;
}

// Rows that start at 16 bytes have a kernel of their own, which may hold them; others are read as they are needed.
TEST_F(Backward, RowsOfAnyAlignmentHaveTheSameBits) {
    size_t turn = 0;
    for (const VknPlacement placement : {VKN_PLACEMENT_NONE, VKN_PLACEMENT_PRE_NORM}) {
        for (const VknOperation operation : kNorms) {
            for (const uint32_t hiddenSize : {64u, 120u, 128u, 1024u}) {
                ++turn;
                if (!isShareOf(turn + turn / 4, 2)) {
                    continue;
                }
                GradientCase gradient;
                gradient.placement = placement;
                gradient.operation = operation;
                gradient.hiddenSize = hiddenSize;
                gradient.branch = gradient.arriving = gradient.stream = kTypes[turn % 3];
                gradient.with.merge(parameterGradients(placement, operation));
                if (turn % 2 == 0) {
                    saveStatistics(gradient);
                }
                gradient.offset = 16;
                GradientRun aligned(gpu(), gpu().context(), gradient);
                gradient.offset = 4;
                gradient.gap = 1;
                GradientRun shifted(gpu(), gpu().context(), gradient);
                SCOPED_TRACE(gradient.describe());
                aligned.run();
                shifted.run();
                for (const VknRole role : {VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT, VKN_ROLE_GAMMA_GRADIENT,
                                           VKN_ROLE_BETA_GRADIENT}) {
                    EXPECT_EQ(bitsOf(aligned.after(role)), bitsOf(shifted.after(role))) << role;
                }
            }
        }
    }
}

// A device that binds less: rows come in several dispatches, and so do their sums.
class SplitBackward : public GpuTest {
protected:
    void expectSplit(const GradientCase& gradient, size_t dispatches) {
        FunctionShim shim(gpu().device());
        shim.maxStorageBufferRange = 40000;
        const PlainContext context(gpu().device(), shim.getInstanceProcAddr());
        SCOPED_TRACE(gradient.describe());
        GradientRun run(gpu(), context.get(), gradient);
        run.run();
        ASSERT_FALSE(HasFailure());
        run.check();
        EXPECT_EQ(shim.calls["vkCmdDispatch"], dispatches);
    }
};

TEST_F(SplitBackward, OfABlock) {
    GradientCase gradient;
    gradient.placement = VKN_PLACEMENT_PRE_NORM;
    gradient.hiddenSize = 40;
    gradient.rows = 400;
    addAll(gradient);
    expectSplit(gradient, 8);  // two of rows, two of columns, four joins
    gradient.flags = VKN_PLAN_IN_PLACE_BIT;
    expectSplit(gradient, 10);  // and two that measure
}

// A device of few registers: pieces are pairs, the mean comes from a pass of its own, and nothing loops over workgroups' worth of rows
// or columns: the grid has layers of three. What is dropped is found first, in rows only where its bits fit.
TEST_F(SplitBackward, OfADeviceWithFewRegisters) {
    constexpr uint32_t kBroadcom = 0x14E4;
    FunctionShim shim(gpu().device());
    shim.vendorId = kBroadcom;
    shim.maxWorkgroups = 3;
    const PlainContext context(gpu().device(), shim.getInstanceProcAddr());
    struct Few {
        VknPlacement placement;
        uint32_t hiddenSize;
        float dropoutProbability;
    };
    for (const Few& few : {Few{VKN_PLACEMENT_SANDWICH_PRE_NORM, 1031, 0},
                           Few{VKN_PLACEMENT_SANDWICH_PRE_NORM, 1031, 0.25F}, Few{VKN_PLACEMENT_POST_NORM, 1031, 0.25F},
                           Few{VKN_PLACEMENT_PARALLEL, 1031, 0.25F}, Few{VKN_PLACEMENT_PARALLEL, 32771, 0.25F}}) {
        GradientCase gradient;
        gradient.placement = few.placement;
        gradient.operation = VKN_OPERATION_LAYER_NORM;
        gradient.variant.form = VKN_KERNEL_FORM_SHARED;
        gradient.branch = VKN_TYPE_BF16;
        gradient.hiddenSize = few.hiddenSize;
        gradient.rows = 4;
        gradient.dropoutProbability = few.dropoutProbability;
        addAll(gradient);
        SCOPED_TRACE(gradient.describe());
        GradientRun run(gpu(), context.get(), gradient);
        run.run();
        ASSERT_FALSE(HasFailure());
        run.check();
    }
}

// lavapipe ends an invocation, without a word, once its loops have taken 65535 turns; those of dropout count, and so do those over
// pieces of columns where there are fewer workgroups than pieces.
TEST_F(SplitBackward, OfMoreTurnsThanLavapipeTakes) {
    FunctionShim shim(gpu().device());
    shim.maxWorkgroups = 1;
    const PlainContext context(gpu().device(), shim.getInstanceProcAddr(), VK_API_VERSION_1_1);
    GradientCase gradient;
    gradient.placement = VKN_PLACEMENT_PRE_NORM;
    gradient.hiddenSize = 1024;
    gradient.rows = 1024;
    gradient.dropoutProbability = 0.25f;
    addAll(gradient);
    GradientRun run(gpu(), context.get(), gradient);
    run.run();
    ASSERT_FALSE(HasFailure());
    run.check();
}

// Dispatches that do not start with the first row of gamma.
TEST_F(SplitBackward, OfRowsThatTakeTurnsWithGammas) {
    GradientCase gradient;
    gradient.hiddenSize = 200;
    gradient.rows = 130;
    gradient.parameterRows = 3;
    gradient.with.merge(parameterGradients(VKN_PLACEMENT_NONE, gradient.operation));
    expectSplit(gradient, 8);  // three of rows, three of columns, two joins
}

}  // namespace
}  // namespace vknorm::test
