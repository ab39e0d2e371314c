// Covering arrays: few cases in which every pair of values of any two factors occurs. Deterministic.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace vknorm::test {

inline constexpr int kUnset = -1;

struct Factor {
    std::string name;
    int values;
};

// False if the values set so far cannot belong to a case. Called with partly set cases.
using Constraint = std::function<bool(const std::vector<int>& values)>;

struct CoveringArray {
    std::vector<std::vector<int>> cases;
    size_t coveredPairs = 0;
    size_t possiblePairs = 0;  // that the constraint allows
    size_t allPairs = 0;
};

CoveringArray makeCoveringArray(const std::vector<Factor>& factors, const Constraint& isAllowed);

// Every case that the constraint allows, in lexicographic order; stops when `visit` returns false.
void forEachCase(const std::vector<Factor>& factors, const Constraint& isAllowed,
                 const std::function<bool(const std::vector<int>&)>& visit);

}  // namespace vknorm::test
