// The device that the whole program tests, its messages, and the plans made on
// it.
#pragma once

#include <vknorm/vknorm.h>
#include <vknorm/runtime.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace vknorm::test {

// A kernel form to force; the default leaves the choice to the library.
struct FormVariant {
    std::string name = "auto";
    VknKernelForm form = VKN_KERNEL_FORM_AUTO;
    uint32_t subgroupSize = 0;
    bool readTwice = false;
};

// How the elements of an operand lie.
enum class Extent {
    Rows,        // rows x hiddenSize
    Parameters,  // hiddenSize, or so many rows of it
    Scalars,     // one a row
    Seed,        // two uint32_t
    Scales,      // of a quantised output: one a row, or one a block of a row
    Single,      // one
};

struct RoleFacts {
    VknRole role;
    const char* name;
    Extent extent;
    bool isWritten;
};

const RoleFacts& roleFacts(VknRole role);

// What a plan is made of.
struct PlanSpec {
    VknOperation operation = VKN_OPERATION_RMS_NORM;
    uint32_t hiddenSize = 1;
    VknType input = VKN_TYPE_F32;
    VknType output = VKN_TYPE_F32;
    std::optional<VknType> gamma;
    std::optional<VknType> beta;
    bool mean = false;
    bool rstd = false;
    VknPlanFlags flags = 0;
    float epsilon = 1e-5f;
    float gammaOffset = 0.0f;
    uint32_t partialSize = 0;
    float alpha = 0.0f;          // of DyT
    uint32_t parameterRows = 0;  // 0 counts as 1, as in VknPlanCreateInfo
    std::optional<VknType> gate;
    VknActivation activation = VKN_ACTIVATION_SILU;
    bool normFirst = false;
    bool rowIndex = false;  // rows of x are gathered
    FormVariant variant;
    uint32_t workgroupSize = 0;
    uint32_t maxWorkgroups = 0;
    uint32_t rowsAtOnce = 0;

    // A residual block. Types of operands that the placement does not have are
    // ignored, as `output` is by SANDWICH.
    VknPlacement placement = VKN_PLACEMENT_NONE;
    VknType residual = VKN_TYPE_F32;
    VknType residualOutput = VKN_TYPE_F32;
    VknType input2 = VKN_TYPE_F32;
    VknType output2 = VKN_TYPE_F32;
    std::optional<VknType> gamma2;
    std::optional<VknType> beta2;
    std::optional<VknType> branchBias;
    std::optional<VknType> branchBias2;
    std::optional<VknType> layerScale;
    bool rowScale = false;
    bool mean2 = false;
    bool rstd2 = false;
    bool seed = false;           // dropout's seed comes from a buffer
    float residualScale = 0.0f;  // 0 counts as 1, as in VknBlockInfo
    float branchScale = 0.0f;
    float dropoutProbability = 0.0f;

    // Quantised outputs, where `output` or `output2` has such a type.
    VknQuantization quantization = VKN_QUANTIZATION_STATIC;
    float scale = 0.0f;  // 0 counts as 1, as in VknQuantizationInfo
    float scale2 = 0.0f;
    float largestValue = 0.0f;
    uint32_t blockSize = 0;
    bool staticScale = false;  // the scales come from a buffer

    bool isInPlace() const { return (flags & VKN_PLAN_IN_PLACE_BIT) != 0; }
    // Where x and the residual are read from.
    VknRole inputRole() const;
    VknRole residualRole() const;
    std::vector<VknOperandType> operands() const;
    VknType typeOf(VknRole role) const;         // of one of operands()
    uint64_t parametersOf(VknRole role) const;  // rows of hiddenSize that a parameter has
    bool hasQuantised(VknRole role) const;      // OUTPUT or OUTPUT_2, of a quantised type
    uint32_t scalesPerRow() const;              // of such an output
    std::string describe() const;
};

// Creates a plan in any context. The caller destroys it.
VknResult createPlan(VknContext context, const PlanSpec& spec, VknPlan* plan, VknError* error);

// Messages of validation layers, drivers and the loader.
class MessageLog {
public:
    MessageCallback callback();
    std::vector<std::string> take();  // what came since the last call

private:
    std::mutex mutex_;
    std::vector<std::string> messages_;
};

class Gpu {
public:
    // Opened by the first test that needs it; the same until the program ends.
    static Gpu& get();
    // Called by main's environment, before the driver is unloaded. Prints what
    // was covered.
    static void close();

    explicit Gpu(const DeviceOptions& options);
    ~Gpu();
    Gpu(const Gpu&) = delete;
    Gpu& operator=(const Gpu&) = delete;

    Device& device() { return device_; }
    VknContext context() { return device_.context(); }
    MessageLog& messages() { return messages_; }
    const VknContextInfo& contextInfo() const { return contextInfo_; }
    // Null where push descriptors make it unnecessary.
    VknBindingPool bindingPool() { return pool_; }
    // Every form that the device can run, each with its choice of subgroup sizes;
    // in front, the automatic choice, which programs with emulated subgroups
    // lack.
    const std::vector<FormVariant>& variants() const { return variants_; }
    // Without the automatic choice, which is one of them.
    const std::vector<FormVariant>& forms() const { return forms_; }

    // Made once for each description: compiling is what takes the time.
    VknPlan plan(const PlanSpec& spec);
    void forgetPlans();

    // Submits what was recorded, then makes the binding pool's sets free again.
    void submit(const std::function<void(VkCommandBuffer)>& record);

    size_t planCount() const { return plansMade_; }
    size_t pipelineCount() const { return pipelines_; }

private:
    void listVariants();

    MessageLog messages_;
    Device device_;
    VknContextInfo contextInfo_{};
    VknBindingPool pool_ = VKN_NULL_HANDLE;
    std::vector<FormVariant> variants_;
    std::vector<FormVariant> forms_;
    std::map<std::string, VknPlan> plans_;
    size_t plansMade_ = 0;
    size_t pipelines_ = 0;
};

// A device of a test's own, with the test's options on top of those that all
// devices have.
DeviceOptions defaultDeviceOptions();

// Whether the program is linked with the kernels that emulate subgroups, which have forms of their own sizes.
bool emulatesSubgroups();

// VKNORM_TEST_FULL=1: everything multiplied out (hours on a CPU) instead of
// pairs and turns.
bool isFullTest();
// VKNORM_TEST_QUICK=1: kernel forms take turns wherever they would be
// multiplied with something else. For drivers that compile slowly
// (drivers.txt).
bool isQuickTest();
// Whether form number `form` is to be tested with number `other` of something
// else.
bool isTurnOf(size_t form, size_t other);
// True where messages about missing synchronisation between commands can be
// expected.
bool isSynchronisationValidated();
// True for the layer that misses write-after-write between dispatches (1.3.239
// and near).
bool isPackagedValidation();

}  // namespace vknorm::test
