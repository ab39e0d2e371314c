// What is chosen for an operation on a device of some class.
#pragma once

#include "plan/choose.hpp"

#include "device_classes.hpp"

#include <gtest/gtest.h>

#include <string>

namespace vknorm::test {

using vkn::DeviceFacts;
using vkn::KernelChoice;
using vkn::OperationSpec;

inline OperationSpec makeSpec(uint32_t hiddenSize, VknType type = VKN_TYPE_F32,
                              VknOperation operation = VKN_OPERATION_RMS_NORM) {
    OperationSpec spec;
    spec.operation = static_cast<uint32_t>(operation);
    spec.hiddenSize = hiddenSize;
    for (const VknRole role : {VKN_ROLE_INPUT, VKN_ROLE_OUTPUT, VKN_ROLE_GAMMA}) {
        spec.roles |= vkn::roleBit(role);
        spec.types[role] = static_cast<uint32_t>(type);
    }
    return spec;
}

inline const DeviceFacts& factsOf(const std::string& name) {
    for (const DeviceClass& device : kDeviceClasses) {
        if (device.name == name) {
            return device.facts;
        }
    }
    ADD_FAILURE() << "no device class " << name;
    return kDeviceClasses[0].facts;
}

inline KernelChoice choose(const DeviceFacts& facts, const OperationSpec& spec) {
    KernelChoice choice;
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    EXPECT_EQ(vkn::chooseKernel(facts, spec, choice, &error), VKN_SUCCESS) << error.message;
    return choice;
}

}  // namespace vknorm::test
