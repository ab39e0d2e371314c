// The fp64 reference of the gradients: derivatives of what reference.hpp computes, worked out by hand, as if nothing were
// rounded on the way; but for early casts, whose rounded values are multiplied and which pass gradients on as they are.
// tests/unit/gradients_test.cpp holds them against finite differences.
#pragma once

#include "reference.hpp"

#include <utility>
#include <vector>

namespace vknorm::test {

// Of a loss, with respect to what a row of the operation writes. Empty where nothing arrives.
struct GradientRow {
    std::vector<double> output[2];       // dy, dy2
    std::vector<double> residualOutput;  // dh
};

// Empty where the block has no such thing.
struct Gradients {
    std::vector<double> branch[2];  // dx, dx2
    std::vector<double> residual;
    std::vector<double> gate;
    // What this row adds to the gradients of the parameters; they are there whether or not the parameter is.
    std::vector<double> gamma[2];
    std::vector<double> beta[2];
    std::vector<double> branchBias[2];
    std::vector<double> layerScale;
    double alpha = 0.0;
};

// `storedSum`: h as a kernel stored it, in whatever type, which is where norms of it are differentiated; without it, h as
// it is before any rounding. A row whose branches are not there has no gradients that need them (layerScale).
Gradients computeGradients(const BlockSpec& spec, const BlockParameters& parameters, const BlockRow& row,
                           const GradientRow& arriving, const std::vector<double>& storedSum = {});

// Of one norm, at x. `gamma` is ignored where the norm has none. A row of GroupNorm is a group, and what a channel has of
// gamma's gradient is the sum of that channel's elements.
struct NormGradient {
    std::vector<double> x;
    std::vector<double> gamma;
    std::vector<double> beta;
    double alpha = 0.0;
};
NormGradient normGradient(const NormSpec& spec, const std::vector<double>& x, const std::vector<double>& gamma,
                          const std::vector<double>& arriving);

// Of BatchNorm, whose rows are columns with one gamma.
struct ColumnGradient {
    std::vector<double> x;
    double gamma = 0.0;
    double beta = 0.0;
};
// With training: the statistics are the column's own.
ColumnGradient batchNormGradient(const NormSpec& spec, const std::vector<double>& column, double gamma,
                                 const std::vector<double>& arriving);
// Without training: they are given, so that nothing depends on them.
ColumnGradient batchNormGradient(const NormSpec& spec, const RowStatistics& given, const std::vector<double>& column,
                                 double gamma, const std::vector<double>& arriving);

double activationDerivative(VknActivation activation, double z);  // NaN of NaN; RELU's is 0 at 0
double tanhDerivative(double x);

// What a pair that was turned by an angle (rope.hpp) hands back of the gradients (a, b) that arrive.
std::pair<double, double> turnedBack(double a, double b, double angle);

}  // namespace vknorm::test
