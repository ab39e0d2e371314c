// The choice of kernel over the facts of every class of device.
#include "plan/choose.hpp"
#include "plan/execution.hpp"
#include "plan/forms.hpp"

#include "choices.hpp"
#include "include/interface.h"
#include "support/shapes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace vknorm::test {
namespace {

// What every choice must satisfy, whatever the device.
void expectLegal(const DeviceClass& device, const OperationSpec& spec, const KernelChoice& choice) {
    const DeviceFacts& facts = device.facts;
    const std::string trace =
        std::string(device.name) + ", hidden " + std::to_string(spec.hiddenSize) + ": " + choice.reason;
    SCOPED_TRACE(trace);
    ASSERT_GT(choice.workgroupSize, 0u);
    EXPECT_LE(choice.workgroupSize, facts.maxWorkgroupInvocations);
    EXPECT_LE(choice.workgroupSize, facts.maxWorkgroupSizeX);
    EXPECT_NE(vkn::usableForms(facts) & vkn::formBit(choice.form), 0u);
    EXPECT_GE(choice.maxWorkgroups, 1u);
    EXPECT_LE(choice.maxWorkgroups, facts.maxWorkgroupCountX);
    EXPECT_TRUE(choice.chunk == 4 || choice.chunk == 8);
    EXPECT_GE(choice.group, 1u);
    EXPECT_LE(choice.group, choice.isFrugal ? 16u : uint32_t{VKN_MAX_GROUP});  // which are not unrolled
    EXPECT_FALSE(choice.isFrugal && choice.hasAlignedKernel);
    EXPECT_NE(std::strlen(choice.reason), 0u);
    if (choice.form == VKN_KERNEL_FORM_SHARED) {
        EXPECT_EQ(choice.workgroupSize & (choice.workgroupSize - 1), 0u);
        EXPECT_LE(choice.workgroupSize, uint32_t{VKN_MAX_SHARED_WORKGROUP});
        EXPECT_FALSE(choice.requireSubgroupSize || choice.requireFullSubgroups);
    } else {
        EXPECT_TRUE(choice.subgroupSize == facts.subgroupSize || choice.requireSubgroupSize);
        EXPECT_TRUE(!choice.requireSubgroupSize || facts.canRequireSubgroupSize);
        EXPECT_TRUE(!choice.requireFullSubgroups || facts.canRequireFullSubgroups);
        EXPECT_EQ(choice.workgroupSize % choice.subgroupSize, 0u);
        if (choice.requireSubgroupSize) {
            EXPECT_GE(choice.subgroupSize, facts.minSubgroupSize);
            EXPECT_LE(choice.subgroupSize, facts.maxSubgroupSize);
            EXPECT_LE(choice.workgroupSize, choice.subgroupSize * facts.maxWorkgroupSubgroups);
        }
        EXPECT_LE(choice.workgroupSize / choice.subgroupSize, uint32_t{VKN_MAX_SUBGROUPS});
    }
    // The shared arrays are literals, so they count whatever the workgroup.
    const uint32_t words = choice.form == VKN_KERNEL_FORM_SHARED ? VKN_MAX_SHARED_WORKGROUP : VKN_MAX_SUBGROUPS;
    EXPECT_LE(words * 2 * 8, facts.sharedMemorySize);
    const uint64_t held = uint64_t{choice.group} * choice.chunk * choice.teamSize();
    if (!choice.readAgain) {
        EXPECT_GE(held, spec.hiddenSize);
        EXPECT_LT(held - uint64_t{choice.chunk} * choice.teamSize(), spec.hiddenSize) << "an idle chunk in every lane";
    }
}

TEST(Choose, IsLegalOnEveryDeviceForEveryShapeAndType) {
    for (const DeviceClass& device : kDeviceClasses) {
        for (const Shape& shape : kShapes) {
            for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16}) {
                for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
                    const OperationSpec spec = makeSpec(shape.hiddenSize, type, operation);
                    expectLegal(device, spec, choose(device.facts, spec));
                }
            }
        }
    }
}

