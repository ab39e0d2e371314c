#include "variants/variants.hpp"

#include "plan/forms.hpp"
#include "plan/operation.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>

namespace vknorm::test {

PlanDescription::PlanDescription(const Variant& variant) {
    kernel.sType = VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE;
    kernel.form = variant.form;
    block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
    block.pNext = &kernel;
    block.placement = variant.placement;
    block.residualScale = 0.5F;
    block.branchScale = 2;
    block.dropoutProbability = variant.dropoutProbability;
    info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
    info.pNext = &block;
    addQuantization(variant);
    addGate(variant);
    addRope(variant);
    addGroups(variant);
    addBatch(variant);
    info.flags = variant.flags;
    info.operation = variant.operation;
    info.hiddenSize = variant.hiddenSize;
    info.operandCount = static_cast<uint32_t>(variant.operands.size());
    info.pOperands = variant.operands.data();
    info.epsilon = 1e-5F;
    info.alpha = 0.5F;  // 0 would leave DyT nothing to read
}

void PlanDescription::addQuantization(const Variant& variant) {
    if (variant.quantization) {
        quantization.sType = VKN_STRUCTURE_TYPE_QUANTIZATION_INFO;
        quantization.pNext = info.pNext;
        quantization.quantization = *variant.quantization;
        quantization.blockSize = *variant.quantization == VKN_QUANTIZATION_PER_BLOCK ? 128 : 0;
        info.pNext = &quantization;
    }
}

void PlanDescription::addGate(const Variant& variant) {
    if (variant.activation) {
        gate.sType = VKN_STRUCTURE_TYPE_GATE_INFO;
        gate.pNext = info.pNext;
        gate.activation = *variant.activation;
        gate.normFirst = variant.normFirst ? VK_TRUE : VK_FALSE;
        info.pNext = &gate;
    }
}

void PlanDescription::addRope(const Variant& variant) {
    if (variant.rope) {
        rope.sType = VKN_STRUCTURE_TYPE_ROPE_INFO;
        rope.pNext = info.pNext;
        rope.layout = *variant.rope;
        rope.queryRows = 8;
        rope.angles = variant.ropeAngles;
        info.pNext = &rope;
    }
}

void PlanDescription::addGroups(const Variant& variant) {
    if (variant.channels != 0) {
        groups.sType = VKN_STRUCTURE_TYPE_GROUP_INFO;
        groups.pNext = info.pNext;
        groups.channels = variant.channels;
        groups.groups = variant.channels % 32 == 0 ? 32 : 1;
        groups.channelsLast = variant.channelsLast ? VK_TRUE : VK_FALSE;
        info.pNext = &groups;
    }
}

void PlanDescription::addBatch(const Variant& variant) {
    if (variant.training) {
        batch.sType = VKN_STRUCTURE_TYPE_BATCH_INFO;
        batch.pNext = info.pNext;
        batch.training = VK_TRUE;
        batch.momentum = 0.1F;
        info.pNext = &batch;
    }
}

namespace {

constexpr uint32_t kWidest = 262144;

// A hidden size for each distinct choice that the pure function makes for a variant.
std::vector<uint32_t> hiddenSizesOfChoices(const vkn::DeviceFacts& facts, Variant variant) {
    variant.hiddenSize = 8;
    vkn::OperationSpec spec;
    VknError error = makeError();
    if (vkn::makeOperationSpec(PlanDescription(variant).info, spec, &error) != VKN_SUCCESS) {
        throw std::runtime_error(error.message);
    }
    std::map<std::tuple<int, uint32_t, uint32_t, bool, bool, bool, bool>, uint32_t> first;
    for (uint32_t hidden = 8; hidden <= kWidest; hidden += 8) {
        spec.hiddenSize = hidden;
        spec.rotarySize = variant.rope ? hidden : 0;
        vkn::KernelChoice choice;
        if (vkn::chooseKernel(facts, spec, choice, nullptr) == VKN_SUCCESS) {
            first.insert({{choice.form, choice.workgroupSize, choice.group, choice.readAgain, choice.isFrugal,
                           choice.drawsFirst, choice.hasWholeGroups},
                          hidden});
        }
    }
    std::vector<uint32_t> sizes;
    for (const auto& entry : first) {
        sizes.push_back(entry.second);
    }
    return sizes;
}

std::vector<VknOperandType> affine(VknType input, VknType output, VknType gamma, VknType beta) {
    return {{VKN_ROLE_INPUT, input}, {VKN_ROLE_OUTPUT, output}, {VKN_ROLE_GAMMA, gamma}, {VKN_ROLE_BETA, beta}};
}

constexpr VknOperation kOperations[] = {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM};
constexpr VknType kTypes[] = {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16};

// Every choice with each operation (neither always needs the more registers), the types in rotation.
void addChoices(const vkn::DeviceFacts& facts, Variants& variants) {
    uint32_t turn = 0;
    for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
        const Variant plain = {VKN_OPERATION_RMS_NORM, 0, 0, affine(type, type, type, type), VKN_KERNEL_FORM_AUTO};
        for (const uint32_t hidden : hiddenSizesOfChoices(facts, plain)) {
            const VknType other = type == VKN_TYPE_F32 ? type : kTypes[1 + turn % 2];
            for (const VknOperation operation : kOperations) {
                variants.all.push_back({operation, hidden, 0, affine(type, other, other, type), VKN_KERNEL_FORM_AUTO});
            }
            ++turn;
            ++variants.choices;
        }
    }
}

// Every pair of types, at one hidden size: input and output in full, gamma and beta along.
void addTypes(Variants& variants) {
    for (uint32_t i = 0; i < 3; ++i) {
        for (uint32_t o = 0; o < 3; ++o) {
            variants.all.push_back({VKN_OPERATION_LAYER_NORM, 1024, 0,
                                    affine(kTypes[i], kTypes[o], kTypes[(i + o) % 3], kTypes[(i + 2 * o) % 3]),
                                    VKN_KERNEL_FORM_AUTO});
        }
    }
}

// Every flag and optional operand.
void addOptions(Variants& variants) {
    const VknType type = VKN_TYPE_BF16;
    const std::vector<VknOperandType> plain = {{VKN_ROLE_INPUT, type}, {VKN_ROLE_OUTPUT, type}};
    const std::vector<VknOperandType> inPlace = {{VKN_ROLE_OUTPUT, type}, {VKN_ROLE_GAMMA, type}};
    for (const VknOperation operation : kOperations) {
        std::vector<VknOperandType> saved = affine(type, type, type, type);
        if (operation == VKN_OPERATION_LAYER_NORM) {
            saved.push_back({VKN_ROLE_MEAN, VKN_TYPE_F32});
        }
        saved.push_back({VKN_ROLE_RSTD, VKN_TYPE_F32});
        const auto add = [&](VknPlanFlags flags, const std::vector<VknOperandType>& operands) {
            variants.all.push_back({operation, 1024, flags, operands, VKN_KERNEL_FORM_AUTO});
        };
        add(0, plain);
        add(VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT | VKN_PLAN_EARLY_CAST_BIT, saved);
        add(VKN_PLAN_IN_PLACE_BIT, inPlace);
        add(VKN_PLAN_GPU_ROWS_BIT, plain);
        add(VKN_PLAN_GPU_ROWS_BIT | VKN_PLAN_IN_PLACE_BIT, inPlace);
    }
}

bool isOfBranch(VknRole role) {
    switch (role) {
        case VKN_ROLE_INPUT:
        case VKN_ROLE_INPUT_2:
        case VKN_ROLE_OUTPUT:
        case VKN_ROLE_OUTPUT_2:
        case VKN_ROLE_GATE:
        case VKN_ROLE_INPUT_GRADIENT:
        case VKN_ROLE_INPUT_2_GRADIENT:
        case VKN_ROLE_OUTPUT_GRADIENT:
        case VKN_ROLE_OUTPUT_2_GRADIENT:
        case VKN_ROLE_GATE_GRADIENT:
            return true;
        default:
            return false;
    }
}

// The stream and the weights in one type, branches and norms in another.
std::vector<VknOperandType> operandsOf(vkn::RoleSet roles, VknType stream, VknType branch) {
    std::vector<VknOperandType> operands;
    for (uint32_t r = 1; r < vkn::kRoleCount; ++r) {
        const vkn::RoleInfo& role = *vkn::findRole(static_cast<VknRole>(r));
        if ((roles & vkn::roleBit(role.role)) != 0) {
            const VknType type = isOfBranch(role.role) ? branch : stream;
            operands.push_back({role.role, role.type != vkn::kAnyFloat ? role.type : type});
        }
    }
    return operands;
}

// All operands of a placement.
std::vector<VknOperandType> blockOperands(VknPlacement placement, VknOperation operation, VknType stream,
                                          VknType branch) {
    const vkn::DirectionInfo& info = vkn::findPlacement(placement)->forward;
    const vkn::RoleSet excluded = vkn::findOperation(operation)->excludedRoles;
    return operandsOf((info.requiredRoles | info.optionalRoles) & ~excluded, stream, branch);
}

// The same of the backward. The statistics are saved, or taken again.
std::vector<VknOperandType> gradientOperands(VknPlacement placement, VknOperation operation, bool saved, VknType stream,
                                             VknType branch) {
    vkn::OperationSpec spec;
    spec.operation = operation;
    spec.placement = placement;
    spec.flags = VKN_PLAN_BACKWARD_BIT;
    const vkn::RoleSet statistics = vkn::roleBit(VKN_ROLE_MEAN) | vkn::roleBit(VKN_ROLE_RSTD) |
                                    vkn::roleBit(VKN_ROLE_MEAN_2) | vkn::roleBit(VKN_ROLE_RSTD_2);
    const vkn::RoleSet left =
        (saved ? vkn::RoleSet{0} : statistics) | vkn::roleBit(VKN_ROLE_GATE) | vkn::roleBit(VKN_ROLE_ROW_INDEX);
    vkn::RoleSet before = 0;
    do {  // some operands are there because of others
        before = spec.roles;
        spec.roles = vkn::requiredRoles(spec) | (vkn::optionalRoles(spec) & ~left);
    } while (spec.roles != before);
    return operandsOf(spec.roles, stream, branch);
}

// Every placement with every choice, with all that a branch can go through; operations and types in rotation.
void addBlocks(const vkn::DeviceFacts& facts, Variants& variants) {
    uint32_t turn = 0;
    for (const VknPlacement placement : {VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_POST_NORM, VKN_PLACEMENT_SANDWICH,
                                         VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL}) {
        for (const VknType branch : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
            Variant variant;
            variant.placement = placement;
            variant.operands = blockOperands(placement, variant.operation, VKN_TYPE_F32, branch);
            variant.dropoutProbability = 0.1F;
            for (const uint32_t hidden : hiddenSizesOfChoices(facts, variant)) {
                variant.operation = kOperations[turn % 2];
                const VknType half = kTypes[1 + turn / 2 % 2];
                variant.operands =
                    blockOperands(placement, variant.operation, VKN_TYPE_F32, branch == VKN_TYPE_F32 ? branch : half);
                variant.hiddenSize = hidden;
                variants.all.push_back(variant);
                ++turn;
                ++variants.choices;
            }
        }
    }
}

// What most blocks are: nothing is done to the branch, and nothing is saved.
void addPlainBlocks(const vkn::DeviceFacts& facts, Variants& variants) {
    uint32_t turn = 0;
    for (const VknPlacement placement : {VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_SANDWICH}) {
        for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
            Variant variant;
            variant.placement = placement;
            variant.operands = {{VKN_ROLE_INPUT, type},
                                {VKN_ROLE_GAMMA, type},
                                {VKN_ROLE_BETA, type},
                                {VKN_ROLE_RESIDUAL, type},
                                {VKN_ROLE_RESIDUAL_OUTPUT, type}};
            if (placement == VKN_PLACEMENT_PRE_NORM) {
                variant.operands.push_back({VKN_ROLE_OUTPUT, type});
            }
            for (const uint32_t hidden : hiddenSizesOfChoices(facts, variant)) {
                variant.operation = kOperations[turn++ % 2];
                variant.hiddenSize = hidden;
                variants.all.push_back(variant);
                ++variants.choices;
            }
        }
    }
}

