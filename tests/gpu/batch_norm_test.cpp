// BatchNorm: statistics of columns, by training and as it has left them.
#include "gpu/fixture.hpp"
#include "gpu/function_shim.hpp"
#include "support/bounds.hpp"
#include "support/formats.hpp"
#include "support/random.hpp"
#include "support/tensor.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace vknorm::test {
namespace {

struct BatchCase {
    bool training = true;
    VknType input = VKN_TYPE_F32;
    VknType output = VKN_TYPE_F32;
    std::optional<VknType> gamma;
    std::optional<VknType> beta;
    bool running = false;  // with training: brought up to date; without, they are always there
    bool inPlace = false;
    bool epsilonOutside = false;
    float momentum = 0.1f;
    uint32_t channels = 64;
    uint64_t rows = 100;
    uint64_t gap = 0;  // elements between a row and the next
    uint64_t offset = 16;
    bool persistent = false;  // recorded with a binding of its own
    uint64_t seed = 1;
    std::function<double(uint64_t row, uint64_t column)> value;

    bool hasRunning() const { return running || !training; }
    std::string describe() const {
        return std::string(training ? "training" : "inference") + " types " + std::to_string(input) + ">" +
               std::to_string(output) + " " + std::to_string(rows) + " x " + std::to_string(channels) +
               (inPlace ? " in place" : "") + " gap " + std::to_string(gap) + " offset " + std::to_string(offset);
    }
};

constexpr float kEpsilon = 1e-5f;

// Vectors of a channel's element each, one behind the other in a buffer.
struct Columns {
    std::vector<float> mean;
    std::vector<float> second;  // variance, or rstd

    std::vector<float> both() const {
        std::vector<float> all = mean;
        all.insert(all.end(), second.begin(), second.end());
        return all;
    }
};

class BatchRun {
public:
    BatchRun(Gpu& gpu, VknContext context, const BatchCase& batch)
        : gpu_(gpu),
          context_(context),
          batch_(batch),
          input_(makeRows()),
          target_(batch.inPlace ? input_ : Tensor(layoutOf(batch.output))),
          gamma_(makeParameters(batch.gamma, 1.0)),
          beta_(makeParameters(batch.beta, 0.0)),
          running_(makeRunning()) {
        createPlan();
    }
    ~BatchRun() { vknDestroyPlan(plan_); }
    BatchRun(const BatchRun&) = delete;
    BatchRun& operator=(const BatchRun&) = delete;

    // The bytes of y.
    std::vector<uint8_t> run() {
        const Buffer input(gpu_.device(), input_.bytes());
        const Buffer output(gpu_.device(), target_.bytes());
        const Buffer gamma(gpu_.device(), gamma_.bytes());
        const Buffer beta(gpu_.device(), beta_.bytes());
        const Buffer running(gpu_.device(), running_.both());
        const Buffer ofBatch(gpu_.device(), std::vector<float>(size_t{2} * batch_.channels, -7.0f));
        std::vector<VknOperand> operands = {operandOf(VKN_ROLE_OUTPUT, output)};
        if (!batch_.inPlace) {
            operands.push_back(operandOf(VKN_ROLE_INPUT, input));
        }
        if (batch_.gamma) {
            operands.push_back(gamma.operand(VKN_ROLE_GAMMA));
        }
        if (batch_.beta) {
            operands.push_back(beta.operand(VKN_ROLE_BETA));
        }
        if (batch_.hasRunning()) {
            addColumns(operands, VKN_ROLE_RUNNING_MEAN, VKN_ROLE_RUNNING_VARIANCE, running);
        }
        if (batch_.training) {
            addColumns(operands, VKN_ROLE_BATCH_MEAN, VKN_ROLE_BATCH_RSTD, ofBatch);
        }
        execute(operands);
        Tensor after = target_;
        output.download(0, after.bytes().data(), after.bytes().size());
        const std::vector<WrittenRows> written = {{after.layout(), batch_.rows}};
        EXPECT_EQ(findOverwritten(target_.bytes(), after.bytes(), written), "");
        check(after, columnsOf(ofBatch), columnsOf(running));
        return after.bytes();
    }

private:
    TensorLayout layoutOf(VknType type) const {
        TensorLayout layout;
        layout.type = type;
        layout.rows = batch_.rows;
        layout.hiddenSize = batch_.channels;
        layout.rowStride = batch_.channels + batch_.gap;
        layout.byteOffset = batch_.offset;
        return layout;
    }

