// What kernels and host agree on: specialisation constants, bindings, flags and push constants. Read by GLSL and by C++.
// SPDX-License-Identifier: Apache-2.0
#ifndef VKN_INTERFACE_H
#define VKN_INTERFACE_H

// Operands; the numbers are VknRole's.
#define VKN_OPERAND_INPUT 1
#define VKN_OPERAND_OUTPUT 2
#define VKN_OPERAND_GAMMA 3
#define VKN_OPERAND_BETA 4
#define VKN_OPERAND_MEAN 5
#define VKN_OPERAND_RSTD 6
#define VKN_OPERAND_RESIDUAL 7
#define VKN_OPERAND_RESIDUAL_OUTPUT 8
#define VKN_OPERAND_INPUT_2 9
#define VKN_OPERAND_OUTPUT_2 10
#define VKN_OPERAND_GAMMA_2 11
#define VKN_OPERAND_BETA_2 12
#define VKN_OPERAND_BRANCH_BIAS 13
#define VKN_OPERAND_BRANCH_BIAS_2 14
#define VKN_OPERAND_LAYER_SCALE 15
#define VKN_OPERAND_ROW_SCALE 16
#define VKN_OPERAND_MEAN_2 17
#define VKN_OPERAND_RSTD_2 18
#define VKN_OPERAND_SEED 19
#define VKN_OPERAND_OUTPUT_SCALE 20
#define VKN_OPERAND_OUTPUT_SCALE_2 21
#define VKN_OPERAND_STATIC_SCALE 22
#define VKN_OPERAND_STATIC_SCALE_2 23
#define VKN_OPERAND_GATE 24
#define VKN_OPERAND_ROW_INDEX 25
#define VKN_OPERAND_POSITIONS 26
#define VKN_OPERAND_ROPE_TABLE 27
#define VKN_OPERAND_COS_SIN 28
#define VKN_OPERAND_KEY 29
#define VKN_OPERAND_KEY_OUTPUT 30
#define VKN_OPERAND_KEY_GAMMA 31
#define VKN_OPERAND_RUNNING_MEAN 32
#define VKN_OPERAND_RUNNING_VARIANCE 33
#define VKN_OPERAND_BATCH_MEAN 34
#define VKN_OPERAND_BATCH_RSTD 35
#define VKN_OPERAND_OUTPUT_GRADIENT 36
#define VKN_OPERAND_OUTPUT_2_GRADIENT 37
#define VKN_OPERAND_RESIDUAL_OUTPUT_GRADIENT 38
#define VKN_OPERAND_INPUT_GRADIENT 39
#define VKN_OPERAND_INPUT_2_GRADIENT 40
#define VKN_OPERAND_RESIDUAL_GRADIENT 41
#define VKN_OPERAND_GATE_GRADIENT 42
#define VKN_OPERAND_GAMMA_GRADIENT 43
#define VKN_OPERAND_BETA_GRADIENT 44
#define VKN_OPERAND_GAMMA_2_GRADIENT 45
#define VKN_OPERAND_BETA_2_GRADIENT 46
#define VKN_OPERAND_BRANCH_BIAS_GRADIENT 47
#define VKN_OPERAND_BRANCH_BIAS_2_GRADIENT 48
#define VKN_OPERAND_LAYER_SCALE_GRADIENT 49
#define VKN_OPERAND_ALPHA_GRADIENT 50
#define VKN_OPERAND_COUNT 51

