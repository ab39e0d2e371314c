#include "gpu/norm_case.hpp"

#include "support/bounds.hpp"
#include "support/formats.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace vknorm::test {
namespace {

NormSpec referenceSpec(const PlanSpec& plan) {
    NormSpec spec;
    spec.operation = plan.operation;
    spec.epsilon = static_cast<double>(plan.epsilon);
    spec.epsilonOutside = (plan.flags & VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT) != 0;
    spec.earlyCast = (plan.flags & VKN_PLAN_EARLY_CAST_BIT) != 0;
    spec.hasGamma = plan.gamma.has_value();
    spec.hasBeta = plan.beta.has_value();
    spec.gammaOffset = static_cast<double>(plan.gammaOffset);
    spec.inputType = plan.isInPlace() ? plan.output : plan.input;
    spec.gammaType = plan.gamma.value_or(VKN_TYPE_F32);
    return spec;
}

// Rows of different scale and mean, so that a row mistaken for another shows.
double randomValue(Random& random, uint64_t row) {
    const double scale = std::ldexp(1.0, static_cast<int>(row % 5) - 2);
    return scale * (random.normal() + 0.25 * static_cast<double>(row % 3));
}

}  // namespace

Coverage& coverage() {
    static Coverage counts;
    return counts;
}

std::string NormCase::describe() const {
    return plan.describe() + ", rows " + std::to_string(rows) + "/" + std::to_string(rowsPerOuter) + ", input at " +
           std::to_string(input.byteOffset) + " stride " + std::to_string(input.rowStride) + "/" +
           std::to_string(input.outerStride) + ", output at " + std::to_string(output.byteOffset) + " stride " +
           std::to_string(output.rowStride) + "/" + std::to_string(output.outerStride);
}

NormRun::NormRun(Gpu& gpu, const NormCase& norm) : gpu_(gpu), norm_(norm), plan_(gpu.plan(norm.plan)) {
    const PlanSpec& plan = norm_.plan;
    planInfo_.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
    if (plan_ == VKN_NULL_HANDLE) {
        return;
    }
    vknGetPlanInfo(plan_, &planInfo_);
    if (!plan.isInPlace()) {
        addRows(VKN_ROLE_INPUT, plan.input, norm_.input);
    }
    addRows(VKN_ROLE_OUTPUT, plan.output, norm_.output);
    if (plan.gamma) {
        addParameters(VKN_ROLE_GAMMA, *plan.gamma, norm_.gammaOffsetBytes);
    }
    if (plan.beta) {
        addParameters(VKN_ROLE_BETA, *plan.beta, norm_.betaOffsetBytes);
    }
    if (plan.mean || plan.rstd) {
        addScalars();
    }
    fillInputs();
    uploadAgain();
}

DeviceTensor& NormRun::add(VknRole role, const TensorLayout& layout, uint64_t guardBytes) {
    Tensor tensor(layout, guardBytes);
    Buffer buffer(gpu_.device(), std::max<VkDeviceSize>(tensor.bytes().size(), 4));
    tensors_.push_back(std::make_unique<DeviceTensor>(DeviceTensor{role, tensor, tensor, std::move(buffer)}));
    return *tensors_.back();
}

void NormRun::addRows(VknRole role, VknType type, const OperandPlace& place) {
    TensorLayout layout;
    layout.type = type;
    layout.rows = norm_.rows;
    layout.rowsPerOuter = norm_.rowsPerOuter;
    layout.hiddenSize = norm_.plan.hiddenSize;
    layout.rowStride = place.rowStride;
    layout.outerStride = place.outerStride;
    layout.byteOffset = place.byteOffset;
    add(role, layout, norm_.guardBytes);
}

void NormRun::addParameters(VknRole role, VknType type, uint64_t byteOffset) {
    TensorLayout layout;
    layout.type = type;
    layout.hiddenSize = norm_.plan.hiddenSize;
    layout.byteOffset = byteOffset;
    add(role, layout, norm_.guardBytes);
}

