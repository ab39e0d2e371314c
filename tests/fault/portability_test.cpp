// Devices of MoltenVK and its like are shown to those alone who ask for them.
#include "fault/fake_vulkan.hpp"

#include <vknorm/runtime.hpp>

#include <gtest/gtest.h>

namespace vknorm::test {
namespace {

TEST(Portability, TheRuntimeAsksForSuchDevices) {
    FakeVulkan vulkan;  // which hides its device from the others
    EXPECT_EQ(listDevices(vulkan.getInstanceProcAddr()).size(), 1u);
    EXPECT_EQ(vulkan.liveObjects(), 0u) << vulkan.describeObjects();
}

}  // namespace
}  // namespace vknorm::test
