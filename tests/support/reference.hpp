// The one fp64 reference. A function an operation, over values decoded from the stored bits; nothing here knows how a
// kernel works. Its own rounding (2^-53) is far below every bound of bounds.hpp.
#pragma once

#include <vknorm/vknorm.h>

#include <cstddef>
#include <vector>

namespace vknorm::test {

struct NormSpec {
    VknOperation operation = VKN_OPERATION_RMS_NORM;
    double epsilon = 0.0;
    bool epsilonOutside = false;
    bool earlyCast = false;
    bool hasGamma = false;
    bool hasBeta = false;
    double gammaOffset = 0.0;
    VknType inputType = VKN_TYPE_F32;
    VknType gammaType = VKN_TYPE_F32;
};

struct RowStatistics {
    double mean = 0.0;      // of the row; 0 for RMSNorm, which does not centre
    double variance = 0.0;  // mean square about `mean`
    double rstd = 0.0;
};

RowStatistics normStatistics(const NormSpec& spec, const std::vector<double>& x);

// (x - mean) * rstd, not yet rounded for an early cast.
double normalise(const RowStatistics& statistics, double x);

// What follows the normalised value: early cast, gamma, beta. Not yet rounded to the output type. `gamma` and `beta`
// are ignored where the operation has none.
double applyParameters(const NormSpec& spec, double normalised, double gamma, double beta);

}  // namespace vknorm::test
