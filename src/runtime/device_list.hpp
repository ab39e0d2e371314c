#ifndef VKNORM_RUNTIME_DEVICE_LIST_HPP
#define VKNORM_RUNTIME_DEVICE_LIST_HPP

#include "runtime/instance.hpp"

namespace vknorm::detail {

DeviceInfo queryDevice(const Instance& instance, VkPhysicalDevice device, uint32_t index);

}  // namespace vknorm::detail

#endif
