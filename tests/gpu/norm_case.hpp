// One run of one plan on tensors of its own: what goes in, where it lies, and what must come out.
#pragma once

#include "gpu/gpu.hpp"
#include "support/tensor.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vknorm::test {

using ValueFunction = std::function<double(uint64_t row, uint64_t column)>;

struct OperandPlace {
    uint64_t byteOffset = 0;
    uint64_t rowStride = 0;
    uint64_t outerStride = 0;
};

struct NormCase {
    PlanSpec plan;
    uint64_t rows = 1;
    uint64_t rowsPerOuter = 0;
    OperandPlace input;  // the output's where in place
    OperandPlace output;
    uint64_t gammaOffsetBytes = 0;
    uint64_t betaOffsetBytes = 0;
    uint64_t scalarsOffsetBytes = 0;  // mean, and rstd some way behind it
    std::optional<uint32_t> gpuRows;  // with GPU_ROWS: what the buffer says
    uint64_t guardBytes = kGuardBytes;
    uint64_t seed = 1;
    ValueFunction value;  // empty: random rows of different scale and mean
    ValueFunction gamma;  // row is 0; empty: random about 1 - gammaOffset
    ValueFunction beta;

    std::string describe() const;
};

// A tensor and the buffer that it lives in.
struct DeviceTensor {
    VknRole role;
    Tensor before;
    Tensor after;
    Buffer buffer;
};

class NormRun {
public:
    NormRun(Gpu& gpu, const NormCase& norm);

    // As vknCmdExecute takes it; the pointers in it stay valid as long as this object.
    const VknExecuteInfo& executeInfo();
    VknPlan plan() const { return plan_; }
    bool record(VkCommandBuffer commands);
    void uploadAgain();
    void download();
    // Every element within its bound, nothing else touched. False after the first failure, which is reported.
    bool check();

    const NormCase& norm() const { return norm_; }
    uint64_t writtenRows() const;
    DeviceTensor* find(VknRole role);
    // The bits of an output row, and of its saved mean and rstd behind it.
    std::vector<uint32_t> outputRow(uint64_t row);

private:
    DeviceTensor& add(VknRole role, const TensorLayout& layout, uint64_t guardBytes);
    void addRows(VknRole role, VknType type, const OperandPlace& place);
    void addParameters(VknRole role, VknType type, uint64_t byteOffset);
    void addScalars();
    void fillInputs();
    bool checkRow(uint64_t row, const std::vector<double>& gamma, const std::vector<double>& beta);
    bool checkScalar(VknRole role, uint64_t row, double low, double high, double exact);
    bool checkElement(VknType type, uint32_t bits, double low, double high, double exact, const std::string& what);
    uint64_t scalarRow(VknRole role) const { return role == VKN_ROLE_RSTD && norm_.plan.mean ? 1 : 0; }

    Gpu& gpu_;
    NormCase norm_;
    VknPlan plan_;
    VknPlanInfo planInfo_{};
    std::vector<std::unique_ptr<DeviceTensor>> tensors_;
    std::optional<Buffer> rowsBuffer_;
    std::optional<Buffer> scratch_;
    std::vector<VknOperand> operands_;
    VknExecuteInfo info_{};
};

// Runs independent cases, as many in one submit as memory suggests, and checks each.
void runCases(Gpu& gpu, const std::vector<NormCase>& cases);

// What all runs of this program checked.
struct Coverage {
    size_t cases = 0;
    size_t rows = 0;
    size_t elements = 0;
    double tightest[3] = {};  // by output type: the largest share of the bound that was used
    std::string tightestCase[3];
    size_t unbounded = 0;  // elements about which the bound says nothing
};
Coverage& coverage();

}  // namespace vknorm::test
