/* The embedded SPIR-V modules. The definitions are generated at build time from shaders/variants.cmake. */
#ifndef VKNORM_KERNELS_H
#define VKNORM_KERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(_WIN32)
#define VKN_KERNELS_HIDDEN __attribute__((visibility("hidden")))
#else
#define VKN_KERNELS_HIDDEN
#endif

typedef struct VknKernelModule {
    const char* name;      /* as in the table: norm.sg, norm.base, ... */
    const uint8_t* packed; /* src/device/packed_module.hpp says how */
    uint32_t packedSize;
    const struct VknKernelModule* like; /* the module whose code this one's continues; null: none */
} VknKernelModule;

VKN_KERNELS_HIDDEN extern const VknKernelModule vkn_kernels[];
VKN_KERNELS_HIDDEN extern const uint32_t vkn_kernelCount;
/* Over the names of all modules and what they are unpacked: caches and tuning tables made with other kernels are a miss. */
VKN_KERNELS_HIDDEN extern const uint64_t vkn_kernelHash;
/* What this build was made with, for messages: "forward,backward". */
VKN_KERNELS_HIDDEN extern const char vkn_kernelFamilies[];

#ifdef __cplusplus
}
#endif

#endif
