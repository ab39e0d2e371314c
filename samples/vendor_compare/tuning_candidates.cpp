// SPDX-License-Identifier: Apache-2.0
#include "tuning_candidates.hpp"

#include "include/interface.h"

#include <fmt/format.h>

#include <algorithm>

namespace vknorm::compare {
namespace {

// Two that differ in what was asked for and not in what is run are one.
struct Candidate {
    KernelOverride kernel;
    vkn::KernelChoice choice;

    bool isSame(const Candidate& other) const {
        return choice.form == other.choice.form && choice.workgroupSize == other.choice.workgroupSize &&
               choice.subgroupSize == other.choice.subgroupSize && choice.readAgain == other.choice.readAgain &&
               choice.maxWorkgroups == other.choice.maxWorkgroups && choice.rowsAtOnce == other.choice.rowsAtOnce;
    }
};

std::vector<uint32_t> subgroupSizes(const vkn::DeviceFacts& facts) {
    std::vector<uint32_t> sizes = {0};  // the library's
    for (uint32_t size = facts.minSubgroupSize; facts.canRequireSubgroupSize && size <= facts.maxSubgroupSize;
         size *= 2) {
        sizes.push_back(size);
    }
    return sizes;
}

std::vector<uint32_t> workgroupSizes(const vkn::DeviceFacts& facts) {
    std::vector<uint32_t> sizes = {0};
    for (uint32_t size = 8; size <= facts.maxWorkgroupInvocations; size *= 4) {
        sizes.push_back(size);
    }
    return sizes;
}

class Collector {
public:
    Collector(const vkn::DeviceFacts& facts, const vkn::OperationSpec& spec) : facts_(facts), spec_(spec) {}

    void add(const KernelOverride& kernel) {
        vkn::OperationSpec spec = spec_;
        spec.form = static_cast<uint32_t>(kernel.form);
        spec.workgroupSize = kernel.workgroupSize;
        spec.subgroupSize = kernel.subgroupSize;
        spec.maxWorkgroups = kernel.maxWorkgroups;
        spec.rowsAtOnce = kernel.rowsAtOnce;
        spec.readTwice = kernel.readTwice ? 1 : 0;
        Candidate added;
        if (vkn::chooseKernel(facts_, spec, added.choice, nullptr) != VKN_SUCCESS || isIdle(added.choice)) {
            return;
        }
        added.kernel = overrideOf(added.choice, kernel.readTwice);
        const bool isNew =
            std::none_of(all_.begin(), all_.end(), [&](const Candidate& each) { return each.isSame(added); });
        if (isNew) {
            all_.push_back(added);
        }
    }

    std::vector<KernelOverride> kernels() const {
        std::vector<KernelOverride> kernels;
        for (const Candidate& each : all_) {
            kernels.push_back(each.kernel);
        }
        return kernels;
    }

private:
    // Never the first one, which is the library's.
    bool isIdle(const vkn::KernelChoice& choice) const {
        const bool hasShorter = choice.teamSize() > std::max(choice.subgroupSize, 4U);
        return !all_.empty() && hasShorter && choice.teamSize() / 2 * choice.chunk >= spec_.kernelRowSize();
    }

