// A Vulkan device whose recording functions do nothing, so that what recording costs is the library's own share.
#pragma once

#include "fault/fake_vulkan.hpp"

namespace vknorm::test {

class NoOpVulkan {
public:
    explicit NoOpVulkan(bool pushDescriptors);

    PFN_vkGetInstanceProcAddr getInstanceProcAddr() const;
    // Host memory of the library: its allocations are counted.
    const FakeAllocator& allocator() const { return allocator_; }
    VknContextCreateInfo contextInfo() const;

private:
    bool pushDescriptors_;
    FakeVulkan vulkan_;
    FakeAllocator allocator_;
};

}  // namespace vknorm::test
