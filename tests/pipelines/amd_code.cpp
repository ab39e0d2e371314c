#include "pipelines/amd_code.hpp"

#include "plan/operation.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace vknorm::test {

namespace {

using Instructions = std::array<const char*, 4>;  // by the names of GFX6 to GFX10, and of GFX11

constexpr Instructions kWideLoads = {"buffer_load_dwordx4", "buffer_load_b128", "global_load_dwordx4",
                                     "global_load_b128"};
constexpr Instructions kWideStores = {"buffer_store_dwordx4", "buffer_store_b128", "global_store_dwordx4",
                                      "global_store_b128"};
constexpr Instructions kHalfStores = {"buffer_store_dwordx2", "buffer_store_b64", "global_store_dwordx2",
                                      "global_store_b64"};
constexpr Instructions kWordLoads = {"buffer_load_dword ", "buffer_load_b32 ", "global_load_dword ",
                                     "global_load_b32 "};

bool has(const std::string& code, const char* word) { return code.find(word) != std::string::npos; }

bool hasAny(const std::string& code, const Instructions& words) {
    return std::any_of(std::begin(words), std::end(words), [&](const char* word) { return has(code, word); });
}

size_t count(const std::string& code, const std::string& word) {
    size_t times = 0;
    for (size_t at = code.find(word); at != std::string::npos; at = code.find(word, at + word.size())) {
        ++times;
    }
    return times;
}

}  // namespace

NarrowAccesses narrowAccesses(const Variant& variant) {
    const bool hasChannelsFirst = variant.channels != 0 && !variant.channelsLast;
    NarrowAccesses narrow;
    const bool readsMeans = variant.training && (variant.flags & VKN_PLAN_BACKWARD_BIT) != 0;
    narrow.readsWords = (variant.flags & VKN_PLAN_GPU_ROWS_BIT) != 0 || hasChannelsFirst || readsMeans;
    for (const VknOperandType& operand : variant.operands) {
        const vkn::RoleInfo& role = *vkn::findRole(operand.role);
        const bool isRead = !role.isWritten || (variant.flags & VKN_PLAN_BACKWARD_BIT) != 0;
        narrow.readsWords = narrow.readsWords || (isRead && role.extent > vkn::Extent::Parameters);
        narrow.writesHalfQuads = narrow.writesHalfQuads || vkn::isQuantised(operand.type);
    }
    return narrow;
}

bool isAmdCode(const std::string& code) { return has(code, "s_endpgm"); }

size_t wideAccesses(const std::string& code) {
    size_t times = 0;
    for (const Instructions& words : {kWideLoads, kWideStores}) {
        for (const char* word : words) {
            times += count(code, word);
        }
    }
    return times;
}

std::string amdFault(const std::string& code, bool isAligned, const NarrowAccesses& narrow) {
    if (has(code, "pkrtz")) {
        return "rounds towards zero (pkrtz)";
    }
    if (!isAligned) {
        return "";
    }
    if (!hasAny(code, kWideLoads)) {
        return "has no 128-bit load";
    }
    if (!narrow.readsWords && hasAny(code, kWordLoads)) {
        return "has 32-bit loads";
    }
    if (narrow.writesHalfQuads) {
        return hasAny(code, kHalfStores) ? "" : "has no 64-bit store";
    }
    return hasAny(code, kWideStores) ? "" : "has no 128-bit store";
}

}  // namespace vknorm::test
