// What samples that measure have in common.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vknorm/runtime.hpp>
#include <vknorm/vknorm.hpp>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace vknorm::samples {

using Record = std::function<void(VkCommandBuffer)>;

inline void require(VknResult result, const VknError& error) {
    if (result != VKN_SUCCESS) throw std::runtime_error(std::string(vknResultName(result)) + ": " + error.message);
}

// Seconds that one of what `record` records takes. So many are in a submit that submitting does not count; the median of
// up to nine submits, fewer where they are slow. The first was the warm-up.
inline SubmitResult measure(Device& device, const Record& record) {
    const double first = device.submit(record).seconds;
    const int count = static_cast<int>(std::clamp(0.05 / first, 1.0, 1000.0));
    CommandBuffer commands(device);
    VkCommandBuffer handle = commands.begin();
    for (int i = 0; i < count; ++i, device.recordBarrier(handle)) record(handle);
    commands.end();
    std::vector<SubmitResult> results(static_cast<size_t>(std::clamp(2.0 / (first * count), 3.0, 9.0)));
    for (auto& result : results) result = commands.submit();
    std::sort(results.begin(), results.end(), [](auto& a, auto& b) { return a.seconds < b.seconds; });
    SubmitResult median = results[results.size() / 2];
    median.seconds /= count;
    return median;
}

}  // namespace vknorm::samples
