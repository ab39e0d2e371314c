// Random numbers that are the same on every machine: the standard library's distributions are not.
#pragma once

#include <cmath>
#include <cstdint>

namespace vknorm::test {

class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t next() {  // splitmix64
        state_ += 0x9E3779B97F4A7C15ull;
        uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
        return z ^ (z >> 31);
    }

    uint32_t below(uint32_t limit) { return static_cast<uint32_t>(next() % limit); }

    double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }  // (0, 1)

    // Mean 0, standard deviation 1: the sum of twelve uniforms minus 6 would have no tails, so Box and Muller.
    double normal() {
        const double radius = std::sqrt(-2.0 * std::log(uniform()));
        return radius * std::cos(6.283185307179586 * uniform());
    }

private:
    uint64_t state_;
};

}  // namespace vknorm::test
