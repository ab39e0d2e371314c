// Gathered rows: row r of x is whichever row of a tensor an index says.
#include "gpu/covering.hpp"
#include "gpu/edge_rows.hpp"
#include "gpu/small_bindings.hpp"

#include <cmath>
#include <iterator>

namespace vknorm::test {
namespace {

// What reads the gathered rows.
struct Reader {
    VknOperation operation;
    VknPlacement placement;
    bool hasGate;
};
constexpr Reader kReaders[] = {
    {VKN_OPERATION_RMS_NORM, VKN_PLACEMENT_NONE, false},     {VKN_OPERATION_LAYER_NORM, VKN_PLACEMENT_PRE_NORM, false},
    {VKN_OPERATION_DYT, VKN_PLACEMENT_SANDWICH, false},      {VKN_OPERATION_GATED_ACTIVATION, VKN_PLACEMENT_NONE, true},
    {VKN_OPERATION_RMS_NORM, VKN_PLACEMENT_PARALLEL, false}, {VKN_OPERATION_LAYER_NORM, VKN_PLACEMENT_NONE, true}};

enum Pattern {
    kAny,  // rows beyond the last among them
    kReversed,
    kRepeated,
    kFarBeyond,
    kPatternCount
};

std::function<uint32_t(uint64_t row)> indexOf(int pattern, uint64_t sourceRows) {
    const auto last = static_cast<uint32_t>(sourceRows - 1);
    switch (pattern) {
        case kReversed:
            return [last](uint64_t row) { return last - static_cast<uint32_t>(row) % (last + 1); };
        case kRepeated:
            return [last](uint64_t row) { return static_cast<uint32_t>(row / 3) % (last + 1); };
        case kFarBeyond:
            return [last](uint64_t row) {
                const uint32_t indices[] = {0xFFFFFFFFu, 0, last + 1, last, 0x80000000u, 0x40000000u};
                return indices[row % std::size(indices)];
            };
        default:
            return {};
    }
}

enum FactorIndex {
    kReader,
    kPattern,
    kInput,
    kOutput,
    kInPlace,
    kGpuRows,
    kSourceRows,
    kShape,
};

constexpr uint64_t kSourceRowCounts[] = {1, 7, 200};
constexpr uint32_t kFewHiddenSizes[] = {1, 768, 1027, 9001};

std::vector<Factor> factors() {
    return withShape({{"reader", static_cast<int>(std::size(kReaders))},
                      {"pattern", kPatternCount},
                      {"input type", 3},
                      {"output type", 3},
                      {"in place", 2},
                      {"GPU rows", 2},
                      {"source rows", static_cast<int>(std::size(kSourceRowCounts))}},
                     kFewHiddenSizes);
}

// What is gathered cannot be written in place; a residual can.
bool isAllowed(const std::vector<int>& v) {
    return v[kReader] == kUnset || v[kInPlace] != 1 || kReaders[v[kReader]].placement != VKN_PLACEMENT_NONE;
}

class Gather : public Covering {
protected:
    static void setReader(PlanSpec& plan, const Reader& reader) {
        plan.operation = reader.operation;
        plan.placement = reader.placement;
        plan.gate = reader.hasGate ? std::optional(VKN_TYPE_F16) : std::nullopt;
        plan.gamma = reader.operation == VKN_OPERATION_GATED_ACTIVATION ? std::nullopt : std::optional(VKN_TYPE_F32);
        plan.rstd = reader.operation == VKN_OPERATION_LAYER_NORM;
        plan.alpha = 0.7f;
        plan.rowIndex = true;
    }

