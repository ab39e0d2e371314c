// SPDX-License-Identifier: Apache-2.0
#include "report/schema.hpp"

#include <fmt/format.h>

namespace vknorm::compare {

const char* nameOf(Status status) {
    constexpr const char* kNames[] = {"ok", "unsupported", "skipped", "failed", "wrong"};
    return kNames[static_cast<size_t>(status)];
}

std::string formatSeconds(double seconds) {
    if (seconds < 1e-3) {
        return fmt::format("{:.2f} µs", 1e6 * seconds);
    }
    return seconds < 1.0 ? fmt::format("{:.2f} ms", 1e3 * seconds) : fmt::format("{:.2f} s", seconds);
}

}  // namespace vknorm::compare
