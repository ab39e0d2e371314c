// The bounds of gradients hold for a plain fp32 computation, and notice the mistakes that kernels make.
#include "support/gradient_bounds.hpp"

#include "support/formats.hpp"
#include "support/random.hpp"
#include "unit/gradient_blocks.hpp"
#include "unit/plain_gradient.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace vknorm::test {
namespace {

constexpr VknPlacement kEveryPlacement[] = {VKN_PLACEMENT_NONE,      VKN_PLACEMENT_PRE_NORM,
                                            VKN_PLACEMENT_POST_NORM, VKN_PLACEMENT_SANDWICH,
                                            VKN_PLACEMENT_PARALLEL,  VKN_PLACEMENT_SANDWICH_PRE_NORM};

void addGate(Block& block, VknActivation activation, bool normFirst) {
    Random random(3);
    block.spec.activation = activation;
    block.spec.normFirst = normFirst;
    block.row.gate = draw(random, block.row.branch[0].size(), {0.0, 3.0});
}

// ---- a kernel's result against its bounds --------------------------------------------------------------------------

// Elements of a tensor, and how they lie in their bounds.
struct Count {
    size_t right = 0;
    size_t wrong = 0;
    double tightest = 0.0;
    double room = 0.0;
    double error = 0.0;

    void add(const Interval& allowed, double exact, Float value) {
        const Verdict verdict = judgeGradient(VKN_TYPE_F32, allowed, exact, encode(VKN_TYPE_F32, value.exact()));
        (verdict.isRight ? right : wrong) += 1;
        tightest = std::max(tightest, verdict.tightness);
        room += 0.5 * (allowed.high - allowed.low);
        error += std::fabs(value.exact() - exact);
    }

    void add(const Count& other) {
        right += other.right;
        wrong += other.wrong;
        tightest = std::max(tightest, other.tightest);
        room += other.room;
        error += other.error;
    }
};

template <typename Bounds>
Count countOf(const std::vector<Float>& values, const Values& exact, const Bounds& bounds) {
    Count count;
    for (size_t i = 0; i < values.size(); ++i) {
        count.add(bounds(i), exact[i], values[i]);
    }
    return count;
}

struct Counts {
    Count branch;
    Count residual;
    Count gate;
    Count parameters;

    Count all() const {
        Count total = branch;
        total.add(residual);
        total.add(gate);
        total.add(parameters);
        return total;
    }
};

Counts countEvery(const GradientBound& bound, const PlainGradients& plain) {
    const Gradients& exact = bound.exact();
    Counts counts;
    counts.residual = countOf(plain.residual, exact.residual, [&](size_t i) { return bound.residual(i); });
    counts.gate = countOf(plain.gate, exact.gate, [&](size_t i) { return bound.gate(i); });
    for (size_t which = 0; which < 2; ++which) {
        const auto branch = [&](size_t i) { return bound.branch(which, i); };
        const auto gamma = [&](size_t i) { return bound.gamma(which, i); };
        const auto beta = [&](size_t i) { return bound.beta(which, i); };
        counts.branch.add(countOf(plain.branch[which], exact.branch[which], branch));
        counts.parameters.add(countOf(plain.gamma[which], exact.gamma[which], gamma));
        counts.parameters.add(countOf(plain.beta[which], exact.beta[which], beta));
    }
    counts.parameters.add(countOf(plain.layerScale, exact.layerScale, [&](size_t i) { return bound.layerScale(i); }));
    return counts;
}

Stored storedOf(const Block& block, const PlainGradients& plain, bool savesStatistics) {
    Stored stored;
    if (block.spec.placement != VKN_PLACEMENT_POST_NORM) {
        stored.sum = storedSumOf(block);
    }
    for (size_t which = 0; which < 2 && savesStatistics; ++which) {
        stored.statistics[which] = SavedStatistics{plain.mean[which].exact(), plain.rstd[which].exact()};
    }
    return stored;
}

Counts runAndCount(const Block& block, bool savesStatistics, GradientMistake mistake = GradientMistake::None) {
    PlainBackward kernel(block.spec, block.parameters, block.row, block.arriving);
    kernel.make(mistake);
    if (savesStatistics) {
        kernel.useSavedStatistics();
    }
    const PlainGradients plain = kernel.run(storedSumOf(block));
    const Stored stored = storedOf(block, plain, savesStatistics);
    const GradientBound bound(block.spec, block.parameters, block.row, block.arriving, kPlainShape, stored);
    return countEvery(bound, plain);
}

struct NormCase {
    const char* name;
    VknOperation operation;
    uint32_t partialSize;
    bool epsilonOutside;

