// How far a kernel's gradients may be from the exact ones, as bounds.hpp is for what it computes forward. The derivation
// is in gradient_bounds.cpp.
#pragma once

#include "bounds.hpp"
#include "fp32.hpp"
#include "gradient_order.hpp"
#include "gradients.hpp"
#include "reference.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace vknorm::test {

// Absolute errors of a kernel's derivatives of activations, in units of max(1, |exact|), by VknActivation; and of tanh's, as
// 1 - tanh^2 or as 4 sigmoid(2x) sigmoid(-2x).
inline constexpr std::array<double, 5> kDerivativeError = {
    8 * 0x1p-24,  // SILU
    8 * 0x1p-24,  // GELU
    8 * 0x1p-24,  // GELU_TANH
    0.0,          // RELU
    8 * 0x1p-24,  // SIGMOID
};
inline constexpr double kTanhDerivativeError = 10 * 0x1p-24;

// Mean and rstd as the forward pass saved them: exact fp32 numbers.
struct SavedStatistics {
    double mean = 0.0;
    double rstd = 1.0;
};

// What a backward pass finds in memory, where it does not compute it again.
struct Stored {
    std::vector<double> sum;                       // h
    std::optional<SavedStatistics> statistics[2];  // of N; of N2 where it has its own
};

// A norm at x, and gradients on their way through it.
class NormGradientBound {
public:
    // `x` holds what the kernel may have; `near` is a value of each element in there, about which it is bounded.
    NormGradientBound(const NormSpec& spec, std::vector<Fp32Range> x, const std::vector<double>& near,
                      const ReductionShape& shape, const std::optional<SavedStatistics>& saved);

    // What gamma is multiplied with, and N(x).
    Fp32Range multiplied(size_t column) const;
    Fp32Range value(size_t column, double gamma, double beta) const;
    // Of x; `weighted`: what arrives at the normalised values.
    std::vector<Fp32Range> gradient(const std::vector<Fp32Range>& weighted) const;
    // An element's share of alpha's gradient.
    Fp32Range alpha(size_t column, const Fp32Range& weighted) const;

private:
    void boundStatistics(const std::vector<double>& near, const std::optional<SavedStatistics>& saved);
    void boundAboutSaved(const SavedStatistics& saved);
    Fp32Range meanOf(const std::vector<Fp32Range>& terms) const;
    Fp32Range tanhSlope(size_t column) const;
    Fp32Range rootFactor() const;

    NormSpec spec_;
    ReductionShape shape_;
    std::vector<Fp32Range> x_;
    std::vector<Fp32Range> normalised_;  // before an early cast
    std::vector<Fp32Range> aboutSaved_;  // the same about a mean that was saved, rounded; empty: not so
    Fp32Range left_{0.0};                // their mean
    Fp32Range rstd_{1.0};
    RowStatistics exact_;
    double deviationError_ = 0.0;  // relative, of the root mean square
    size_t part_ = 0;              // elements that statistics are taken of
};

// Everything that a right kernel may have, in fp32, before it stores it.
class GradientBound {
public:
    GradientBound(const BlockSpec& spec, const BlockParameters& parameters, const BlockRow& row,
                  const GradientRow& arriving, const ReductionShape& shape, const Stored& stored = {});

    // Not of the statistics that were saved: those are a little off by themselves.
    const Gradients& exact() const { return exact_; }
    Interval branch(size_t which, size_t column) const { return branch_[which][column].interval(); }
    Interval residual(size_t column) const { return residual_[column].interval(); }
    Interval gate(size_t column) const { return gate_[column].interval(); }

    // What this row adds to the gradients of parameters, for SumBound; alpha's element by element.
    Interval gamma(size_t norm, size_t column) const { return gamma_[norm][column].interval(); }
    Interval beta(size_t norm, size_t column) const { return beta_[norm][column].interval(); }
    Interval branchBias(size_t which, size_t column) const { return branch(which, column); }
    Interval layerScale(size_t column) const { return layerScale_[column].interval(); }
    Interval alpha(size_t column) const { return alpha_[column].interval(); }

private:
    using Ranges = std::vector<Fp32Range>;

