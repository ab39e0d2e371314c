// Turning two timestamps into seconds. Pure functions.
#ifndef VKNORM_RUNTIME_TIMESTAMPS_HPP
#define VKNORM_RUNTIME_TIMESTAMPS_HPP

#include <cstdint>

namespace vknorm::detail {

// Software and stub drivers report periods of 0, infinity or NaN, and queues without valid bits.
bool areTimestampsUsable(uint32_t validBits, float periodNanoseconds);

// Seconds from begin to end: bits above validBits are undefined, and a counter that wrapped in between is handled.
double timestampSeconds(uint64_t begin, uint64_t end, uint32_t validBits, float periodNanoseconds);

// What the GPU says cannot be true if it took no time at all, or longer than the host waited.
bool isPlausible(double gpuSeconds, double hostSeconds);

}  // namespace vknorm::detail

#endif