// Quantised outputs in every way, alone and beside a residual stream, with every choice.
void addQuantised(const vkn::DeviceFacts& facts, Variants& variants) {
    constexpr VknType kQuantised[] = {VKN_TYPE_I8, VKN_TYPE_F8_E4M3, VKN_TYPE_F8_E5M2};
    uint32_t turn = 0;
    for (const VknQuantization quantization :
         {VKN_QUANTIZATION_STATIC, VKN_QUANTIZATION_PER_ROW, VKN_QUANTIZATION_PER_BLOCK}) {
        for (const VknPlacement placement : {VKN_PLACEMENT_NONE, VKN_PLACEMENT_PRE_NORM}) {
            Variant variant;
            variant.placement = placement;
            variant.quantization = quantization;
            variant.operands = {{VKN_ROLE_INPUT, VKN_TYPE_BF16},
                                {VKN_ROLE_OUTPUT, kQuantised[turn % 3]},
                                {VKN_ROLE_GAMMA, VKN_TYPE_BF16}};
            if (quantization != VKN_QUANTIZATION_STATIC) {
                variant.operands.push_back({VKN_ROLE_OUTPUT_SCALE, VKN_TYPE_F32});
            }
            if (placement == VKN_PLACEMENT_PRE_NORM) {
                variant.operands.push_back({VKN_ROLE_RESIDUAL, VKN_TYPE_F32});
                variant.operands.push_back({VKN_ROLE_RESIDUAL_OUTPUT, VKN_TYPE_F32});
            }
            for (const uint32_t hidden : hiddenSizesOfChoices(facts, variant)) {
                variant.operation = kOperations[turn % 2];
                variant.hiddenSize = hidden;
                variant.operands[1].type = kQuantised[turn++ % 3];
                variants.all.push_back(variant);
                ++variants.choices;
            }
        }
    }
}

