// The bounds of blocks hold for a plain fp32 computation, and notice the mistakes that kernels make.
#include "support/block_bounds.hpp"

#include "support/formats.hpp"
#include "support/philox.hpp"
#include "support/random.hpp"
#include "unit/plain_norm.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace vknorm::test {
namespace {

constexpr VknPlacement kBlocks[] = {VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_POST_NORM, VKN_PLACEMENT_SANDWICH,
                                    VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL};
constexpr ReductionShape kPlainShape{8, 6, false};

enum class Mistake {
    None,
    NoLayerScale,
    NoRowScale,
    BiasAfterNorm,
    LayerScaleBeforeNorm,
    NoDropoutScale,
    SameMaskForBothBranches,
    ScalesSwapped,
    SumRoundedBeforeNorm,
    NormOfBranch,
};

struct Block {
    BlockSpec spec;
    BlockParameters parameters;
    BlockRow row;
};

using Floats = std::vector<float>;

Floats toFloats(const std::vector<double>& values) {
    Floats floats(values.size());
    std::transform(values.begin(), values.end(), floats.begin(),
                   [](double value) { return static_cast<float>(value); });
    return floats;
}

std::vector<double> toDoubles(const Floats& values) { return {values.begin(), values.end()}; }

// Keeps a compiler from fusing an operation with the next.
float rounded(float value) {
    volatile float kept = value;
    return kept;
}

struct PlainBlock {
    Floats sum;
    Floats y[2];
    Plain norms[2];
};

class PlainKernel {
public:
    PlainKernel(const Block& block, Mistake mistake) : block_(block), mistake_(mistake) {}

    PlainBlock run() const {
        const PlacementFacts& facts = block_.spec.facts();
        PlainBlock result;
        Floats branches[2] = {biased(0), facts.hasSecondBranch ? biased(1) : Floats()};
        if (facts.normsBranch) {
            branches[0] = normedBranch(branches[0], result);
        }
        for (size_t i = 0; i < branches[0].size(); ++i) {
            float branch = scaled(0, i, branches[0][i]);
            branch = facts.hasSecondBranch ? rounded(branch + scaled(1, i, branches[1][i])) : branch;
            const bool swapped = mistake_ == Mistake::ScalesSwapped;
            const auto a = static_cast<float>(swapped ? block_.spec.branchScale : block_.spec.residualScale);
            const auto b = static_cast<float>(swapped ? block_.spec.residualScale : block_.spec.branchScale);
            const float stream = rounded(a * static_cast<float>(block_.row.residual[i]));
            result.sum.push_back(rounded(stream + rounded(b * branch)));
        }
        if (facts.normsSum) {
            normSum(branches[0], result);
        }
        return result;
    }

private:
    bool is(Mistake mistake) const { return mistake_ == mistake; }

    Floats biased(size_t which) const {
        Floats x = toFloats(block_.row.branch[which]);
        const bool isLate = is(Mistake::BiasAfterNorm) && block_.spec.facts().normsBranch;
        for (size_t i = 0; i < x.size() && !isLate; ++i) {
            x[i] = rounded(x[i] + bias(which, i));
        }
        return x;
    }

    Floats normedBranch(Floats x, PlainBlock& result) const {
        for (size_t i = 0; i < x.size() && is(Mistake::LayerScaleBeforeNorm); ++i) {
            x[i] = rounded(x[i] * layerScale(i));
        }
        result.norms[0] = norm(0, x);
        Floats y = result.norms[0].y;
        for (size_t i = 0; i < x.size() && is(Mistake::BiasAfterNorm); ++i) {
            y[i] = rounded(y[i] + bias(0, i));
        }
        return y;
    }

    void normSum(const Floats& branch, PlainBlock& result) const {
        Floats input = is(Mistake::NormOfBranch) ? branch : result.sum;
        for (size_t i = 0; i < input.size() && is(Mistake::SumRoundedBeforeNorm); ++i) {
            input[i] = static_cast<float>(roundTo(VKN_TYPE_BF16, static_cast<double>(input[i])));
        }
        const size_t first = block_.spec.sumNorm();
        result.norms[first] = norm(first, input);
        result.y[0] = result.norms[first].y;
        if (block_.spec.facts().hasSecondBranch) {
            result.y[1] = norm(1, input).y;
        }
    }

    Plain norm(size_t which, const Floats& x) const {
        return computePlainly(block_.spec.norm[which], x, toFloats(block_.parameters.gamma[which]),
                              toFloats(block_.parameters.beta[which]));
    }

