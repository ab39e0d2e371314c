// Which operand is bound where, down to devices with four storage buffers.
#include "plan/signature.hpp"

#include "device_classes.hpp"

#include <gtest/gtest.h>

#include <string>

namespace vknorm::test {
namespace {

vkn::RoleSet rolesOf(std::initializer_list<VknRole> roles) {
    vkn::RoleSet set = 0;
    for (const VknRole role : roles) {
        set |= vkn::roleBit(role);
    }
    return set;
}

std::string signatureOf(uint32_t buffers, std::initializer_list<VknRole> roles) {
    vkn::DeviceFacts facts;
    facts.maxStorageBuffers = buffers;
    vkn::Signature signature;
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    EXPECT_EQ(vkn::makeSignature(facts, rolesOf(roles), false, signature, &error), VKN_SUCCESS) << error.message;
    EXPECT_LE(signature.bindingCount, buffers);
    return signature.text;
}

constexpr std::initializer_list<VknRole> kAll = {VKN_ROLE_INPUT, VKN_ROLE_OUTPUT, VKN_ROLE_GAMMA,
                                                 VKN_ROLE_BETA,  VKN_ROLE_MEAN,   VKN_ROLE_RSTD};

TEST(Signature, OperandsHaveBindingsOfTheirOwn) {
    EXPECT_EQ(signatureOf(64, kAll), "input output gamma beta mean+rstd");
    EXPECT_EQ(signatureOf(8, {VKN_ROLE_INPUT, VKN_ROLE_OUTPUT}), "input output");
    EXPECT_EQ(signatureOf(8, {VKN_ROLE_OUTPUT, VKN_ROLE_BETA, VKN_ROLE_RSTD}), "output beta rstd");
}

TEST(Signature, FourStorageBuffersAreEnoughForEverything) {
    EXPECT_EQ(signatureOf(4, kAll), "input output gamma+beta mean+rstd");
    EXPECT_EQ(signatureOf(4, {VKN_ROLE_INPUT, VKN_ROLE_OUTPUT, VKN_ROLE_GAMMA, VKN_ROLE_BETA}),
              "input output gamma beta");
}

// A parallel block's kernel of rows, of which each step of packing takes a little more than the one before.
TEST(Signature, GradientsShareBindingsWhereThereAreFew) {
    const auto blockOn = [](uint32_t buffers) {
        return signatureOf(buffers,
                           {VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_GAMMA, VKN_ROLE_GAMMA_2, VKN_ROLE_OUTPUT_GRADIENT,
                            VKN_ROLE_OUTPUT_2_GRADIENT, VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT,
                            VKN_ROLE_INPUT_2_GRADIENT, VKN_ROLE_RESIDUAL_GRADIENT});
    };
    EXPECT_EQ(signatureOf(8, {VKN_ROLE_INPUT, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_OUTPUT_2_GRADIENT,
                              VKN_ROLE_INPUT_GRADIENT, VKN_ROLE_INPUT_2_GRADIENT, VKN_ROLE_RESIDUAL_GRADIENT}),
              "input output-gradient output2-gradient input-gradient input2-gradient residual-gradient");
    EXPECT_EQ(blockOn(8),
              "gamma+gamma2 residual-output output-gradient output2-gradient residual-output-gradient input-gradient "
              "input2-gradient residual-gradient");
    EXPECT_EQ(blockOn(7), blockOn(6)) << "the outputs' gradients and the branches' are one step";
    EXPECT_EQ(blockOn(6),
              "gamma+gamma2 residual-output output-gradient+output2-gradient residual-output-gradient "
              "input-gradient+input2-gradient residual-gradient");
    EXPECT_EQ(blockOn(5),
              "gamma+gamma2 residual-output output-gradient+output2-gradient residual-output-gradient "
              "input-gradient+input2-gradient+residual-gradient");
}

TEST(Signature, GradientsOfAGateShareTheirBinding) {
    EXPECT_EQ(signatureOf(4, {VKN_ROLE_INPUT, VKN_ROLE_GATE, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT,
                              VKN_ROLE_GATE_GRADIENT}),
              "input gate output-gradient input-gradient+gate-gradient");
}

// Joins bind those by themselves.
TEST(Signature, GradientsOfParametersHaveNoBinding) {
    EXPECT_EQ(signatureOf(8, {VKN_ROLE_INPUT, VKN_ROLE_GAMMA, VKN_ROLE_GAMMA_GRADIENT, VKN_ROLE_ALPHA_GRADIENT}),
              "input gamma");
}

// Scratch comes behind the operands, and is bound though it is none.
TEST(Signature, ScratchHasABindingOfItsOwn) {
    vkn::DeviceFacts facts;
    facts.maxStorageBuffers = 4;
    vkn::Signature signature;
    ASSERT_EQ(vkn::makeSignature(facts, rolesOf({VKN_ROLE_INPUT, VKN_ROLE_OUTPUT_GRADIENT}), true, signature, nullptr),
              VKN_SUCCESS);
    EXPECT_EQ(signature.bindingCount, 3u);
    EXPECT_TRUE(signature.hasSlot[VKN_BINDING_SCRATCH]);
    EXPECT_EQ(signature.bindingOfSlot[VKN_BINDING_SCRATCH], 2u);
}

TEST(Signature, TooFewAreANamedError) {
    vkn::DeviceFacts facts;
    facts.maxStorageBuffers = 3;
    vkn::Signature signature;
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    EXPECT_EQ(vkn::makeSignature(facts, rolesOf(kAll), false, signature, &error), VKN_ERROR_UNSUPPORTED);
    EXPECT_EQ(error.limit, 3u);
    EXPECT_EQ(error.value, 4u);
}

// A slot that is absent has a binding that is in the layout, whatever a module still mentions.
TEST(Signature, EverySlotHasABindingInTheLayout) {
    for (const DeviceClass& device : kDeviceClasses) {
        vkn::Signature signature;
        ASSERT_EQ(
            vkn::makeSignature(device.facts, rolesOf({VKN_ROLE_INPUT, VKN_ROLE_OUTPUT}), false, signature, nullptr),
            VKN_SUCCESS);
        for (const uint32_t binding : signature.bindingOfSlot) {
            EXPECT_LT(binding, signature.bindingCount);
        }
    }
}

}  // namespace
}  // namespace vknorm::test
