// Rows at the edges of the formats and of the arithmetic. The judge is the same as everywhere; the table's answers are
// checked beside it.
#include "gpu/edge_rows.hpp"
#include "gpu/fixture.hpp"
#include "support/formats.hpp"
#include "support/reference.hpp"

#include <cmath>
#include <iterator>
#include <limits>

namespace vknorm::test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr uint32_t kHidden = kEdgeHidden;

class Edges : public GpuTest {
protected:
    NormCase plain(VknOperation operation, VknType type, const FormVariant& variant) {
        NormCase norm;
        norm.plan.operation = operation;
        norm.plan.hiddenSize = kHidden;
        norm.plan.input = type;
        norm.plan.output = type;
        norm.plan.variant = variant;
        norm.plan.mean = operation == VKN_OPERATION_LAYER_NORM;
        norm.plan.rstd = true;
        return norm;
    }

    // fp32 with every form and operation; the narrow types in turn, since they differ in loads and stores only.
    static bool isTypesTurn(VknType type, size_t form, size_t operation) {
        if (formsTakeTurns()) {
            return isTurnOf(form, static_cast<size_t>(type) + 2 * operation);
        }
        return type == VKN_TYPE_F32 || isFullTest() || (type == VKN_TYPE_F16) == ((form + operation) % 2 == 0);
    }

    void runRows(const EdgeRows& edge) {
        constexpr VknOperation kOperations[] = {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM};
        const std::vector<FormVariant>& forms = gpu().forms();
        std::vector<NormCase> cases;
        for (size_t f = 0; f < forms.size(); ++f) {
            for (size_t o = 0; o < std::size(kOperations); ++o) {
                for (const VknType type : edge.types) {
                    if (!isTypesTurn(type, f, o)) {
                        continue;
                    }
                    NormCase norm = plain(kOperations[o], type, forms[f]);
                    norm.plan.epsilon = edge.epsilon;
                    norm.rows = rowsAmongNoise(edge);
                    norm.value = amongNoise(edge);
                    cases.push_back(norm);
                }
            }
        }
        runCases(gpu(), cases);
    }
};

TEST_F(Edges, NanAndInfinityStayInTheirRow) { runRows(nanAndInfinityRows()); }

TEST_F(Edges, ZeroAndConstantRows) { runRows(zeroAndConstantRows()); }

TEST_F(Edges, AConstantRowGivesTheBias) {
    NormCase norm = plain(VKN_OPERATION_LAYER_NORM, VKN_TYPE_F32, gpu().variants().front());
    norm.plan.beta = VKN_TYPE_F32;
    norm.rows = 4;
    norm.value = [](uint64_t row, uint64_t) { return 3.140625 * static_cast<double>(row) - 5.0; };
    NormRun run(gpu(), norm);
    run.execute();
    EXPECT_TRUE(run.check());
    for (uint64_t row = 0; row < norm.rows; ++row) {
        for (uint64_t column = 0; column < kHidden; ++column) {
            ASSERT_EQ(run.find(VKN_ROLE_OUTPUT)->after.bits(row, column),
                      run.find(VKN_ROLE_BETA)->before.bits(0, column));
        }
    }
}

TEST_F(Edges, RowsBeyondTheRangeOfSquares) { runRows(rowsBeyondTheRangeOfSquares()); }

TEST_F(Edges, TinyRowsWithEpsilon) {
    runRows(tinyRows());
    runRows(tinyFp16Rows());
}

TEST_F(Edges, TinyRowsWithoutEpsilon) { runRows(tinyRowsWithoutEpsilon()); }

TEST_F(Edges, Fp16RowsWhoseSquaresPass65504) { runRows(fp16RowsWhoseSquaresPass65504()); }

// Stores that overflow, round to the largest, become subnormal, or vanish.
TEST_F(Edges, OutputsBeyondTheirFormat) {
    constexpr double kGammas[] = {1e5,  65504.0, 65519.0, 65520.0, 3e4,    1e-5,  6e-8, 3e-8,
                                  1e-9, 1e38,    3e38,    -1e5,    -2e-38, 1e-38, 0.0,  -0.0};
    const std::vector<FormVariant>& forms = gpu().forms();
    std::vector<NormCase> cases;
    for (size_t f = 0; f < forms.size(); ++f) {
        for (const VknType type : {VKN_TYPE_F16, VKN_TYPE_BF16, VKN_TYPE_F32}) {
            if (!isFullTest() && static_cast<size_t>(type) % forms.size() != f) {
                continue;  // forms do not differ in their stores
            }
            NormCase norm = plain(VKN_OPERATION_RMS_NORM, VKN_TYPE_F32, forms[f]);
            norm.plan.output = type;
            norm.plan.gamma = VKN_TYPE_F32;
            norm.plan.epsilon = 0.0f;
            norm.rows = 5;
            norm.value = [](uint64_t row, uint64_t column) {
                return row == 0 ? (column % 2 == 0 ? 1.0 : -1.0) : noise(row, column);
            };
            norm.gamma = [&](uint64_t, uint64_t column) { return kGammas[column % std::size(kGammas)]; };
            cases.push_back(norm);
        }
    }
    runCases(gpu(), cases);
}

struct KnownVector {
    const char* source;
    uint32_t hiddenSize;
    double variance;   // from the table; 0: random row, the reference knows
    double tolerance;  // of the table's digits
    double (*value)(uint64_t row, uint64_t column);
};

