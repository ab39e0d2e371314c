// Training: a small residual stack learns what another one does, with the blocks' forward and backward on the GPU and
// the rest on the host. Its losses are those of the same run in fp64, step by step.
#include "gpu/fixture.hpp"
#include "support/formats.hpp"
#include "support/gradients.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace vknorm::test {
namespace {

constexpr size_t kBlocks = 3;
constexpr size_t kRows = 24;
constexpr uint32_t kHidden = 32;
constexpr int kSteps = 40;
constexpr double kLearningRate = 0.3;
constexpr double kEpsilon = 0x1p-20;

using Row = std::vector<double>;
using Rows = std::vector<Row>;

struct Parameters {  // of a block
    Row gamma;
    Row layerScale;
    Rows weights;  // of the linear layer that makes its branch
};

struct BlockOutput {
    Rows sum;     // h
    Rows output;  // y
};

struct BlockGradients {
    Rows branch;
    Rows stream;
    Row gamma;
    Row layerScale;
};

// h = stream + layerScale * branch; y = RMSNorm(h) * gamma, of all rows. The backward finds what the forward has
// left.
class Blocks {
public:
    Blocks() = default;
    Blocks(const Blocks&) = delete;
    Blocks& operator=(const Blocks&) = delete;
    virtual ~Blocks() = default;
    virtual BlockOutput forward(size_t block, const Parameters& parameters, const Rows& branch, const Rows& stream) = 0;
    virtual BlockGradients backward(size_t block, const Parameters& parameters, const Rows& output,
                                    const Rows& stream) = 0;
};

// ---- in fp64
// -------------------------------------------------------------------------------------------------------

enum class Flaw {
    None,
    NoProjection,       // of the norm: c1 left out
    NoStream,           // what arrives along the stream is left out
    UnscaledBranch,     // the branch's gradient lacks the layer scale
    WrongSignOfGamma,   // of its gradient
    WrongSignOfStream,  // of what arrives there
};

// Exact, or with every number that a kernel reads or writes off by `error` of itself, up or down.
class Fp64Blocks : public Blocks {
public:
    explicit Fp64Blocks(double error = 0.0, uint64_t seed = 0, Flaw flaw = Flaw::None)
        : error_(error), random_(seed), flaw_(flaw) {
        spec_.placement = VKN_PLACEMENT_PRE_NORM;
        spec_.norm[0].epsilon = kEpsilon;
        spec_.norm[0].hasGamma = true;
    }

    BlockOutput forward(size_t block, const Parameters& parameters, const Rows& branch, const Rows& stream) override {
        BlockOutput result;
        branches_[block] = disturbed(branch);
        for (size_t row = 0; row < kRows; ++row) {
            Row sum;
            for (size_t i = 0; i < kHidden; ++i) {
                sum.push_back(stream[row][i] + parameters.layerScale[i] * branches_[block][row][i]);
            }
            const RowStatistics statistics = normStatistics(spec_.norm[0], sum);
            Row output;
            for (size_t i = 0; i < kHidden; ++i) {
                output.push_back(normalise(statistics, sum[i]) * parameters.gamma[i]);
            }
            result.sum.push_back(sum);
            result.output.push_back(output);
        }
        result.sum = sums_[block] = disturbed(result.sum);
        result.output = disturbed(result.output);
        return result;
    }

