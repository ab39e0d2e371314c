/*
 * vknorm: transformer normalisation and fused residual kernels for any Vulkan GPU.
 * SPDX-License-Identifier: Apache-2.0
 *
 * THE CONTRACT, on one page
 *
 * What it does. The library records compute dispatches into command buffers of yours. It never submits, waits,
 * creates threads or queues, nor allocates device memory. It links no Vulkan symbol and has no global state.
 *
 * Lifetime. VknContext > VknPlan, VknBindingPool > VknBinding. Destroy children before their parent, and nothing
 * that a pending command buffer refers to. Destroying VKN_NULL_HANDLE does nothing. After a lost device everything can
 * still be destroyed.
 *
 * Threads. Functions carry a tag:
 *   [any thread]   may be called from any thread at any time;
 *   [synchronised] the host keeps other threads away from the objects named in the tag.
 * Plans are immutable once created, so any number of threads may record one plan into command buffers of their own.
 *
 * Ask, then tell. vknQueryDeviceRequirements names the extensions and features that would help. When the context is
 * created, the host says what it really enabled; nothing is inferred from what the device supports.
 *
 * Errors. Every failing call returns a negative VknResult and, where the caller passed a VknError, fills it with the
 * field, its value, the limit and a sentence. A failing call has written nothing and leaks nothing; a failing vknCmd...
 * has left the command buffer untouched.
 *
 * Structures are Vulkan's: set sType, leave pNext null or chain extensions, and zero is the default of every field.
 *
 * Data layout. A tensor is rows of hiddenSize elements. Row r of `rows` lies at element
 * (r / rowsPerOuter) * outerStride + (r % rowsPerOuter) * rowStride from the operand's offset. Any hidden size from 1 up,
 * any row stride >= hiddenSize, any offset that the element type allows (4 bytes for F32, 2 for F16 and BF16).
 * Elements narrower than 32 bits are accessed as 32-bit words: the other half of a word at the edge of a row keeps its
 * value, but it must not be written by anyone else while the operation runs.
 *
 * Numerics. Statistics and all arithmetic are fp32 (hidden in no 16-bit accumulator); stores round to nearest even.
 * Same plan, tuning table, device and driver: same bits, for any number of rows, row position, address and alignment.
 *
 * Synchronisation. Between operations it is the host's: vknGetPlanAccesses says which stages and accesses touch which
 * operand; vknCmdBarrier is a helper for the common case. Recording disturbs the compute pipeline binding, descriptor
 * set 0 of the compute bind point and push constants from byte 0 up (VknPlanInfo::pushConstantSize).
 */
#ifndef VKNORM_H
#define VKNORM_H

#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan_core.h>

#if defined(VKNORM_SHARED) && defined(_WIN32)
#ifdef VKNORM_BUILDING
#define VKN_API __declspec(dllexport)
#else
#define VKN_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define VKN_API __attribute__((visibility("default")))
#else
#define VKN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define VKN_VERSION_MAJOR 0
#define VKN_VERSION_MINOR 1
#define VKN_VERSION_PATCH 0
/* 10 bits, 10 bits, 12 bits: versions compare as numbers. */
#define VKN_MAKE_VERSION(major, minor, patch) ((major)*4194304u + (minor)*4096u + (patch))
#define VKN_VERSION VKN_MAKE_VERSION(VKN_VERSION_MAJOR, VKN_VERSION_MINOR, VKN_VERSION_PATCH)

#define VKN_NULL_HANDLE 0

typedef struct VknContext_T* VknContext;
typedef struct VknPlan_T* VknPlan;
typedef struct VknBindingPool_T* VknBindingPool;
typedef struct VknBinding_T* VknBinding;

/* ---- Results and errors -------------------------------------------------------------------------------------------- */

typedef enum VknResult {
    VKN_SUCCESS = 0,
    VKN_INCOMPLETE = 1,              /* the array handed in was too short; what fits was written */
    VKN_ERROR_INVALID_ARGUMENT = -1, /* a field is wrong: see VknError */
    VKN_ERROR_UNSUPPORTED = -2,      /* right in itself, but this device or version cannot do it */
    VKN_ERROR_OUT_OF_HOST_MEMORY = -3,
    VKN_ERROR_OUT_OF_DEVICE_MEMORY = -4,
    VKN_ERROR_DEVICE_LOST = -5,
    VKN_ERROR_PIPELINE_FAILED = -6,        /* the driver could not compile any kernel form that may be used */
    VKN_ERROR_BINDING_POOL_EXHAUSTED = -7, /* reset the pool, or make it larger */
    VKN_ERROR_SELF_TEST_FAILED = -8,       /* no kernel form is left that computes right on this device */
    VKN_ERROR_BAD_DATA = -9,               /* a serialised blob is damaged or of another version */
    VKN_ERROR_MISSING_FUNCTION = -10,      /* vkGetInstanceProcAddr did not know a function that is needed */
    VKN_RESULT_MAX_ENUM = 0x7FFFFFFF
} VknResult;

typedef enum VknStructureType {
    VKN_STRUCTURE_TYPE_ERROR = 1,
    VKN_STRUCTURE_TYPE_DEVICE_REQUIREMENTS = 2,
    VKN_STRUCTURE_TYPE_CONTEXT_CREATE_INFO = 3,
    VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO = 4,
    VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE = 5,
    VKN_STRUCTURE_TYPE_PLAN_INFO = 6,
    VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO = 7,
    VKN_STRUCTURE_TYPE_EXECUTE_INFO = 8,
    VKN_STRUCTURE_TYPE_SELF_TEST_INFO = 9,
    VKN_STRUCTURE_TYPE_SELF_TEST_REPORT = 10,
    VKN_STRUCTURE_TYPE_CONTEXT_INFO = 11,
    VKN_STRUCTURE_TYPE_BLOCK_INFO = 12,
    VKN_STRUCTURE_TYPE_DROPOUT_INFO = 13,
    VKN_STRUCTURE_TYPE_QUANTIZATION_INFO = 14,
    VKN_STRUCTURE_TYPE_GATE_INFO = 15,
    VKN_STRUCTURE_TYPE_ROPE_INFO = 16,
    VKN_STRUCTURE_TYPE_ROPE_TABLE_INFO = 17,
    VKN_STRUCTURE_TYPE_GROUP_INFO = 18,
    VKN_STRUCTURE_TYPE_BATCH_INFO = 19,
    VKN_STRUCTURE_TYPE_MAX_ENUM = 0x7FFFFFFF
} VknStructureType;

/* Filled by a failing call that was handed one; untouched on success. All strings are zero-terminated. */
typedef struct VknError {
    VknStructureType sType;
    const void* pNext;
    VknResult code;
    char field[64];    /* the offending field, e.g. "pOperands[1].rowStride"; empty where no field is to blame */
    uint64_t value;    /* its value */
    uint64_t limit;    /* the limit it broke */
    char message[256]; /* e.g. "hiddenSize 0: must be at least 1" */
} VknError;