    // Columns of different scale and mean, so that one mistaken for another shows.
    Tensor makeRows() const {
        Random random(batch_.seed);
        Tensor tensor(layoutOf(batch_.input));
        tensor.fill([&](uint64_t row, uint64_t column) {
            if (batch_.value) {
                return batch_.value(row, column);
            }
            return std::ldexp(random.normal() + static_cast<double>(column % 3), static_cast<int>(column % 5) - 2);
        });
        return tensor;
    }

    Tensor makeParameters(std::optional<VknType> type, double mean) const {
        Random random(batch_.seed + 100 + static_cast<uint64_t>(mean));
        TensorLayout layout;
        layout.type = type.value_or(VKN_TYPE_F32);
        layout.hiddenSize = batch_.channels;
        Tensor tensor(layout);
        tensor.fill([&](uint64_t, uint64_t) { return mean + 0.5 * random.normal(); });
        return tensor;
    }

    Columns makeRunning() const {
        Random random(batch_.seed + 200);
        Columns columns;
        for (uint32_t i = 0; i < batch_.channels; ++i) {
            columns.mean.push_back(static_cast<float>(random.normal()));
            columns.second.push_back(static_cast<float>(std::exp(random.normal())));
        }
        return columns;
    }

    VknOperand operandOf(VknRole role, const Buffer& buffer) const {
        return {role, buffer.handle(), batch_.offset, buffer.size(), batch_.channels + batch_.gap, 0};
    }

    void addColumns(std::vector<VknOperand>& operands, VknRole first, VknRole second, const Buffer& buffer) const {
        operands.push_back(buffer.operand(first));
        operands.push_back(buffer.operand(second));
        operands.back().offset = batch_.channels * sizeof(float);
    }

    Columns columnsOf(const Buffer& buffer) const {
        return {buffer.download<float>(batch_.channels),
                buffer.download<float>(batch_.channels, batch_.channels * sizeof(float))};
    }

    void createPlan() {
        VknBatchInfo batch{};
        batch.sType = VKN_STRUCTURE_TYPE_BATCH_INFO;
        batch.training = batch_.training ? VK_TRUE : VK_FALSE;
        batch.momentum = batch_.momentum;
        std::vector<VknOperandType> types = {{VKN_ROLE_OUTPUT, batch_.output}};
        const auto add = [&](bool isThere, VknRole role, VknType type) {
            if (isThere) {
                types.push_back({role, type});
            }
        };
        add(!batch_.inPlace, VKN_ROLE_INPUT, batch_.input);
        add(batch_.gamma.has_value(), VKN_ROLE_GAMMA, batch_.gamma.value_or(VKN_TYPE_F32));
        add(batch_.beta.has_value(), VKN_ROLE_BETA, batch_.beta.value_or(VKN_TYPE_F32));
        add(batch_.hasRunning(), VKN_ROLE_RUNNING_MEAN, VKN_TYPE_F32);
        add(batch_.hasRunning(), VKN_ROLE_RUNNING_VARIANCE, VKN_TYPE_F32);
        add(batch_.training, VKN_ROLE_BATCH_MEAN, VKN_TYPE_F32);
        add(batch_.training, VKN_ROLE_BATCH_RSTD, VKN_TYPE_F32);
        VknPlanCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        info.pNext = &batch;
        info.flags = (batch_.inPlace ? VknPlanFlags{VKN_PLAN_IN_PLACE_BIT} : 0u) |
                     (batch_.epsilonOutside ? VknPlanFlags{VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT} : 0u);
        info.operation = VKN_OPERATION_BATCH_NORM;
        info.hiddenSize = batch_.channels;
        info.operandCount = static_cast<uint32_t>(types.size());
        info.pOperands = types.data();
        info.epsilon = kEpsilon;
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        const VknResult result = vknCreatePlan(context_, &info, &plan_, &error);
        if (result != VKN_SUCCESS) {
            throw std::runtime_error(error.message);
        }
    }

