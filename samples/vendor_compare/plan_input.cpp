// SPDX-License-Identifier: Apache-2.0
#include "plan_input.hpp"

#include <vknorm/vknorm.hpp>

#include <stdexcept>

namespace vknorm::compare {
namespace {

// Puts a structure in front of the chain.
template <typename T>
void chain(VknPlanCreateInfo& info, T& structure, VknStructureType type) {
    structure.sType = type;
    structure.pNext = info.pNext;
    info.pNext = &structure;
}

}  // namespace

const char* nameOf(VknKernelForm form) {
    switch (form) {
        case VKN_KERNEL_FORM_SUBGROUP:
            return "subgroup";
        case VKN_KERNEL_FORM_SUBGROUP_SHARED:
            return "subgroup-shared";
        case VKN_KERNEL_FORM_SHARED:
            return "shared";
        default:
            return "auto";
    }
}

PlanInput::PlanInput(const Case& test, const std::vector<VknOperandType>& others, const KernelOverride& kernel) {
    const Operation& operation = *test.operation;
    for (const VknRole role : operation.roles) {
        operands_.push_back({role, typeOf(operation, *test.types, role)});
        for (const VknOperandType& other : others) {
            operands_.back().type = other.role == role ? other.type : operands_.back().type;
        }
    }
    info_.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
    info_.flags = operation.flags;
    info_.operation = operation.operation;
    info_.hiddenSize = test.shape.hiddenSize;
    info_.operandCount = static_cast<uint32_t>(operands_.size());
    info_.pOperands = operands_.data();
    info_.epsilon = operation.isPart ? 0.0F : kEpsilon;
    info_.alpha = operation.operation == VKN_OPERATION_DYT ? kAlpha : 0.0F;
    addKernel(kernel);
    addBlock(operation);
    if (operation.hasHeads) {
        addHeads();
    }
    if (operation.hasGroups) {
        addGroups();
    }
}

void PlanInput::addKernel(const KernelOverride& kernel) {
    if (!kernel.isGiven()) {
        return;
    }
    kernel_.form = kernel.form;
    kernel_.workgroupSize = kernel.workgroupSize;
    kernel_.subgroupSize = kernel.subgroupSize;
    kernel_.maxWorkgroups = kernel.maxWorkgroups;
    kernel_.rowsAtOnce = kernel.rowsAtOnce;
    kernel_.readTwice = kernel.readTwice ? VK_TRUE : VK_FALSE;
    chain(info_, kernel_, VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE);
}

void PlanInput::addBlock(const Operation& operation) {
    if (operation.placement != VKN_PLACEMENT_NONE) {
        block_.placement = operation.placement;
        chain(info_, block_, VKN_STRUCTURE_TYPE_BLOCK_INFO);
    }
    if (operation.isQuantised) {
        quantization_.quantization = VKN_QUANTIZATION_PER_ROW;
        chain(info_, quantization_, VKN_STRUCTURE_TYPE_QUANTIZATION_INFO);
    }
    if (operation.has(VKN_ROLE_GATE)) {
        gate_.activation = VKN_ACTIVATION_SILU;
        chain(info_, gate_, VKN_STRUCTURE_TYPE_GATE_INFO);
    }
}

void PlanInput::addHeads() {
    rope_.layout = VKN_ROPE_LAYOUT_HALF_SPLIT;
    rope_.queryRows = kQueryHeads;
    chain(info_, rope_, VKN_STRUCTURE_TYPE_ROPE_INFO);
}

void PlanInput::addGroups() {
    groups_.channels = kChannels;
    groups_.groups = kGroups;
    chain(info_, groups_, VKN_STRUCTURE_TYPE_GROUP_INFO);
}

vkn::OperationSpec PlanInput::spec() const {
    vkn::OperationSpec spec;
    VknError error = makeError();
    if (vkn::makeOperationSpec(info_, spec, &error) != VKN_SUCCESS) {
        throw std::invalid_argument(error.message);
    }
    return spec;
}

}  // namespace vknorm::compare