    BlockGradients backward(size_t block, const Parameters& parameters, const Rows& output,
                            const Rows& stream) override {
        BlockGradients result = {{}, {}, Row(kHidden), Row(kHidden)};
        const Rows outputs = disturbed(output);
        const Rows streams = disturbed(stream);
        for (size_t row = 0; row < kRows; ++row) {
            addRow(block, row, parameters, outputs[row], streams[row], result);
        }
        result.branch = disturbed(result.branch);
        result.stream = disturbed(result.stream);
        return result;
    }

private:
    void addRow(size_t block, size_t row, const Parameters& parameters, const Row& output, Row stream,
                BlockGradients& result) {
        BlockParameters ofBlock;
        ofBlock.gamma[0] = parameters.gamma;
        ofBlock.layerScale = parameters.layerScale;
        BlockRow ofRow;
        ofRow.branch[0] = branches_[block][row];
        for (double& element : stream) {
            element *= flaw_ == Flaw::NoStream ? 0.0 : flaw_ == Flaw::WrongSignOfStream ? -1.0 : 1.0;
        }
        const Row& sum = sums_[block][row];
        Gradients gradients = computeGradients(spec_, ofBlock, ofRow, {{output, {}}, stream}, sum);
        if (flaw_ == Flaw::NoProjection) {
            const double rstd = normStatistics(spec_.norm[0], sum).rstd;
            for (size_t i = 0; i < kHidden; ++i) {
                gradients.residual[i] = stream[i] + rstd * parameters.gamma[i] * output[i];
                gradients.branch[0][i] = gradients.residual[i] * parameters.layerScale[i];
                gradients.layerScale[i] = gradients.residual[i] * ofRow.branch[0][i];
            }
        }
        result.branch.push_back(flaw_ == Flaw::UnscaledBranch ? gradients.residual : gradients.branch[0]);
        result.stream.push_back(gradients.residual);
        for (size_t i = 0; i < kHidden; ++i) {
            result.gamma[i] += flaw_ == Flaw::WrongSignOfGamma ? -gradients.gamma[0][i] : gradients.gamma[0][i];
            result.layerScale[i] += gradients.layerScale[i];
        }
    }

    Rows disturbed(Rows rows) {
        for (Row& row : rows) {
            for (double& element : row) {
                element *= error_ == 0.0 ? 1.0 : 1.0 + (random_.below(2) == 0 ? error_ : -error_);
            }
        }
        return rows;
    }

    const double error_;
    Random random_;
    const Flaw flaw_;
    BlockSpec spec_;
    Rows branches_[kBlocks];
    Rows sums_[kBlocks];
};

// ---- on the GPU
// ----------------------------------------------------------------------------------------------------

constexpr VkDeviceSize kRegion = 4096;  // of a tensor, in one buffer with all others: nothing that is bound touches two
static_assert(kRegion >= kRows * kHidden * sizeof(float));

// fp32: with the statistics that the forward saved. bf16: without, and the stream's gradient brought up to date in
// place. Parameters and their gradients are fp32.
class GpuBlocks : public Blocks {
public:
    GpuBlocks(Gpu& gpu, VknType type)
        : gpu_(gpu),
          type_(type),
          memory_(gpu.device(), kBlocks * kPerBlock * kRegion),
          scratch_(gpu.device(), 1 << 16) {
        std::vector<VknRole> forward = {VKN_ROLE_INPUT,           VKN_ROLE_RESIDUAL, VKN_ROLE_LAYER_SCALE,
                                        VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT,   VKN_ROLE_GAMMA};
        std::vector<VknRole> backward = {
            VKN_ROLE_INPUT,           VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_LAYER_SCALE,
            VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT,  VKN_ROLE_RESIDUAL_GRADIENT,
            VKN_ROLE_GAMMA,           VKN_ROLE_GAMMA_GRADIENT,  VKN_ROLE_LAYER_SCALE_GRADIENT};
        if (isInPlace()) {
            backward_ = makePlan(backward, VKN_PLAN_BACKWARD_BIT | VKN_PLAN_IN_PLACE_BIT);
        } else {
            forward.push_back(VKN_ROLE_RSTD);
            backward.insert(backward.end(), {VKN_ROLE_RSTD, VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT});
            backward_ = makePlan(backward, VKN_PLAN_BACKWARD_BIT);
        }
        forward_ = makePlan(forward, 0);
    }

    ~GpuBlocks() override {
        vknDestroyPlan(forward_.plan);
        vknDestroyPlan(backward_.plan);
    }

    BlockOutput forward(size_t block, const Parameters& parameters, const Rows& branch, const Rows& stream) override {
        upload(block, VKN_ROLE_INPUT, branch);
        upload(block, VKN_ROLE_RESIDUAL, stream);
        upload(block, VKN_ROLE_GAMMA, {parameters.gamma});
        upload(block, VKN_ROLE_LAYER_SCALE, {parameters.layerScale});
        execute(forward_, block);
        return {download(block, VKN_ROLE_RESIDUAL_OUTPUT, kRows), download(block, VKN_ROLE_OUTPUT, kRows)};
    }