// Every activation with a gate by itself, and with a norm before or behind it.
void addGated(Variants& variants) {
    for (const VknOperation operation : {VKN_OPERATION_GATED_ACTIVATION, VKN_OPERATION_RMS_NORM}) {
        for (const VknActivation activation : {VKN_ACTIVATION_SILU, VKN_ACTIVATION_GELU, VKN_ACTIVATION_GELU_TANH,
                                               VKN_ACTIVATION_RELU, VKN_ACTIVATION_SIGMOID}) {
            Variant variant;
            variant.operation = operation;
            variant.hiddenSize = 4096;
            variant.activation = activation;
            variant.normFirst = operation == VKN_OPERATION_RMS_NORM && activation % 2 == 0;
            const VknType type = kTypes[activation % 3];
            variant.operands = {{VKN_ROLE_INPUT, type}, {VKN_ROLE_GATE, type}, {VKN_ROLE_OUTPUT, type}};
            variants.all.push_back(variant);
        }
    }
}

void addDyt(Variants& variants) {
    for (const VknPlacement placement : {VKN_PLACEMENT_NONE, VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_SANDWICH_PRE_NORM}) {
        Variant variant;
        variant.operation = VKN_OPERATION_DYT;
        variant.hiddenSize = 1024;
        variant.placement = placement;
        variant.operands = affine(VKN_TYPE_BF16, VKN_TYPE_BF16, VKN_TYPE_F32, VKN_TYPE_F32);
        if (placement != VKN_PLACEMENT_NONE) {
            variant.operands.push_back({VKN_ROLE_RESIDUAL, VKN_TYPE_F32});
            variant.operands.push_back({VKN_ROLE_RESIDUAL_OUTPUT, VKN_TYPE_F32});
        }
        variants.all.push_back(variant);
    }
}