    void execute(const std::vector<VknOperand>& operands) {
        VknExecuteInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
        info.rows = batch_.rows;
        info.operandCount = static_cast<uint32_t>(operands.size());
        info.pOperands = operands.data();
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        VkDeviceSize needed = 0;
        ASSERT_EQ(vknGetScratchSize(plan_, &info, &needed, &error), VKN_SUCCESS) << error.message;
        EXPECT_EQ(needed != 0, batch_.training);
        // Exactly what is needed, and full of what must not be taken for a sum.
        Buffer scratch(gpu_.device(), needed + 4);
        scratch.fill(0x7FC0DEAD);
        info.scratchBuffer = scratch.handle();
        info.scratchSize = needed;
        VknBindingPool pool = makePool();
        info.bindingPool = pool;
        VknBinding binding = VKN_NULL_HANDLE;
        if (batch_.persistent) {
            ASSERT_EQ(vknCreateBinding(plan_, &info, &binding, &error), VKN_SUCCESS) << error.message;
        }
        VknResult result = VKN_SUCCESS;
        gpu_.submit([&](VkCommandBuffer commands) {
            result = batch_.persistent ? vknCmdExecuteBinding(binding, commands, batch_.rows, &error)
                                       : vknCmdExecute(plan_, commands, &info, &error);
        });
        vknDestroyBinding(binding);
        vknDestroyBindingPool(pool);
        ASSERT_EQ(result, VKN_SUCCESS) << error.field << ": " << error.message;
        EXPECT_EQ(scratch.download<uint32_t>(1, needed)[0], 0x7FC0DEADu) << "behind the scratch";
    }

    VknBindingPool makePool() const {
        VknBindingPoolCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
        info.maxDispatches = 64;
        VknBindingPool pool = VKN_NULL_HANDLE;
        EXPECT_EQ(vknCreateBindingPool(context_, &info, &pool, nullptr), VKN_SUCCESS);
        return pool;
    }

    NormBound boundOf(uint64_t column, const std::vector<double>& x) const {
        NormSpec spec;
        spec.operation = VKN_OPERATION_BATCH_NORM;
        spec.epsilon = static_cast<double>(kEpsilon);
        spec.epsilonOutside = batch_.epsilonOutside;
        spec.hasGamma = batch_.gamma.has_value();
        spec.hasBeta = batch_.beta.has_value();
        spec.inputType = batch_.input;
        // Four rows at a time, then eight lanes.
        constexpr ReductionShape kShape = {1, 8, true};
        return batch_.training ? NormBound(spec, x, kShape)
                               : NormBound(spec, static_cast<double>(running_.mean[column]),
                                           static_cast<double>(running_.second[column]));
    }

    void check(const Tensor& after, const Columns& ofBatch, const Columns& running) const {
        for (uint64_t column = 0; column < batch_.channels && !::testing::Test::HasFailure(); ++column) {
            SCOPED_TRACE("column " + std::to_string(column));
            std::vector<double> x;
            for (uint64_t row = 0; row < batch_.rows; ++row) {
                x.push_back(input_.value(row, column));
            }
            const NormBound bound = boundOf(column, x);
            checkElements(after, column, x, bound);
            if (batch_.training && std::isfinite(bound.exact().mean)) {
                expectWithin(bound.mean(), ofBatch.mean[column]);
                expectWithin(bound.rstd(), ofBatch.second[column]);
            }
            checkRunning(column, bound, running);
        }
    }

    void checkElements(const Tensor& after, uint64_t column, const std::vector<double>& x,
                       const NormBound& bound) const {
        const double gamma = batch_.gamma ? gamma_.value(0, column) : 1.0;
        const double beta = batch_.beta ? beta_.value(0, column) : 0.0;
        for (uint64_t row = 0; row < batch_.rows; ++row) {
            const double exact = bound.exactElement(x[row], gamma, beta);
            const uint32_t bits = after.bits(row, column);
            ASSERT_TRUE(judge(batch_.output, bound.element(x[row], gamma, beta), exact, bits).isRight)
                << "row " << row << ": " << decode(batch_.output, bits) << ", not " << exact;
        }
    }

