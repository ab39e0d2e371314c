// The one table of what a report says of each row: of the page, of CSV and of JSON.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/result_file.hpp"

#include <string>
#include <vector>

namespace vknorm::compare {

struct CaseColumn {
    const char* name;
    Json (*value)(const CaseFact& row, const std::vector<std::string>& marks);  // null: does not apply
};
const std::vector<CaseColumn>& caseColumns();

struct PipelineColumn {
    const char* name;
    Json (*value)(const PipelineFact& row);
};
const std::vector<PipelineColumn>& pipelineColumns();

}  // namespace vknorm::compare