/* The version of the library that is linked, as VKN_MAKE_VERSION packs it. [any thread] */
VKN_API uint32_t vknGetVersion(void);

/* "VKN_ERROR_INVALID_ARGUMENT" and so on; never null. [any thread] */
VKN_API const char* vknResultName(VknResult result);

/* ---- Before the device exists -------------------------------------------------------------------------------------- */

#define VKN_MAX_DEVICE_EXTENSIONS 8

/* What would help on this device. Nothing of it is required: the library runs on Vulkan 1.0 with nothing enabled. */
typedef struct VknDeviceRequirements {
    VknStructureType sType;
    void* pNext;
    uint32_t extensionCount; /* device extensions that the device offers and the library would use */
    const char* extensionNames[VKN_MAX_DEVICE_EXTENSIONS]; /* static strings */
    VkBool32 subgroupSizeControl;  /* the device offers these features (VkPhysicalDeviceSubgroupSizeControlFeatures) */
    VkBool32 computeFullSubgroups; /* and enabling them makes kernels faster */
} VknDeviceRequirements;

/*
 * Asks what the host should enable when it creates the device.
 *   getInstanceProcAddr, instance, physicalDevice: the host's
 *   apiVersion: the VkApplicationInfo::apiVersion that the instance was created with (0 = Vulkan 1.0)
 *   pRequirements: written
 * Errors: INVALID_ARGUMENT, MISSING_FUNCTION, OUT_OF_HOST_MEMORY. [any thread]
 */
VKN_API VknResult vknQueryDeviceRequirements(PFN_vkGetInstanceProcAddr getInstanceProcAddr, VkInstance instance,
                                             VkPhysicalDevice physicalDevice, uint32_t apiVersion,
                                             VknDeviceRequirements* pRequirements, VknError* pError);

/* ---- Context ------------------------------------------------------------------------------------------------------- */

/* How a row is reduced. The library chooses; a plan's information says what it chose and why. */
typedef enum VknKernelForm {
    VKN_KERNEL_FORM_AUTO = 0,
    VKN_KERNEL_FORM_SUBGROUP = 1,        /* a subgroup owns a row; no barrier, no shared memory */
    VKN_KERNEL_FORM_SUBGROUP_SHARED = 2, /* a workgroup owns a row; subgroup reductions meet in shared memory */
    VKN_KERNEL_FORM_SHARED = 3,          /* a workgroup owns a row; no subgroup operation at all */
    VKN_KERNEL_FORM_MAX_ENUM = 0x7FFFFFFF
} VknKernelForm;

typedef enum VknContextFlagBits {
    VKN_CONTEXT_IGNORE_QUIRKS_BIT = 0x1, /* do not apply the library's list of driver quirks */
    /* pipelines keep VK_KHR_pipeline_executable_properties statistics; the host has enabled that extension and its
     * feature */
    VKN_CONTEXT_CAPTURE_STATISTICS_BIT = 0x2,
    /* and internal representations, disassembly among them; the same extension and feature */
    VKN_CONTEXT_CAPTURE_REPRESENTATIONS_BIT = 0x4,
    VKN_CONTEXT_FLAG_BITS_MAX_ENUM = 0x7FFFFFFF
} VknContextFlagBits;
typedef uint32_t VknContextFlags;

typedef struct VknContextCreateInfo {
    VknStructureType sType;
    const void* pNext;
    VknContextFlags flags;
    PFN_vkGetInstanceProcAddr getInstanceProcAddr;
    VkInstance instance;
    VkPhysicalDevice physicalDevice;
    VkDevice device;
    uint32_t apiVersion; /* VkApplicationInfo::apiVersion; 0 = Vulkan 1.0 */
    uint32_t enabledInstanceExtensionCount;
    const char* const* ppEnabledInstanceExtensions;
    uint32_t enabledDeviceExtensionCount;
    const char* const* ppEnabledDeviceExtensions;
    /* the pNext chain of VkPhysicalDevice...Features structures that the device was created with, or null */
    const void* pEnabledFeatures;
    /* the host's, used for every pipeline; or VK_NULL_HANDLE: the library keeps one of its own, filled from the blob
     * below */
    VkPipelineCache pipelineCache;
    const void* pPipelineCacheData; /* from vknGetPipelineCacheData, or null; any mismatch is a miss, no error */
    size_t pipelineCacheDataSize;
    uint32_t forbiddenForms; /* bit (1 << VknKernelForm): never use this form */
    /* host memory of the library and of the Vulkan objects it makes; or null. Copied; its functions must outlive the
     * context. */
    const VkAllocationCallbacks* pAllocator;
    /* text that `vknorm_compare tune` wrote, for any number of devices, or null: which kernels are the fastest. What was measured
     * on another device, driver or version of the kernels is a miss, no error; what is no table is BAD_DATA. Read and not kept. */
    const void* pTuningTable;
    size_t tuningTableSize;
} VknContextCreateInfo;

/*
 * Creates a context on the host's device. Makes a descriptor set layout, a pipeline layout and, where the host gave none,
 * a pipeline cache. Compiles nothing.
 * Errors: INVALID_ARGUMENT, UNSUPPORTED, MISSING_FUNCTION, BAD_DATA, OUT_OF_*_MEMORY, DEVICE_LOST.
 * [any thread; the host keeps device, instance and physicalDevice alive until the context is destroyed]
 */
VKN_API VknResult vknCreateContext(const VknContextCreateInfo* pCreateInfo, VknContext* pContext, VknError* pError);

/* Destroys a context whose children are all destroyed. [synchronised: context] */
VKN_API void vknDestroyContext(VknContext context);

/* What the context found out about its device. */
typedef struct VknContextInfo {
    VknStructureType sType;
    void* pNext;
    uint32_t effectiveApiVersion;  /* the lower of what the host asked for and the device has */
    uint32_t subgroupSize;         /* the device's default; 0 where subgroup arithmetic cannot be used */
    VkBool32 pushDescriptors;      /* false: a binding pool or persistent bindings are needed */
    uint32_t usableForms;          /* bit (1 << VknKernelForm), after quirks, forbiddenForms and self-test */
    uint32_t maxStorageBuffers;    /* storage buffers an operation may bind here */
    VkPipelineCache pipelineCache; /* the one in use */
    char quirks[256];              /* the driver quirks in force, as text; empty if none */
    uint32_t tuningEntries;        /* entries of the tuning table that are for this device; 0: a miss, or no table */
} VknContextInfo;

/* [any thread] */
VKN_API void vknGetContextInfo(VknContext context, VknContextInfo* pInfo);

