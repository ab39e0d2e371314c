// Result files of many machines put together, or refused where they cannot be compared.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/result_file.hpp"

#include <string>
#include <vector>

namespace vknorm::compare {

// A device with a driver, in all the files that were measured there with the same kernels.
struct DeviceResults {
    std::string label;  // its name, and as much more as tells it from the others
    std::vector<std::string> paths;
    RunFacts facts;  // those of the first file, and the rows of all
};

struct MergeOptions {
    bool onlyCommon = false;  // leave out what not all devices have, instead of refusing
};

struct MergedResults {
    std::vector<DeviceResults> devices;
    std::vector<std::string> notes;  // what to keep in mind when they are compared
};

// Throws ResultFileError, naming the files, where a result was wrong, or where devices have other cases than the others.
MergedResults mergeResults(std::vector<RunFacts> files, const MergeOptions& options);

// Empty, or how the cases of two sides differ, in words.
std::string differenceOfCases(const std::vector<CaseFact>& first, const std::string& firstName,
                              const std::vector<CaseFact>& second, const std::string& secondName);

}  // namespace vknorm::compare