// Images whose groups are held and whose are not, of whole chunks and not.
void addGroupNorm(Variants& variants) {
    for (const bool channelsLast : {false, true}) {
        for (const uint32_t channels : {256u, 320u, 7u}) {
            for (const uint32_t pixels : {8u, 4096u}) {
                Variant variant;
                variant.operation = VKN_OPERATION_GROUP_NORM;
                variant.channels = channels;
                variant.channelsLast = channelsLast;
                variant.hiddenSize = channels * pixels;
                const VknType type = kTypes[variants.all.size() % 3];
                variant.operands = affine(type, type, VKN_TYPE_F32, VKN_TYPE_F32);
                variants.all.push_back(variant);
                if (pixels == 8) {
                    variant.quantization = VKN_QUANTIZATION_PER_ROW;
                    variant.operands = affine(type, VKN_TYPE_I8, VKN_TYPE_F32, VKN_TYPE_F32);
                    variant.operands.push_back({VKN_ROLE_OUTPUT_SCALE, VKN_TYPE_F32});
                    variants.all.push_back(variant);
                }
            }
        }
    }
}

// Queries and keys that turn, with every choice, both layouts, angles computed and not.
void addRope(const vkn::DeviceFacts& facts, Variants& variants) {
    uint32_t turn = 0;
    for (const VknRopeLayout layout : {VKN_ROPE_LAYOUT_HALF_SPLIT, VKN_ROPE_LAYOUT_INTERLEAVED}) {
        for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
            const bool isComputed = turn % 2 == 0;
            Variant variant;
            variant.rope = layout;
            variant.operands = {{VKN_ROLE_INPUT, type},
                                {VKN_ROLE_KEY, type},
                                {VKN_ROLE_OUTPUT, type},
                                {VKN_ROLE_KEY_OUTPUT, type},
                                {VKN_ROLE_GAMMA, type},
                                {VKN_ROLE_KEY_GAMMA, type},
                                {VKN_ROLE_POSITIONS, VKN_TYPE_U32}};
            variant.operands.push_back(isComputed ? VknOperandType{VKN_ROLE_ROPE_TABLE, VKN_TYPE_U32}
                                                  : VknOperandType{VKN_ROLE_COS_SIN, VKN_TYPE_F32});
            for (const uint32_t hidden : hiddenSizesOfChoices(facts, variant)) {
                variant.hiddenSize = hidden;
                variants.all.push_back(variant);
                ++variants.choices;
            }
            if (isComputed) {
                variant.ropeAngles = VKN_ROPE_ANGLES_FP32_PRODUCT;
                variant.hiddenSize = 128;
                variants.all.push_back(variant);
            }
            ++turn;
        }
    }
}