/*
 * Writes the library's own pipeline-cache blob: a header of its own and the driver's data.
 *   pSize: in, bytes at pData; out, bytes written (or needed, where pData is null)
 * Returns INCOMPLETE, and writes nothing, if pData is too small. Errors: OUT_OF_HOST_MEMORY, DEVICE_LOST. [any thread]
 */
VKN_API VknResult vknGetPipelineCacheData(VknContext context, size_t* pSize, void* pData);

/* ---- Self-test: recorded like everything else ---------------------------------------------------------------------- */

typedef struct VknSelfTestInfo {
    VknStructureType sType;
    void* pNext;
    VkDeviceSize bufferSize;      /* bytes of a buffer that the host provides and reads back */
    VkDeviceSize bufferAlignment; /* of the offset in it */
    VkBufferUsageFlags bufferUsage;
} VknSelfTestInfo;

typedef struct VknSelfTestReport {
    VknStructureType sType;
    void* pNext;
    uint32_t testedForms; /* bit (1 << VknKernelForm) */
    uint32_t failedForms; /* bit (1 << VknKernelForm): from now on forbidden in this context */
    char text[256];       /* one sentence a form that failed; or "passed" */
} VknSelfTestReport;

/* Sizes the buffer of the self-test. [any thread] */
VKN_API void vknGetSelfTestInfo(VknContext context, VknSelfTestInfo* pInfo);

/*
 * Compiles and records the self-test of each reduction that the choice function may use on this device. The results are
 * written by compute shaders; the host makes them visible to itself and reads bufferSize bytes back.
 *   buffer, offset: at least VknSelfTestInfo::bufferSize bytes of it, initial contents do not matter
 * The pipelines live until the context is destroyed or vknCheckSelfTest is called; call it once the commands completed.
 * Recording it again takes the place of the earlier recording, which must not be pending nor be submitted any more.
 * Errors: INVALID_ARGUMENT, PIPELINE_FAILED, OUT_OF_*_MEMORY, DEVICE_LOST. [synchronised: context]
 */
VKN_API VknResult vknCmdSelfTest(VknContext context, VkCommandBuffer commandBuffer, VkBuffer buffer,
                                 VkDeviceSize offset, VkDeviceSize bufferSize, VknError* pError);

/*
 * Judges the bytes read back. Forms that failed are forbidden for plans created from then on.
 *   pData, size: VknSelfTestInfo::bufferSize bytes
 * Returns SUCCESS if a form is left to use (see pReport), SELF_TEST_FAILED otherwise; INVALID_ARGUMENT if size is wrong or
 * no self-test was recorded. [synchronised: context]
 */
VKN_API VknResult vknCheckSelfTest(VknContext context, const void* pData, size_t size, VknSelfTestReport* pReport,
                                   VknError* pError);

/* ---- Plans --------------------------------------------------------------------------------------------------------- */

typedef enum VknOperation {
    VKN_OPERATION_RMS_NORM = 1,   /* y = x / sqrt(mean(x^2) + epsilon) * (gammaOffset + gamma) + beta */
    VKN_OPERATION_LAYER_NORM = 2, /* y = (x - mean) / sqrt(var(x) + epsilon) * (gammaOffset + gamma) + beta */
    VKN_OPERATION_DYT = 3, /* y = tanh(alpha * x) * (gammaOffset + gamma) + beta: dynamic tanh, Zhu et al. 2025 */
    VKN_OPERATION_GATED_ACTIVATION = 4, /* y = activation(gate) * x: SwiGLU, GeGLU, ReGLU; see VknGateInfo */
    VKN_OPERATION_GROUP_NORM = 5,       /* LayerNorm of each group of channels of an image; see VknGroupInfo */
    VKN_OPERATION_BATCH_NORM =
        6, /* y = (x - mean) / sqrt(var + epsilon) * (gammaOffset + gamma) + beta, of columns; see VknBatchInfo */
    VKN_OPERATION_MAX_ENUM = 0x7FFFFFFF
} VknOperation;

typedef enum VknType {
    VKN_TYPE_F32 = 0,
    VKN_TYPE_F16 = 1,
    VKN_TYPE_BF16 = 2,
    /* of OUTPUT and OUTPUT_2 only, see VknQuantizationInfo */
    VKN_TYPE_I8 = 3,      /* -127 to 127, symmetrical */
    VKN_TYPE_F8_E4M3 = 4, /* OCP's E4M3FN: no infinity, saturates at 448 */
    VKN_TYPE_F8_E5M2 = 5, /* saturates at 57344 */
    VKN_TYPE_U32 = 16,    /* of SEED, ROW_INDEX, POSITIONS and ROPE_TABLE only */
    VKN_TYPE_MAX_ENUM = 0x7FFFFFFF
} VknType;

