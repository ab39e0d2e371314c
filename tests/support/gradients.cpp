#include "gradients.hpp"

#include "block_order.hpp"
#include "formats.hpp"
#include "functions.hpp"
#include "gradient_order.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

// The derivation, of a norm with xhat_i = (x_i - mean) rstd, statistics of its first p elements and w = dy (offset + gamma).
//
// rstd = (V + epsilon)^-1/2, so d rstd / dx_i = -rstd^3 (x_i - mean) / p for i < p and 0 beyond; the mean's own part drops
// out, since what is centred sums to 0. With
//   c1 = sum_j w_j xhat_j / p,   c2 = sum_j w_j / p (0 for RMSNorm, which does not centre),
// both sums over the whole row,
//   dx_i = rstd (w_i - [i < p] (c2 + c1 xhat_i)).
// Epsilon outside: rstd = 1 / (s + epsilon), ds / dx_i = (x_i - mean) / (p s), which takes c1 times (s + epsilon) / s. Where
// s is 0 there is no derivative: x is at its kink, and the statistics count as constant, c1 as 0.

namespace vknorm::test {
namespace {

// Functions have reached their limits; infinity times 0 would be NaN.
constexpr double kFar = 1000.0;

double exactly(FunctionId function, double x) { return functionFacts(function).exact(x); }

double siluDerivative(double z) {
    return exactly(FunctionId::Sigmoid, z) * (1.0 + z * exactly(FunctionId::Sigmoid, -z));
}

double geluDerivative(double z) {
    const double density = std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
    return 0.5 * std::erfc(-z / std::numbers::sqrt2) + z * density;
}

// Of z sigmoid(2u).
double geluTanhDerivative(double z) {
    const double root = 2.0 * std::sqrt(2.0 * std::numbers::inv_pi);
    const double twiceU = root * (z + 0.044715 * z * z * z);
    const double slope = root * (1.0 + 3.0 * 0.044715 * z * z);
    const double sigmoid = exactly(FunctionId::Sigmoid, twiceU);
    return sigmoid * (1.0 + z * slope * exactly(FunctionId::Sigmoid, -twiceU));
}

double weightOf(const NormSpec& spec, const std::vector<double>& gamma, size_t column) {
    return spec.hasGamma ? spec.gammaOffset + gamma[column] : 1.0;
}

double parameterAt(const std::vector<double>& parameters, size_t column) {
    return parameters.empty() ? 0.0 : parameters[column];
}

// c1 and c2.
struct Means {
    double ofProducts = 0.0;
    double ofGradients = 0.0;
};

Means meansOf(const NormSpec& spec, const RowStatistics& statistics, const std::vector<double>& x,
              const std::vector<double>& weighted) {
    const double count = static_cast<double>(statisticsPart(spec, x).size());
    Means means;
    for (size_t i = 0; i < x.size(); ++i) {
        means.ofProducts += weighted[i] * normalise(statistics, x[i]) / count;
        means.ofGradients += spec.operation == VKN_OPERATION_RMS_NORM ? 0.0 : weighted[i] / count;
    }
    if (spec.epsilonOutside) {
        const double deviation = std::sqrt(statistics.variance);
        means.ofProducts *= deviation == 0.0 ? 0.0 : 1.0 + spec.epsilon / deviation;
    }
    return means;
}

void throughStatistics(const NormSpec& spec, const RowStatistics& statistics, const std::vector<double>& x,
                       std::vector<double>& gradient) {
    const Means means = meansOf(spec, statistics, x, gradient);
    const size_t part = statisticsPart(spec, x).size();
    for (size_t i = 0; i < x.size(); ++i) {
        if (i < part) {
            gradient[i] -= means.ofGradients + means.ofProducts * normalise(statistics, x[i]);
        }
        gradient[i] *= statistics.rstd;
    }
}

void throughTanh(const NormSpec& spec, const std::vector<double>& x, NormGradient& gradient) {
    for (size_t i = 0; i < x.size(); ++i) {
        const double inner = gradient.x[i] * tanhDerivative(spec.alpha * x[i]);
        gradient.alpha += inner * x[i];
        gradient.x[i] = inner * spec.alpha;
    }
}

// What there is before the statistics are differentiated: w, and what the parameters have of it.
NormGradient throughParameters(const NormSpec& spec, const RowStatistics& statistics, const std::vector<double>& x,
                               const std::vector<double>& gamma, const std::vector<double>& arriving) {
    NormGradient gradient;
    for (size_t i = 0; i < x.size(); ++i) {
        const double normalised = normalise(spec, statistics, x[i]);
        const double multiplied = spec.earlyCast ? roundTo(spec.inputType, normalised) : normalised;
        gradient.x.push_back(arriving[i] * weightOf(spec, gamma, i));
        gradient.gamma.push_back(arriving[i] * multiplied);
        gradient.beta.push_back(arriving[i]);
    }
    return gradient;
}

double sumOf(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

class Backward {
public:
    Backward(const BlockSpec& spec, const BlockParameters& parameters, const BlockRow& row, const GradientRow& arriving)
        : spec_(spec),
          parameters_(parameters),
          row_(row),
          arriving_(arriving),
          forward_(spec, parameters, row),
          back_(spec, parameters, row) {
        hiddenSize_ = std::max({row.branch[0].size(), arriving.output[0].size(), arriving.residualOutput.size()});
    }

    Gradients run(const std::vector<double>& storedSum) {
        for (size_t which = 0; which < branches() && !row_.branch[which].empty(); ++which) {
            for (size_t i = 0; i < hiddenSize_; ++i) {
                branchValues_[which].push_back(forward_.branch(which, i).value());
            }
        }
        if (!spec_.facts().hasResidual) {
            throughBranch(0, throughNorm(0, branchValues_[0], behindGate()));
            return result_;
        }
        const std::vector<double> sumGradient = throughSumNorms(storedSum);
        for (size_t i = 0; i < hiddenSize_; ++i) {
            result_.residual.push_back(back_.residual(Fp64(sumGradient[i])).value());
        }
        for (size_t which = 0; which < branches(); ++which) {
            const std::vector<double> gradient = throughScales(which, sumGradient);
            throughBranch(which, spec_.facts().normsBranch ? throughNorm(0, branchValues_[0], gradient) : gradient);
        }
        return result_;
    }

private:
    size_t branches() const { return spec_.facts().hasSecondBranch ? 2 : 1; }

    // x and its bias, but not gated.
    double biased(size_t which, size_t i) const {
        return row_.branch[which][i] + parameterAt(parameters_.branchBias[which], i);
    }

    double activation(size_t i) const { return forward_.gate(i).value(); }
    double derivative(size_t i) const { return activationDerivative(*spec_.activation, row_.gate[i]); }

    // N of the branch, with its parameters.
    std::vector<double> normedBranch() const {
        const std::vector<double>& x = branchValues_[0];
        const RowStatistics statistics = normStatistics(spec_.norm[0], x);
        std::vector<double> values;
        for (size_t i = 0; i < x.size(); ++i) {
            values.push_back(applyParameters(spec_.norm[0], normalise(spec_.norm[0], statistics, x[i]),
                                             parameterAt(parameters_.gamma[0], i),
                                             parameterAt(parameters_.beta[0], i)));
        }
        return values;
    }

    // dy, on the norm's side of a gate that follows it.
    std::vector<double> behindGate() {
        std::vector<double> gradient = arriving_.output[0];
        if (!spec_.activation || !spec_.normFirst) {
            return gradient;
        }
        const std::vector<double> values = normedBranch();
        for (size_t i = 0; i < hiddenSize_; ++i) {
            result_.gate.push_back(gradient[i] * values[i] * derivative(i));
            gradient[i] *= activation(i);
        }
        return gradient;
    }

    std::vector<double> throughNorm(size_t norm, const std::vector<double>& x, const std::vector<double>& arriving) {
        NormGradient gradient = normGradient(spec_.norm[norm], x, parameters_.gamma[norm], arriving);
        result_.gamma[norm] = std::move(gradient.gamma);
        result_.beta[norm] = std::move(gradient.beta);
        result_.alpha += gradient.alpha;
        return gradient.x;
    }

    // dh: what arrives along the stream, and through the norms of h.
    std::vector<double> throughSumNorms(const std::vector<double>& storedSum) {
        std::vector<double> total = arriving_.residualOutput;
        total.resize(hiddenSize_, 0.0);
        if (!spec_.facts().normsSum) {
            return total;
        }
        const std::vector<double> sum = storedSum.empty() ? computedSum() : storedSum;
        for (size_t which = 0; which < branches(); ++which) {
            const size_t norm = which == 0 ? spec_.sumNorm() : which;
            const std::vector<double> gradient = throughNorm(norm, sum, arriving_.output[which]);
            std::transform(total.begin(), total.end(), gradient.begin(), total.begin(), std::plus<>());
        }
        return total;
    }

    std::vector<double> computedSum() const {
        const std::vector<double> first = spec_.facts().normsBranch ? normedBranch() : branchValues_[0];
        std::vector<double> sum;
        for (size_t i = 0; i < hiddenSize_; ++i) {
            const Fp64 second(parameterAt(branchValues_[1], i));
            sum.push_back(forward_.sum(i, Fp64(first[i]), second).value());
        }
        return sum;
    }

    // D', and what the layer scale has of it.
    std::vector<double> throughScales(size_t which, const std::vector<double>& sumGradient) {
        const bool isKnown = !branchValues_[which].empty();
        const std::vector<double> values = isKnown && spec_.facts().normsBranch ? normedBranch() : branchValues_[which];
        result_.layerScale.resize(isKnown ? hiddenSize_ : 0, 0.0);
        std::vector<double> gradient;
        for (size_t i = 0; i < hiddenSize_; ++i) {
            const Fp64 before = back_.beforeLayerScale(which, i, Fp64(sumGradient[i]));
            if (isKnown) {
                result_.layerScale[i] += before.value() * values[i];
            }
            gradient.push_back(back_.throughLayerScale(i, before).value());
        }
        return gradient;
    }

    // From what norms or is added, through a gate that comes first, to x.
    void throughBranch(size_t which, std::vector<double> gradient) {
        if (spec_.activation && !spec_.normFirst) {
            result_.gate.resize(hiddenSize_, 0.0);
            for (size_t i = 0; i < hiddenSize_; ++i) {
                result_.gate[i] += gradient[i] * biased(which, i) * derivative(i);
                gradient[i] *= activation(i);
            }
        }
        result_.branchBias[which] = gradient;
        result_.branch[which] = std::move(gradient);
    }

    const BlockSpec& spec_;
    const BlockParameters& parameters_;
    const BlockRow& row_;
    const GradientRow& arriving_;
    BlockOrder<Fp64> forward_;
    GradientOrder<Fp64> back_;
    size_t hiddenSize_ = 0;
    std::vector<double> branchValues_[2];  // x, biased, and gated where the gate comes first
    Gradients result_;
};

}  // namespace

double activationDerivative(VknActivation activation, double z) {
    const double near = std::clamp(z, -kFar, kFar);
    switch (activation) {
        case VKN_ACTIVATION_SILU:
            return siluDerivative(near);
        case VKN_ACTIVATION_GELU:
            return geluDerivative(near);
        case VKN_ACTIVATION_GELU_TANH:
            return geluTanhDerivative(near);
        case VKN_ACTIVATION_RELU:
            return std::isnan(z) ? z : z > 0.0 ? 1.0 : 0.0;
        default:
            return exactly(FunctionId::Sigmoid, near) * exactly(FunctionId::Sigmoid, -near);
    }
}

double tanhDerivative(double x) {
    const double inverse = 1.0 / std::cosh(x);
    return inverse * inverse;
}

NormGradient normGradient(const NormSpec& spec, const std::vector<double>& x, const std::vector<double>& gamma,
                          const std::vector<double>& arriving) {
    const RowStatistics statistics = normStatistics(spec, x);
    NormGradient gradient = throughParameters(spec, statistics, x, gamma, arriving);
    if (takesStatistics(spec.operation)) {
        throughStatistics(spec, statistics, x, gradient.x);
    } else if (spec.operation == VKN_OPERATION_DYT) {
        throughTanh(spec, x, gradient);
    }
    return gradient;
}

ColumnGradient batchNormGradient(const NormSpec& spec, const std::vector<double>& column, double gamma,
                                 const std::vector<double>& arriving) {
    NormGradient gradient = normGradient(spec, column, std::vector<double>(column.size(), gamma), arriving);
    return {std::move(gradient.x), sumOf(gradient.gamma), sumOf(gradient.beta)};
}

ColumnGradient batchNormGradient(const NormSpec& spec, const RowStatistics& given, const std::vector<double>& column,
                                 double gamma, const std::vector<double>& arriving) {
    const std::vector<double> gammas(column.size(), gamma);
    NormGradient gradient = throughParameters(spec, given, column, gammas, arriving);
    for (double& value : gradient.x) {
        value *= given.rstd;
    }
    return {std::move(gradient.x), sumOf(gradient.gamma), sumOf(gradient.beta)};
}

std::pair<double, double> turnedBack(double a, double b, double angle) {
    const double cosine = std::cos(angle);
    const double sine = std::sin(angle);
    return {a * cosine + b * sine, b * cosine - a * sine};
}

Gradients computeGradients(const BlockSpec& spec, const BlockParameters& parameters, const BlockRow& row,
                           const GradientRow& arriving, const std::vector<double>& storedSum) {
    return Backward(spec, parameters, row, arriving).run(storedSum);
}

}  // namespace vknorm::test
