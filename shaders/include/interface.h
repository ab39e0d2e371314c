// What kernels and host agree on: specialisation constants, bindings, flags and push constants. Read by GLSL and by C++.
// SPDX-License-Identifier: Apache-2.0
#ifndef VKN_INTERFACE_H
#define VKN_INTERFACE_H

// Specialisation constants.
#define VKN_SPEC_WORKGROUP_SIZE 0  // invocations
#define VKN_SPEC_FORM 1            // VKN_FORM_*
#define VKN_SPEC_SUBGROUP_SIZE 2   // invocations; 1 where the form has no use for it
#define VKN_SPEC_GROUP 3       // chunks a lane has in flight: the whole row, or a part of it where READ_AGAIN is set
#define VKN_SPEC_CHUNK 4       // elements of a chunk: 4 where all types are F32, otherwise 8
#define VKN_SPEC_INPUT_TYPE 5  // VKN_FORMAT_*
#define VKN_SPEC_OUTPUT_TYPE 6
#define VKN_SPEC_GAMMA_TYPE 7
#define VKN_SPEC_BETA_TYPE 8
#define VKN_SPEC_FLAGS 9   // VKN_FLAG_*
#define VKN_SPEC_PIECE 10  // elements that a kernel for any alignment reads at once: 4, or 2 where registers are few
#define VKN_SPEC_COUNT 11

// Kernel forms; the numbers are VknKernelForm's.
#define VKN_FORM_SUBGROUP 1
#define VKN_FORM_SUBGROUP_SHARED 2
#define VKN_FORM_SHARED 3

// Element formats; the numbers are VknType's.
#define VKN_FORMAT_F32 0
#define VKN_FORMAT_F16 1
#define VKN_FORMAT_BF16 2

#define VKN_FLAG_LAYER_NORM 0x1
#define VKN_FLAG_EPSILON_OUTSIDE 0x2
#define VKN_FLAG_EARLY_CAST 0x4
#define VKN_FLAG_SAVE_MEAN 0x8
#define VKN_FLAG_SAVE_RSTD 0x10
#define VKN_FLAG_GAMMA 0x20
#define VKN_FLAG_BETA 0x40
#define VKN_FLAG_READ_AGAIN 0x80  // the row does not fit in registers

// Bindings as the modules are written. The host renumbers them for each plan (src/device/module.cpp), so that a layout
// holds what the operation has and nothing else.
#define VKN_BINDING_INPUT 0
#define VKN_BINDING_OUTPUT 1
#define VKN_BINDING_GAMMA 2
#define VKN_BINDING_BETA 3
#define VKN_BINDING_SCALARS 4
#define VKN_BINDING_COUNT 5
#define VKN_BINDING_DISPATCH \
    8  // a uniform buffer, at this number in every layout: the arguments of an indirect dispatch

// Sizes of the shared arrays, which are literals in the kernels.
#define VKN_MAX_SUBGROUPS 64            // of a workgroup, in FORM_SUBGROUP_SHARED
#define VKN_MAX_SHARED_WORKGROUP 512    // invocations, in FORM_SHARED
#define VKN_MAX_EMULATED_WORKGROUP 512  // invocations, where a test build emulates subgroups
#define VKN_MAX_GROUP 8                 // chunks that are unrolled

// The self-test writes, for each pattern and lane, two sums and a maximum.
#define VKN_SELF_TEST_PATTERNS 8
#define VKN_SELF_TEST_WORKGROUPS 2
#define VKN_SELF_TEST_WORDS 3
#define VKN_SELF_TEST_VALUE(pattern, index) (((index)*7u + (pattern)*13u + (index) / 5u) % 31u)

// Push constants. Offsets and strides count elements of the operand's type from the start of the bound range; mean and
// rstd count words.
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

#if defined(__cplusplus) || defined(VKN_KERNEL_NORM)
VKN_PUSH_CONSTANTS(NormConstants) {
    uint rows;  // of this dispatch; unused where they come from a GPU buffer
    uint hiddenSize;
    uint rowsPerOuter;
    uint inputOffset;
    uint inputRowStride;
    uint inputOuterStride;
    uint outputOffset;
    uint outputRowStride;
    uint outputOuterStride;
    uint gammaOffset;
    uint betaOffset;
    uint meanOffset;
    uint rstdOffset;
    float epsilon;
    float weightOffset;
}
VKN_PUSH_CONSTANTS_END;
#endif

#if defined(__cplusplus) || defined(VKN_KERNEL_PREPARE_ROWS)
VKN_PUSH_CONSTANTS(PrepareRowsConstants) {
    uint rowsWord;    // where the number of rows lies in the rows buffer's bound range
    uint targetWord;  // where the dispatch arguments go in the scratch's bound range
    uint firstRow;    // of the dispatch that is prepared
    uint maxRows;     // of it
    uint rowsPerWorkgroup;
    uint maxWorkgroups;
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
