// Kernels are unpacked to the words that the shader compiler wrote; damaged ones are refused.
#include "device/packed_module.hpp"

#include "support/random.hpp"
#include "unit/kernel_modules.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace vknorm::test {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes packedBytes(const VknKernelModule& module) { return Bytes(module.packed, module.packed + module.packedSize); }

// Bytes in memory of exactly their size, so that sanitizers see what is read behind them. Empty where they are refused.
std::vector<uint32_t> unpackedOrNothing(const Bytes& bytes, const VknKernelModule* like = nullptr) {
    Bytes exact(bytes);
    exact.shrink_to_fit();
    const VknKernelModule module = {"damaged", exact.data(), static_cast<uint32_t>(exact.size()), like};
    const vkn::HostMemory memory;
    vkn::SpirvCode code;
    const VknResult result = vkn::unpackModule(memory, module, code, nullptr);
    EXPECT_TRUE(result == VKN_SUCCESS || result == VKN_ERROR_BAD_DATA || result == VKN_ERROR_OUT_OF_HOST_MEMORY);
    EXPECT_EQ(result == VKN_SUCCESS, code.words != nullptr);
    const std::vector<uint32_t> words(code.words, code.words + code.wordCount);
    memory.release(code.words);
    return words;
}

#ifdef VKNORM_MODULES  // where this build compiled the shaders
TEST(PackedModule, IsUnpackedToWhatWasCompiled) {
    for (const KernelModule& module : kernelModules()) {
        std::ifstream file(std::string(VKNORM_MODULES "/").append(module.name).append(".spv"), std::ios::binary);
        const Bytes compiled((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        ASSERT_EQ(compiled.size(), module.words.size() * sizeof(uint32_t)) << module.name;
        EXPECT_EQ(memcmp(compiled.data(), module.words.data(), compiled.size()), 0) << module.name;
    }
}
#endif

TEST(PackedModule, HasATenthOfTheBytes) {
    size_t packed = 0;
    size_t whole = 0;
    for (uint32_t m = 0; m < vkn_kernelCount; ++m) {
        packed += vkn_kernels[m].packedSize;
        whole += unpacked(vkn_kernels[m]).words.size() * sizeof(uint32_t);
    }
    EXPECT_LT(packed, whole / 10);
}

TEST(PackedModule, ThatIsDamagedIsRefused) {
    Random random(5);
    size_t refused = 0;
    constexpr int kTurns = 200;
    for (uint32_t m = 0; m < vkn_kernelCount; ++m) {
        const Bytes bytes = packedBytes(vkn_kernels[m]);
        const VknKernelModule* like = vkn_kernels[m].like;
        const std::vector<uint32_t> whole = unpackedOrNothing(bytes, like);
        ASSERT_FALSE(whole.empty());
        for (int turn = 0; turn < kTurns; ++turn) {
            Bytes damaged = bytes;
            damaged[random.below(static_cast<uint32_t>(damaged.size()))] ^= static_cast<uint8_t>(1 + random.below(255));
            const std::vector<uint32_t> words = unpackedOrNothing(damaged, like);
            // A match may be found elsewhere as well.
            ASSERT_TRUE(words.empty() || words == whole) << vkn_kernels[m].name << ", turn " << turn;
            refused += words.empty() ? 1U : 0U;
        }
    }
    EXPECT_GT(refused, vkn_kernelCount * size_t{kTurns} * 9 / 10);
}

TEST(PackedModule, IsRefusedWithoutWhatItIsLike) {
    size_t refused = 0;
    for (uint32_t m = 0; m < vkn_kernelCount; ++m) {
        if (vkn_kernels[m].like != nullptr) {
            EXPECT_TRUE(unpackedOrNothing(packedBytes(vkn_kernels[m])).empty()) << vkn_kernels[m].name;
            ++refused;
        }
    }
    EXPECT_GT(refused, 0U);
    VknKernelModule damaged = *vkn::findModule("norm.base");
    --damaged.packedSize;
    EXPECT_TRUE(unpackedOrNothing(packedBytes(*vkn::findModule("norm_aligned.base")), &damaged).empty());
}

TEST(PackedModule, ThatIsCutShortOrTooLongIsRefused) {
    Bytes bytes = packedBytes(*vkn::findModule("prepare_rows.base"));
    ASSERT_FALSE(unpackedOrNothing(bytes).empty());
    for (size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_TRUE(unpackedOrNothing(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))).empty())
            << size;
    }
    bytes.push_back(0);
    EXPECT_TRUE(unpackedOrNothing(bytes).empty());
}

// What no damage of a real module is likely to be.
TEST(PackedModule, OfRandomBytesIsRefused) {
    Random random(6);
    for (int turn = 0; turn < 20000; ++turn) {
        Bytes bytes = {40, 60, 1};  // 40 words of 60 bytes
        for (uint32_t left = random.below(80); left != 0; --left) {
            bytes.push_back(static_cast<uint8_t>(random.below(random.below(2) == 0 ? 8 : 256)));
        }
        EXPECT_TRUE(unpackedOrNothing(bytes).empty()) << turn;
    }
    EXPECT_TRUE(unpackedOrNothing({0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0}).empty());
}

}  // namespace
}  // namespace vknorm::test
