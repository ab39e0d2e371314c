#include "gradient_bounds.hpp"

#include "block_order.hpp"
#include "formats.hpp"
#include "functions.hpp"
#include "rope.hpp"

#include <algorithm>
#include <cmath>

// The derivation.
//
// u = 2^-24. What a kernel does to an element by itself is a chain of fp32 operations in a known order, so intervals go through
// it as in block_bounds.cpp: a range of operands becomes the range of what the rounded results may be, since rounding is
// monotonic. Where all operands are numbers, so is the result. Only what follows is bounded rather than computed.
//
// Statistics. Saved ones are numbers: xhat = (x - mean) rstd is two operations. The mean of that, which is what the rounded mean
// left over, is a sum as c1 and c2 are; it is divided by rstd and taken from x - mean, and times c2 from c1. Those that are taken again have bounds.cpp's
// errors, rstd as NormBound::rstd() and xhat as its normalised element. Both being off by the same rstd is not made use of:
// it would save a third of the room.
//
// c1 and c2 are sums of n terms of known ranges. A term that is off moves its sum by as much, so without the additions a sum
// lies between those of the lower ends and of the upper ends. The additions: a chunk of 8 is added pairwise, 3 levels; a
// lane's chunks meet in a compensated sum, of which what is left after it is one rounding, and u^2 a term that went in;
// then the tree, t additions. So they add at most
//   ((3 + 1 + t) u + n u^2) sum |term|,
// and at most (n - 1) u + n u^2, since no more than n - 1 additions have two operands that are not 0; as in bounds.cpp a
// row of few chunks has few lanes, that is a shallow tree. Division by n is 5u (2.5 ULP); or multiplication by its
// reciprocal, 5u and one more: 6u for either.
//
// Epsilon outside: c1 is multiplied by 1 + epsilon / s. NormBound's error of rstd = 1 / (s + epsilon) contains that of 1 / s,
// which is what it is made of, in full; the quotient, the sum and the product are 5u, u and u. A row of zeros has xhat 0
// whatever the factor is. Of a constant row that is centred, c1 and the factor are what rounding left over: nothing can be
// said of their product.
//
// Derivatives of activations have an absolute error each (kDerivativeError). tanh's as 1 - t^2: t is off by 4.5 units of
// 2^-24 at most, t^2 by twice that and 1/2, the difference by 1/2 more: 10, which 4 sigmoid(2x) sigmoid(-2x) keeps as well (8.5
// was seen with a `/` of 2 ULP). The argument alpha x is rounded before. Products of three or more factors may be made in any order: k operations leave k u of the exact product in any order, so that the range of one
// order is widened by 2 k u for all others.
//
// BatchNorm's columns: dx = rstd weight ((dy - c2) - xhat c1), the products in any order, c1 = dgamma / n and c2 = dbeta / n as
// kMean divides. SumBound's worst case is what is known of both.
//
// Sums over rows (SumBound). What a row adds is a range; its middle counts as exact and half of what it spans as error. A
// part's compensated sum is off by u |sum| and u^2 a term that went in, of the sum of magnitudes, which after n rows are
// n u^2. Parts meet in at most 64 lanes, again compensated, u each; and those in at most 63 plain additions.
//   Worst: the sum of all rows' errors, and (1 + 1 + 63) u of the magnitudes of parts' sums. Where it is not known which
// rows are a part, a row is one: the sum of magnitudes is never less.
//   Likely: 8 standard deviations, where no error's deviation is larger than its bound. Rows: the root of the sum of their
// squared errors. Parts: u times the root of the sum of their squares. The 64 joinings round what was summed up to there, which
// is not the sum yet, but on its way there as far off as parts take it: at most u times the root of |sum|^2 + their squares each.
// Adding to the old value is one more operation. fp64's own rounding of these sums, n 2^-53, is below n u^2.