    // Untouched without training; otherwise moved towards the batch's, whose variance is the unbiased one.
    void checkRunning(uint64_t column, const NormBound& bound, const Columns& running) const {
        if (!batch_.training || !batch_.running) {
            EXPECT_EQ(running.mean[column], running_.mean[column]);
            EXPECT_EQ(running.second[column], running_.second[column]);
            return;
        }
        if (!std::isfinite(bound.exact().mean)) {
            return;
        }
        const double count = static_cast<double>(batch_.rows);
        const double unbiased = count / std::max(count - 1.0, 1.0);
        const double variance = bound.exact().variance * unbiased;
        const Interval rstd = bound.rstd();
        // rstd is the root of what the variance and epsilon are.
        const double varianceError = 2.0 * (rstd.high / bound.exact().rstd - 1.0) * unbiased *
                                     (bound.exact().variance + static_cast<double>(kEpsilon));
        const double meanError = bound.mean().high - bound.exact().mean;
        expectMoved(running_.mean[column], bound.exact().mean, meanError, running.mean[column]);
        expectMoved(running_.second[column], variance, varianceError, running.second[column]);
    }

    // Towards what the batch has, known to +-`error`, in two products and a sum, of which one has a rounded factor.
    void expectMoved(float old, double ofBatch, double error, float value) const {
        constexpr double kRoundings = 3 * 0x1p-24;
        const double momentum = static_cast<double>(batch_.momentum);
        const double exact = (1.0 - momentum) * static_cast<double>(old) + momentum * ofBatch;
        const double allowed =
            momentum * error + kRoundings * (std::fabs(static_cast<double>(old)) + std::fabs(ofBatch) + error);
        expectWithin({exact - allowed, exact + allowed}, value);
    }

    static void expectWithin(const Interval& allowed, float value) {
        EXPECT_GE(static_cast<double>(value), allowed.low);
        EXPECT_LE(static_cast<double>(value), allowed.high);
    }

