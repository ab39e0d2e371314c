// A case as vknCreatePlan takes it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cases.hpp"

#include "plan/operation.hpp"

#include <vector>

namespace vknorm::compare {

// The choice taken away from the library; what is zero is chosen by it.
struct KernelOverride {
    VknKernelForm form = VKN_KERNEL_FORM_AUTO;
    uint32_t workgroupSize = 0;
    uint32_t subgroupSize = 0;
    uint32_t maxWorkgroups = 0;
    uint32_t rowsAtOnce = 0;
    bool readTwice = false;

    bool isGiven() const {
        return form != VKN_KERNEL_FORM_AUTO || workgroupSize != 0 || subgroupSize != 0 || maxWorkgroups != 0 ||
               rowsAtOnce != 0 || readTwice;
    }
    bool operator==(const KernelOverride& other) const = default;
};

const char* nameOf(VknKernelForm form);  // as on the command line: "subgroup", "subgroup-shared", "shared"

// The structures point into each other, so it stays where it is.
class PlanInput {
public:
    // Types of operands are those of the case, but for those in `others`.
    PlanInput(const Case& test, const std::vector<VknOperandType>& others, const KernelOverride& kernel);
    PlanInput(const PlanInput&) = delete;
    PlanInput& operator=(const PlanInput&) = delete;

    const VknPlanCreateInfo& info() const { return info_; }
    // The same, checked by the library's own table.
    vkn::OperationSpec spec() const;

private:
    void addKernel(const KernelOverride& kernel);
    void addBlock(const Operation& operation);
    void addHeads();
    void addGroups();

    std::vector<VknOperandType> operands_;
    VknKernelOverride kernel_ = {};
    VknBlockInfo block_ = {};
    VknQuantizationInfo quantization_ = {};
    VknGateInfo gate_ = {};
    VknRopeInfo rope_ = {};
    VknGroupInfo groups_ = {};
    VknPlanCreateInfo info_ = {};
};

}  // namespace vknorm::compare
