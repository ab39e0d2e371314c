// The same row gives the same bits: again, at any index, among any rows, at any address, with any strides.
#include "gpu/fixture.hpp"
#include "support/formats.hpp"
#include "support/random.hpp"

#include <iterator>

namespace vknorm::test {
namespace {

constexpr uint64_t kSeed = 77;

struct Kind {
    VknOperation operation;
    VknType input;
    VknType output;
    VknType gamma;
    uint32_t hiddenSize;
};

// A whole number of chunks, and not. All but the last can run in place.
constexpr Kind kKinds[] = {
    {VKN_OPERATION_LAYER_NORM, VKN_TYPE_F32, VKN_TYPE_F32, VKN_TYPE_F32, 896},
    {VKN_OPERATION_RMS_NORM, VKN_TYPE_BF16, VKN_TYPE_BF16, VKN_TYPE_BF16, 1027},
    {VKN_OPERATION_LAYER_NORM, VKN_TYPE_F16, VKN_TYPE_F16, VKN_TYPE_BF16, 896},
    {VKN_OPERATION_RMS_NORM, VKN_TYPE_F32, VKN_TYPE_BF16, VKN_TYPE_F16, 1027},
};

// The row that is looked for is every row but each third.
bool isTheRow(uint64_t row) { return row % 3 != 1; }

class Invariance : public GpuTest {
protected:
    NormCase caseFor(const Kind& kind, const FormVariant& variant) {
        NormCase norm;
        norm.plan.operation = kind.operation;
        norm.plan.input = kind.input;
        norm.plan.output = kind.output;
        norm.plan.gamma = kind.gamma;
        norm.plan.beta = kind.gamma;
        norm.plan.hiddenSize = kind.hiddenSize;
        norm.plan.mean = kind.operation == VKN_OPERATION_LAYER_NORM;
        norm.plan.rstd = true;
        norm.plan.variant = variant;
        norm.value = [](uint64_t row, uint64_t column) {
            Random random(isTheRow(row) ? column : 7919 * row + column + 5000);
            return random.normal() + 0.5;
        };
        const double offset = 1.0;
        norm.gamma = [=](uint64_t, uint64_t column) { return offset + 0.2 * Random(column + kSeed).normal(); };
        norm.beta = [](uint64_t, uint64_t column) { return 0.1 * Random(column + 2 * kSeed).normal(); };
        return norm;
    }

    // Runs all of them and compares each of the rows with the first case's first.
    void expectSameBits(const std::vector<NormCase>& cases) {
        std::vector<std::unique_ptr<NormRun>> runs;
        for (const NormCase& norm : cases) {
            runs.push_back(std::make_unique<NormRun>(gpu(), norm));
        }
        gpu().submit([&](VkCommandBuffer commands) {
            for (const auto& run : runs) {
                run->record(commands);
            }
        });
        std::vector<uint32_t> expected;
        for (const auto& run : runs) {
            run->download();
            if (expected.empty()) {
                ASSERT_TRUE(run->check());
                expected = run->outputRow(0);
            }
            for (uint64_t row = 0; row < run->norm().rows; ++row) {
                if (isTheRow(row)) {
                    ASSERT_EQ(run->outputRow(row), expected) << run->norm().describe() << ", row " << row;
                }
            }
            const DeviceTensor& output = *run->find(VKN_ROLE_OUTPUT);
            ASSERT_EQ(findOverwritten(output.before, output.after.bytes(), run->norm().rows), "")
                << run->norm().describe();
        }
    }

