// The kinds of lines of a result file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/result_file.hpp"

namespace vknorm::compare {

TimeFact takeTime(const Fields& fields);
DeviceFacts takeDevice(const Fields& fields);
LibraryFacts takeLibrary(const Fields& fields);
SettingFacts takeSettings(const Fields& fields);
CaseFact takeCase(const Fields& fields);
PipelineFact takePipeline(const Fields& fields);

}  // namespace vknorm::compare
