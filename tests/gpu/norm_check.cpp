// Judges what a run wrote.
#include "gpu/norm_case.hpp"

#include "support/bounds.hpp"
#include "support/formats.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

namespace vknorm::test {

Coverage& coverage() {
    static Coverage counts;
    return counts;
}

bool NormRun::check() {
    if (!checkMemory()) {
        return false;
    }
    std::vector<BlockParameters> parameters;
    for (uint64_t row = 0; row < norm_.plan.parametersOf(VKN_ROLE_GAMMA); ++row) {
        parameters.push_back(parametersOf(row));
    }
    ++coverage().cases;
    for (uint64_t row = 0; row < writtenRows(); ++row) {
        if (!checkRow(row, parameters[row % parameters.size()])) {
            return false;
        }
    }
    return true;
}

// All of what is to be written was, and nothing else.
bool NormRun::checkMemory() {
    const auto rowsWritten = [&](const DeviceTensor& tensor) {
        const RoleFacts& facts = roleFacts(tensor.role);
        return !facts.isWritten ? 0 : facts.extent == Extent::Rows ? writtenRows() : 1;
    };
    for (const auto& tensor : tensors_) {
        std::vector<WrittenRows> written;
        for (const auto& other : tensors_) {
            if (&other->buffer == &tensor->buffer) {
                written.push_back({other->before.layout(), rowsWritten(*other)});
            }
        }
        const std::string overwritten = findOverwritten(tensor->before.bytes(), tensor->after.bytes(), written);
        const std::string unwritten = findUnwritten(tensor->after, rowsWritten(*tensor));
        if (!overwritten.empty() || !unwritten.empty()) {
            ADD_FAILURE() << norm_.describe() << ": kernel: " << planInfo_.reason << ": "
                          << roleFacts(tensor->role).name << ": " << overwritten << unwritten;
            return false;
        }
    }
    return true;
}

BlockParameters NormRun::parametersOf(uint64_t parameterRow) {
    const auto valuesOf = [&](VknRole role) {
        const DeviceTensor* tensor = find(role);
        const uint64_t row = norm_.plan.parametersOf(role) > 1 ? parameterRow : 0;
        return tensor == nullptr ? std::vector<double>() : tensor->before.rowValues(row);
    };
    BlockParameters parameters;
    parameters.gamma[0] = valuesOf(VKN_ROLE_GAMMA);
    parameters.gamma[1] = valuesOf(VKN_ROLE_GAMMA_2);
    parameters.beta[0] = valuesOf(VKN_ROLE_BETA);
    parameters.beta[1] = valuesOf(VKN_ROLE_BETA_2);
    parameters.branchBias[0] = valuesOf(VKN_ROLE_BRANCH_BIAS);
    parameters.branchBias[1] = valuesOf(VKN_ROLE_BRANCH_BIAS_2);
    parameters.layerScale = valuesOf(VKN_ROLE_LAYER_SCALE);
    return parameters;
}

BlockRow NormRun::rowOf(uint64_t row) {
    BlockRow values;
    values.number = norm_.firstRow + row;
    values.branch[0] = find(norm_.plan.inputRole())->before.rowValues(sourceRow(row));
    if (spec_.facts().hasSecondBranch) {
        values.branch[1] = find(VKN_ROLE_INPUT_2)->before.rowValues(row);
    }
    if (spec_.facts().hasResidual) {
        values.residual = find(norm_.plan.residualRole())->before.rowValues(row);
    }
    if (const DeviceTensor* gate = find(VKN_ROLE_GATE)) {
        values.gate = gate->before.rowValues(row);
    }
    if (const DeviceTensor* scale = find(VKN_ROLE_ROW_SCALE)) {
        values.rowScale = scale->before.value(0, row);
    }
    return values;
}

bool NormRun::checkRow(uint64_t row, const BlockParameters& parameters) {
    const PlacementFacts& facts = spec_.facts();
    const BlockRow values = rowOf(row);
    std::vector<double> stored;
    if (facts.writesSum && norm_.plan.residualOutput == VKN_TYPE_F32) {
        stored = find(VKN_ROLE_RESIDUAL_OUTPUT)->after.rowValues(row);
    }
    const BlockBound bound(spec_, parameters, values, reductionShape(planInfo_), stored);
    ++coverage().rows;
    if (facts.writesSum &&
        !checkElements(VKN_ROLE_RESIDUAL_OUTPUT, row, bound.exact().sum, [&](size_t c) { return bound.sum(c); })) {
        return false;
    }
    constexpr VknRole kOutputs[] = {VKN_ROLE_OUTPUT, VKN_ROLE_OUTPUT_2};
    for (size_t which = 0; which < 2; ++which) {
        if (norm_.plan.hasQuantised(kOutputs[which])) {
            if (!checkQuantised(which, row, bound)) {
                return false;
            }
            continue;
        }
        const auto allowed = [&](size_t column) { return bound.output(which, column); };
        if (find(kOutputs[which]) != nullptr && !checkElements(kOutputs[which], row, bound.exact().y[which], allowed)) {
            return false;
        }
    }
    return checkStatistics(row, bound);
}

bool NormRun::checkElements(VknRole role, uint64_t row, const std::vector<double>& exact,
                            const std::function<Interval(size_t column)>& allowed) {
    const DeviceTensor& tensor = *find(role);
    coverage().elements += exact.size();
    for (uint64_t column = 0; column < exact.size(); ++column) {
        if (!checkElement(tensor, tensor.after.bits(row, column), allowed(column), exact[column])) {
            ADD_FAILURE() << describeInputs(row, column);
            return false;
        }
    }
    return true;
}

bool NormRun::checkStatistics(uint64_t row, const BlockBound& bound) {
    constexpr VknRole kMeans[] = {VKN_ROLE_MEAN, VKN_ROLE_MEAN_2};
    constexpr VknRole kRstds[] = {VKN_ROLE_RSTD, VKN_ROLE_RSTD_2};
    for (size_t which = 0; which < 2; ++which) {
        const RowStatistics& exact = bound.exact().statistics[which];
        if (find(kMeans[which]) != nullptr && !checkScalar(kMeans[which], row, bound.mean(which), exact.mean)) {
            return false;
        }
        if (find(kRstds[which]) != nullptr && !checkScalar(kRstds[which], row, bound.rstd(which), exact.rstd)) {
            return false;
        }
    }
    return true;
}

bool NormRun::checkScalar(VknRole role, uint64_t row, const Interval& allowed, double exact) {
    const DeviceTensor& tensor = *find(role);
    if (checkElement(tensor, tensor.after.bits(0, row), allowed, exact)) {
        return true;
    }
    ADD_FAILURE() << "row " << row;
    return false;
}

bool NormRun::checkElement(const DeviceTensor& tensor, uint32_t bits, const Interval& allowed, double exact) {
    const RoleFacts& facts = roleFacts(tensor.role);
    const VknType type = tensor.after.layout().type;
    const Verdict verdict = judge(type, allowed, exact, bits);
    coverage().unbounded += std::isinf(allowed.high) && std::isfinite(exact) ? 1u : 0u;
    if (facts.extent == Extent::Rows && verdict.isRight && verdict.tightness > coverage().tightest[type]) {
        coverage().tightest[type] = verdict.tightness;
        coverage().tightestCase[type] = norm_.describe();
    }
    if (!verdict.isRight) {
        ADD_FAILURE() << norm_.describe() << ": kernel: " << planInfo_.reason << ": " << facts.name << ": got "
                      << decode(type, bits) << ", exact " << exact << ", allowed [" << allowed.low << ", "
                      << allowed.high << "], " << ulpDistance(type, bits, encode(type, exact)) << " "
                      << formatFacts(type).name << " ULP off";
    }
    return verdict.isRight;
}

std::string NormRun::describeInputs(uint64_t row, uint64_t column) {
    std::ostringstream text;
    text.precision(9);
    text << "row " << row << " column " << column;
    for (const auto& tensor : tensors_) {
        const RoleFacts& facts = roleFacts(tensor->role);
        if (facts.extent == Extent::Seed || (facts.isWritten && !isRead(tensor->role))) {
            continue;
        }
        text << ", " << (facts.isWritten ? "before " : "") << facts.name << " " << describeInput(*tensor, row, column);
    }
    return text.str();
}

std::string NormRun::describeInput(const DeviceTensor& tensor, uint64_t row, uint64_t column) {
    std::ostringstream text;
    text.precision(9);
    switch (roleFacts(tensor.role).extent) {
        case Extent::Rows:
            text << tensor.before.value(tensor.role == norm_.plan.inputRole() ? sourceRow(row) : row, column);
            break;
        case Extent::Parameters:
            text << tensor.before.value(row % norm_.plan.parametersOf(tensor.role), column);
            break;
        case Extent::Single:
            text << tensor.before.value(0, 0);
            break;
        default:
            if (tensor.role == VKN_ROLE_ROW_INDEX) {
                text << tensor.before.bits(0, row);
            } else {
                text << tensor.before.value(0, row);
            }
    }
    return text.str();
}

void expectSameRows(Gpu& gpu, const std::vector<NormCase>& cases) {
    std::vector<uint32_t> expected;
    for (const NormCase& norm : cases) {
        NormRun run(gpu, norm);
        run.execute();
        ASSERT_TRUE(run.check());
        expected = expected.empty() ? run.outputRow(0) : expected;
        for (uint64_t row = 0; row < norm.rows; ++row) {
            ASSERT_EQ(run.outputRow(row), expected) << norm.describe() << ", row " << row;
        }
    }
}

}  // namespace vknorm::test
