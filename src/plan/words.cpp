#include "plan/words.hpp"

namespace vkn {

static uint32_t wordsOf(const RoleInfo& role, bool hasOuterStrides) {
    return role.extent != Extent::Rows ? 1 : (hasOuterStrides ? 3 : 2);
}

static WordLayout layOut(const OperationSpec& spec, bool hasOuterStrides) {
    WordLayout layout;
    layout.hasOuterStrides = hasOuterStrides;
    layout.count = VKN_WORD_FIRST_OPERAND;
    for (uint32_t r = 1; r < kRoleCount; ++r) {
        const auto role = static_cast<VknRole>(r);
        if (spec.has(role)) {
            layout.ofRole[r] = layout.count;
            layout.count += wordsOf(*findRole(role), hasOuterStrides);
        }
    }
    for (uint32_t r = 1; r < kRoleCount; ++r) {
        layout.ofRole[r] = layout.ofRole[spec.standIn(static_cast<VknRole>(r))];
    }
    if (spec.hasDropout()) {
        layout.ofDropout = layout.count;
        layout.count += VKN_DROPOUT_WORDS;
    }
    return layout;
}

WordLayout makeWordLayout(const OperationSpec& spec) {
    const WordLayout layout = layOut(spec, true);
    return layout.count <= VKN_MAX_WORDS ? layout : layOut(spec, false);
}

}  // namespace vkn
