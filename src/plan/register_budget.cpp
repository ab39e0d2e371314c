#include "plan/register_budget.hpp"

namespace vkn {

namespace {

// The oldest have no subgroup arithmetic, and a workgroup's lanes share few registers: too few of them for another barrier.
RegisterBudget qualcommBudget(const DeviceFacts& facts, const RegisterNeeds& needs) {
    const bool hasMore = needs.hasMore;
    if (facts.subgroupSize != 0) {
        return {hasMore ? 12U : 24U, 256};
    }
    const uint32_t share = needs.hasCentredGradient ? 2 : 1;
    const bool isAdreno702 = facts.maxWorkgroupInvocations <= 512;  // with half of Adreno 610's registers
    RegisterBudget budget = isAdreno702 ? RegisterBudget{hasMore ? 4U : 8U, 64 / share, !hasMore, hasMore ? 2U : 4U}
                                        : RegisterBudget{hasMore ? 8U : 16U, 128 / share};
    budget.mayDrawFirst = false;
    return budget;
}

// 16 lanes share 128 registers of 8 words; before Gen9, whose storage buffers reach 1 GiB, the compiler needs more of them.
RegisterBudget intelBudget(const DeviceFacts& facts, const RegisterNeeds& needs) {
    constexpr uint64_t kRangeBeforeGen9 = 1ULL << 30;
    if (facts.maxStorageBufferRange <= kRangeBeforeGen9) {
        return {12, 256};
    }
    return {needs.hasTwoBranches ? 8U : 16U, 512};
}

// Its device ids end before Maxwell's, and no driver for it knows more than Vulkan 1.2.
bool isKepler(const DeviceFacts& facts) {
    constexpr uint32_t kFirstMaxwell = 0x1340;
    return facts.deviceId < kFirstMaxwell && facts.apiVersion < VK_API_VERSION_1_3;
}

// The first Kepler has 63 registers a lane; what is older than Turing is told by the alignment of its uniform buffers.
RegisterBudget nvidiaBudget(const DeviceFacts& facts, const RegisterNeeds& needs) {
    if (!needs.hasMore) {
        return {24, 512};
    }
    RegisterBudget budget = facts.uniformBufferAlignment >= 256 ? RegisterBudget{8, 512} : RegisterBudget{24, 256};
    if (needs.hasTwoBranches && isKepler(facts)) {
        budget.holds16Bit = false;
        budget.unalignedPiece = 2;
    }
    return budget;
}

// Workgroups with barriers must be resident as a whole, so the more lanes the fewer registers. Series A (branch 33 in its
// device id) has so few that such a workgroup must be a single subgroup.
RegisterBudget imaginationBudget(const DeviceFacts& facts, bool hasMore) {
    const bool isSeriesA = facts.deviceId >> 24 == 0x33;
    if (isSeriesA) {
        return {8, 32};
    }
    return {12, hasMore ? 64U : 128U};
}

// 64 registers a lane.
RegisterBudget armBudget(bool hasMore) { return hasMore ? RegisterBudget{4, 256, false} : RegisterBudget{16, 256}; }

}  // namespace

RegisterBudget registerBudget(const DeviceFacts& facts, const RegisterNeeds& needs) {
    switch (facts.vendorId) {
        case kVendorAmd:  // a workgroup of 512 leaves a lane 128 registers on GCN, and CDNA spills
            return {32, 256};
        case kVendorNvidia:
            return nvidiaBudget(facts, needs);
        case kVendorApple:
            return {32, 512};
        case kVendorIntel:
            return intelBudget(facts, needs);
        case kVendorBroadcom:  // 32 registers a lane
            return {4, 256, false, 2, true};
        case kVendorImagination:
            return imaginationBudget(facts, needs.hasMore);
        case kVendorArm:
            return armBudget(needs.hasMore);
        case kVendorQualcomm:
            return qualcommBudget(facts, needs);
        default:
            return facts.isCpu ? RegisterBudget{32, 512} : RegisterBudget{16, 256};
    }
}

}  // namespace vkn
