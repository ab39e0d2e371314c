// Whether results are right: against the project's one fp64 reference and its bounds, on the buffers that are measured.
//
// All rows are computed; those that are compared are the first, the last, and others spread evenly, as many as a budget of
// elements permits. Gradients of parameters are sums over all rows: for them the gradients that arrive are zero in every row
// that is not compared, so that the sums are those of the rows that are. All slots, which hold the same inputs, must then
// give the same bits; their outputs held different NaNs before, so that an element which is not written is seen in any row.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "program.hpp"

#include <string>
#include <vector>

namespace vknorm::compare {

struct CheckLimits {
    uint64_t elements = uint64_t{1} << 18;          // to compare, of a step
    uint64_t gradientElements = uint64_t{1} << 16;  // the same of the backward, whose reference is slower
};

struct CheckResult {
    std::string fault;  // empty: right
    uint64_t rows = 0;  // compared, of the last step
    uint64_t elements = 0;
    double tightest = 0.0;  // the largest share of its bound that an error had

    bool isRight() const { return fault.empty(); }
};

// In ascending order, each once: the first, the last, and as many between as make `elements` in all.
std::vector<uint64_t> rowsToCompare(const Shape& shape, uint64_t elements);

// Runs the program in every slot and judges what came of it.
CheckResult checkProgram(Program& program, const CheckLimits& limits);

// ---- a step, by kind (check_*.cpp) ---------------------------------------------------------------------------------

// Where elements are judged.
class Judge {
public:
    explicit Judge(CheckResult& result) : result_(result) {}

    // False, and a fault noted, where it is wrong.
    bool element(VknType type, double low, double high, double exact, uint32_t bits, VknRole role, uint64_t row,
                 uint64_t column);
    bool gradient(VknType type, double low, double high, double exact, uint32_t bits, VknRole role, uint64_t row,
                  uint64_t column);
    bool fail(VknRole role, uint64_t row, uint64_t column, const std::string& what);
    CheckResult& result() { return result_; }

private:
    CheckResult& result_;
};

struct StepView {
    const Program& program;
    const Step& step;
    const std::vector<uint64_t>& rows;

    bool has(VknRole role) const { return step.find(role) != nullptr; }
    VknType type(VknRole role) const { return step.spec.type(role); }
    uint32_t hiddenSize() const { return step.test.shape.hiddenSize; }
    // A row of an operand; nothing where the step has no such operand.
    std::vector<double> row(VknRole role, uint64_t row) const;
    std::vector<uint32_t> rowBits(VknRole role, uint64_t row) const;
    // All of a parameter, or of what there is one of a row.
    std::vector<double> all(VknRole role, uint64_t count) const;
};

void checkBlock(const StepView& view, Judge& judge);      // norms, gates and DyT with any placement
void checkGradients(const StepView& view, Judge& judge);  // the backward of RMSNorm and LayerNorm
void checkColumns(const StepView& view, Judge& judge);    // BatchNorm without training
void checkGroups(const StepView& view, Judge& judge);     // GroupNorm
void checkHeads(const StepView& view, Judge& judge);      // RoPE

}  // namespace vknorm::compare