    float scaled(size_t which, size_t i, float value) const {
        const bool sameMask = which == 0 || is(Mistake::SameMaskForBothBranches);
        const uint32_t stream = block_.spec.stream + (sameMask ? 0u : 1u << 31);
        const float p = block_.spec.dropoutProbability;
        if (p != 0.0f) {
            const float scale = is(Mistake::NoDropoutScale) ? 1.0f : static_cast<float>(dropoutScale(p));
            const bool isGone = isDropped(block_.spec.seed, block_.row.number, i, stream, p);
            value = isGone ? 0.0f : rounded(value * scale);
        }
        value = is(Mistake::NoRowScale) ? value : rounded(value * static_cast<float>(*block_.row.rowScale));
        const bool isScaled = is(Mistake::NoLayerScale) || is(Mistake::LayerScaleBeforeNorm);
        return isScaled ? value : rounded(value * layerScale(i));
    }

    float bias(size_t which, size_t i) const { return static_cast<float>(block_.parameters.branchBias[which][i]); }
    float layerScale(size_t i) const { return static_cast<float>(block_.parameters.layerScale[i]); }

    const Block& block_;
    Mistake mistake_;
};

std::vector<double> draw(Random& random, size_t count, double mean, double deviation) {
    std::vector<double> values(count);
    for (double& value : values) {
        value = roundTo(VKN_TYPE_F32, mean + deviation * random.normal());
    }
    return values;
}

Block makeBlock(VknPlacement placement, VknOperation operation, size_t hiddenSize, double mean) {
    Block block;
    Random random(hiddenSize + 1000 * static_cast<uint64_t>(placement));
    block.spec.placement = placement;
    block.spec.residualScale = 0.75;
    block.spec.branchScale = static_cast<double>(1.3f);
    block.spec.dropoutProbability = 0.25f;
    block.spec.seed = 99;
    block.row.number = 5;
    block.row.rowScale = static_cast<double>(0.7f);
    block.row.residual = draw(random, hiddenSize, mean, 1.0);
    block.parameters.layerScale = draw(random, hiddenSize, 1.0, 0.5);
    for (size_t which = 0; which < 2; ++which) {
        NormSpec& norm = block.spec.norm[which];
        norm.operation = operation;
        norm.epsilon = static_cast<double>(1e-5f);
        norm.alpha = 0.375;
        norm.hasGamma = norm.hasBeta = true;
        block.row.branch[which] = draw(random, hiddenSize, mean, 2.0);
        block.parameters.gamma[which] = draw(random, hiddenSize, 1.0, 0.25);
        block.parameters.beta[which] = draw(random, hiddenSize, 0.0, 0.25);
        block.parameters.branchBias[which] = draw(random, hiddenSize, 0.5, 1.0);
    }
    return block;
}

// Elements of h, y and y2 that are inside and outside of their bounds.
struct Count {
    size_t right = 0;
    size_t wrong = 0;
    double tightest = 0.0;

    void add(VknType type, const Interval& allowed, double exact, float value) {
        const Verdict verdict = judge(type, allowed, exact, encode(type, static_cast<double>(value)));
        (verdict.isRight ? right : wrong) += 1;
        tightest = std::max(tightest, verdict.tightness);
    }
};

Count countSum(const BlockBound& bound, const PlainBlock& plain) {
    Count count;
    for (size_t i = 0; i < plain.sum.size(); ++i) {
        count.add(VKN_TYPE_F32, bound.sum(i), bound.exact().sum[i], plain.sum[i]);
    }
    return count;
}

Count countOutput(const BlockBound& bound, const PlainBlock& plain, size_t which, VknType type = VKN_TYPE_F32) {
    Count count;
    for (size_t i = 0; i < plain.y[which].size(); ++i) {
        count.add(type, bound.output(which, i), bound.exact().y[which][i], plain.y[which][i]);
    }
    return count;
}

bool isRight(const Interval& allowed, double exact, float value) {
    return judge(VKN_TYPE_F32, allowed, exact, encode(VKN_TYPE_F32, static_cast<double>(value))).isRight;
}

template <typename Function>
void forEachBlock(const Function& function) {
    for (const VknPlacement placement : kBlocks) {
        for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM, VKN_OPERATION_DYT}) {
            for (const size_t hiddenSize : {1u, 2u, 31u, 129u, 768u}) {
                for (const double mean : {0.0, 1.0, 100.0}) {
                    SCOPED_TRACE(std::string(placementFacts(placement).name) + ", operation " +
                                 std::to_string(operation) + ", hidden " + std::to_string(hiddenSize) + ", mean " +
                                 std::to_string(mean));
                    function(makeBlock(placement, operation, hiddenSize, mean));
                }
            }
        }
    }
}