    BlockGradients backward(size_t block, const Parameters& /*those of the forward*/, const Rows& output,
                            const Rows& stream) override {
        upload(block, VKN_ROLE_OUTPUT_GRADIENT, output);
        upload(block, isInPlace() ? VKN_ROLE_RESIDUAL_GRADIENT : VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT, stream);
        execute(backward_, block);
        return {download(block, VKN_ROLE_INPUT_GRADIENT, kRows), download(block, VKN_ROLE_RESIDUAL_GRADIENT, kRows),
                download(block, VKN_ROLE_GAMMA_GRADIENT, 1).front(),
                download(block, VKN_ROLE_LAYER_SCALE_GRADIENT, 1).front()};
    }

private:
    static constexpr VkDeviceSize kPerBlock = VKN_ROLE_ALPHA_GRADIENT + 1;

    struct Recorded {
        VknPlan plan = VKN_NULL_HANDLE;
        std::vector<VknRole> roles;
    };

    bool isInPlace() const { return type_ != VKN_TYPE_F32; }

    VknType typeOf(VknRole role) const {
        const bool isFp32 = role == VKN_ROLE_GAMMA || role == VKN_ROLE_LAYER_SCALE || role == VKN_ROLE_RSTD ||
                            role >= VKN_ROLE_GAMMA_GRADIENT;
        return isFp32 ? VKN_TYPE_F32 : type_;
    }

    static VkDeviceSize regionOf(size_t block, VknRole role) {
        return (block * kPerBlock + static_cast<VkDeviceSize>(role)) * kRegion;
    }

    Recorded makePlan(const std::vector<VknRole>& roles, VknPlanFlags flags) {
        std::vector<VknOperandType> operands;
        for (const VknRole role : roles) {
            operands.push_back({role, typeOf(role)});
        }
        VknBlockInfo block{};
        block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
        block.placement = VKN_PLACEMENT_PRE_NORM;
        VknPlanCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        info.pNext = &block;
        info.flags = flags;
        info.operation = VKN_OPERATION_RMS_NORM;
        info.hiddenSize = kHidden;
        info.operandCount = static_cast<uint32_t>(operands.size());
        info.pOperands = operands.data();
        info.epsilon = static_cast<float>(kEpsilon);
        VknPlan plan = VKN_NULL_HANDLE;
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        EXPECT_EQ(vknCreatePlan(gpu_.context(), &info, &plan, &error), VKN_SUCCESS) << error.message;
        return {plan, roles};
    }

    void execute(const Recorded& recorded, size_t block) {
        std::vector<VknOperand> operands;
        for (const VknRole role : recorded.roles) {
            operands.push_back(memory_.operand(role));
            operands.back().offset = regionOf(block, role);
        }
        VknExecuteInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
        info.rows = kRows;
        info.operandCount = static_cast<uint32_t>(operands.size());
        info.pOperands = operands.data();
        info.bindingPool = gpu_.bindingPool();
        info.scratchBuffer = scratch_.handle();
        info.scratchSize = scratch_.size();
        gpu_.submit([&](VkCommandBuffer commands) {
            VknError error{};
            error.sType = VKN_STRUCTURE_TYPE_ERROR;
            EXPECT_EQ(vknCmdExecute(recorded.plan, commands, &info, &error), VKN_SUCCESS) << error.message;
        });
    }

    void upload(size_t block, VknRole role, const Rows& rows) {
        const size_t size = elementSize(typeOf(role));
        std::vector<uint8_t> bytes(rows.size() * kHidden * size);
        for (size_t i = 0; i < rows.size() * kHidden; ++i) {
            storeBits(typeOf(role), &bytes[i * size], encode(typeOf(role), rows[i / kHidden][i % kHidden]));
        }
        memory_.upload(regionOf(block, role), bytes.data(), bytes.size());
    }

    Rows download(size_t block, VknRole role, size_t count) const {
        const size_t size = elementSize(typeOf(role));
        std::vector<uint8_t> bytes(count * kHidden * size);
        memory_.download(regionOf(block, role), bytes.data(), bytes.size());
        Rows rows(count, Row(kHidden));
        for (size_t i = 0; i < count * kHidden; ++i) {
            rows[i / kHidden][i % kHidden] = decode(typeOf(role), loadBits(typeOf(role), &bytes[i * size]));
        }
        return rows;
    }