    template <typename Function>
    void forEachKind(const Function& function) {
        const std::vector<FormVariant>& forms = gpu().forms();
        for (size_t f = 0; f < forms.size(); ++f) {
            for (size_t k = 0; k < std::size(kKinds); ++k) {
                if (isTurnOf(f, k)) {
                    function(caseFor(kKinds[k], forms[f]));
                }
            }
        }
    }
};

TEST_F(Invariance, AnyNumberOfRowsAndAnyIndex) {
    forEachKind([&](const NormCase& base) {
        std::vector<NormCase> cases;
        for (const uint64_t rows : {1u, 2u, 3u, 5u, 64u, 131u}) {
            NormCase norm = base;
            norm.rows = rows;
            cases.push_back(norm);
        }
        expectSameBits(cases);
    });
}

TEST_F(Invariance, AnyByteOffsetOfAnyOperand) {
    forEachKind([&](const NormCase& base) {
        std::vector<NormCase> cases = {base};
        for (uint64_t bytes = 0; bytes < 16; bytes += 2) {
            const auto fits = [&](VknType type) { return bytes % elementSize(type) == 0; };
            NormCase norm = base;
            norm.rows = 3;
            norm.input.byteOffset = fits(base.plan.input) ? bytes : 0;
            cases.push_back(norm);
            norm = base;
            norm.rows = 3;
            norm.output.byteOffset = fits(base.plan.output) ? bytes : 0;
            cases.push_back(norm);
            norm.input.byteOffset = fits(base.plan.input) ? bytes : 0;
            norm.gammaOffsetBytes = fits(*base.plan.gamma) ? bytes : 0;
            norm.betaOffsetBytes = fits(*base.plan.beta) ? 14 - bytes : 0;
            norm.scalarsOffsetBytes = fits(VKN_TYPE_F32) ? bytes : 0;
            norm.betaOffsetBytes -= norm.betaOffsetBytes % elementSize(*base.plan.beta);
            cases.push_back(norm);
            norm = base;
            norm.gammaOffsetBytes = fits(*base.plan.gamma) ? bytes : 0;
            cases.push_back(norm);
            norm = base;
            norm.betaOffsetBytes = fits(*base.plan.beta) ? bytes : 0;
            cases.push_back(norm);
        }
        expectSameBits(cases);
    });
}

TEST_F(Invariance, AnyStrides) {
    forEachKind([&](const NormCase& base) {
        std::vector<NormCase> cases = {base};
        for (const uint64_t gap : {0u, 1u, 2u, 3u, 5u, 8u, 16u, 173u}) {
            NormCase norm = base;
            norm.rows = 7;
            norm.input.rowStride = base.plan.hiddenSize + gap;
            norm.output.rowStride = base.plan.hiddenSize + (gap * 3) % 11;
            cases.push_back(norm);
            norm.rowsPerOuter = 2;
            norm.input.outerStride = 2 * norm.input.rowStride + gap + 1;
            norm.output.outerStride = 2 * norm.output.rowStride + 8;
            cases.push_back(norm);
        }
        expectSameBits(cases);
    });
}

// Heads inside tokens: the inner stride is larger than the outer one.
TEST_F(Invariance, TransposedBlocks) {
    forEachKind([&](const NormCase& base) {
        NormCase norm = base;
        norm.rows = 6;
        norm.rowsPerOuter = 3;
        norm.input.outerStride = base.plan.hiddenSize;
        norm.input.rowStride = 2 * base.plan.hiddenSize;
        expectSameBits({base, norm});
    });
}

// The limit belongs to the plan, so this compiles: one kind a form in turn.
TEST_F(Invariance, FewerWorkgroupsThanRows) {
    const std::vector<FormVariant>& forms = gpu().forms();
    for (size_t f = 0; f < forms.size(); ++f) {
        NormCase one = caseFor(kKinds[f % std::size(kKinds)], forms[f]);
        one.plan.maxWorkgroups = f % 2 == 0 ? 1 : 3;
        NormCase many = one;
        many.rows = 37;
        NormCase free = many;
        free.plan.maxWorkgroups = 0;
        expectSameBits({one, many, free});
    }
}

TEST_F(Invariance, Repetition) {
    forEachKind([&](const NormCase& base) {
        NormCase norm = base;
        norm.rows = 33;
        NormRun run(gpu(), norm);
        std::vector<uint8_t> first;
        for (int repetition = 0; repetition < 3; ++repetition) {
            run.uploadAgain();
            run.execute();
            const std::vector<uint8_t>& bytes = run.find(VKN_ROLE_OUTPUT)->after.bytes();
            if (first.empty()) {
                first = bytes;
            }
            ASSERT_EQ(bytes, first) << norm.describe();
        }
    });
}

// In place is the same arithmetic, so it is the same bits as out of place.
TEST_F(Invariance, InPlace) {
    const std::vector<FormVariant>& forms = gpu().forms();
    for (size_t f = 0; f < forms.size(); ++f) {
        for (size_t k = 0; k < std::size(kKinds); ++k) {
            const Kind& kind = kKinds[k];
            if (kind.input != kind.output || !isTurnOf(f, k)) {
                continue;
            }
            NormCase apart = caseFor(kind, forms[f]);
            apart.rows = 12;
            NormCase inPlace = apart;
            inPlace.plan.flags |= VKN_PLAN_IN_PLACE_BIT;
            NormCase shifted = inPlace;
            shifted.output.byteOffset = 4 + elementSize(kind.output);
            shifted.output.rowStride = kind.hiddenSize + 1;
            expectSameBits({apart, inPlace, shifted});
        }
    }
}

}  // namespace
}  // namespace vknorm::test