    static NormCase caseOf(const std::vector<FormVariant>& forms, const std::vector<int>& v, uint64_t number) {
        NormCase norm;
        PlanSpec& plan = norm.plan;
        plan.variant = forms[number % forms.size()];
        setReader(plan, kReaders[v[kReader]]);
        plan.input = static_cast<VknType>(v[kInput]);
        plan.output = plan.residualOutput = static_cast<VknType>(v[kOutput]);
        plan.flags = flagsOf(v, {{kInPlace, VKN_PLAN_IN_PLACE_BIT}, {kGpuRows, VKN_PLAN_GPU_ROWS_BIT}});
        const ShapeValues shape = shapeOf(v, kShape, kFewHiddenSizes);
        setShape(norm, shape, number);
        norm.sourceRows = kSourceRowCounts[v[kSourceRows]];
        if (plan.hiddenSize > 5000) {
            norm.sourceRows = (norm.sourceRows + 9) / 10;
        }
        norm.rowIndex = indexOf(v[kPattern], norm.sourceRows);
        norm.gate = placeOf(shape, VKN_TYPE_F16, norm, 6);
        norm.scalarsOffsetBytes = shape.offsets == 3 ? 12 : 0;
        return norm;
    }

    NormCase simpleCase(const Reader& reader, uint32_t hiddenSize, uint64_t sourceRows, uint64_t rows) {
        NormCase norm;
        setReader(norm.plan, reader);
        norm.plan.hiddenSize = hiddenSize;
        norm.plan.variant = gpu().variants().front();
        norm.sourceRows = sourceRows;
        norm.rows = rows;
        return norm;
    }
};

using GatherCovering = Gather;

TEST_F(GatherCovering, EveryPairOfOptions) {
    runPairs(factors(), isAllowed, withDrawnShape({kInput, kOutput, kPattern, kSourceRows}, kShape), caseOf);
}

// A row that is gathered has the bits that it has where it lies.
TEST_F(Gather, SameBitsAsWithoutAnIndex) {
    NormCase gathered = simpleCase(kReaders[0], 896, 9, 9);
    gathered.plan.input = gathered.plan.output = VKN_TYPE_BF16;
    gathered.rowIndex = indexOf(kReversed, gathered.sourceRows);
    NormCase plain = gathered;
    plain.plan.rowIndex = false;
    NormRun first(gpu(), gathered);
    NormRun second(gpu(), plain);
    first.execute();
    second.execute();
    EXPECT_TRUE(first.check());
    EXPECT_TRUE(second.check());
    for (uint64_t row = 0; row < gathered.rows; ++row) {
        EXPECT_EQ(first.outputRow(row), second.outputRow(8 - row)) << row;
    }
}

// Rows that nothing points at are not read, and one that is spoilt spoils those that point at it alone.
TEST_F(Gather, NanStaysWithThoseThatPointAtIt) {
    NormCase norm = simpleCase(kReaders[0], kEdgeHidden, 6, 12);
    norm.rowIndex = [](uint64_t row) { return row % 4 == 1 ? 3u : static_cast<uint32_t>(row % 3); };
    norm.value = [](uint64_t row, uint64_t column) {
        return row == 3 && column == 77 ? std::nan("") : row > 3 ? HUGE_VAL : noise(row, column);
    };
    NormRun run(gpu(), norm);
    run.execute();
    EXPECT_TRUE(run.check());
    for (uint64_t row = 0; row < norm.rows; ++row) {
        EXPECT_EQ(std::isnan(run.find(VKN_ROLE_OUTPUT)->after.value(row, 0)), row % 4 == 1) << row;
    }
}

// A mixture of experts sends a token to several of them, and each of their rows has the weight of one of three.
TEST_F(Gather, WithParameterRows) {
    NormCase norm = simpleCase(kReaders[0], 129, 5, 17);
    norm.plan.parameterRows = 3;
    runCases(gpu(), {norm});
}

// The tensor that is gathered from is bound as a whole; the others are split.
TEST_F(Gather, OverSeveralDispatches) {
    runOnSmallBindings(gpu(), simpleCase(kReaders[0], 101, 20, 300), 16384);
    NormCase norm = simpleCase(kReaders[1], 64, 50, 300);
    norm.rowsPerOuter = 90;
    norm.residual = {0, 65, 90 * 65 + 3};
    runOnSmallBindings(gpu(), norm, 16384);
}

}  // namespace
}  // namespace vknorm::test
