// The bounds of parameters' gradients hold for plain fp32 sums over rows, and of those of BatchNorm's columns.
#include "support/gradient_bounds.hpp"

#include "support/formats.hpp"
#include "support/random.hpp"
#include "unit/gradient_blocks.hpp"
#include "unit/plain_gradient.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace vknorm::test {
namespace {

constexpr size_t kRowsPerPart = 32;

// Parts of rows, each with compensation; joined by lanes, with compensation; and those one by one.
class PlainSum {
public:
    void add(Float summand) {
        part_.add(summand);
        if (++count_ % kRowsPerPart == 0) {
            finishPart();
        }
    }

    Float total() {
        finishPart();
        Float sum;
        for (const CompensatedSum& lane : lanes_) {
            sum = sum + lane.total();
        }
        return sum;
    }

private:
    void finishPart() {
        lanes_[next_++ % kLanes].add(part_.total());
        part_ = CompensatedSum();
    }

    CompensatedSum part_;
    CompensatedSum lanes_[kLanes];
    size_t count_ = 0;
    size_t next_ = 0;
};

struct SumCase {
    SumBound bound{kRowsPerPart};
    PlainSum plain;
    double exact = 0.0;
};

bool contains(const Interval& interval, double value) { return value >= interval.low && value <= interval.high; }

double widthOf(const Interval& interval) { return interval.high - interval.low; }

// Gamma's gradient of the columns of a matrix.
std::vector<SumCase> sumRows(const NormSpec& norm, size_t rows, size_t hiddenSize) {
    std::vector<SumCase> sums(hiddenSize);
    for (size_t row = 0; row < rows; ++row) {
        const Block block = makeBlock(VKN_PLACEMENT_NONE, norm, hiddenSize, kOrdinary, row);
        const PlainGradients plain = PlainBackward(block.spec, block.parameters, block.row, block.arriving).run({});
        const GradientBound bound(block.spec, block.parameters, block.row, block.arriving, kPlainShape);
        for (size_t i = 0; i < hiddenSize; ++i) {
            sums[i].bound.add(bound.gamma(0, i));
            sums[i].plain.add(plain.gamma[0][i]);
            sums[i].exact += bound.exact().gamma[0][i];
        }
    }
    return sums;
}

TEST(GradientSums, Hold) {
    for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
        for (const size_t rows : {1u, 33u, 1000u, 4000u}) {
            double room = 0.0;
            double error = 0.0;
            for (SumCase& sum : sumRows(makeNorm(operation), rows, 16)) {
                const Float got = sum.plain.total();
                EXPECT_TRUE(contains(sum.bound.worst(), got.exact())) << rows;
                EXPECT_TRUE(contains(sum.bound.likely(), got.exact())) << rows;
                EXPECT_TRUE(contains(sum.bound.likely(), sum.exact)) << rows;
                EXPECT_TRUE(contains(sum.bound.likely(2.5), (got + Float(2.5)).exact())) << rows;
                room += 0.5 * widthOf(sum.bound.likely());
                error += std::fabs(got.exact() - sum.exact);
            }
            EXPECT_LT(room / error, 1000.0) << rows;
        }
    }
}

// Sixteen times as many rows, at most little more than four times as much room.
TEST(GradientSums, LikelyErrorsGrowAsTheRootOfRows) {
    double few = 0.0;
    double many = 0.0;
    for (const SumCase& sum : sumRows(makeNorm(VKN_OPERATION_RMS_NORM), 256, 16)) {
        few += widthOf(sum.bound.likely());
    }
    for (const SumCase& sum : sumRows(makeNorm(VKN_OPERATION_RMS_NORM), 4096, 16)) {
        many += widthOf(sum.bound.likely());
    }
    EXPECT_LT(many / few, 6.0);
    EXPECT_GT(many / few, 3.0);
}

TEST(GradientSums, CatchARowThatIsMissing) {
    std::vector<SumCase> sums = sumRows(makeNorm(VKN_OPERATION_RMS_NORM), 1000, 16);
    const Block block = makeBlock(VKN_PLACEMENT_NONE, makeNorm(VKN_OPERATION_RMS_NORM), 16, kOrdinary, 500);
    const Gradients last = computeGradients(block.spec, block.parameters, block.row, block.arriving);
    for (size_t i = 0; i < sums.size(); ++i) {
        EXPECT_FALSE(contains(sums[i].bound.worst(), sums[i].exact - last.gamma[0][i]));
        EXPECT_FALSE(contains(sums[i].bound.worst(1.0), sums[i].exact));  // nothing was added to
    }
}

