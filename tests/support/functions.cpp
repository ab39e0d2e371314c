#include "functions.hpp"

#include "formats.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace vknorm::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// x * sigmoid and x * Phi tend to -0 on the left, long before this.
constexpr double kLeft = -1000.0;

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

double silu(double x) { return std::max(x, kLeft) * sigmoid(x); }

double gelu(double x) { return 0.5 * std::max(x, kLeft) * std::erfc(-x / std::numbers::sqrt2); }

// x / 2 * (1 + tanh(u)) without its cancellation.
double geluTanh(double x) {
    const double u = std::sqrt(2.0 * std::numbers::inv_pi) * (x + 0.044715 * x * x * x);
    return std::max(x, kLeft) * sigmoid(2.0 * u);
}

double relu(double x) { return x < 0.0 ? 0.0 : x; }

// The bounds are those that functions.glsl states.
constexpr FunctionFacts kFacts[] = {
    {FunctionId::Exp, "exp", [](double x) { return std::exp(x); }, 1.01, 1.01, kInfinity},
    {FunctionId::Sigmoid, "sigmoid", sigmoid, 2.41, 4.41, 1.0},
    {FunctionId::Tanh, "tanh", [](double x) { return std::tanh(x); }, 2.5, 4.5, 1.0},
    {FunctionId::Silu, "silu", silu, 3.4, 5.4, kInfinity},
    {FunctionId::Gelu, "gelu", gelu, 4.9, 8.3, kInfinity},
    {FunctionId::GeluTanh, "gelu tanh", geluTanh, 3.41, 5.41, kInfinity},
    {FunctionId::Relu, "relu", relu, 0.0, 0.0, kInfinity},
};

double errorOf(const FunctionFacts& function, double exact) {
    const double flushed = std::fabs(exact) < 2.0 * kFlush ? kFlush : 0.0;
    return std::max(function.ulpsOfAnyDevice * ulpSize(VKN_TYPE_F32, exact), flushed);
}

}  // namespace

const FunctionFacts& functionFacts(FunctionId function) { return kFacts[static_cast<size_t>(function)]; }

const FunctionFacts& activationFacts(VknActivation activation) {
    constexpr FunctionId kActivations[] = {FunctionId::Silu, FunctionId::Gelu, FunctionId::GeluTanh, FunctionId::Relu,
                                           FunctionId::Sigmoid};
    return functionFacts(kActivations[activation]);
}

Fp32 apply(const FunctionFacts& function, Fp32 x) { return Fp32::rounded(function.exact(x.value())); }

Fp32Range apply(const FunctionFacts& function, const Fp32Range& x) {
    const double ends[] = {function.exact(x.interval().low), function.exact(x.interval().high)};
    if (std::isnan(ends[0]) || std::isnan(ends[1])) {
        return Fp32Range(Interval{ends[0], ends[1]});
    }
    const auto clamped = [&](double value) { return std::clamp(value, -function.largest, function.largest); };
    const auto [low, high] = std::minmax(ends[0], ends[1]);
    const double below = std::isinf(low) ? 0.0 : errorOf(function, low);
    const double above = std::isinf(high) ? 0.0 : errorOf(function, high);
    return Fp32Range(
        Interval{clamped(roundTo(VKN_TYPE_F32, low - below)), clamped(roundTo(VKN_TYPE_F32, high + above))});
}

}  // namespace vknorm::test