// Mean and rstd share a binding, so they lie in one buffer: as the rows of one tensor, whose columns are the rows.
void NormRun::addScalars() {
    TensorLayout layout;
    layout.rows = (norm_.plan.mean ? 1u : 0u) + (norm_.plan.rstd ? 1u : 0u);
    layout.hiddenSize = writtenRows();
    layout.rowStride = norm_.rows + 3;
    layout.byteOffset = norm_.scalarsOffsetBytes;
    // The rows that a GPU buffer leaves out have room as well, though nothing comes into it.
    add(VKN_ROLE_MEAN, layout, norm_.guardBytes + (norm_.rows - writtenRows()) * sizeof(float));
}

void NormRun::fillInputs() {
    Random random(norm_.seed);
    Tensor& x = find(norm_.plan.isInPlace() ? VKN_ROLE_OUTPUT : VKN_ROLE_INPUT)->before;
    x.fill([&](uint64_t row, uint64_t column) {
        return norm_.value ? norm_.value(row, column) : randomValue(random, row);
    });
    if (DeviceTensor* gamma = find(VKN_ROLE_GAMMA)) {
        const double centre = 1.0 - static_cast<double>(norm_.plan.gammaOffset);
        gamma->before.fill([&](uint64_t row, uint64_t column) {
            return norm_.gamma ? norm_.gamma(row, column) : centre + 0.25 * random.normal();
        });
    }
    if (DeviceTensor* beta = find(VKN_ROLE_BETA)) {
        beta->before.fill([&](uint64_t row, uint64_t column) {
            return norm_.beta ? norm_.beta(row, column) : 0.25 * random.normal();
        });
    }
}

