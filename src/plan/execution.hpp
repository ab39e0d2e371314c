// A recording, worked out: which rows each dispatch takes, what it binds and its push constants. Pure arithmetic.
#pragma once

#include "base/unset_array.hpp"
#include "plan/choose.hpp"
#include "plan/columns.hpp"
#include "plan/grid.hpp"
#include "plan/kernel_interface.hpp"
#include "plan/split.hpp"

namespace vkn {

struct Execution {
    const OperationSpec* spec = nullptr;
    const KernelChoice* choice = nullptr;
    const KernelInterface* rows = nullptr;     // of the kernel of rows
    const KernelInterface* columns = nullptr;  // of the backward's kernel of columns
    RowShape shape;
    UnsetArray<Tensor, kRoleCount> tensors;    // by role: those that the plan has
    UnsetArray<ByteRange, kRoleCount> ranges;  // by role: the bytes that its first `rangedRows` rows cover
    uint64_t rangedRows = 0;
    Split split;
    uint32_t alignment = 0;  // of bound ranges
    bool isAligned = false;  // every row starts at 16 bytes and is a whole number of chunks
    // Dropout.
    uint64_t seed = 0;
    uint64_t firstRow = 0;
    uint32_t stream = 0;
    // Rows from a GPU buffer.
    VkBuffer rowsBuffer = VK_NULL_HANDLE;
    uint64_t rowsOffset = 0;
    VkBuffer scratchBuffer = VK_NULL_HANDLE;
    uint64_t scratchOffset = 0;
    uint64_t scratchStride = 0;  // bytes from the arguments of one dispatch to those of the next
    ColumnParts parts;           // of sums over rows
};

struct BoundBuffer {
    VkBuffer buffer = VK_NULL_HANDLE;
    uint64_t offset = 0;
    uint64_t size = 0;
};

struct Dispatch {
    uint32_t bindingCount = 0;
    UnsetArray<BoundBuffer, kMostStorageBuffers> buffers;  // by binding number
    UnsetArray<ByteRange, kMostStorageBuffers> written;  // the same ranges, where something is written; otherwise empty
    RowConstants constants;                              // set where there are any rows
    RowRun run;
    Grid grid;
};

// Fills in ranges, from tensors and shape: of all rows, which nearly every recording makes in one dispatch.
void findRanges(Execution& execution);

// Fills in split, isAligned and parts from the rest. False where a single row is larger than a binding may be.
bool finishExecution(const DeviceFacts& facts, Execution& execution);

// Whether the kernel of rows, or that of columns, is the one for aligned rows.
bool usesAlignedRows(const Execution& execution);
bool usesAlignedColumns(const Execution& execution);

// What a kernel binds in a dispatch, and its push constants.
Dispatch makeKernelDispatch(const Execution& execution, const KernelInterface& kernel, uint64_t index);

Dispatch makeDispatch(const Execution& execution, uint64_t index);

// The dispatch that reads a GPU buffer's rows and prepares dispatch `index`.
struct PrepareDispatch {
    BoundBuffer rows;
    BoundBuffer target;
    PrepareRowsConstants constants = {};
};
PrepareDispatch makePrepareDispatch(const Execution& execution, uint64_t index);

// A plan that trains first takes the statistics of each part of the columns, then joins the parts.
struct ColumnDispatch {
    BoundBuffer input;
    BoundBuffer parts;
    ColumnConstants constants = {};
    uint32_t workgroups = 0;
};
ColumnDispatch makeColumnDispatch(const Execution& execution, uint64_t index);

struct JoinDispatch {
    BoundBuffer parts;
    BoundBuffer ofBatch;
    BoundBuffer running;  // no buffer: none
    JoinColumnsConstants constants = {};
    uint32_t workgroups = 0;
};
JoinDispatch makeJoinDispatch(const Execution& execution);

// Bytes of scratch that an execution needs, and that one with any number of rows needs if its tensors need no split.
uint64_t scratchSize(const Execution& execution);
uint64_t mostScratchUnsplit(const DeviceFacts& facts, const OperationSpec& spec);
// What its offset is a multiple of; 1 where there is none.
uint64_t scratchAlignment(const DeviceFacts& facts, const OperationSpec& spec);

// Some workgroups loop where there are more of them than a device, or a CPU, takes.
uint32_t workgroupsOf(const Execution& execution, uint64_t wanted);

// The scratch as a whole.
BoundBuffer scratchBuffer(const Execution& execution);

// Scratch of one dispatch whose rows come from a GPU buffer.
uint64_t scratchStride(const DeviceFacts& facts);

// The range that an operand's accesses stay in, over all dispatches.
ByteRange operandRange(const Execution& execution, VknRole role);

}  // namespace vkn
