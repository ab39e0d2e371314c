// What results were got with: the library, the device, the machine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "results.hpp"

#include <vknorm/runtime.hpp>

#include <cstdint>
#include <string>

namespace vknorm::compare {

Json libraryFacts();                         // version, commit, hash of the kernels
Json deviceFacts(const DeviceInfo& info);    // what is known without opening it
Json openDeviceFacts(const Device& device);  // and with it: limits, what is enabled, what the library makes of it

// Variables of the process's environment that change what drivers do, such as {"GALLIVM_PERF": "nopt"}: those that are set.
Json driverEnvironment();

struct CacheSize {
    uint64_t bytes;
    const char* source;  // "given", "found" or "assumed"
};
// The last-level cache of the device: a software driver's is the CPU's; a GPU does not tell, so a large one is assumed.
CacheSize lastLevelCache(const DeviceInfo& info);

// What a case may take where nobody says: a part of the device's memory.
uint64_t usualMemoryLimit(const Device& device);

std::string nowInUtc();  // "2026-01-31T12:00:00Z"

}  // namespace vknorm::compare
