// The specialised modules are valid SPIR-V, and hold nothing that their constants rule out.
#include "device/specialise.hpp"

#include "include/interface.h"
#include "support/random.hpp"
#include "unit/kernel_modules.hpp"

#include <gtest/gtest.h>
#include <spirv-tools/libspirv.hpp>

#include <string>
#include <vector>

namespace vknorm::test {
namespace {

constexpr uint32_t kHeaderWords = 5;
constexpr uint32_t kOpFunction = 54;
constexpr uint32_t kOpVariable = 59;
constexpr uint32_t kOpDecorate = 71;
constexpr uint32_t kFirstSpecConstant = 48;
constexpr uint32_t kLastSpecConstant = 52;
constexpr uint32_t kDecorationBinding = 33;

std::vector<uint32_t> specialised(const KernelModule& module, const std::vector<uint32_t>& values,
                                  const std::vector<uint32_t>& bindings = {}) {
    const vkn::HostMemory memory;
    vkn::Specialisation specialisation;
    specialisation.values = values.data();
    specialisation.valueCount = static_cast<uint32_t>(values.size());
    specialisation.bindingOfSlot = bindings.data();
    specialisation.slotCount = static_cast<uint32_t>(bindings.size());
    std::vector<uint32_t> whole = module.words;
    const vkn::SpirvCode code =
        vkn::specialise(memory, {whole.data(), static_cast<uint32_t>(whole.size())}, specialisation);
    const std::vector<uint32_t> words(code.words, code.words + code.wordCount);
    memory.release(code.words);
    return words;
}

std::string validate(const KernelModule& module, const std::vector<uint32_t>& words) {
    const bool hasSubgroups = module.name.ends_with(".sg");
    spvtools::SpirvTools tools(hasSubgroups ? SPV_ENV_VULKAN_1_1 : SPV_ENV_VULKAN_1_0);
    std::string message;
    tools.SetMessageConsumer([&](spv_message_level_t, const char*, const spv_position_t& position, const char* text) {
        message.append(std::to_string(position.index)).append(": ").append(text).append("\n");
    });
    const bool isValid = tools.Validate(words.data(), words.size());
    return isValid ? "" : "invalid: " + message;
}

template <typename Visit>
void forEachInstruction(const std::vector<uint32_t>& words, const Visit& visit) {
    for (size_t at = kHeaderWords; at < words.size(); at += words[at] >> 16) {
        ASSERT_NE(words[at] >> 16, 0u);
        visit(words[at] & 0xFFFFu, &words[at]);
    }
}

size_t count(const std::vector<uint32_t>& words, uint32_t first, uint32_t last) {
    size_t found = 0;
    forEachInstruction(words, [&](uint32_t opcode, const uint32_t*) { found += opcode >= first && opcode <= last; });
    return found;
}

// Values that a plan may have: small numbers, and flags in full.
std::vector<uint32_t> randomValues(Random& random) {
    std::vector<uint32_t> values(VKN_SPEC_COUNT);
    for (uint32_t& value : values) {
        value = random.below(3);
    }
    const uint32_t forms[] = {VKN_FORM_SUBGROUP, VKN_FORM_SUBGROUP_SHARED, VKN_FORM_SHARED};
    values[VKN_SPEC_FORM] = forms[random.below(3)];
    values[VKN_SPEC_SUBGROUP_SIZE] = 4u << random.below(4);
    values[VKN_SPEC_WORKGROUP_SIZE] = 64;
    values[VKN_SPEC_GROUP] = 1 + random.below(VKN_MAX_GROUP);
    values[VKN_SPEC_CHUNK] = 4u << random.below(2);
    values[VKN_SPEC_PIECE] = 2u << random.below(2);
    values[VKN_SPEC_FLAGS] = random.below(1u << 16);
    return values;
}

// A few where sanitizers have the validator take ten times as long: it is what takes the time, and it is not ours.
#if defined(__SANITIZE_ADDRESS__)
constexpr int kTurns = 4;
#else
constexpr int kTurns = 60;
#endif

TEST(Specialise, IsValidForAnyConstants) {
    Random random(1);
    for (const KernelModule& module : kernelModules()) {
        for (int turn = 0; turn < kTurns; ++turn) {
            const std::vector<uint32_t> words = specialised(module, randomValues(random));
            ASSERT_EQ(validate(module, words), "") << module.name << ", turn " << turn;
            ASSERT_EQ(count(words, kFirstSpecConstant, kLastSpecConstant), 0u) << module.name;
        }
    }
}

TEST(Specialise, AValidatorThatSeesNothingWouldShow) {
    Random random(2);
    const KernelModule module = kernelModules().front();
    std::vector<uint32_t> words = specialised(module, randomValues(random));
    words.resize(words.size() - 1);  // OpFunctionEnd
    EXPECT_NE(validate(module, words), "");
}

TEST(Specialise, LeavesOutWhatConstantsRuleOut) {
    for (const KernelModule& module : kernelModules()) {
        const std::vector<uint32_t>& whole = module.words;
        Random random(3);
        std::vector<uint32_t> values = randomValues(random);
        values[VKN_SPEC_FLAGS] = 0;
        const std::vector<uint32_t> words = specialised(module, values);
        EXPECT_LE(words.size(), whole.size()) << module.name;
        if (module.name.starts_with("norm")) {
            EXPECT_LT(words.size(), whole.size() * 3 / 4) << module.name;
            EXPECT_LT(count(words, kOpFunction, kOpFunction), count(whole, kOpFunction, kOpFunction)) << module.name;
            EXPECT_LT(count(words, kOpVariable, kOpVariable), count(whole, kOpVariable, kOpVariable)) << module.name;
        }
    }
}

TEST(Specialise, NumbersBindingsAsTold) {
    Random random(4);
    std::vector<uint32_t> bindings(VKN_BINDING_COUNT);
    for (uint32_t slot = 0; slot < VKN_BINDING_COUNT; ++slot) {
        bindings[slot] = 20 + slot;
    }
    for (const KernelModule& module : kernelModules()) {
        const std::vector<uint32_t> words = specialised(module, randomValues(random), bindings);
        forEachInstruction(words, [&](uint32_t opcode, const uint32_t* instruction) {
            if (opcode == kOpDecorate && instruction[2] == kDecorationBinding) {
                EXPECT_TRUE(instruction[3] >= 20 || instruction[3] == VKN_BINDING_DISPATCH) << module.name;
            }
        });
    }
}

}  // namespace
}  // namespace vknorm::test
