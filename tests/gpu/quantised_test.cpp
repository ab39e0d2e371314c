// Quantised outputs: a covering array over what they go with, and rows whose answers are known exactly.
#include "gpu/covering.hpp"
#include "gpu/edge_rows.hpp"
#include "gpu/small_bindings.hpp"
#include "support/formats.hpp"
#include "support/reference.hpp"

#include <cmath>
#include <iterator>
#include <limits>

namespace vknorm::test {
namespace {

constexpr VknType kQuantisedTypes[] = {VKN_TYPE_I8, VKN_TYPE_F8_E4M3, VKN_TYPE_F8_E5M2};
constexpr VknOperation kOperations[] = {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM};
constexpr VknPlacement kPlacements[] = {VKN_PLACEMENT_NONE, VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_PARALLEL,
                                        VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_POST_NORM};
constexpr uint32_t kBlockSizes[] = {32, 64, 128};
constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

enum Mode {
    kStaticHost,
    kStaticBuffer,
    kPerRow,
    kPerBlock,
    kModeCount
};

void setMode(PlanSpec& plan, int mode, uint32_t blockSize) {
    constexpr VknQuantization kQuantizations[] = {VKN_QUANTIZATION_STATIC, VKN_QUANTIZATION_STATIC,
                                                  VKN_QUANTIZATION_PER_ROW, VKN_QUANTIZATION_PER_BLOCK};
    plan.quantization = kQuantizations[mode];
    plan.staticScale = mode == kStaticBuffer;
    plan.blockSize = mode == kPerBlock ? blockSize : 0;
}

constexpr VknOperation kEveryOperation[] = {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM, VKN_OPERATION_DYT,
                                            VKN_OPERATION_GATED_ACTIVATION};

// ---- pairs ---------------------------------------------------------------------------------------------------------

enum FactorIndex : size_t {
    kPlacement,
    kVariant,
    kOperation,
    kInput,
    kOutput,   // the quantised types; with two outputs, also none
    kOutput2,  // the same, where there are two outputs
    kMode,
    kBlock,
    kLargest,
    kWeights,
    kInPlace,
    kGpuRows,
    kShape,
};

constexpr int kNotQuantised = static_cast<int>(std::size(kQuantisedTypes));

std::vector<Factor> factorsOf(const std::vector<FormVariant>& variants) {
    // A driver that compiles slowly does without the widest rows.
    const size_t leftOut = isQuickTest() ? 2 : 0;
    return withShape({{"placement", static_cast<int>(std::size(kPlacements))},
                      {"form", static_cast<int>(variants.size())},
                      {"operation", static_cast<int>(std::size(kEveryOperation))},
                      {"input type", 3},
                      {"y type", kNotQuantised + 1},
                      {"y2 type", kNotQuantised + 1},
                      {"mode", kModeCount},
                      {"block size", static_cast<int>(std::size(kBlockSizes))},
                      {"largest value", 2},
                      {"weights", 3},
                      {"in place", 2},
                      {"GPU rows", 2}},
                     std::span(kHiddenSizes).first(std::size(kHiddenSizes) - leftOut));
}

bool isAllowed(const std::vector<int>& v) {
    const bool hasPlacement = v[kPlacement] != kUnset;
    const VknPlacement placement = hasPlacement ? kPlacements[v[kPlacement]] : VKN_PLACEMENT_PARALLEL;
    const bool isParallel = placement == VKN_PLACEMENT_PARALLEL;
    if (!isParallel && (v[kOutput2] > 0 || v[kOutput] == kNotQuantised)) {
        return false;
    }
    if (isParallel && v[kOutput] == kNotQuantised && v[kOutput2] == kNotQuantised) {
        return false;
    }
    // A gated activation stands by itself.
    const bool isGated = v[kOperation] != kUnset && kEveryOperation[v[kOperation]] == VKN_OPERATION_GATED_ACTIVATION;
    if (isGated && ((hasPlacement && placement != VKN_PLACEMENT_NONE) || v[kWeights] > 0)) {
        return false;
    }
    // What is brought up to date in place is read as well, so it cannot be the quantised output.
    const bool writesSum = placementFacts(placement).writesSum;
    if (v[kInPlace] == 1 && !writesSum) {
        return false;
    }
    const bool isStatic = v[kMode] == kStaticHost || v[kMode] == kStaticBuffer;
    return !(isStatic && v[kLargest] > 0) && !(v[kMode] != kUnset && v[kMode] != kPerBlock && v[kBlock] > 0);
}

class QuantisedCovering : public Covering {
protected:
    static VknType outputType(int value, VknType otherwise) {
        return value == kNotQuantised ? otherwise : kQuantisedTypes[value];
    }

