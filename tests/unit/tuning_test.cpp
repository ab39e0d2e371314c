// Tuning tables: what is read of them, what is refused, and what they change of a choice.
#include "plan/tuning.hpp"

#include "device/capabilities.hpp"
#include "device_classes.hpp"
#include "plan/tuning_words.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace vknorm::test {
namespace {

using vkn::KernelChoice;
using vkn::OperationSpec;
using vkn::TuningEntries;
using vkn::TuningReader;
using vkn::TuningTarget;

const std::string kHeader = "vknorm-tuning 1\n";
const std::string kDevice =
    "device driver=13 vendor=0x10005 device=0x0 subgroup=8 version=22.3 kernels=0123456789abcdef\n";
const std::string kEntry = "rmsnorm none forward plain chunk=4 size=1-1024 form=shared workgroup=64\n";
constexpr TuningTarget kTarget = {13, 0x10005, 0, 8, vkn::releaseOf(22, 3), 0x0123456789abcdef};

VknError emptyError() {
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    return error;
}

// Frees what it was loaded with.
struct Table {
    Table(const std::string& text, const TuningTarget& target = kTarget)
        : result(vkn::loadTuning(target, text.data(), text.size(), memory, entries, &error)) {}
    ~Table() { memory.release(entries.first); }
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    vkn::HostMemory memory;
    TuningEntries entries;
    VknError error = emptyError();
    VknResult result;
};

OperationSpec makeSpec(uint32_t hiddenSize, VknType type = VKN_TYPE_F32) {
    OperationSpec spec;
    spec.operation = VKN_OPERATION_RMS_NORM;
    spec.hiddenSize = hiddenSize;
    for (const VknRole role : {VKN_ROLE_INPUT, VKN_ROLE_OUTPUT}) {
        spec.roles |= vkn::roleBit(role);
        spec.types[role] = static_cast<uint32_t>(type);
    }
    return spec;
}

// A software driver with subgroups of 8.
vkn::DeviceFacts makeFacts() {
    vkn::DeviceFacts facts =
        test::makeFacts(VK_API_VERSION_1_3, 0x10005, {8, 8, 8, true, true}, 1024, 32768, 1u << 27, 16);
    facts.isCpu = true;
    return facts;
}

TEST(TuningTable, IsRead) {
    const std::string text = kHeader + "# a comment\n\n" + kDevice +
                             "layernorm sandwich-prenorm backward gate+sums chunk=8 size=512-2047 form=subgroup-shared "
                             "workgroup=64 subgroup=16 max-workgroups=32 read-twice=1 rows-at-once=2\r\n";
    VknError error = emptyError();
    TuningReader reader(text.data(), text.size(), &error);
    ASSERT_EQ(reader.next(), TuningReader::Item::Device) << error.message;
    EXPECT_TRUE(reader.device().covers(kTarget));
    ASSERT_EQ(reader.next(), TuningReader::Item::Entry) << error.message;
    const vkn::TuningEntry& entry = reader.entry();
    EXPECT_EQ(entry.key.operation, uint32_t{VKN_OPERATION_LAYER_NORM});
    EXPECT_EQ(entry.key.placement, uint32_t{VKN_PLACEMENT_SANDWICH_PRE_NORM});
    EXPECT_EQ(entry.key.isBackward, 1u);
    EXPECT_EQ(entry.key.extras, 1u << vkn::kExtraGate | 1u << vkn::kExtraSums);
    EXPECT_EQ(entry.key.chunk, 8u);
    EXPECT_EQ(entry.firstSize, 512u);
    EXPECT_EQ(entry.lastSize, 2047u);
    EXPECT_EQ(entry.form, uint32_t{VKN_KERNEL_FORM_SUBGROUP_SHARED});
    EXPECT_EQ(entry.workgroupSize, 64u);
    EXPECT_EQ(entry.subgroupSize, 16u);
    EXPECT_EQ(entry.maxWorkgroups, 32u);
    EXPECT_EQ(entry.readTwice, 1u);
    EXPECT_EQ(entry.rowsAtOnce, 2u);
    EXPECT_EQ(reader.next(), TuningReader::Item::End);
}

TEST(TuningTable, DamageIsNamedByItsLine) {
    const std::string good = kHeader + kDevice;
    const std::string key = "rmsnorm none forward plain ";
    const struct {
        std::string text;
        uint64_t line;
    } cases[] = {
        {"vknorm-tuning 2\n", 1},
        {"vknorm-tuning 1x\n", 1},
        {std::string(1, '\0'), 1},
        {kHeader + kEntry, 2},
        {good + "softmax none forward plain chunk=4 size=1 form=shared\n", 3},
        {good + "rmsnorm before forward plain chunk=4 size=1 form=shared\n", 3},
        {good + "rmsnorm none sideways plain chunk=4 size=1 form=shared\n", 3},
        {good + "rmsnorm none forward bells chunk=4 size=1 form=shared\n", 3},
        {good + "rmsnorm none forward gate+gate chunk=4 size=1 form=shared\n", 3},
        {good + "rmsnorm none forward\n", 3},
        {good + key + "size=1 form=shared\n", 3},
        {good + key + "chunk=4 form=shared\n", 3},
        {good + key + "chunk=4 size=1\n", 3},
        {good + key + "chunk=5 size=1 form=shared\n", 3},
        {good + key + "chunk=4 size=0-4 form=shared\n", 3},
        {good + key + "chunk=4 size=8-4 form=shared\n", 3},
        {good + key + "chunk=4 size=1-16777217 form=shared\n", 3},
        {good + key + "chunk=4 size=1 form=quick\n", 3},
        {good + key + "chunk=4 size=1 form=shared form=shared\n", 3},
        {good + key + "chunk=4 size=1 workgroup=-1\n", 3},
        {good + key + "chunk=4 size=1 workgroup=99999999999999999999999\n", 3},
        {good + key + "chunk=4 size=1 workgroup=\n", 3},
        {good + key + "chunk=4 size=1 workgroup\n", 3},
        {good + key + "chunk=4 size=1 read-twice=2\n", 3},
        {good + key + "chunk=4 size=1 speed=9\n", 3},
        {good + key + "chunk=4 size=1 rows-at-once=5\n", 3},
        {good + key + "chunk=4 size=1 form=shared\tworkgroup=8\n", 3},
        {good + kEntry + "\xFF\n", 4},
        {kHeader + "device driver=13\n", 2},
        {kHeader + "device driver=13 vendor=1 subgroup=8 version=22 kernels=0123456789abcdef\n", 2},
        {kHeader + "device driver=13 vendor=1 subgroup=8 version=22.3 kernels=123\n", 2},
        {kHeader + "device driver=13 vendor=0x123456789 subgroup=8 version=22.3 kernels=0123456789abcdef\n", 2},
    };
    for (const auto& damaged : cases) {
        const Table table(damaged.text);
        EXPECT_EQ(table.result, VKN_ERROR_BAD_DATA) << damaged.text;
        EXPECT_EQ(table.error.code, VKN_ERROR_BAD_DATA);
        EXPECT_STREQ(table.error.field, "pTuningTable line");
        EXPECT_EQ(table.error.value, damaged.line) << damaged.text << ": " << table.error.message;
        EXPECT_EQ(table.entries.first, nullptr);
    }
}

// Whatever it is cut down to, or has become: an answer, and no access outside of it (sanitized builds).
TEST(TuningTable, EveryPrefixAndEveryFlippedBitIsAnswered) {
    const std::string text = kHeader + kDevice + kEntry;
    size_t refused = 0;
    for (size_t size = 0; size < text.size(); ++size) {
        const std::vector<char> prefix(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
        const Table table(std::string(prefix.begin(), prefix.end()));
        refused += table.result == VKN_ERROR_BAD_DATA ? 1u : 0u;
    }
    for (size_t i = 0; i < text.size() * 8; ++i) {
        std::string damaged = text;
        damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << i % 8));
        const Table table(damaged);
        refused += table.result == VKN_ERROR_BAD_DATA ? 1u : 0u;
        EXPECT_TRUE(table.result == VKN_SUCCESS || table.result == VKN_ERROR_BAD_DATA);
    }
    EXPECT_GT(refused, text.size() * 6);
}

