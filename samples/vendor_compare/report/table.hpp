// A Markdown table of result files, side by side.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/result_file.hpp"

#include <string>
#include <vector>

namespace vknorm::compare {

// Markdown's own characters, and HTML's, as themselves: names come from drivers.
std::string escapeMarkdown(const std::string& text);

// A row a case, in the order of the first file that has it; a column a file. Throws ResultFileError where a file has none.
std::string makeTable(const std::vector<const RunFacts*>& files);

}  // namespace vknorm::compare
