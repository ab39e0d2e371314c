// What an engine asks of the fake Vulkan beside what the library does: instance, queues, memory, command buffers.
#pragma once

#include <vulkan/vulkan_core.h>

namespace vknorm::test {

class FakeVulkan;

// The function of that name that belongs to `fake`; null if there is none here.
PFN_vkVoidFunction findHostFunction(FakeVulkan& fake, const char* name);

}  // namespace vknorm::test
