// Tuning tables as files: read by the library's own reader, changed, and written. Pure but for loadTuningFile().
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan_input.hpp"

#include "plan/tuning_table.hpp"

#include <string>
#include <vector>

namespace vknorm::compare {

// A device's entries.
struct TuningSection {
    std::string comment;  // in front of its line; of one line
    vkn::TuningDevice device;
    std::vector<vkn::TuningEntry> entries;
};

// Throws std::runtime_error, which names the line.
std::vector<TuningSection> parseTuning(const std::string& text);
std::string formatTuning(const std::vector<TuningSection>& sections);

// The contents of a file; empty where there is none.
std::string readTextFile(const std::string& path);
// In one step: a table is there as it was, or as it is now. Throws.
void writeTextFile(const std::string& path, const std::string& text);

// A section for a target: the one that is there, or a new one. What was measured with other kernels goes.
TuningSection& sectionFor(std::vector<TuningSection>& sections, const vkn::TuningTarget& target,
                          const std::string& comment);

// What was found for rows of one size.
struct TunedSize {
    uint32_t size;
    KernelOverride kernel;
};

// Entries for sizes in ascending order. Each reaches half the way to its neighbours, on a logarithmic scale, and those at the ends
// from half to twice their size; neighbours of the same kernel are one.
std::vector<vkn::TuningEntry> entriesOf(const vkn::TuningKey& key, const std::vector<TunedSize>& sizes);

// In place of all that there was of the same key.
void replaceEntries(TuningSection& section, const std::vector<vkn::TuningEntry>& entries);

}  // namespace vknorm::compare
