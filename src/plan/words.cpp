#include "plan/words.hpp"

namespace vkn {

static uint32_t wordsOf(const RoleInfo& role, bool hasOuterStrides) {
    if (role.extent == Extent::Rows) {
        return hasOuterStrides ? 3 : 2;
    }
    return role.role == VKN_ROLE_ROW_INDEX || role.role == VKN_ROLE_COS_SIN ? 2 : 1;
}

uint32_t dropoutWords(const OperationSpec& spec) {
    return VKN_DROPOUT_WORDS - (spec.has(VKN_ROLE_SEED) ? VKN_SEED_WORDS : 0);
}

static WordLayout layOut(const OperationSpec& spec, RoleSet roles, uint32_t scratchWords, bool hasOuterStrides) {
    WordLayout layout;
    layout.hasOuterStrides = hasOuterStrides;
    layout.count = layout.firstOperand();
    for (uint32_t r = 1; r < kRoleCount; ++r) {
        const auto role = static_cast<VknRole>(r);
        if ((roles & roleBit(role)) != 0) {
            layout.ofRole[r] = layout.count;
            layout.count += wordsOf(*findRole(role), hasOuterStrides);
        }
    }
    for (uint32_t r = 1; r < kRoleCount; ++r) {
        layout.ofRole[r] = layout.ofRole[spec.standIn(static_cast<VknRole>(r))];
    }
    if (spec.hasDropout()) {
        layout.ofDropout = layout.count;
        layout.count += dropoutWords(spec);
    }
    if (spec.kernelParameterRows() > 1) {
        layout.ofParameterRows = layout.count++;
    }
    layout.ofScratch = layout.count;
    layout.count += scratchWords;
    return layout;
}

WordLayout makeWordLayout(const OperationSpec& spec, RoleSet roles, uint32_t scratchWords) {
    const WordLayout layout = layOut(spec, roles, scratchWords, true);
    return layout.count <= VKN_MAX_WORDS ? layout : layOut(spec, roles, scratchWords, false);
}

}  // namespace vkn