namespace vknorm::test {
namespace {

constexpr double kU = 0x1p-24;
constexpr double kDivision = 5.0;
constexpr double kMean = kDivision + 1.0;
constexpr double kChunk = 3.0;
constexpr double kCompensated = 1.0;
constexpr double kLanes = 64.0;
constexpr double kLikely = 8.0;
constexpr Interval kAnything = {-HUGE_VAL, HUGE_VAL};

double magnitudeOf(const Interval& value) { return std::max(std::fabs(value.low), std::fabs(value.high)); }

Fp32Range widened(const Fp32Range& value, double relative, double absolute = 0.0) {
    const Interval& interval = value.interval();
    const auto error = [&](double end) { return std::isinf(end) ? 0.0 : std::fabs(end) * relative + absolute; };
    return Fp32Range(Interval{interval.low - error(interval.low), interval.high + error(interval.high)});
}

// A product of `operations` products that a kernel may have made in another order.
Fp32Range inAnyOrder(const Fp32Range& value, double operations) {
    const double error = 2.0 * operations * kU * magnitudeOf(value.interval());
    return std::isfinite(error) ? widened(value, 0.0, error + operations * kFlush) : value;
}

Fp32Range minus(const Fp32Range& value) { return Fp32Range(Interval{-value.interval().high, -value.interval().low}); }

Fp32Range roundedTo(VknType type, const Fp32Range& value) {
    return Fp32Range(Interval{roundTo(type, value.interval().low), roundTo(type, value.interval().high)});
}

std::vector<Fp32Range> rangesOf(const std::vector<double>& values) {
    return std::vector<Fp32Range>(values.begin(), values.end());
}

double summationDepth(const ReductionShape& shape, double elements) {
    const double lanes = std::ceil(elements / 4.0);
    const double tree = std::min(static_cast<double>(shape.treeDepth), lanes - 1.0);
    return std::min(kChunk + kCompensated + tree, elements - 1.0);
}

// A team's sum of a row's terms.
Fp32Range teamSum(const ReductionShape& shape, const std::vector<Fp32Range>& terms) {
    const double count = static_cast<double>(terms.size());
    Interval sum;
    double magnitude = 0.0;
    for (const Fp32Range& term : terms) {
        sum.low += term.interval().low;
        sum.high += term.interval().high;
        magnitude += magnitudeOf(term.interval());
    }
    if (std::isnan(magnitude)) {
        return Fp32Range(Interval{magnitude, magnitude});
    }
    const double error = (summationDepth(shape, count) * kU + count * kU * kU) * magnitude + count * kFlush;
    return Fp32Range(std::isfinite(error) ? Interval{sum.low - error, sum.high + error} : kAnything);
}

// Of NormBound, only what is before the parameters.
NormSpec withoutParameters(NormSpec spec) {
    spec.hasGamma = spec.hasBeta = spec.earlyCast = false;
    return spec;
}

double farther(const Interval& range, double from) {
    return std::isfinite(from) ? std::max({range.high - from, from - range.low, 0.0}) : 0.0;
}

std::vector<double> errorsOf(const std::vector<Fp32Range>& x, const std::vector<double>& near) {
    std::vector<double> errors;
    for (size_t i = 0; i < x.size(); ++i) {
        errors.push_back(farther(x[i].interval(), near[i]));
    }
    return errors;
}

Fp32Range activationSlope(VknActivation activation, double z) {
    const double exact = activationDerivative(activation, z);
    const double error = kDerivativeError[activation] * std::max(1.0, std::fabs(exact));
    const bool mayBeZero = std::fabs(z) < kFlush;  // where RELU has its step
    return Fp32Range(Interval{mayBeZero ? std::min(0.0, exact - error) : exact - error, exact + error});
}

}  // namespace

// ---- norms ---------------------------------------------------------------------------------------------------------

NormGradientBound::NormGradientBound(const NormSpec& spec, std::vector<Fp32Range> x, const std::vector<double>& near,
                                     const ReductionShape& shape, const std::optional<SavedStatistics>& saved)
    : spec_(spec), shape_(shape), x_(std::move(x)) {
    part_ = statisticsPart(spec, near).size();
    if (takesStatistics(spec.operation)) {
        boundStatistics(near, saved);
        return;
    }
    const bool isDyt = spec.operation == VKN_OPERATION_DYT;
    for (const Fp32Range& element : x_) {
        normalised_.push_back(isDyt ? apply(functionFacts(FunctionId::Tanh), Fp32Range(spec.alpha) * element)
                                    : element);
    }
}

void NormGradientBound::boundStatistics(const std::vector<double>& near, const std::optional<SavedStatistics>& saved) {
    const std::vector<double> errors = errorsOf(x_, near);
    const NormBound bound(withoutParameters(spec_), near, shape_, errors);
    exact_ = bound.exact();
    const Interval rstd = bound.rstd();
    rstd_ = saved ? Fp32Range(saved->rstd) : Fp32Range(rstd);
    deviationError_ = farther(rstd, exact_.rstd) / exact_.rstd;
    if (saved && spec_.operation != VKN_OPERATION_RMS_NORM) {
        boundAboutSaved(*saved);
        return;
    }
    for (size_t i = 0; i < x_.size(); ++i) {
        normalised_.push_back(saved ? x_[i] * rstd_ : Fp32Range(bound.element(near[i], 0.0, 0.0, errors[i])));
    }
}

void NormGradientBound::boundAboutSaved(const SavedStatistics& saved) {
    std::vector<Fp32Range> centred;
    for (const Fp32Range& element : x_) {
        centred.push_back(element + Fp32Range(-saved.mean));
        aboutSaved_.push_back(centred.back() * rstd_);
    }
    left_ = meanOf(aboutSaved_);
    const Interval& left = left_.interval();
    const Fp32Range correction =
        saved.rstd > 0.0
            ? widened(Fp32Range(Interval{left.low / saved.rstd, left.high / saved.rstd}), kDivision * kU, kFlush)
            : Fp32Range(0.0);
    for (const Fp32Range& element : centred) {
        normalised_.push_back((element + minus(correction)) * rstd_);
    }
}

Fp32Range NormGradientBound::multiplied(size_t column) const {
    return spec_.earlyCast ? roundedTo(spec_.inputType, normalised_[column]) : normalised_[column];
}

Fp32Range NormGradientBound::value(size_t column, double gamma, double beta) const {
    Fp32Range value = multiplied(column);
    if (spec_.hasGamma) {
        value = value * (Fp32Range(spec_.gammaOffset) + Fp32Range(gamma));
        value = spec_.earlyCast && spec_.gammaType == spec_.inputType ? roundedTo(spec_.inputType, value) : value;
    }
    return spec_.hasBeta ? value + Fp32Range(beta) : value;
}

Fp32Range NormGradientBound::meanOf(const std::vector<Fp32Range>& terms) const {
    const double count = static_cast<double>(part_);
    const Interval sum = teamSum(shape_, terms).interval();
    return widened(Fp32Range(Interval{sum.low / count, sum.high / count}), kMean * kU, kFlush);
}

// 1 + epsilon / s.
Fp32Range NormGradientBound::rootFactor() const {
    const double deviation = std::sqrt(exact_.variance);
    if (spec_.epsilon == 0.0) {
        return Fp32Range(1.0);
    }
    if (deviation == 0.0) {
        return spec_.operation == VKN_OPERATION_RMS_NORM ? Fp32Range(0.0) : Fp32Range(kAnything);
    }
    const double ratio = spec_.epsilon / deviation;
    const double error = deviationError_ < 1.0 ? deviationError_ / (1.0 - deviationError_) : HUGE_VAL;
    const Fp32Range factor(Interval{1.0 + ratio / (1.0 + deviationError_), 1.0 + ratio + ratio * error});
    return widened(factor, (kDivision + 1.0) * kU);
}

std::vector<Fp32Range> NormGradientBound::gradient(const std::vector<Fp32Range>& weighted) const {
    std::vector<Fp32Range> result = weighted;
    if (spec_.operation == VKN_OPERATION_DYT) {
        for (size_t i = 0; i < result.size(); ++i) {
            result[i] = inAnyOrder(weighted[i] * Fp32Range(spec_.alpha) * tanhSlope(i), 2.0);
        }
    }
    if (!takesStatistics(spec_.operation)) {
        return result;
    }
    const std::vector<Fp32Range>& inProducts = aboutSaved_.empty() ? normalised_ : aboutSaved_;
    std::vector<Fp32Range> products;
    for (size_t i = 0; i < weighted.size(); ++i) {
        products.push_back(weighted[i] * inProducts[i]);
    }
    const bool isCentred = spec_.operation != VKN_OPERATION_RMS_NORM;
    const Fp32Range ofGradients = isCentred ? meanOf(weighted) : Fp32Range(0.0);
    Fp32Range ofProducts = spec_.epsilonOutside ? meanOf(products) * rootFactor() : meanOf(products);
    if (!aboutSaved_.empty()) {
        ofProducts = ofProducts + minus(left_ * ofGradients);
    }
    for (size_t i = 0; i < weighted.size(); ++i) {
        if (i < part_) {
            result[i] = (weighted[i] + minus(ofGradients)) + minus(normalised_[i] * ofProducts);
        }
        result[i] = rstd_ * result[i];
    }
    return result;
}

Fp32Range NormGradientBound::tanhSlope(size_t column) const {
    const Interval argument = (Fp32Range(spec_.alpha) * x_[column]).interval();
    const double ends[] = {tanhDerivative(argument.low), tanhDerivative(argument.high)};
    const bool hasPeak = argument.low <= 0.0 && argument.high >= 0.0;
    const double high = hasPeak ? 1.0 : std::max(ends[0], ends[1]);
    return widened(Fp32Range(Interval{std::min(ends[0], ends[1]), high}), 0.0, kTanhDerivativeError);
}

Fp32Range NormGradientBound::alpha(size_t column, const Fp32Range& weighted) const {
    return spec_.operation == VKN_OPERATION_DYT ? inAnyOrder(weighted * x_[column] * tanhSlope(column), 2.0)
                                                : Fp32Range(0.0);
}

// ---- blocks --------------------------------------------------------------------------------------------------------

GradientBound::GradientBound(const BlockSpec& spec, const BlockParameters& parameters, const BlockRow& row,
                             const GradientRow& arriving, const ReductionShape& shape, const Stored& stored)
    : spec_(spec),
      parameters_(parameters),
      row_(row),
      arriving_(arriving),
      back_(spec, parameters, row),
      exact_(computeGradients(spec, parameters, row, arriving, stored.sum)) {
    hiddenSize_ = exact_.branch[0].size();
    alpha_.resize(hiddenSize_, Fp32Range(0.0));
    boundBranchValues();
    if (spec.facts().normsBranch) {
        branchNorm_.emplace(spec.norm[0], branchValues_[0], branchNear_[0], shape, stored.statistics[0]);
    }
    if (!spec.facts().hasResidual) {
        throughBranch(0, throughNorm(0, *branchNorm_, behindGate()));
        return;
    }
    boundSum(stored, shape);
    const Ranges sumGradient = throughSumNorms();
    for (const Fp32Range& gradient : sumGradient) {
        residual_.push_back(back_.residual(gradient));
    }
    for (size_t which = 0; which < branches(); ++which) {
        const Ranges gradient = throughScales(which, sumGradient);
        throughBranch(which, branchNorm_ ? throughNorm(0, *branchNorm_, gradient) : gradient);
    }
}

void GradientBound::boundBranchValues() {
    const BlockOrder<Fp32Range> ranges(spec_, parameters_, row_);
    const BlockOrder<Fp32> numbers(spec_, parameters_, row_);
    for (size_t which = 0; which < branches() && !row_.branch[which].empty(); ++which) {
        for (size_t i = 0; i < hiddenSize_; ++i) {
            branchValues_[which].push_back(ranges.branch(which, i));
            branchNear_[which].push_back(numbers.branch(which, i).value());
        }
    }
}

// h as it was stored, or as it is computed again.
void GradientBound::boundSum(const Stored& stored, const ReductionShape& shape) {
    if (!spec_.facts().normsSum) {
        return;
    }
    const size_t norm = spec_.sumNorm();
    if (!stored.sum.empty()) {
        sumNorm_.emplace(spec_.norm[norm], rangesOf(stored.sum), stored.sum, shape, stored.statistics[norm]);
        return;
    }
    const BlockOrder<Fp32Range> order(spec_, parameters_, row_);
    const Ranges first = valuesOfBranch(0);
    Ranges sums;
    for (size_t i = 0; i < hiddenSize_; ++i) {
        sums.push_back(order.sum(i, first[i], branchValues_[1].empty() ? Fp32Range(0.0) : branchValues_[1][i]));
    }
    const std::vector<double> near = computeBlock(spec_, parameters_, row_).sum;
    sumNorm_.emplace(spec_.norm[norm], std::move(sums), near, shape, stored.statistics[norm]);
}

// What dropout and the scales are applied to.
GradientBound::Ranges GradientBound::valuesOfBranch(size_t which) const {
    if (!branchNorm_) {
        return branchValues_[which];
    }
    const auto at = [](const std::vector<double>& values, size_t i) { return values.empty() ? 0.0 : values[i]; };
    Ranges values;
    for (size_t i = 0; i < hiddenSize_; ++i) {
        values.push_back(branchNorm_->value(i, at(parameters_.gamma[0], i), at(parameters_.beta[0], i)));
    }
    return values;
}

GradientBound::Ranges GradientBound::behindGate() {
    Ranges gradient = rangesOf(arriving_.output[0]);
    if (!spec_.activation || !spec_.normFirst) {
        return gradient;
    }
    const BlockOrder<Fp32Range> order(spec_, parameters_, row_);
    const Ranges values = valuesOfBranch(0);
    for (size_t i = 0; i < hiddenSize_; ++i) {
        gate_.push_back(inAnyOrder(gradient[i] * values[i] * activationSlope(*spec_.activation, row_.gate[i]), 2.0));
        gradient[i] = gradient[i] * order.gate(i);
    }
    return gradient;
}

GradientBound::Ranges GradientBound::weighted(size_t norm, const Ranges& arriving) const {
    Ranges result;
    for (size_t i = 0; i < hiddenSize_; ++i) {
        result.push_back(back_.weighted(norm, i, arriving[i]));
    }
    return result;
}

void GradientBound::noteParameters(size_t norm, const NormGradientBound& bound, const Ranges& arriving,
                                   const Ranges& weights) {
    for (size_t i = 0; i < hiddenSize_; ++i) {
        gamma_[norm].push_back(arriving[i] * bound.multiplied(i));
        alpha_[i] = alpha_[i] + bound.alpha(i, weights[i]);
    }
    beta_[norm] = arriving;
}

GradientBound::Ranges GradientBound::throughNorm(size_t norm, const NormGradientBound& bound, const Ranges& arriving) {
    const Ranges weights = weighted(norm, arriving);
    noteParameters(norm, bound, arriving, weights);
    return bound.gradient(weights);
}

GradientBound::Ranges GradientBound::throughSumNorms() {
    Ranges total = rangesOf(arriving_.residualOutput);
    if (!sumNorm_) {
        total.resize(hiddenSize_, Fp32Range(0.0));
        return total;
    }
    const size_t norm = spec_.sumNorm();
    Ranges weights = weighted(norm, rangesOf(arriving_.output[0]));
    noteParameters(norm, *sumNorm_, rangesOf(arriving_.output[0]), weights);
    if (spec_.facts().hasSecondBranch) {
        const Ranges second = weighted(1, rangesOf(arriving_.output[1]));
        noteParameters(1, *sumNorm_, rangesOf(arriving_.output[1]), second);
        std::transform(weights.begin(), weights.end(), second.begin(), weights.begin(),
                       [](const Fp32Range& a, const Fp32Range& b) { return a + b; });
    }
    Ranges gradient = sumNorm_->gradient(weights);
    for (size_t i = 0; i < hiddenSize_ && !total.empty(); ++i) {
        gradient[i] = gradient[i] + total[i];
    }
    return gradient;
}

GradientBound::Ranges GradientBound::throughScales(size_t which, const Ranges& sumGradient) {
    const bool isKnown = !branchValues_[which].empty();
    const Ranges values = isKnown ? valuesOfBranch(which) : Ranges();
    layerScale_.resize(isKnown ? hiddenSize_ : 0, Fp32Range(0.0));
    Ranges gradient;
    for (size_t i = 0; i < hiddenSize_; ++i) {
        const Fp32Range before = back_.beforeLayerScale(which, i, sumGradient[i]);
        if (isKnown) {
            constexpr double kFactors = 4.0;  // b, the scales of dropout and row, the value
            layerScale_[i] = layerScale_[i] + inAnyOrder(before * values[i], kFactors);
        }
        gradient.push_back(back_.throughLayerScale(i, before));
    }
    return gradient;
}

void GradientBound::throughBranch(size_t which, Ranges gradient) {
    if (spec_.activation && !spec_.normFirst) {
        const BlockOrder<Fp32Range> order(spec_, parameters_, row_);
        BlockSpec ungated = spec_;
        ungated.activation.reset();
        const BlockOrder<Fp32Range> biased(ungated, parameters_, row_);
        gate_.resize(hiddenSize_, Fp32Range(0.0));
        for (size_t i = 0; i < hiddenSize_; ++i) {
            const Fp32Range slope = activationSlope(*spec_.activation, row_.gate[i]);
            gate_[i] = gate_[i] + inAnyOrder(gradient[i] * biased.branch(which, i) * slope, 2.0);
            gradient[i] = gradient[i] * order.gate(i);
        }
    }
    branch_[which] = std::move(gradient);
}

// ---- sums over rows ------------------------------------------------------------------------------------------------

void SumBound::add(const Interval& summand) {
    const double middle = 0.5 * (summand.low + summand.high);
    const double radius = 0.5 * (summand.high - summand.low);
    sum_ += middle;
    part_ += middle;
    magnitude_ += magnitudeOf(summand);
    radius_ += radius;
    squares_ += radius * radius;
    if (++count_ % rowsPerPart_ == 0) {
        parts_ += std::fabs(part_);
        partSquares_ += part_ * part_;
        part_ = 0.0;
    }
}

double SumBound::lostLowParts() const {
    const double count = static_cast<double>(count_);
    return count * kU * kU * magnitude_ + count * kFlush;
}

double SumBound::worstError() const {
    return radius_ + (2.0 + kLanes - 1.0) * kU * (parts_ + std::fabs(part_)) + lostLowParts();
}

double SumBound::likelyError() const {
    const double parts = partSquares_ + part_ * part_;
    const double additions = kU * kU * (parts + kLanes * (sum_ * sum_ + parts));
    return std::min(worstError(), kLikely * std::sqrt(squares_ + additions) + lostLowParts());
}

Interval SumBound::worst(std::optional<double> old) const { return around(worstError(), old); }

Interval SumBound::likely(std::optional<double> old) const { return around(likelyError(), old); }

Interval SumBound::around(double error, std::optional<double> old) const {
    const double sum = sum_ + old.value_or(0.0);
    if (old) {
        error += kU * (std::fabs(sum) + error) + kFlush;
    }
    return std::isfinite(error) ? Interval{sum - error, sum + error} : kAnything;
}

ColumnGradientBound::ColumnGradientBound(const NormSpec& spec, double gamma, double mean, const Fp32Range& rstd,
                                         bool isTraining, const std::vector<double>& column,
                                         const std::vector<double>& arriving, uint64_t rowsPerPart)
    : gamma_(rowsPerPart), beta_(rowsPerPart) {
    std::vector<Fp32Range> normalised;
    for (size_t row = 0; row < column.size(); ++row) {
        normalised.push_back((Fp32Range(column[row]) + Fp32Range(-mean)) * rstd);
        gamma_.add((Fp32Range(arriving[row]) * normalised[row]).interval());
        beta_.add({arriving[row], arriving[row]});
    }
    const double count = static_cast<double>(column.size());
    const auto meanOf = [&](const SumBound& sum) {
        const Interval all = sum.worst();
        return isTraining ? widened(Fp32Range(Interval{all.low / count, all.high / count}), kMean * kU, kFlush)
                          : Fp32Range(0.0);
    };
    const Fp32Range ofProducts = meanOf(gamma_);
    const Fp32Range ofGradients = meanOf(beta_);
    const Fp32Range weight = spec.hasGamma ? Fp32Range(spec.gammaOffset) + Fp32Range(gamma) : Fp32Range(1.0);
    for (size_t row = 0; row < column.size(); ++row) {
        const Fp32Range centred = (Fp32Range(arriving[row]) + minus(ofGradients)) + minus(normalised[row] * ofProducts);
        elements_.push_back(inAnyOrder(rstd * weight * centred, 2.0));
    }
}

Verdict judgeGradient(VknType type, const Interval& allowed, double exact, uint32_t bits) {
    if (isNan(type, bits) && !std::isfinite(magnitudeOf(allowed))) {
        return {true, 0.0};
    }
    return judge(type, allowed, exact, bits);
}

std::pair<Fp32Range, Fp32Range> turnedBack(const Fp32Range& a, const Fp32Range& b, const Fp32Range& cosine,
                                           const Fp32Range& sine) {
    return turned(a, b, cosine, minus(sine));
}

}  // namespace vknorm::test
