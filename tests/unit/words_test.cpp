// Every operation's numbers fit in the push constants that all devices grant.
#include "plan/words.hpp"

#include <gtest/gtest.h>

#include <set>

namespace vknorm::test {
namespace {

constexpr VknPlacement kPlacements[] = {
    VKN_PLACEMENT_NONE,     VKN_PLACEMENT_PRE_NORM,          VKN_PLACEMENT_POST_NORM,
    VKN_PLACEMENT_SANDWICH, VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL};

// All that a placement may have, outputs with scales of their own among it.
vkn::OperationSpec fullSpec(VknPlacement placement, bool inPlace) {
    const vkn::DirectionInfo& info = vkn::findPlacement(placement)->forward;
    vkn::OperationSpec spec;
    spec.operation = VKN_OPERATION_LAYER_NORM;
    spec.placement = static_cast<uint32_t>(placement);
    spec.roles = info.requiredRoles | info.optionalRoles;
    if (placement != VKN_PLACEMENT_NONE) {
        spec.dropoutProbability = 0.1f;
        spec.roles |= vkn::roleBit(VKN_ROLE_SEED);
    }
    spec.quantization = VKN_QUANTIZATION_PER_ROW;
    if (spec.has(VKN_ROLE_OUTPUT) && info.writtenInPlace != VKN_ROLE_OUTPUT) {
        spec.types[VKN_ROLE_OUTPUT] = VKN_TYPE_I8;
        spec.roles |= vkn::roleBit(VKN_ROLE_OUTPUT_SCALE);
    }
    if (spec.has(VKN_ROLE_OUTPUT_2)) {
        spec.types[VKN_ROLE_OUTPUT_2] = VKN_TYPE_I8;
        spec.roles |= vkn::roleBit(VKN_ROLE_OUTPUT_SCALE_2);
    }
    if (inPlace) {
        spec.flags = VKN_PLAN_IN_PLACE_BIT;
        spec.roles &= ~vkn::roleBit(info.readInPlace);
    }
    return spec;
}

vkn::WordLayout layoutOf(const vkn::OperationSpec& spec) { return vkn::makeWordLayout(spec, spec.roles, 0); }

uint32_t wordsOf(VknRole role, const vkn::WordLayout& layout) {
    return vkn::findRole(role)->extent != vkn::Extent::Rows ? 1u : (layout.hasOuterStrides ? 3u : 2u);
}

TEST(Words, AllFitAndNoneOverlap) {
    for (const VknPlacement placement : kPlacements) {
        for (const bool inPlace : {false, true}) {
            const vkn::OperationSpec spec = fullSpec(placement, inPlace);
            const vkn::WordLayout layout = layoutOf(spec);
            EXPECT_LE(layout.count, uint32_t{VKN_MAX_WORDS}) << "placement " << placement;
            std::set<uint32_t> taken;
            const auto take = [&](uint32_t first, uint32_t count) {
                for (uint32_t word = first; word < first + count; ++word) {
                    EXPECT_GE(word, layout.firstOperand());
                    EXPECT_LT(word, layout.count);
                    EXPECT_TRUE(taken.insert(word).second) << "placement " << placement << ", word " << word;
                }
            };
            for (uint32_t r = 1; r < vkn::kRoleCount; ++r) {
                if (spec.has(static_cast<VknRole>(r))) {
                    take(layout.ofRole[r], wordsOf(static_cast<VknRole>(r), layout));
                }
            }
            if (spec.hasDropout()) {
                take(layout.ofDropout, vkn::dropoutWords(spec));
            }
        }
    }
}

// Keys and queries need their outer strides: an outer block is a token.
TEST(Words, QueriesAndKeysKeepTheirOuterStrides) {
    vkn::OperationSpec spec;
    spec.operation = VKN_OPERATION_LAYER_NORM;
    spec.rotarySize = 64;
    spec.queryRows = 8;
    spec.parameterRows = 10;
    for (const VknRole role :
         {VKN_ROLE_INPUT, VKN_ROLE_KEY, VKN_ROLE_OUTPUT, VKN_ROLE_KEY_OUTPUT, VKN_ROLE_GAMMA, VKN_ROLE_KEY_GAMMA,
          VKN_ROLE_MEAN, VKN_ROLE_RSTD, VKN_ROLE_OUTPUT_SCALE, VKN_ROLE_POSITIONS, VKN_ROLE_COS_SIN}) {
        spec.roles |= vkn::roleBit(role);
    }
    const vkn::WordLayout layout = layoutOf(spec);
    EXPECT_LE(layout.count, uint32_t{VKN_MAX_WORDS});
    EXPECT_TRUE(layout.hasOuterStrides);
}

TEST(Words, OuterStridesGoWhereThereIsNoRoom) {
    EXPECT_FALSE(layoutOf(fullSpec(VKN_PLACEMENT_PARALLEL, false)).hasOuterStrides);
    EXPECT_TRUE(layoutOf(fullSpec(VKN_PLACEMENT_PRE_NORM, false)).hasOuterStrides);
}

TEST(Words, WhatIsReadInPlaceHasItsStandInsWords) {
    const vkn::WordLayout none = layoutOf(fullSpec(VKN_PLACEMENT_NONE, true));
    EXPECT_EQ(none.ofRole[VKN_ROLE_INPUT], none.ofRole[VKN_ROLE_OUTPUT]);
    const vkn::WordLayout postNorm = layoutOf(fullSpec(VKN_PLACEMENT_POST_NORM, true));
    EXPECT_EQ(postNorm.ofRole[VKN_ROLE_RESIDUAL], postNorm.ofRole[VKN_ROLE_OUTPUT]);
    const vkn::WordLayout preNorm = layoutOf(fullSpec(VKN_PLACEMENT_PRE_NORM, true));
    EXPECT_EQ(preNorm.ofRole[VKN_ROLE_RESIDUAL], preNorm.ofRole[VKN_ROLE_RESIDUAL_OUTPUT]);
}

// What arrives where a gradient is written, in each placement.
TEST(Words, GradientsReadInPlaceHaveTheirStandInsWords) {
    for (const VknPlacement placement : kPlacements) {
        const vkn::DirectionInfo& info = vkn::findPlacement(placement)->backward;
        vkn::OperationSpec spec;
        spec.operation = VKN_OPERATION_RMS_NORM;
        spec.placement = static_cast<uint32_t>(placement);
        spec.flags = VKN_PLAN_BACKWARD_BIT | VKN_PLAN_IN_PLACE_BIT;
        spec.roles = vkn::requiredRoles(spec);
        const vkn::WordLayout layout = layoutOf(spec);
        EXPECT_FALSE(spec.has(info.readInPlace)) << "placement " << placement;
        EXPECT_NE(layout.ofRole[info.writtenInPlace], 0u) << "placement " << placement;
        EXPECT_EQ(layout.ofRole[info.readInPlace], layout.ofRole[info.writtenInPlace]) << "placement " << placement;
    }
}

TEST(Words, ScratchsComeLast) {
    vkn::OperationSpec spec = fullSpec(VKN_PLACEMENT_NONE, false);
    spec.parameterRows = 3;
    const vkn::WordLayout without = layoutOf(spec);
    const vkn::WordLayout layout = vkn::makeWordLayout(spec, spec.roles, VKN_SCRATCH_WORDS);
    EXPECT_EQ(layout.ofParameterRows, without.ofParameterRows);
    EXPECT_EQ(layout.ofScratch, without.count);
    EXPECT_EQ(layout.count, without.count + VKN_SCRATCH_WORDS);
}

}  // namespace
}  // namespace vknorm::test