TEST(BlockBounds, HoldForAPlainComputation) {
    double tightest = 0.0;
    forEachBlock([&](const Block& block) {
        const PlainBlock plain = PlainKernel(block, Mistake::None).run();
        for (const bool isStored : {false, true}) {
            const std::vector<double> stored = isStored ? toDoubles(plain.sum) : std::vector<double>();
            const BlockBound bound(block.spec, block.parameters, block.row, kPlainShape, stored);
            EXPECT_EQ(countSum(bound, plain).wrong, 0u);
            for (size_t which = 0; which < 2; ++which) {
                const Count count = countOutput(bound, plain, which);
                EXPECT_EQ(count.wrong, 0u) << "output " << which << (isStored ? " of the stored sum" : "");
                tightest = isStored ? tightest : std::max(tightest, count.tightest);
            }
            for (size_t which = 0; which < 2; ++which) {
                if (!plain.norms[which].y.empty()) {
                    const RowStatistics& exact = bound.exact().statistics[which];
                    EXPECT_TRUE(isRight(bound.mean(which), exact.mean, plain.norms[which].mean)) << which;
                    EXPECT_TRUE(isRight(bound.rstd(which), exact.rstd, plain.norms[which].rstd)) << which;
                }
            }
        }
    });
    EXPECT_GT(tightest, 0.2);
}

TEST(BlockBounds, WithoutANormOnTheBranchTheSumIsOneNumber) {
    forEachBlock([](const Block& block) {
        const BlockBound bound(block.spec, block.parameters, block.row, kPlainShape);
        size_t numbers = 0;
        for (size_t i = 0; i < block.row.residual.size(); ++i) {
            EXPECT_LE(bound.sum(i).low, bound.exact().sum[i]);
            EXPECT_GE(bound.sum(i).high, bound.exact().sum[i]);
            numbers += bound.sum(i).low == bound.sum(i).high ? 1u : 0u;
        }
        if (!block.spec.facts().normsBranch) {
            EXPECT_EQ(numbers, block.row.residual.size());
        }
    });
}

// Errors of inputs that a test can choose, as bad as they are announced: all of one sign, alternating, with the sign of
// the element. The norm of what they lead to is inside what is allowed for what they started from.
TEST(BlockBounds, HoldForTheWorstInputErrors) {
    double tightest = 0.0;
    for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
        for (const size_t hiddenSize : {1u, 2u, 3u, 64u, 769u}) {
            for (const double size : {1e-6, 1e-3, 0.05}) {
                Random random(hiddenSize);
                NormSpec spec;
                spec.operation = operation;
                spec.epsilon = 1e-5;
                const std::vector<double> x = draw(random, hiddenSize, 0.25, 1.0);
                std::vector<double> errors(hiddenSize);
                std::transform(x.begin(), x.end(), errors.begin(),
                               [&](double value) { return size * (0.5 + 0.5 * std::fabs(value)); });
                const NormBound bound(spec, x, kPlainShape, errors);
                for (int direction = 0; direction < 4; ++direction) {
                    std::vector<double> moved = x;
                    for (size_t i = 0; i < hiddenSize; ++i) {
                        const double signs[4] = {1.0, i % 2 == 0 ? 1.0 : -1.0, x[i] < 0.25 ? -1.0 : 1.0,
                                                 x[i] < 0.25 ? 1.0 : -1.0};
                        moved[i] += signs[direction] * errors[i];
                    }
                    const RowStatistics statistics = normStatistics(spec, moved);
                    SCOPED_TRACE("operation " + std::to_string(operation) + ", hidden " + std::to_string(hiddenSize) +
                                 ", errors " + std::to_string(size) + ", direction " + std::to_string(direction));
                    EXPECT_LE(bound.rstd().low, statistics.rstd);
                    EXPECT_GE(bound.rstd().high, statistics.rstd);
                    EXPECT_LE(bound.mean().low, statistics.mean);
                    EXPECT_GE(bound.mean().high, statistics.mean);
                    for (size_t i = 0; i < hiddenSize; ++i) {
                        const Interval allowed = bound.element(x[i], 0, 0, errors[i]);
                        const double y = normalise(statistics, moved[i]);
                        EXPECT_TRUE(y >= allowed.low && y <= allowed.high) << i << ": " << y;
                        const double exact = bound.exactElement(x[i], 0, 0);
                        tightest = std::max(
                            {tightest, (y - exact) / (allowed.high - exact), (exact - y) / (exact - allowed.low)});
                    }
                }
            }
        }
    }
    EXPECT_GT(tightest, 0.8);
}