typedef enum VknRole {
    VKN_ROLE_INPUT =
        1, /* x: rows x hiddenSize; the branch of a residual block. Absent from an in-place plan without one */
    VKN_ROLE_OUTPUT = 2, /* y: rows x hiddenSize */
    VKN_ROLE_GAMMA = 3,  /* weight: hiddenSize, optional */
    VKN_ROLE_BETA = 4,   /* bias: hiddenSize, optional */
    VKN_ROLE_MEAN = 5,   /* F32, one a row, written; optional, LayerNorm only */
    VKN_ROLE_RSTD = 6,   /* F32, one a row, written; optional: 1 / sqrt(... + epsilon), or 1 / (rms + epsilon) */
    /* residual blocks: see VknPlacement for which has what */
    VKN_ROLE_RESIDUAL = 7,        /* the stream: rows x hiddenSize; absent from an in-place plan */
    VKN_ROLE_RESIDUAL_OUTPUT = 8, /* h, the stream after the block: rows x hiddenSize */
    VKN_ROLE_INPUT_2 = 9,         /* x2, the second branch: rows x hiddenSize */
    VKN_ROLE_OUTPUT_2 = 10,       /* y2: rows x hiddenSize */
    VKN_ROLE_GAMMA_2 = 11,        /* of the second norm, N2: hiddenSize, optional */
    VKN_ROLE_BETA_2 = 12,
    VKN_ROLE_BRANCH_BIAS = 13,   /* added to x before anything else: hiddenSize, optional */
    VKN_ROLE_BRANCH_BIAS_2 = 14, /* the same for x2 */
    VKN_ROLE_LAYER_SCALE = 15,   /* hiddenSize, optional */
    VKN_ROLE_ROW_SCALE = 16,     /* F32, one a row, optional */
    VKN_ROLE_MEAN_2 = 17,        /* as MEAN and RSTD, of N2 where it has statistics of its own */
    VKN_ROLE_RSTD_2 = 18,
    VKN_ROLE_SEED = 19, /* two U32, low word first: dropout's seed from a GPU buffer instead of VknDropoutInfo */
    /* quantised outputs: see VknQuantizationInfo */
    VKN_ROLE_OUTPUT_SCALE = 20,   /* F32, written: one a row (a group of GROUP_NORM), or one a block of it */
    VKN_ROLE_OUTPUT_SCALE_2 = 21, /* the same of OUTPUT_2 */
    VKN_ROLE_STATIC_SCALE = 22,   /* one F32, read: the scale of OUTPUT */
    VKN_ROLE_STATIC_SCALE_2 = 23, /* of OUTPUT_2 */
    VKN_ROLE_GATE = 24,           /* z: rows x hiddenSize; see VknGateInfo */
    VKN_ROLE_ROW_INDEX = 25,      /* U32, one a row: row r of x is read from row ROW_INDEX[r] of INPUT */
    /* rotary position embedding: see VknRopeInfo */
    VKN_ROLE_POSITIONS = 26,  /* U32, one an outer block */
    VKN_ROLE_ROPE_TABLE = 27, /* U32: see VknRopeAngles */
    VKN_ROLE_COS_SIN = 28,    /* F32, tableRows x rotarySize: the cosines of a position's pairs, then their sines */
    VKN_ROLE_KEY = 29,        /* k: its rows x hiddenSize, of INPUT's type and in its VkBuffer; absent in place */
    VKN_ROLE_KEY_OUTPUT = 30, /* of OUTPUT's type and in its VkBuffer */
    VKN_ROLE_KEY_GAMMA = 31,  /* of GAMMA's type and in its VkBuffer */
    /* batch normalisation: see VknBatchInfo */
    VKN_ROLE_RUNNING_MEAN = 32,     /* F32, hiddenSize */
    VKN_ROLE_RUNNING_VARIANCE = 33, /* F32, hiddenSize, in RUNNING_MEAN's VkBuffer */
    VKN_ROLE_BATCH_MEAN = 34,       /* F32, hiddenSize, written */
    VKN_ROLE_BATCH_RSTD = 35,       /* F32, hiddenSize, written; in BATCH_MEAN's VkBuffer */
    /* of plans with VKN_PLAN_BACKWARD_BIT: see there. Gradients are of what they are named after. */
    VKN_ROLE_OUTPUT_GRADIENT = 36,          /* dy: rows x hiddenSize */
    VKN_ROLE_OUTPUT_2_GRADIENT = 37,        /* dy2: rows x hiddenSize */
    VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT = 38, /* dh, what arrives along the stream: rows x hiddenSize */
    VKN_ROLE_INPUT_GRADIENT = 39,           /* dx, written: rows x hiddenSize */
    VKN_ROLE_INPUT_2_GRADIENT = 40,         /* dx2, written: rows x hiddenSize */
    VKN_ROLE_RESIDUAL_GRADIENT = 41,        /* written: rows x hiddenSize, optional */
    VKN_ROLE_GATE_GRADIENT = 42,            /* dz, written: rows x hiddenSize */
    VKN_ROLE_GAMMA_GRADIENT = 43,           /* these are written, of the shape of their parameter, and optional */
    VKN_ROLE_BETA_GRADIENT = 44,
    VKN_ROLE_GAMMA_2_GRADIENT = 45,
    VKN_ROLE_BETA_2_GRADIENT = 46,
    VKN_ROLE_BRANCH_BIAS_GRADIENT = 47,
    VKN_ROLE_BRANCH_BIAS_2_GRADIENT = 48,
    VKN_ROLE_LAYER_SCALE_GRADIENT = 49,
    VKN_ROLE_ALPHA_GRADIENT = 50, /* DyT: one F32 */
    VKN_ROLE_MAX_ENUM = 0x7FFFFFFF
} VknRole;

/*
 * What surrounds the norm. N is the operation with GAMMA and BETA, N2 the same with GAMMA_2 and BETA_2, D is dropout, row
 * scale and layer scale, in this order. The branch bias is added to a branch before everything.
 *
 * All is computed in fp32, each operation rounded once, in the order written: a * residual + b * branch is two products and a
 * sum. h is rounded once more, to its type, where it is stored; norms see the fp32 sum.
 */
typedef enum VknPlacement {
    VKN_PLACEMENT_NONE = 0,              /* y = N(x) */
    VKN_PLACEMENT_PRE_NORM = 1,          /* h = a * residual + b * D(x); y = N(h) */
    VKN_PLACEMENT_POST_NORM = 2,         /* y = N(a * residual + b * D(x)); DeepNorm's alpha is a */
    VKN_PLACEMENT_SANDWICH = 3,          /* h = a * residual + b * D(N(x)) */
    VKN_PLACEMENT_SANDWICH_PRE_NORM = 4, /* h = a * residual + b * D(N(x)); y = N2(h) */
    VKN_PLACEMENT_PARALLEL = 5,          /* h = a * residual + b * (D(x) + D(x2)); y = N(h); y2 = N2(h) */
    VKN_PLACEMENT_MAX_ENUM = 0x7FFFFFFF
} VknPlacement;

/* Chained to VknPlanCreateInfo: a fused residual block. */
typedef struct VknBlockInfo {
    VknStructureType sType;
    const void* pNext;
    VknPlacement placement;
    float residualScale; /* a; finite; 0 counts as 1 */
    float branchScale;   /* b; finite; 0 counts as 1 */
    /* p, 0 <= p < 1: an element is dropped where its 32 random bits are below p * 2^32, otherwise it is multiplied by
     * 1 / (1 - p). The bits are word column % 4 of Philox 4x32-10 with counter (column / 4, row low, row high, stream) and
     * key = seed. 0: no dropout, at no cost. */
    float dropoutProbability;
} VknBlockInfo;

typedef enum VknQuantization {
    VKN_QUANTIZATION_STATIC = 0,    /* the scale is VknQuantizationInfo::scale, or STATIC_SCALE where the plan has it */
    VKN_QUANTIZATION_PER_ROW = 1,   /* a scale a row, or a group of GROUP_NORM; computed and written to OUTPUT_SCALE */
    VKN_QUANTIZATION_PER_BLOCK = 2, /* a scale for each blockSize elements of a row */
    VKN_QUANTIZATION_MAX_ENUM = 0x7FFFFFFF
} VknQuantization;

/*
 * Chained to VknPlanCreateInfo: how outputs of type I8, F8_E4M3 and F8_E5M2 are scaled. What is stored is y / scale, rounded to
 * nearest even and saturated; NaN is fp8's NaN, and 0 in I8. A scale that is computed is the absolute maximum of the row or
 * block divided by the type's largest number (127, 448, 57344): NaN does not count, infinity counts as the largest finite
 * number. Where all is zero it is 1.
 */
