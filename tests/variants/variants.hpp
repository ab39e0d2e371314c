// The plans that vknorm_pipelines and vknorm_compare create: one for every choice that can be made on a device, and one for every type, flag,
// operand and form.
#pragma once

#include "plan/choose.hpp"

#include <vknorm/vknorm.hpp>

#include <optional>
#include <string>
#include <vector>

namespace vknorm::test {

struct Variant {
    VknOperation operation = VKN_OPERATION_RMS_NORM;
    uint32_t hiddenSize = 0;
    VknPlanFlags flags = 0;
    std::vector<VknOperandType> operands;
    VknKernelForm form = VKN_KERNEL_FORM_AUTO;
    VknPlacement placement = VKN_PLACEMENT_NONE;
    float dropoutProbability = 0;
    std::optional<VknQuantization> quantization = std::nullopt;
    std::optional<VknActivation> activation = std::nullopt;
    bool normFirst = false;
    std::optional<VknRopeLayout> rope = std::nullopt;
    VknRopeAngles ropeAngles = VKN_ROPE_ANGLES_TURNS;
    uint32_t channels = 0;  // GroupNorm
    bool channelsLast = false;
    bool training = false;  // BatchNorm
};

std::string describe(const Variant& variant);

// A variant as vknCreatePlan takes it; the structures point into each other, so it stays where it is.
struct PlanDescription {
    VknKernelOverride kernel = {};
    VknBlockInfo block = {};
    VknQuantizationInfo quantization = {};
    VknGateInfo gate = {};
    VknRopeInfo rope = {};
    VknGroupInfo groups = {};
    VknBatchInfo batch = {};
    VknPlanCreateInfo info = {};

    explicit PlanDescription(const Variant& variant);
    PlanDescription(const PlanDescription&) = delete;
    PlanDescription& operator=(const PlanDescription&) = delete;

private:
    void addQuantization(const Variant& variant);
    void addGate(const Variant& variant);
    void addRope(const Variant& variant);
    void addGroups(const Variant& variant);
    void addBatch(const Variant& variant);
};

struct Variants {
    std::vector<Variant> all;
    size_t choices = 0;  // distinct ones of the choice function
};

// The parts of what there is, for drivers that take long.
enum class Part {
    Norms,
    Blocks,
    Others,
    Backward
};

// Adds RMSNorm and LayerNorm without a residual, those with one, everything else of the forward, or the backward.
void addVariants(Part part, const vkn::DeviceFacts& facts, Variants& variants);

}  // namespace vknorm::test
