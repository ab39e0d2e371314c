// The choice of kernel: one pure function over facts of the device and the operation.
//
// It decides the reduction tree of a row, so it must not know the number of rows.
#pragma once

#include "plan/facts.hpp"
#include "plan/operation.hpp"

namespace vkn {

struct KernelChoice {
    VknKernelForm form = VKN_KERNEL_FORM_AUTO;
    uint32_t workgroupSize = 0;
    uint32_t subgroupSize = 0;  // 0 in the form without subgroups
    bool requireSubgroupSize = false;
    bool requireFullSubgroups = false;
    uint32_t chunk = 0;  // elements of a chunk: 4 or 8
    uint32_t group = 0;  // chunks that a lane holds at once
    bool readAgain = false;
    bool hasWholeGroups = false;     // VKN_FLAG_WHOLE_GROUPS
    bool holdsWeights = false;       // VKN_FLAG_HOLDS_WEIGHTS
    bool storesFirst = false;        // VKN_FLAG_STORES_FIRST, of aligned rows
    bool takesRowsInOrder = false;   // VKN_FLAG_ROWS_IN_ORDER
    uint32_t rowsAtOnce = 1;         // that a team works on, where there are enough and they are aligned
    uint32_t unalignedPiece = 4;     // elements that the kernel for rows of any alignment reads at once
    bool hasAlignedKernel = false;   // another kernel, for rows that start at 16 bytes
    bool isFrugal = false;           // VKN_FLAG_FRUGAL
    bool drawsFirst = false;         // VKN_FLAG_DRAWS_FIRST
    bool hasOneTurn = false;         // VKN_FLAG_ONE_TURN: rows past maxWorkgroups are further layers of the grid
    bool hasAlignedColumns = false;  // and another kernel of columns for them
    uint32_t columnPiece = 4;        // as unalignedPiece, of the backward's kernel of columns
    uint32_t sumsPerPass = 0;        // over rows, that it takes at once
    uint32_t maxWorkgroups = 0;
    uint32_t mostRowsPerTeam = 0;  // of a dispatch, whatever maxWorkgroups says; 0: any number
    uint32_t mostRowsPerLane = 0;  // the same of a lane that sums rows up, for all its pieces of columns
    char reason[256] = {};

    // Never 0, even before anything is chosen.
    uint32_t teamSize() const {
        const uint32_t lanes = form == VKN_KERNEL_FORM_SUBGROUP ? subgroupSize : workgroupSize;
        return lanes != 0 ? lanes : 1;
    }
    uint32_t rowsPerWorkgroup() const { return workgroupSize > teamSize() ? workgroupSize / teamSize() : 1; }
    // Of a dispatch of so many rows: the most, and as many as are best, which may be more. Aligned rows can be worked on several at
    // once.
    uint32_t mostWorkgroups(uint64_t rows) const;
    uint64_t wantedWorkgroups(uint64_t rows, bool areAligned) const;
    // Of one that sums up so many rows for each piece of columns, with a lane for each piece if there are so many workgroups.
    uint32_t mostWorkgroupsOfSums(uint64_t workgroups, uint64_t rows) const;
};

// Elements of a chunk: 4 where every tensor is fp32, otherwise 8.
uint32_t chunkSize(const OperationSpec& spec);

// INVALID_ARGUMENT or UNSUPPORTED where an override asks for what the device does not permit, SELF_TEST_FAILED where no form
// is left. `source`: where an override comes from that is not the host's.
VknResult chooseKernel(const DeviceFacts& facts, const OperationSpec& spec, KernelChoice& choice, VknError* error,
                       const char* source = nullptr);

}  // namespace vkn
