// Which cases vknorm_compare selects, and how much memory they take.
#include "cases.hpp"
#include "check.hpp"
#include "copy.hpp"
#include "plan_input.hpp"
#include "slots.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace vknorm::compare {
namespace {

TEST(Operations, AreDescriptionsThatTheLibraryAccepts) {
    for (const Operation& operation : allOperations()) {
        for (const TypeSet& types : allTypes()) {
            const Case test = {&operation, &types, {kHeads, 128}};
            EXPECT_NO_THROW(PlanInput(test, {}, {}).spec()) << test.name();
        }
    }
}

TEST(Operations, HaveNamesOfTheirOwn) {
    std::set<std::string> names;
    for (const Operation& operation : allOperations()) {
        EXPECT_TRUE(names.insert(operation.name).second) << operation.name;
        EXPECT_EQ(&findOperation(operation.name), &operation);
    }
    EXPECT_THROW(findOperation("nothing"), std::out_of_range);
}

TEST(Operations, ApartAreOthersOfTheTable) {
    for (const Operation& operation : allOperations()) {
        if (operation.apart) {
            EXPECT_TRUE(findOperation(operation.apart->first).has(operation.apart->between)) << operation.name;
            EXPECT_TRUE(findOperation(operation.apart->second).has(VKN_ROLE_INPUT)) << operation.name;
        }
    }
}

TEST(Operations, TypesAreOfWhatTheyAreNamedAfter) {
    const TypeSet& mixed = allTypes().back();
    const Operation& preNorm = findOperation("prenorm-add");
    EXPECT_EQ(typeOf(preNorm, mixed, VKN_ROLE_INPUT), VKN_TYPE_BF16);
    EXPECT_EQ(typeOf(preNorm, mixed, VKN_ROLE_RESIDUAL), VKN_TYPE_F32);
    EXPECT_EQ(typeOf(preNorm, mixed, VKN_ROLE_RESIDUAL_OUTPUT), VKN_TYPE_F32);
    EXPECT_EQ(typeOf(preNorm, mixed, VKN_ROLE_GAMMA), VKN_TYPE_F32);
    EXPECT_EQ(typeOf(findOperation("rmsnorm-int8"), mixed, VKN_ROLE_OUTPUT), VKN_TYPE_I8);
    EXPECT_EQ(typeOf(findOperation("rmsnorm-backward"), allTypes()[1], VKN_ROLE_RSTD), VKN_TYPE_F32);
}

TEST(Cases, AreAllOperationsTypesAndShapes) {
    size_t expected = 0;
    for (const Operation& operation : allOperations()) {
        expected += operation.isPart ? 0 : allTypes().size() * shapesOf(operation).size();
    }
    EXPECT_EQ(selectCases({}).size(), expected);
}

TEST(Cases, ShapesSuitTheirOperations) {
    for (const Case& test : selectCases({})) {
        EXPECT_EQ(unsuited(*test.operation, test.shape), "") << test.name();
    }
    EXPECT_NE(unsuited(findOperation("qknorm-rope"), {1, 128}), "");
    EXPECT_NE(unsuited(findOperation("qknorm-rope"), {kHeads, 127}), "");
    EXPECT_NE(unsuited(findOperation("groupnorm"), {1, 100}), "");
    EXPECT_EQ(unsuited(findOperation("rmsnorm"), {1, 1}), "");
}

TEST(Cases, AreThoseThatAreAskedFor) {
    Selection selection;
    selection.operations = {"rmsnorm", "add"};  // a part of another, too, if it is named
    selection.types = {"bf16"};
    selection.rows = {512};
    selection.hiddenSizes = {4096, 256};
    const std::vector<Case> cases = selectCases(selection);
    ASSERT_EQ(cases.size(), 4U);
    EXPECT_EQ(cases[0].name(), "rmsnorm bf16 512x256");
    EXPECT_EQ(cases[3].name(), "add bf16 512x4096");
}

TEST(Cases, ShapesCanBeGiven) {
    Selection selection;
    selection.operations = {"layernorm"};
    selection.types = {"fp32", "fp16"};
    selection.shapes = {{7, 13}};
    const std::vector<Case> cases = selectCases(selection);
    ASSERT_EQ(cases.size(), 2U);
    EXPECT_EQ(cases[1].name(), "layernorm fp16 7x13");
}

TEST(Cases, QuickOnesHaveEveryOperationAndAllTypes) {
    Selection selection;
    selection.isQuick = true;
    std::set<std::string> operations;
    std::set<std::string> types;
    for (const Case& test : selectCases(selection)) {
        operations.insert(test.operation->name);
        types.insert(test.types->name);
        EXPECT_EQ(unsuited(*test.operation, test.shape), "") << test.name();
    }
    const auto parts = std::count_if(allOperations().begin(), allOperations().end(),
                                     [](const Operation& operation) { return operation.isPart; });
    EXPECT_EQ(operations.size(), allOperations().size() - static_cast<size_t>(parts));
    EXPECT_EQ(types.size(), allTypes().size());
    selection.types = {"fp16"};
    for (const Case& test : selectCases(selection)) {
        EXPECT_STREQ(test.types->name, "fp16");
    }
}

TEST(Rows, ComparedAreTheFirstTheLastAndSomeBetween) {
    EXPECT_EQ(rowsToCompare({1, 4096}, 1), (std::vector<uint64_t>{0}));
    EXPECT_EQ(rowsToCompare({2, 4096}, 1), (std::vector<uint64_t>{0, 1}));
    EXPECT_EQ(rowsToCompare({9, 100}, 300), (std::vector<uint64_t>{0, 4, 8}));
    EXPECT_EQ(rowsToCompare({4, 10}, 1000), (std::vector<uint64_t>{0, 1, 2, 3}));
    const std::vector<uint64_t> rows = rowsToCompare({8192, 4096}, 1U << 18U);
    EXPECT_EQ(rows.size(), 64U);
    EXPECT_EQ(rows.back(), 8191U);
    EXPECT_EQ(std::adjacent_find(rows.begin(), rows.end()), rows.end());
}

constexpr uint64_t kMiB = 1U << 20U;

TEST(Slots, ExceedTheCacheWhereMemoryPermits) {
    const SlotPlan plan = planSlots(8 * kMiB, {32 * kMiB, 1024 * kMiB, 0});
    EXPECT_EQ(plan.slots, 9U);
    EXPECT_TRUE(plan.exceedsCache);
}

TEST(Slots, OfSmallTensorsStayInTheCacheAndSaySo) {
    const SlotPlan plan = planSlots(1000, {32 * kMiB, 1024 * kMiB, 0});
    EXPECT_EQ(plan.slots, kMaxSlots);
    EXPECT_FALSE(plan.exceedsCache);
}

TEST(Slots, AreAtLeastTwoButWithinTheLimit) {
    EXPECT_EQ(planSlots(400 * kMiB, {32 * kMiB, 1024 * kMiB, 0}).slots, 2U);
    EXPECT_EQ(planSlots(600 * kMiB, {32 * kMiB, 1024 * kMiB, 0}).slots, 1U);
    EXPECT_THROW(planSlots(1025 * kMiB, {32 * kMiB, 1024 * kMiB, 0}), Skipped);
}

TEST(Slots, TakeTheWorkingSetThatIsAskedFor) {
    const SlotPlan plan = planSlots(kMiB, {32 * kMiB, 1024 * kMiB, 4 * kMiB});
    EXPECT_EQ(plan.slots, 5U);
    EXPECT_FALSE(plan.exceedsCache);
}

TEST(CopyShapes, StayWithinADevicesLimit) {
    for (const CopyShape& shape : copyShapes(128)) {
        EXPECT_LE(shape.workgroupSize, 128U);
    }
    EXPECT_EQ(copyShapes(1024).size(), 14U);
    EXPECT_EQ(nameOf(CopyShape{CopyOrder::Looping, 64, 32}), "64 x 32 looping");
    EXPECT_EQ(nameOf(CopyShape{CopyOrder::Spans, 16, 128}), "16 x 128 spans");
    EXPECT_EQ(nameOf(CopyShape{CopyOrder::All, 256, 0}), "256 x all");
}

}  // namespace
}  // namespace vknorm::compare