typedef struct VknQuantizationInfo {
    VknStructureType sType;
    const void* pNext;
    VknQuantization quantization;
    float scale;        /* STATIC: 2^-126 to 2^126; 0 counts as 1. STATIC_SCALE's value must be in that range, too */
    float scale2;       /* the same of OUTPUT_2 */
    float largestValue; /* PER_ROW, PER_BLOCK: a larger absolute maximum counts as this; 0: no such bound */
    uint32_t
        blockSize; /* PER_BLOCK: 32, 64 or 128; a row has ceil(hiddenSize / blockSize) scales, the last of a shorter block
                           where hiddenSize is no multiple */
} VknQuantizationInfo;

typedef enum VknActivation {
    VKN_ACTIVATION_SILU = 0,      /* z * sigmoid(z): SwiGLU, Mamba 2 */
    VKN_ACTIVATION_GELU = 1,      /* z * Phi(z), exact: GeGLU */
    VKN_ACTIVATION_GELU_TANH = 2, /* z / 2 * (1 + tanh(sqrt(2 / pi) * (z + 0.044715 * z^3))) */
    VKN_ACTIVATION_RELU = 3,      /* max(z, 0): ReGLU */
    VKN_ACTIVATION_SIGMOID = 4,   /* GLU */
    VKN_ACTIVATION_MAX_ENUM = 0x7FFFFFFF
} VknActivation;

/* Chained to VknPlanCreateInfo where the plan has GATE. Gate and input may be two halves of one tensor: operands of the same
 * buffer with different offsets. */
typedef struct VknGateInfo {
    VknStructureType sType;
    const void* pNext;
    VknActivation activation;
    VkBool32 normFirst; /* y = N(x) * activation(z); otherwise y = N(x * activation(z)). Norms only. */
} VknGateInfo;

/*
 * Chained to VknPlanCreateInfo of GROUP_NORM (Wu and He 2018). A row is an image of `channels` channels, hiddenSize / channels
 * elements each. GAMMA and BETA have an element a channel; MEAN and RSTD have `groups` elements a row. What is quantised is
 * scaled a group at a time: PER_ROW, OUTPUT_SCALE has `groups` elements a row; PER_BLOCK, only where channels come first, it has
 * ceil(elements of a group / blockSize) for each group, one group after the other.
 */
typedef struct VknGroupInfo {
    VknStructureType sType;
    const void* pNext;
    uint32_t channels; /* hiddenSize is a multiple of it */
    uint32_t
        groups; /* channels is a multiple of it; 1 normalises whole images, `channels` each channel (InstanceNorm) */
    VkBool32 channelsLast; /* elements of a pixel follow each other (NHWC); otherwise those of a channel (NCHW) */
} VknGroupInfo;

/*
 * Chained to VknPlanCreateInfo of BATCH_NORM (Ioffe and Szegedy 2015), which normalises columns: a row is an element of the batch,
 * or a pixel of an image whose channels are last, and hiddenSize is the number of channels.
 *
 * Without training, mean and variance are RUNNING_MEAN and RUNNING_VARIANCE, and any placement may surround it. With training
 * they are those of the rows themselves, in two more passes before the one that writes; BATCH_MEAN and BATCH_RSTD receive them
 * (for the backward), and RUNNING_MEAN and RUNNING_VARIANCE, both or neither, are brought up to date:
 * running = (1 - momentum) * running + momentum * of the batch, whose variance is divided by rows - 1 there (by 1 for a single
 * row). Scratch is needed (vknGetScratchSize), and rowsPerOuter is 0. Same rows, same bits; they depend on the number of rows, as
 * the statistics do. Distances from a column's mean beyond 2^60 overflow.
 */
typedef struct VknBatchInfo {
    VknStructureType sType;
    const void* pNext;
    VkBool32 training;
    float momentum; /* 0 to 1; training only */
} VknBatchInfo;

typedef enum VknRopeLayout {
    VKN_ROPE_LAYOUT_HALF_SPLIT =
        0, /* element i turns with element i + rotarySize / 2 (GPT-NeoX, Llama in Hugging Face) */
    VKN_ROPE_LAYOUT_INTERLEAVED = 1, /* element 2 i turns with element 2 i + 1 (GPT-J, Llama's own code) */
    VKN_ROPE_LAYOUT_MAX_ENUM = 0x7FFFFFFF
} VknRopeLayout;

/* How the angle of pair i at position p comes from ROPE_TABLE. Cosines and sines are within 9.2e-8 of the angle's either way. */
typedef enum VknRopeAngles {
    /* 2 pi * frac(p * turns[i]), exact to 2^-32 of a turn at every position. The table has rotarySize words: see
     * vknMakeRopeTable. */
    VKN_ROPE_ANGLES_TURNS = 0,
    /* float(p) * inverseFrequency[i], rounded to fp32, as Hugging Face and llama.cpp have it: to compare with them, since far
     * from the start it is off by up to p * 2^-23 radians. The table has the bits of rotarySize / 2 fp32 numbers: their own
     * inv_freq, or vknMakeRopeTable's. p up to 2^24, whole numbers of fp32; angles below 2^64. */
    VKN_ROPE_ANGLES_FP32_PRODUCT = 1,
    VKN_ROPE_ANGLES_MAX_ENUM = 0x7FFFFFFF
} VknRopeAngles;

/*
 * Chained to VknPlanCreateInfo: rotary position embedding of what a norm makes (RoFormer, Su et al. 2021), of queries and keys
 * in one dispatch. A row is a head, an outer block a token: rowsPerOuter is the number of heads, and POSITIONS has one element a
 * token. The first queryRows rows of a token are INPUT's and have GAMMA, the others are KEY's and have KEY_GAMMA; each tensor
 * has its own strides, so both may be parts of one packed tensor. Pair i of a row at position p turns by the angle that
 * ROPE_TABLE gives, or has the cosine and sine of row p of COS_SIN.
 */
typedef struct VknRopeInfo {
    VknStructureType sType;
    const void* pNext;
    VknRopeLayout layout;
    uint32_t rotarySize; /* the first so many elements of a row turn; even, at most hiddenSize; 0: all */
    float
        scale; /* by which what turns is multiplied, YaRN's attention factor; finite; 0 counts as 1. ROPE_TABLE only */
    uint32_t queryRows;   /* rows of an outer block that are INPUT's; 0: all, and there is no KEY */
    VknRopeAngles angles; /* TURNS where the plan has COS_SIN */
} VknRopeInfo;

typedef enum VknRopeScaling {
    VKN_ROPE_SCALING_NONE = 0,
    VKN_ROPE_SCALING_LINEAR = 1, /* position interpolation: all turns divided by factor */
    VKN_ROPE_SCALING_YARN = 2,   /* Peng et al. 2023 */
    VKN_ROPE_SCALING_LLAMA3 = 3,
    VKN_ROPE_SCALING_MAX_ENUM = 0x7FFFFFFF
} VknRopeScaling;

