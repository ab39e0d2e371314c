// The tensors of a run and its recording; norm_check.cpp judges what came of it.
#include "gpu/norm_case.hpp"

#include "support/formats.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace vknorm::test {
namespace {

constexpr uint64_t kScalarGap = 3 * sizeof(float);

BlockSpec referenceSpec(const NormCase& norm) {
    const PlanSpec& plan = norm.plan;
    BlockSpec block;
    block.placement = plan.placement;
    block.residualScale = plan.residualScale == 0.0f ? 1.0 : static_cast<double>(plan.residualScale);
    block.branchScale = plan.branchScale == 0.0f ? 1.0 : static_cast<double>(plan.branchScale);
    block.dropoutProbability = plan.dropoutProbability;
    block.seed = norm.dropoutSeed;
    block.stream = norm.stream;
    block.activation = plan.gate ? std::optional(plan.activation) : std::nullopt;
    block.normFirst = plan.normFirst;
    const std::optional<VknType> gammas[] = {plan.gamma, plan.gamma2};
    const std::optional<VknType> betas[] = {plan.beta, plan.beta2};
    for (size_t which = 0; which < 2; ++which) {
        NormSpec& spec = block.norm[which];
        const bool isOfBranch = block.facts().normsBranch && which == 0;
        spec.operation = plan.operation;
        spec.epsilon = static_cast<double>(plan.epsilon);
        spec.epsilonOutside = (plan.flags & VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT) != 0;
        spec.earlyCast = (plan.flags & VKN_PLAN_EARLY_CAST_BIT) != 0;
        spec.hasGamma = gammas[which].has_value();
        spec.hasBeta = betas[which].has_value();
        spec.gammaOffset = static_cast<double>(plan.gammaOffset);
        spec.partialSize = plan.partialSize;
        spec.alpha = static_cast<double>(plan.alpha);
        spec.gammaType = gammas[which].value_or(VKN_TYPE_F32);
        if (isOfBranch || block.facts().hasResidual) {
            spec.inputType = plan.typeOf(isOfBranch ? plan.inputRole() : plan.residualRole());
        }
    }
    return block;
}

// Rows of different scale and mean, so that a row mistaken for another shows.
double randomValue(Random& random, uint64_t row) {
    const double scale = std::ldexp(1.0, static_cast<int>(row % 5) - 2);
    return scale * (random.normal() + 0.25 * static_cast<double>(row % 3));
}

const OperandPlace& placeOf(const NormCase& norm, VknRole role) {
    switch (role) {
        case VKN_ROLE_INPUT:
            return norm.input;
        case VKN_ROLE_RESIDUAL:
            return norm.residual;
        case VKN_ROLE_RESIDUAL_OUTPUT:
            return norm.residualOutput;
        case VKN_ROLE_INPUT_2:
            return norm.input2;
        case VKN_ROLE_OUTPUT_2:
            return norm.output2;
        case VKN_ROLE_GATE:
            return norm.gate;
        default:
            return norm.output;
    }
}

std::string describePlace(const NormCase& norm, VknRole role) {
    const OperandPlace& place = placeOf(norm, role);
    return std::string(", ") + roleFacts(role).name + " at " + std::to_string(place.byteOffset) + " stride " +
           std::to_string(place.rowStride) + "/" + std::to_string(place.outerStride);
}

}  // namespace

std::string NormCase::describe() const {
    std::string text = plan.describe() + ", rows " + std::to_string(rows) + "/" + std::to_string(rowsPerOuter);
    for (const VknOperandType& operand : plan.operands()) {
        text += roleFacts(operand.role).extent == Extent::Rows ? describePlace(*this, operand.role) : std::string();
    }
    text += plan.rowIndex ? ", gathered from " + std::to_string(sourceRows) : std::string();
    return text;
}

NormRun::NormRun(Gpu& gpu, const NormCase& norm)
    : gpu_(gpu), norm_(norm), plan_(gpu.plan(norm.plan)), spec_(referenceSpec(norm)) {
    planInfo_.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
    if (plan_ == VKN_NULL_HANDLE) {
        throw std::runtime_error("no plan for " + norm.describe());
    }
    vknGetPlanInfo(plan_, &planInfo_);
    placeOperands();
    fillInputs();
    shareBytes();
    uploadAgain();
}