TEST(Choose, IsLegalForEveryFormThatMayBeForced) {
    for (const DeviceClass& device : kDeviceClasses) {
        for (const uint32_t hiddenSize : {1u, 129u, 4096u, 262144u, 1u << 24}) {
            for (const VknKernelForm form :
                 {VKN_KERNEL_FORM_SUBGROUP, VKN_KERNEL_FORM_SUBGROUP_SHARED, VKN_KERNEL_FORM_SHARED}) {
                OperationSpec spec = makeSpec(hiddenSize);
                spec.form = static_cast<uint32_t>(form);
                KernelChoice choice;
                VknError error{};
                error.sType = VKN_STRUCTURE_TYPE_ERROR;
                const VknResult result = vkn::chooseKernel(device.facts, spec, choice, &error);
                if ((vkn::usableForms(device.facts) & vkn::formBit(form)) != 0) {
                    ASSERT_EQ(result, VKN_SUCCESS) << device.name << ": " << error.message;
                    EXPECT_EQ(choice.form, form);
                    expectLegal(device, spec, choice);
                } else {
                    EXPECT_EQ(result, VKN_ERROR_UNSUPPORTED);
                    EXPECT_STREQ(error.field, "form");
                    EXPECT_EQ(error.value, static_cast<uint64_t>(form));
                }
            }
        }
    }
}

struct Expected {
    const char* device;
    uint32_t hiddenSize;
    VknKernelForm form;
    uint32_t subgroupSize;
};

constexpr VknKernelForm kSubgroup = VKN_KERNEL_FORM_SUBGROUP;
constexpr VknKernelForm kBoth = VKN_KERNEL_FORM_SUBGROUP_SHARED;
constexpr VknKernelForm kShared = VKN_KERNEL_FORM_SHARED;

TEST(Choose, KnownDevices) {
    const Expected expected[] = {
        {"AMD GCN, RADV", 768, kSubgroup, 64},
        {"AMD GCN, RADV", 8192, kBoth, 64},
        {"AMD RDNA, RADV", 768, kSubgroup, 64},
        {"AMD RDNA, Windows", 4096, kBoth, 64},
        {"Intel Haswell", 768, kShared, 0},
        {"Intel Gen9 to Xe1", 128, kSubgroup, 16},
        {"Intel Gen9 to Xe1", 4096, kBoth, 16},
        {"Intel Gen9, Vulkan 1.1", 768, kShared, 0},
        {"Intel Xe2", 4096, kBoth, 16},
        {"NVIDIA", 128, kSubgroup, 32},
        {"NVIDIA", 4096, kBoth, 32},
        {"NVIDIA, NVK", 4096, kBoth, 32},
        {"Apple, Honeykrisp", 4096, kBoth, 32},
        {"Adreno 610", 128, kShared, 0},
        {"Adreno 702", 128, kShared, 0},
        {"Adreno 6xx", 1024, kSubgroup, 128},
        {"Adreno 8xx", 768, kSubgroup, 64},
        {"Mali v6 and v7, PanVK", 768, kShared, 0},
        {"Mali v10 and later", 4096, kBoth, 16},
        {"PowerVR, Mesa", 4096, kBoth, 32},
        {"PowerVR GE8320", 768, kShared, 0},
        {"V3D 4", 768, kShared, 0},
        {"V3D 7", 4096, kBoth, 16},
        {"the least that Vulkan guarantees", 65536, kShared, 0},
        {"SwiftShader", 5125, kSubgroup, 4},
        {"lavapipe, 256 bits", 131072, kSubgroup, 8},
        {"lavapipe, 256 bits", 262144, kBoth, 8},  // of which the other has too many turns
    };
    for (const Expected& e : expected) {
        const KernelChoice choice = choose(factsOf(e.device), makeSpec(e.hiddenSize));
        EXPECT_EQ(choice.form, e.form) << e.device << ": " << choice.reason;
        EXPECT_EQ(choice.subgroupSize, e.subgroupSize) << e.device << ": " << choice.reason;
    }
}