    static void setPlan(PlanSpec& plan, const std::vector<int>& v, uint64_t number) {
        plan.placement = kPlacements[v[kPlacement]];
        plan.operation = kEveryOperation[v[kOperation]];
        plan.alpha = plan.operation == VKN_OPERATION_DYT ? 0.7f : 0.0f;
        plan.input = static_cast<VknType>(v[kInput]);
        if (plan.operation == VKN_OPERATION_GATED_ACTIVATION) {
            plan.gate = static_cast<VknType>(number % 3);
        }
        plan.input2 = static_cast<VknType>((v[kInput] + 1) % 3);
        plan.residual = plan.residualOutput = static_cast<VknType>(number % 3);
        plan.output = outputType(v[kOutput], VKN_TYPE_BF16);
        plan.output2 = outputType(v[kOutput2], VKN_TYPE_F32);
        plan.flags = flagsOf(v, {{kInPlace, VKN_PLAN_IN_PLACE_BIT}, {kGpuRows, VKN_PLAN_GPU_ROWS_BIT}});
        const bool hasSecondNorm =
            plan.placement == VKN_PLACEMENT_PARALLEL || plan.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM;
        if (v[kWeights] > 0) {
            plan.gamma = static_cast<VknType>(number % 3);
            plan.gamma2 = hasSecondNorm ? plan.gamma : std::nullopt;
        }
        if (v[kWeights] == 2) {
            plan.beta = static_cast<VknType>((number + 1) % 3);
            plan.beta2 = hasSecondNorm ? plan.beta : std::nullopt;
        }
        const bool isNorm = plan.operation == VKN_OPERATION_RMS_NORM || plan.operation == VKN_OPERATION_LAYER_NORM;
        plan.rstd = isNorm && number % 2 == 0;
        setMode(plan, v[kMode], kBlockSizes[v[kBlock]]);
        if (v[kMode] == kStaticHost) {  // no powers of two, and some elements saturate
            plan.scale = plan.output == VKN_TYPE_I8 ? 0.0217f : 0.0071f;
            plan.scale2 = number % 2 == 0 ? 0.0f : 0.0109f;
        }
        plan.largestValue = v[kLargest] == 1 ? 2.25f : 0.0f;
    }

    static NormCase caseOf(const std::vector<FormVariant>& forms, const std::vector<int>& v, uint64_t number) {
        NormCase norm;
        PlanSpec& plan = norm.plan;
        plan.variant = forms[static_cast<size_t>(v[kVariant])];
        setPlan(plan, v, number);
        const ShapeValues shape = shapeOf(v, kShape, kHiddenSizes);
        setShape(norm, shape, number);
        norm.gate = placeOf(shape, plan.gate.value_or(VKN_TYPE_F32), norm, 6);
        norm.scalarsOffsetBytes = shape.offsets == 3 ? 12 : 0;
        return norm;
    }
};

TEST_F(QuantisedCovering, EveryPairOfOptions) {
    runPairs(factorsOf(gpu().forms()), isAllowed, withDrawnShape({kInput, kWeights}, kShape), caseOf);
}

// ---- known answers -------------------------------------------------------------------------------------------------

class Quantised : public GpuTest {
protected:
    // y is beta where gamma is 0.
    NormCase betaCase(VknType type, int mode, const std::vector<double>& beta, const FormVariant& variant) {
        NormCase norm;
        norm.plan.output = type;
        norm.plan.hiddenSize = static_cast<uint32_t>(beta.size());
        norm.plan.gamma = norm.plan.beta = VKN_TYPE_F32;
        norm.plan.variant = variant;
        setMode(norm.plan, mode, 32);
        norm.gamma = [](uint64_t, uint64_t) { return 0.0; };
        norm.beta = [beta](uint64_t, uint64_t column) { return beta[column]; };
        norm.rows = 3;
        return norm;
    }

    void runOne(NormRun& run) {
        run.execute();
        EXPECT_TRUE(run.check());
    }

    static double scaleAt(NormRun& run, uint64_t index, VknRole role = VKN_ROLE_OUTPUT_SCALE) {
        return run.find(role)->after.value(0, index);
    }