// ---- where operands lie --------------------------------------------------------------------------------------------

// Scalars and the seed share a binding, and so may parameters: each of these kinds lies in one buffer. So do x and its gate
// where a test wants it.
void NormRun::placeOperands() {
    const bool packed = isPacked();
    PlacedTensors parameters;
    PlacedTensors scalars;
    PlacedTensors halves;
    for (const VknOperandType& operand : norm_.plan.operands()) {
        const bool isOften = operand.role == VKN_ROLE_GAMMA || operand.role == VKN_ROLE_BETA;
        switch (roleFacts(operand.role).extent) {
            case Extent::Rows:
                if (norm_.packGate && (operand.role == VKN_ROLE_GATE || operand.role == norm_.plan.inputRole())) {
                    halves.push_back(placeRows(operand));
                } else {
                    addBuffer({placeRows(operand)});
                }
                break;
            case Extent::Parameters:
                if (isOften && !packed) {
                    addBuffer({placeParameters(operand, {})});
                } else {
                    parameters.push_back(placeParameters(operand, parameters));
                }
                break;
            case Extent::Scalars:
            case Extent::Scales:
                scalars.push_back(placeScalars(operand, scalars));
                break;
            case Extent::Seed:
            case Extent::Single:
                scalars.push_back(placeWords(operand, scalars));
                break;
        }
    }
    addBuffer(halves);
    addBuffer(parameters);
    addBuffer(scalars);
}

NormRun::Placed NormRun::placeRows(const VknOperandType& operand) const {
    const OperandPlace& place = placeOf(norm_, operand.role);
    TensorLayout layout;
    layout.type = operand.type;
    layout.rows = norm_.rows;
    layout.rowsPerOuter = norm_.rowsPerOuter;
    layout.hiddenSize = norm_.plan.hiddenSize;
    layout.rowStride = place.rowStride;
    layout.outerStride = place.outerStride;
    layout.byteOffset = place.byteOffset;
    if (isGathered(operand.role)) {
        layout.rows = sourceRows();
        layout.rowsPerOuter = 0;
        layout.outerStride = 0;
    }
    return {operand.role, layout, layout.endByte()};
}

NormRun::Placed NormRun::placeParameters(const VknOperandType& operand, const PlacedTensors& before) const {
    constexpr uint64_t kAlignment = 16;
    const uint64_t begin = before.empty() ? 0 : before.back().endByte + kGuardBytes;
    TensorLayout layout;
    layout.type = operand.type;
    layout.rows = norm_.plan.parametersOf(operand.role);
    layout.hiddenSize = norm_.plan.hiddenSize;
    layout.byteOffset = (begin + kAlignment - 1) / kAlignment * kAlignment;
    if (operand.role == VKN_ROLE_GAMMA) {
        layout.byteOffset += norm_.gammaOffsetBytes;
    } else if (operand.role == VKN_ROLE_BETA) {
        layout.byteOffset += norm_.betaOffsetBytes;
    } else {
        layout.byteOffset += norm_.parameterSkew * elementSize(operand.type);
    }
    return {operand.role, layout, layout.endByte()};
}

// As a row whose columns are the rows. Those that a GPU buffer leaves out have room as well, though nothing comes into
// it.
NormRun::Placed NormRun::placeScalars(const VknOperandType& operand, const PlacedTensors& before) const {
    const uint64_t perRow = roleFacts(operand.role).extent == Extent::Scales ? norm_.plan.scalesPerRow() : 1;
    TensorLayout layout;
    layout.hiddenSize = writtenRows() * perRow;
    layout.byteOffset = before.empty() ? norm_.scalarsOffsetBytes : before.back().endByte + kScalarGap;
    return {operand.role, layout, layout.byteOffset + norm_.rows * perRow * sizeof(float)};
}

