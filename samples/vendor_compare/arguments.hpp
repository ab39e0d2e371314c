// The command line.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cases.hpp"
#include "plan_input.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace vknorm::compare {

enum class Command {
    Devices,
    Verify,
    Bench,
    Tune,
    Pipelines,
    Table,
    Report,
    Compare,
};

struct Arguments {
    Command command = Command::Devices;
    std::string device;  // as chooseDevice() takes it
    std::string output;  // a file for JSON lines; empty: none
    Selection selection;
    KernelOverride kernel;
    std::optional<double> seconds;          // to measure a case
    std::optional<uint64_t> memoryMiB;      // that a case may take
    std::optional<uint64_t> cacheMiB;       // the last-level cache; found out or assumed where it is not given
    std::optional<uint64_t> workingSetMiB;  // that a case's copies take; twice the cache where it is not given
    bool leaveOutApart = false;
    bool checkAll = false;           // verify compares every row
    std::vector<std::string> parts;  // of pipelines
    bool listPipelines = false;
    std::vector<std::string> files;  // of table, report and compare
    std::string format;              // of report; empty: as the output is called
    bool onlyCommon = false;         // of report and compare: leave out what not all files have
    bool listAll = false;            // of compare: what stayed the same as well
    double threshold = 0.05;         // of compare: a smaller change is none
    std::string tuningTable;         // what tune writes, and others hand to the library
    bool checkTuning = false;        // compare it with the library's own choice
};

// Nothing is to be run: help was asked for, or what was asked for is wrong.
struct ArgumentsEnd {
    int exitCode;
    std::string text;  // for stdout where exitCode is 0, otherwise for stderr
};

// Throws ArgumentsEnd.
Arguments parseArguments(int count, const char* const* arguments);

Shape parseShape(const std::string& text);  // "512x4096"; throws std::invalid_argument

}  // namespace vknorm::compare
