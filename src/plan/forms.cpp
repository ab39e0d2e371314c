#include "plan/forms.hpp"

#include "base/integers.hpp"
#include "include/interface.h"

#include <bit>

namespace vkn {

#if defined(VKN_EMULATE_SUBGROUPS)
static constexpr bool kAreSubgroupsEmulated = true;
#else
static constexpr bool kAreSubgroupsEmulated = false;
#endif
static constexpr uint32_t kEmulatedSubgroupSize = 32;
static constexpr uint32_t kSmallestSubgroup = 4;  // PowerVR GE8320 reports 1, where subgroup reductions are no help
static constexpr uint32_t kIntelSubgroupSize = 16;

// Whether the lanes that run are those that the reported size promises. Intel's drivers run 8 or 16 lanes and report 32
// unless a size is required.
static bool isSizeDependable(const DeviceFacts& facts) {
    return facts.canRequireSubgroupSize || facts.vendorId != kVendorIntel ||
           (facts.minSubgroupSize != 0 && facts.minSubgroupSize == facts.maxSubgroupSize);
}

bool hasDependableSubgroups(const DeviceFacts& facts) {
    return facts.subgroupSize >= kSmallestSubgroup && isSizeDependable(facts);
}

uint32_t chooseSubgroupSize(const DeviceFacts& facts, uint32_t forced) {
    if (kAreSubgroupsEmulated) {
        return forced != 0 ? forced : kEmulatedSubgroupSize;
    }
    if (!hasDependableSubgroups(facts)) {
        return 0;
    }
    if (forced != 0) {
        return forced;
    }
    const bool preferSixteen = facts.vendorId == kVendorIntel && facts.canRequireSubgroupSize &&
                               facts.minSubgroupSize <= kIntelSubgroupSize &&
                               facts.maxSubgroupSize >= kIntelSubgroupSize;
    return preferSixteen ? kIntelSubgroupSize : facts.subgroupSize;
}

uint32_t usableForms(const DeviceFacts& facts) {
    uint32_t forms = formBit(VKN_KERNEL_FORM_SHARED);
    if (chooseSubgroupSize(facts, 0) != 0) {
        forms |= formBit(VKN_KERNEL_FORM_SUBGROUP) | formBit(VKN_KERNEL_FORM_SUBGROUP_SHARED);
    }
    return forms & ~facts.forbiddenForms;
}

bool permitsSubgroupSize(const DeviceFacts& facts, uint32_t size) {
    const bool isDefault = hasDependableSubgroups(facts) && size == facts.subgroupSize;
    const bool canBeRequired = facts.canRequireSubgroupSize && std::has_single_bit(size) &&
                               size >= facts.minSubgroupSize && size <= facts.maxSubgroupSize;
    return kAreSubgroupsEmulated || isDefault || canBeRequired;
}

bool requiresSubgroupSize(const DeviceFacts& facts, uint32_t size) {
    return !kAreSubgroupsEmulated && size != 0 && facts.canRequireSubgroupSize;
}

// Without a required size, full subgroups make Intel's compiler use 32 lanes, which is slow.
bool requiresFullSubgroups(const DeviceFacts& facts, uint32_t size) {
    return !kAreSubgroupsEmulated && size != 0 && facts.canRequireFullSubgroups &&
           (requiresSubgroupSize(facts, size) || facts.vendorId != kVendorIntel);
}

uint32_t largestWorkgroup(const DeviceFacts& facts, VknKernelForm form, uint32_t subgroupSize) {
    const uint32_t limit = smaller(facts.maxWorkgroupInvocations, facts.maxWorkgroupSizeX);
    if (form == VKN_KERNEL_FORM_SHARED) {
        return smaller(limit, VKN_MAX_SHARED_WORKGROUP);
    }
    const bool isOfSubgroups = requiresSubgroupSize(facts, subgroupSize) && facts.maxWorkgroupSubgroups != 0;
    const uint32_t subgroups =
        isOfSubgroups ? smaller(VKN_MAX_SUBGROUPS, facts.maxWorkgroupSubgroups) : VKN_MAX_SUBGROUPS;
    const uint32_t most = smaller(limit, subgroups * subgroupSize);
    return kAreSubgroupsEmulated ? smaller(most, VKN_MAX_EMULATED_WORKGROUP) : most;
}

}  // namespace vkn