// What there is one of, or a seed's two words.
NormRun::Placed NormRun::placeWords(const VknOperandType& operand, const PlacedTensors& before) const {
    TensorLayout layout;
    layout.hiddenSize = operand.role == VKN_ROLE_SEED ? 2 : 1;
    layout.byteOffset = before.empty() ? norm_.scalarsOffsetBytes : before.back().endByte + kScalarGap;
    return {operand.role, layout, layout.endByte()};
}

// Whether gamma or beta must share a buffer.
bool NormRun::isPacked() const {
    uint32_t count = 0;
    vknGetPlanAccesses(plan_, &count, nullptr);
    std::vector<VknOperandAccess> accesses(count);
    vknGetPlanAccesses(plan_, &count, accesses.data());
    std::map<uint32_t, size_t> parameters;  // by binding
    for (const VknOperandAccess& access : accesses) {
        const bool isOperand = access.role != 0 && roleFacts(access.role).extent == Extent::Parameters;
        parameters[access.binding] += isOperand ? 1u : 0u;
    }
    return norm_.packParameters || std::any_of(accesses.begin(), accesses.end(), [&](const VknOperandAccess& access) {
               const bool isOften = access.role == VKN_ROLE_GAMMA || access.role == VKN_ROLE_BETA;
               return isOften && parameters[access.binding] > 1;
           });
}

bool NormRun::isGathered(VknRole role) const { return norm_.plan.rowIndex && role == VKN_ROLE_INPUT; }

uint64_t NormRun::sourceRows() const { return norm_.sourceRows != 0 ? norm_.sourceRows : norm_.rows; }

uint64_t NormRun::sourceRow(uint64_t row) {
    const DeviceTensor* index = find(VKN_ROLE_ROW_INDEX);
    return index == nullptr ? row : std::min<uint64_t>(index->before.bits(0, row), sourceRows() - 1);
}

void NormRun::addBuffer(const PlacedTensors& tensors) {
    if (tensors.empty()) {
        return;
    }
    uint64_t end = 0;
    for (const Placed& placed : tensors) {
        end = std::max(end, placed.endByte + norm_.guardBytes);
    }
    for (const Placed& placed : tensors) {
        const Tensor tensor(placed.layout, end - placed.layout.endByte());
        if (&placed == tensors.data()) {
            const VkDeviceSize size = std::max<VkDeviceSize>(tensor.bytes().size(), 4);
            buffers_.push_back(std::make_unique<Buffer>(gpu_.device(), size));
        }
        tensors_.push_back(std::make_unique<DeviceTensor>(DeviceTensor{placed.role, tensor, tensor, *buffers_.back()}));
    }
}

// ---- what they hold ------------------------------------------------------------------------------------------------

bool NormRun::isRead(VknRole role) const {
    const bool isResidual = spec_.facts().hasResidual && role == norm_.plan.residualRole();
    return !roleFacts(role).isWritten || role == norm_.plan.inputRole() || isResidual;
}

void NormRun::fillInputs() {
    Random random(norm_.seed);
    for (const auto& tensor : tensors_) {
        if (isRead(tensor->role)) {
            fillInput(*tensor, random);
        }
    }
}

void NormRun::fillInput(DeviceTensor& tensor, Random& random) {
    switch (roleFacts(tensor.role).extent) {
        case Extent::Seed:
            tensor.before.setBits(0, 0, static_cast<uint32_t>(norm_.dropoutSeed));
            tensor.before.setBits(0, 1, static_cast<uint32_t>(norm_.dropoutSeed >> 32));
            return;
        case Extent::Scalars:
            if (tensor.role != VKN_ROLE_ROW_INDEX) {
                tensor.before.fill([&](uint64_t, uint64_t row) { return inputValue(tensor.role, random, row, 0); });
                return;
            }
            for (uint64_t row = 0; row < tensor.before.layout().hiddenSize; ++row) {
                tensor.before.setBits(0, row, indexValue(random, row));
            }
            return;
        default:
            tensor.before.fill(
                [&](uint64_t row, uint64_t column) { return inputValue(tensor.role, random, row, column); });
    }
}