// Every form that may be used, also where the choice prefers another.
void addForms(uint32_t usableForms, Variants& variants) {
    for (const VknKernelForm form :
         {VKN_KERNEL_FORM_SUBGROUP, VKN_KERNEL_FORM_SUBGROUP_SHARED, VKN_KERNEL_FORM_SHARED}) {
        for (const uint32_t hidden : {100u, 2048u, 100000u}) {
            if ((usableForms & vkn::formBit(form)) != 0) {
                variants.all.push_back({VKN_OPERATION_LAYER_NORM, hidden, 0,
                                        affine(VKN_TYPE_F16, VKN_TYPE_BF16, VKN_TYPE_F32, VKN_TYPE_F32), form});
            }
        }
    }
}

// Columns of whole pieces and not, in training and after it, alone and before a stream.
void addBatchNorm(Variants& variants) {
    const VknOperandType runningMean = {VKN_ROLE_RUNNING_MEAN, VKN_TYPE_F32};
    const VknOperandType runningVariance = {VKN_ROLE_RUNNING_VARIANCE, VKN_TYPE_F32};
    for (const VknType type : kTypes) {
        Variant variant;
        variant.operation = VKN_OPERATION_BATCH_NORM;
        variant.hiddenSize = 1024;
        variant.operands = affine(type, type, VKN_TYPE_F32, VKN_TYPE_F32);
        variant.operands.push_back(runningMean);
        variant.operands.push_back(runningVariance);
        variants.all.push_back(variant);
        Variant training = variant;
        training.training = true;
        training.operands.push_back({VKN_ROLE_BATCH_MEAN, VKN_TYPE_F32});
        training.operands.push_back({VKN_ROLE_BATCH_RSTD, VKN_TYPE_F32});
        variants.all.push_back(training);
        variant.placement = VKN_PLACEMENT_PRE_NORM;
        variant.operands.push_back({VKN_ROLE_RESIDUAL, VKN_TYPE_F32});
        variant.operands.push_back({VKN_ROLE_RESIDUAL_OUTPUT, VKN_TYPE_F32});
        variants.all.push_back(variant);
    }
}