    const FormVariant& formOf(size_t number) { return gpu().forms()[number % gpu().forms().size()]; }
};

constexpr double kScale = 0.125;  // what quotients are multiplied with; a power of two, so that nothing is rounded

// Every middle between two codes with its fp32 neighbours, every code, and numbers beyond the largest if there may be any.
// The first of each 32 is the largest code, so that rows and blocks have the scale 0.125.
std::vector<double> everyTie(VknType type, bool saturates) {
    std::vector<double> quotients;
    const double largest = largestValue(type);
    const auto add = [&](double value) {
        if (quotients.size() % 32 == 0) {
            quotients.push_back(largest);
        }
        quotients.push_back(value);
    };
    for (uint32_t code = 0; code < formatFacts(type).largestBits; ++code) {
        const double middle = 0.5 * (decode(type, code) + decode(type, code + 1));
        for (const double sign : {1.0, -1.0}) {
            add(sign * decode(type, code) + 0.0);  // no -0: beta is added to 0
            add(sign * middle);
            add(sign * middle * (1.0 - 0x1p-23));
            add(sign * middle * (1.0 + 0x1p-23));
        }
    }
    for (const double beyond : {1.001, 1.03, 1.07, 1.125, 1.5, 2.0, 1e6, 1e30}) {
        if (saturates) {
            add(largest * beyond);
            add(-largest * beyond);
        }
    }
    while (quotients.size() % 8 != 0) {
        add(0.0);
    }
    for (double& value : quotients) {
        value = roundTo(VKN_TYPE_F32, value * kScale);
    }
    return quotients;
}

TEST_F(Quantised, EveryTieRoundsToEven) {
    size_t number = 0;
    for (const VknType type : kQuantisedTypes) {
        for (int mode = 0; mode < kModeCount; ++mode, ++number) {
            if (!isShareOf(number, 3)) {
                continue;
            }
            const std::vector<double> y = everyTie(type, mode == kStaticHost || mode == kStaticBuffer);
            NormCase norm = betaCase(type, mode, y, formOf(number));
            norm.plan.scale = mode == kStaticHost ? static_cast<float>(kScale) : 0.0f;
            norm.others[VKN_ROLE_STATIC_SCALE] = [](uint64_t, uint64_t) { return kScale; };
            for (const uint64_t offset : {0u, 3u}) {
                norm.output.byteOffset = offset;
                NormRun run(gpu(), norm);
                runOne(run);
                for (uint64_t row = 0; row < norm.rows; ++row) {
                    for (uint64_t column = 0; column < y.size(); ++column) {
                        ASSERT_EQ(run.find(VKN_ROLE_OUTPUT)->after.bits(row, column), encode(type, y[column] / kScale))
                            << norm.describe() << ": " << y[column] / kScale << " at " << column;
                    }
                }
                const uint64_t scales = mode == kPerRow ? norm.rows : mode == kPerBlock ? norm.rows * y.size() / 32 : 0;
                for (uint64_t i = 0; i < scales; ++i) {
                    ASSERT_EQ(scaleAt(run, i), kScale) << i;
                }
            }
        }
    }
}

// Blocks of a row: of zeros, subnormal, tiny, huge, infinite, NaN; the row among ordinary ones.
constexpr double kBlockGammas[] = {1.0, 0.0, 1e-39, 1.3e-38, 1e-37, 1e-34, 1e30, 3e38, 1e-3};

TEST_F(Quantised, BlocksOfEverySize) {
    size_t number = 0;
    for (const VknType type : kQuantisedTypes) {
        for (const float largest : {0.0f, 3.0f}) {
            NormCase norm;
            norm.plan.output = type;
            norm.plan.hiddenSize = 32 * static_cast<uint32_t>(std::size(kBlockGammas)) + 5;
            norm.plan.gamma = norm.plan.beta = VKN_TYPE_F32;
            norm.plan.variant = formOf(number);
            norm.plan.largestValue = largest;
            setMode(norm.plan, kPerBlock, 32);
            norm.rows = 5;
            norm.gamma = [](uint64_t, uint64_t column) { return kBlockGammas[column / 32 % std::size(kBlockGammas)]; };
            norm.beta = [](uint64_t, uint64_t column) {  // in the ordinary blocks
                return column == 3 ? kInf : column == 7 || column == 11 ? kNan : column == 8 * 32 + 2 ? -kInf : 0.0;
            };
            if (!isQuickTest() || (number + number / 2) % 2 == 0) {
                NormRun run(gpu(), norm);
                runOne(run);
                const double limit = largest > 0.0f ? static_cast<double>(largest) : 0x1.fffffep127;
                EXPECT_NEAR(scaleAt(run, 0) * largestValue(type) / limit, 1.0, 1e-6);
                EXPECT_EQ(scaleAt(run, 1), 1.0);
                EXPECT_EQ(scaleAt(run, 2), 1.0);
                EXPECT_GE(scaleAt(run, 4), 0x1p-126);
            }
            ++number;
        }
    }
}

// Rows of zeros, constants, and rows that differ in scale by everything that fp32 has.
TEST_F(Quantised, ZeroAndConstantRows) {
    size_t number = 0;
    for (const VknType type : kQuantisedTypes) {
        for (const VknOperation operation : kOperations) {
            for (const int mode : {kPerRow, kPerBlock}) {
                NormCase norm;
                norm.plan.operation = operation;
                norm.plan.output = type;
                norm.plan.hiddenSize = 200;
                norm.plan.variant = formOf(number);
                setMode(norm.plan, mode, 64);
                norm.rows = 6;
                norm.value = [](uint64_t row, uint64_t column) {
                    const double values[] = {0.0, 3.5, -1e-20, noise(3, column), 1e18, column == 70 ? 1.0 : 0.0};
                    return values[row];
                };
                if (isTurnOf(number % gpu().forms().size(), number / 2)) {
                    NormRun run(gpu(), norm);
                    runOne(run);
                    EXPECT_EQ(scaleAt(run, 0), 1.0);
                    EXPECT_EQ(run.find(VKN_ROLE_OUTPUT)->after.bits(0, 5), 0u);
                }
                ++number;
            }
        }
    }
}

// What is not a number stays in its row, and takes no part in the scale.
TEST_F(Quantised, NanAndInfinityStayInTheirRow) {
    const EdgeRows& edge = nanAndInfinityRows();
    std::vector<NormCase> cases;
    for (const VknType type : kQuantisedTypes) {
        for (const int mode : {kStaticHost, kPerRow, kPerBlock}) {
            if (isQuickTest() && cases.size() >= 3) {
                continue;
            }
            NormCase norm;
            norm.plan.operation = kOperations[cases.size() % 2];
            norm.plan.output = kQuantisedTypes[(static_cast<size_t>(type) + cases.size()) % 3];
            norm.plan.hiddenSize = kEdgeHidden;
            norm.plan.variant = formOf(cases.size());
            setMode(norm.plan, mode, 128);
            norm.plan.scale = mode == kStaticHost ? 0.03f : 0.0f;
            norm.rows = rowsAmongNoise(edge);
            norm.value = amongNoise(edge);
            cases.push_back(norm);
        }
    }
    runCases(gpu(), cases);
}

// Static scales at the ends of what is permitted, from a buffer and from the host.
TEST_F(Quantised, StaticScalesOfEverySize) {
    std::vector<NormCase> cases;
    const auto add = [&](VknType type, int mode, float scale) {
        NormCase norm;
        norm.plan.output = type;
        norm.plan.hiddenSize = 104;
        norm.plan.gamma = VKN_TYPE_F32;
        norm.plan.variant = formOf(static_cast<size_t>(type) + static_cast<size_t>(mode));
        setMode(norm.plan, mode, 0);
        norm.plan.scale = mode == kStaticHost ? scale : 0.0f;
        norm.rows = 7;
        const double size = scale == 0.0f ? 1.0 : static_cast<double>(scale);
        norm.others[VKN_ROLE_STATIC_SCALE] = [size](uint64_t, uint64_t) { return size; };
        norm.gamma = [size](uint64_t, uint64_t column) {
            return std::fmin(size * std::ldexp(1.0, static_cast<int>(column % 13)), 0x1p127);
        };
        cases.push_back(norm);
    };
    for (const VknType type : kQuantisedTypes) {
        for (const float scale : {0x1p-126f, 0x1.fffffep-126f, 1e-30f, 0x1.8p99f, 0x1.fffffep101f, 0x1p126f}) {
            add(type, kStaticBuffer, scale);
        }
    }
    add(VKN_TYPE_I8, kStaticHost, 0x1p-126f);
    add(VKN_TYPE_F8_E4M3, kStaticHost, 0x1p126f);
    add(VKN_TYPE_F8_E5M2, kStaticHost, 0.0f);
    runCases(gpu(), cases);
}

// The same bits among any rows, at any address, in place or not; the stream beside a quantised output is what it is
// beside another.
TEST_F(Quantised, SameBitsAnywhere) {
    for (const int mode : {kStaticHost, kPerRow, kPerBlock}) {
        if (isQuickTest() && mode == kStaticHost) {
            continue;
        }
        NormCase base;
        PlanSpec& plan = base.plan;
        plan.placement = VKN_PLACEMENT_PARALLEL;
        plan.operation = mode == kPerRow ? VKN_OPERATION_LAYER_NORM : VKN_OPERATION_RMS_NORM;
        plan.hiddenSize = 904;
        plan.variant = gpu().variants().front();
        plan.input = plan.input2 = plan.residual = plan.residualOutput = VKN_TYPE_BF16;
        plan.output = VKN_TYPE_I8;
        plan.output2 = VKN_TYPE_F8_E4M3;
        plan.gamma = plan.gamma2 = VKN_TYPE_BF16;
        setMode(plan, mode, 128);
        plan.scale = plan.scale2 = mode == kStaticHost ? 0.017f : 0.0f;
        base.rows = 2;
        base.value = rowsOfNoise(1);
        base.others[VKN_ROLE_INPUT_2] = rowsOfNoise(2);
        base.others[VKN_ROLE_RESIDUAL] = rowsOfNoise(3);

        NormCase elsewhere = base;
        elsewhere.rows = 29;
        elsewhere.input = {6, 907, 0};
        elsewhere.output = {3, 905, 0};
        elsewhere.residual = {4, 909, 0};
        elsewhere.residualOutput = {10, 911, 0};
        elsewhere.input2 = {2, 913, 0};
        elsewhere.output2 = {5, 915, 0};
        NormCase inPlace = base;
        inPlace.plan.flags = VKN_PLAN_IN_PLACE_BIT;

        expectSameRows(gpu(), {base, elsewhere, inPlace});
    }
}

// Scales go where their rows are, whichever dispatch those are in.
TEST_F(Quantised, TensorsAreSplitBetweenRows) {
    for (const int mode : {kPerRow, kPerBlock}) {
        NormCase norm;
        norm.plan.output = mode == kPerRow ? VKN_TYPE_F8_E4M3 : VKN_TYPE_I8;
        norm.plan.hiddenSize = 104;
        norm.plan.rstd = true;
        norm.plan.variant = gpu().variants().front();
        setMode(norm.plan, mode, 32);
        norm.rows = 300;
        runOnSmallBindings(gpu(), norm, 16384);
        norm.output = {3, 107, 0};
        runOnSmallBindings(gpu(), norm, 16384);
        if (isQuickTest()) {
            break;
        }
        norm.plan.flags = VKN_PLAN_GPU_ROWS_BIT;
        norm.gpuRows = 211;
        runOnSmallBindings(gpu(), norm, 16384);
    }
}

TEST_F(Quantised, PlanInformationCountsBytes) {
    const std::vector<FormVariant>& variants = gpu().variants();
    for (size_t v = 0; v < (isQuickTest() ? 1 : variants.size()); ++v) {
        for (int mode = 0; mode < kModeCount; ++mode) {
            if (v != 0 && (static_cast<size_t>(mode) + v) % 2 != 0) {
                continue;
            }
            PlanSpec plan;
            plan.hiddenSize = 1000;
            plan.input = VKN_TYPE_BF16;
            plan.output = VKN_TYPE_F8_E5M2;
            plan.gamma = VKN_TYPE_BF16;
            plan.variant = variants[v];
            setMode(plan, mode, 64);
            VknPlanInfo info{};
            info.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
            vknGetPlanInfo(gpu().plan(plan), &info);
            const uint64_t scales = mode == kPerRow ? 4u : mode == kPerBlock ? 4u * 16 : 0u;
            EXPECT_EQ(info.leastBytesPerRow, 2000u + 1000 + scales);
            EXPECT_EQ(info.bytesPerRow, 2000u * info.inputReads + 1000 + scales) << info.reason;
            EXPECT_EQ(info.bytesPerDispatch, 2000u + (mode == kStaticBuffer ? 4u : 0u));
            const bool isHeld = info.accessesInRegisters != 0;
            const uint32_t again = mode == kPerRow || mode == kPerBlock ? 3u : 2u;
            EXPECT_EQ(info.inputReads, isHeld ? 1u : again) << info.reason;
            EXPECT_STREQ(info.signature, mode == kStaticHost     ? "input output gamma"
                                         : mode == kStaticBuffer ? "input output gamma static-scale"
                                                                 : "input output gamma output-scale");
        }
    }
}

}  // namespace
}  // namespace vknorm::test
