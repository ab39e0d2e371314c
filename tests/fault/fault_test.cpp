// Every Vulkan call, and every allocation of host memory, made to fail in turn, in every function that can fail. Whatever
// fails: the result says what, a failing call has written and recorded nothing, and everything can still be destroyed,
// after which nothing is left.
#include "fault/session.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

namespace vknorm::test {
namespace {

struct Expected {
    VkResult vulkan;
    VknResult result;
};
constexpr Expected kExpected[] = {
    {VK_ERROR_OUT_OF_HOST_MEMORY, VKN_ERROR_OUT_OF_HOST_MEMORY},
    {VK_ERROR_OUT_OF_DEVICE_MEMORY, VKN_ERROR_OUT_OF_DEVICE_MEMORY},
    {VK_ERROR_DEVICE_LOST, VKN_ERROR_DEVICE_LOST},
};

// Where everything takes many times as long (VKNORM_TEST_QUICK), a third of all that can fail, which is another one for pools.
class Turns {
public:
    explicit Turns(bool ofPools)
        : step_(std::getenv("VKNORM_TEST_QUICK") != nullptr ? 3 : 1), next_(ofPools ? step_ / 2 : 0) {}

    size_t next() { return std::exchange(next_, next_ + step_); }

private:
    size_t step_;
    size_t next_;
};

class Fault : public ::testing::TestWithParam<bool> {
protected:
    // Runs everything once, with a failure that `prepare` arms, and checks what is left. Returns the session's device and
    // allocator as they ended.
    template <typename Prepare, typename Judge>
    void runOnce(const Prepare& prepare, const Judge& judge) {
        FakeVulkan vulkan;
        FakeAllocator allocator;
        vulkan.offersPushDescriptors = GetParam();
        prepare(vulkan, allocator);
        {
            Session session(vulkan, allocator, GetParam());
            session.run();
            judge(vulkan, allocator, session);
        }
        EXPECT_EQ(vulkan.liveObjects(), 0u) << vulkan.describeObjects();
        EXPECT_EQ(allocator.live(), 0u);
        EXPECT_TRUE(vulkan.faults.empty()) << vulkan.faults.front();
        EXPECT_TRUE(allocator.faults().empty()) << allocator.faults().front();
    }
};

TEST_P(Fault, NothingFails) {
    runOnce([](FakeVulkan&, FakeAllocator&) {},
            [](FakeVulkan& vulkan, FakeAllocator& allocator, Session& session) {
                EXPECT_EQ(session.failures().size(), 0u);
                EXPECT_GT(vulkan.commands, 20u);
                EXPECT_GT(vulkan.fallibleCalls, 30u);
                EXPECT_GT(allocator.allocations(), 30u);
            });
}

TEST_P(Fault, EveryVulkanCall) {
    for (const Expected& expected : kExpected) {
        Turns turns(!GetParam());
        size_t failed = 0;
        bool isBeyondTheLast = false;
        while (!isBeyondTheLast && !HasFailure()) {
            const size_t call = turns.next();
            SCOPED_TRACE("call " + std::to_string(call) + " returns VkResult " + std::to_string(expected.vulkan));
            runOnce(
                [&](FakeVulkan& vulkan, FakeAllocator&) {
                    vulkan.failAt = call;
                    vulkan.failure = expected.vulkan;
                },
                [&](FakeVulkan& vulkan, FakeAllocator&, Session& session) {
                    isBeyondTheLast = vulkan.failedCall.empty();
                    if (isBeyondTheLast) {
                        return;
                    }
                    // Without the data that was handed in, a cache is just empty.
                    const bool mayRecover = vulkan.failedCall == "vkCreatePipelineCache";
                    if (!mayRecover || !session.failures().empty()) {
                        ASSERT_FALSE(session.failures().empty()) << vulkan.failedCall << " failed and nobody noticed";
                        const Session::Failure& failure = session.failures().front();
                        EXPECT_EQ(failure.result, expected.result) << failure.call << ": " << failure.error.message;
                        EXPECT_TRUE(!failure.hasError ||
                                    std::string(failure.error.message).find(vulkan.failedCall) != std::string::npos)
                            << failure.call << ": " << failure.error.message << " does not name " << vulkan.failedCall;
                    }
                    for (const Session::Failure& failure : session.failures()) {
                        EXPECT_EQ(failure.result, expected.result) << failure.call;
                    }
                    ++failed;
                });
        }
        std::printf("%zu calls made to return %d\n", failed, static_cast<int>(expected.vulkan));
    }
}

TEST_P(Fault, EveryAllocationOfHostMemory) {
    Turns turns(!GetParam());
    size_t failed = 0;
    size_t unnoticed = 0;
    bool isBeyondTheLast = false;
    while (!isBeyondTheLast && !HasFailure()) {
        const size_t allocation = turns.next();
        SCOPED_TRACE("allocation " + std::to_string(allocation));
        runOnce([&](FakeVulkan&, FakeAllocator& allocator) { allocator.failAt(allocation); },
                [&](FakeVulkan&, FakeAllocator& allocator, Session& session) {
                    isBeyondTheLast = !allocator.hasFailed();
                    failed += isBeyondTheLast ? 0u : 1u;
                    for (const Session::Failure& failure : session.failures()) {
                        EXPECT_EQ(failure.result, VKN_ERROR_OUT_OF_HOST_MEMORY) << failure.call;
                    }
                    unnoticed += session.failures().empty() && !isBeyondTheLast ? 1u : 0u;
                    EXPECT_LE(session.failures().size(), isBeyondTheLast ? 0u : 1u);
                });
    }
    EXPECT_GT(failed, 10u);
    EXPECT_LE(unnoticed, 1u) << "the pipeline cache that was to be filled from data is made empty instead";
    std::printf("%zu allocations made to fail\n", failed);
}

TEST_P(Fault, EveryFunctionMissing) {
    std::set<std::string> names;
    runOnce([](FakeVulkan&, FakeAllocator&) {},
            [&](FakeVulkan& vulkan, FakeAllocator&, Session&) { names = vulkan.asked; });
    size_t needed = 0;
    for (const std::string& name : names) {
        SCOPED_TRACE(name + " is missing");
        runOnce([&](FakeVulkan& vulkan, FakeAllocator&) { vulkan.missing = {name}; },
                [&](FakeVulkan&, FakeAllocator&, Session& session) {
                    // Functions of extensions and of later versions are done without.
                    const bool isOptional = name.find("2") != std::string::npos ||
                                            name.find("EXT") != std::string::npos ||
                                            name.find("KHR") != std::string::npos;
                    EXPECT_EQ(session.failures().empty(), isOptional);
                    for (const Session::Failure& failure : session.failures()) {
                        EXPECT_EQ(failure.result, VKN_ERROR_MISSING_FUNCTION) << failure.call;
                        EXPECT_NE(std::string(failure.error.message).find(name), std::string::npos)
                            << failure.error.message;
                    }
                    needed += isOptional ? 0u : 1u;
                });
    }
    EXPECT_GT(needed, 20u);
    EXPECT_GT(names.size(), needed);
}

INSTANTIATE_TEST_SUITE_P(Descriptors, Fault, ::testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "Pushed" : "FromPools"; });

class Compiling : public ::testing::Test {
protected:
    // A context on the fake device, which must outlive it.
    struct Context {
        FakeVulkan vulkan;
        FakeAllocator allocator;
        std::unique_ptr<Session> session = std::make_unique<Session>(vulkan, allocator, true);

