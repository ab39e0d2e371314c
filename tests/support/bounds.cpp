#include "bounds.hpp"

#include "formats.hpp"
#include "functions.hpp"

#include <algorithm>
#include <cmath>

// The derivation.
//
// u = 2^-24. A basic fp32 operation is exact times (1 + e), |e| <= u; division 2.5 ULP <= 5u; inversesqrt with a Newton
// step, or as the specification allows without it, 2 ULP <= 4u. No contraction: the kernels are `precise`.
//
// Depth. A sum that adds at most D times on the way from any element to the result has the relative error D u of the
// sum of magnitudes (Higham, 4.2; second-order terms are covered by rounding D up). A lane adds 2 quads for each of its
// chunks, a quad has 2 levels, then the tree. A lane that has nothing adds zeros, which is exact, so a short row has a
// shallower tree. Where a row is read again, groups of chunks meet in a compensated sum: 3 more, not one a group.
//
// RMSNorm. Squares are rounded once, so s = sum x^2 is off by (D+1)u, s/n by 5u more, + epsilon u. The root halves that:
//   rstd: (D+7)/2 u + 4u;  epsilon outside the root: root = v * inversesqrt(v), + u for the sum, + 5u for the division.
//
// LayerNorm. m0 = sum x / n is off the mean by a = (D+5)u mean|x|. With d = x - m0, delta = sum d / n estimates what m0
// is off by; its own error is b = (D+6)u mean|d| and mean|d| <= mean|x-mean| + a. The saved mean is m0 + delta:
//   mean: b + u|mean|.
// c = (x - m0) - delta has the error u|x - m0| + b + u|c| <= 2u|c| + (b + 2ua), where the bracket does not depend on x.
// The sum of squares M2 = sum d^2 - n delta^2, with mean d^2 = V + a^2, is off by
//   n ((D+2)u (V + a^2) + 2ab + b^2 + 8u a^2),
// to which lanes that keep centres of their own (read again) add 16u V each time a centre moves, after 1, 2, 4, ...
// groups, and 16u V when they are merged. The relative error of V + epsilon is that over (V + epsilon); the root of
// 1 - e is taken as it is, because e need not be small: if it reaches 1 no digit is left and nothing can be said.
//
// BatchNorm with training: a lane's rows are gathered as those of a row that is read again, then parts are joined. Their means,
// and the mean of all, are rounded to fp32, each to u max|x|; their distances from that of all, and what becomes of the sum of
// those, are off by 2u max|x| each. So the mean that is taken from x, and each part's mean, may be D = 6u max|x| further off, and
// V by 2 D mean|x-mean| + D^2. With given statistics only the arithmetic of the root and what follows it counts.
//
// y = c rstd (offset + gamma) + beta: one u for each operation. Early cast rounds c rstd, and the product, to a narrow
// type: rounding is monotonic, so the ends of the interval are rounded. The store rounds the ends once more.
//
// Inputs that are known to +-E_i only, because something was computed before the norm: e_i is what they are really off
// by. Their mean moves the mean by at most F = mean E. A centred element moves by e_i less that, at most
// E_i + F - 2 E_i / n, because its own share of the mean goes with it. With the centred c, the mean of squares moves by
//   2 mean(c e) + mean (e - mean e)^2, at most G = 2 mean(|c| E) + mean E^2,
// where mean e has dropped out of the first term, the sum of c being 0; the second is kept, since E may be as large as
// c. RMSNorm: the same without F, because nothing is centred. What the kernel adds is bounded as above for the worst
// row that such errors permit: mean|x| + F, mean|x - mean| + 2 F, V + G.
//
// DyT has no statistics: alpha x is one u, and tanh, which is monotonic, what functions.glsl says of it. Where a gate stands
// in a norm's place, the element is what it was.
//
// Subnormals may be flushed at any step: 2^-126 for each operand and result, times what it is multiplied with later. A
// row that was rescaled by a power of two has that unit in the scaled row.