    NormSpec spec() const {
        NormSpec norm = makeNorm(operation);
        norm.partialSize = partialSize;
        norm.epsilonOutside = epsilonOutside;
        return norm;
    }
};

constexpr NormCase kNorms[] = {
    {"RMSNorm", VKN_OPERATION_RMS_NORM, 0, false},
    {"RMSNorm of a part", VKN_OPERATION_RMS_NORM, 40, false},
    {"RMSNorm, epsilon outside", VKN_OPERATION_RMS_NORM, 0, true},
    {"LayerNorm", VKN_OPERATION_LAYER_NORM, 0, false},
    {"LayerNorm, epsilon outside", VKN_OPERATION_LAYER_NORM, 0, true},
    {"DyT", VKN_OPERATION_DYT, 0, false},
};

template <typename Function>
void forEachBlock(const Function& function) {
    for (const VknPlacement placement : kEveryPlacement) {
        for (const NormCase& kind : kNorms) {
            for (const size_t hiddenSize : {1u, 2u, 31u, 129u, 768u, 5125u}) {
                if (hiddenSize > 1000 && placement != VKN_PLACEMENT_NONE) {
                    continue;  // where its size counts, the norm is all there is
                }
                for (const Distribution& distribution : {kOrdinary, Distribution{100.0, 1.0}, {1e4, 0.1}}) {
                    SCOPED_TRACE(std::string(placementFacts(placement).name) + ", " + kind.name + ", hidden " +
                                 std::to_string(hiddenSize) + ", mean " + std::to_string(distribution.mean));
                    function(makeBlock(placement, kind.spec(), hiddenSize, distribution));
                }
            }
        }
    }
}

TEST(GradientBounds, HoldForAPlainComputation) {
    double tightest = 0.0;
    forEachBlock([&](const Block& block) {
        const Count again = runAndCount(block, false).all();
        EXPECT_EQ(again.wrong, 0u) << "of " << again.right + again.wrong;
        tightest = std::max(tightest, again.tightest);
        const bool canBeSaved = takesStatistics(block.spec.norm[0].operation) && !block.spec.norm[0].epsilonOutside;
        if (canBeSaved) {
            EXPECT_EQ(runAndCount(block, true).all().wrong, 0u) << "with saved statistics";
        }
    });
    EXPECT_GT(tightest, 0.2);
}

TEST(GradientBounds, HoldWithGates) {
    for (const VknActivation activation : {VKN_ACTIVATION_SILU, VKN_ACTIVATION_GELU, VKN_ACTIVATION_GELU_TANH,
                                           VKN_ACTIVATION_RELU, VKN_ACTIVATION_SIGMOID}) {
        for (const NormCase& kind : kNorms) {
            for (const bool normFirst : {false, true}) {
                Block block = makeBlock(VKN_PLACEMENT_NONE, kind.spec(), 768, kOrdinary);
                addGate(block, activation, normFirst);
                EXPECT_EQ(runAndCount(block, false).all().wrong, 0u) << kind.name << " " << activation;
            }
        }
        NormSpec gated = makeNorm(VKN_OPERATION_GATED_ACTIVATION);
        gated.hasGamma = gated.hasBeta = false;
        Block block = makeBlock(VKN_PLACEMENT_NONE, gated, 768, kOrdinary);
        addGate(block, activation, false);
        EXPECT_EQ(runAndCount(block, false).all().wrong, 0u) << activation;
    }
}

TEST(GradientBounds, HoldWithEarlyCasts) {
    for (const VknPlacement placement : kEveryPlacement) {
        for (const VknType type : {VKN_TYPE_F16, VKN_TYPE_BF16}) {
            NormSpec norm = makeNorm(VKN_OPERATION_RMS_NORM);
            norm.earlyCast = true;
            norm.inputType = norm.gammaType = type;
            EXPECT_EQ(runAndCount(makeBlock(placement, norm, 129, kOrdinary), false).all().wrong, 0u);
        }
    }
}

// On ordinary rows a bound is not a licence: so many times what a plain computation is really off by, on average.
TEST(GradientBounds, AreNotFarFromTypicalErrors) {
    for (const VknPlacement placement : kEveryPlacement) {
        for (const NormCase& kind : kNorms) {
            const Counts counts = runAndCount(makeBlock(placement, kind.spec(), 768, kOrdinary), false);
            const double most = placement == VKN_PLACEMENT_SANDWICH_PRE_NORM ? 250.0 : 120.0;  // of two norms in a row
            EXPECT_LT(counts.branch.room / counts.branch.error, most) << placementFacts(placement).name << kind.name;
            EXPECT_LT(counts.parameters.room / counts.parameters.error, 100.0) << kind.name;
        }
    }
}

struct MistakeCase {
    GradientMistake mistake;
    const char* name;
    VknOperation operation;
    bool epsilonOutside;
    size_t hiddenSize;
    std::vector<VknPlacement> placements;
};

const std::vector<VknPlacement> kBlocks(std::begin(kEveryPlacement) + 1, std::end(kEveryPlacement));
const std::vector<VknPlacement> kWithBoth = {VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_PARALLEL,
                                             VKN_PLACEMENT_SANDWICH_PRE_NORM};
const std::vector<VknPlacement> kAll(std::begin(kEveryPlacement), std::end(kEveryPlacement));

const MistakeCase kMistakes[] = {
    {GradientMistake::NoProjection, "c1 forgotten", VKN_OPERATION_RMS_NORM, false, 768, kAll},
    {GradientMistake::NoProjection, "c1 forgotten", VKN_OPERATION_LAYER_NORM, false, 768, kAll},
    {GradientMistake::NotCentred, "c2 forgotten", VKN_OPERATION_LAYER_NORM, false, 768, kAll},
    {GradientMistake::CountOffByOne, "n off by one", VKN_OPERATION_RMS_NORM, false, 31, kAll},
    {GradientMistake::CountOffByOne, "n off by one", VKN_OPERATION_LAYER_NORM, false, 129, kAll},
    {GradientMistake::NoBranchScale, "no branch scale", VKN_OPERATION_RMS_NORM, false, 768, kBlocks},
    {GradientMistake::NoDropoutScale, "kept elements not scaled", VKN_OPERATION_RMS_NORM, false, 768, kBlocks},
    {GradientMistake::NoLayerScale, "no layer scale", VKN_OPERATION_RMS_NORM, false, 768, kBlocks},
    {GradientMistake::NoRowScale, "no row scale", VKN_OPERATION_RMS_NORM, false, 768, kBlocks},
    {GradientMistake::StreamForgotten, "stream forgotten", VKN_OPERATION_RMS_NORM, false, 768, kWithBoth},
    {GradientMistake::NoWeight, "no weight", VKN_OPERATION_RMS_NORM, false, 768, kAll},
    {GradientMistake::SameWeights,
     "the same weight for both",
     VKN_OPERATION_RMS_NORM,
     false,
     768,
     {VKN_PLACEMENT_PARALLEL, VKN_PLACEMENT_SANDWICH_PRE_NORM}},
};

TEST(GradientBounds, CatchMistakes) {
    for (const MistakeCase& mistake : kMistakes) {
        for (const VknPlacement placement : mistake.placements) {
            NormSpec norm = makeNorm(mistake.operation);
            norm.epsilonOutside = mistake.epsilonOutside;
            const Block block = makeBlock(placement, norm, mistake.hiddenSize, {0.5, 1.0});
            for (const bool saved : {false, true}) {
                const Counts counts = runAndCount(block, saved, mistake.mistake);
                // A quarter is dropped, in the right computation as well.
                EXPECT_GT(counts.branch.wrong, counts.branch.right)
                    << mistake.name << ", " << placementFacts(placement).name << (saved ? ", saved" : "");
            }
        }
    }
}

// Of a row whose mean is far larger than its deviation, as a branch is before dropout.
TEST(GradientBounds, CatchAMeanAsItWasSaved) {
    for (const VknPlacement placement : {VKN_PLACEMENT_NONE, VKN_PLACEMENT_SANDWICH, VKN_PLACEMENT_SANDWICH_PRE_NORM}) {
        const Block block = makeBlock(placement, makeNorm(VKN_OPERATION_LAYER_NORM), 768, {10000.0, 0.125});
        EXPECT_EQ(runAndCount(block, true).all().wrong, 0u);
        const Counts counts = runAndCount(block, true, GradientMistake::MeanAsSaved);
        EXPECT_GT(counts.branch.wrong, counts.branch.right) << placementFacts(placement).name;
    }
}

TEST(GradientBounds, CatchAForgottenResidualScale) {
    for (const VknPlacement placement : kBlocks) {
        const Block block = makeBlock(placement, makeNorm(VKN_OPERATION_LAYER_NORM), 129, kOrdinary);
        const Counts counts = runAndCount(block, false, GradientMistake::NoResidualScale);
        EXPECT_EQ(counts.residual.right, 0u);
        EXPECT_EQ(counts.branch.wrong, 0u);
    }
}

TEST(GradientBounds, CatchAForgottenRootFactor) {
    for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
        NormSpec norm = makeNorm(operation);
        norm.epsilonOutside = true;
        norm.epsilon = 0.125;
        const Block block = makeBlock(VKN_PLACEMENT_NONE, norm, 129, kOrdinary);
        const Counts counts = runAndCount(block, false, GradientMistake::NoRootFactor);
        EXPECT_GT(counts.branch.wrong, 100u);
    }
}

