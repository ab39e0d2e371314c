// Gradients in plain fp32, to hold against bounds: what a kernel does, element by element, with 64 lanes and a tree.
#pragma once

#include "support/formats.hpp"
#include "support/functions.hpp"
#include "support/gradients.hpp"
#include "support/philox.hpp"
#include "unit/plain_norm.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace vknorm::test {

// Each operation is rounded by itself: a compiler cannot fuse it with the next.
class Float {
public:
    Float() = default;
    explicit Float(double value) : value_(static_cast<float>(value)) {}

    float value() const { return value_; }
    double exact() const { return static_cast<double>(value_); }

    friend Float operator+(Float a, Float b) { return rounded(a.value_ + b.value_); }
    friend Float operator-(Float a, Float b) { return rounded(a.value_ - b.value_); }
    friend Float operator*(Float a, Float b) { return rounded(a.value_ * b.value_); }
    friend Float operator/(Float a, Float b) { return rounded(a.value_ / b.value_); }

private:
    static Float rounded(float value) {
        volatile float kept = value;
        Float result;
        result.value_ = kept;
        return result;
    }

    float value_ = 0.0f;
};

// A sum and what was lost on the way to it (Knuth's two-sum).
class CompensatedSum {
public:
    void add(Float term) {
        const Float sum = high_ + term;
        const Float moved = sum - high_;
        low_ = low_ + ((high_ - (sum - moved)) + (term - moved));
        high_ = sum;
    }

    Float total() const { return high_ + low_; }

private:
    Float high_;
    Float low_;
};

// Chunks of 8 added pairwise, a compensated sum a lane, a tree.
inline Float teamSum(const std::vector<Float>& terms) {
    CompensatedSum lanes[kLanes];
    for (size_t first = 0; first < terms.size(); first += 8) {
        Float chunk[8];
        for (size_t i = 0; i < 8 && first + i < terms.size(); ++i) {
            chunk[i] = terms[first + i];
        }
        const Float quads[2] = {(chunk[0] + chunk[1]) + (chunk[2] + chunk[3]),
                                (chunk[4] + chunk[5]) + (chunk[6] + chunk[7])};
        lanes[first / 8 % kLanes].add(quads[0] + quads[1]);
    }
    Float tree[kLanes];
    for (size_t lane = 0; lane < kLanes; ++lane) {
        tree[lane] = lanes[lane].total();
    }
    for (size_t distance = kLanes / 2; distance > 0; distance /= 2) {
        for (size_t lane = 0; lane < distance; ++lane) {
            tree[lane] = tree[lane] + tree[lane + distance];
        }
    }
    return tree[0];
}

enum class GradientMistake {
    None,
    NoProjection,     // c1 forgotten
    NotCentred,       // c2 forgotten
    CountOffByOne,    // n + 1 in the place of n
    NoResidualScale,  // of d(residual)
    NoBranchScale,
    NoDropoutScale,
    NoLayerScale,
    NoRowScale,
    StreamForgotten,  // what arrives along it
    NoWeight,
    NoRootFactor,  // epsilon outside
    SameWeights,   // N's of both norms
    MeanAsSaved,   // what its rounding left over forgotten
};

struct PlainGradients {
    std::vector<Float> branch[2];
    std::vector<Float> residual;
    std::vector<Float> gate;
    std::vector<Float> gamma[2];
    std::vector<Float> beta[2];
    std::vector<Float> layerScale;
    std::vector<Float> alpha;
    Float mean[2];  // as the forward pass would have saved them
    Float rstd[2];
};

// Where h is not given, it is computed from the branches.
class PlainBackward {
public:
    using Floats = std::vector<Float>;

    PlainBackward(const BlockSpec& spec, const BlockParameters& parameters, const BlockRow& row,
                  const GradientRow& arriving)
        : spec_(spec), parameters_(parameters), row_(row), arriving_(arriving) {}

    PlainBackward& make(GradientMistake mistake) {
        mistake_ = mistake;
        return *this;
    }