    const vkn::DeviceFacts& facts_;
    const vkn::OperationSpec& spec_;
    std::vector<Candidate> all_;
};

}  // namespace

KernelOverride overrideOf(const vkn::KernelChoice& choice, bool readTwice) {
    KernelOverride kernel;
    kernel.form = choice.form;
    kernel.workgroupSize = choice.workgroupSize;
    kernel.subgroupSize = choice.subgroupSize;
    kernel.maxWorkgroups = choice.maxWorkgroups;
    kernel.rowsAtOnce = choice.rowsAtOnce;
    kernel.readTwice = readTwice;
    return kernel;
}

std::vector<KernelOverride> structuresOf(const vkn::DeviceFacts& facts, const vkn::OperationSpec& spec) {
    Collector collector(facts, spec);
    collector.add({});
    for (const VknKernelForm form :
         {VKN_KERNEL_FORM_SUBGROUP, VKN_KERNEL_FORM_SUBGROUP_SHARED, VKN_KERNEL_FORM_SHARED}) {
        for (const uint32_t subgroupSize : subgroupSizes(facts)) {
            for (const uint32_t workgroupSize : workgroupSizes(facts)) {
                const bool isOfNoMatter = form == VKN_KERNEL_FORM_SHARED && subgroupSize != 0;
                if (!isOfNoMatter) {
                    collector.add({form, workgroupSize, subgroupSize, 0, 0, false});
                }
            }
        }
    }
    return collector.kernels();
}

std::vector<KernelOverride> neighboursOf(const vkn::DeviceFacts& facts, const vkn::OperationSpec& spec,
                                         const KernelOverride& structure) {
    Collector collector(facts, spec);
    collector.add(structure);
    const auto addWith = [&](auto KernelOverride::*field, auto value) {
        KernelOverride next = structure;
        next.*field = value;
        collector.add(next);
    };
    if (structure.workgroupSize > 1) {
        addWith(&KernelOverride::workgroupSize, structure.workgroupSize / 2);
    }
    addWith(&KernelOverride::workgroupSize, structure.workgroupSize * 2);
    for (uint32_t rows = 1; rows <= VKN_MAX_ROWS_AT_ONCE; rows *= 2) {
        addWith(&KernelOverride::rowsAtOnce, rows);
    }
    addWith(&KernelOverride::readTwice, true);
    std::vector<KernelOverride> kernels = collector.kernels();
    kernels.erase(kernels.begin());
    return kernels;
}

std::vector<KernelOverride> gridsOf(const vkn::DeviceFacts& facts, const KernelOverride& structure) {
    // Not fewer: a table that was measured with two cores must do for a CPU with many.
    constexpr uint32_t kLimitsOfCpus[] = {32, 64, 256, 1024};
    constexpr uint32_t kLimitsOfGpus[] = {256, 1024, 4096, 65535};
    std::vector<KernelOverride> grids = {structure};
    const auto add = [&](uint32_t limit) {
        if (limit != structure.maxWorkgroups && limit <= facts.maxWorkgroupCountX) {
            grids.push_back(structure);
            grids.back().maxWorkgroups = limit;
        }
    };
    if (facts.isCpu) {
        std::for_each(std::begin(kLimitsOfCpus), std::end(kLimitsOfCpus), add);
    } else {
        std::for_each(std::begin(kLimitsOfGpus), std::end(kLimitsOfGpus), add);
    }
    return grids;
}

KernelOverride overrideOf(const vkn::TuningEntry& entry) {
    return {static_cast<VknKernelForm>(entry.form),
            entry.workgroupSize,
            entry.subgroupSize,
            entry.maxWorkgroups,
            entry.rowsAtOnce,
            entry.readTwice != 0};
}

void setKernel(vkn::TuningEntry& entry, const KernelOverride& kernel) {
    entry.form = static_cast<uint32_t>(kernel.form);
    entry.workgroupSize = kernel.workgroupSize;
    entry.subgroupSize = kernel.subgroupSize;
    entry.maxWorkgroups = kernel.maxWorkgroups;
    entry.rowsAtOnce = kernel.rowsAtOnce;
    entry.readTwice = kernel.readTwice ? 1 : 0;
}

std::string nameOf(const KernelOverride& kernel) {
    return fmt::format("{} {} x {}{}{}{}", nameOf(kernel.form), kernel.workgroupSize, kernel.maxWorkgroups,
                       kernel.subgroupSize == 0 ? "" : fmt::format(", {} lanes", kernel.subgroupSize),
                       kernel.rowsAtOnce > 1 ? fmt::format(", {} rows", kernel.rowsAtOnce) : "",
                       kernel.readTwice ? ", read twice" : "");
}

}  // namespace vknorm::compare