TEST(TuningTable, OfAnotherDeviceIsAMiss) {
    EXPECT_EQ(Table(kHeader + kDevice + kEntry).entries.count, 1u);
    TuningTarget others[6] = {kTarget, kTarget, kTarget, kTarget, kTarget, kTarget};
    others[0].driverId = 14;
    others[1].vendorId = 1;
    others[2].deviceId = 1;
    others[3].subgroupSize = 4;
    others[4].release = vkn::releaseOf(22, 4);
    others[5].kernelHash ^= 1;
    for (const TuningTarget& other : others) {
        const Table table(kHeader + kDevice + kEntry, other);
        EXPECT_EQ(table.result, VKN_SUCCESS) << table.error.message;
        EXPECT_EQ(table.entries.count, 0u);
    }
}

TEST(TuningTable, HasSectionsOfDevicesAndReleases) {
    const std::string range = "device driver=13 vendor=0x10005 subgroup=8 version=22.0-25.1 kernels=0123456789abcdef\n";
    const std::string text = kHeader + range + kEntry + kDevice + kEntry + kEntry;
    EXPECT_EQ(Table(text).entries.count, 3u);
    TuningTarget target = kTarget;
    target.deviceId = 77;
    target.release = vkn::releaseOf(25, 1);
    EXPECT_EQ(Table(text, target).entries.count, 1u);
    target.release = vkn::releaseOf(25, 2);
    EXPECT_EQ(Table(text, target).entries.count, 0u);
}

