// The backward's plan: which operands each of its kernels accesses, and how sums over rows are divided, stored and joined.
#pragma once

#include "plan/execution.hpp"

namespace vkn {

// The sums over rows that a plan takes: bits (1 << VKN_SUM_*). BatchNorm in training needs two of them for its rows' gradients.
uint32_t sumsOf(const OperationSpec& spec);

// The operands of the kernel of rows, in either direction, and of that of columns.
RoleSet rolesOfRows(const OperationSpec& spec);
RoleSet rolesOfColumns(const OperationSpec& spec);

// Words about scratch that either is told.
uint32_t scratchWordsOfRows(const OperationSpec& spec);
uint32_t scratchWordsOfColumns(const OperationSpec& spec);

// A kernel of columns takes few sums at once where registers are few: the sums of each pass over the rows.
uint32_t passesOfSums(const OperationSpec& spec, const KernelChoice& choice);
uint32_t sumsOfPass(const OperationSpec& spec, const KernelChoice& choice, uint32_t pass);

// What happens in which order. Kernels of columns read what rows leave in scratch, unless nothing is taken over a row; in place, the
// rows' gradients must wait until they have, and a kernel that only measures comes first.
bool rowsLeaveScratch(const OperationSpec& spec);
bool measuresBefore(const OperationSpec& spec);
bool sumsComeFirst(const OperationSpec& spec);

// How rows are divided into parts, each of which has a whole number of rows of gamma: by their number and the row's size
// alone, but where a lane can only go through so many. Parts do not straddle dispatches. False where dispatches are not runs of rows
// that follow each other.
bool divideRows(const OperationSpec& spec, const KernelChoice& choice, const RowShape& shape, Split& split,
                ColumnParts& parts);

// Bytes of scratch, for these rows and for any number of them that needs no split.
uint64_t gradientScratch(const Execution& execution);

// The words about scratch of a run of rows that kernels of rows have, and those of columns as well.
void fillScratchWords(const Execution& execution, const RowRun& run, uint32_t* words);

// The dispatch of a pass's sums over the rows of dispatch `index`.
Dispatch makeGradientColumnDispatch(const Execution& execution, uint64_t index, uint32_t pass);

// What joins the parts of a sum: one for each gradient of a parameter, and for each mean that BatchNorm's rows need.
struct JoinSumsDispatch {
    BoundBuffer parts;
    BoundBuffer target;
    JoinSumsConstants constants = {};
    uint32_t workgroups = 0;
};
// The gradients come first: of no rows they are 0, and there are no means.
uint32_t joinCount(const Execution& execution);
JoinSumsDispatch makeJoinSumsDispatch(const Execution& execution, uint32_t index);

}  // namespace vkn
