// The one fp64 reference. A function an operation, over values decoded from the stored bits; nothing here knows how a
// kernel works. Its own rounding (2^-53) is far below every bound of bounds.hpp. Around a norm each operation is
// rounded to fp32, as the header promises; norms themselves are exact.
#pragma once

#include <vknorm/vknorm.h>

#include <cstddef>
#include <cstdint>
#include <optional>
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
    double alpha = 0.0;                // DyT
    uint32_t partialSize = 0;          // elements whose statistics are taken; 0: all
    VknType inputType = VKN_TYPE_F32;  // of what is normalised: an early cast rounds to it
    VknType gammaType = VKN_TYPE_F32;
};

struct RowStatistics {
    double mean = 0.0;      // of the row; 0 for RMSNorm, which does not centre
    double variance = 0.0;  // mean square about `mean`
    double rstd = 0.0;
};

// Whether it is a norm, rather than something that is done to each element by itself in place of one.
bool takesStatistics(VknOperation operation);

// The part of a row, or of what is known of its elements, that statistics are taken of.
std::vector<double> statisticsPart(const NormSpec& spec, const std::vector<double>& row);

// Of BatchNorm a row here is a column, the elements of a channel. Of an operation that takes none: those that leave a row as it is.
RowStatistics normStatistics(const NormSpec& spec, const std::vector<double>& row);

double inverseDeviation(const NormSpec& spec, double variance);

// (x - mean) * rstd, not yet rounded for an early cast.
double normalise(const RowStatistics& statistics, double x);
// The same of any operation: DyT's tanh, or what only has a gate as it is.
double normalise(const NormSpec& spec, const RowStatistics& statistics, double x);

// What follows the normalised value: early cast, gamma, beta. Not yet rounded to the output type. `gamma` and `beta`
// are ignored where the operation has none.
double applyParameters(const NormSpec& spec, double normalised, double gamma, double beta);

// ---- blocks --------------------------------------------------------------------------------------------------------

// Which norm is where, and what is written. y2 is written where there are two branches.
struct PlacementFacts {
    VknPlacement placement;
    const char* name;
    bool normsBranch;
    bool normsSum;
    bool hasResidual;
    bool hasSecondBranch;
    bool writesSum;     // h
    bool writesOutput;  // y
};

const PlacementFacts& placementFacts(VknPlacement placement);

// Of two of a kind, the first belongs to N, x and y, the second to N2, x2 and y2.
struct BlockSpec {
    VknPlacement placement = VKN_PLACEMENT_NONE;
    NormSpec norm[2];
    double residualScale = 1.0;
    double branchScale = 1.0;
    float dropoutProbability = 0.0f;
    uint64_t seed = 0;
    uint32_t stream = 0;
    std::optional<VknActivation> activation;  // where there is a gate
    bool normFirst = false;                   // the gate is multiplied to what the norm makes, not to x

    const PlacementFacts& facts() const { return placementFacts(placement); }
    // The norm that makes y of the sum.
    size_t sumNorm() const { return placement == VKN_PLACEMENT_SANDWICH_PRE_NORM ? 1 : 0; }
};

// Of hiddenSize elements each; empty where the block has none.
struct BlockParameters {
    std::vector<double> gamma[2];
    std::vector<double> beta[2];
    std::vector<double> branchBias[2];
    std::vector<double> layerScale;
};

struct BlockRow {
    uint64_t number = 0;  // in dropout's counter
    std::vector<double> residual;
    std::vector<double> branch[2];
    std::vector<double> gate;
    std::optional<double> rowScale;
};

struct BlockValues {
    std::vector<double> sum;      // h as fp32
    std::vector<double> y[2];     // not yet rounded
    RowStatistics statistics[2];  // of N; of N2 where it has its own
};

// `storedSum`: what the norms that follow the sum are given in its place, where a kernel stored it without rounding.
BlockValues computeBlock(const BlockSpec& spec, const BlockParameters& parameters, const BlockRow& row,
                         const std::vector<double>& storedSum = {});

}  // namespace vknorm::test
