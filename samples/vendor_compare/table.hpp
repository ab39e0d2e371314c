// A Markdown table of result files, side by side.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "results.hpp"

#include <string>
#include <vector>

namespace vknorm::compare {

// What a result file says that a table shows.
struct ResultSet {
    std::string device;  // with its driver; software is called so
    std::vector<Json> cases;
};

// Reads the lines of a result file of `bench`. Throws std::runtime_error, which names `path` and the line, where they are none,
// of another schema, or not whole.
ResultSet readResults(const std::string& path);

// A row a case, in the order of the first file that has it; a column a file.
std::string makeTable(const std::vector<ResultSet>& sets);

}  // namespace vknorm::compare