/* What vknMakeRopeTable computes: pair i turns by theta^(-2 i / rotarySize) radians a position, scaled. */
typedef struct VknRopeTableInfo {
    VknStructureType sType;
    const void* pNext;
    uint32_t rotarySize; /* even */
    double theta;        /* > 1; 10000 in the original */
    VknRopeScaling scaling;
    double factor;              /* > 0, but for NONE */
    double originalPositions;   /* YARN, LLAMA3: positions that the model was trained with; > 0 */
    double betaFast;            /* YARN: 0 counts as 32 */
    double betaSlow;            /* YARN: 0 counts as 1 */
    double lowFrequencyFactor;  /* LLAMA3 */
    double highFrequencyFactor; /* LLAMA3: above lowFrequencyFactor */
    VknRopeAngles angles;       /* VknRopeInfo's */
} VknRopeTableInfo;

/*
 * Fills the contents of a ROPE_TABLE operand: for each of the rotarySize / 2 pairs its turns a position, as a fraction of 2^64
 * in two words, the low one first; with FP32_PRODUCT, the fp32 number next to its radians a position, in one.
 *   pTable: rotarySize words, or with FP32_PRODUCT rotarySize / 2, written
 *   pScale: written with VknRopeInfo::scale, 0.1 ln(factor) + 1 for YARN and otherwise 1; or null
 * Errors: INVALID_ARGUMENT. [any thread]
 */
VKN_API VknResult vknMakeRopeTable(const VknRopeTableInfo* pInfo, uint32_t* pTable, float* pScale, VknError* pError);

typedef enum VknPlanFlagBits {
    /* the tensor that the operation brings up to date is read from where it is written: x from OUTPUT without a residual;
     * the residual from RESIDUAL_OUTPUT, or with POST_NORM from OUTPUT. INPUT, or RESIDUAL, is absent. */
    VKN_PLAN_IN_PLACE_BIT = 0x1,
    VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT = 0x2, /* x / (rms + epsilon), or (x - mean) / (sd + epsilon) */
    /* round the normalised value to the type of what is normalised (x, or the residual where that is h) before the weight is
     * applied, and the product too where the weight has that type (Hugging Face's Llama); otherwise one rounding, at the
     * store */
    VKN_PLAN_EARLY_CAST_BIT = 0x4,
    VKN_PLAN_GPU_ROWS_BIT = 0x8, /* the number of rows comes from a GPU buffer; dispatches are indirect */
    /*
     * The gradient of the operation that is described, rather than the operation itself: of a loss, with respect to what the
     * operation reads, from the gradients of what it writes. Which operands there are:
     *
     *   read, by placement     NONE               INPUT, OUTPUT_GRADIENT
     *                          PRE_NORM           RESIDUAL_OUTPUT (h, as stored), OUTPUT_GRADIENT, RESIDUAL_OUTPUT_GRADIENT *
     *                          POST_NORM          INPUT, RESIDUAL, OUTPUT_GRADIENT
     *                          SANDWICH           INPUT, RESIDUAL_OUTPUT_GRADIENT
     *                          SANDWICH_PRE_NORM  INPUT, RESIDUAL_OUTPUT, OUTPUT_GRADIENT, RESIDUAL_OUTPUT_GRADIENT *
     *                          PARALLEL           RESIDUAL_OUTPUT, OUTPUT_GRADIENT, OUTPUT_2_GRADIENT,
     *                                             RESIDUAL_OUTPUT_GRADIENT *
     *   written                INPUT_GRADIENT, INPUT_2_GRADIENT (PARALLEL), GATE_GRADIENT (with GATE), RESIDUAL_GRADIENT *
     *   * optional; without RESIDUAL_OUTPUT_GRADIENT nothing arrives along the stream
     *
     * The gate and the parameters are the forward's, as far as the gradients depend on them; BETA only where the norm's value is
     * multiplied (a gate behind the norm, the gradient of a layer scale behind it); BRANCH_BIAS where x is read. The gradient of a
     * layer scale reads INPUT, and INPUT_2; PARALLEL's is of both branches, and ALPHA_GRADIENT of all norms. RELU's derivative
     * is 0 at 0. Dropout's mask is made again from its seed. Rounding (EARLY_CAST) passes gradients on as they are.
     *
     * MEAN and RSTD are those that the forward saved, LayerNorm's both or neither; what rounding took from MEAN is found again.
     * Without them, statistics are taken again. They cannot be saved with EPSILON_OUTSIDE_ROOT, where rows without deviation count as constant. BATCH_NORM reads
     * BATCH_MEAN and BATCH_RSTD, or without training RUNNING_MEAN and RUNNING_VARIANCE.
     *
     * Gradients of parameters are sums over all rows, in fp32 with compensation, in slices that are a formula of the numbers of rows
     * and elements, and joined in a fixed order; they need scratch. Of no rows they are zeros. A sum that is infinite may be NaN.
     * There are fewer than 2^32 rows.
     *
     * In place: RESIDUAL_GRADIENT is written where RESIDUAL_OUTPUT_GRADIENT (POST_NORM: OUTPUT_GRADIENT) was, or without a
     * residual INPUT_GRADIENT where OUTPUT_GRADIENT was; what was there is absent; not where halves of a row turn with each other
     * (RoPE). Queries and keys have a plan each. There is no backward of rows that are gathered, nor with GPU_ROWS.
     */
    VKN_PLAN_BACKWARD_BIT = 0x10,
    VKN_PLAN_ACCUMULATE_BIT = 0x20, /* BACKWARD: gradients of parameters are added to what their operands hold */
    VKN_PLAN_FLAG_BITS_MAX_ENUM = 0x7FFFFFFF
} VknPlanFlagBits;
typedef uint32_t VknPlanFlags;

/* An operand that the operation has, and its element type. Roles that are not listed are absent. */
typedef struct VknOperandType {
    VknRole role;
    VknType type;
} VknOperandType;

typedef struct VknPlanCreateInfo {
    VknStructureType sType;
    const void*
        pNext; /* VknBlockInfo, VknQuantizationInfo, VknGateInfo, VknGroupInfo, VknBatchInfo, VknRopeInfo, VknKernelOverride in any order, or null */
    VknPlanFlags flags;
    VknOperation operation;
    uint32_t hiddenSize; /* 1 to 16777216 */
    uint32_t operandCount;
    const VknOperandType* pOperands;
    float epsilon;     /* >= 0 and finite; keep it a normal number: many devices flush subnormals */
    float gammaOffset; /* finite; 1 for Gemma */
    /* RMSNorm: the root mean square is that of the first partialSize elements of a row (pRMSNorm, Zhang and Sennrich 2019);
     * 0: of all. At most hiddenSize. */
    uint32_t partialSize;
    float alpha; /* DYT: finite */
    /* Gamma and beta are parameterRows rows of hiddenSize elements, dense, and row r has row r % parameterRows: a weight for
     * each head of a token, or each group of a wide row. 0 counts as 1. */
    uint32_t parameterRows;
    const char* pName; /* for debug labels and object names; copied, at most 63 bytes; or null */
} VknPlanCreateInfo;

