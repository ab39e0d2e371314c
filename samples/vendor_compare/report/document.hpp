// The report as one JSON object, which the page draws; and the same as CSV and as Markdown.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/merge.hpp"

#include <string>

namespace vknorm::compare {

// To be raised where the page has to know.
inline constexpr int kReportVersion = 1;

Json makeDocument(const MergedResults& merged);
std::string makeJson(const MergedResults& merged);

// A line a measured row; of files without any, a line a pipeline.
std::string makeCsv(const MergedResults& merged);

// Devices, shares of their copies, and the table of cases.
std::string makeMarkdown(const MergedResults& merged);

// The page, `html` being its template, with the document in it.
std::string fillPage(std::string html, const Json& document);

// The same of results. `missing` says why this program has no template, and is empty where it has; throws std::runtime_error
// where it is not.
std::string makePage(const MergedResults& merged, const std::string& html, const std::string& missing);

}  // namespace vknorm::compare
