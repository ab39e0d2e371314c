// What the JSON lines are made of, for those who write them and those who read them; ../README.md documents the schema.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace vknorm::compare {

// Keys stay in the order in which they are put in. Who looks into one includes nlohmann/json.hpp, which takes seconds to compile.
using Json = nlohmann::ordered_json;

// To be raised where a field changes its meaning or goes; not where one is added.
inline constexpr int kSchemaVersion = 1;

enum class Status {
    Ok,
    Unsupported,  // the device cannot
    Skipped,      // left out, for the reason that is given
    Failed,       // an error of the driver or of Vulkan
    Wrong,        // computed, and not right; not measured
};
inline constexpr Status kStatuses[] = {Status::Ok, Status::Unsupported, Status::Skipped, Status::Failed, Status::Wrong};

const char* nameOf(Status status);

// "4.31 µs", "1.20 ms"
std::string formatSeconds(double seconds);

}  // namespace vknorm::compare
