// Gates: an activation of a second tensor that is multiplied to x, alone, before a norm or behind it.
#include "gpu/covering.hpp"
#include "gpu/edge_rows.hpp"
#include "gpu/small_bindings.hpp"
#include "support/formats.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace vknorm::test {
namespace {

constexpr VknActivation kActivations[] = {VKN_ACTIVATION_SILU, VKN_ACTIVATION_GELU, VKN_ACTIVATION_GELU_TANH,
                                          VKN_ACTIVATION_RELU, VKN_ACTIVATION_SIGMOID};

// What the gate stands beside.
struct Kind {
    VknOperation operation;
    bool normFirst;
};
constexpr Kind kKinds[] = {{VKN_OPERATION_GATED_ACTIVATION, false},
                           {VKN_OPERATION_RMS_NORM, false},
                           {VKN_OPERATION_RMS_NORM, true},
                           {VKN_OPERATION_LAYER_NORM, false},
                           {VKN_OPERATION_LAYER_NORM, true}};

void setKind(PlanSpec& plan, const Kind& kind) {
    plan.operation = kind.operation;
    plan.normFirst = kind.normFirst;
}

// x and its gate as the halves of one tensor's rows, so much further apart than they are long as the strides say.
void packHalves(NormCase& norm, const OperandPlace& whole, bool gateIsFirst) {
    OperandPlace first = whole;
    first.rowStride = std::max<uint64_t>(whole.rowStride, 2 * uint64_t{norm.plan.hiddenSize});
    // Outer blocks of whole rows, so that halves are columns of one matrix.
    first.outerStride = whole.outerStride != 0 ? (norm.rowsPerOuter + 1) * first.rowStride : 0;
    OperandPlace second = first;
    second.byteOffset += norm.plan.hiddenSize * elementSize(norm.plan.input);
    OperandPlace& x = norm.plan.isInPlace() ? norm.output : norm.input;
    x = gateIsFirst ? second : first;
    norm.gate = gateIsFirst ? first : second;
    norm.packGate = true;
}

// ---- pairs of everything ---------------------------------------------------------------------------------------------

enum FactorIndex {
    kKind,
    kActivation,
    kVariant,
    kInput,
    kGate,
    kOutput,
    kGamma,
    kBeta,
    kCast,
    kEpsilonPlace,
    kStatistics,
    kParameterRows,
    kInPlace,
    kGpuRows,
    kShape,
    kPackedHalves = kShape + kShapeFactors,
};

constexpr uint32_t kParameterRowCounts[] = {1, 3};
constexpr uint32_t kFewHiddenSizes[] = {1, 129, 768, 9001};

std::vector<Factor> factorsOf(const std::vector<FormVariant>& variants) {
    std::vector<Factor> factors = withShape({{"kind", static_cast<int>(std::size(kKinds))},
                                             {"activation", static_cast<int>(std::size(kActivations))},
                                             {"form", static_cast<int>(variants.size())},
                                             {"input type", 3},
                                             {"gate type", 3},
                                             {"output type", 3},
                                             {"gamma", 4},
                                             {"beta", 2},
                                             {"cast", 2},
                                             {"epsilon place", 2},
                                             {"statistics", 2},
                                             {"parameter rows", static_cast<int>(std::size(kParameterRowCounts))},
                                             {"in place", 2},
                                             {"GPU rows", 2}},
                                            kFewHiddenSizes);
    factors.push_back({"packed halves", 2});
    return factors;
}

bool isAllowed(const std::vector<int>& v) {
    const auto differ = [&](FactorIndex a, FactorIndex b) { return v[a] != kUnset && v[b] != kUnset && v[a] != v[b]; };
    if ((v[kInPlace] == 1 && differ(kInput, kOutput)) || (v[kPackedHalves] == 1 && differ(kInput, kGate))) {
        return false;
    }
    // Without a norm there is nothing that is the norm's, and without weights nothing of theirs.
    const bool hasNorm = v[kKind] != 0;
    const bool isMeaningful = onlyWhatIsThereVaries(
        v, {{kGamma, hasNorm}, {kBeta, hasNorm}, {kEpsilonPlace, hasNorm}, {kStatistics, hasNorm}});
    return isMeaningful && !(v[kGamma] == 0 && (v[kCast] == 1 || v[kParameterRows] == 1));
}

class Gated : public Covering {
protected:
    static NormCase caseOf(const std::vector<FormVariant>& forms, const std::vector<int>& v, uint64_t number) {
        NormCase norm;
        PlanSpec& plan = norm.plan;
        plan.variant = forms[static_cast<size_t>(v[kVariant])];
        setKind(plan, kKinds[v[kKind]]);
        plan.activation = kActivations[v[kActivation]];
        plan.input = static_cast<VknType>(v[kInput]);
        plan.gate = static_cast<VknType>(v[kGate]);
        plan.output = static_cast<VknType>(v[kOutput]);
        plan.gamma = optionalType(v[kGamma]);
        plan.beta = v[kBeta] == 0 ? std::nullopt : optionalType(1 + v[kGamma] % 3);
        plan.rstd = v[kStatistics] == 1;
        plan.mean = plan.rstd && plan.operation == VKN_OPERATION_LAYER_NORM;
        plan.epsilon = v[kEpsilonPlace] == 0 ? 1e-5f : 1e-3f;
        plan.parameterRows = kParameterRowCounts[v[kParameterRows]];
        plan.flags = flagsOf(v, {{kEpsilonPlace, VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT},
                                 {kCast, VKN_PLAN_EARLY_CAST_BIT},
                                 {kInPlace, VKN_PLAN_IN_PLACE_BIT},
                                 {kGpuRows, VKN_PLAN_GPU_ROWS_BIT}});
        const ShapeValues shape = shapeOf(v, kShape, kFewHiddenSizes);
        setShape(norm, shape, number);
        norm.gate = placeOf(shape, *plan.gate, norm, 2);
        if (v[kPackedHalves] == 1) {
            NormCase wide = norm;
            wide.plan.hiddenSize *= 2;
            packHalves(norm, placeOf(shape, plan.input, wide, 0), number % 2 == 0);
        }
        norm.scalarsOffsetBytes = shape.offsets == 3 ? 12 : 0;
        return norm;
    }