// The backward: every placement with every choice, with all gradients that there are; operations, types and statistics in rotation.
void addGradients(const vkn::DeviceFacts& facts, Variants& variants) {
    uint32_t turn = 0;
    for (const VknPlacement placement :
         {VKN_PLACEMENT_NONE, VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_POST_NORM, VKN_PLACEMENT_SANDWICH,
          VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL}) {
        for (const VknType branch : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
            Variant variant;
            variant.flags = VKN_PLAN_BACKWARD_BIT;
            variant.placement = placement;
            variant.operands = gradientOperands(placement, variant.operation, false, VKN_TYPE_F32, branch);
            for (const uint32_t hidden : hiddenSizesOfChoices(facts, variant)) {
                variant.operation = kOperations[turn % 2];
                const VknType half = kTypes[1 + turn / 2 % 2];
                variant.operands = gradientOperands(placement, variant.operation, turn % 3 == 0, VKN_TYPE_F32,
                                                    branch == VKN_TYPE_F32 ? branch : half);
                variant.hiddenSize = hidden;
                variant.dropoutProbability = placement == VKN_PLACEMENT_NONE ? 0.0F : 0.1F;
                variants.all.push_back(variant);
                ++turn;
                ++variants.choices;
            }
        }
    }
}

// Of what is in place of a norm, and of images; in place, and by itself.
void addOtherGradients(Variants& variants) {
    for (const VknType type : kTypes) {
        Variant variant;
        variant.flags = VKN_PLAN_BACKWARD_BIT;
        variant.hiddenSize = 1024;
        variant.operation = VKN_OPERATION_DYT;
        for (const VknPlacement placement : {VKN_PLACEMENT_NONE, VKN_PLACEMENT_SANDWICH_PRE_NORM}) {
            variant.placement = placement;
            variant.operands = gradientOperands(placement, variant.operation, false, VKN_TYPE_F32, type);
            variants.all.push_back(variant);
        }
        variant.placement = VKN_PLACEMENT_NONE;
        variant.operation = VKN_OPERATION_RMS_NORM;
        variant.operands = {{VKN_ROLE_INPUT, type}, {VKN_ROLE_OUTPUT_GRADIENT, type}, {VKN_ROLE_INPUT_GRADIENT, type}};
        variants.all.push_back(variant);
        variant.flags |= VKN_PLAN_IN_PLACE_BIT;
        variant.operands = {{VKN_ROLE_INPUT, type},
                            {VKN_ROLE_INPUT_GRADIENT, type},
                            {VKN_ROLE_GAMMA, type},
                            {VKN_ROLE_GAMMA_GRADIENT, type}};
        variants.all.push_back(variant);
        variant.flags = VKN_PLAN_BACKWARD_BIT;
        for (const bool channelsLast : {false, true}) {
            variant.operation = VKN_OPERATION_GROUP_NORM;
            variant.channels = 320;
            variant.channelsLast = channelsLast;
            variant.hiddenSize = 320 * 64;
            variant.operands = gradientOperands(variant.placement, variant.operation, false, VKN_TYPE_F32, type);
            variants.all.push_back(variant);
        }
        variant.channels = 0;
        variant.hiddenSize = 1024;
        variant.operation = VKN_OPERATION_BATCH_NORM;
        variant.training = true;
        variant.operands = gradientOperands(variant.placement, variant.operation, false, VKN_TYPE_F32, type);
        variant.operands.push_back({VKN_ROLE_BATCH_MEAN, VKN_TYPE_F32});
        variant.operands.push_back({VKN_ROLE_BATCH_RSTD, VKN_TYPE_F32});
        const auto isRunning = [](const VknOperandType& operand) {
            return operand.role == VKN_ROLE_RUNNING_MEAN || operand.role == VKN_ROLE_RUNNING_VARIANCE;
        };
        variant.operands.erase(std::remove_if(variant.operands.begin(), variant.operands.end(), isRunning),
                               variant.operands.end());
        variants.all.push_back(variant);
    }
}