// Intel's compiler runs 8 or 16 lanes and reports 32, unless it is told; full subgroups alone would make it use 32.
TEST(Choose, IntelIsToldSixteen) {
    const KernelChoice told = choose(factsOf("Intel Gen9 to Xe1"), makeSpec(4096));
    EXPECT_TRUE(told.requireSubgroupSize);
    EXPECT_TRUE(told.requireFullSubgroups);
    DeviceFacts facts = factsOf("Intel Gen9 to Xe1");
    facts.canRequireSubgroupSize = false;
    const KernelChoice untold = choose(facts, makeSpec(4096));
    EXPECT_EQ(untold.form, kShared);
    EXPECT_FALSE(untold.requireFullSubgroups);
}

// What a lane holds in registers, and how many lanes share a row, by what each vendor's compiler has room for.
TEST(Choose, LanesHoldWhatTheirRegistersHaveRoomFor) {
    const struct {
        const char* name;
        uint32_t heldElements, largestTeam;
    } budgets[] = {{"AMD GCN, RADV", 32, 256}, {"NVIDIA, NVK", 24, 512},   {"Intel Gen9 to Xe1", 16, 512},
                   {"Intel Haswell", 12, 256}, {"Adreno 6xx", 24, 256},    {"Adreno 610", 16, 128},
                   {"Adreno 702", 8, 64},      {"PowerVR, Mesa", 12, 128}, {"V3D 4", 4, 256},
                   {"V3D 7", 4, 256}};
    for (const auto& budget : budgets) {
        uint32_t mostHeld = 0;
        uint32_t largestTeam = 0;
        for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
            for (uint32_t hidden = 8; hidden <= 262144; hidden += hidden / 16 / 8 * 8 + 8) {
                const KernelChoice choice = choose(factsOf(budget.name), makeSpec(hidden, type));
                mostHeld = std::max(mostHeld, choice.hasAlignedKernel ? choice.group * choice.chunk : 0);
                largestTeam = std::max(largestTeam, choice.teamSize());
            }
        }
        EXPECT_EQ(mostHeld, budget.heldElements) << budget.name;
        EXPECT_EQ(largestTeam, budget.largestTeam) << budget.name;
    }
}

// Adreno without subgroups: a workgroup of fewer lanes, which have more registers each.
TEST(Choose, FewerLanesForCentredGradientsOnOldAdreno) {
    for (const char* name : {"Adreno 610", "Adreno 702", "Adreno 6xx"}) {
        OperationSpec spec = makeSpec(8192, VKN_TYPE_BF16);
        spec.flags = VKN_PLAN_BACKWARD_BIT;
        const uint32_t ofRms = choose(factsOf(name), spec).teamSize();
        spec.operation = VKN_OPERATION_LAYER_NORM;
        const bool isOld = factsOf(name).subgroupSize == 0;
        EXPECT_EQ(choose(factsOf(name), spec).teamSize(), isOld ? ofRms / 2 : ofRms) << name;
    }
}

TEST(Choose, AKernelForAlignedRowsIsThereWhereItHasRoom) {
    for (const DeviceClass& device : kDeviceClasses) {
        const bool isBroadcom = device.facts.vendorId == vkn::kVendorBroadcom;
        for (const uint32_t hidden : {4u, 8u, 12u, 1023u, 1024u}) {
            const KernelChoice fp32 = choose(device.facts, makeSpec(hidden, VKN_TYPE_F32));
            const KernelChoice bf16 = choose(device.facts, makeSpec(hidden, VKN_TYPE_BF16));
            EXPECT_EQ(fp32.hasAlignedKernel, hidden % 4 == 0) << device.name << ", hidden " << hidden;
            EXPECT_EQ(bf16.hasAlignedKernel, hidden % 8 == 0 && !isBroadcom) << device.name << ", hidden " << hidden;
            EXPECT_EQ(fp32.unalignedPiece, isBroadcom ? 2u : 4u) << device.name;
            EXPECT_EQ(bf16.unalignedPiece, fp32.unalignedPiece) << device.name;
        }
    }
}

