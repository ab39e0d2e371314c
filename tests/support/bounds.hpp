// How far a kernel's result may be from the exact one. The only place where tolerances come from; the derivation is in
// bounds.cpp.
#pragma once

#include "fp32.hpp"
#include "reference.hpp"

#include <vknorm/vknorm.h>

#include <cstdint>
#include <vector>

namespace vknorm::test {

// How long the chains of additions of a kernel are.
struct ReductionShape {
    uint32_t chunksPerLane = 8;  // held in registers at once
    uint32_t treeDepth = 79;     // additions from a lane's sum to the team's
    bool readAgain = true;       // groups of chunks are gathered in compensated sums, centred lane by lane
};

ReductionShape reductionShape(const VknPlanInfo& plan);

class NormBound {
public:
    // `errors`: how far what the kernel norms may be from x, an element each; empty where x is exact.
    NormBound(const NormSpec& spec, const std::vector<double>& x, const ReductionShape& shape,
              const std::vector<double>& errors = {});

    // Of statistics that are given, as BatchNorm's are without training.
    NormBound(const NormSpec& spec, double mean, double variance);

    const RowStatistics& exact() const { return exact_; }
    Interval mean() const;
    Interval rstd() const;
    double exactElement(double x, double gamma, double beta) const;
    // Every fp32 value that a right kernel may have before it stores. NaN where it must be NaN.
    Interval element(double x, double gamma, double beta, double error = 0.0) const;

private:
    void boundRoot(double varianceError);
    Interval normalised(double x, double error) const;
    Interval withoutStatistics(double x, double error) const;

    NormSpec spec_;
    RowStatistics exact_;
    double ownShare_ = 0.0;     // of an element in the mean that is taken from it
    double centreError_ = 0.0;  // of (x - mean), what does not depend on x
    double rstdError_ = 0.0;    // relative
    double meanError_ = 0.0;    // absolute
    double flushUnit_ = 0.0;    // what flushing subnormals may take from a centred element
    bool isUnbounded_ = false;  // the statistics may have lost all digits: nothing can be said
};

struct Verdict {
    bool isRight = false;
    double tightness = 0.0;  // error / what was allowed
};

// Is the element one that a right kernel may have stored?
Verdict judge(VknType type, const Interval& allowed, double exact, uint32_t bits);

}  // namespace vknorm::test