    PlainBackward& useSavedStatistics() {
        isSaved_ = true;
        return *this;
    }

    PlainGradients run(const std::vector<double>& storedSum) {
        result_ = {};
        const size_t branches = spec_.facts().hasSecondBranch ? 2 : 1;
        Floats values[2];
        for (size_t which = 0; which < branches; ++which) {
            values[which] = branchValues(which);
        }
        result_.alpha.resize(values[0].size());
        const Norm branchNorm = spec_.facts().normsBranch ? norm(0, values[0]) : Norm();
        if (!spec_.facts().hasResidual) {
            throughBranch(0, throughNorm(0, branchNorm, behindGate(branchNorm)));
            return std::move(result_);
        }
        Floats gradient = fromSum(storedSum);
        for (const Float& value : gradient) {
            result_.residual.push_back(is(GradientMistake::NoResidualScale) ? value
                                                                            : number(spec_.residualScale) * value);
        }
        result_.layerScale.resize(gradient.size());
        for (size_t which = 0; which < branches; ++which) {
            const Floats scaled =
                values[which].empty() ? gradient : throughScales(which, gradient, values[which], branchNorm);
            throughBranch(which, spec_.facts().normsBranch ? throughNorm(0, branchNorm, scaled) : scaled);
        }
        return std::move(result_);
    }

private:
    struct Norm {
        Floats x;
        Floats normalised;
        Floats aboutSaved;  // the same about a saved mean, whose rounding their mean tells
        Float left;
        Float rstd;
        Float factor{1.0};  // 1 + epsilon / s
    };

    bool is(GradientMistake mistake) const { return mistake_ == mistake; }
    static Float number(double value) { return Float(value); }

    static Floats numbers(const std::vector<double>& values) {
        Floats floats;
        for (const double value : values) {
            floats.push_back(number(value));
        }
        return floats;
    }

    static Float at(const std::vector<double>& values, size_t i) { return number(values.empty() ? 0.0 : values[i]); }
    Float activation(size_t i) const { return number(activationFacts(*spec_.activation).exact(row_.gate[i])); }
    Float slope(size_t i) const { return number(activationDerivative(*spec_.activation, row_.gate[i])); }

    Float biased(size_t which, size_t i) const {
        return number(row_.branch[which][i]) + at(parameters_.branchBias[which], i);
    }

    Floats branchValues(size_t which) const {
        Floats values;
        for (size_t i = 0; i < row_.branch[which].size(); ++i) {
            const bool isGated = spec_.activation && !spec_.normFirst;
            values.push_back(isGated ? biased(which, i) * activation(i) : biased(which, i));
        }
        return values;
    }

    Norm norm(size_t which, const Floats& x) {
        const NormSpec& spec = spec_.norm[which];
        Norm result;
        result.x = x;
        if (spec.operation == VKN_OPERATION_DYT) {
            for (const Float& element : x) {
                result.normalised.push_back(number(std::tanh((number(spec.alpha) * element).exact())));
            }
            return result;
        }
        if (!takesStatistics(spec.operation)) {
            result.normalised = x;
            return result;
        }
        takeStatistics(which, result);
        return result;
    }

    void takeStatistics(size_t which, Norm& result) {
        NormSpec spec = spec_.norm[which];
        spec.hasGamma = spec.hasBeta = false;
        std::vector<float> part;
        for (size_t i = 0; i < result.x.size() && (spec.partialSize == 0 || i < spec.partialSize); ++i) {
            part.push_back(result.x[i].value());
        }
        const Plain plain = computePlainly(spec, part, {});
        const Float mean = number(static_cast<double>(plain.mean));
        result.rstd = number(static_cast<double>(plain.rstd));
        result_.mean[which] = mean;
        result_.rstd[which] = result.rstd;
        Floats squares;
        for (size_t i = 0; i < result.x.size(); ++i) {
            const bool isFromMemory = isSaved_ || i >= part.size();
            result.normalised.push_back(isFromMemory ? (result.x[i] - mean) * result.rstd
                                                     : number(static_cast<double>(plain.y[i])));
            const Float centred = result.x[i] - mean;
            if (i < part.size()) {
                squares.push_back(centred * centred);
            }
        }
        if (isSaved_ && spec.operation == VKN_OPERATION_LAYER_NORM && !is(GradientMistake::MeanAsSaved)) {
            refineMean(result, mean);
        }
        const Float variance = teamSum(squares) / number(static_cast<double>(part.size()));
        if (spec.epsilonOutside && !is(GradientMistake::NoRootFactor)) {
            const Float root = number(std::sqrt(variance.exact()));
            result.factor = root.value() == 0.0f ? root : number(1.0) + number(spec.epsilon) / root;
        }
    }