    size_t branches() const { return spec_.facts().hasSecondBranch ? 2 : 1; }
    void boundBranchValues();
    void boundSum(const Stored& stored, const ReductionShape& shape);
    Ranges valuesOfBranch(size_t which) const;
    Ranges behindGate();
    Ranges throughNorm(size_t norm, const NormGradientBound& bound, const Ranges& arriving);
    Ranges weighted(size_t norm, const Ranges& arriving) const;
    Ranges throughSumNorms();
    Ranges throughScales(size_t which, const Ranges& sumGradient);
    void throughBranch(size_t which, Ranges gradient);
    void noteParameters(size_t norm, const NormGradientBound& bound, const Ranges& arriving, const Ranges& weights);

    const BlockSpec& spec_;
    const BlockParameters& parameters_;
    const BlockRow& row_;
    const GradientRow& arriving_;
    GradientOrder<Fp32Range> back_;
    Gradients exact_;
    size_t hiddenSize_ = 0;
    Ranges branchValues_[2];  // x, biased, and gated where the gate comes first
    std::vector<double> branchNear_[2];
    std::optional<NormGradientBound> branchNorm_;
    std::optional<NormGradientBound> sumNorm_;  // N and N2 of PARALLEL differ in their parameters only
    Ranges branch_[2];
    Ranges residual_;
    Ranges gate_;
    Ranges gamma_[2];
    Ranges beta_[2];
    Ranges layerScale_;
    Ranges alpha_;
};

// A parameter's gradient: the sum of what rows add to it.
class SumBound {
public:
    // Rows that a kernel adds before it joins sums. 1 is right for every kernel, and says least.
    explicit SumBound(uint64_t rowsPerPart = 1) : rowsPerPart_(rowsPerPart) {}

    void add(const Interval& summand);

    // The middle of all that it may be.
    double middle() const { return sum_; }
    // All that it may be, in fp32, before it is stored. `old`: what it is added to, where it is (ACCUMULATE).
    Interval worst(std::optional<double> old = std::nullopt) const;
    // All that is likely: errors of rows and additions as if they were independent, which makes them grow as the square root
    // of rows does. Errors that have one sign in all rows break this, which is what it is for.
    Interval likely(std::optional<double> old = std::nullopt) const;

private:
    Interval around(double error, std::optional<double> old) const;
    double worstError() const;
    double likelyError() const;
    double lostLowParts() const;

    uint64_t rowsPerPart_;
    uint64_t count_ = 0;
    double sum_ = 0.0;
    double part_ = 0.0;         // of the part that is being added
    double parts_ = 0.0;        // magnitudes of the parts before it
    double partSquares_ = 0.0;  // their squares
    double magnitude_ = 0.0;    // of the summands
    double radius_ = 0.0;       // half of what their intervals span
    double squares_ = 0.0;      // of those halves
};

// BatchNorm's column of one channel. c1 and c2 are what the parameters' gradients are sums for, divided by the rows.
class ColumnGradientBound {
public:
    // `mean` is a number that a kernel read, and so is rstd but where it made it of a variance. `isTraining`: both depend on x.
    ColumnGradientBound(const NormSpec& spec, double gamma, double mean, const Fp32Range& rstd, bool isTraining,
                        const std::vector<double>& column, const std::vector<double>& arriving,
                        uint64_t rowsPerPart = 1);

    Interval element(size_t row) const { return elements_[row].interval(); }
    const SumBound& gamma() const { return gamma_; }
    const SumBound& beta() const { return beta_; }

private:
    SumBound gamma_;
    SumBound beta_;
    std::vector<Fp32Range> elements_;
};

// bounds.hpp's judge, of a gradient: a compensated sum makes NaN of what would be infinite, so where nothing can be said
// NaN is right as well.
Verdict judgeGradient(VknType type, const Interval& allowed, double exact, uint32_t bits);

// Where gradients (a, b) of a pair may come to lie, of a cosine and sine that turned it by (rope.hpp).
std::pair<Fp32Range, Fp32Range> turnedBack(const Fp32Range& a, const Fp32Range& b, const Fp32Range& cosine,
                                           const Fp32Range& sine);

}  // namespace vknorm::test
