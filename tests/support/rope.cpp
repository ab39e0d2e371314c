#include "rope.hpp"

#include <cmath>

namespace vknorm::test {

double angleOf(uint32_t position, TurnsOfPair turns) {
    const uint64_t fraction = position * ((uint64_t{turns.high} << 32) | turns.low);  // whole turns overflow
    return static_cast<double>(std::ldexp(6.283185307179586476925L * static_cast<long double>(fraction), -64));
}

std::pair<Fp32Range, Fp32Range> turned(const Fp32Range& a, const Fp32Range& b, const Fp32Range& cosine,
                                       const Fp32Range& sine) {
    const Interval across = (b * sine).interval();
    const Fp32Range minusAcross(Interval{-across.high, -across.low});
    return {a * cosine + minusAcross, b * cosine + a * sine};
}

}  // namespace vknorm::test
