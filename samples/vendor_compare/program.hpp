// A case on the device: plans, tensors in slots, and how it is recorded. One operation, or several that do the same apart.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cases.hpp"
#include "patterns.hpp"
#include "plan_input.hpp"
#include "slots.hpp"

#include <vknorm/runtime.hpp>
#include <vknorm/vknorm.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace vknorm::compare {

// The device cannot do it, or not in the way that was asked for.
struct Unsupported : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// An operand that is an operand of another step as well: the tensor is that step's.
struct Link {
    VknRole role;
    size_t ownerStep;
    VknRole ownerRole;
};

struct StepInput {
    Case test;
    std::vector<Link> links = {};
    bool isPreparation = false;  // makes what the others read; run once and not measured
};

// The operation; before the backward, the forward that saves its statistics.
std::vector<StepInput> stepsOf(const Case& test);
// What does the same in several steps (Operation::apart, which it has).
std::vector<StepInput> stepsApart(const Case& test);

struct Tensor {
    VknRole role;  // of the step that owns it
    VknType type;
    uint64_t elements;
    Distribution distribution;
    bool isWritten = false;
    size_t group = 0;     // of tensors that must lie in one buffer
    uint64_t offset = 0;  // bytes in the group's part of a slot
};

struct StepOperand {
    VknRole role;
    size_t tensor;
    uint64_t firstElement = 0;  // a key's rows lie between the query's
    uint64_t outerStride = 0;
};

// A kernel of a step, which several can be measured for on the same tensors.
struct StepKernel {
    std::shared_ptr<Plan> plan;  // which programs of the same operation with other rows share
    VknPlanInfo info = {};
    std::vector<Binding> bindings;  // one a slot
};

struct Step : StepKernel {
    Case test;
    bool isPreparation = false;
    std::vector<VknOperandType> linkedTypes;
    vkn::OperationSpec spec;
    std::vector<StepOperand> operands;
    std::vector<SlotBuffers> scratch;  // one, or none

    const StepOperand* find(VknRole role) const;
};

class Program {
public:
    // Throws Skipped, Unsupported, and RuntimeError. `kernel` is not for preparations.
    Program(Device& device, Patterns& patterns, const std::vector<StepInput>& inputs, const KernelOverride& kernel,
            const MemoryLimits& limits);

    // Another choice for the steps that are measured, on the same tensors. Returns its number; the constructor's has 0. What is
    // recorded, run and told is of the one that was selected last: 0 in the beginning. Throws what the constructor does.
    size_t addKernel(const KernelOverride& kernel);
    // One of a program that differs in its number of rows alone: nothing is compiled again.
    size_t addKernelOf(const Program& other, size_t number);
    void selectKernel(size_t number);

    const std::vector<Step>& steps() const { return steps_; }
    const SlotPlan& slotPlan() const { return slotPlan_; }
    uint64_t workingSetBytes() const { return slotBytes_ * slotPlan_.slots; }
    // Of the steps that are measured: each input read once, each output written once.
    uint64_t leastBytes() const;

    // The steps that are measured.
    void record(VkCommandBuffer commands, uint32_t slot) const;
    // All outputs made NaN, each slot's another one; then everything in each slot.
    void runAll();
    // The measured steps in the first slot.
    void runFirst();

    // Elements of an operand in the first slot, as numbers; u32 as they are.
    std::vector<double> read(const Step& step, VknRole role, uint64_t first, uint64_t count) const;
    std::vector<uint32_t> readBits(const Step& step, VknRole role, uint64_t first, uint64_t count) const;
    // Empty, or which output is not the same, bit by bit, in every slot.
    std::string findDifference() const;

    // In the first slot: leaves only these rows of an operand other than zero; makes it as it was.
    void keepRows(const Step& step, VknRole role, const std::vector<uint64_t>& rows);
    void restore(const Step& step, VknRole role);

private:
    void makeStep(const StepInput& input, const std::vector<VknOperandType>& linkedTypes, const KernelOverride& kernel);
    StepKernel makeKernel(const Step& step, const KernelOverride& kernel) const;
    template <typename MakeKernel>
    size_t addKernels(const MakeKernel& makeOne);
    void makeTensors(const std::vector<StepInput>& inputs);
    void makeOwnTensors(size_t step, const StepInput& input);
    static void interleaveKey(Step& step, VknRole key);
    void linkTensors(size_t step, const StepInput& input);
    void placeTensors();
    void makeBindings(Step& step, StepKernel& kernel);
    VknExecuteInfo executeInfo(const Step& step, uint32_t slot, std::vector<VknOperand>& operands) const;
    uint64_t scratchSize(const Step& step, const StepKernel& kernel) const;
    SlotBuffers::Place placeOf(const Tensor& tensor, uint32_t slot) const;
    void fill();
    void uploadFirst(const Tensor& tensor);
    void copyFirstToOthers();
    void poison();

    Device& device_;
    Patterns& patterns_;
    std::vector<Step> steps_;
    std::vector<std::vector<StepKernel>> kernels_;  // of each step, but for the selected one's, which are in the steps
    size_t selected_ = 0;
    std::vector<Tensor> tensors_;
    std::vector<uint64_t> groupBytes_;
    mutable std::vector<SlotBuffers> groups_;
    uint64_t slotBytes_ = 0;
    SlotPlan slotPlan_;
};

}  // namespace vknorm::compare