// Specialisation constants. Floats are given by their bits.
#define VKN_SPEC_WORKGROUP_SIZE 0  // invocations
#define VKN_SPEC_FORM 1            // VKN_FORM_*
#define VKN_SPEC_SUBGROUP_SIZE 2   // invocations; 1 where the form has no use for it
#define VKN_SPEC_GROUP 3      // chunks a lane has in flight: the whole row, or a part of it where READ_AGAIN is set
#define VKN_SPEC_CHUNK 4      // elements of a chunk: 4 where all types are F32, otherwise 8
#define VKN_SPEC_PIECE 5      // elements that a kernel for any alignment reads at once: 4, or 2 where registers are few
#define VKN_SPEC_FLAGS 6      // VKN_FLAG_*
#define VKN_SPEC_OPERANDS 7   // bit (1 << VKN_OPERAND_*) of those below 32 that there are
#define VKN_SPEC_PLACEMENT 8  // VKN_PLACEMENT_*
#define VKN_SPEC_EPSILON 9
#define VKN_SPEC_WEIGHT_OFFSET 10
#define VKN_SPEC_RESIDUAL_SCALE 11
#define VKN_SPEC_BRANCH_SCALE 12
#define VKN_SPEC_DROP_BELOW 13    // random bits below are dropped; 0: no dropout
#define VKN_SPEC_KEPT_SCALE 14    // by which others are multiplied
#define VKN_SPEC_DROPOUT_WORD 15  // where dropout's words start in the push constants
#define VKN_SPEC_PARTIAL_SIZE 16  // elements of a row whose statistics are taken; 0: all
#define VKN_SPEC_OPERATION 17     // VKN_OPERATION_*
#define VKN_SPEC_ALPHA 18
#define VKN_SPEC_PARAMETER_ROWS 19       // of gamma and beta
#define VKN_SPEC_PARAMETER_ROWS_WORD 20  // where the first row's number among them lies in the push constants
#define VKN_SPEC_ACTIVATION 21           // VKN_ACTIVATION_*
#define VKN_SPEC_QUANTIZATION 22         // VKN_QUANTIZATION_*
#define VKN_SPEC_BLOCK_SIZE 23           // elements that have a scale of their own
#define VKN_SPEC_SCALE 24                // of the output, where it is static
#define VKN_SPEC_SCALE_2 25              // of the second
#define VKN_SPEC_LARGEST_VALUE 26        // a larger absolute maximum counts as this
#define VKN_SPEC_ROTARY_SIZE 27          // elements of a row that turn; 0: none
#define VKN_SPEC_ROPE_SCALE 28           // by which they are multiplied
#define VKN_SPEC_QUERY_ROWS 29           // rows of an outer block before those of the key
#define VKN_SPEC_GROUP_CHANNELS 30       // GroupNorm: channels of a group, of which a row is one; otherwise 0
#define VKN_SPEC_OPERANDS_FROM_32 31     // bit (1 << (VKN_OPERAND_* - 32))
#define VKN_SPEC_MOMENTUM 32             // of BatchNorm's running statistics
#define VKN_SPEC_SUMS 33                 // bit (1 << VKN_SUM_*) of the sums that a kernel of columns takes
#define VKN_SPEC_SCRATCH_WORD 34         // where the words about scratch start in the push constants
#define VKN_SPEC_ROWS_AT_ONCE 35         // that a team works on, where there are enough: 1, 2 or 4
#define VKN_SPEC_FIRST_TYPE 36
#define VKN_SPEC_TYPE_OF(operand) (VKN_SPEC_FIRST_TYPE + (operand))  // VKN_FORMAT_*
// Where its words start in the push constants.
#define VKN_SPEC_WORD_OF(operand) (VKN_SPEC_FIRST_TYPE + VKN_OPERAND_COUNT + (operand))
#define VKN_SPEC_COUNT (VKN_SPEC_FIRST_TYPE + 2 * VKN_OPERAND_COUNT)

// Kernel forms; the numbers are VknKernelForm's.
#define VKN_FORM_SUBGROUP 1
#define VKN_FORM_SUBGROUP_SHARED 2
#define VKN_FORM_SHARED 3

// Element formats; the numbers are VknType's.
#define VKN_FORMAT_F32 0
#define VKN_FORMAT_F16 1
#define VKN_FORMAT_BF16 2
#define VKN_FORMAT_I8 3
#define VKN_FORMAT_F8_E4M3 4
#define VKN_FORMAT_F8_E5M2 5