        Context() { EXPECT_EQ(session->createContext(), VKN_SUCCESS); }
        ~Context() {
            session.reset();
            EXPECT_EQ(vulkan.liveObjects(), 0u) << vulkan.describeObjects();
            EXPECT_EQ(allocator.live(), 0u);
            EXPECT_TRUE(vulkan.faults.empty()) << vulkan.faults.front();
        }
    };

    static VknKernelForm formOf(VknPlan plan) {
        VknPlanInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
        vknGetPlanInfo(plan, &info);
        return info.form;
    }
};

// A driver that cannot compile a form, or says that it has and returns nothing, gets the next safer one.
TEST_F(Compiling, FallsBackToSaferForms) {
    for (const bool silently : {false, true}) {
        VknKernelForm previous = VKN_KERNEL_FORM_AUTO;
        for (size_t failures = 0; failures < 3; ++failures) {
            Context context;
            context.vulkan.pipelinesThatFail = failures;
            context.vulkan.pipelinesFailSilently = silently;
            VknPlan plan = VKN_NULL_HANDLE;
            VknError error{};
            error.sType = VKN_STRUCTURE_TYPE_ERROR;
            ASSERT_EQ(context.session->createPlan(PlanKind::Plain, &plan, &error), VKN_SUCCESS) << error.message;
            EXPECT_STREQ(error.message, "") << "an error that success leaves untouched";
            EXPECT_NE(formOf(plan), previous);
            previous = formOf(plan);
            vknDestroyPlan(plan);
        }
        EXPECT_EQ(previous, VKN_KERNEL_FORM_SHARED) << "the last resort";
    }
}

TEST_F(Compiling, FailsByNameWhereNothingCompiles) {
    for (const bool silently : {false, true}) {
        Context context;
        context.vulkan.pipelinesThatFail = 1000;
        context.vulkan.pipelinesFailSilently = silently;
        VknPlan plan = VKN_NULL_HANDLE;
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        EXPECT_EQ(context.session->createPlan(PlanKind::Plain, &plan, &error), VKN_ERROR_PIPELINE_FAILED);
        EXPECT_EQ(plan, static_cast<VknPlan>(VKN_NULL_HANDLE));
        EXPECT_NE(std::string(error.message).find("vkCreateComputePipelines"), std::string::npos) << error.message;
        // The self-test has nothing to record either, and records nothing.
        const size_t commands = context.vulkan.commands;
        EXPECT_EQ(context.session->recordSelfTest(&error), VKN_ERROR_PIPELINE_FAILED);
        EXPECT_EQ(context.vulkan.commands, commands);
    }
}

// A form that is forced is not replaced behind the host's back.
TEST_F(Compiling, KeepsAFormThatIsForced) {
    Context context;
    context.vulkan.pipelinesThatFail = 1;
    VknPlan plan = VKN_NULL_HANDLE;
    EXPECT_EQ(context.session->createForcedPlan(VKN_KERNEL_FORM_SUBGROUP, &plan), VKN_ERROR_PIPELINE_FAILED);
    EXPECT_EQ(plan, static_cast<VknPlan>(VKN_NULL_HANDLE));
}

// Recorded and never judged: the second recording takes the place of the first.
TEST_F(Compiling, SelfTestsCanBeRecordedAgain) {
    for (const bool push : {true, false}) {
        FakeVulkan vulkan;
        FakeAllocator allocator;
        vulkan.offersPushDescriptors = push;
        {
            Session session(vulkan, allocator, push);
            ASSERT_EQ(session.createContext(), VKN_SUCCESS);
            EXPECT_EQ(session.recordSelfTest(nullptr), VKN_SUCCESS);
            EXPECT_EQ(session.recordSelfTest(nullptr), VKN_SUCCESS);
        }
        EXPECT_EQ(vulkan.liveObjects(), 0u) << vulkan.describeObjects();
        EXPECT_EQ(allocator.live(), 0u);
        EXPECT_TRUE(vulkan.faults.empty()) << vulkan.faults.front();
    }
}

}  // namespace
}  // namespace vknorm::test
