// Which rows of the table are measured.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "operations.hpp"

#include <string>
#include <vector>

namespace vknorm::compare {

struct Case {
    const Operation* operation;
    const TypeSet* types;
    Shape shape;

    std::string name() const;  // "rmsnorm fp32 512x4096"
};

// Empty: all there are.
struct Selection {
    std::vector<std::string> operations;
    std::vector<std::string> types;
    std::vector<Shape> shapes;          // instead of the operations' own
    std::vector<uint64_t> rows;         // of the operations' own, only these
    std::vector<uint32_t> hiddenSizes;  // and these
    bool isQuick = false;               // every operation once, and a few that say the most
};

// In the order of the table. Names that the table lacks have been refused before (arguments.hpp).
std::vector<Case> selectCases(const Selection& selection);

}  // namespace vknorm::compare
