// An array whose elements are not zeroed beforehand: to zero what an operation does not have would be a quarter of what recording
// it costs. An element may be read once it was set.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>

namespace vkn {

template <typename T, size_t kCount>
class UnsetArray {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

public:
    T& set(size_t index, const T& value) { return *new (&slots_[index].value) T(value); }
    const T& operator[](size_t index) const { return slots_[index].value; }

private:
    union Slot {
        Slot() {}  // sets nothing
        T value;
    };
    Slot slots_[kCount];
};

}  // namespace vkn