// V3D's kernels for blocks of many parts: as little as possible at once, in words. They are of the form without subgroups, which its
// driver's quirk leaves.
TEST(Choose, BlocksOfManyPartsAreFrugalOnV3d) {
    OperationSpec spec = makeSpec(1024, VKN_TYPE_F32);
    spec.placement = VKN_PLACEMENT_PRE_NORM;
    for (const DeviceClass& device : kDeviceClasses) {
        const bool isBroadcom = device.facts.vendorId == vkn::kVendorBroadcom;
        DeviceFacts facts = device.facts;
        facts.forbiddenForms = isBroadcom ? vkn::formBit(VKN_KERNEL_FORM_SUBGROUP) | vkn::formBit(kBoth) : 0;
        spec.dropoutProbability = 0;
        const KernelChoice plain = choose(facts, spec);
        EXPECT_FALSE(plain.isFrugal || plain.drawsFirst) << device.name;
        EXPECT_TRUE(plain.hasAlignedKernel) << device.name;
        spec.dropoutProbability = 0.1F;
        const KernelChoice choice = choose(facts, spec);
        EXPECT_EQ(choice.isFrugal, isBroadcom) << device.name;
        EXPECT_EQ(choice.drawsFirst, isBroadcom) << device.name;
        EXPECT_EQ(choice.hasAlignedKernel, !isBroadcom) << device.name;
        EXPECT_TRUE(!isBroadcom || !choice.readAgain) << device.name;
    }
    // Bits of one branch, or of two.
    for (const bool isParallel : {false, true}) {
        spec.placement = isParallel ? VKN_PLACEMENT_PARALLEL : VKN_PLACEMENT_PRE_NORM;
        spec.hiddenSize = VKN_DRAWN_WORDS * 32u / (isParallel ? 2u : 1u);
        EXPECT_TRUE(choose(factsOf("V3D 4"), spec).drawsFirst);
        spec.hiddenSize += 1;
        EXPECT_TRUE(choose(factsOf("V3D 4"), spec).isFrugal);
        EXPECT_FALSE(choose(factsOf("V3D 4"), spec).drawsFirst);
    }
    spec.placement = VKN_PLACEMENT_PRE_NORM;
    spec.hiddenSize = 2048;
    OperationSpec backward = spec;
    backward.flags = VKN_PLAN_BACKWARD_BIT;
    EXPECT_TRUE(choose(factsOf("V3D 4"), backward).drawsFirst);
    for (const char* adreno : {"Adreno 610", "Adreno 702"}) {
        EXPECT_TRUE(choose(factsOf(adreno), backward).isFrugal) << adreno;
        EXPECT_FALSE(choose(factsOf(adreno), backward).drawsFirst) << adreno << ": no registers for its barrier";
    }
    spec.dropoutProbability = 0;
    EXPECT_FALSE(choose(factsOf("V3D 4"), spec).hasAlignedKernel) << "read again";
}

// Without counts, every lane must have every chunk, whole; only where there are registers for loads that nothing separates.
TEST(Choose, WholeGroups) {
    for (const DeviceClass& device : kDeviceClasses) {
        for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
            for (uint32_t hidden = 4; hidden <= 20000; hidden += hidden < 2100 ? 1 : 508) {
                const KernelChoice choice = choose(device.facts, makeSpec(hidden, type));
                const uint32_t ofTeam = choice.chunk * choice.teamSize();
                const bool isWhole = hidden % (ofTeam * choice.group) == 0;
                EXPECT_TRUE(isWhole || !choice.hasWholeGroups) << device.name << ", hidden " << hidden;
                const bool hasMany = device.facts.isCpu || device.facts.vendorId == vkn::kVendorAmd;
                EXPECT_TRUE(choice.hasWholeGroups || !isWhole || !hasMany) << device.name << ", hidden " << hidden;
            }
        }
    }
    OperationSpec spec = makeSpec(1024, VKN_TYPE_BF16);
    EXPECT_TRUE(choose(factsOf("AMD RDNA, RADV"), spec).hasWholeGroups);
    spec.rotarySize = 64;
    EXPECT_FALSE(choose(factsOf("AMD RDNA, RADV"), spec).hasWholeGroups) << "halves that turn are in another order";
    spec.rotarySize = 1024;
    EXPECT_TRUE(choose(factsOf("AMD RDNA, RADV"), spec).hasWholeGroups) << "all turn";
    spec.hiddenSize = spec.rotarySize = 1280;
    EXPECT_FALSE(choose(factsOf("AMD RDNA, RADV"), spec).hasWholeGroups) << "half a row is 80 chunks";
    EXPECT_FALSE(choose(factsOf("V3D 4"), makeSpec(1024, VKN_TYPE_F32)).hasWholeGroups);
    // 14 chunks a lane: two at a time, not four.
    spec = makeSpec(896, VKN_TYPE_BF16);
    EXPECT_EQ(choose(factsOf("lavapipe, 256 bits"), spec).group, 2u);
}