// A device that flushes subnormals and one that does not are both right, and nothing else is.
TEST(BlockBounds, SubnormalsMayBeFlushed) {
    Block block = makeBlock(VKN_PLACEMENT_PRE_NORM, VKN_OPERATION_RMS_NORM, 4, 0.0);
    block.spec.dropoutProbability = 0.0f;
    block.spec.residualScale = block.spec.branchScale = 1.0;
    block.row.rowScale = 0x1p60;
    block.parameters.layerScale.clear();
    block.parameters.branchBias[0].clear();
    block.row.residual = {0.0, 1.0, 0x1p-130, 0.0};
    block.row.branch[0] = {0x1p-140, 0x1p-140, 0.0, 0.0};
    const BlockBound bound(block.spec, block.parameters, block.row, kPlainShape);
    const auto accepts = [&](size_t column, double value) {
        return isRight(bound.sum(column), bound.exact().sum[column], static_cast<float>(value));
    };
    EXPECT_TRUE(accepts(0, 0x1p-80) && accepts(0, 0.0));
    EXPECT_FALSE(accepts(0, 0x1p-79) || accepts(0, -0x1p-80));
    EXPECT_TRUE(accepts(1, 1.0));
    EXPECT_FALSE(accepts(1, 1.0 + 0x1p-23));
    EXPECT_TRUE(accepts(2, 0x1p-130) && accepts(2, 0.0));
    EXPECT_TRUE(accepts(3, 0.0));
    EXPECT_FALSE(accepts(3, 0x1p-126));
}

struct MistakeCase {
    Mistake mistake;
    const char* name;
    bool isOnBranch;  // shows in h; otherwise in y only
    std::vector<VknPlacement> placements;
};

const MistakeCase kMistakes[] = {
    {Mistake::NoLayerScale, "no layer scale", true, {std::begin(kBlocks), std::end(kBlocks)}},
    {Mistake::NoRowScale, "no row scale", true, {std::begin(kBlocks), std::end(kBlocks)}},
    {Mistake::NoDropoutScale, "kept elements not scaled", true, {std::begin(kBlocks), std::end(kBlocks)}},
    {Mistake::ScalesSwapped, "a and b swapped", true, {std::begin(kBlocks), std::end(kBlocks)}},
    {Mistake::BiasAfterNorm,
     "branch bias after the norm",
     true,
     {VKN_PLACEMENT_SANDWICH, VKN_PLACEMENT_SANDWICH_PRE_NORM}},
    {Mistake::LayerScaleBeforeNorm,
     "layer scale before the norm",
     true,
     {VKN_PLACEMENT_SANDWICH, VKN_PLACEMENT_SANDWICH_PRE_NORM}},
    {Mistake::SameMaskForBothBranches, "one mask for both branches", true, {VKN_PLACEMENT_PARALLEL}},
    {Mistake::SumRoundedBeforeNorm,
     "h rounded before the norm",
     false,
     {VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_POST_NORM, VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL}},
    {Mistake::NormOfBranch,
     "norm of the branch instead of h",
     false,
     {VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_POST_NORM, VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL}},
};

TEST(BlockBounds, CatchMistakes) {
    constexpr size_t kHidden = 768;
    for (const MistakeCase& mistake : kMistakes) {
        for (const VknPlacement placement : mistake.placements) {
            for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
                SCOPED_TRACE(std::string(mistake.name) + ", " + placementFacts(placement).name + ", operation " +
                             std::to_string(operation));
                const Block block = makeBlock(placement, operation, kHidden, 1.0);
                const PlainBlock plain = PlainKernel(block, mistake.mistake).run();
                const BlockBound bound(block.spec, block.parameters, block.row, kPlainShape);
                const Count sum = countSum(bound, plain);
                if (mistake.isOnBranch) {
                    // What is dropped in the right computation as well is right; with one mask for both branches, most.
                    EXPECT_GT(sum.wrong, kHidden / 4);
                } else {
                    EXPECT_EQ(sum.wrong, 0u);
                }
                for (size_t which = 0; which < 2 && !plain.y[which].empty(); ++which) {
                    EXPECT_GT(countOutput(bound, plain, which).wrong, kHidden * 9 / 10);
                    EXPECT_GT(countOutput(bound, plain, which, VKN_TYPE_BF16).wrong, kHidden / 5);
                }
            }
        }
    }
}

// The next fp32 number is wrong where the sum is one number, and 64 further on where the norm leaves some room.
TEST(BlockBounds, CatchAnInjectedErrorOfTheSum) {
    for (const VknPlacement placement : kBlocks) {
        const Block block = makeBlock(placement, VKN_OPERATION_RMS_NORM, 768, 0.0);
        const BlockBound bound(block.spec, block.parameters, block.row, kPlainShape);
        const int64_t step = block.spec.facts().normsBranch ? 64 : 1;
        for (size_t i = 0; i < 768; ++i) {
            const double exact = bound.exact().sum[i];
            // Where residual and branch cancel, the room is theirs and not h's.
            if (std::fabs(exact) < 1.0) {
                continue;
            }
            for (const int64_t sign : {-1, 1}) {
                const uint32_t wrong = stepBits(VKN_TYPE_F32, encode(VKN_TYPE_F32, exact), sign * step);
                EXPECT_FALSE(judge(VKN_TYPE_F32, bound.sum(i), exact, wrong).isRight) << i;
            }
        }
    }
}

}  // namespace
}  // namespace vknorm::test
