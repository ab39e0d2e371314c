#include "philox.hpp"

#include "formats.hpp"

#include <cmath>

namespace vknorm::test {
namespace {

constexpr uint32_t low(uint64_t value) { return static_cast<uint32_t>(value); }
constexpr uint32_t high(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
    constexpr int kRounds = 10;
    for (int round = 0; round < kRounds; ++round) {
        const uint64_t a = uint64_t{0xD2511F53u} * counter[0];
        const uint64_t b = uint64_t{0xCD9E8D57u} * counter[2];
        counter = {high(b) ^ counter[1] ^ key[0], low(b), high(a) ^ counter[3] ^ key[1], low(a)};
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return counter;
}

bool isDropped(uint64_t seed, uint64_t row, uint64_t column, uint32_t stream, float probability) {
    const std::array<uint32_t, 4> words =
        philox({low(column / 4), low(row), high(row), stream}, {low(seed), high(seed)});
    const auto threshold = static_cast<uint32_t>(std::ldexp(static_cast<double>(probability), 32));
    return words[column % 4] < threshold;
}

double dropoutScale(float probability) { return roundTo(VKN_TYPE_F32, 1.0 / (1.0 - static_cast<double>(probability))); }

}  // namespace vknorm::test