// Enumerations of vknorm.h, whose names these would be in C.
#ifndef __cplusplus
#define VKN_OPERATION_RMS_NORM 1
#define VKN_OPERATION_LAYER_NORM 2
#define VKN_OPERATION_DYT 3
#define VKN_OPERATION_GATED_ACTIVATION 4
#define VKN_OPERATION_GROUP_NORM 5
#define VKN_OPERATION_BATCH_NORM 6
#define VKN_ACTIVATION_SILU 0
#define VKN_ACTIVATION_GELU 1
#define VKN_ACTIVATION_GELU_TANH 2
#define VKN_ACTIVATION_RELU 3
#define VKN_ACTIVATION_SIGMOID 4
#define VKN_QUANTIZATION_STATIC 0
#define VKN_QUANTIZATION_PER_ROW 1
#define VKN_QUANTIZATION_PER_BLOCK 2
#define VKN_PLACEMENT_NONE 0
#define VKN_PLACEMENT_PRE_NORM 1
#define VKN_PLACEMENT_POST_NORM 2
#define VKN_PLACEMENT_SANDWICH 3
#define VKN_PLACEMENT_SANDWICH_PRE_NORM 4
#define VKN_PLACEMENT_PARALLEL 5
#endif

#define VKN_FLAG_NORM_FIRST 0x1  // the gate is multiplied to what the norm makes, not to what it reads
#define VKN_FLAG_EPSILON_OUTSIDE 0x2
#define VKN_FLAG_EARLY_CAST 0x4
#define VKN_FLAG_READ_AGAIN 0x8         // the row does not fit in registers
#define VKN_FLAG_IN_PLACE 0x10          // what is read where it is written may share words with it
#define VKN_FLAG_GPU_ROWS 0x20          // the number of rows comes from a buffer
#define VKN_FLAG_OUTER_STRIDES 0x40     // tensors of rows have an outer stride
#define VKN_FLAG_INTERLEAVED 0x80       // pairs that turn are neighbours
#define VKN_FLAG_CHANNELS_LAST 0x100    // a row's channels lie next to each other, rather than a channel's elements
#define VKN_FLAG_WHOLE_CHUNKS 0x200     // no chunk has elements of two channels
#define VKN_FLAG_FRUGAL 0x400           // registers are few: as little as possible is alive at once
#define VKN_FLAG_DRAWS_FIRST 0x800      // of frugal kernels: which elements are dropped is found first
#define VKN_FLAG_ANGLE_PRODUCTS 0x1000  // a pair's angle is an fp32 product, rather than a fraction of a turn
#define VKN_FLAG_MEASURE_ONLY 0x2000  // a backward kernel writes what its rows' norms need to scratch, and nothing else
#define VKN_FLAG_TRAINING 0x4000      // of BatchNorm: the statistics are those of the rows
#define VKN_FLAG_WHOLE_GROUPS 0x8000  // every lane has every chunk of every group, whole; all halves turn
#define VKN_FLAG_ONE_TURN 0x10000     // there are as many workgroups as it takes, in a grid of two dimensions
#define VKN_FLAG_HOLDS_WEIGHTS 0x20000  // gamma and beta are held beside a row that is held
#define VKN_FLAG_ROWS_IN_ORDER 0x40000  // a team's rows lie one behind the other
#define VKN_FLAG_STORES_FIRST 0x80000   // the first pass writes its elements, which later ones read there

// Bindings as the modules are written. The host renumbers them for each plan (src/device/specialise.cpp), so that a layout
// holds what the operation has and nothing else.
#define VKN_BINDING_INPUT 0
#define VKN_BINDING_OUTPUT 1
#define VKN_BINDING_GAMMA 2
#define VKN_BINDING_BETA 3
#define VKN_BINDING_PARAMETERS 4  // those that are rare
#define VKN_BINDING_SCALARS 5     // one a row, and the seed
#define VKN_BINDING_RESIDUAL 6
#define VKN_BINDING_RESIDUAL_OUTPUT 7
#define VKN_BINDING_INPUT_2 8
#define VKN_BINDING_OUTPUT_2 9
#define VKN_BINDING_OUTPUT_GRADIENT 10
#define VKN_BINDING_OUTPUT_2_GRADIENT 11
#define VKN_BINDING_RESIDUAL_OUTPUT_GRADIENT 12
#define VKN_BINDING_INPUT_GRADIENT 13
#define VKN_BINDING_INPUT_2_GRADIENT 14
#define VKN_BINDING_RESIDUAL_GRADIENT 15
#define VKN_BINDING_SCRATCH 16
#define VKN_BINDING_COUNT 17
// A uniform buffer, at this number in every layout, which has at most 8 storage buffers: the arguments of an indirect
// dispatch.
#define VKN_BINDING_DISPATCH 17

