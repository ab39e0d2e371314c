// samples/engine_frame on the fake device: each of the engine's and the library's calls finds the device lost in turn. The engine
// says so, and destroys everything.
#include "fault/fake_vulkan.hpp"

#include "engine_frame/frame_loop.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace vknorm::test {
namespace {

engine_frame::Options options(const FakeVulkan& vulkan) {
    engine_frame::Options result;
    result.frames = 4;
    result.hasSelfTest = false;  // nothing computes here
    result.getInstanceProcAddr = vulkan.getInstanceProcAddr();
    return result;
}

void expectNothingLeft(const FakeVulkan& vulkan) {
    EXPECT_EQ(vulkan.liveObjects(), 0u) << vulkan.describeObjects();
    EXPECT_TRUE(vulkan.faults.empty()) << vulkan.faults.front();
}

TEST(EngineFrame, RunsOnTwoQueues) {
    for (const bool push : {false, true}) {
        FakeVulkan vulkan;
        vulkan.offersPushDescriptors = push;
        const engine_frame::Report report = engine_frame::run(options(vulkan));
        EXPECT_TRUE(report.hasAsyncCompute);
        EXPECT_GT(report.allocationsAtLoad, 5u);
        EXPECT_EQ(report.allocationsInFrames, 0u);
        EXPECT_GT(report.elements, 0u);
        EXPECT_GT(report.wrong, report.elements / 2) << "results that nobody computed are found out";
        expectNothingLeft(vulkan);
    }
}

TEST(EngineFrame, SurvivesALostDevice) {
    size_t calls = 0;
    size_t unnoticed = 0;
    bool isBeyondTheLast = false;
    while (!isBeyondTheLast && !HasFailure()) {
        SCOPED_TRACE("call " + std::to_string(calls));
        FakeVulkan vulkan;
        vulkan.failAt = calls;
        vulkan.failure = VK_ERROR_DEVICE_LOST;
        VkResult result = VK_SUCCESS;
        try {
            engine_frame::run(options(vulkan));
        } catch (const engine::Error& error) {
            result = error.result();
        }
        isBeyondTheLast = vulkan.failedCall.empty();
        EXPECT_TRUE(result == VK_ERROR_DEVICE_LOST || (result == VK_SUCCESS && (isBeyondTheLast || unnoticed++ == 0)))
            << vulkan.failedCall << ": " << result;
        expectNothingLeft(vulkan);
        ++calls;
    }
    EXPECT_EQ(unnoticed, 1u) << "the destructor's wait, behind which nothing needs the device any more";
    EXPECT_GT(calls, 100u);
    std::printf("the device was lost in %zu calls\n", calls - 1);
}

}  // namespace
}  // namespace vknorm::test