    NormCase simpleCase(const Kind& kind, VknActivation activation, VknType type, uint32_t hiddenSize, uint64_t rows) {
        NormCase norm;
        setKind(norm.plan, kind);
        norm.plan.activation = activation;
        norm.plan.hiddenSize = hiddenSize;
        norm.plan.input = norm.plan.output = type;
        norm.plan.gate = type;
        norm.plan.variant = gpu().variants().front();
        norm.rows = rows;
        return norm;
    }
};

using GatedCovering = Gated;

TEST_F(GatedCovering, EveryPairOfOptions) {
    runPairs(factorsOf(gpu().forms()), isAllowed, withDrawnShape({kGamma, kBeta, kParameterRows}, kShape), caseOf);
}

// ---- gates at the edges ------------------------------------------------------------------------------------------------

// Every value at which a function changes its way, and a sweep over those between.
double edgeGate(uint64_t column) {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    const double values[] = {0.0,   -0.0,  0x1p-149, -0x1p-149, 0x1p-126, -0x1p-127, 1e-30, -1e-30,
                             1e-3,  -1e-3, kInf,     -kInf,     3.4e38,   -3.4e38,   1e20,  -1e20,
                             88.0,  -87.3, -88.8,    -103.0,    -104.0,   13.2,      -13.2, -13.1,
                             9.0,   -9.02, -10.25,   15.0,      -15.1,    16.0,      -16.5, 0.5,
                             -0.75, -1.28, -1.5,     -5.0,      65504.0,  1e6,       -1e6,  std::nan("")};
    constexpr uint64_t kCount = std::size(values);
    return column < kCount ? values[column] : -20.0 + 0.045 * static_cast<double>(column - kCount);
}

TEST_F(Gated, GatesAtTheEdgesOfEveryActivation) {
    std::vector<NormCase> cases;
    for (const VknActivation activation : kActivations) {
        NormCase norm = simpleCase(kKinds[0], activation, VKN_TYPE_F32, kEdgeHidden, 3);
        norm.value = [](uint64_t row, uint64_t column) { return row == 0 ? 1.0 : noise(row, column); };
        norm.others[VKN_ROLE_GATE] = [](uint64_t, uint64_t column) { return edgeGate(column); };
        cases.push_back(norm);
    }
    runCases(gpu(), cases);
}

// Without a norm an element has nothing to do with its row.
TEST_F(Gated, NanAndInfinityStayInTheirElement) {
    NormCase norm =
        simpleCase(kKinds[0], VKN_ACTIVATION_SILU, VKN_TYPE_F32, kEdgeHidden, rowsAmongNoise(nanAndInfinityRows()));
    norm.value = amongNoise(nanAndInfinityRows());
    NormRun run(gpu(), norm);
    run.execute();
    EXPECT_TRUE(run.check());
    for (uint64_t row = 0; row < norm.rows; ++row) {
        for (uint64_t column = 0; column < kEdgeHidden; ++column) {
            ASSERT_EQ(std::isfinite(run.find(VKN_ROLE_OUTPUT)->after.value(row, column)),
                      std::isfinite(run.find(VKN_ROLE_INPUT)->before.value(row, column)));
        }
    }
}

// A gate that is NaN or infinite spoils the norm of its row and of no other; one of zeros leaves nothing to norm.
TEST_F(Gated, NanAndInfiniteGatesStayInTheirRow) {
    std::vector<NormCase> cases;
    for (size_t k = 1; k < std::size(kKinds); ++k) {
        NormCase norm = simpleCase(kKinds[k], kActivations[k % std::size(kActivations)], VKN_TYPE_F32, kEdgeHidden, 0);
        const EdgeRows& edge = k % 2 == 0 ? nanAndInfinityRows() : zeroAndConstantRows();
        norm.rows = rowsAmongNoise(edge);
        norm.others[VKN_ROLE_GATE] = amongNoise(edge);
        cases.push_back(norm);
    }
    runCases(gpu(), cases);
}

TEST_F(Gated, RowsAtTheEdges) {
    std::vector<NormCase> cases;
    for (size_t e = 0; e < everyEdge().size(); ++e) {
        const EdgeRows& edge = *everyEdge()[e];
        for (size_t k = 0; k < std::size(kKinds); ++k) {
            if (!isShareOf(e + k, 3)) {
                continue;
            }
            const VknType type = edge.types[(e + k) % edge.types.size()];
            NormCase norm = simpleCase(kKinds[k], kActivations[e % std::size(kActivations)], type, kEdgeHidden,
                                       rowsAmongNoise(edge));
            norm.plan.epsilon = edge.epsilon;
            norm.value = amongNoise(edge);
            // Far from where a product with an infinite x hangs on whether a subnormal number is flushed.
            norm.others[VKN_ROLE_GATE] = [](uint64_t row, uint64_t column) { return noise(row + 100, column); };
            cases.push_back(norm);
        }
    }
    runCases(gpu(), cases);
}

// ---- what must not matter ----------------------------------------------------------------------------------------------

TEST_F(Gated, SameBitsAnywhere) {
    for (const Kind& kind : {kKinds[0], kKinds[1], kKinds[4]}) {
        NormCase base = simpleCase(kind, VKN_ACTIVATION_GELU, VKN_TYPE_BF16, 896, 2);
        base.value = rowsOfNoise(1);
        base.others[VKN_ROLE_GATE] = [](uint64_t, uint64_t column) { return 3.0 * noise(2, column); };

        NormCase elsewhere = base;
        elsewhere.rows = 37;
        elsewhere.input = {6, 899, 0};
        elsewhere.output = {2, 897, 0};
        elsewhere.gate = {10, 901, 0};
        NormCase packed = base;
        packHalves(packed, {}, true);
        NormCase inPlace = base;
        inPlace.plan.flags = VKN_PLAN_IN_PLACE_BIT;
        packHalves(inPlace, {2, 1793, 0}, false);

        expectSameRows(gpu(), {base, elsewhere, packed, inPlace});
    }
}

// The commonest network: bf16, gate and up projection side by side, SwiGLU in place of the up projection.
TEST_F(Gated, SwiGluOfPackedHalves) {
    std::vector<NormCase> cases;
    for (const uint32_t hidden : {704u, 1023u}) {
        for (const bool gateIsFirst : {true, false}) {
            NormCase norm = simpleCase(kKinds[0], VKN_ACTIVATION_SILU, VKN_TYPE_BF16, hidden, 19);
            norm.plan.flags = VKN_PLAN_IN_PLACE_BIT;
            packHalves(norm, {}, gateIsFirst);
            cases.push_back(norm);
        }
    }
    runCases(gpu(), cases);
}

// Parts of a tensor that begin inside a word, where the part before them has written.
TEST_F(Gated, PackedHalvesOverSeveralDispatches) {
    for (const bool gateIsFirst : {true, false}) {
        NormCase norm = simpleCase(kKinds[0], VKN_ACTIVATION_SILU, VKN_TYPE_BF16, 101, 300);
        norm.plan.flags = VKN_PLAN_IN_PLACE_BIT;
        packHalves(norm, {6, 203, 0}, gateIsFirst);
        runOnSmallBindings(gpu(), norm, 16384);
    }
}

// Nothing is held, so a row of any width is read once; what the host must make visible is listed.
TEST_F(Gated, PlansSayWhatTheyRead) {
    const NormCase norm = simpleCase(kKinds[0], VKN_ACTIVATION_SILU, VKN_TYPE_F16, 20000, 1);
    const VknPlan plan = gpu().plan(norm.plan);
    VknPlanInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
    vknGetPlanInfo(plan, &info);
    EXPECT_EQ(info.inputReads, 1u);
    EXPECT_EQ(info.leastBytesPerRow, 3u * 20000 * 2);
    EXPECT_EQ(info.bytesPerRow, info.leastBytesPerRow);
    EXPECT_EQ(info.bytesPerDispatch, 0u);
    uint32_t count = 0;
    vknGetPlanAccesses(plan, &count, nullptr);
    std::vector<VknOperandAccess> accesses(count);
    vknGetPlanAccesses(plan, &count, accesses.data());
    const auto gate = std::find_if(accesses.begin(), accesses.end(),
                                   [](const VknOperandAccess& access) { return access.role == VKN_ROLE_GATE; });
    ASSERT_NE(gate, accesses.end());
    EXPECT_EQ(gate->accessMask, static_cast<VkAccessFlags>(VK_ACCESS_SHADER_READ_BIT));
}

}  // namespace
}  // namespace vknorm::test