    Gpu& gpu_;
    VknContext context_;
    const BatchCase batch_;
    const Tensor input_;
    const Tensor target_;
    const Tensor gamma_;
    const Tensor beta_;
    const Columns running_;
    VknPlan plan_ = VKN_NULL_HANDLE;
};

class BatchNorm : public GpuTest {
protected:
    std::vector<uint8_t> run(const BatchCase& batch) {
        SCOPED_TRACE(batch.describe());
        return BatchRun(gpu(), gpu().context(), batch).run();
    }
};

constexpr VknType kTypes[] = {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16};

// One channel and many, of whole pieces and not; one row, less than a part, parts that are whole and not, many parts.
TEST_F(BatchNorm, EveryShapeAndType) {
    size_t turn = 0;
    for (const uint32_t channels : {1u, 3u, 8u, 129u, 1024u}) {
        for (const uint64_t rows : {1u, 2u, 32u, 33u, 1000u}) {
            for (const bool training : {true, false}) {
                ++turn;
                if (!isShareOf(turn / 2 + channels, 2)) {
                    continue;
                }
                BatchCase batch;
                batch.training = training;
                batch.channels = channels;
                batch.rows = rows;
                batch.input = kTypes[turn % 3];
                batch.output = kTypes[turn / 3 % 3];
                batch.gamma = turn % 4 == 0 ? std::nullopt : std::optional(kTypes[turn / 2 % 3]);
                batch.beta = turn % 5 == 0 ? std::nullopt : std::optional(kTypes[turn / 4 % 3]);
                batch.running = turn % 4 == 1;
                batch.epsilonOutside = turn % 7 == 0;
                batch.gap = turn % 3 == 0 ? 8 : turn % 4;
                batch.offset = turn % 5 == 0 ? 4 : 16;
                batch.seed = turn;
                run(batch);
            }
        }
    }
}

TEST_F(BatchNorm, InPlace) {
    for (const bool training : {true, false}) {
        for (const uint64_t gap : {0u, 3u}) {
            BatchCase batch;
            batch.training = training;
            batch.inPlace = true;
            batch.input = VKN_TYPE_BF16;
            batch.output = VKN_TYPE_BF16;
            batch.gap = gap;
            run(batch);
        }
    }
}

TEST_F(BatchNorm, RunningStatisticsMoveByTheMomentum) {
    for (const float momentum : {0.0f, 0.25f, 1.0f}) {
        BatchCase batch;
        batch.running = true;
        batch.momentum = momentum;
        run(batch);
    }
}

// Of a large mean and a small deviation, E[x^2] - E[x]^2 keeps no digit; nor do squares about a first row that is far away.
TEST_F(BatchNorm, KeepsTheDigitsOfALargeMean) {
    BatchCase batch;
    batch.rows = 5000;
    batch.channels = 5;
    batch.value = [](uint64_t row, uint64_t column) {
        return (column == 0 ? 10000.0 : 1000.0 * static_cast<double>(column)) + static_cast<double>(row % 7) / 8.0;
    };
    run(batch);
    batch.value = [](uint64_t row, uint64_t) { return row % 500 == 0 ? 100000.0 : static_cast<double>(row % 11); };
    run(batch);
}

TEST_F(BatchNorm, ConstantColumnsAreExact) {
    BatchCase batch;
    batch.channels = 9;
    batch.rows = 3000;
    batch.value = [](uint64_t, uint64_t column) { return 0.1 * static_cast<double>(column) - 0.3; };
    BatchRun plain(gpu(), gpu().context(), batch);
    const std::vector<uint8_t> bytes = plain.run();
    TensorLayout layout;
    layout.rows = batch.rows;
    layout.hiddenSize = batch.channels;
    layout.byteOffset = batch.offset;
    Tensor after(layout);
    ASSERT_EQ(after.bytes().size(), bytes.size());
    after.bytes() = bytes;
    for (uint64_t row = 0; row < batch.rows; ++row) {
        for (uint64_t column = 0; column < batch.channels; ++column) {
            ASSERT_EQ(after.value(row, column), 0.0) << row << " " << column;
        }
    }
}

TEST_F(BatchNorm, NanAndInfinityStayInTheirColumn) {
    for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        BatchCase batch;
        batch.channels = 33;
        batch.rows = 130;
        batch.running = true;
        batch.value = [bad](uint64_t row, uint64_t column) {
            return row == 77 && column == 12 ? bad : static_cast<double>((row * 7 + column) % 13) - 6.0;
        };
        run(batch);
    }
}

TEST_F(BatchNorm, SameRowsSameBits) {
    BatchCase batch;
    batch.channels = 200;
    batch.rows = 3000;
    const std::vector<uint8_t> first = run(batch);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(run(batch), first);
    }
    batch.persistent = true;
    EXPECT_EQ(run(batch), first);
}

// A device that binds less: the rows come in several dispatches, with descriptor sets and without.
TEST_F(BatchNorm, TensorsBeyondABinding) {
    FunctionShim shim(gpu().device());
    shim.maxStorageBufferRange = 40000;
    const PlainContext context(gpu().device(), shim.getInstanceProcAddr());
    for (const bool persistent : {false, true}) {
        BatchCase batch;
        batch.channels = 40;
        batch.rows = 1000;
        batch.running = true;
        batch.persistent = persistent;
        shim.calls.clear();
        BatchRun(gpu(), context.get(), batch).run();
        EXPECT_GT(shim.calls["vkCmdDispatch"], 8u);
    }
}