// The first Kepler has no registers for two branches of 16-bit elements and the rows that they make.
TEST(Choose, KeplerReadsTwoBranchesAgain) {
    OperationSpec spec = makeSpec(1024, VKN_TYPE_BF16);
    spec.placement = VKN_PLACEMENT_PARALLEL;
    vkn::DeviceFacts facts = factsOf("NVIDIA, NVK");
    facts.deviceId = 0x1180;
    facts.apiVersion = VK_API_VERSION_1_2;
    EXPECT_TRUE(choose(facts, spec).readAgain);
    EXPECT_TRUE(choose(facts, spec).hasAlignedKernel);
    EXPECT_EQ(choose(facts, spec).unalignedPiece, 2u);
    facts.deviceId = 0x1B80;
    EXPECT_FALSE(choose(facts, spec).readAgain);
    EXPECT_EQ(choose(facts, spec).unalignedPiece, 4u);
}

TEST(Choose, ASizeThatCannotBeRequiredIsANamedError) {
    for (const char* name : {"AMD GCN, RADV", "NVIDIA, NVK", "Apple, Honeykrisp", "PowerVR, Mesa", "V3D 4"}) {
        OperationSpec spec = makeSpec(768);
        spec.subgroupSize = 16;
        KernelChoice choice;
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        if (factsOf(name).subgroupSize == 16) {
            continue;
        }
        EXPECT_EQ(vkn::chooseKernel(factsOf(name), spec, choice, &error), VKN_ERROR_UNSUPPORTED) << name;
        EXPECT_STREQ(error.field, "subgroupSize");
        EXPECT_EQ(error.value, 16u);
    }
    OperationSpec spec = makeSpec(768);
    spec.subgroupSize = 32;
    EXPECT_EQ(choose(factsOf("AMD RDNA, RADV"), spec).subgroupSize, 32u);
    EXPECT_TRUE(choose(factsOf("AMD RDNA, RADV"), spec).requireSubgroupSize);
    spec.subgroupSize = 64;  // the default, nothing to require
    EXPECT_EQ(choose(factsOf("AMD GCN, RADV"), spec).subgroupSize, 64u);
}

TEST(Choose, ForbiddenFormsAreNotChosenAndNamedWhenForced) {
    for (const DeviceClass& device : kDeviceClasses) {
        DeviceFacts facts = device.facts;
        facts.forbiddenForms = vkn::formBit(kSubgroup) | vkn::formBit(kBoth);
        EXPECT_EQ(choose(facts, makeSpec(768)).form, kShared) << device.name;
        facts.forbiddenForms |= vkn::formBit(kShared);
        KernelChoice choice;
        EXPECT_EQ(vkn::chooseKernel(facts, makeSpec(768), choice, nullptr), VKN_ERROR_SELF_TEST_FAILED);
        if (device.facts.subgroupSize >= 4 && device.facts.subgroupSize <= device.facts.maxWorkgroupInvocations &&
            (vkn::usableForms(device.facts) & vkn::formBit(kBoth)) != 0) {
            facts.forbiddenForms = vkn::formBit(kSubgroup);
            EXPECT_EQ(choose(facts, makeSpec(768)).form, kBoth) << device.name;
        }
    }
}

