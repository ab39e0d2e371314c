// The order in which what surrounds a norm is computed, once: Number is Fp32 for the reference, Fp32Range for bounds.
#pragma once

#include "functions.hpp"
#include "philox.hpp"
#include "reference.hpp"

namespace vknorm::test {

template <typename Number>
class BlockOrder {
public:
    BlockOrder(const BlockSpec& spec, const BlockParameters& parameters, const BlockRow& row)
        : spec_(spec), parameters_(parameters), row_(row) {}

    // x and its bias, gated where the gate comes first.
    Number branch(size_t which, size_t column) const {
        const std::vector<double>& bias = parameters_.branchBias[which];
        const Number x(row_.branch[which][column]);
        const Number biased = bias.empty() ? x : x + Number(bias[column]);
        return spec_.activation && !spec_.normFirst ? biased * gate(column) : biased;
    }

    Number gate(size_t column) const { return apply(activationFacts(*spec_.activation), Number(row_.gate[column])); }

    // h of branches that are biased already, and normed where the norm is on the branch.
    Number sum(size_t column, const Number& first, const Number& second) const {
        Number branches = scaled(0, column, first);
        if (spec_.facts().hasSecondBranch) {
            branches = branches + scaled(1, column, second);
        }
        const Number stream = Number(spec_.residualScale) * Number(row_.residual[column]);
        return stream + Number(spec_.branchScale) * branches;
    }

private:
    static constexpr uint32_t kSecondStream = 1u << 31;

    Number scaled(size_t which, size_t column, Number value) const {
        if (spec_.dropoutProbability != 0.0f) {
            value = dropped(which, column, value);
        }
        if (row_.rowScale) {
            value = value * Number(*row_.rowScale);
        }
        const std::vector<double>& layerScale = parameters_.layerScale;
        return layerScale.empty() ? value : value * Number(layerScale[column]);
    }

    Number dropped(size_t which, size_t column, const Number& value) const {
        const uint32_t stream = spec_.stream + (which == 0 ? 0u : kSecondStream);
        const bool isGone = isDropped(spec_.seed, row_.number, column, stream, spec_.dropoutProbability);
        return isGone ? Number(0.0) : value * Number(dropoutScale(spec_.dropoutProbability));
    }

    const BlockSpec& spec_;
    const BlockParameters& parameters_;
    const BlockRow& row_;
};

}  // namespace vknorm::test