    static void refineMean(Norm& result, Float mean) {
        result.aboutSaved = result.normalised;
        result.left = teamSum(result.aboutSaved) / number(static_cast<double>(result.x.size()));
        for (size_t i = 0; i < result.x.size(); ++i) {
            result.normalised[i] = ((result.x[i] - mean) - result.left / result.rstd) * result.rstd;
        }
    }

    Float weight(size_t which, size_t i) const {
        const size_t norm = is(GradientMistake::SameWeights) ? 0 : which;
        return number(spec_.norm[norm].gammaOffset) + number(parameters_.gamma[norm][i]);
    }

    static Float cast(const NormSpec& spec, Float value) {
        return spec.earlyCast ? number(roundTo(spec.inputType, value.exact())) : value;
    }

    Float value(size_t which, const Norm& norm, size_t i) const {
        const NormSpec& spec = spec_.norm[which];
        Float value = cast(spec, norm.normalised[i]);
        if (spec.hasGamma) {
            value = value * weight(which, i);
            value = spec.gammaType == spec.inputType ? cast(spec, value) : value;
        }
        return spec.hasBeta ? value + number(parameters_.beta[which][i]) : value;
    }

    Floats behindGate(const Norm& norm) {
        Floats gradient = numbers(arriving_.output[0]);
        for (size_t i = 0; i < gradient.size() && spec_.activation && spec_.normFirst; ++i) {
            result_.gate.push_back(gradient[i] * value(0, norm, i) * slope(i));
            gradient[i] = gradient[i] * activation(i);
        }
        return gradient;
    }

    Floats weighted(size_t which, const Norm& norm, const Floats& arriving) {
        const bool hasWeight = spec_.norm[which].hasGamma && !is(GradientMistake::NoWeight);
        Floats weights;
        for (size_t i = 0; i < arriving.size(); ++i) {
            weights.push_back(hasWeight ? arriving[i] * weight(which, i) : arriving[i]);
            result_.gamma[which].push_back(arriving[i] * cast(spec_.norm[which], norm.normalised[i]));
            if (spec_.norm[which].operation == VKN_OPERATION_DYT) {
                result_.alpha[i] = result_.alpha[i] + weights[i] * norm.x[i] * tanhSlope(norm, i);
            }
        }
        result_.beta[which] = arriving;
        return weights;
    }

    static Float tanhSlope(const Norm& norm, size_t i) { return number(1.0) - norm.normalised[i] * norm.normalised[i]; }

    Floats throughNorm(size_t which, const Norm& norm, const Floats& arriving) {
        return throughStatistics(which, norm, weighted(which, norm, arriving));
    }

