// What is done to a gradient on its way back through what surrounds a norm, once, in the order of a kernel: Number is
// Fp64 for the reference, Fp32Range for bounds.
#pragma once

#include "functions.hpp"
#include "philox.hpp"
#include "reference.hpp"

namespace vknorm::test {

// A number that is not rounded, for BlockOrder: the forward pass as a function that has derivatives.
class Fp64 {
public:
    explicit Fp64(double value) : value_(value) {}

    double value() const { return value_; }

private:
    double value_;
};

inline Fp64 operator+(Fp64 a, Fp64 b) { return Fp64(a.value() + b.value()); }
inline Fp64 operator*(Fp64 a, Fp64 b) { return Fp64(a.value() * b.value()); }
inline Fp64 apply(const FunctionFacts& function, Fp64 x) { return Fp64(function.exact(x.value())); }

template <typename Number>
class GradientOrder {
public:
    GradientOrder(const BlockSpec& spec, const BlockParameters& parameters, const BlockRow& row)
        : spec_(spec), parameters_(parameters), row_(row) {}

    // What arrives at a norm's output, at its normalised value.
    Number weighted(size_t norm, size_t column, const Number& outputGradient) const {
        const NormSpec& spec = spec_.norm[norm];
        if (!spec.hasGamma) {
            return outputGradient;
        }
        return outputGradient * (Number(spec.gammaOffset) + Number(parameters_.gamma[norm][column]));
    }

    Number residual(const Number& sumGradient) const { return Number(spec_.residualScale) * sumGradient; }

    // h's gradient at a branch, behind its dropout and row scale but not its layer scale, whose gradient this is a factor of.
    Number beforeLayerScale(size_t which, size_t column, const Number& sumGradient) const {
        Number gradient = Number(spec_.branchScale) * sumGradient;
        if (spec_.dropoutProbability != 0.0f) {
            gradient = dropped(which, column, gradient);
        }
        return row_.rowScale ? gradient * Number(*row_.rowScale) : gradient;
    }

    Number throughLayerScale(size_t column, const Number& gradient) const {
        const std::vector<double>& layerScale = parameters_.layerScale;
        return layerScale.empty() ? gradient : gradient * Number(layerScale[column]);
    }

private:
    static constexpr uint32_t kSecondStream = 1u << 31;

    Number dropped(size_t which, size_t column, const Number& gradient) const {
        const uint32_t stream = spec_.stream + (which == 0 ? 0u : kSecondStream);
        const bool isGone = isDropped(spec_.seed, row_.number, column, stream, spec_.dropoutProbability);
        return isGone ? Number(0.0) : gradient * Number(dropoutScale(spec_.dropoutProbability));
    }

    const BlockSpec& spec_;
    const BlockParameters& parameters_;
    const BlockRow& row_;
};

}  // namespace vknorm::test