namespace vknorm::test {
namespace {

constexpr double kU = 0x1p-24;
constexpr double kDivision = 5.0;
constexpr double kInverseSqrt = 4.0;
constexpr double kCompensated = 3.0;
constexpr double kRecentre = 16.0;

// A subgroup addition has no defined order. Software drivers add lane after lane; wide hardware uses a tree.
uint32_t subgroupDepth(uint32_t lanes) {
    if (lanes <= 16) {
        return lanes - 1;
    }
    uint32_t depth = 0;
    while ((1u << depth) < lanes) {
        ++depth;
    }
    return depth + 1;
}

double summationDepth(const ReductionShape& shape, double elements) {
    const double inLane = std::min(2.0 * shape.chunksPerLane - 1.0, std::ceil(elements / 8.0)) + 2.0;
    const double lanes = std::ceil(elements / 4.0);
    const double tree = std::min(static_cast<double>(shape.treeDepth), lanes - 1.0);
    const double depth = inLane + tree + (shape.readAgain ? kCompensated : 0.0);
    return std::min(depth, elements - 1.0 + (shape.readAgain ? kCompensated : 0.0));
}

double recentrings(double elements) {
    return 1.0 + std::log2(std::max(elements / 128.0, 1.0));  // at least 4 lanes, 4 chunks of 8
}

Interval widen(const Interval& value, double relative, double absolute) {
    const auto error = [&](double end) { return std::isinf(end) ? 0.0 : std::fabs(end) * relative + absolute; };
    return {value.low - error(value.low), value.high + error(value.high)};
}

// One fp32 operation: a result that fp32 can hold is exact, which decides ties of an early cast; any other is rounded,
// and a tiny one may be flushed.
Interval afterOperation(const Interval& value) {
    const auto error = [](double end) {
        const double flushed = std::fabs(end) < 2.0 * kFlush ? kFlush : 0.0;
        return roundTo(VKN_TYPE_F32, end) == end ? flushed : kU * std::fabs(end) + flushed;
    };
    return {value.low - error(value.low), value.high + error(value.high)};
}

Interval times(const Interval& value, double factor) {
    const double a = value.low * factor;
    const double b = value.high * factor;
    return {std::min(a, b), std::max(a, b)};
}

Interval rounded(VknType type, const Interval& value) { return {roundTo(type, value.low), roundTo(type, value.high)}; }

// What inexact inputs do to the exact statistics: F and G of the derivation.
struct InputError {
    double mean = 0.0;
    double square = 0.0;
};

InputError inputError(const std::vector<double>& errors, const std::vector<double>& x, const RowStatistics& exact) {
    InputError total;
    for (size_t i = 0; i < errors.size(); ++i) {
        const double centred = std::fabs(x[i] - exact.mean);
        total.mean += errors[i];
        total.square += errors[i] == 0.0 ? 0.0 : errors[i] * (2.0 * centred + errors[i]);
    }
    const double count = static_cast<double>(x.size());
    return {total.mean / count, total.square / count};
}

}  // namespace

ReductionShape reductionShape(const VknPlanInfo& plan) {
    ReductionShape shape;
    shape.readAgain = plan.accessesInRegisters == 0;
    shape.chunksPerLane = shape.readAgain ? 8 : plan.accessesInRegisters;
    if (plan.form == VKN_KERNEL_FORM_SHARED) {
        shape.treeDepth = 0;
        while ((1u << shape.treeDepth) < plan.workgroupSize) {
            ++shape.treeDepth;
        }
        return shape;
    }
    const uint32_t lanes = std::max(plan.subgroupSize, 1u);
    shape.treeDepth = subgroupDepth(lanes);
    if (plan.form == VKN_KERNEL_FORM_SUBGROUP_SHARED) {
        const uint32_t subgroups = std::max(plan.workgroupSize / lanes, 1u);
        shape.treeDepth += subgroups <= lanes ? subgroupDepth(subgroups) : subgroups - 1;
    }
    return shape;
}

NormBound::NormBound(const NormSpec& spec, const std::vector<double>& row, const ReductionShape& shape,
                     const std::vector<double>& errors)
    : spec_(spec), exact_(normStatistics(spec, row)) {
    if (!takesStatistics(spec.operation)) {
        return;
    }
    const std::vector<double> x = statisticsPart(spec, row);
    const double count = static_cast<double>(x.size());
    const double depth = summationDepth(shape, count);
    const bool isCentred = spec.operation != VKN_OPERATION_RMS_NORM;

    double magnitude = 0.0;
    double distance = 0.0;
    double largest = 0.0;
    bool hasSubnormal = false;
    for (const double value : x) {
        magnitude += std::fabs(value) / count;
        distance += std::fabs(value - exact_.mean) / count;
        largest = std::max(largest, std::fabs(value));
        hasSubnormal = hasSubnormal || (value != 0.0 && std::fabs(value) < kFlush);
    }
    flushUnit_ =
        std::isfinite(largest) ? kFlush * 2.0 * largest : 0.0;  // as if rescaled to 1; an infinite row cannot be
    if (exact_.variance * count > 0x1p-90) {
        flushUnit_ = std::max(flushUnit_, kFlush);
    }
    flushUnit_ += hasSubnormal ? kFlush : 0.0;

    const InputError input = inputError(statisticsPart(spec, errors), x, exact_);
    magnitude += input.mean;
    distance += 2.0 * input.mean;
    const double variance = exact_.variance + input.square;
    double varianceError = (depth + 1.0 + kDivision) * kU * variance;
    if (isCentred) {
        const double a = (depth + kDivision) * kU * magnitude;
        const double b = (depth + 1.0 + kDivision) * kU * (distance + a);
        ownShare_ = 1.0 / count;
        meanError_ = b + kU * std::fabs(exact_.mean) + flushUnit_ + input.mean;
        centreError_ = b + 2.0 * kU * a + flushUnit_ + input.mean;
        varianceError = (depth + 2.0 + kDivision) * kU * (variance + a * a) + 2.0 * a * b + b * b + 8.0 * kU * a * a;
        if (shape.readAgain) {
            varianceError += kRecentre * (1.0 + recentrings(count)) * kU * (variance + a * a);
        }
    } else {
        centreError_ = hasSubnormal ? kFlush : 0.0;
    }
    varianceError += flushUnit_ * flushUnit_ + 2.0 * flushUnit_ * distance + flushUnit_ * 0x1p-40;
    varianceError += input.square;
    if (spec.operation == VKN_OPERATION_BATCH_NORM) {
        const double ofParts = 6.0 * kU * largest;
        meanError_ += ofParts;
        centreError_ = meanError_;
        varianceError += ofParts * (2.0 * distance + ofParts);
    }
    boundRoot(varianceError);
}

NormBound::NormBound(const NormSpec& spec, double mean, double variance)
    : spec_(spec), exact_{mean, variance, inverseDeviation(spec, variance)} {
    boundRoot(0.0);
}

// rstd = (V + e)^-1/2 (1 + ...), for both signs of the error.
void NormBound::boundRoot(double varianceError) {
    const NormSpec& spec = spec_;
    const double regular = spec.epsilonOutside ? exact_.variance : exact_.variance + spec.epsilon;
    if (regular > 0.0 && std::isfinite(regular)) {
        const double relative = varianceError / regular + kU;
        double rootError = 0.0;
        if (relative < 0.75) {
            rootError = 1.0 / std::sqrt(1.0 - relative) - 1.0;
        } else {
            isUnbounded_ = true;
        }
        rstdError_ = rootError + kInverseSqrt * kU;
        if (spec.epsilonOutside) {
            rstdError_ = rootError + (kInverseSqrt + 1.0 + 2.0 + kDivision) * kU;
        }
        rstdError_ *= 1.0 + rstdError_;
    } else if (spec.epsilonOutside && spec.epsilon > 0.0 && exact_.variance == 0.0) {
        // A constant row: what is left of the variance is varianceError, and its root counts beside epsilon.
        rstdError_ = std::sqrt(varianceError) / spec.epsilon + (2.0 + kDivision) * kU;
        isUnbounded_ = rstdError_ > 0.5;
    }
}

Interval NormBound::mean() const { return widen({exact_.mean, exact_.mean}, 0.0, meanError_); }

Interval NormBound::rstd() const {
    if (isUnbounded_) {
        return {0.0, HUGE_VAL};
    }
    return widen({exact_.rstd, exact_.rstd}, rstdError_ + kU, kFlush);
}

double NormBound::exactElement(double x, double gamma, double beta) const {
    return applyParameters(spec_, normalise(spec_, exact_, x), gamma, beta);
}

Interval NormBound::normalised(double x, double error) const {
    const double value = normalise(exact_, x);
    const bool isCentred = spec_.operation != VKN_OPERATION_RMS_NORM;
    if (!std::isfinite(value)) {
        return {value, value};
    }
    if (isUnbounded_) {
        return {-HUGE_VAL, HUGE_VAL};
    }
    const double relative = rstdError_ + (isCentred ? 3.0 : 1.0) * kU;
    const double moved = centreError_ + error * (1.0 - 2.0 * ownShare_);
    const double absolute = moved * exact_.rstd * (1.0 + relative);
    return widen({value, value}, relative, absolute + kFlush + flushUnit_ * exact_.rstd);
}

Interval NormBound::withoutStatistics(double x, double error) const {
    const Fp32Range element = error > 0.0 ? Fp32Range(Interval{x - error, x + error}) : Fp32Range(x);
    if (spec_.operation != VKN_OPERATION_DYT) {
        return element.interval();
    }
    return apply(functionFacts(FunctionId::Tanh), Fp32Range(spec_.alpha) * element).interval();
}

Interval NormBound::element(double x, double gamma, double beta, double error) const {
    Interval value = takesStatistics(spec_.operation) ? normalised(x, error) : withoutStatistics(x, error);
    if (spec_.earlyCast) {
        value = rounded(spec_.inputType, value);
    }
    if (spec_.hasGamma) {
        const double weight = spec_.gammaOffset + gamma;
        const double size = std::max(std::fabs(value.low), std::fabs(value.high));
        const bool isExact = roundTo(VKN_TYPE_F32, weight) == weight;
        const double flushed = std::fabs(gamma) < kFlush && gamma != 0.0 ? kFlush * size : 0.0;
        value = afterOperation(widen(times(value, weight), isExact ? 0.0 : kU, flushed));
        if (spec_.earlyCast && spec_.gammaType == spec_.inputType) {
            value = rounded(spec_.inputType, value);
        }
    }
    if (spec_.hasBeta) {
        const double flushed = std::fabs(beta) < kFlush && beta != 0.0 ? kFlush : 0.0;
        value = afterOperation(widen({value.low + beta, value.high + beta}, 0.0, flushed));
    }
    return value;
}

Verdict judge(VknType type, const Interval& allowed, double exact, uint32_t bits) {
    Verdict verdict;
    if (std::isnan(exact)) {
        verdict.isRight = isNan(type, bits);
        return verdict;
    }
    const double got = decode(type, bits);
    const double low = roundTo(type, allowed.low);
    const double high = roundTo(type, allowed.high);
    const bool mayFlush = std::fabs(got) == 0.0 && low < kFlush && high > -kFlush;
    verdict.isRight = (got >= low && got <= high) || mayFlush;
    if (std::isfinite(exact) && std::isfinite(got)) {
        const double room = got > exact ? high - exact : exact - low;
        const double error = std::fabs(got - exact);
        verdict.tightness = error == 0.0 || !std::isfinite(room) || mayFlush ? 0.0 : error / room;
        // An element that is just a correct rounding away says nothing about the arithmetic before it.
        if (bits == encode(type, exact)) {
            verdict.tightness = 0.0;
        }
    }
    return verdict;
}

}  // namespace vknorm::test
