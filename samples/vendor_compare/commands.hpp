// The subcommands. Each returns the exit status.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arguments.hpp"

namespace vknorm::compare {

int listDevices(const Arguments& arguments);
int verify(const Arguments& arguments);
int bench(const Arguments& arguments);
int tune(const Arguments& arguments);
int checkTuning(const Arguments& arguments);
int compilePipelines(const Arguments& arguments);
int printTable(const Arguments& arguments);
int writeReport(const Arguments& arguments);
int compareFiles(const Arguments& arguments);

}  // namespace vknorm::compare
