// The kernels that the tuner measures: all that the library's choice permits on a device, by its own function. Pure.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan_input.hpp"

#include "plan/choose.hpp"
#include "plan/tuning_table.hpp"

#include <vector>

namespace vknorm::compare {

// What a choice is as an override that leaves nothing to the library.
KernelOverride overrideOf(const vkn::KernelChoice& choice, bool readTwice);

// How rows are added up: every form and subgroup size, with workgroups of 8, 32, 128 and so on, each kernel once. The library's
// own choice comes first. Left out are teams of which half would have nothing to do.
std::vector<KernelOverride> structuresOf(const vkn::DeviceFacts& facts, const vkn::OperationSpec& spec);

// What is next to a structure: half and twice its workgroup, other numbers of rows at once, and rows read again.
std::vector<KernelOverride> neighboursOf(const vkn::DeviceFacts& facts, const vkn::OperationSpec& spec,
                                         const KernelOverride& structure);

// The same structure with other limits on workgroups; the one that it has comes first.
std::vector<KernelOverride> gridsOf(const vkn::DeviceFacts& facts, const KernelOverride& structure);

// The fields of an entry.
KernelOverride overrideOf(const vkn::TuningEntry& entry);
void setKernel(vkn::TuningEntry& entry, const KernelOverride& kernel);

// "subgroup 64 x 32"
std::string nameOf(const KernelOverride& kernel);

}  // namespace vknorm::compare
