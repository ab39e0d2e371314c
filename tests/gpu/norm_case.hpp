// One run of one plan on tensors of its own: what goes in, where it lies, and what must come out. A plan without a
// block is a block without anything around its norm.
#pragma once

#include "gpu/gpu.hpp"
#include "support/block_bounds.hpp"
#include "support/tensor.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vknorm::test {

class Random;

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
    // In place, what is brought up to date lies as that which is written.
    OperandPlace input;
    OperandPlace output;
    OperandPlace residual;
    OperandPlace residualOutput;
    OperandPlace input2;
    OperandPlace output2;
    OperandPlace gate;
    bool packGate = false;  // the gate lies in the buffer of x, as their strides and offsets permit
    uint64_t gammaOffsetBytes = 0;
    uint64_t betaOffsetBytes = 0;
    // The other parameters lie in one buffer, since they may share a binding: each so many elements of its own behind a
    // multiple of 16 bytes.
    uint64_t parameterSkew = 0;
    bool packParameters = false;  // gamma and beta as well; always where the plan asks for it
    // So do the scalars of rows and the seed, each some way behind the one before.
    uint64_t scalarsOffsetBytes = 0;
    std::optional<uint32_t> gpuRows;               // with GPU_ROWS: what the buffer says
    uint64_t dropoutSeed = 0xFEDCBA9876543210ull;  // in VknDropoutInfo or, where the plan has it, in the SEED operand
    uint64_t firstRow = 0;
    uint32_t stream = 0;
    uint64_t guardBytes = kGuardBytes;
    uint64_t seed = 1;
    ValueFunction value;  // x; empty: random rows of different scale and mean
    ValueFunction gamma;  // row is the parameters'; empty: random about 1 - gammaOffset
    ValueFunction beta;
    // Where rows of x are gathered: from how many (0: as many as there are rows), and from which; empty: any, and beyond.
    uint64_t sourceRows = 0;
    std::function<uint32_t(uint64_t row)> rowIndex;
    std::map<VknRole, ValueFunction> others;  // of other roles; RESIDUAL in place as well, ROW_SCALE's column is 0

    std::string describe() const;
};

// A tensor and the buffer that it lies in, perhaps with others: the bytes of both tensors are the whole buffer's.
struct DeviceTensor {
    VknRole role;
    Tensor before;
    Tensor after;
    Buffer& buffer;
};

class NormRun {
public:
    // Throws where there is no plan.
    NormRun(Gpu& gpu, const NormCase& norm);

    // As vknCmdExecute takes it; the pointers in it stay valid as long as this object.
    const VknExecuteInfo& executeInfo();
    VknPlan plan() const { return plan_; }
    bool record(VkCommandBuffer commands);
    // By itself, from record() to download().
    void execute();
    void uploadAgain();
    void download();
    // Every element within its bound, nothing else touched. False after the first failure, which is reported.
    bool check();

    const NormCase& norm() const { return norm_; }
    uint64_t writtenRows() const;
    // The row of x that is read for a row.
    uint64_t sourceRow(uint64_t row);
    DeviceTensor* find(VknRole role);
    // The bits of what was written to a row: y, h, y2, then the scalars, in the order of their roles.
    std::vector<uint32_t> outputRow(uint64_t row);

private:
    // A tensor that is to lie in a buffer, and where its room ends.
    struct Placed {
        VknRole role;
        TensorLayout layout;
        uint64_t endByte;
    };
    using PlacedTensors = std::vector<Placed>;

    void placeOperands();
    Placed placeRows(const VknOperandType& operand) const;
    Placed placeParameters(const VknOperandType& operand, const PlacedTensors& before) const;
    Placed placeScalars(const VknOperandType& operand, const PlacedTensors& before) const;
    Placed placeWords(const VknOperandType& operand, const PlacedTensors& before) const;
    bool isPacked() const;
    bool isGathered(VknRole role) const;
    uint64_t sourceRows() const;
    void addBuffer(const PlacedTensors& tensors);

    bool isRead(VknRole role) const;
    void fillInputs();
    void fillInput(DeviceTensor& tensor, Random& random);
    void shareBytes();
    uint32_t indexValue(Random& random, uint64_t row) const;
    double inputValue(VknRole role, Random& random, uint64_t row, uint64_t column) const;
    const ValueFunction* givenValues(VknRole role) const;

    void addRowsBuffer();
    void addDropoutInfo();

    bool checkMemory();
    BlockParameters parametersOf(uint64_t parameterRow);
    BlockRow rowOf(uint64_t row);
    bool checkRow(uint64_t row, const BlockParameters& parameters);
    bool checkElements(VknRole role, uint64_t row, const std::vector<double>& exact,
                       const std::function<Interval(size_t column)>& allowed);
    // The scales and elements of output 0 or 1, which is quantised (quantised_check.cpp).
    bool checkQuantised(size_t which, uint64_t row, const BlockBound& bound);
    bool checkQuantisedPart(size_t which, uint64_t row, uint64_t first, const std::vector<Interval>& y,
                            const std::vector<double>& exact);
    double givenScale(size_t which);
    bool checkStatistics(uint64_t row, const BlockBound& bound);
    bool checkScalar(VknRole role, uint64_t row, const Interval& allowed, double exact);
    bool checkElement(const DeviceTensor& tensor, uint32_t bits, const Interval& allowed, double exact);
    std::string describeInputs(uint64_t row, uint64_t column);
    std::string describeInput(const DeviceTensor& tensor, uint64_t row, uint64_t column);

    Gpu& gpu_;
    NormCase norm_;
    VknPlan plan_;
    VknPlanInfo planInfo_{};
    BlockSpec spec_;
    std::vector<std::unique_ptr<Buffer>> buffers_;
    std::vector<std::unique_ptr<DeviceTensor>> tensors_;
    std::optional<Buffer> rowsBuffer_;
    std::optional<Buffer> scratch_;
    std::vector<VknOperand> operands_;
    VknDropoutInfo dropout_{};
    VknExecuteInfo info_{};
};

// Runs independent cases, as many in one submit as memory suggests, and checks each.
void runCases(Gpu& gpu, const std::vector<NormCase>& cases);

// Runs each case by itself: every row of it is within its bounds and has the bits of the first case's first row.
void expectSameRows(Gpu& gpu, const std::vector<NormCase>& cases);

// What all runs of this program checked.
struct Coverage {
    size_t cases = 0;
    size_t rows = 0;
    size_t elements = 0;
    double tightest[3] = {};  // by output type: the largest share of the bound that was used
    std::string tightestCase[3];
    size_t unbounded = 0;  // elements about which the bound says nothing
    size_t quantised = 0;  // quantised elements, and those of them that may be any of several codes
    size_t undecided = 0;
};
Coverage& coverage();

}  // namespace vknorm::test