// Sizes of the shared arrays, which are literals in the kernels.
#define VKN_MAX_SUBGROUPS 64            // of a workgroup, in FORM_SUBGROUP_SHARED
#define VKN_MAX_SHARED_WORKGROUP 512    // invocations, in FORM_SHARED
#define VKN_MAX_EMULATED_WORKGROUP 512  // invocations, where a test build emulates subgroups
#define VKN_COLUMN_WORKGROUP 64         // invocations of the kernels of columns
#define VKN_JOINED_COLUMNS 8            // that a workgroup joins the parts of, with as many invocations for each
#define VKN_MAX_GROUP 8                 // chunks that are unrolled
#define VKN_MAX_ROWS_AT_ONCE 4          // by one team
#define VKN_DRAWN_WORDS 2048            // bits of a row's elements that are dropped, of all branches

// The gradients of parameters, which are sums over rows.
#define VKN_SUM_GAMMA 0
#define VKN_SUM_BETA 1
#define VKN_SUM_GAMMA_2 2
#define VKN_SUM_BETA_2 3
#define VKN_SUM_BRANCH_BIAS 4
#define VKN_SUM_BRANCH_BIAS_2 5
#define VKN_SUM_LAYER_SCALE 6
#define VKN_SUM_ALPHA 7
#define VKN_SUM_COUNT 8

// What a backward kernel leaves in scratch of each of a row's norms: the statistics and the means of gradients.
#define VKN_WORDS_OF_NORM 8

// The self-test writes, for each pattern and lane, a sum, two that are taken at a time, and a maximum.
#define VKN_SELF_TEST_PATTERNS 8
#define VKN_SELF_TEST_WORKGROUPS 2
#define VKN_SELF_TEST_WORDS 4
#define VKN_SELF_TEST_VALUE(pattern, index) (((index)*7u + (pattern)*13u + (index) / 5u) % 31u)

// Push constants of a row's kernel: words. First these; then those of each tensor of rows (offset, row stride, and outer stride) in
// elements of its type, or what a kernel of aligned rows accesses at once; and one of any other operand (offset) in elements.
// Offsets are from the start of the bound range. ROW_INDEX and COS_SIN have another, the number of the last row that there is. Then
// dropout's; then the number of the first row among the rows of gamma and beta, where they have several. What has to do with outer
// blocks is there if there is room for all of it.
#define VKN_WORD_ROWS 0  // of this dispatch; unused where they come from a GPU buffer
#define VKN_WORD_HIDDEN_SIZE 1
#define VKN_WORD_ROWS_PER_OUTER 2
#define VKN_WORD_OUTER_DIVISOR 3  // what rows are divided by it with: dividingBy() in src/plan/split.hpp
#define VKN_WORD_FIRST_OPERAND 4
#define VKN_WORD_FIRST_WITHOUT_OUTER 2
#define VKN_ROW_BITS 26  // a dispatch has at most 2^26 rows
#define VKN_DIVISOR_SHIFT_BITS 5
#define VKN_DROPOUT_WORDS 5  // number of the first row low, high, stream, and unless it is an operand, seed low, high
#define VKN_SEED_WORDS 2
// Words about scratch, from VKN_SPEC_SCRATCH_WORD on.
#define VKN_SCRATCH_ROWS 0         // where in the binding that which is left of rows starts; of BatchNorm, of columns
#define VKN_SCRATCH_SUMS 1         // these are a kernel of columns': where the sums of this dispatch's first part start
#define VKN_SCRATCH_PART_STRIDE 2  // words from a part's sums to the next one's
#define VKN_SCRATCH_ROWS_PER_PART 3  // a multiple of the rows of gamma
#define VKN_SCRATCH_PARTS 4          // of this dispatch
#define VKN_SCRATCH_WORDS 5
#define VKN_MAX_WORDS 32