uint32_t NormRun::indexValue(Random& random, uint64_t row) const {
    if (norm_.rowIndex) {
        return norm_.rowIndex(row);
    }
    return random.below(static_cast<uint32_t>(sourceRows() + 2));
}

double NormRun::inputValue(VknRole role, Random& random, uint64_t row, uint64_t column) const {
    const ValueFunction* given = givenValues(role);
    if (given != nullptr && *given) {
        return (*given)(row, column);
    }
    switch (role) {
        case VKN_ROLE_GAMMA:
        case VKN_ROLE_GAMMA_2:
            return 1.0 - static_cast<double>(norm_.plan.gammaOffset) + 0.25 * random.normal();
        case VKN_ROLE_BETA:
        case VKN_ROLE_BETA_2:
        case VKN_ROLE_BRANCH_BIAS:
        case VKN_ROLE_BRANCH_BIAS_2:
            return 0.25 * random.normal();
        case VKN_ROLE_LAYER_SCALE:
            return 0.75 + 0.25 * random.normal();
        case VKN_ROLE_STATIC_SCALE:
        case VKN_ROLE_STATIC_SCALE_2:
            return 0.01 + 0.02 * random.uniform();
        case VKN_ROLE_ROW_SCALE:
            return row % 4 == 3 ? 0.0 : 0.5 + random.uniform();  // as stochastic depth drops a row
        default:
            return randomValue(random, row);
    }
}

const ValueFunction* NormRun::givenValues(VknRole role) const {
    if (role == norm_.plan.inputRole()) {
        return &norm_.value;
    }
    if (role == VKN_ROLE_GAMMA || role == VKN_ROLE_BETA) {
        return role == VKN_ROLE_GAMMA ? &norm_.gamma : &norm_.beta;
    }
    const bool isResidual = spec_.facts().hasResidual && role == norm_.plan.residualRole();
    const auto found = norm_.others.find(isResidual ? VKN_ROLE_RESIDUAL : role);
    return found == norm_.others.end() ? nullptr : &found->second;
}

void NormRun::shareBytes() {
    for (const auto& tensor : tensors_) {
        for (const auto& neighbour : tensors_) {
            if (neighbour != tensor && &neighbour->buffer == &tensor->buffer) {
                tensor->before.takeElements(neighbour->before);
            }
        }
    }
}

void NormRun::uploadAgain() {
    for (const auto& tensor : tensors_) {
        tensor->buffer.upload(tensor->before.bytes());
    }
}

void NormRun::download() {
    for (const auto& tensor : tensors_) {
        tensor->buffer.download(0, tensor->after.bytes().data(), tensor->after.bytes().size());
    }
}

DeviceTensor* NormRun::find(VknRole role) {
    for (const auto& tensor : tensors_) {
        if (tensor->role == role) {
            return tensor.get();
        }
    }
    return nullptr;
}

uint64_t NormRun::writtenRows() const {
    return norm_.gpuRows ? std::min<uint64_t>(*norm_.gpuRows, norm_.rows) : norm_.rows;
}

std::vector<uint32_t> NormRun::outputRow(uint64_t row) {
    std::vector<uint32_t> bits;
    for (const Extent extent : {Extent::Rows, Extent::Scalars, Extent::Scales}) {
        for (const auto& tensor : tensors_) {
            if (!roleFacts(tensor->role).isWritten || roleFacts(tensor->role).extent != extent) {
                continue;
            }
            const uint64_t scalars = extent == Extent::Scales ? norm_.plan.scalesPerRow() : 1;
            const uint64_t columns = extent == Extent::Rows ? norm_.plan.hiddenSize : scalars;
            for (uint64_t column = 0; column < columns; ++column) {
                bits.push_back(extent == Extent::Rows ? tensor->after.bits(row, column)
                                                      : tensor->after.bits(0, row * scalars + column));
            }
        }
    }
    return bits;
}

// ---- recording -----------------------------------------------------------------------------------------------------

