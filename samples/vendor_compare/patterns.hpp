// What tensors hold: random numbers that repeat after a prime number of elements, so that no two rows of a tensor are the
// same, and that cost little to make.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vknorm/runtime.hpp>

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

namespace vknorm::compare {

// mean + deviation * a normal number
struct Distribution {
    double mean = 0.0;
    double deviation = 1.0;
};

class Patterns {
public:
    static constexpr uint64_t kPeriod = 131071;

    // Fills `elements` of them from a byte offset on; tensors with another `start` do not hold the same.
    void upload(Buffer& buffer, VkDeviceSize offset, VknType type, uint64_t elements, const Distribution& distribution,
                uint64_t start);

private:
    const std::vector<uint8_t>& bytesOf(VknType type, const Distribution& distribution);

    std::vector<double> normal_;
    std::map<std::tuple<VknType, double, double>, std::vector<uint8_t>> bytes_;
};

}  // namespace vknorm::compare
