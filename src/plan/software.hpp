// What software drivers are like: as measured, or as their source has it.
#pragma once

#include "plan/choose.hpp"
#include "plan/facts.hpp"
#include "plan/operation.hpp"

namespace vkn {

bool isLavapipe(const DeviceFacts& facts);
bool isSwiftShader(const DeviceFacts& facts);

// How many rows to work on at once, of so many chunks a lane. On a CPU, loads are dear beside arithmetic, so what rows share is best
// read once; and its caches fetch ahead of several rows better than of one.
uint32_t usualRowsAtOnce(const DeviceFacts& facts, const KernelChoice& choice, uint32_t chunks);

// Chunks in flight of a row that is read again. The code must be short for a CPU's caches.
uint32_t usualGroupOfCpu(const DeviceFacts& facts, const OperationSpec& spec);

// lavapipe ends an invocation, without a word, once all its loops together have taken so many turns
// (LP_MAX_TGSI_LOOP_ITERATIONS).
constexpr uint32_t kTurnsOfLavapipe = 65535;

// The most turns that the loops over a row take, of which a lane has so many pieces, of any alignment; and the most pieces for which
// there are enough.
uint64_t turnsOfRow(const OperationSpec& spec, uint64_t pieces);
uint64_t mostPiecesOfLane(const OperationSpec& spec);

// The same of a row's summands in the backward's kernel of columns, a lane of which has a chunk of them.
uint64_t turnsOfSummands(const OperationSpec& spec, uint32_t chunk);

}  // namespace vkn
