// SPDX-License-Identifier: Apache-2.0
#include "patterns.hpp"

#include "support/formats.hpp"
#include "support/random.hpp"

#include <algorithm>

namespace vknorm::compare {

const std::vector<uint8_t>& Patterns::bytesOf(VknType type, const Distribution& distribution) {
    std::vector<uint8_t>& bytes = bytes_[{type, distribution.mean, distribution.deviation}];
    if (!bytes.empty()) {
        return bytes;
    }
    if (normal_.empty()) {
        test::Random random(42);
        normal_.resize(kPeriod);
        std::generate(normal_.begin(), normal_.end(), [&] { return random.normal(); });
    }
    const size_t size = test::elementSize(type);
    bytes.resize(kPeriod * size);
    for (uint64_t i = 0; i < kPeriod; ++i) {
        const double value = distribution.mean + distribution.deviation * normal_[i];
        test::storeBits(type, &bytes[i * size], test::encode(type, value));
    }
    return bytes;
}

void Patterns::upload(Buffer& buffer, VkDeviceSize offset, VknType type, uint64_t elements,
                      const Distribution& distribution, uint64_t start) {
    const std::vector<uint8_t>& bytes = bytesOf(type, distribution);
    const size_t size = test::elementSize(type);
    uint64_t at = start % kPeriod;
    for (uint64_t done = 0; done < elements;) {
        const uint64_t count = std::min(elements - done, kPeriod - at);
        buffer.upload(offset + done * size, &bytes[at * size], count * size);
        done += count;
        at = 0;
    }
}

}  // namespace vknorm::compare
