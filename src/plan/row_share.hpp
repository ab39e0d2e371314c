// What each lane of a team has of a row, and whether registers hold that until the output, or it is read again.
#pragma once

#include "plan/choose.hpp"
#include "plan/register_budget.hpp"

namespace vkn {

// Of a choice in the making: each function regards what is chosen when it is called, and numbers of chunks are 0 before there are any.
class RowShare {
public:
    RowShare(const DeviceFacts& facts, const OperationSpec& spec, const KernelChoice& choice);

    const RegisterBudget& budget() const { return budget_; }
    bool hasManyRegisters() const;

    // Chunks of a row that each lane has where `team` of them share it.
    uint32_t chunks(uint32_t team) const;

    // The most of them that registers hold. Whether they do, as far as the operation and the device let them; a kernel that is not
    // for rows of any alignment converts whole chunks.
    uint32_t mostHeldChunks() const;
    bool isWorthHolding() const;
    bool convertsWholeChunks() const;

    // The turns that a lane's loops take, and whether the driver lets them.
    uint64_t turns(uint32_t team) const;
    bool hasTurnsFor(uint32_t team) const;

private:
    const DeviceFacts& facts_;
    const OperationSpec& spec_;
    const KernelChoice& choice_;
    const RegisterBudget budget_;

    bool mayHoldGradients() const;
    uint32_t registersOfChunk() const;
};

}  // namespace vkn