TEST(Tuning, ChangesTheChoiceOfWhatItIsFor) {
    const Table table(kHeader + kDevice + kEntry);
    const vkn::DeviceFacts facts = makeFacts();
    const auto choose = [&](const OperationSpec& spec) {
        KernelChoice choice;
        VknError error = emptyError();
        EXPECT_EQ(vkn::chooseTunedKernel(facts, table.entries, spec, choice, &error), VKN_SUCCESS) << error.message;
        return choice;
    };
    const KernelChoice tuned = choose(makeSpec(1024));
    EXPECT_EQ(tuned.form, VKN_KERNEL_FORM_SHARED);
    EXPECT_EQ(tuned.workgroupSize, 64u);
    EXPECT_NE(std::string(tuned.reason).find("from the tuning table"), std::string::npos) << tuned.reason;

    OperationSpec others[4] = {makeSpec(1025), makeSpec(1024, VKN_TYPE_BF16), makeSpec(1024), makeSpec(1024)};
    others[2].operation = VKN_OPERATION_LAYER_NORM;
    others[3].placement = VKN_PLACEMENT_SANDWICH;
    for (const OperationSpec& other : others) {
        const KernelChoice choice = choose(other);
        EXPECT_EQ(choice.form, VKN_KERNEL_FORM_SUBGROUP);
        EXPECT_EQ(std::string(choice.reason).find("table"), std::string::npos) << choice.reason;
    }
}

TEST(Tuning, TheHostHasPrecedence) {
    const Table table(kHeader + kDevice +
                      "rmsnorm none forward plain chunk=4 size=1-1024 form=shared workgroup=64 max-workgroups=7\n");
    OperationSpec spec = makeSpec(512);
    spec.workgroupSize = 32;
    KernelChoice choice;
    ASSERT_EQ(vkn::chooseTunedKernel(makeFacts(), table.entries, spec, choice, nullptr), VKN_SUCCESS);
    EXPECT_EQ(choice.form, VKN_KERNEL_FORM_SHARED);
    EXPECT_EQ(choice.workgroupSize, 32u);
    EXPECT_EQ(choice.maxWorkgroups, 7u);
    spec.form = VKN_KERNEL_FORM_SUBGROUP;
    ASSERT_EQ(vkn::chooseTunedKernel(makeFacts(), table.entries, spec, choice, nullptr), VKN_SUCCESS);
    EXPECT_EQ(choice.form, VKN_KERNEL_FORM_SUBGROUP);
    EXPECT_NE(choice.maxWorkgroups, 7u) << "the entry is of another form";
}

TEST(Tuning, WhatTheDeviceDoesNotPermitIsAMiss) {
    const std::string key = "rmsnorm none forward plain chunk=4 size=1-1024 ";
    for (const char* fields : {"form=shared workgroup=65536", "form=shared workgroup=48", "form=subgroup workgroup=12",
                               "subgroup=64", "form=subgroup-shared workgroup=64"}) {
        const Table table(kHeader + kDevice + key + fields + "\n");
        ASSERT_EQ(table.entries.count, 1u) << fields;
        vkn::DeviceFacts facts = makeFacts();
        facts.forbiddenForms = vkn::formBit(VKN_KERNEL_FORM_SUBGROUP_SHARED);  // as the self-test might
        KernelChoice choice;
        KernelChoice usual;
        VknError error = emptyError();
        ASSERT_EQ(vkn::chooseTunedKernel(facts, table.entries, makeSpec(1024), choice, &error), VKN_SUCCESS)
            << fields << ": " << error.message;
        ASSERT_EQ(vkn::chooseKernel(facts, makeSpec(1024), usual, nullptr), VKN_SUCCESS);
        EXPECT_STREQ(choice.reason, usual.reason);
        EXPECT_EQ(error.code, VKN_SUCCESS) << "a miss is no error";
    }
}

TEST(Tuning, ReleasesAreThosePeopleKnow) {
    EXPECT_EQ(vkn::driverRelease(VK_DRIVER_ID_MESA_LLVMPIPE, 1, "Mesa 22.3.6 (LLVM 15.0.6)"), vkn::releaseOf(22, 3));
    EXPECT_EQ(vkn::driverRelease(VK_DRIVER_ID_MESA_RADV, VK_MAKE_API_VERSION(0, 25, 1, 2), "Mesa 25.1.2"),
              vkn::releaseOf(25, 1));
    EXPECT_EQ(vkn::driverRelease(VK_DRIVER_ID_GOOGLE_SWIFTSHADER, VK_MAKE_API_VERSION(0, 5, 0, 0), ""),
              vkn::releaseOf(5, 0));
    EXPECT_EQ(vkn::driverRelease(VK_DRIVER_ID_NVIDIA_PROPRIETARY, 535u << 22 | 54u << 14 | 3u << 6, "535.54.03"),
              vkn::releaseOf(535, 54));
    EXPECT_EQ(vkn::driverRelease(0, 0, "Mesa "), vkn::releaseOf(0, 0));
}

}  // namespace
}  // namespace vknorm::test
