// Several kernels of a program, on the same tensors.
// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

namespace vknorm::compare {

// `makeOne` makes that of a step, but for its bindings.
template <typename MakeKernel>
size_t Program::addKernels(const MakeKernel& makeOne) {
    std::vector<StepKernel> added(steps_.size());
    for (size_t i = 0; i < steps_.size(); ++i) {
        Step& step = steps_[i];
        if (step.isPreparation) {
            continue;
        }
        added[i] = makeOne(i);
        const uint64_t room = step.scratch.empty() ? 0 : step.scratch.front().slotBytes();
        if (scratchSize(step, added[i]) > room) {
            throw Unsupported("needs more scratch than the kernel that was chosen first");
        }
        makeBindings(step, added[i]);
    }
    kernels_.push_back(std::move(added));
    return kernels_.size() - 1;
}

size_t Program::addKernel(const KernelOverride& kernel) {
    return addKernels([&](size_t step) { return makeKernel(steps_[step], kernel); });
}

size_t Program::addKernelOf(const Program& other, size_t number) {
    return addKernels([&](size_t step) {
        const StepKernel& kernel = number == other.selected_ ? other.steps_[step] : other.kernels_[number][step];
        StepKernel shared;
        shared.plan = kernel.plan;
        shared.info = kernel.info;
        return shared;
    });
}

void Program::selectKernel(size_t number) {
    for (size_t i = 0; i < steps_.size() && number != selected_; ++i) {
        if (!steps_[i].isPreparation) {
            StepKernel& current = steps_[i];
            kernels_[selected_][i] = std::move(current);
            current = std::move(kernels_[number][i]);
        }
    }
    selected_ = number;
}

}  // namespace vknorm::compare