// What surrounds BatchNorm is what surrounds every norm: fused has the bits of one after the other.
TEST_F(BatchNorm, PlacementsHaveTheBitsOfTheirParts) {
    constexpr uint32_t kChannels = 72;
    constexpr uint64_t kRows = 20;
    Random random(5);
    const auto values = [&](size_t count) {
        std::vector<float> all(count);
        for (float& value : all) {
            value = static_cast<float>(random.normal());
        }
        return all;
    };
    const std::vector<float> x = values(kRows * kChannels);
    const std::vector<float> residual = values(kRows * kChannels);
    std::vector<float> running = values(size_t{2} * kChannels);
    for (size_t i = kChannels; i < running.size(); ++i) {
        running[i] = 0.5f + running[i] * running[i];
    }
    const Buffer runningBuffer(gpu().device(), running);
    const auto compute = [&](VknPlacement placement, const std::vector<float>& input, VknRole result) {
        const Buffer inputBuffer(gpu().device(), input);
        const Buffer residualBuffer(gpu().device(), residual);
        const Buffer sum(gpu().device(), std::vector<float>(input.size()));
        const Buffer output(gpu().device(), std::vector<float>(input.size()));
        const bool hasSum = placement == VKN_PLACEMENT_PRE_NORM || placement == VKN_PLACEMENT_SANDWICH;
        std::vector<VknOperand> operands = {inputBuffer.operand(VKN_ROLE_INPUT),
                                            runningBuffer.operand(VKN_ROLE_RUNNING_MEAN),
                                            runningBuffer.operand(VKN_ROLE_RUNNING_VARIANCE)};
        operands.back().offset = kChannels * sizeof(float);
        if (placement != VKN_PLACEMENT_NONE) {
            operands.push_back(residualBuffer.operand(VKN_ROLE_RESIDUAL));
        }
        if (hasSum) {
            operands.push_back(sum.operand(VKN_ROLE_RESIDUAL_OUTPUT));
        }
        if (placement != VKN_PLACEMENT_SANDWICH) {
            operands.push_back(output.operand(VKN_ROLE_OUTPUT));
        }
        std::vector<VknOperandType> types;
        for (const VknOperand& operand : operands) {
            types.push_back({operand.role, VKN_TYPE_F32});
        }
        VknBlockInfo block{};
        block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
        block.placement = placement;
        VknPlanCreateInfo plan{};
        plan.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        plan.pNext = &block;
        plan.operation = VKN_OPERATION_BATCH_NORM;
        plan.hiddenSize = kChannels;
        plan.operandCount = static_cast<uint32_t>(types.size());
        plan.pOperands = types.data();
        plan.epsilon = kEpsilon;
        VknPlan made = VKN_NULL_HANDLE;
        EXPECT_EQ(vknCreatePlan(gpu().context(), &plan, &made, nullptr), VKN_SUCCESS);
        VknExecuteInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
        info.rows = kRows;
        info.operandCount = static_cast<uint32_t>(operands.size());
        info.pOperands = operands.data();
        info.bindingPool = gpu().bindingPool();
        gpu().submit(
            [&](VkCommandBuffer commands) { EXPECT_EQ(vknCmdExecute(made, commands, &info, nullptr), VKN_SUCCESS); });
        vknDestroyPlan(made);
        return (result == VKN_ROLE_OUTPUT ? output : sum).download<float>(input.size());
    };
    std::vector<float> added(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
        added[i] = residual[i] + x[i];
    }
    const std::vector<float> normOfSum = compute(VKN_PLACEMENT_NONE, added, VKN_ROLE_OUTPUT);
    EXPECT_EQ(compute(VKN_PLACEMENT_PRE_NORM, x, VKN_ROLE_OUTPUT), normOfSum);
    EXPECT_EQ(compute(VKN_PLACEMENT_PRE_NORM, x, VKN_ROLE_RESIDUAL_OUTPUT), added);
    EXPECT_EQ(compute(VKN_PLACEMENT_POST_NORM, x, VKN_ROLE_OUTPUT), normOfSum);
    std::vector<float> sandwich = compute(VKN_PLACEMENT_NONE, x, VKN_ROLE_OUTPUT);
    for (size_t i = 0; i < x.size(); ++i) {
        sandwich[i] = residual[i] + sandwich[i];
    }
    EXPECT_EQ(compute(VKN_PLACEMENT_SANDWICH, x, VKN_ROLE_RESIDUAL_OUTPUT), sandwich);
}

}  // namespace
}  // namespace vknorm::test
