// The tuner's logic, with times that are made up.
#include "tuning_candidates.hpp"
#include "tuning_cases.hpp"
#include "tuning_file.hpp"
#include "tuning_race.hpp"

#include "unit/device_classes.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <set>

namespace vknorm::compare {
namespace {

// ---- the race --------------------------------------------------------------------------------------------------------

// Times of candidates by situation, each sample off by up to a tenth; and how often each was asked for.
struct Timings {
    explicit Timings(std::vector<std::vector<double>> all) : times(std::move(all)) {}

    std::vector<std::vector<double>> times;
    std::mt19937 random{1};
    std::map<std::pair<size_t, size_t>, size_t> samples;

    Race::Sample sample() {
        return [this](size_t candidate, size_t situation) -> std::optional<double> {
            ++samples[{candidate, situation}];
            const double time = times[candidate][situation];
            const double noise = std::uniform_real_distribution<>(1.0, 1.1)(random);
            return time < 0 ? std::nullopt : std::optional(time * noise);
        };
    }
    size_t samplesOf(size_t candidate) {
        size_t count = 0;
        for (size_t situation = 0; situation < times[candidate].size(); ++situation) {
            count += samples[{candidate, situation}];
        }
        return count;
    }
};

Race makeRace(Timings& device) {
    Race race(device.times.front().size(), device.sample());
    for (size_t i = 0; i < device.times.size(); ++i) {
        race.add();
    }
    return race;
}

TEST(TuningRace, FindsTheBestOverAllSituations) {
    // The second is the best for many rows alone, the third nearly so everywhere.
    Timings device({{2.0, 2.0, 2.0}, {2.0, 2.0, 1.0}, {1.1, 1.1, 1.2}, {1.0, 2.5, 2.5}});
    Race race = makeRace(device);
    race.run(3, 4.0);
    race.keep(2);
    race.run(10, 4.0);
    EXPECT_EQ(race.winner(0.02), 2u);
    EXPECT_NEAR(race.score(0) / race.score(2), 2.0 / 1.13, 0.15);
    EXPECT_NEAR(race.gain(2).median, 2.0 / 1.13, 0.15);
    EXPECT_LT(device.samplesOf(3), device.samplesOf(2)) << "who is slow is not sampled any more";
    EXPECT_EQ(device.samplesOf(0), device.samplesOf(2)) << "the library's own choice stays to the end";
}

TEST(TuningRace, TheHopelessCostNoTimeInWhatFollows) {
    Timings device({{1.0, 1.0}, {9.0, 1.0}, {1.0, 9.0}});
    Race race = makeRace(device);
    race.run(3, 3.0);
    EXPECT_EQ(device.samplesOf(1), 1u);
    EXPECT_EQ(device.samplesOf(2), 2u);
    EXPECT_EQ(device.samplesOf(0), 6u);
    EXPECT_EQ(race.ranking(), std::vector<size_t>{0});
}

// The best by its median, and now and then slower.
TEST(TuningRace, WhatMayBeNoiseIsNotTaken) {
    size_t count = 0;
    Race race(1, [&](size_t candidate, size_t) -> std::optional<double> {
        const bool isOdd = count++ / 2 % 5 < 2;
        return candidate == 0 ? 1.0 : (isOdd ? 1.2 : 0.9);
    });
    race.add();
    race.add();
    race.run(20, 4.0);
    EXPECT_EQ(race.ranking().front(), 1u);
    EXPECT_GT(race.gain(1).median, 1.02);
    EXPECT_LT(race.gain(1).low, 1.0);
    EXPECT_EQ(race.winner(0.02), 0u);
}

TEST(TuningRace, WhatIsHardlyBetterIsNotTaken) {
    Timings device({{1.0}, {0.999}});
    Race race(1, [&](size_t candidate, size_t) { return std::optional(device.times[candidate][0]); });
    race.add();
    race.add();
    race.run(8, 4.0);
    EXPECT_EQ(race.ranking().front(), 1u);
    EXPECT_EQ(race.winner(0.02), 0u);
    EXPECT_EQ(race.winner(0.0), 1u);
}

TEST(TuningRace, WhatCannotRunIsLeftOut) {
    Timings device({{1.0, 1.0}, {0.5, -1.0}, {0.9, 0.7}});
    Race race = makeRace(device);
    race.run(8, 4.0);
    EXPECT_FALSE(race.isIn(1));
    EXPECT_EQ(race.winner(0.02), 2u);
    race.drop(2);
    EXPECT_EQ(race.winner(0.02), 0u);
    EXPECT_EQ(race.add(), 3u);
}

// ---- candidates ------------------------------------------------------------------------------------------------------

const vkn::DeviceFacts& factsOf(const std::string& name) {
    for (const test::DeviceClass& device : test::kDeviceClasses) {
        if (device.name == name) {
            return device.facts;
        }
    }
    throw std::out_of_range(name);
}

vkn::OperationSpec specOf(const std::string& types, uint32_t hiddenSize) {
    for (const TypeSet& each : allTypes()) {
        if (each.name == types) {
            return PlanInput({&findOperation("rmsnorm"), &each, {32, hiddenSize}}, {}, {}).spec();
        }
    }
    throw std::out_of_range(types);
}

TEST(TuningCandidates, AreWhatEveryDevicePermitsAndEachOnce) {
    for (const test::DeviceClass& device : test::kDeviceClasses) {
        for (const uint32_t hiddenSize : {64U, 4096U, 65536U}) {
            const vkn::OperationSpec spec = specOf("bf16", hiddenSize);
            const std::vector<KernelOverride> all = structuresOf(device.facts, spec);
            ASSERT_FALSE(all.empty()) << device.name;
            vkn::KernelChoice own;
            ASSERT_EQ(vkn::chooseKernel(device.facts, spec, own, nullptr), VKN_SUCCESS);
            EXPECT_EQ(all.front(), overrideOf(own, false)) << device.name;
            std::set<std::string> names;
            for (const KernelOverride& kernel : all) {
                EXPECT_TRUE(names.insert(nameOf(kernel)).second) << device.name << ": " << nameOf(kernel) << " twice";
                vkn::OperationSpec forced = spec;
                forced.form = static_cast<uint32_t>(kernel.form);
                forced.workgroupSize = kernel.workgroupSize;
                forced.subgroupSize = kernel.subgroupSize;
                forced.rowsAtOnce = kernel.rowsAtOnce;
                vkn::KernelChoice choice;
                EXPECT_EQ(vkn::chooseKernel(device.facts, forced, choice, nullptr), VKN_SUCCESS)
                    << device.name << ": " << nameOf(kernel);
            }
        }
    }
}

TEST(TuningCandidates, HaveEveryFormAndWorkgroup) {
    const vkn::DeviceFacts& facts = factsOf("lavapipe, 256 bits");
    std::map<VknKernelForm, size_t> counts;
    for (const KernelOverride& kernel : structuresOf(facts, specOf("fp32", 4096))) {
        ++counts[kernel.form];
        EXPECT_GE(kernel.maxWorkgroups, 32U);
    }
    EXPECT_GE(counts[VKN_KERNEL_FORM_SUBGROUP], 4u);
    EXPECT_GE(counts[VKN_KERNEL_FORM_SUBGROUP_SHARED], 4u);
    EXPECT_GE(counts[VKN_KERNEL_FORM_SHARED], 4u);
    const KernelOverride structure = {VKN_KERNEL_FORM_SUBGROUP, 64, 8, 32, 1, false};
    std::set<std::string> neighbours;
    for (const KernelOverride& kernel : neighboursOf(facts, specOf("fp32", 256), structure)) {
        neighbours.insert(nameOf(kernel));
    }
    EXPECT_EQ(neighbours,
              (std::set<std::string>{"subgroup 32 x 32, 8 lanes", "subgroup 128 x 32, 8 lanes",
                                     "subgroup 64 x 32, 8 lanes, 2 rows", "subgroup 64 x 32, 8 lanes, 4 rows",
                                     "subgroup 64 x 32, 8 lanes, read twice"}));
    const std::vector<KernelOverride> grids = gridsOf(facts, structure);
    EXPECT_EQ(grids.front(), structure);
    EXPECT_GE(grids.size(), 4u);
    for (const KernelOverride& grid : grids) {
        EXPECT_GE(grid.maxWorkgroups, 32U) << "tables are for CPUs with more cores as well";
    }
}

// ---- cases -----------------------------------------------------------------------------------------------------------

TEST(TuningCases, AreGroupedAsATableLooksThemUp) {
    Selection selection;
    selection.operations = {"rmsnorm", "qknorm-rope"};
    selection.types = {"bf16", "fp32", "fp16"};
    selection.hiddenSizes = {4096, 128};
    const std::vector<TuningTask> tasks = tuningTasks(selection, kMostTunedElements);
    ASSERT_EQ(tasks.size(), 4u);
    EXPECT_EQ(tasks[0].name(), "rmsnorm fp32");
    EXPECT_EQ(tasks[1].name(), "rmsnorm fp16,bf16");
    ASSERT_EQ(tasks[1].groups.size(), 2u);
    EXPECT_EQ(tasks[1].groups[0].hiddenSize, 128u);
    EXPECT_EQ(tasks[1].groups[0].situations.size(), 8u);
    for (const TuningTask& task : tasks) {
        for (const TuningGroup& group : task.groups) {
            for (const Case& situation : group.situations) {
                EXPECT_LE(situation.shape.rows * situation.shape.hiddenSize, kMostTunedElements);
                EXPECT_EQ(unsuited(*situation.operation, situation.shape), "");
            }
        }
    }
}

TEST(TuningCases, TheCheckIsOfAllThatWasPromised) {
    const std::vector<Case> cases = tuningCheckCases({});
    EXPECT_EQ(cases.size(), 2u * 2u * 8u * 4u);
}

// ---- files -----------------------------------------------------------------------------------------------------------

constexpr vkn::TuningTarget kTarget = {13, 0x10005, 0, 8, vkn::releaseOf(22, 3), 0x1234};
constexpr KernelOverride kSmall = {VKN_KERNEL_FORM_SUBGROUP, 64, 8, 32, 2, false};
constexpr KernelOverride kWide = {VKN_KERNEL_FORM_SHARED, 256, 0, 64, 1, true};

vkn::TuningKey keyOf(uint32_t operation) { return {operation, VKN_PLACEMENT_PRE_NORM, 0, 1U << 1U, 8}; }

TEST(TuningFile, NeighboursOfTheSameKernelAreOne) {
    const std::vector<vkn::TuningEntry> entries =
        entriesOf(keyOf(1), {{64, kSmall}, {256, kSmall}, {1024, kWide}, {4096, kSmall}});
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries[0].firstSize, 32u);
    EXPECT_EQ(entries[0].lastSize, 512u);
    EXPECT_EQ(entries[1].firstSize, 513u);
    EXPECT_EQ(entries[1].lastSize, 2048u);
    EXPECT_EQ(overrideOf(entries[1]), kWide);
    EXPECT_EQ(entries[2].lastSize, 8192u);
}

TEST(TuningFile, IsReadAsItWasWritten) {
    std::vector<TuningSection> sections;
    replaceEntries(sectionFor(sections, kTarget, "llvmpipe"), entriesOf(keyOf(1), {{64, kSmall}, {1024, kWide}}));
    vkn::TuningTarget other = kTarget;
    other.subgroupSize = 4;
    replaceEntries(sectionFor(sections, other, ""), entriesOf(keyOf(2), {{64, kWide}}));
    const std::string text = formatTuning(sections);
    EXPECT_NE(text.find("# llvmpipe\ndevice driver=13 vendor=0x10005 device=0x0 subgroup=8 version=22.3"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("rmsnorm prenorm forward rope chunk=8 size=32-256 form=subgroup workgroup=64 subgroup=8 "
                        "max-workgroups=32 rows-at-once=2\n"),
              std::string::npos)
        << text;
    EXPECT_EQ(formatTuning(parseTuning(text)), text);
    EXPECT_THROW(parseTuning(text + "nonsense\n"), std::runtime_error);
}

TEST(TuningFile, WhatWasMeasuredAgainIsReplaced) {
    std::vector<TuningSection> sections;
    TuningSection& section = sectionFor(sections, kTarget, "");
    replaceEntries(section, entriesOf(keyOf(2), {{64, kSmall}}));
    replaceEntries(section, entriesOf(keyOf(1), {{64, kSmall}, {1024, kWide}}));
    replaceEntries(section, entriesOf(keyOf(1), {{64, kWide}}));
    ASSERT_EQ(section.entries.size(), 2u);
    EXPECT_EQ(section.entries[0].key, keyOf(1));
    EXPECT_EQ(overrideOf(section.entries[0]), kWide);
    EXPECT_EQ(&sectionFor(sections, kTarget, ""), &sections[0]);
    EXPECT_EQ(sections[0].entries.size(), 2u);

    vkn::TuningTarget newer = kTarget;
    newer.kernelHash = 0x5678;
    EXPECT_TRUE(sectionFor(sections, newer, "").entries.empty()) << "other kernels were measured";
    EXPECT_EQ(sections.size(), 1u);
}

// The tables that are shipped: readable, written by this program, and of some use.
TEST(TuningFile, ShippedTablesAreRead) {
    size_t tables = 0;
    for (const auto& file : std::filesystem::directory_iterator(VKNORM_TABLES)) {
        const std::string text = readTextFile(file.path().string());
        const std::vector<TuningSection> sections = parseTuning(text);
        ASSERT_FALSE(sections.empty()) << file.path();
        EXPECT_EQ(formatTuning(sections), text) << file.path();
        for (const TuningSection& section : sections) {
            EXPECT_FALSE(section.entries.empty()) << file.path();
        }
        ++tables;
    }
    EXPECT_GE(tables, 3u);
}

}  // namespace
}  // namespace vknorm::compare
