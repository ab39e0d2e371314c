// One run of one backward plan on tensors of its own: what goes in, where it lies, and what must come out.
#pragma once

#include "gpu/gpu.hpp"
#include "support/gradient_bounds.hpp"
#include "support/tensor.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace vknorm::test {

class Random;

struct GradientCase {
    VknOperation operation = VKN_OPERATION_RMS_NORM;
    VknPlacement placement = VKN_PLACEMENT_NONE;
    uint32_t hiddenSize = 64;
    uint64_t rows = 5;
    uint64_t rowsPerOuter = 0;
    // Types: of x, x2, the gate and their gradients; of the stream and its; of dy and dy2; of parameters and theirs.
    VknType branch = VKN_TYPE_F32;
    VknType stream = VKN_TYPE_F32;
    VknType arriving = VKN_TYPE_F32;
    VknType parameter = VKN_TYPE_F32;
    // Optional operands beside those that the placement and these must have: GAMMA, RSTD, gradients of parameters...
    std::set<VknRole> with = {VKN_ROLE_GAMMA};
    VknPlanFlags flags = 0;
    float epsilon = 1e-5f;
    float gammaOffset = 0.0f;
    float alpha = 0.0f;
    float residualScale = 1.0f;
    float branchScale = 1.0f;
    float dropoutProbability = 0.0f;
    uint32_t partialSize = 0;
    uint32_t parameterRows = 1;
    std::optional<VknActivation> activation;
    bool normFirst = false;
    uint32_t channels = 0;  // GroupNorm
    uint32_t groups = 1;
    bool channelsLast = false;
    // RoPE, by a table whose cosines and sines, and dy, are so short that turning back is exact; rowsPerOuter is not 0.
    std::optional<VknRopeLayout> rope;
    uint32_t rotarySize = 0;
    FormVariant variant;
    uint64_t gap = 0;     // elements from a row's end to the next
    uint64_t offset = 0;  // bytes in front of every tensor
    uint64_t seed = 1;
    uint64_t firstRow = 0;
    bool persistent = false;
    std::map<VknRole, std::function<double(uint64_t row, uint64_t column)>> values;  // random where there is none

    std::string describe() const;
    bool inPlace() const { return (flags & VKN_PLAN_IN_PLACE_BIT) != 0; }
    bool accumulates() const { return (flags & VKN_PLAN_ACCUMULATE_BIT) != 0; }
    std::vector<VknOperandType> operands() const;
};

// All gradients of parameters that a case can have.
std::set<VknRole> parameterGradients(VknPlacement placement, VknOperation operation);

class GradientRun {
public:
    GradientRun(Gpu& gpu, VknContext context, const GradientCase& gradient);
    ~GradientRun();
    GradientRun(const GradientRun&) = delete;
    GradientRun& operator=(const GradientRun&) = delete;

    void run();
    // Every element within its bound, and nothing else touched.
    void check();

    const Tensor& after(VknRole role) { return find(role).after; }
    VknPlan plan() const { return plan_; }

private:
    struct Operand {
        VknRole role;
        Tensor before;
        Tensor after;
        size_t buffer;
        uint64_t offset;  // of its bytes there
    };

    Operand& find(VknRole role);
    bool has(VknRole role) const { return byRole_.count(role) != 0; }
    // The operand that stands for it: in place, the one that is written.
    VknRole standIn(VknRole role) const;

    void makeOperands();
    TensorLayout layoutOf(const VknOperandType& operand) const;
    void fill(Operand& operand, Random& random);
    double randomValue(VknRole role, Random& random, uint64_t row) const;
    void saveStatistics();
    void createPlan();
    void placeOperands();

    // A row of a norm: of the tensors, or a group of an image.
    uint64_t normRows() const { return gradient_.rows * gradient_.groups; }
    uint32_t normSize() const { return gradient_.hiddenSize / gradient_.groups; }
    uint64_t tensorRow(uint64_t row) const { return row / gradient_.groups; }
    uint64_t tensorColumn(uint64_t row, uint64_t column) const;
    uint64_t parameterElement(uint64_t row, uint64_t column) const;
    std::vector<double> rowOf(VknRole role, uint64_t row);  // empty where there is none
    std::vector<double> branchValues(uint64_t row);
    void turnBack(uint64_t row, std::vector<double>& gradient);
    BlockSpec blockSpec() const;
    BlockParameters parametersOf(uint64_t row);
    BlockRow blockRow(uint64_t row);
    GradientRow gradientRow(uint64_t row);
    Stored storedOf(uint64_t row);

    void checkRow(uint64_t row);
    void checkElements(VknRole role, uint64_t row, const std::vector<double>& exact,
                       const std::function<Interval(size_t)>& allowed);
    void addToSums(uint64_t row, const GradientBound& bound);
    void checkSums();
    void checkMemory();

    Gpu& gpu_;
    VknContext context_;
    GradientCase gradient_;
    VknPlan plan_ = VKN_NULL_HANDLE;
    ReductionShape shape_;
    std::vector<std::unique_ptr<Buffer>> buffers_;
    std::vector<std::unique_ptr<Operand>> operands_;
    std::map<VknRole, size_t> byRole_;
    std::map<VknRole, std::vector<SumBound>> sums_;
    std::optional<Buffer> scratch_;
    std::vector<VknOperand> bound_;
    uint64_t rowsPerPart_ = 1;
};

// Runs a case and checks it.
void expectGradients(Gpu& gpu, const GradientCase& gradient);

}  // namespace vknorm::test
