// Lists of plans as bytes: descriptions for warming a cache at install time, no machine code.
#include "api/plan.hpp"
#include "base/error.hpp"
#include "device/pipeline_cache.hpp"

#include <cstring>

using namespace vkn;

namespace {

constexpr uint32_t kMagic = 0x4C4E4B56u;  // "VKNL"

struct ListHeader {
    uint32_t magic;
    uint32_t version;  // of the library: a specification means what that version says
    uint32_t specSize;
    uint32_t planCount;
    uint64_t hash;  // over the specifications
};

VknResult readHeader(size_t size, const void* data, ListHeader& header, VknError* error) {
    const auto bad = [error](const char* what) { return fail(error, VKN_ERROR_BAD_DATA, "", 0, 0, "%s", what); };
    if (data == nullptr || size < sizeof header) {
        return bad("the list of plans is too short for its header");
    }
    memcpy(&header, data, sizeof header);
    if (header.magic != kMagic) {
        return bad("this is no list of plans");
    }
    if (header.version != VKN_VERSION || header.specSize != sizeof(OperationSpec)) {
        return bad("the list of plans is of another version of the library");
    }
    const size_t payload = size - sizeof header;
    if (payload / sizeof(OperationSpec) != header.planCount || payload % sizeof(OperationSpec) != 0) {
        return bad("the list of plans has been cut short");
    }
    if (hashBytes(static_cast<const uint8_t*>(data) + sizeof header, payload) != header.hash) {
        return bad("the list of plans is damaged");
    }
    return VKN_SUCCESS;
}

}  // namespace

VknResult vknSerializePlans(uint32_t planCount, const VknPlan* pPlans, size_t* pSize, void* pData) {
    const size_t needed = sizeof(ListHeader) + planCount * sizeof(OperationSpec);
    if (pData == nullptr) {
        *pSize = needed;
        return VKN_SUCCESS;
    }
    if (*pSize < needed) {
        *pSize = 0;
        return VKN_INCOMPLETE;
    }
    auto* bytes = static_cast<uint8_t*>(pData) + sizeof(ListHeader);
    for (uint32_t i = 0; i < planCount; ++i) {
        memcpy(bytes + i * sizeof(OperationSpec), &pPlans[i]->spec, sizeof(OperationSpec));
    }
    const ListHeader header = {kMagic, VKN_VERSION, sizeof(OperationSpec), planCount,
                               hashBytes(bytes, planCount * sizeof(OperationSpec))};
    memcpy(pData, &header, sizeof header);
    *pSize = needed;
    return VKN_SUCCESS;
}

VknResult vknCreatePlansFromList(VknContext context, size_t size, const void* pData, uint32_t* pPlanCount,
                                 VknPlan* pPlans, VknError* pError) {
    if (context == nullptr || pPlanCount == nullptr) {
        return failArgument(pError, context == nullptr ? "context" : "pPlanCount", 0, 1, "must not be null");
    }
    ListHeader header = {};
    VknResult result = readHeader(size, pData, header, pError);
    if (result != VKN_SUCCESS) {
        return result;
    }
    const uint32_t room = *pPlanCount;
    *pPlanCount = header.planCount;
    if (pPlans == nullptr) {
        return VKN_SUCCESS;
    }
    if (room < header.planCount) {
        return failArgument(pError, "pPlanCount", room, header.planCount,
                            "is too little room for the plans of the list");
    }
    const auto* bytes = static_cast<const uint8_t*>(pData) + sizeof header;
    for (uint32_t i = 0; i < header.planCount; ++i) {
        OperationSpec spec;
        memcpy(&spec, bytes + i * sizeof spec, sizeof spec);
        spec.name[sizeof spec.name - 1] = '\0';
        VknError* error = result == VKN_SUCCESS ? pError : nullptr;  // the first error is the one that is told
        pPlans[i] = nullptr;
        VknResult own = checkOperationSpec(spec, error);
        if (own == VKN_SUCCESS) {
            own = createPlan(context, spec, &pPlans[i], error);
        }
        result = result == VKN_SUCCESS ? own : result;
    }
    return result;
}
