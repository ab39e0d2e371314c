// What a quantised output may be: its scales, and what is stored with them. The derivation is in quantised_bounds.cpp.
#pragma once

#include "bounds.hpp"
#include "fp32.hpp"

#include <vknorm/vknorm.h>

#include <cstdint>
#include <vector>

namespace vknorm::test {

// Which numbers a computed scale may be.
struct ScaleBound {
    Interval allowed;       // of those that come of an absolute maximum; empty, low > high, where none can
    bool mayBeOne = false;  // because all may be zero
    double exact = 1.0;     // of exact elements, not rounded

    bool permits(double scale) const;
};

// `y`: every fp32 value that each element of the row or block may have, NaN for NaN; `exact`: what they should be.
// `largest`: a larger absolute maximum counts as this; 0: no such bound.
ScaleBound boundScale(VknType type, double largest, const std::vector<Interval>& y, const std::vector<double>& exact);

// What a kernel may round to the stored element, given the scale that it has.
Interval boundQuotient(const Interval& y, double scale);

// Is the element one that a right kernel may have stored? Every one that a number of the quotient rounds to is, and nothing
// else. `exact`: y as it should be.
bool isRightCode(VknType type, const Interval& quotient, double exact, uint32_t bits);

}  // namespace vknorm::test
