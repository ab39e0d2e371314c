// How many workgroups there are, and how many rows each team of them has.
#include "plan/grid.hpp"
#include "plan/software.hpp"

#include "choices.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace vknorm::test {
namespace {

// A workgroup takes one row where the loop over rows takes registers that are needed: on V3D, and where a kernel is frugal. Not
// where the host says how many workgroups there may be.
TEST(Grid, OneTurnWhereLoopsAreDear) {
    for (const DeviceClass& device : kDeviceClasses) {
        const bool isBroadcom = device.facts.vendorId == vkn::kVendorBroadcom;
        OperationSpec spec = makeSpec(1024, VKN_TYPE_BF16);
        spec.form = VKN_KERNEL_FORM_SHARED;
        EXPECT_EQ(choose(device.facts, spec).hasOneTurn, isBroadcom) << device.name;
        spec.maxWorkgroups = 8;
        EXPECT_FALSE(choose(device.facts, spec).hasOneTurn) << device.name;
    }
    OperationSpec spec = makeSpec(1024, VKN_TYPE_BF16);
    EXPECT_FALSE(choose(factsOf("Adreno 702"), spec).hasOneTurn);
    spec.flags = VKN_PLAN_BACKWARD_BIT;
    EXPECT_TRUE(choose(factsOf("Adreno 702"), spec).hasOneTurn);
}

TEST(Grid, WorkgroupsThatAreTooManyMakeLayersOrLoop) {
    constexpr uint32_t kMost = 65535;
    KernelChoice choice;
    for (const uint64_t wanted : {0u, 7u, kMost, kMost + 1, 200000u, 1u << 30}) {
        choice.hasOneTurn = false;
        EXPECT_EQ(vkn::gridOf(choice, wanted, kMost).width, std::min<uint64_t>(wanted, kMost));
        EXPECT_EQ(vkn::gridOf(choice, wanted, kMost).layers, 1u);
        choice.hasOneTurn = true;
        const vkn::Grid grid = vkn::gridOf(choice, wanted, kMost);
        EXPECT_GE(uint64_t{grid.width} * grid.layers, wanted);
        EXPECT_LT(uint64_t{grid.width} * (grid.layers - 1), std::max<uint64_t>(wanted, 1));
        EXPECT_LE(grid.layers, kMost);
    }
}

// lavapipe counts the turns of an invocation's loops, and what dropout draws takes more of them.
TEST(Grid, RowsOfALanesTurnsOnLavapipe) {
    const auto mostRows = [](const char* device, VknType type, float dropout) {
        OperationSpec spec = makeSpec(1024, type);
        spec.flags = VKN_PLAN_BACKWARD_BIT;
        spec.placement = VKN_PLACEMENT_PRE_NORM;
        spec.dropoutProbability = dropout;
        return choose(factsOf(device), spec).mostRowsPerLane;
    };
    EXPECT_EQ(mostRows("SwiftShader", VKN_TYPE_F32, 0.5F), 0u);
    EXPECT_EQ(mostRows("lavapipe, 256 bits", VKN_TYPE_F32, 0.0F), 65535u / 2);
    EXPECT_EQ(mostRows("lavapipe, 256 bits", VKN_TYPE_F32, 0.5F), 65535u / (1 + 2 * 11 + 1)) << "two quads";
    EXPECT_EQ(mostRows("lavapipe, 256 bits", VKN_TYPE_BF16, 0.5F), 65535u / (1 + 4 * 11 + 1)) << "four";
}

TEST(Grid, CpusTakeRowsInOrder) {
    for (const DeviceClass& device : kDeviceClasses) {
        const KernelChoice choice = choose(device.facts, makeSpec(1024));
        EXPECT_EQ(choice.takesRowsInOrder, device.facts.isCpu && !choice.hasOneTurn) << device.name;
    }
}

TEST(Grid, ThereAreAsManyWorkgroupsAsHaveRowsToTakeAtOnce) {
    const DeviceFacts& facts = factsOf("lavapipe, 256 bits");
    const KernelChoice choice = choose(facts, makeSpec(4096));
    ASSERT_EQ(choice.rowsAtOnce, 4u);
    ASSERT_EQ(choice.rowsPerWorkgroup(), 1u);
    EXPECT_EQ(choice.wantedWorkgroups(31, true), 31u) << "too few for all threads";
    EXPECT_EQ(choice.wantedWorkgroups(32, true), 8u);
    EXPECT_EQ(choice.wantedWorkgroups(35, true), 8u) << "the last takes what is left over";
    EXPECT_EQ(choice.wantedWorkgroups(35, false), 35u);
    const KernelChoice single = choose(facts, makeSpec(128));
    ASSERT_EQ(single.rowsAtOnce, 1u);
    EXPECT_EQ(single.wantedWorkgroups(32, true), 32 / single.rowsPerWorkgroup());
}

// lavapipe ends an invocation whose loops took 65535 turns.
TEST(Grid, LavapipeGetsFewRowsForATeam) {
    const DeviceFacts& facts = factsOf("lavapipe, 256 bits");
    OperationSpec spec = makeSpec(65536);
    spec.maxWorkgroups = 1;
    const KernelChoice choice = choose(facts, spec);
    EXPECT_EQ(choice.form, VKN_KERNEL_FORM_SUBGROUP);
    const uint64_t chunks = 65536 / (uint64_t{choice.chunk} * choice.teamSize());
    EXPECT_LE(choice.mostRowsPerTeam * chunks * 3, 65535u);
    EXPECT_EQ(choice.mostWorkgroups(1), 1u);
    EXPECT_GE(uint64_t{choice.mostWorkgroups(8192)} * choice.rowsPerWorkgroup() * choice.mostRowsPerTeam, 8192u);
    EXPECT_EQ(choose(facts, makeSpec(1u << 22)).form, VKN_KERNEL_FORM_SUBGROUP_SHARED);
    EXPECT_EQ(choose(factsOf("SwiftShader"), makeSpec(65536)).mostRowsPerTeam, 0u);
}

// As shaders/include/rows_of_team.glsl shares rows out.
uint64_t mostRowsOfTeam(const KernelChoice& choice, uint64_t rows) {
    const vkn::Grid grid = vkn::gridOf(choice, choice.wantedWorkgroups(rows, true), choice.mostWorkgroups(rows));
    const uint64_t teams = uint64_t{grid.width} * choice.rowsPerWorkgroup();
    const uint64_t unit = rows >= teams * choice.rowsAtOnce ? choice.rowsAtOnce : 1;
    const uint64_t units = rows / unit;
    return ((units + teams - 1) / teams) * unit + rows % unit;
}

TEST(Grid, LavapipeGetsFewRowsForATeamAlsoAtOnce) {
    const DeviceFacts& facts = factsOf("lavapipe, 256 bits");
    bool isAnyAtOnce = false;
    for (const uint32_t hidden : {1024u, 4096u, 16384u, 32768u, 65536u, 131072u, 262144u}) {
        const OperationSpec spec = makeSpec(hidden);
        const KernelChoice choice = choose(facts, spec);
        const uint64_t pieces = hidden / (uint64_t{choice.chunk} * choice.teamSize());
        const uint64_t most = std::max<uint64_t>(vkn::kTurnsOfLavapipe / (vkn::turnsOfRow(spec, pieces) + 1), 1);
        for (uint64_t rows = 1; rows < 5000; rows += rows < 300 ? 1 : 61) {
            ASSERT_LE(mostRowsOfTeam(choice, rows), most) << rows << " x " << hidden << ": " << choice.reason;
            isAnyAtOnce = isAnyAtOnce || choice.wantedWorkgroups(rows, true) < rows / choice.rowsPerWorkgroup();
        }
    }
    EXPECT_TRUE(isAnyAtOnce);
}

// A row too wide for the turns of all lanes that a workgroup may have is refused, unless the host asks for the kernel.
TEST(Grid, LavapipeRefusesRowsOfTooManyTurns) {
    const DeviceFacts& facts = factsOf("lavapipe, 256 bits");
    OperationSpec spec = makeSpec(1u << 24);
    KernelChoice choice;
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    ASSERT_EQ(vkn::chooseKernel(facts, spec, choice, &error), VKN_ERROR_UNSUPPORTED);
    EXPECT_STREQ(error.field, "hiddenSize");
    EXPECT_EQ(error.value, 1u << 24);
    spec.hiddenSize = static_cast<uint32_t>(error.limit);
    EXPECT_EQ(vkn::chooseKernel(facts, spec, choice, &error), VKN_SUCCESS) << error.message;
    spec.hiddenSize = static_cast<uint32_t>(error.limit + 4 * uint64_t{choice.workgroupSize});
    EXPECT_EQ(vkn::chooseKernel(facts, spec, choice, &error), VKN_ERROR_UNSUPPORTED);
    spec.form = VKN_KERNEL_FORM_SUBGROUP_SHARED;
    EXPECT_EQ(vkn::chooseKernel(facts, spec, choice, &error), VKN_SUCCESS) << error.message;
    EXPECT_EQ(choose(factsOf("SwiftShader"), makeSpec(1u << 24)).form, VKN_KERNEL_FORM_SUBGROUP);
}

}  // namespace
}  // namespace vknorm::test