// DyT's alpha is a sum over all elements of all rows.
TEST(GradientSums, AlphasSumHolds) {
    SumBound bound;
    PlainSum plain;
    double exact = 0.0;
    for (size_t row = 0; row < 40; ++row) {
        const Block block = makeBlock(VKN_PLACEMENT_PARALLEL, makeNorm(VKN_OPERATION_DYT), 129, kOrdinary, row);
        Stored stored;
        stored.sum = storedSumOf(block);
        const GradientBound rowBound(block.spec, block.parameters, block.row, block.arriving, kPlainShape, stored);
        const PlainGradients gradients =
            PlainBackward(block.spec, block.parameters, block.row, block.arriving).run(stored.sum);
        for (size_t i = 0; i < 129; ++i) {
            bound.add(rowBound.alpha(i));
            plain.add(gradients.alpha[i]);
        }
        exact += rowBound.exact().alpha;
    }
    EXPECT_TRUE(contains(bound.likely(), exact));
    EXPECT_TRUE(contains(bound.likely(), plain.total().exact()));
    EXPECT_LT(widthOf(bound.worst()), 1e-2 * std::fabs(exact));
}

// Where c1 or c2 is left out, training's gradients are those of statistics that are given.
TEST(GradientSums, ColumnsHold) {
    constexpr size_t kRows = 257;
    const NormSpec spec = makeNorm(VKN_OPERATION_BATCH_NORM);
    Random random(8);
    const Values x = draw(random, kRows, {3.0, 2.0});
    const Values arriving = draw(random, kRows, {0.5, 1.0});
    const double gamma = 0.25;
    const RowStatistics exact = normStatistics(spec, x);
    const Float mean(exact.mean);
    const Float rstd(exact.rstd);
    for (const bool isTraining : {false, true}) {
        const ColumnGradientBound bound(spec, gamma, mean.exact(), Fp32Range(rstd.exact()), isTraining, x, arriving,
                                        kRowsPerPart);
        PlainSum sums[2];
        for (size_t row = 0; row < kRows; ++row) {
            sums[0].add(Float(arriving[row]) * ((Float(x[row]) - mean) * rstd));
            sums[1].add(Float(arriving[row]));
        }
        const Float totals[2] = {sums[0].total(), sums[1].total()};
        EXPECT_TRUE(contains(bound.gamma().worst(), totals[0].exact()));
        EXPECT_TRUE(contains(bound.beta().worst(), totals[1].exact()));
        const Float count(static_cast<double>(kRows));
        size_t confused = 0;
        for (size_t row = 0; row < kRows; ++row) {
            const Float normalised = (Float(x[row]) - mean) * rstd;
            const Float weight = Float(spec.gammaOffset) + Float(gamma);
            const Float given = Float(arriving[row]) * weight * rstd;
            const Float trained =
                rstd * weight * ((Float(arriving[row]) - totals[1] / count) - normalised * (totals[0] / count));
            EXPECT_TRUE(contains(bound.element(row), (isTraining ? trained : given).exact())) << row;
            confused += contains(bound.element(row), (isTraining ? given : trained).exact()) ? 1u : 0u;
        }
        EXPECT_EQ(confused, 0u);
    }
}

TEST(GradientPairs, AreTurnedBack) {
    const double cosine = roundTo(VKN_TYPE_F32, std::cos(0.7));
    const double sine = roundTo(VKN_TYPE_F32, std::sin(0.7));
    const auto [a, b] = turnedBack(Fp32Range(3.0), Fp32Range(-2.0), Fp32Range(cosine), Fp32Range(sine));
    const auto [x, y] = turnedBack(3.0, -2.0, 0.7);
    EXPECT_NEAR(a.interval().low, x, 1e-6);
    EXPECT_NEAR(b.interval().high, y, 1e-6);
    EXPECT_TRUE(a.isNumber() && b.isNumber());
}

}  // namespace
}  // namespace vknorm::test