const VknExecuteInfo& NormRun::executeInfo() {
    operands_.clear();
    for (const auto& tensor : tensors_) {
        const TensorLayout& layout = tensor->before.layout();
        VknOperand operand{};
        operand.role = tensor->role;
        operand.buffer = tensor->buffer.handle();
        operand.offset = layout.byteOffset;
        operand.bufferSize = tensor->buffer.size();
        operand.rowStride = layout.rowStride;
        operand.outerStride = layout.outerStride;
        operands_.push_back(operand);
    }
    info_ = {};
    info_.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
    info_.rows = norm_.rows;
    info_.rowsPerOuter = norm_.rowsPerOuter;
    info_.sourceRows = norm_.plan.rowIndex ? sourceRows() : 0;
    info_.operandCount = static_cast<uint32_t>(operands_.size());
    info_.pOperands = operands_.data();
    info_.bindingPool = gpu_.bindingPool();
    if (norm_.plan.dropoutProbability != 0.0f) {
        addDropoutInfo();
    }
    if ((norm_.plan.flags & VKN_PLAN_GPU_ROWS_BIT) != 0) {
        addRowsBuffer();
    }
    return info_;
}

void NormRun::addDropoutInfo() {
    dropout_ = {};
    dropout_.sType = VKN_STRUCTURE_TYPE_DROPOUT_INFO;
    // A plan that reads the seed from a buffer must not use this one.
    dropout_.seed = norm_.plan.seed ? ~norm_.dropoutSeed : norm_.dropoutSeed;
    dropout_.firstRow = norm_.firstRow;
    dropout_.stream = norm_.stream;
    info_.pNext = &dropout_;
}

void NormRun::addRowsBuffer() {
    constexpr uint32_t kRowsOffset = 8;
    if (!rowsBuffer_) {
        rowsBuffer_.emplace(gpu_.device(), 16);
        const uint32_t words[4] = {0xFFFFFFFFu, 0xFFFFFFFFu, norm_.gpuRows.value_or(0), 0xFFFFFFFFu};
        rowsBuffer_->upload(0, words, sizeof words);
    }
    info_.rowsBuffer = rowsBuffer_->handle();
    info_.rowsBufferOffset = kRowsOffset;
    info_.rowsBufferSize = rowsBuffer_->size();
    VkDeviceSize size = 0;
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    EXPECT_EQ(vknGetScratchSize(plan_, &info_, &size, &error), VKN_SUCCESS) << error.message;
    if (!scratch_ && size > 0) {
        scratch_.emplace(gpu_.device(), size);
    }
    if (scratch_) {
        info_.scratchBuffer = scratch_->handle();
        info_.scratchSize = scratch_->size();
    }
}

bool NormRun::record(VkCommandBuffer commands) {
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    const VknResult result = vknCmdExecute(plan_, commands, &executeInfo(), &error);
    EXPECT_EQ(result, VKN_SUCCESS) << norm_.describe() << ": " << error.field << ": " << error.message;
    return result == VKN_SUCCESS;
}

void NormRun::execute() {
    gpu_.submit([&](VkCommandBuffer commands) { record(commands); });
    download();
}

void runCases(Gpu& gpu, const std::vector<NormCase>& cases) {
    constexpr size_t kBatch = 64;
    constexpr uint64_t kBatchElements = 4u << 20;
    size_t next = 0;
    while (next < cases.size()) {
        std::vector<std::unique_ptr<NormRun>> runs;
        uint64_t elements = 0;
        while (next < cases.size() && runs.size() < kBatch && elements < kBatchElements) {
            elements += cases[next].rows * cases[next].plan.hiddenSize;
            if (gpu.plan(cases[next].plan) != VKN_NULL_HANDLE) {  // otherwise a failure has been reported
                runs.push_back(std::make_unique<NormRun>(gpu, cases[next]));
            }
            ++next;
        }
        gpu.submit([&](VkCommandBuffer commands) {
            for (const auto& run : runs) {
                run->record(commands);
            }
        });
        for (const auto& run : runs) {
            run->download();
            run->check();
        }
    }
}

}  // namespace vknorm::test