    Gpu& gpu_;
    const VknType type_;
    Buffer memory_;
    Buffer scratch_;
    Recorded forward_;
    Recorded backward_;
};

// ---- training
// ------------------------------------------------------------------------------------------------------

Row randomRow(Random& random, double mean, double deviation) {
    Row row;
    for (size_t i = 0; i < kHidden; ++i) {
        row.push_back(mean + deviation * random.normal());
    }
    return row;
}

// The stack: a block's branch is tanh of a linear layer of what the block before it has normalised.
class Stack {
public:
    Stack() {
        Random random(1);
        for (size_t block = 0; block < kBlocks; ++block) {
            Parameters taught = {randomRow(random, 1.0, 0.4), randomRow(random, 0.7, 0.3), {}};
            for (size_t i = 0; i < kHidden; ++i) {
                taught.weights.push_back(randomRow(random, 0.0, 1.0 / std::sqrt(kHidden)));
            }
            parameters_[block] = {Row(kHidden, 1.0), Row(kHidden, 0.5), taught.weights};
            for (Row& row : parameters_[block].weights) {
                for (double& weight : row) {
                    weight += 0.05 * random.normal();
                }
            }
            teacher_[block] = taught;
        }
        for (size_t row = 0; row < kRows; ++row) {
            input_.push_back(randomRow(random, 0.0, 1.0));
            for (double& element : input_.back()) {
                element = roundTo(VKN_TYPE_BF16, element);
            }
        }
        Fp64Blocks exact;
        target_ = forward(exact, teacher_);
    }

    // The losses before each step, and after the last one.
    std::vector<double> train(Blocks& blocks) {
        std::vector<double> losses;
        for (int step = 0; step <= kSteps; ++step) {
            Rows gradient = forward(blocks, parameters_);
            double loss = 0.0;
            for (size_t row = 0; row < kRows; ++row) {
                for (size_t i = 0; i < kHidden; ++i) {
                    const double difference = gradient[row][i] - target_[row][i];
                    loss += 0.5 * difference * difference / kRows;
                    gradient[row][i] = difference / kRows;
                }
            }
            losses.push_back(loss);
            if (step < kSteps) {
                backward(blocks, gradient);
            }
        }
        return losses;
    }

private:
    Rows forward(Blocks& blocks, const Parameters (&parameters)[kBlocks]) {
        Rows stream = input_;
        Rows output = input_;
        for (size_t block = 0; block < kBlocks; ++block) {
            Rows branch(kRows, Row(kHidden));
            for (size_t row = 0; row < kRows; ++row) {
                for (size_t i = 0; i < kHidden; ++i) {
                    double sum = 0.0;
                    for (size_t k = 0; k < kHidden; ++k) {
                        sum += output[row][k] * parameters[block].weights[k][i];
                    }
                    branch[row][i] = std::tanh(sum);
                }
            }
            inputs_[block] = output;
            branches_[block] = branch;
            const BlockOutput result = blocks.forward(block, parameters[block], branch, stream);
            stream = result.sum;
            output = result.output;
        }
        return output;
    }

    // Takes a step.
    void backward(Blocks& blocks, Rows output) {
        Rows stream(kRows, Row(kHidden));  // nothing reads the last block's
        for (size_t block = kBlocks; block-- > 0;) {
            Parameters& parameters = parameters_[block];
            const BlockGradients gradients = blocks.backward(block, parameters, output, stream);
            stream = gradients.stream;
            output.assign(kRows, Row(kHidden));
            Rows ofWeights(kHidden, Row(kHidden));
            for (size_t row = 0; row < kRows; ++row) {
                for (size_t i = 0; i < kHidden; ++i) {
                    const double branch = branches_[block][row][i];
                    const double inside = gradients.branch[row][i] * (1.0 - branch * branch);
                    for (size_t k = 0; k < kHidden; ++k) {
                        output[row][k] += inside * parameters.weights[k][i];
                        ofWeights[k][i] += inside * inputs_[block][row][k];
                    }
                }
            }
            step(parameters.gamma, gradients.gamma);
            step(parameters.layerScale, gradients.layerScale);
            for (size_t k = 0; k < kHidden; ++k) {
                step(parameters.weights[k], ofWeights[k]);
            }
        }
    }

    static void step(Row& values, const Row& gradients) {
        for (size_t i = 0; i < values.size(); ++i) {
            values[i] -= kLearningRate * gradients[i];
        }
    }

