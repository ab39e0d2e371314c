// What a reader has to know of a measured row before believing it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/result_file.hpp"

#include <string>
#include <vector>

namespace vknorm::compare {

struct MarkText {
    const char* name;
    const char* text;
};

// In the order in which they are shown.
inline constexpr MarkText kMarks[] = {
    {"unsteady", "the median was not known to 2 % when time was up"},
    {"unsteady copy", "the same of the copy that the row is compared with"},
    {"scattered", "one sample in twenty takes at least twice the median"},
    {"outlier", "less than half, or more than twice, the throughput of both neighbours in hidden size"},
    {"in cache", "all copies of the tensors fit in the last-level cache"},
    {"above copy", "more bytes a second than the copy: the copy is no limit there"},
};

// Of each row, the names of its marks.
std::vector<std::vector<std::string>> marksOf(const std::vector<CaseFact>& rows);

}  // namespace vknorm::compare
