#include "reference.hpp"

#include "formats.hpp"

#include <cmath>

namespace vknorm::test {

RowStatistics normStatistics(const NormSpec& spec, const std::vector<double>& x) {
    RowStatistics statistics;
    const double count = static_cast<double>(x.size());
    if (spec.operation == VKN_OPERATION_LAYER_NORM) {
        double sum = 0.0;
        for (const double value : x) {
            sum += value;
        }
        statistics.mean = sum / count;
        double rest = 0.0;  // fp64 rounds as well: see shifted rows of mean 1e4
        for (const double value : x) {
            rest += value - statistics.mean;
        }
        statistics.mean += rest / count;
    }
    double squares = 0.0;
    for (const double value : x) {
        const double centred = value - statistics.mean;
        squares += centred * centred;
    }
    statistics.variance = squares / count;
    statistics.rstd = spec.epsilonOutside ? 1.0 / (std::sqrt(statistics.variance) + spec.epsilon)
                                          : 1.0 / std::sqrt(statistics.variance + spec.epsilon);
    return statistics;
}

double normalise(const RowStatistics& statistics, double x) { return (x - statistics.mean) * statistics.rstd; }

double applyParameters(const NormSpec& spec, double normalised, double gamma, double beta) {
    double value = spec.earlyCast ? roundTo(spec.inputType, normalised) : normalised;
    if (spec.hasGamma) {
        value *= spec.gammaOffset + gamma;
        if (spec.earlyCast && spec.gammaType == spec.inputType) {
            value = roundTo(spec.inputType, value);
        }
    }
    return spec.hasBeta ? value + beta : value;
}

}  // namespace vknorm::test