/* Chained to VknPlanCreateInfo: takes the choice away from the library. For tests and tuners. A field of 0 is chosen by the
 * library, from its tuning table if that has the operation (where a form is given, in that form). A choice that the device does not permit is an error that says which limit it breaks. */
typedef struct VknKernelOverride {
    VknStructureType sType;
    const void* pNext;
    VknKernelForm form;
    uint32_t workgroupSize; /* invocations; a multiple of the subgroup size, or a power of two for FORM_SHARED */
    uint32_t subgroupSize;  /* a required subgroup size, where the device lets one be required */
    uint32_t maxWorkgroups; /* a workgroup loops over rows when there are more rows than these cover */
    VkBool32 readTwice;     /* do not keep the row in registers */
    uint32_t rowsAtOnce;    /* rows that a subgroup works on at a time, where there are enough: 1, 2 or 4 */
} VknKernelOverride;

/*
 * Creates a plan: validates, chooses a kernel and compiles it. May take tens of milliseconds; do it at load time.
 * If the driver cannot compile the chosen form, the next safer form is tried.
 * Errors: INVALID_ARGUMENT, UNSUPPORTED, PIPELINE_FAILED, SELF_TEST_FAILED, OUT_OF_*_MEMORY, DEVICE_LOST. [any thread]
 */
VKN_API VknResult vknCreatePlan(VknContext context, const VknPlanCreateInfo* pCreateInfo, VknPlan* pPlan,
                                VknError* pError);

/* Destroys a plan that no pending command buffer uses. [synchronised: plan] */
VKN_API void vknDestroyPlan(VknPlan plan);

typedef enum VknDisturbedStateFlagBits {
    VKN_DISTURBED_COMPUTE_PIPELINE_BIT = 0x1,
    VKN_DISTURBED_COMPUTE_DESCRIPTOR_SET_0_BIT = 0x2,
    VKN_DISTURBED_PUSH_CONSTANTS_BIT = 0x4, /* bytes 0 to pushConstantSize */
    VKN_DISTURBED_STATE_FLAG_BITS_MAX_ENUM = 0x7FFFFFFF
} VknDisturbedStateFlagBits;

typedef struct VknPlanInfo {
    VknStructureType sType;
    void* pNext;
    VknKernelForm form;
    uint32_t workgroupSize;    /* invocations */
    uint32_t subgroupSize;     /* invocations; 0 where the form does not depend on it */
    uint32_t rowsPerWorkgroup; /* rows that a workgroup has in flight */
    uint32_t maxWorkgroups;    /* of one dispatch; where it takes a row each, of its first dimension */
    uint32_t
        rowsAtOnce; /* rows that a subgroup works on at a time, where there are enough and they start at 16 bytes */
    uint32_t elementsPerAccess;   /* elements a lane loads at once */
    uint32_t accessesInRegisters; /* such accesses a lane keeps in registers; 0: none, see inputReads */
    uint32_t inputReads;  /* times that each input element is read: 1, or 2 or 3 where a row is read again because
                                   * a lane does not keep it in registers; there an fp32 h is stored first and read instead,
                                   * and on CPUs a gated row where an fp32 y comes */
    uint64_t bytesPerRow; /* bytes of tensors that this kernel form moves for a row: each read and each write */
    uint64_t unalignedBytesPerRow; /* the same where rows do not start at 16 bytes, or end inside an access */
    uint64_t leastBytesPerRow;     /* each input read once, each output written once */
    uint64_t bytesPerDispatch;     /* parameters (gamma, beta), read once */
    VkDeviceSize
        scratchSize; /* bytes of scratch for tensors that need no split, where that does not depend on the number of
                                    * rows, as it does in the backward; see vknGetScratchSize; often 0 */
    VkDeviceSize scratchAlignment;
    VkBufferUsageFlags scratchUsage;
    uint32_t storageBufferCount; /* storage buffers bound */
    uint32_t pushConstantSize;   /* bytes */
    uint32_t disturbedState;     /* VknDisturbedStateFlagBits */
    /* which operand has which binding, e.g. "input output gamma mean+rstd": those joined by + share one binding and
     * must lie in one VkBuffer. In the backward with gradients of parameters, behind | the same of the kernel that sums. */
    char signature[512];
    char reason[256]; /* why this kernel was chosen */
} VknPlanInfo;

/* [any thread] */
VKN_API void vknGetPlanInfo(VknPlan plan, VknPlanInfo* pInfo);

#define VKN_BINDING_OF_ITS_OWN 0xFFFFFFFFu

/* How a plan touches an operand; every access is inside these stages. */
typedef struct VknOperandAccess {
    VknRole role; /* 0: the scratch buffer; or the rows buffer where isRowsBuffer is set */
    VkBool32 isRowsBuffer;
    uint32_t binding; /* operands with the same number share a binding; or VKN_BINDING_OF_ITS_OWN: none shares it */
    VkPipelineStageFlags stageMask;
    VkAccessFlags accessMask;
    VkBufferUsageFlags bufferUsage; /* what the VkBuffer must have been created with */
} VknOperandAccess;

/*
 * Lists a plan's accesses.
 *   pCount: in, room at pAccesses; out, accesses written (or there are, where pAccesses is null)
 * Returns INCOMPLETE if there was too little room. [any thread]
 */
VKN_API VknResult vknGetPlanAccesses(VknPlan plan, uint32_t* pCount, VknOperandAccess* pAccesses);

/* The pipelines of a plan, for tools that read statistics; counted as in vknGetPlanAccesses. They stay the plan's.
 * [any thread] */
VKN_API VknResult vknGetPlanPipelines(VknPlan plan, uint32_t* pCount, VkPipeline* pPipelines);

/*
 * Writes a list of plans (descriptions, no machine code), so that an installer can create them all and save the cache.
 *   pSize: in, bytes at pData; out, bytes written (or needed, where pData is null)
 * Returns INCOMPLETE, and writes nothing, if pData is too small. [any thread]
 */
VKN_API VknResult vknSerializePlans(uint32_t planCount, const VknPlan* pPlans, size_t* pSize, void* pData);

/*
 * Creates the plans of a list.
 *   pData, size: from vknSerializePlans of this or another device
 *   pPlanCount: in, room at pPlans; out, plans in the list
 *   pPlans: null to ask for the count; VKN_NULL_HANDLE where a plan could not be created here
 * Returns the first error, after having tried all. Errors: BAD_DATA, INVALID_ARGUMENT (too little room) and those of
 * vknCreatePlan. [any thread]
 */