TEST(GradientBounds, CatchAnInjectedError) {
    for (const VknPlacement placement : kEveryPlacement) {
        for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
            const Block block = makeBlock(placement, makeNorm(operation), 768, kOrdinary);
            Stored stored;
            stored.sum = storedSumOf(block);
            const GradientBound bound(block.spec, block.parameters, block.row, block.arriving, kPlainShape, stored);
            size_t missed = 0;
            for (size_t i = 0; i < 768; ++i) {
                const double exact = bound.exact().branch[0][i];
                const double error = 0x1p-15 * (1.0 + std::fabs(exact));
                for (const double wrong : {exact + error, exact - error}) {
                    const uint32_t bits = encode(VKN_TYPE_F32, wrong);
                    missed += judgeGradient(VKN_TYPE_F32, bound.branch(0, i), exact, bits).isRight;
                }
            }
            EXPECT_EQ(missed, 0u) << placementFacts(placement).name << " " << operation;
        }
    }
}

// ---- edges ---------------------------------------------------------------------------------------------------------

TEST(GradientBounds, RowsOfZerosAndConstants) {
    for (const NormCase& kind : kNorms) {
        for (const double value : {0.0, 3.0}) {
            Block block = makeBlock(VKN_PLACEMENT_NONE, kind.spec(), 129, kOrdinary);
            block.row.branch[0].assign(129, value);
            block.parameters.branchBias[0].clear();
            EXPECT_EQ(runAndCount(block, false).all().wrong, 0u) << kind.name << " " << value;
        }
    }
}

TEST(GradientBounds, NanAndInfinityAreNotRefused) {
    for (const double value : {std::nan(""), HUGE_VAL}) {
        for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
            Block block = makeBlock(VKN_PLACEMENT_NONE, makeNorm(operation), 129, kOrdinary);
            block.arriving.output[0][7] = value;
            EXPECT_EQ(runAndCount(block, false).branch.wrong, 0u) << operation << " " << value;
        }
    }
}

}  // namespace
}  // namespace vknorm::test