// numerics.md, "Edge vectors with known answers".
const KnownVector kKnown[] = {
    {"PyTorch 40308", 32768, 1e-4, 0.03, [](uint64_t r, uint64_t c) { return 100 + 0.01 * noise(r + 1, c); }},
    {"256s and a 255", 10240, 9.7647e-5, 1e-4, [](uint64_t, uint64_t c) { return c == 10239 ? 255.0 : 256.0; }},
    {"onnxruntime 28463", 4, 1.25, 1e-5, [](uint64_t, uint64_t c) { return 40000.0 + static_cast<double>(c); }},
    // Two-pass without correction is 1.2 % off here.
    {"burn 5607", 16, 2.0266e-5, 1e-4, [](uint64_t, uint64_t c) { return 1e4 + 1e-3 * static_cast<double>(c); }},
    {"mean 1e4, sd 0.1", 4096, 1e-2, 0.05, [](uint64_t r, uint64_t c) { return 1e4 + 0.1 * noise(r + 9, c); }},
    {"quack", 769, 0.376567, 1e-5,
     [](uint64_t r, uint64_t c) {
         return 1000 + 100 * static_cast<double>(r) + (static_cast<double>(c % 17) - 8) / 8;
     }},
    {"0 before mean 1e4, sd 0.1", 262144, 381.48, 1e-2,
     [](uint64_t, uint64_t c) { return c == 0 ? 0.0 : 1e4 + 0.1 * noise(3, c); }},
    {"3e4 before N(0, 1)", 262144, 3434.2, 1e-2, [](uint64_t, uint64_t c) { return c == 0 ? 3e4 : noise(4, c); }},
};

TEST_F(Edges, VectorsWithKnownAnswers) {
    const std::vector<FormVariant>& forms = gpu().forms();
    for (size_t i = 0; i < std::size(kKnown); ++i) {
        const KnownVector& known = kKnown[i];
        std::vector<std::unique_ptr<NormRun>> runs;
        for (size_t f = 0; f < forms.size(); ++f) {
            if (!isTurnOf(f, i)) {
                continue;
            }
            NormCase norm = plain(VKN_OPERATION_LAYER_NORM, VKN_TYPE_F32, forms[f]);
            norm.plan.hiddenSize = known.hiddenSize;
            norm.plan.epsilon = 0.0f;
            norm.rows = known.hiddenSize > 100000 ? 1 : 3;
            norm.value = known.value;
            runs.push_back(std::make_unique<NormRun>(gpu(), norm));
        }
        gpu().submit([&](VkCommandBuffer commands) {
            for (const auto& run : runs) {
                run->record(commands);
            }
        });
        for (const auto& run : runs) {
            run->download();
            EXPECT_TRUE(run->check()) << known.source;
            const double rstd = decode(VKN_TYPE_F32, run->outputRow(0).back());
            EXPECT_NEAR(1.0 / (rstd * rstd) / known.variance, 1.0, known.tolerance)
                << known.source << ", " << run->norm().describe();
        }
    }
}

// Rounding to nearest has no bias: truncation would shrink a residual stream a little with each layer, within every
// tolerance (aiter #5151 lost 9 % in 72 layers). Errors in units of the last place are uniform, so the mean of n of them
// has the standard deviation 0.29 / sqrt(n); six of those are allowed, and truncation is off by 0.5.
TEST_F(Edges, RoundingHasNoBias) {
    for (const VknType type : {VKN_TYPE_F16, VKN_TYPE_BF16}) {
        NormCase norm = plain(VKN_OPERATION_RMS_NORM, VKN_TYPE_F32, gpu().variants().front());
        norm.plan.output = type;
        norm.rows = 65;
        NormRun run(gpu(), norm);
        run.execute();
        ASSERT_TRUE(run.check());
        const Tensor& input = run.find(VKN_ROLE_INPUT)->before;
        const Tensor& output = run.find(VKN_ROLE_OUTPUT)->after;
        NormSpec spec;
        spec.operation = VKN_OPERATION_RMS_NORM;
        spec.epsilon = static_cast<double>(norm.plan.epsilon);
        double sum = 0.0;
        for (uint64_t row = 0; row < norm.rows; ++row) {
            const std::vector<double> x = input.rowValues(row);
            const RowStatistics statistics = normStatistics(spec, x);
            for (uint64_t column = 0; column < kHidden; ++column) {
                // Away from zero, so that shrinking shows for both signs.
                const double exact = std::fabs(normalise(statistics, x[column]));
                sum += (std::fabs(output.value(row, column)) - exact) / ulpSize(type, exact);
            }
        }
        const double count = static_cast<double>(norm.rows * kHidden);
        EXPECT_LT(std::fabs(sum / count), 6.0 * 0.29 / std::sqrt(count)) << formatFacts(type).name;
    }
}

// Width 1: RMSNorm gives the sign, LayerNorm the bias.
TEST_F(Edges, WidthOne) {
    const std::vector<FormVariant>& forms = gpu().forms();
    std::vector<NormCase> cases;
    for (size_t f = 0; f < forms.size(); ++f) {
        for (const size_t o : {0u, 1u}) {
            for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16}) {
                if (!isFullTest() && (f + o) % 3 != static_cast<size_t>(type)) {
                    continue;
                }
                NormCase norm = plain(o == 0 ? VKN_OPERATION_RMS_NORM : VKN_OPERATION_LAYER_NORM, type, forms[f]);
                norm.plan.hiddenSize = 1;
                norm.plan.beta = VKN_TYPE_F32;
                norm.rows = 9;
                norm.value = [](uint64_t row, uint64_t) {
                    const double values[] = {0, 1, -1, 1e-3, 1e4, kNan, kInf, -65504, 1e-6};
                    return values[row];
                };
                cases.push_back(norm);
            }
        }
    }
    runCases(gpu(), cases);
}

}  // namespace
}  // namespace vknorm::test
