// Contexts with a tuning table: what is in it is chosen, and computes the same.
#include "device/objects.hpp"
#include "gpu/fixture.hpp"
#include "vknorm_kernels.h"

#include <cstdio>
#include <string>

namespace vknorm::test {
namespace {

class Tuning : public GpuTest {
protected:
    // A table for the device that is tested.
    std::string table(const std::string& entries) {
        const vkn::TuningTarget target = vkn::tuningTarget(gpu().context()->facts, vkn_kernelHash);
        char device[192];
        std::snprintf(device, sizeof device,
                      "device driver=%u vendor=%u device=%u subgroup=%u version=%u.%u kernels=%016llx\n",
                      target.driverId, target.vendorId, target.deviceId, target.subgroupSize, target.release >> 16,
                      target.release & 0xFFFFu, static_cast<unsigned long long>(target.kernelHash));
        return "vknorm-tuning 1\n" + std::string(device) + entries;
    }

    Gpu& openWith(const std::string& entries) {
        DeviceOptions options = defaultDeviceOptions();
        options.tuningTable = table(entries);
        return open(options);
    }

    static NormCase normCase() {
        NormCase norm;
        norm.plan.hiddenSize = 640;
        norm.plan.gamma = VKN_TYPE_F32;
        norm.rows = 70;
        return norm;
    }

    static VknPlanInfo infoOf(Gpu& gpu) {
        VknPlanInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
        vknGetPlanInfo(gpu.plan(normCase().plan), &info);
        return info;
    }
};

TEST_F(Tuning, ATableChangesTheChoiceAndNotTheResult) {
    Gpu& tuned = openWith(
        "rmsnorm none forward plain chunk=4 size=512-1023 form=shared workgroup=64 max-workgroups=5 read-twice=1\n"
        "layernorm none forward plain chunk=4 size=512-1023 form=shared\n");
    EXPECT_EQ(tuned.contextInfo().tuningEntries, 2u);
    const VknPlanInfo info = infoOf(tuned);
    EXPECT_EQ(info.form, VKN_KERNEL_FORM_SHARED);
    EXPECT_EQ(info.workgroupSize, 64u);
    EXPECT_EQ(info.maxWorkgroups, 5u);
    EXPECT_EQ(info.accessesInRegisters, 0u);
    EXPECT_NE(std::string(info.reason).find("from the tuning table"), std::string::npos) << info.reason;
    runCases(tuned, {normCase()});
}

TEST_F(Tuning, WhatTheDeviceDoesNotPermitIsAMiss) {
    if (emulatesSubgroups()) {
        VKNORM_LOUD_SKIP("emulated subgroups have no choice of the library's");
    }
    Gpu& tuned = openWith("rmsnorm none forward plain chunk=4 size=512-1023 form=shared workgroup=65536\n");
    EXPECT_EQ(tuned.contextInfo().tuningEntries, 1u);
    EXPECT_STREQ(infoOf(tuned).reason, infoOf(gpu()).reason);
}

TEST_F(Tuning, AnotherDevicesTableIsAMissAndADamagedOneAnError) {
    std::string text = table("rmsnorm none forward plain chunk=4 size=1-1024 form=shared\n");
    DeviceOptions options = defaultDeviceOptions();
    options.tuningTable = text;
    options.tuningTable.replace(text.find("kernels="), 10, "kernels=zz");
    EXPECT_THROW(Device{options}, RuntimeError);
    text.replace(text.find("vendor="), 7, "vendor=1");
    options.tuningTable = text;
    Gpu& other = open(options);
    EXPECT_EQ(other.contextInfo().tuningEntries, 0u);
}

}  // namespace
}  // namespace vknorm::test
