// A float as its bits.
#pragma once

#include <cstdint>
#include <cstring>

namespace vkn {

inline uint32_t bitsOf(float value) {
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

}  // namespace vkn