#ifdef __cplusplus
#include <cstdint>
namespace vkn {
using uint = uint32_t;
#define VKN_PUSH_CONSTANTS(name) struct name
#define VKN_PUSH_CONSTANTS_END
#else
#define VKN_PUSH_CONSTANTS(name) layout(push_constant) uniform name
#define VKN_PUSH_CONSTANTS_END pc
#endif

#if defined(__cplusplus) || defined(VKN_KERNEL_OF_ROWS)
VKN_PUSH_CONSTANTS(RowConstants) { uint words[VKN_MAX_WORDS]; }
VKN_PUSH_CONSTANTS_END;
#endif

#if defined(__cplusplus) || defined(VKN_KERNEL_PREPARE_ROWS)
VKN_PUSH_CONSTANTS(PrepareRowsConstants) {
    uint rowsWord;    // where the number of rows lies in the rows buffer's bound range
    uint targetWord;  // where the dispatch arguments go in the scratch's bound range
    uint firstRow;    // of the dispatch that is prepared
    uint maxRows;     // of it
    uint groups;      // rows of the kernel that a row of the operation has
    uint rowsPerWorkgroup;
    uint maxWorkgroups;
    uint oneTurn;  // 1: more of them make further layers of the grid, 0: they loop
}
VKN_PUSH_CONSTANTS_END;
#endif

// Statistics of columns. The rows of a column come in parts of the same size, but for the last. The first kernel writes the mean
// of each part's elements and the sum of squares about it, two words a column; the second one joins them.
#if defined(__cplusplus) || defined(VKN_KERNEL_COLUMNS)
VKN_PUSH_CONSTANTS(ColumnConstants) {
    uint rows;  // of this dispatch
    uint hiddenSize;
    uint start;      // of the first row, in elements from the start of the bound range
    uint rowStride;  // elements
    uint rowsPerPart;
    uint parts;      // of this dispatch
    uint firstPart;  // among those of all dispatches
}
VKN_PUSH_CONSTANTS_END;
#endif

#if defined(__cplusplus) || defined(VKN_KERNEL_JOIN_COLUMNS)
VKN_PUSH_CONSTANTS(JoinColumnsConstants) {
    uint hiddenSize;
    uint parts;
    uint rowsPerPart;
    uint rowsOfLastPart;
    uint batchMean;  // first words of the operands, from the start of their bindings
    uint batchRstd;
    uint runningMean;
    uint runningVariance;
}
VKN_PUSH_CONSTANTS_END;
#endif

// Joins the parts of a sum: element c of the result is the sum, over all parts and repeats, of the word
// (c / inner) * outerStride + (c % inner) * innerStride + repeat * repeatStride of each part.
#if defined(__cplusplus) || defined(VKN_KERNEL_JOIN_SUMS)
VKN_PUSH_CONSTANTS(JoinSumsConstants) {
    uint first;  // word of the first part's in the scratch
    uint parts;
    uint partStride;
    uint elements;
    uint inner;
    uint innerStride;
    uint outerStride;
    uint repeats;
    uint repeatStride;
    uint lanesPerElement;  // a power of two that divides VKN_COLUMN_WORKGROUP
    uint target;           // of the first element, from the start of its binding, in elements
    uint format;           // VKN_FORMAT_F32, F16 or BF16
    uint accumulates;      // added to what is there
    float factor;          // by which the sum is multiplied
}
VKN_PUSH_CONSTANTS_END;
#endif

#if defined(__cplusplus) || defined(VKN_KERNEL_SELF_TEST)
VKN_PUSH_CONSTANTS(SelfTestConstants) {
    uint targetWord;  // where this form's results go in the bound range
}
VKN_PUSH_CONSTANTS_END;
#endif

#ifdef __cplusplus
}  // namespace vkn
#endif

#endif