    Parameters parameters_[kBlocks];
    Parameters teacher_[kBlocks];
    Rows input_;
    Rows target_;
    Rows inputs_[kBlocks];  // of the linear layers
    Rows branches_[kBlocks];
};

std::vector<double> lossesOf(Blocks& blocks) { return Stack().train(blocks); }

// How far off losses may be. Errors of one step are in all that follow, which bounds of a kernel say nothing about;
// so runs are watched whose every number is disturbed by as much as a kernel may be off, with random signs. What they
// deviate by at a step, as the root of the mean square, is the standard deviation of kernels that round as badly as
// they may.
std::vector<double> deviations(double error) {
    constexpr int kRuns = 8;
    Fp64Blocks exactBlocks;
    const std::vector<double> exact = lossesOf(exactBlocks);
    std::vector<double> result(exact.size());
    for (uint64_t seed = 1; seed <= kRuns; ++seed) {
        Fp64Blocks blocks(error, seed);
        const std::vector<double> losses = lossesOf(blocks);
        for (size_t i = 0; i < exact.size(); ++i) {
            result[i] += (losses[i] - exact[i]) * (losses[i] - exact[i]) / kRuns;
        }
    }
    for (double& value : result) {
        value = std::sqrt(value);
    }
    return result;
}

constexpr double kFp32Error = 16 * 0x1p-24;  // more than bounds.cpp has for so short rows
constexpr double kBf16Error = 0x1p-9 + kFp32Error;
constexpr double kDeviations = 6.0;
constexpr double kFall = 150.0;

double largestDeviation(const std::vector<double>& losses, const std::vector<double>& exact,
                        const std::vector<double>& allowed) {
    double largest = 0.0;
    for (size_t i = 0; i < exact.size(); ++i) {
        largest = std::max(largest, std::fabs(losses[i] - exact[i]) / allowed[i]);
    }
    return largest;
}

class Training : public GpuTest {
protected:
    void expectExactLosses(VknType type, double error) {
        Fp64Blocks exactBlocks;
        const std::vector<double> exact = lossesOf(exactBlocks);
        const std::vector<double> allowed = deviations(error);
        GpuBlocks blocks(gpu(), type);
        const std::vector<double> losses = lossesOf(blocks);
        for (size_t i = 0; i < losses.size(); ++i) {
            EXPECT_LE(std::fabs(losses[i] - exact[i]), kDeviations * allowed[i])
                << "step " << i << ": " << losses[i] << ", not " << exact[i];
        }
        EXPECT_LT(losses.back(), losses.front() / kFall);
        std::printf("training, %s: %.6g to %.6g, off by %.3f deviations at most\n", formatFacts(type).name,
                    losses.front(), losses.back(), largestDeviation(losses, exact, allowed));
    }
};

TEST_F(Training, FollowsFp64) { expectExactLosses(VKN_TYPE_F32, kFp32Error); }

TEST_F(Training, FollowsFp64WithBf16Tensors) { expectExactLosses(VKN_TYPE_BF16, kBf16Error); }

// What the two tests above are worth: any mistake in a gradient leaves the curve, far beyond what bf16 may do.
// Without the norm's projection the loss comes down to twice what it should, without the stream's gradient to ten
// times, and with a wrong sign it goes nowhere. A gradient that is only scaled wrongly leads down as well, on a curve
// of its own.
TEST_F(Training, WouldShowAWrongGradient) {
    struct Wrong {
        const char* name;
        Flaw flaw;
        bool leadsDown;
    };
    Fp64Blocks exactBlocks;
    const std::vector<double> exact = lossesOf(exactBlocks);
    const std::vector<double> allowed = deviations(kBf16Error);
    for (const Wrong& wrong : {Wrong{"no projection", Flaw::NoProjection, false},
                               {"no stream", Flaw::NoStream, false},
                               {"unscaled branch", Flaw::UnscaledBranch, true},
                               {"sign of gamma's", Flaw::WrongSignOfGamma, false},
                               {"sign of the stream's", Flaw::WrongSignOfStream, false}}) {
        Fp64Blocks blocks(0.0, 0, wrong.flaw);
        const std::vector<double> losses = lossesOf(blocks);
        EXPECT_GT(largestDeviation(losses, exact, allowed), 10.0 * kDeviations) << wrong.name;
        EXPECT_EQ(losses.back() < losses.front() / kFall, wrong.leadsDown) << wrong.name << ": " << losses.back();
    }
}

}  // namespace
}  // namespace vknorm::test