TEST(Choose, WrongOverridesAreNamed) {
    const DeviceFacts& facts = factsOf("NVIDIA");
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    KernelChoice choice;
    OperationSpec spec = makeSpec(4096);
    spec.form = kShared;
    spec.workgroupSize = 96;
    EXPECT_EQ(vkn::chooseKernel(facts, spec, choice, &error), VKN_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(error.field, "workgroupSize");
    EXPECT_EQ(error.value, 96u);
    spec.form = kBoth;
    spec.workgroupSize = 48;
    EXPECT_EQ(vkn::chooseKernel(facts, spec, choice, &error), VKN_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(error.limit, 32u);
    spec.workgroupSize = 2048;
    EXPECT_EQ(vkn::chooseKernel(facts, spec, choice, &error), VKN_ERROR_UNSUPPORTED);
    EXPECT_EQ(error.limit, 1024u);
}

TEST(Choose, RowsAtOnceAreForCpus) {
    for (const DeviceClass& device : kDeviceClasses) {
        const KernelChoice choice = choose(device.facts, makeSpec(4096));
        const bool mayBe = device.facts.isCpu && choice.form == kSubgroup;
        EXPECT_EQ(choice.rowsAtOnce > 1, mayBe) << device.name;
        EXPECT_EQ(choose(device.facts, makeSpec(64)).rowsAtOnce, 1u) << device.name;
        EXPECT_EQ(choose(device.facts, makeSpec(4094)).rowsAtOnce, 1u) << device.name;
        OperationSpec spec = makeSpec(4096);
        spec.rowsAtOnce = 1;
        EXPECT_EQ(choose(device.facts, spec).rowsAtOnce, 1u) << device.name;
    }
}

TEST(Choose, RowsAtOnceAreAsManyAsWereMeasuredToBeBest) {
    OperationSpec block = makeSpec(4096);
    block.placement = VKN_PLACEMENT_POST_NORM;
    const DeviceFacts& lavapipe = factsOf("lavapipe, 256 bits");
    EXPECT_EQ(choose(lavapipe, makeSpec(4096)).rowsAtOnce, 4u);
    EXPECT_EQ(choose(lavapipe, makeSpec(1024)).rowsAtOnce, 2u);
    EXPECT_EQ(choose(lavapipe, makeSpec(4096, VKN_TYPE_BF16)).rowsAtOnce, 2u);
    EXPECT_EQ(choose(lavapipe, makeSpec(1024, VKN_TYPE_BF16)).rowsAtOnce, 1u);
    EXPECT_EQ(choose(lavapipe, block).rowsAtOnce, 1u);
    const DeviceFacts& swiftShader = factsOf("SwiftShader");
    EXPECT_EQ(choose(swiftShader, makeSpec(4096)).rowsAtOnce, 2u);
    EXPECT_EQ(choose(swiftShader, makeSpec(4096, VKN_TYPE_BF16)).rowsAtOnce, 2u);
    EXPECT_EQ(choose(swiftShader, makeSpec(512, VKN_TYPE_BF16)).rowsAtOnce, 1u);
    EXPECT_EQ(choose(swiftShader, makeSpec(512)).rowsAtOnce, 2u);
    EXPECT_EQ(choose(swiftShader, block).rowsAtOnce, 1u);
    // A stream that is stored first is each row's own, and read where it was stored.
    block.placement = VKN_PLACEMENT_PRE_NORM;
    block.roles |= vkn::roleBit(VKN_ROLE_RESIDUAL) | vkn::roleBit(VKN_ROLE_RESIDUAL_OUTPUT);
    EXPECT_EQ(choose(lavapipe, block).rowsAtOnce, 4u);
    EXPECT_TRUE(choose(lavapipe, block).storesFirst);
    EXPECT_EQ(choose(swiftShader, block).rowsAtOnce, 2u);
    block.types[VKN_ROLE_RESIDUAL_OUTPUT] = VKN_TYPE_BF16;
    EXPECT_EQ(choose(lavapipe, block).rowsAtOnce, 1u);
    // Of rows that registers hold, also where there is no gamma to hold beside them.
    OperationSpec plain = makeSpec(128);
    plain.roles &= ~vkn::roleBit(VKN_ROLE_GAMMA);
    for (const DeviceFacts& facts : {lavapipe, swiftShader}) {
        EXPECT_EQ(choose(facts, makeSpec(128)).rowsAtOnce, 1u);
        EXPECT_EQ(choose(facts, plain).rowsAtOnce, 1u);
    }
}

// Where elements are read again that have all their bits where they are written.
TEST(Choose, WhatIsMadeOfMuchIsStoredFirst) {
    const DeviceFacts& cpu = factsOf("SwiftShader");
    const DeviceFacts& gpu = factsOf("AMD RDNA, RADV");
    OperationSpec sandwich = makeSpec(65536);
    sandwich.placement = VKN_PLACEMENT_SANDWICH_PRE_NORM;
    sandwich.roles |= vkn::roleBit(VKN_ROLE_RESIDUAL) | vkn::roleBit(VKN_ROLE_RESIDUAL_OUTPUT);
    OperationSpec gated = makeSpec(65536);
    gated.roles |= vkn::roleBit(VKN_ROLE_GATE);
    EXPECT_TRUE(choose(cpu, sandwich).storesFirst);
    EXPECT_TRUE(choose(gpu, sandwich).storesFirst);
    EXPECT_TRUE(choose(cpu, gated).storesFirst);
    EXPECT_FALSE(choose(gpu, gated).storesFirst) << "an activation costs less than to store the row";
    gated.normFirst = 1;
    EXPECT_FALSE(choose(cpu, gated).storesFirst) << "what is gated is not read again";
    gated.normFirst = 0;
    gated.types[VKN_ROLE_OUTPUT] = VKN_TYPE_BF16;
    EXPECT_FALSE(choose(cpu, gated).storesFirst);
    OperationSpec held = makeSpec(128);
    held.roles |= vkn::roleBit(VKN_ROLE_GATE);
    EXPECT_FALSE(choose(cpu, held).storesFirst);
}

TEST(Choose, CpusReadOneChunkAtATimeWhereThatWasMeasuredToBeBest) {
    DeviceFacts newer = factsOf("lavapipe, 256 bits");
    newer.driverRelease = vkn::releaseOf(25, 0);
    OperationSpec layerNorm = makeSpec(4096);
    layerNorm.operation = VKN_OPERATION_LAYER_NORM;
    OperationSpec postNorm = makeSpec(4096);
    postNorm.placement = VKN_PLACEMENT_POST_NORM;
    for (const DeviceFacts& facts : {newer, factsOf("SwiftShader")}) {
        EXPECT_EQ(choose(facts, makeSpec(4096)).group, 1u);
        EXPECT_EQ(choose(facts, layerNorm).group, 2u);
        EXPECT_EQ(choose(facts, postNorm).group, 2u);
    }
    EXPECT_EQ(choose(factsOf("lavapipe, 256 bits"), makeSpec(4096)).group, 2u);
}

TEST(Choose, SwiftShaderHasMoreWorkgroupsWhereARowTakesLong) {
    const auto makeBlock = [](uint32_t hiddenSize) {
        OperationSpec block = makeSpec(hiddenSize);
        block.placement = VKN_PLACEMENT_PRE_NORM;
        return block;
    };
    const OperationSpec block = makeBlock(4096);
    const DeviceFacts& swiftShader = factsOf("SwiftShader");
    EXPECT_EQ(choose(swiftShader, block).maxWorkgroups, 1024u);
    EXPECT_EQ(choose(swiftShader, makeBlock(256)).maxWorkgroups, 32u);
    EXPECT_EQ(choose(swiftShader, makeBlock(64)).maxWorkgroups, 32u);
    EXPECT_EQ(choose(swiftShader, makeSpec(4096)).maxWorkgroups, 32u);
    EXPECT_EQ(choose(factsOf("lavapipe, 256 bits"), block).maxWorkgroups, 32u);
}

TEST(Choose, SwiftShaderHasMoreSubgroupsWhereRowsAreShort) {
    const DeviceFacts& swiftShader = factsOf("SwiftShader");
    EXPECT_EQ(choose(swiftShader, makeSpec(64)).workgroupSize, 4 * 4u);
    EXPECT_EQ(choose(swiftShader, makeSpec(64, VKN_TYPE_BF16)).workgroupSize, 4 * 4u);
    EXPECT_EQ(choose(swiftShader, makeSpec(256, VKN_TYPE_BF16)).workgroupSize, 4 * 4u);
    EXPECT_EQ(choose(swiftShader, makeSpec(512, VKN_TYPE_BF16)).workgroupSize, 2 * 4u);
    OperationSpec block = makeSpec(128, VKN_TYPE_BF16);
    block.placement = VKN_PLACEMENT_PRE_NORM;
    EXPECT_EQ(choose(swiftShader, block).workgroupSize, 2 * 4u);
    EXPECT_EQ(choose(swiftShader, makeSpec(128)).workgroupSize, 4u) << "as many weights as may be held";
}

TEST(Choose, TheNewerLavapipeTakesTwoShortRowsOf16BitsAtOnce) {
    DeviceFacts facts = factsOf("lavapipe, 256 bits");
    facts.driverRelease = vkn::releaseOf(22, 3);
    EXPECT_EQ(choose(facts, makeSpec(64, VKN_TYPE_BF16)).rowsAtOnce, 1u);
    facts.driverRelease = vkn::releaseOf(25, 0);
    EXPECT_EQ(choose(facts, makeSpec(64, VKN_TYPE_BF16)).rowsAtOnce, 2u);
    EXPECT_EQ(choose(facts, makeSpec(32, VKN_TYPE_F16)).rowsAtOnce, 2u);
    EXPECT_EQ(choose(facts, makeSpec(72, VKN_TYPE_BF16)).rowsAtOnce, 1u) << "two chunks of the first lane";
    EXPECT_EQ(choose(facts, makeSpec(64)).rowsAtOnce, 1u) << "fp32";
}

TEST(Choose, CpusHoldTheWeightsOfRowsThatAreHeld) {
    for (const DeviceClass& device : kDeviceClasses) {
        const KernelChoice choice = choose(device.facts, makeSpec(64));
        EXPECT_EQ(choice.holdsWeights, device.facts.isCpu && choice.form == kSubgroup) << device.name;
        EXPECT_FALSE(choose(device.facts, makeSpec(65536)).holdsWeights) << device.name << ": the row is not held";
        EXPECT_FALSE(choose(device.facts, makeSpec(63)).holdsWeights) << device.name << ": nor is one of any alignment";
        OperationSpec spec = makeSpec(64);
        spec.parameterRows = 2;
        EXPECT_FALSE(choose(device.facts, spec).holdsWeights) << device.name << ": rows have weights of their own";
    }
}

TEST(Choose, FewSubgroupsHoldWeights) {
    const DeviceFacts& lavapipe = factsOf("lavapipe, 256 bits");
    EXPECT_EQ(choose(lavapipe, makeSpec(128)).workgroupSize, 2 * 8u);
    EXPECT_EQ(choose(lavapipe, makeSpec(256)).workgroupSize, 8u) << "as many as may be held";
    OperationSpec plain = makeSpec(256);
    plain.roles &= ~vkn::roleBit(VKN_ROLE_GAMMA);
    EXPECT_EQ(choose(lavapipe, plain).workgroupSize, 64u) << "none";
}

// The tree of a row must not depend on anything but the device and the operation. There is no row count to pass; what
// else a specification holds must not matter either.
TEST(Choose, TheTreeDependsOnTheOperationOnly) {
    for (const DeviceClass& device : kDeviceClasses) {
        for (const uint32_t hiddenSize : {64u, 768u, 5125u, 65536u}) {
            OperationSpec spec = makeSpec(hiddenSize, VKN_TYPE_BF16);
            const KernelChoice first = choose(device.facts, spec);
            spec.maxWorkgroups = 7;
            spec.epsilon = 0.5f;
            spec.gammaOffset = 1.0f;
            spec.flags = VKN_PLAN_GPU_ROWS_BIT;
            const KernelChoice second = choose(device.facts, spec);
            EXPECT_EQ(first.form, second.form);
            EXPECT_EQ(first.teamSize(), second.teamSize());
            EXPECT_EQ(first.subgroupSize, second.subgroupSize);
            EXPECT_EQ(first.chunk, second.chunk);
            EXPECT_EQ(first.group, second.group);
            EXPECT_EQ(first.readAgain, second.readAgain);
            EXPECT_EQ(second.maxWorkgroups, 7u);
        }
    }
}

}  // namespace
}  // namespace vknorm::test
