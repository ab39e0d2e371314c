// Arithmetic of sizes and counts.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace vkn {

// Of unsigned numbers, in the wider of the two types.
template <typename A, typename B>
constexpr std::common_type_t<A, B> divideUp(A a, B b) {
    using T = std::common_type_t<A, B>;
    const T x = static_cast<T>(a);
    const T y = static_cast<T>(b);
    return x <= y ? (x != 0 ? 1 : 0) : (x - 1) / y + 1;
}
template <typename A, typename B>
constexpr std::common_type_t<A, B> smaller(A a, B b) {
    using T = std::common_type_t<A, B>;
    return static_cast<T>(a) < static_cast<T>(b) ? static_cast<T>(a) : static_cast<T>(b);
}
template <typename A, typename B>
constexpr std::common_type_t<A, B> larger(A a, B b) {
    using T = std::common_type_t<A, B>;
    return static_cast<T>(a) > static_cast<T>(b) ? static_cast<T>(a) : static_cast<T>(b);
}

// Where `b` is a power of two, without a division: of these, recording takes dozens.
constexpr uint64_t remainderOfPower(uint64_t a, uint64_t b) { return a & (b - 1); }
constexpr uint64_t roundDownToPower(uint64_t a, uint64_t b) { return a & ~(b - 1); }
constexpr uint64_t quotientOfPower(uint64_t a, uint64_t b) { return a >> std::countr_zero(b); }

}  // namespace vkn
