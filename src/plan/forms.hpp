// Which kernel forms a device can run, with which subgroups and workgroups.
#pragma once

#include "plan/facts.hpp"

namespace vkn {

// As bits (1 << VknKernelForm).
uint32_t usableForms(const DeviceFacts& facts);

// Whether there are subgroups for kernels to rely on.
bool hasDependableSubgroups(const DeviceFacts& facts);

// The subgroup size that kernels are built for; 0 where subgroups cannot be used. `forced` 0: the library's choice.
uint32_t chooseSubgroupSize(const DeviceFacts& facts, uint32_t forced);

// Whether kernels may be built for this size, which a host asks for.
bool permitsSubgroupSize(const DeviceFacts& facts, uint32_t size);

// What pipelines of kernels for subgroups of this size ask the device for.
bool requiresSubgroupSize(const DeviceFacts& facts, uint32_t size);
bool requiresFullSubgroups(const DeviceFacts& facts, uint32_t size);

// The most invocations of a workgroup, with subgroups of this size in forms that have them.
uint32_t largestWorkgroup(const DeviceFacts& facts, VknKernelForm form, uint32_t subgroupSize);

}  // namespace vkn
