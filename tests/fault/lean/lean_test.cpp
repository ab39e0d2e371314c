// A library with the forward's kernels alone, without subgroup arithmetic: what it has works, what it lacks is named.
#include "fault/session.hpp"

#include <gtest/gtest.h>

namespace vknorm::test {
namespace {

class Lean : public ::testing::Test {
protected:
    Lean() { EXPECT_EQ(session_.createContext(), VKN_SUCCESS); }

    VknResult create(PlanKind kind, VknPlan* plan) {
        error_.sType = VKN_STRUCTURE_TYPE_ERROR;
        return session_.createPlan(kind, plan, &error_);
    }

    FakeVulkan vulkan_;
    FakeAllocator allocator_;
    Session session_{vulkan_, allocator_, true};
    VknError error_{};
};

TEST_F(Lean, TheForwardWorksWithoutSubgroups) {
    for (const PlanKind kind : {PlanKind::Plain, PlanKind::GpuRows}) {
        VknPlan plan = VKN_NULL_HANDLE;
        ASSERT_EQ(create(kind, &plan), VKN_SUCCESS) << error_.message;
        VknPlanInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
        vknGetPlanInfo(plan, &info);
        EXPECT_EQ(info.form, VKN_KERNEL_FORM_SHARED);
        vknDestroyPlan(plan);
    }
    EXPECT_EQ(session_.recordSelfTest(&error_), VKN_SUCCESS) << error_.message;
    VknPlan forced = VKN_NULL_HANDLE;
    EXPECT_EQ(session_.createForcedPlan(VKN_KERNEL_FORM_SUBGROUP, &forced), VKN_ERROR_UNSUPPORTED);
}

TEST_F(Lean, WhatWasLeftOutFailsByName) {
    const struct {
        PlanKind kind;
        const char* kernel;
    } lacking[] = {
        {PlanKind::Backward, "backward"}, {PlanKind::BackwardInPlace, "backward"}, {PlanKind::Training, "columns"}};
    for (const auto& [kind, kernel] : lacking) {
        VknPlan plan = VKN_NULL_HANDLE;
        EXPECT_EQ(create(kind, &plan), VKN_ERROR_UNSUPPORTED);
        EXPECT_EQ(plan, static_cast<VknPlan>(VKN_NULL_HANDLE));
        const std::string message = error_.message;
        EXPECT_NE(message.find(kernel), std::string::npos) << message;
        EXPECT_NE(message.find("VKNORM_KERNELS=forward"), std::string::npos) << message;
    }
    EXPECT_TRUE(vulkan_.faults.empty()) << vulkan_.faults.front();
}

}  // namespace
}  // namespace vknorm::test
