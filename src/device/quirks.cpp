#include "device/quirks.hpp"

#include <cstdio>
#include <cstring>

namespace vkn {

namespace {

constexpr uint32_t kSubgroupForms = formBit(VKN_KERNEL_FORM_SUBGROUP) | formBit(VKN_KERNEL_FORM_SUBGROUP_SHARED);
constexpr const char* kSubgroupsCostMore =
    "subgroup reductions take more instructions than shared memory, and registers that are spilled (Mesa 26.2's "
    "compiler)";
constexpr uint32_t kAnyVendor = 0;
constexpr uint32_t kAnyDriver = 0;

struct Quirk {
    uint32_t driverId;      // VkDriverId, or kAnyDriver
    uint32_t vendorId;      // or kAnyVendor
    uint32_t subgroupSize;  // or 0
    uint32_t forbiddenForms;
    const char* text;  // what, with its source
};

constexpr Quirk kQuirks[] = {
    {VK_DRIVER_ID_MOLTENVK, kVendorAmd, 64, kSubgroupForms,
     "MoltenVK on AMD: wrong subgroup reductions at 64 lanes (MoltenVK #2756)"},
    {VK_DRIVER_ID_MOLTENVK, kVendorIntel, 0, kSubgroupForms,
     "MoltenVK on Intel: wrong subgroup reductions (MoltenVK #2757)"},
    {VK_DRIVER_ID_IMAGINATION_PROPRIETARY, kAnyVendor, 0, kSubgroupForms,
     "PowerVR C-series: wrong subgroup reductions (llama.cpp #28214)"},
    {VK_DRIVER_ID_MESA_PANVK, kAnyVendor, 0, kSubgroupForms, kSubgroupsCostMore},
    {VK_DRIVER_ID_MESA_V3DV, kAnyVendor, 0, kSubgroupForms, kSubgroupsCostMore},
};

bool matches(const Quirk& quirk, const DeviceFacts& facts) {
    return (quirk.driverId == kAnyDriver || quirk.driverId == facts.driverId) &&
           (quirk.vendorId == kAnyVendor || quirk.vendorId == facts.vendorId) &&
           (quirk.subgroupSize == 0 || quirk.subgroupSize == facts.subgroupSize);
}

}  // namespace

void applyQuirks(DeviceFacts& facts, char* text, size_t textSize) {
    text[0] = '\0';
    for (const Quirk& quirk : kQuirks) {
        if (!matches(quirk, facts)) {
            continue;
        }
        facts.forbiddenForms |= quirk.forbiddenForms;
        const size_t used = strlen(text);
        snprintf(text + used, textSize - used, "%s%s", used == 0 ? "" : "; ", quirk.text);
    }
}

}  // namespace vkn