void NormRun::uploadAgain() {
    for (const auto& tensor : tensors_) {
        tensor->buffer.upload(tensor->before.bytes());
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

const VknExecuteInfo& NormRun::executeInfo() {
    operands_.clear();
    for (const auto& tensor : tensors_) {
        VknOperand operand{};
        operand.role = tensor->role;
        operand.buffer = tensor->buffer.handle();
        operand.offset = tensor->before.layout().byteOffset;
        operand.bufferSize = tensor->buffer.size();
        if (tensor->role == VKN_ROLE_MEAN) {
            for (const VknRole role : {VKN_ROLE_MEAN, VKN_ROLE_RSTD}) {
                if (role == VKN_ROLE_MEAN ? norm_.plan.mean : norm_.plan.rstd) {
                    operand.role = role;
                    operand.offset = tensor->before.layout().byteAddress(scalarRow(role), 0);
                    operands_.push_back(operand);
                }
            }
            continue;
        }
        operand.rowStride = tensor->before.layout().rowStride;
        operand.outerStride = tensor->before.layout().outerStride;
        operands_.push_back(operand);
    }
    info_ = {};
    info_.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
    info_.rows = norm_.rows;
    info_.rowsPerOuter = norm_.rowsPerOuter;
    info_.operandCount = static_cast<uint32_t>(operands_.size());
    info_.pOperands = operands_.data();
    info_.bindingPool = gpu_.bindingPool();
    if ((norm_.plan.flags & VKN_PLAN_GPU_ROWS_BIT) != 0) {
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
    return info_;
}

bool NormRun::record(VkCommandBuffer commands) {
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    const VknResult result = vknCmdExecute(plan_, commands, &executeInfo(), &error);
    EXPECT_EQ(result, VKN_SUCCESS) << norm_.describe() << ": " << error.field << ": " << error.message;
    return result == VKN_SUCCESS;
}

void NormRun::download() {
    for (const auto& tensor : tensors_) {
        tensor->buffer.download(0, tensor->after.bytes().data(), tensor->after.bytes().size());
    }
}

uint64_t NormRun::writtenRows() const {
    return norm_.gpuRows ? std::min<uint64_t>(*norm_.gpuRows, norm_.rows) : norm_.rows;
}

std::vector<uint32_t> NormRun::outputRow(uint64_t row) {
    const Tensor& output = find(VKN_ROLE_OUTPUT)->after;
    std::vector<uint32_t> bits(norm_.plan.hiddenSize);
    for (uint64_t column = 0; column < bits.size(); ++column) {
        bits[column] = output.bits(row, column);
    }
    if (const DeviceTensor* scalars = find(VKN_ROLE_MEAN)) {
        for (uint64_t i = 0; i < scalars->after.layout().rows; ++i) {
            bits.push_back(scalars->after.bits(i, row));
        }
    }
    return bits;
}

bool NormRun::check() {
    for (const auto& tensor : tensors_) {
        uint64_t rows = 0;
        if (tensor->role == VKN_ROLE_OUTPUT) {
            rows = writtenRows();
        } else if (tensor->role == VKN_ROLE_MEAN) {
            rows = tensor->before.layout().rows;
        }
        const std::string overwritten = findOverwritten(tensor->before, tensor->after.bytes(), rows);
        const std::string unwritten = findUnwritten(tensor->after, rows);
        if (!overwritten.empty() || !unwritten.empty()) {
            ADD_FAILURE() << norm_.describe() << ": kernel: " << planInfo_.reason << ": role " << tensor->role << ": "
                          << overwritten << unwritten;
            return false;
        }
    }
    std::vector<double> gamma(norm_.plan.hiddenSize, 0.0);
    std::vector<double> beta = gamma;
    if (const DeviceTensor* tensor = find(VKN_ROLE_GAMMA)) {
        gamma = tensor->before.rowValues(0);
    }
    if (const DeviceTensor* tensor = find(VKN_ROLE_BETA)) {
        beta = tensor->before.rowValues(0);
    }
    ++coverage().cases;
    for (uint64_t row = 0; row < writtenRows(); ++row) {
        if (!checkRow(row, gamma, beta)) {
            return false;
        }
    }
    return true;
}

bool NormRun::checkRow(uint64_t row, const std::vector<double>& gamma, const std::vector<double>& beta) {
    const Tensor& input = find(norm_.plan.isInPlace() ? VKN_ROLE_OUTPUT : VKN_ROLE_INPUT)->before;
    const Tensor& output = find(VKN_ROLE_OUTPUT)->after;
    const std::vector<double> x = input.rowValues(row);
    const NormBound bound(referenceSpec(norm_.plan), x, reductionShape(planInfo_));
    ++coverage().rows;
    coverage().elements += x.size();
    for (uint64_t column = 0; column < x.size(); ++column) {
        const Interval allowed = bound.element(x[column], gamma[column], beta[column]);
        const double exact = bound.exactElement(x[column], gamma[column], beta[column]);
        if (!checkElement(output.layout().type, output.bits(row, column), allowed.low, allowed.high, exact, {})) {
            ADD_FAILURE() << "row " << row << " column " << column << ", x " << x[column] << ", gamma " << gamma[column]
                          << ", beta " << beta[column];
            return false;
        }
    }
    const Interval mean = bound.mean();
    const Interval rstd = bound.rstd();
    return checkScalar(VKN_ROLE_MEAN, row, mean.low, mean.high, bound.exact().mean) &&
           checkScalar(VKN_ROLE_RSTD, row, rstd.low, rstd.high, bound.exact().rstd);
}

bool NormRun::checkScalar(VknRole role, uint64_t row, double low, double high, double exact) {
    if (role == VKN_ROLE_MEAN ? !norm_.plan.mean : !norm_.plan.rstd) {
        return true;
    }
    const uint32_t bits = find(VKN_ROLE_MEAN)->after.bits(scalarRow(role), row);
    if (checkElement(VKN_TYPE_F32, bits, low, high, exact, role == VKN_ROLE_MEAN ? "mean" : "rstd")) {
        return true;
    }
    ADD_FAILURE() << "row " << row;
    return false;
}

bool NormRun::checkElement(VknType type, uint32_t bits, double low, double high, double exact,
                           const std::string& what) {
    const Verdict verdict = judge(type, {low, high}, exact, bits);
    coverage().unbounded += std::isinf(high) && std::isfinite(exact) ? 1u : 0u;
    if (what.empty() && verdict.isRight && verdict.tightness > coverage().tightest[type]) {
        coverage().tightest[type] = verdict.tightness;
        coverage().tightestCase[type] = norm_.describe();
    }
    if (!verdict.isRight) {
        ADD_FAILURE() << norm_.describe() << ": kernel: " << planInfo_.reason << ": " << what << " got "
                      << decode(type, bits) << ", exact " << exact << ", allowed [" << low << ", " << high << "], "
                      << ulpDistance(type, bits, encode(type, exact)) << " " << formatFacts(type).name << " ULP off";
    }
    return verdict.isRight;
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
            runs.push_back(std::make_unique<NormRun>(gpu, cases[next++]));
            if (runs.back()->plan() == VKN_NULL_HANDLE) {
                runs.pop_back();
            }
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