    Floats throughStatistics(size_t which, const Norm& norm, Floats gradient) const {
        const NormSpec& spec = spec_.norm[which];
        if (spec.operation == VKN_OPERATION_DYT) {
            for (size_t i = 0; i < gradient.size(); ++i) {
                gradient[i] = gradient[i] * number(spec.alpha) * tanhSlope(norm, i);
            }
        }
        if (!takesStatistics(spec.operation)) {
            return gradient;
        }
        Floats products;
        for (size_t i = 0; i < gradient.size(); ++i) {
            products.push_back(gradient[i] * (norm.aboutSaved.empty() ? norm.normalised[i] : norm.aboutSaved[i]));
        }
        const size_t part =
            spec.partialSize == 0 ? gradient.size() : std::min<size_t>(spec.partialSize, gradient.size());
        const Float count = number(static_cast<double>(part + (is(GradientMistake::CountOffByOne) ? 1 : 0)));
        const bool isCentred = spec.operation == VKN_OPERATION_LAYER_NORM && !is(GradientMistake::NotCentred);
        const Float ofGradients = isCentred ? teamSum(gradient) / count : Float();
        Float ofProducts = is(GradientMistake::NoProjection) ? Float() : teamSum(products) / count;
        ofProducts = spec.epsilonOutside ? ofProducts * norm.factor : ofProducts;
        if (!norm.aboutSaved.empty() && !is(GradientMistake::NoProjection)) {
            ofProducts = ofProducts - norm.left * ofGradients;
        }
        for (size_t i = 0; i < gradient.size(); ++i) {
            const Float centred = (gradient[i] - ofGradients) - norm.normalised[i] * ofProducts;
            gradient[i] = norm.rstd * (i < part ? centred : gradient[i]);
        }
        return gradient;
    }

    Floats fromSum(const std::vector<double>& storedSum) {
        const Floats stream =
            numbers(is(GradientMistake::StreamForgotten) ? std::vector<double>() : arriving_.residualOutput);
        if (!spec_.facts().normsSum) {
            return stream;
        }
        const size_t first = spec_.sumNorm();
        const Norm sum = norm(first, numbers(storedSum));
        Floats weights = weighted(first, sum, numbers(arriving_.output[0]));
        if (spec_.facts().hasSecondBranch) {
            const Floats second = weighted(1, sum, numbers(arriving_.output[1]));
            for (size_t i = 0; i < weights.size(); ++i) {
                weights[i] = weights[i] + second[i];
            }
        }
        Floats gradient = throughStatistics(first, sum, std::move(weights));
        for (size_t i = 0; i < stream.size(); ++i) {
            gradient[i] = gradient[i] + stream[i];
        }
        return gradient;
    }

    Floats throughScales(size_t which, const Floats& sumGradient, const Floats& values, const Norm& branchNorm) {
        Floats gradient;
        for (size_t i = 0; i < sumGradient.size(); ++i) {
            Float value =
                is(GradientMistake::NoBranchScale) ? sumGradient[i] : number(spec_.branchScale) * sumGradient[i];
            value = dropped(which, i, value);
            const bool hasRowScale = row_.rowScale && !is(GradientMistake::NoRowScale);
            value = hasRowScale ? value * number(*row_.rowScale) : value;
            const Float before = spec_.facts().normsBranch ? this->value(0, branchNorm, i) : values[i];
            result_.layerScale[i] = result_.layerScale[i] + value * before;
            const bool hasLayerScale = !parameters_.layerScale.empty() && !is(GradientMistake::NoLayerScale);
            gradient.push_back(hasLayerScale ? value * number(parameters_.layerScale[i]) : value);
        }
        return gradient;
    }

    Float dropped(size_t which, size_t i, Float value) const {
        const float p = spec_.dropoutProbability;
        if (p == 0.0f) {
            return value;
        }
        const bool isGone = isDropped(spec_.seed, row_.number, i, spec_.stream + (which == 0 ? 0u : 1u << 31), p);
        const Float scale = is(GradientMistake::NoDropoutScale) ? number(1.0) : number(dropoutScale(p));
        return isGone ? Float() : value * scale;
    }

    void throughBranch(size_t which, Floats gradient) {
        for (size_t i = 0; i < gradient.size() && spec_.activation && !spec_.normFirst; ++i) {
            result_.gate.push_back(gradient[i] * biased(which, i) * slope(i));
            gradient[i] = gradient[i] * activation(i);
        }
        result_.branch[which] = std::move(gradient);
    }

    const BlockSpec& spec_;
    const BlockParameters& parameters_;
    const BlockRow& row_;
    const GradientRow& arriving_;
    GradientMistake mistake_ = GradientMistake::None;
    bool isSaved_ = false;
    PlainGradients result_;
};

}  // namespace vknorm::test
