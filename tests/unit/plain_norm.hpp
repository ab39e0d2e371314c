// A norm in plain fp32, to hold against bounds.
#pragma once

#include "support/reference.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

namespace vknorm::test {

inline constexpr size_t kLanes = 64;

struct Plain {
    std::vector<float> y;
    float mean = 0.0f;
    float rstd = 0.0f;
};

template <typename Term>
float treeSum(size_t count, const Term& term) {
    float lanes[kLanes] = {};
    for (size_t i = 0; i < count; ++i) {
        lanes[i % kLanes] += term(i);
    }
    for (size_t distance = kLanes / 2; distance > 0; distance /= 2) {
        for (size_t lane = 0; lane < distance; ++lane) {
            lanes[lane] += lanes[lane + distance];
        }
    }
    return lanes[0];
}

// What a kernel does, without its haste: 64 lanes, a tree, two passes with the mean corrected; or DyT's tanh.
// gamma and beta: of as many elements as x, or ignored where the specification has none.
inline Plain computePlainly(const NormSpec& spec, const std::vector<float>& x, const std::vector<float>& gamma,
                            const std::vector<float>& beta = {}) {
    Plain plain;
    const float count = static_cast<float>(x.size());
    const bool isDyt = spec.operation == VKN_OPERATION_DYT;
    const bool isLayerNorm = spec.operation == VKN_OPERATION_LAYER_NORM;
    const float centre = isLayerNorm ? treeSum(x.size(), [&](size_t i) { return x[i]; }) / count : 0.0f;
    const float rest = isLayerNorm ? treeSum(x.size(), [&](size_t i) { return x[i] - centre; }) / count : 0.0f;
    const float squares = treeSum(x.size(), [&](size_t i) { return (x[i] - centre) * (x[i] - centre); });
    const float variance = (squares - rest * rest * count) / count;
    const float epsilon = static_cast<float>(spec.epsilon);
    plain.mean = centre + rest;
    plain.rstd = spec.epsilonOutside ? 1.0f / (std::sqrt(variance) + epsilon) : 1.0f / std::sqrt(variance + epsilon);
    plain.rstd = isDyt ? 1.0f : plain.rstd;
    for (size_t i = 0; i < x.size(); ++i) {
        float value = ((x[i] - centre) - rest) * plain.rstd;
        value = isDyt ? std::tanh(static_cast<float>(spec.alpha) * x[i]) : value;
        value = spec.hasGamma ? value * (static_cast<float>(spec.gammaOffset) + gamma[i]) : value;
        plain.y.push_back(spec.hasBeta ? value + beta[i] : value);
    }
    return plain;
}

}  // namespace vknorm::test
