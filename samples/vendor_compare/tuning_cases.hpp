// What the tuner measures: groups of cases that have one entry of a table between them. Pure.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cases.hpp"

#include <vector>

namespace vknorm::compare {

// An operation of one hidden size, with types that are looked up as one, by numbers of rows in ascending order.
struct TuningGroup {
    const Operation* operation;
    uint32_t hiddenSize;
    std::vector<Case> situations;
};

// An operation with types of one size of chunk, by hidden sizes in ascending order.
struct TuningTask {
    const Operation* operation;
    bool isAllFp32;
    std::vector<TuningGroup> groups;

    std::string name() const;  // "rmsnorm fp32", "rmsnorm bf16+fp16"
};

// Shapes of more elements are left out of what is tuned, since by then only the memory counts.
inline constexpr uint64_t kMostTunedElements = uint64_t{1} << 23;

std::vector<TuningTask> tuningTasks(const Selection& selection, uint64_t mostElements);
// The cases that a table is judged by: RMSNorm and pre-norm add, unless others are selected.
std::vector<Case> tuningCheckCases(const Selection& selection);

}  // namespace vknorm::compare