// Every activation, before and behind a norm and by itself.
void addGatedGradients(Variants& variants) {
    for (const VknActivation activation : {VKN_ACTIVATION_SILU, VKN_ACTIVATION_GELU, VKN_ACTIVATION_GELU_TANH,
                                           VKN_ACTIVATION_RELU, VKN_ACTIVATION_SIGMOID}) {
        for (const bool isNorm : {false, true}) {
            Variant variant;
            variant.flags = VKN_PLAN_BACKWARD_BIT;
            variant.hiddenSize = 4096;
            variant.operation = isNorm ? VKN_OPERATION_LAYER_NORM : VKN_OPERATION_GATED_ACTIVATION;
            variant.activation = activation;
            variant.normFirst = isNorm && activation % 2 == 0;
            const VknType type = kTypes[activation % 3];
            variant.operands = {{VKN_ROLE_INPUT, type},
                                {VKN_ROLE_GATE, type},
                                {VKN_ROLE_OUTPUT_GRADIENT, type},
                                {VKN_ROLE_INPUT_GRADIENT, type},
                                {VKN_ROLE_GATE_GRADIENT, type}};
            if (isNorm) {
                variant.operands.push_back({VKN_ROLE_GAMMA, VKN_TYPE_F32});
                variant.operands.push_back({VKN_ROLE_GAMMA_GRADIENT, VKN_TYPE_F32});
            }
            variants.all.push_back(variant);
        }
    }
}

}  // namespace

std::string describe(const Variant& variant) {
    std::string text = vkn::findOperation(variant.operation)->name;
    text.append(" ");
    text.append(vkn::findPlacement(variant.placement)->name).append(" ");
    text.append(std::to_string(variant.hiddenSize)).append(" flags ").append(std::to_string(variant.flags));
    text.append(" operands");
    for (const VknOperandType& operand : variant.operands) {
        text.append(" ").append(std::to_string(operand.role)).append(":").append(vkn::typeName(operand.type));
    }
    return text;
}

void addVariants(Part part, const vkn::DeviceFacts& facts, Variants& variants) {
    switch (part) {
        case Part::Norms:
            addChoices(facts, variants);
            addTypes(variants);
            addOptions(variants);
            addForms(vkn::usableForms(facts), variants);
            break;
        case Part::Blocks:
            addBlocks(facts, variants);
            addPlainBlocks(facts, variants);
            break;
        case Part::Others:
            addQuantised(facts, variants);
            addGated(variants);
            addDyt(variants);
            addGroupNorm(variants);
            addBatchNorm(variants);
            addRope(facts, variants);
            break;
        case Part::Backward:
            addGradients(facts, variants);
            addOtherGradients(variants);
            addGatedGradients(variants);
            break;
    }
}

}  // namespace vknorm::test
