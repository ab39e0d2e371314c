#include "gpu/gradient_case.hpp"

#include "support/formats.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

namespace vknorm::test {
namespace {

constexpr uint64_t kDropoutSeed = 0xFEDCBA9876543210ull;
constexpr uint32_t kStream = 3;
constexpr uint32_t kTableRows = 5;

bool isIn(VknRole role, std::initializer_list<VknRole> roles) {
    return std::find(roles.begin(), roles.end(), role) != roles.end();
}

bool isParameter(VknRole role) {
    return isIn(role, {VKN_ROLE_GAMMA, VKN_ROLE_BETA, VKN_ROLE_GAMMA_2, VKN_ROLE_BETA_2, VKN_ROLE_BRANCH_BIAS,
                       VKN_ROLE_BRANCH_BIAS_2, VKN_ROLE_LAYER_SCALE});
}

bool isSum(VknRole role) { return role >= VKN_ROLE_GAMMA_GRADIENT && role <= VKN_ROLE_ALPHA_GRADIENT; }

bool isScalar(VknRole role) {
    return isIn(role, {VKN_ROLE_MEAN, VKN_ROLE_RSTD, VKN_ROLE_MEAN_2, VKN_ROLE_RSTD_2, VKN_ROLE_ROW_SCALE});
}

bool isOfNorm(VknRole role) {
    return isIn(role, {VKN_ROLE_GAMMA, VKN_ROLE_BETA, VKN_ROLE_GAMMA_2, VKN_ROLE_BETA_2, VKN_ROLE_GAMMA_GRADIENT,
                       VKN_ROLE_BETA_GRADIENT, VKN_ROLE_GAMMA_2_GRADIENT, VKN_ROLE_BETA_2_GRADIENT});
}

bool isWritten(VknRole role) { return role >= VKN_ROLE_INPUT_GRADIENT; }

std::vector<VknRole> requiredRoles(VknPlacement placement) {
    switch (placement) {
        case VKN_PLACEMENT_NONE:
            return {VKN_ROLE_INPUT, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT};
        case VKN_PLACEMENT_PRE_NORM:
            return {VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT};
        case VKN_PLACEMENT_POST_NORM:
            return {VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT};
        case VKN_PLACEMENT_SANDWICH:
            return {VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT};
        case VKN_PLACEMENT_SANDWICH_PRE_NORM:
            return {VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_INPUT_GRADIENT};
        default:
            return {VKN_ROLE_RESIDUAL_OUTPUT, VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_OUTPUT_2_GRADIENT,
                    VKN_ROLE_INPUT_GRADIENT, VKN_ROLE_INPUT_2_GRADIENT};
    }
}

VknRole writtenInPlace(VknPlacement placement) {
    return placement == VKN_PLACEMENT_NONE ? VKN_ROLE_INPUT_GRADIENT : VKN_ROLE_RESIDUAL_GRADIENT;
}

VknRole readInPlace(VknPlacement placement) {
    const bool isOutput = placement == VKN_PLACEMENT_NONE || placement == VKN_PLACEMENT_POST_NORM;
    return isOutput ? VKN_ROLE_OUTPUT_GRADIENT : VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT;
}

VknType typeOf(const GradientCase& gradient, VknRole role) {
    if (isScalar(role) || role == VKN_ROLE_ALPHA_GRADIENT) {
        return VKN_TYPE_F32;
    }
    if (role == VKN_ROLE_COS_SIN) {
        return VKN_TYPE_F32;
    }
    if (role == VKN_ROLE_SEED || role == VKN_ROLE_POSITIONS) {
        return VKN_TYPE_U32;
    }
    if (isParameter(role) || isSum(role)) {
        return gradient.parameter;
    }
    if (isIn(role, {VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_OUTPUT_2_GRADIENT})) {
        return gradient.arriving;
    }
    const bool isOfBranch = isIn(role, {VKN_ROLE_INPUT, VKN_ROLE_INPUT_2, VKN_ROLE_GATE, VKN_ROLE_INPUT_GRADIENT,
                                        VKN_ROLE_INPUT_2_GRADIENT, VKN_ROLE_GATE_GRADIENT});
    return isOfBranch ? gradient.branch : gradient.stream;
}

// Operands that may share a binding lie in one buffer: parameters, what rows have one of, and tensors of rows that follow each other
// in a pair. Gradients of parameters are bound by themselves, but neighbours in memory.
int bufferOf(VknRole role) {
    if (isParameter(role) || role == VKN_ROLE_COS_SIN) {
        return -1;
    }
    if (isScalar(role) || role == VKN_ROLE_SEED || role == VKN_ROLE_POSITIONS) {
        return -2;
    }
    if (isSum(role) && role != VKN_ROLE_ALPHA_GRADIENT) {
        return -3;
    }
    if (isIn(role, {VKN_ROLE_INPUT_GRADIENT, VKN_ROLE_INPUT_2_GRADIENT, VKN_ROLE_RESIDUAL_GRADIENT})) {
        return -4;
    }
    if (isIn(role, {VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_OUTPUT_2_GRADIENT})) {
        return -5;
    }
    return static_cast<int>(role);
}

}  // namespace

std::set<VknRole> parameterGradients(VknPlacement placement, VknOperation operation) {
    std::set<VknRole> roles = {VKN_ROLE_GAMMA_GRADIENT, VKN_ROLE_BETA_GRADIENT};
    if (placement != VKN_PLACEMENT_NONE) {
        roles.insert({VKN_ROLE_BRANCH_BIAS_GRADIENT, VKN_ROLE_LAYER_SCALE_GRADIENT});
    }
    if (placement == VKN_PLACEMENT_SANDWICH_PRE_NORM || placement == VKN_PLACEMENT_PARALLEL) {
        roles.insert({VKN_ROLE_GAMMA_2_GRADIENT, VKN_ROLE_BETA_2_GRADIENT});
    }
    if (placement == VKN_PLACEMENT_PARALLEL) {
        roles.insert(VKN_ROLE_BRANCH_BIAS_2_GRADIENT);
    }
    if (operation == VKN_OPERATION_DYT) {
        roles.insert(VKN_ROLE_ALPHA_GRADIENT);
    }
    return roles;
}

std::vector<VknOperandType> GradientCase::operands() const {
    const std::vector<VknRole> required = requiredRoles(placement);
    std::set<VknRole> roles(required.begin(), required.end());
    roles.insert(with.begin(), with.end());
    if (activation) {
        roles.insert({VKN_ROLE_GATE, VKN_ROLE_GATE_GRADIENT});
    }
    if (with.count(VKN_ROLE_LAYER_SCALE_GRADIENT) != 0) {
        roles.insert(VKN_ROLE_INPUT);
        if (placement == VKN_PLACEMENT_PARALLEL) {
            roles.insert(VKN_ROLE_INPUT_2);
        }
    }
    if (rope) {
        roles.insert({VKN_ROLE_POSITIONS, VKN_ROLE_COS_SIN});
    }
    if (inPlace()) {
        roles.insert(writtenInPlace(placement));
        roles.erase(readInPlace(placement));
    }
    std::vector<VknOperandType> types;
    for (const VknRole role : roles) {
        types.push_back({role, typeOf(*this, role)});
    }
    return types;
}

std::string GradientCase::describe() const {
    constexpr const char* kOperations[] = {"", "rms", "layer", "dyt", "gated", "group", "batch"};
    std::string text = std::string(kOperations[operation]) + " placement " + std::to_string(placement) + " " +
                       std::to_string(rows) + "/" + std::to_string(rowsPerOuter) + " x " + std::to_string(hiddenSize) +
                       " flags " + std::to_string(flags) + " gap " + std::to_string(gap) + " offset " +
                       std::to_string(offset) + " seed " + std::to_string(seed) + " form " + variant.name +
                       " dropout " + std::to_string(dropoutProbability) + " rows of gamma " +
                       std::to_string(parameterRows) + " turning " + std::to_string(rotarySize) + " partial " +
                       std::to_string(partialSize) + " operands";
    for (const VknOperandType& operand : operands()) {
        text += " " + std::to_string(operand.role) + ":" + std::to_string(operand.type);
    }
    return text;
}

GradientRun::GradientRun(Gpu& gpu, VknContext context, const GradientCase& gradient)
    : gpu_(gpu), context_(context), gradient_(gradient) {
    createPlan();
    makeOperands();
    saveStatistics();
    placeOperands();
}

GradientRun::~GradientRun() { vknDestroyPlan(plan_); }

VknRole GradientRun::standIn(VknRole role) const {
    return gradient_.inPlace() && role == readInPlace(gradient_.placement) ? writtenInPlace(gradient_.placement) : role;
}

GradientRun::Operand& GradientRun::find(VknRole role) { return *operands_.at(byRole_.at(standIn(role))); }

// ---- what goes in --------------------------------------------------------------------------------------------------

TensorLayout GradientRun::layoutOf(const VknOperandType& operand) const {
    TensorLayout layout;
    layout.type = operand.type;
    if (operand.role == VKN_ROLE_ALPHA_GRADIENT) {
        return layout;
    }
    if (operand.role == VKN_ROLE_COS_SIN) {
        layout.rows = kTableRows;
        layout.hiddenSize = gradient_.rotarySize;
    } else if (operand.role == VKN_ROLE_POSITIONS) {
        layout.type = VKN_TYPE_F32;  // whose bits are numbers
        layout.hiddenSize = (gradient_.rows + gradient_.rowsPerOuter - 1) / gradient_.rowsPerOuter;
    } else if (isScalar(operand.role)) {
        layout.hiddenSize = normRows();
    } else if (isParameter(operand.role) || isSum(operand.role)) {
        layout.rows = isOfNorm(operand.role) ? gradient_.parameterRows : 1;
        layout.hiddenSize = gradient_.channels != 0 ? gradient_.channels : gradient_.hiddenSize;
    } else {
        layout.rows = gradient_.rows;
        layout.rowsPerOuter = gradient_.rowsPerOuter;
        layout.hiddenSize = gradient_.hiddenSize;
        layout.rowStride = gradient_.hiddenSize + gradient_.gap;
        layout.byteOffset = gradient_.offset;
    }
    return layout;
}

double GradientRun::randomValue(VknRole role, Random& random, uint64_t row) const {
    if (isIn(role, {VKN_ROLE_GAMMA, VKN_ROLE_GAMMA_2})) {
        return 1.0 - static_cast<double>(gradient_.gammaOffset) + 0.5 * random.normal();
    }
    if (role == VKN_ROLE_COS_SIN || (gradient_.rope && role == VKN_ROLE_OUTPUT_GRADIENT)) {
        return static_cast<double>(random.below(33)) / 8.0 - 2.0;
    }
    if (isParameter(role) || isScalar(role) || isSum(role)) {
        return 0.5 * random.normal();
    }
    const double scale = std::ldexp(1.0, static_cast<int>(row % 5) - 2);
    return scale * (random.normal() + 0.25 * static_cast<double>(row % 3));
}

void GradientRun::fill(Operand& operand, Random& random) {
    const auto given = gradient_.values.find(operand.role);
    operand.before.fill([&](uint64_t row, uint64_t column) {
        const double value = randomValue(operand.role, random, row);
        return given != gradient_.values.end() ? given->second(row, column) : value;
    });
}

void GradientRun::makeOperands() {
    Random random(gradient_.seed);
    for (const VknOperandType& operand : gradient_.operands()) {
        byRole_[operand.role] = operands_.size();
        const Tensor tensor(layoutOf(operand));
        operands_.push_back(std::make_unique<Operand>(Operand{operand.role, tensor, tensor, 0, 0}));
        const bool isRead = !isWritten(operand.role) || (isSum(operand.role) && gradient_.accumulates()) ||
                            (gradient_.inPlace() && operand.role == writtenInPlace(gradient_.placement));
        if (operand.role == VKN_ROLE_SEED) {
            operands_.back()->before.bytes().resize(8);
            std::memcpy(operands_.back()->before.bytes().data(), &kDropoutSeed, 8);
        } else if (operand.role == VKN_ROLE_POSITIONS) {
            for (uint64_t i = 0; i < tensor.layout().hiddenSize; ++i) {
                operands_.back()->before.setBits(0, i, random.below(kTableRows));
            }
        } else if (isRead) {
            fill(*operands_.back(), random);
        }
    }
}

// Those of fp64, rounded, as a forward would have.
void GradientRun::saveStatistics() {
    const BlockSpec spec = blockSpec();
    const bool normsSum = spec.facts().normsSum;
    for (size_t which = 0; which < 2; ++which) {
        const VknRole rstd = which == 0 ? VKN_ROLE_RSTD : VKN_ROLE_RSTD_2;
        const VknRole mean = which == 0 ? VKN_ROLE_MEAN : VKN_ROLE_MEAN_2;
        for (uint64_t row = 0; has(rstd) && row < normRows(); ++row) {
            const bool isOfSum = normsSum && which == spec.sumNorm();
            std::vector<double> x = rowOf(isOfSum ? VKN_ROLE_RESIDUAL_OUTPUT : VKN_ROLE_INPUT, row);
            if (isOfSum && x.empty()) {
                x = computeBlock(spec, parametersOf(row), blockRow(row)).sum;
            } else if (!isOfSum) {
                x = branchValues(row);
            }
            const RowStatistics statistics = normStatistics(spec.norm[which], x);
            find(rstd).before.setValue(0, row, statistics.rstd);
            if (has(mean)) {
                find(mean).before.setValue(0, row, statistics.mean);
            }
        }
    }
}

// x as the norm over it reads it: with its bias, behind its gate.
std::vector<double> GradientRun::branchValues(uint64_t row) {
    std::vector<double> x = rowOf(VKN_ROLE_INPUT, row);
    const std::vector<double> bias = parametersOf(row).branchBias[0];
    const std::vector<double> gate = rowOf(VKN_ROLE_GATE, row);
    for (size_t i = 0; i < x.size(); ++i) {
        x[i] += bias.empty() ? 0.0 : bias[i];
        if (!gate.empty() && !gradient_.normFirst) {
            x[i] *= activationFacts(*gradient_.activation).exact(gate[i]);
        }
    }
    return x;
}

// ---- plan and recording --------------------------------------------------------------------------------------------

void GradientRun::createPlan() {
    const std::vector<VknOperandType> types = gradient_.operands();
    VknKernelOverride kernel{};
    kernel.sType = VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE;
    kernel.form = gradient_.variant.form;
    kernel.subgroupSize = gradient_.variant.subgroupSize;
    VknBlockInfo block{};
    block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
    block.pNext = &kernel;
    block.placement = gradient_.placement;
    block.residualScale = gradient_.residualScale;
    block.branchScale = gradient_.branchScale;
    block.dropoutProbability = gradient_.dropoutProbability;
    VknGateInfo gate{};
    gate.sType = VKN_STRUCTURE_TYPE_GATE_INFO;
    gate.pNext = &block;
    gate.activation = gradient_.activation.value_or(VKN_ACTIVATION_SILU);
    gate.normFirst = gradient_.normFirst ? VK_TRUE : VK_FALSE;
    VknGroupInfo groups{};
    groups.sType = VKN_STRUCTURE_TYPE_GROUP_INFO;
    groups.pNext = &block;
    groups.channels = gradient_.channels;
    groups.groups = gradient_.groups;
    groups.channelsLast = gradient_.channelsLast ? VK_TRUE : VK_FALSE;
    VknRopeInfo rope{};
    rope.sType = VKN_STRUCTURE_TYPE_ROPE_INFO;
    rope.pNext = &block;
    rope.layout = gradient_.rope.value_or(VKN_ROPE_LAYOUT_HALF_SPLIT);
    rope.rotarySize = gradient_.rotarySize;
    VknPlanCreateInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
    info.pNext = &block;
    if (gradient_.activation) {
        info.pNext = &gate;
    } else if (gradient_.channels != 0) {
        info.pNext = &groups;
    } else if (gradient_.rope) {
        info.pNext = &rope;
    }
    info.flags = gradient_.flags | VKN_PLAN_BACKWARD_BIT;
    info.operation = gradient_.operation;
    info.hiddenSize = gradient_.hiddenSize;
    info.operandCount = static_cast<uint32_t>(types.size());
    info.pOperands = types.data();
    info.epsilon = gradient_.epsilon;
    info.gammaOffset = gradient_.gammaOffset;
    info.partialSize = gradient_.partialSize;
    info.alpha = gradient_.alpha;
    info.parameterRows = gradient_.parameterRows;
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    if (vknCreatePlan(context_, &info, &plan_, &error) != VKN_SUCCESS) {
        throw std::runtime_error(std::string(error.field) + ": " + error.message + " in " + gradient_.describe());
    }
    VknPlanInfo planInfo{};
    planInfo.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
    vknGetPlanInfo(plan_, &planInfo);
    shape_ = reductionShape(planInfo);
}

void GradientRun::placeOperands() {
    std::map<int, std::vector<uint8_t>> bytes;
    for (const auto& operand : operands_) {
        std::vector<uint8_t>& buffer = bytes[bufferOf(operand->role)];
        operand->offset = (buffer.size() + 15) / 16 * 16;
        buffer.resize(operand->offset);
        const std::vector<uint8_t>& own = operand->before.bytes();
        buffer.insert(buffer.end(), own.begin(), own.end());
    }
    std::map<int, size_t> numbers;
    for (const auto& [key, contents] : bytes) {
        numbers[key] = buffers_.size();
        buffers_.push_back(std::make_unique<Buffer>(gpu_.device(), contents));
    }
    for (const auto& operand : operands_) {
        operand->buffer = numbers[bufferOf(operand->role)];
        const Buffer& buffer = *buffers_[operand->buffer];
        const TensorLayout& layout = operand->before.layout();
        const bool hasStride = layout.rowStride != 0;
        bound_.push_back({operand->role, buffer.handle(), operand->offset + layout.byteOffset, buffer.size(),
                          hasStride ? layout.rowStride : 0, 0});
    }
}

void GradientRun::run() {
    VknDropoutInfo dropout{};
    dropout.sType = VKN_STRUCTURE_TYPE_DROPOUT_INFO;
    dropout.seed = has(VKN_ROLE_SEED) ? 0 : kDropoutSeed;
    dropout.firstRow = gradient_.firstRow;
    dropout.stream = kStream;
    VknExecuteInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
    info.pNext = gradient_.dropoutProbability != 0.0f ? &dropout : nullptr;
    info.rows = gradient_.rows;
    info.rowsPerOuter = gradient_.rowsPerOuter;
    info.tableRows = kTableRows;
    info.operandCount = static_cast<uint32_t>(bound_.size());
    info.pOperands = bound_.data();
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    VkDeviceSize needed = 0;
    ASSERT_EQ(vknGetScratchSize(plan_, &info, &needed, &error), VKN_SUCCESS) << error.field << ": " << error.message;
    // Exactly what is needed, and full of what must not be taken for a sum.
    Buffer scratch(gpu_.device(), needed + 4);
    scratch.fill(0x7FC0DEAD);
    info.scratchBuffer = needed != 0 ? scratch.handle() : VK_NULL_HANDLE;
    info.scratchSize = needed;
    VknBindingPoolCreateInfo poolInfo{};
    poolInfo.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
    poolInfo.maxDispatches = 256;
    VknBindingPool pool = VKN_NULL_HANDLE;
    ASSERT_EQ(vknCreateBindingPool(context_, &poolInfo, &pool, nullptr), VKN_SUCCESS);
    info.bindingPool = pool;
    VknBinding binding = VKN_NULL_HANDLE;
    if (gradient_.persistent) {
        ASSERT_EQ(vknCreateBinding(plan_, &info, &binding, &error), VKN_SUCCESS) << error.message;
    }
    VknResult result = VKN_SUCCESS;
    gpu_.submit([&](VkCommandBuffer commands) {
        result = gradient_.persistent ? vknCmdExecuteBinding(binding, commands, gradient_.rows, &error)
                                      : vknCmdExecute(plan_, commands, &info, &error);
    });
    vknDestroyBinding(binding);
    vknDestroyBindingPool(pool);
    ASSERT_EQ(result, VKN_SUCCESS) << error.field << ": " << error.message;
    EXPECT_EQ(scratch.download<uint32_t>(1, needed)[0], 0x7FC0DEADu) << "behind the scratch";
    for (const auto& operand : operands_) {
        std::vector<uint8_t>& bytes = operand->after.bytes();
        bytes.resize(operand->before.bytes().size());
        buffers_[operand->buffer]->download(operand->offset, bytes.data(), bytes.size());
    }
}

// ---- what must come out --------------------------------------------------------------------------------------------

uint64_t GradientRun::tensorColumn(uint64_t row, uint64_t column) const {
    const uint64_t group = row % gradient_.groups;
    if (!gradient_.channelsLast) {
        return group * normSize() + column;
    }
    const uint64_t ofGroup = gradient_.channels / gradient_.groups;
    return column / ofGroup * gradient_.channels + group * ofGroup + column % ofGroup;
}

uint64_t GradientRun::parameterElement(uint64_t row, uint64_t column) const {
    if (gradient_.channels == 0) {
        return column;
    }
    const uint64_t element = tensorColumn(row, column);
    return gradient_.channelsLast ? element % gradient_.channels
                                  : element / (gradient_.hiddenSize / gradient_.channels);
}

std::vector<double> GradientRun::rowOf(VknRole role, uint64_t row) {
    if (!has(standIn(role))) {
        return {};
    }
    std::vector<double> values;
    const Tensor& tensor = find(role).before;
    for (uint64_t i = 0; i < normSize(); ++i) {
        values.push_back(tensor.value(tensorRow(row), tensorColumn(row, i)));
    }
    return values;
}

BlockSpec GradientRun::blockSpec() const {
    BlockSpec block;
    block.placement = gradient_.placement;
    block.residualScale = static_cast<double>(gradient_.residualScale);
    block.branchScale = static_cast<double>(gradient_.branchScale);
    block.dropoutProbability = gradient_.dropoutProbability;
    block.seed = kDropoutSeed;
    block.stream = kStream;
    block.activation = gradient_.activation;
    block.normFirst = gradient_.normFirst;
    for (size_t which = 0; which < 2; ++which) {
        NormSpec& spec = block.norm[which];
        const bool isOfBranch = gradient_.placement == VKN_PLACEMENT_NONE || (block.facts().normsBranch && which == 0);
        spec.operation =
            gradient_.operation == VKN_OPERATION_GROUP_NORM ? VKN_OPERATION_LAYER_NORM : gradient_.operation;
        spec.epsilon = static_cast<double>(gradient_.epsilon);
        spec.epsilonOutside = (gradient_.flags & VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT) != 0;
        spec.earlyCast = (gradient_.flags & VKN_PLAN_EARLY_CAST_BIT) != 0;
        spec.hasGamma = gradient_.with.count(which == 0 ? VKN_ROLE_GAMMA : VKN_ROLE_GAMMA_2) != 0;
        spec.hasBeta = gradient_.with.count(which == 0 ? VKN_ROLE_BETA : VKN_ROLE_BETA_2) != 0;
        spec.gammaOffset = static_cast<double>(gradient_.gammaOffset);
        spec.alpha = static_cast<double>(gradient_.alpha);
        spec.partialSize = gradient_.partialSize;
        spec.gammaType = gradient_.parameter;
        spec.inputType = isOfBranch ? gradient_.branch : gradient_.stream;
    }
    return block;
}

BlockParameters GradientRun::parametersOf(uint64_t row) {
    const auto take = [&](VknRole role) {
        std::vector<double> values;
        for (uint64_t i = 0; has(role) && i < normSize(); ++i) {
            const uint64_t parameterRow = isOfNorm(role) ? row % gradient_.parameterRows : 0;
            values.push_back(find(role).before.value(parameterRow, parameterElement(row, i)));
        }
        return values;
    };
    BlockParameters parameters;
    parameters.gamma[0] = take(VKN_ROLE_GAMMA);
    parameters.gamma[1] = take(VKN_ROLE_GAMMA_2);
    parameters.beta[0] = take(VKN_ROLE_BETA);
    parameters.beta[1] = take(VKN_ROLE_BETA_2);
    parameters.branchBias[0] = take(VKN_ROLE_BRANCH_BIAS);
    parameters.branchBias[1] = take(VKN_ROLE_BRANCH_BIAS_2);
    parameters.layerScale = take(VKN_ROLE_LAYER_SCALE);
    return parameters;
}

BlockRow GradientRun::blockRow(uint64_t row) {
    BlockRow block;
    block.number = gradient_.firstRow + row;
    block.residual = rowOf(VKN_ROLE_RESIDUAL, row);
    block.branch[0] = rowOf(VKN_ROLE_INPUT, row);
    block.branch[1] = rowOf(VKN_ROLE_INPUT_2, row);
    block.gate = rowOf(VKN_ROLE_GATE, row);
    if (has(VKN_ROLE_ROW_SCALE)) {
        block.rowScale = find(VKN_ROLE_ROW_SCALE).before.value(0, row);
    }
    return block;
}

void GradientRun::turnBack(uint64_t row, std::vector<double>& gradient) {
    const uint32_t pairs = gradient_.rotarySize / 2;
    for (uint32_t i = 0; gradient_.rope && i < pairs; ++i) {
        const uint64_t position = find(VKN_ROLE_POSITIONS).before.bits(0, row / gradient_.rowsPerOuter);
        const double cosine = find(VKN_ROLE_COS_SIN).before.value(position, i);
        const double sine = find(VKN_ROLE_COS_SIN).before.value(position, pairs + i);
        const bool areNeighbours = *gradient_.rope == VKN_ROPE_LAYOUT_INTERLEAVED;
        double& a = gradient[areNeighbours ? 2 * i : i];
        double& b = gradient[areNeighbours ? 2 * i + 1 : pairs + i];
        const double turnedA = a * cosine + b * sine;
        b = b * cosine - a * sine;
        a = turnedA;
    }
}

GradientRow GradientRun::gradientRow(uint64_t row) {
    GradientRow arriving;
    arriving.output[0] = rowOf(VKN_ROLE_OUTPUT_GRADIENT, row);
    arriving.output[1] = rowOf(VKN_ROLE_OUTPUT_2_GRADIENT, row);
    turnBack(row, arriving.output[0]);
    arriving.residualOutput = rowOf(VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT, row);
    return arriving;
}

Stored GradientRun::storedOf(uint64_t row) {
    Stored stored;
    stored.sum = rowOf(VKN_ROLE_RESIDUAL_OUTPUT, row);
    for (size_t which = 0; which < 2; ++which) {
        const VknRole rstd = which == 0 ? VKN_ROLE_RSTD : VKN_ROLE_RSTD_2;
        const VknRole mean = which == 0 ? VKN_ROLE_MEAN : VKN_ROLE_MEAN_2;
        if (has(rstd)) {
            stored.statistics[which] =
                SavedStatistics{has(mean) ? find(mean).before.value(0, row) : 0.0, find(rstd).before.value(0, row)};
        }
    }
    return stored;
}

void GradientRun::checkElements(VknRole role, uint64_t row, const std::vector<double>& exact,
                                const std::function<Interval(size_t)>& allowed) {
    if (!has(role)) {
        return;
    }
    const Tensor& tensor = find(role).after;
    for (size_t i = 0; i < normSize(); ++i) {
        const uint32_t bits = tensor.bits(tensorRow(row), tensorColumn(row, i));
        const Interval bound = allowed(i);
        ASSERT_TRUE(judgeGradient(tensor.layout().type, bound, exact[i], bits).isRight)
            << "role " << role << " row " << row << " column " << i << ": "
            << tensor.value(tensorRow(row), tensorColumn(row, i)) << ", not " << exact[i] << " [" << bound.low << ", "
            << bound.high << "]";
    }
}

void GradientRun::addToSums(uint64_t row, const GradientBound& bound) {
    const auto add = [&](VknRole role, const std::function<Interval(size_t)>& summand) {
        if (!has(role)) {
            return;
        }
        const TensorLayout& layout = find(role).before.layout();
        std::vector<SumBound>& sums = sums_[role];
        sums.resize(layout.rows * layout.hiddenSize, SumBound(rowsPerPart_));
        const uint64_t first = isOfNorm(role) ? row % layout.rows * layout.hiddenSize : 0;
        for (size_t i = 0; i < normSize(); ++i) {
            sums[role == VKN_ROLE_ALPHA_GRADIENT ? 0 : first + parameterElement(row, i)].add(summand(i));
        }
    };
    add(VKN_ROLE_GAMMA_GRADIENT, [&](size_t i) { return bound.gamma(0, i); });
    add(VKN_ROLE_BETA_GRADIENT, [&](size_t i) { return bound.beta(0, i); });
    add(VKN_ROLE_GAMMA_2_GRADIENT, [&](size_t i) { return bound.gamma(1, i); });
    add(VKN_ROLE_BETA_2_GRADIENT, [&](size_t i) { return bound.beta(1, i); });
    add(VKN_ROLE_BRANCH_BIAS_GRADIENT, [&](size_t i) { return bound.branchBias(0, i); });
    add(VKN_ROLE_BRANCH_BIAS_2_GRADIENT, [&](size_t i) { return bound.branchBias(1, i); });
    add(VKN_ROLE_LAYER_SCALE_GRADIENT, [&](size_t i) { return bound.layerScale(i); });
    add(VKN_ROLE_ALPHA_GRADIENT, [&](size_t i) { return bound.alpha(i); });
}

void GradientRun::checkRow(uint64_t row) {
    const BlockSpec spec = blockSpec();
    const BlockParameters parameters = parametersOf(row);
    const BlockRow block = blockRow(row);
    const GradientRow arriving = gradientRow(row);
    const GradientBound bound(spec, parameters, block, arriving, shape_, storedOf(row));
    const Gradients& exact = bound.exact();
    checkElements(VKN_ROLE_INPUT_GRADIENT, row, exact.branch[0], [&](size_t i) { return bound.branch(0, i); });
    checkElements(VKN_ROLE_INPUT_2_GRADIENT, row, exact.branch[1], [&](size_t i) { return bound.branch(1, i); });
    checkElements(VKN_ROLE_RESIDUAL_GRADIENT, row, exact.residual, [&](size_t i) { return bound.residual(i); });
    checkElements(VKN_ROLE_GATE_GRADIENT, row, exact.gate, [&](size_t i) { return bound.gate(i); });
    addToSums(row, bound);
}

void GradientRun::checkSums() {
    for (const auto& operand : operands_) {
        if (!isSum(operand->role)) {
            continue;
        }
        const TensorLayout& layout = operand->before.layout();
        std::vector<SumBound>& sums = sums_[operand->role];
        sums.resize(layout.rows * layout.hiddenSize, SumBound(rowsPerPart_));
        for (uint64_t i = 0; i < sums.size(); ++i) {
            const uint64_t row = i / layout.hiddenSize;
            const uint64_t column = i % layout.hiddenSize;
            const std::optional<double> old =
                gradient_.accumulates() ? std::optional(operand->before.value(row, column)) : std::nullopt;
            const Interval allowed = sums[i].worst(old);
            ASSERT_TRUE(judgeGradient(layout.type, allowed, sums[i].middle() + old.value_or(0.0),
                                      operand->after.bits(row, column))
                            .isRight)
                << "role " << operand->role << " element " << i << ": " << operand->after.value(row, column) << ", not "
                << sums[i].middle() + old.value_or(0.0) << " [" << allowed.low << ", " << allowed.high << "]";
        }
    }
}

void GradientRun::checkMemory() {
    for (const auto& operand : operands_) {
        const TensorLayout& layout = operand->before.layout();
        const uint64_t written = isWritten(operand->role) ? layout.rows : 0;
        EXPECT_EQ(findOverwritten(operand->before, operand->after.bytes(), written), "") << "role " << operand->role;
    }
}

void GradientRun::check() {
    checkMemory();
    for (uint64_t row = 0; row < normRows() && !::testing::Test::HasFatalFailure(); ++row) {
        checkRow(row);
    }
    checkSums();
}

void expectGradients(Gpu& gpu, const GradientCase& gradient) {
    SCOPED_TRACE(gradient.describe());
    GradientRun run(gpu, gpu.context(), gradient);
    run.run();
    if (!::testing::Test::HasFatalFailure()) {
        run.check();
    }
}

}  // namespace vknorm::test