VKN_API VknResult vknCreatePlansFromList(VknContext context, size_t size, const void* pData, uint32_t* pPlanCount,
                                         VknPlan* pPlans, VknError* pError);

/* ---- Recording ----------------------------------------------------------------------------------------------------- */

/* An operand at recording: part of any VkBuffer with STORAGE_BUFFER usage. */
typedef struct VknOperand {
    VknRole role;
    VkBuffer buffer;
    VkDeviceSize offset;     /* bytes; a multiple of the element size */
    VkDeviceSize bufferSize; /* the size that the VkBuffer was created with, bytes */
    uint64_t rowStride;   /* elements from row to row; 0 = dense. Ignored for parameters; 0 or 1 for scalars of rows. */
    uint64_t outerStride; /* elements from one outer block to the next; 0 = rowsPerOuter * rowStride */
} VknOperand;

/* Chained to VknExecuteInfo: the random numbers of a plan with dropout. */
typedef struct VknDropoutInfo {
    VknStructureType sType;
    const void* pNext;
    uint64_t seed;     /* ignored where the plan has a SEED operand */
    uint64_t firstRow; /* the number that the first row has in the counter */
    uint32_t stream;   /* a layer's or a call's own number, below 2^31; the second branch has stream + 2^31 */
} VknDropoutInfo;

typedef struct VknExecuteInfo {
    VknStructureType sType;
    const void* pNext;     /* VknDropoutInfo with dropout, otherwise null */
    uint64_t rows;         /* 0 records nothing. With GPU_ROWS: the most rows that there can be. */
    uint64_t rowsPerOuter; /* 0: all rows are one outer block */
    uint64_t tableRows;    /* COS_SIN: its rows; a larger position counts as the last row */
    uint64_t sourceRows;   /* ROW_INDEX: the rows of INPUT; a larger index counts as the last row */
    uint32_t operandCount; /* the plan's roles, each once */
    const VknOperand* pOperands;
    VknBindingPool bindingPool;    /* needed where push descriptors are not enabled; otherwise ignored */
    VkBuffer rowsBuffer;           /* GPU_ROWS: a uint32_t, the number of rows (larger values count as `rows`) */
    VkDeviceSize rowsBufferOffset; /* a multiple of 4 */
    VkDeviceSize rowsBufferSize;   /* the size that the VkBuffer was created with, bytes */
    VkBuffer scratchBuffer;        /* where vknGetScratchSize is not 0 */
    VkDeviceSize scratchOffset;    /* a multiple of VknPlanInfo::scratchAlignment */
    VkDeviceSize scratchSize;      /* bytes from scratchOffset that the library may use */
} VknExecuteInfo;

/*
 * The scratch that a recording needs: 0 but for plans with GPU_ROWS, training's statistics and gradients of parameters. No buffer is needed to
 * ask: VkBuffer handles and sizes are not looked at. Errors: INVALID_ARGUMENT. [any thread]
 */
VKN_API VknResult vknGetScratchSize(VknPlan plan, const VknExecuteInfo* pInfo, VkDeviceSize* pSize, VknError* pError);

/* The byte range of an operand's buffer that a recording binds: every access lies inside it. */
typedef struct VknBoundRange {
    VkBuffer buffer;
    VkDeviceSize offset;
    VkDeviceSize size;
} VknBoundRange;

/* The range that an operand's elements cover, rounded out to what the kernels access. Errors: those of vknCmdExecute.
 * [any thread] */
VKN_API VknResult vknGetBoundRange(VknPlan plan, const VknExecuteInfo* pInfo, VknRole role, VknBoundRange* pRange,
                                   VknError* pError);

/*
 * Records an operation, outside a render pass, into a command buffer of a queue family with compute.
 * Allocates nothing, compiles nothing. Tensors larger than maxStorageBufferRange become several dispatches.
 * Errors, with the command buffer untouched: INVALID_ARGUMENT, BINDING_POOL_EXHAUSTED.
 * [synchronised: commandBuffer, its pool, and pInfo->bindingPool]
 */
VKN_API VknResult vknCmdExecute(VknPlan plan, VkCommandBuffer commandBuffer, const VknExecuteInfo* pInfo,
                                VknError* pError);

/*
 * Records a memory barrier that makes what `first` wrote available to `second` (and keeps `second` from overwriting what
 * `first` still reads). Null plans stand for any operation of this library. [synchronised: commandBuffer and its pool]
 */
VKN_API void vknCmdBarrier(VknContext context, VkCommandBuffer commandBuffer, VknPlan first, VknPlan second);

/* ---- Descriptors without push descriptors -------------------------------------------------------------------------- */

typedef struct VknBindingPoolCreateInfo {
    VknStructureType sType;
    const void* pNext;
    /* between two resets: one an operation, more where a tensor is split, two with GPU_ROWS, three with training; in the backward
     * one or two, and with gradients of parameters up to four and one for each */
    uint32_t maxDispatches;
} VknBindingPoolCreateInfo;

/* Creates a pool with its descriptor sets. Errors: INVALID_ARGUMENT, OUT_OF_*_MEMORY, DEVICE_LOST. [any thread] */
VKN_API VknResult vknCreateBindingPool(VknContext context, const VknBindingPoolCreateInfo* pCreateInfo,
                                       VknBindingPool* pPool, VknError* pError);

/* Makes every set free again. No pending command buffer uses the pool, as with vkResetCommandPool. [synchronised: pool] */
VKN_API void vknResetBindingPool(VknBindingPool pool);

/* [synchronised: pool] */
VKN_API void vknDestroyBindingPool(VknBindingPool pool);

/*
 * Makes a persistent binding: the descriptors of a recording, written once. Works with and without push descriptors.
 *   pInfo: as for vknCmdExecute; rows is the most rows that will be recorded
 * Errors: those of vknCmdExecute, OUT_OF_*_MEMORY, DEVICE_LOST. [any thread]
 */
VKN_API VknResult vknCreateBinding(VknPlan plan, const VknExecuteInfo* pInfo, VknBinding* pBinding, VknError* pError);

/* [synchronised: binding] */
VKN_API void vknDestroyBinding(VknBinding binding);

/*
 * Records an operation with a persistent binding.
 *   rows: 0 to the rows that the binding was made with; ignored with GPU_ROWS
 * Errors, with the command buffer untouched: INVALID_ARGUMENT. [synchronised: commandBuffer and its pool]
 */
VKN_API VknResult vknCmdExecuteBinding(VknBinding binding, VkCommandBuffer commandBuffer, uint64_t rows,
                                       VknError* pError);

#ifdef __cplusplus
}
#endif

#endif /* VKNORM_H */
