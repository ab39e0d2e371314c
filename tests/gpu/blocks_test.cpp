// Residual blocks where pairs of options (block_covering_test.cpp) say too little: mixed types, dropout's random
// numbers, a stream that is added to many times, rows at the edges, the same bits anywhere.
#include "gpu/edge_rows.hpp"
#include "gpu/fixture.hpp"
#include "gpu/function_shim.hpp"
#include "support/formats.hpp"
#include "support/fp32.hpp"
#include "support/philox.hpp"
#include "support/random.hpp"
#include "support/shapes.hpp"

#include <cmath>
#include <iterator>

namespace vknorm::test {
namespace {

constexpr VknPlacement kPlacements[] = {VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_POST_NORM, VKN_PLACEMENT_SANDWICH,
                                        VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL};

class Blocks : public GpuTest {
protected:
    NormCase blockCase(VknPlacement placement, uint32_t hiddenSize, uint64_t rows) {
        NormCase norm;
        norm.plan.placement = placement;
        norm.plan.hiddenSize = hiddenSize;
        norm.plan.variant = gpu().variants().front();
        norm.rows = rows;
        return norm;
    }

    // All parameters that the placement has.
    static void addParameters(PlanSpec& plan, VknType type) {
        const bool isParallel = plan.placement == VKN_PLACEMENT_PARALLEL;
        plan.gamma = plan.beta = plan.branchBias = plan.layerScale = type;
        if (isParallel || plan.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM) {
            plan.gamma2 = plan.beta2 = type;
        }
        plan.branchBias2 = isParallel ? std::optional(type) : std::nullopt;
        plan.rowScale = true;
        plan.rstd = true;
    }

    // On a plan of another context than the device's own.
    VknPlanInfo runIn(const PlainContext& context, const NormCase& norm) {
        VknPlanInfo planInfo{};
        planInfo.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        VknPlan plan = VKN_NULL_HANDLE;
        EXPECT_EQ(createPlan(context.get(), norm.plan, &plan, &error), VKN_SUCCESS) << error.message;
        vknGetPlanInfo(plan, &planInfo);
        VknBindingPoolCreateInfo poolInfo{};
        poolInfo.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
        poolInfo.maxDispatches = 2;
        VknBindingPool pool = VKN_NULL_HANDLE;
        EXPECT_EQ(vknCreateBindingPool(context.get(), &poolInfo, &pool, &error), VKN_SUCCESS) << error.message;
        NormRun run(gpu(), norm);
        VknExecuteInfo info = run.executeInfo();
        info.bindingPool = pool;
        gpu().submit([&](VkCommandBuffer commands) {
            EXPECT_EQ(vknCmdExecute(plan, commands, &info, &error), VKN_SUCCESS)
                << error.field << ": " << error.message;
        });
        run.download();
        EXPECT_TRUE(run.check()) << planInfo.signature << ", " << planInfo.reason;
        vknDestroyBindingPool(pool);
        vknDestroyPlan(plan);
        return planInfo;
    }
};

// How networks are trained: everything narrow but the stream.
TEST_F(Blocks, Fp32StreamsWithBf16Branches) {
    std::vector<NormCase> cases;
    for (size_t p = 0; p < std::size(kPlacements); ++p) {
        for (size_t s = 0; s < std::size(kTypeShapes); ++s) {
            if (!isShareOf(p + s, std::size(kTypeShapes))) {
                continue;
            }
            NormCase norm = blockCase(kPlacements[p], kTypeShapes[s].hiddenSize, kTypeShapes[s].rows);
            PlanSpec& plan = norm.plan;
            plan.operation = (p + s) % 2 == 0 ? VKN_OPERATION_RMS_NORM : VKN_OPERATION_LAYER_NORM;
            plan.input = plan.input2 = plan.output = plan.output2 = VKN_TYPE_BF16;
            addParameters(plan, VKN_TYPE_BF16);
            norm.seed = cases.size() + 1;
            cases.push_back(norm);
        }
    }
    runCases(gpu(), cases);
}

// The same bits among any rows, at any address, in place or not.
TEST_F(Blocks, SameBitsAnywhere) {
    for (const VknPlacement placement :
         {VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL}) {
        NormCase base = blockCase(placement, 896, 2);
        PlanSpec& plan = base.plan;
        plan.operation = VKN_OPERATION_LAYER_NORM;
        plan.input = plan.input2 = plan.output = plan.output2 = VKN_TYPE_BF16;
        addParameters(plan, VKN_TYPE_BF16);
        base.value = rowsOfNoise(1);
        base.others[VKN_ROLE_INPUT_2] = rowsOfNoise(2);
        base.others[VKN_ROLE_RESIDUAL] = rowsOfNoise(3);
        base.others[VKN_ROLE_ROW_SCALE] = [](uint64_t, uint64_t) { return 0.875; };

        NormCase elsewhere = base;
        elsewhere.rows = 37;
        elsewhere.input = {6, 899, 0};
        elsewhere.output = {2, 897, 0};
        elsewhere.residual = {4, 901, 0};
        elsewhere.residualOutput = {12, 903, 0};
        elsewhere.input2 = {10, 905, 0};
        elsewhere.output2 = {14, 907, 0};
        elsewhere.parameterSkew = 3;
        elsewhere.gammaOffsetBytes = 2;
        NormCase inPlace = base;
        inPlace.plan.flags = VKN_PLAN_IN_PLACE_BIT;

        expectSameRows(gpu(), {base, elsewhere, inPlace});
    }
}

// Rows at the edges, as the stream and as both stream and branch: h is the row, or twice the row.
TEST_F(Blocks, EdgeRows) {
    std::vector<NormCase> cases;
    for (size_t e = 0; e < everyEdge().size(); ++e) {
        const EdgeRows& edge = *everyEdge()[e];
        const VknType type = edge.types[e % edge.types.size()];
        NormCase norm = blockCase(VKN_PLACEMENT_PRE_NORM, kEdgeHidden, rowsAmongNoise(edge));
        PlanSpec& plan = norm.plan;
        plan.operation = e % 2 == 0 ? VKN_OPERATION_LAYER_NORM : VKN_OPERATION_RMS_NORM;
        plan.variant = gpu().forms()[e % gpu().forms().size()];
        plan.input = plan.residual = plan.residualOutput = plan.output = type;
        plan.epsilon = edge.epsilon;
        plan.rstd = true;
        norm.others[VKN_ROLE_RESIDUAL] = amongNoise(edge);
        norm.value = amongNoise(edge);
        cases.push_back(norm);
        norm.value = [](uint64_t, uint64_t) { return 0.0; };
        cases.push_back(norm);
    }
    runCases(gpu(), cases);
}

// An fp32 stream of rows that are read again is read where it was stored. Where that was in place, nothing else is left of a row that
// must be scaled and summed up once more.
TEST_F(Blocks, RowsThatAreScaledAfterTheyAreStored) {
    std::vector<NormCase> cases;
    for (const EdgeRows* edge : {&rowsBeyondTheRangeOfSquares(), &tinyRows()}) {
        for (const VknPlacement placement : {VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_PARALLEL}) {
            for (const VknPlanFlags flags : {VknPlanFlags{0}, VknPlanFlags{VKN_PLAN_IN_PLACE_BIT}}) {
                NormCase norm = blockCase(placement, kEdgeHidden, rowsAmongNoise(*edge));
                PlanSpec& plan = norm.plan;
                plan.operation = cases.size() % 4 < 2 ? VKN_OPERATION_LAYER_NORM : VKN_OPERATION_RMS_NORM;
                plan.flags = flags;
                plan.variant = gpu().forms()[cases.size() % gpu().forms().size()];
                plan.variant.readTwice = true;
                plan.epsilon = edge->epsilon;
                plan.rstd = true;
                norm.others[VKN_ROLE_RESIDUAL] = amongNoise(*edge);
                norm.value = amongNoise(*edge);
                cases.push_back(norm);
            }
        }
    }
    runCases(gpu(), cases);
}

// A branch added a hundred times to a bf16 stream, in place. Truncation shrinks a stream a little each time, within
// every tolerance (aiter #5151 lost 9 % in 72 layers); rounding to nearest errs to both sides alike.
TEST_F(Blocks, AHundredAddsHaveNoBias) {
    constexpr int kAdds = 100;
    constexpr uint32_t kHidden = 1024;
    constexpr uint64_t kRows = 16;
    NormCase norm = blockCase(VKN_PLACEMENT_PRE_NORM, kHidden, kRows);
    norm.plan.flags = VKN_PLAN_IN_PLACE_BIT;
    norm.plan.residualOutput = norm.plan.output = VKN_TYPE_BF16;
    NormRun run(gpu(), norm);

    // Each add begins a row further on.
    std::vector<float> branches((kRows + kAdds) * kHidden);
    Random random(5);
    for (float& value : branches) {
        value = static_cast<float>(0.05 * random.normal());
    }
    const Buffer branchBuffer(gpu().device(), branches);
    gpu().submit([&](VkCommandBuffer commands) {
        for (int add = 0; add < kAdds; ++add) {
            VknExecuteInfo info = run.executeInfo();
            std::vector<VknOperand> operands(info.pOperands, info.pOperands + info.operandCount);
            for (VknOperand& operand : operands) {
                if (operand.role == VKN_ROLE_INPUT) {
                    operand.buffer = branchBuffer.handle();
                    operand.bufferSize = branchBuffer.size();
                    operand.offset = static_cast<VkDeviceSize>(add) * kHidden * sizeof(float);
                }
            }
            info.pOperands = operands.data();
            ASSERT_EQ(vknCmdExecute(run.plan(), commands, &info, nullptr), VKN_SUCCESS);
            vknCmdBarrier(gpu().context(), commands, run.plan(), run.plan());
        }
    });
    run.download();

    const DeviceTensor& stream = *run.find(VKN_ROLE_RESIDUAL_OUTPUT);
    double drift = 0.0;      // of the GPU, away from zero
    double truncated = 0.0;  // of the same sums if they were truncated
    size_t wrong = 0;
    for (uint64_t row = 0; row < kRows; ++row) {
        for (uint64_t column = 0; column < kHidden; ++column) {
            const double start = stream.before.value(row, column);
            double exact = start;
            double nearest = start;
            double towardsZero = start;
            for (uint64_t add = 0; add < kAdds; ++add) {
                const double x = static_cast<double>(branches[(row + add) * kHidden + column]);
                exact += x;
                nearest = roundTo(VKN_TYPE_BF16, (Fp32(nearest) + Fp32(x)).value());
                const uint32_t bits = encode(VKN_TYPE_F32, (Fp32(towardsZero) + Fp32(x)).value());
                towardsZero = decode(VKN_TYPE_BF16, bits >> 16);
            }
            const double sign = exact < 0.0 ? -1.0 : 1.0;
            drift += sign * (stream.after.value(row, column) - exact);
            truncated += sign * (towardsZero - exact);
            wrong += stream.after.value(row, column) == nearest ? 0u : 1u;
        }
    }
    EXPECT_LT(truncated, 0.0);
    EXPECT_LT(std::fabs(drift), 0.01 * std::fabs(truncated));
    EXPECT_EQ(wrong, 0u);
}

// A device with few storage buffers has all parameters in one and all scalars in another.
TEST_F(Blocks, FewStorageBuffers) {
    struct Few {
        uint32_t storageBuffers;
        VknPlacement placement;
        VknPlanFlags flags;
    };
    for (const Few& few : {Few{8, VKN_PLACEMENT_PARALLEL, 0}, Few{4, VKN_PLACEMENT_POST_NORM, VKN_PLAN_IN_PLACE_BIT}}) {
        FunctionShim shim(gpu().device());
        shim.maxStorageBuffers = few.storageBuffers;
        PlainContext context(gpu().device(), shim.getInstanceProcAddr(), VK_API_VERSION_1_1);
        NormCase norm = blockCase(few.placement, 100, 7);
        norm.plan.flags = few.flags;
        addParameters(norm.plan, VKN_TYPE_F16);
        norm.packParameters = true;
        norm.parameterSkew = 1;
        const VknPlanInfo planInfo = runIn(context, norm);
        EXPECT_LE(planInfo.storageBufferCount, few.storageBuffers) << planInfo.signature;
    }
}

// Kernels for few registers: the first two are made for all that a block can have, rows read again and not; the third adds up
// more chunks than others can hold; the last is too wide for what dropout leaves out to be found first.
TEST_F(Blocks, FewRegisters) {
    constexpr uint32_t kBroadcom = 0x14E4;
    struct Few {
        VknPlacement placement;
        VknOperation operation;
        VknType branch;
        uint32_t hiddenSize;
        bool readTwice;
    };
    for (const Few& few : {Few{VKN_PLACEMENT_PARALLEL, VKN_OPERATION_LAYER_NORM, VKN_TYPE_F16, 1003, true},
                           Few{VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_OPERATION_LAYER_NORM, VKN_TYPE_F32, 519, false},
                           Few{VKN_PLACEMENT_PARALLEL, VKN_OPERATION_LAYER_NORM, VKN_TYPE_F16, 20487, false},
                           Few{VKN_PLACEMENT_POST_NORM, VKN_OPERATION_RMS_NORM, VKN_TYPE_F32, 32769, false},
                           Few{VKN_PLACEMENT_POST_NORM, VKN_OPERATION_RMS_NORM, VKN_TYPE_BF16, 65537, false}}) {
        FunctionShim shim(gpu().device());
        shim.vendorId = kBroadcom;
        PlainContext context(gpu().device(), shim.getInstanceProcAddr(), VK_API_VERSION_1_1);
        NormCase norm = blockCase(few.placement, few.hiddenSize, 3);
        PlanSpec& plan = norm.plan;
        plan.variant = {"shared", VKN_KERNEL_FORM_SHARED, 0, few.readTwice};
        plan.operation = few.operation;
        plan.input = plan.input2 = plan.output = plan.output2 = few.branch;
        plan.dropoutProbability = 0.25f;
        addParameters(plan, few.branch);
        norm.parameterSkew = 1;
        runIn(context, norm);
    }
}

// lavapipe ends an invocation, without a word, once its loops have taken 65535 turns: about as many rows as are meant to be one team's,
// of a block that has more loops than others.
TEST_F(Blocks, RowsOfATeamsTurnsOnLavapipe) {
    NormCase norm = blockCase(VKN_PLACEMENT_SANDWICH_PRE_NORM, 2047, 590);
    norm.plan.operation = VKN_OPERATION_LAYER_NORM;
    norm.plan.maxWorkgroups = 1;
    runCases(gpu(), {norm});
}

// There a workgroup takes one row. Where a dispatch's first dimension has fewer of them, they make layers; a row that two of them
// took would be added to twice.
TEST_F(Blocks, RowsInLayersOfTheGrid) {
    constexpr uint32_t kBroadcom = 0x14E4;
    for (const bool areRowsOfGpu : {false, true}) {
        FunctionShim shim(gpu().device());
        shim.vendorId = kBroadcom;
        shim.maxWorkgroups = 3;
        PlainContext context(gpu().device(), shim.getInstanceProcAddr(), VK_API_VERSION_1_1);
        NormCase norm = blockCase(VKN_PLACEMENT_PRE_NORM, 131, 8);
        norm.plan.variant = {"shared", VKN_KERNEL_FORM_SHARED, 0, false};
        norm.plan.flags = VKN_PLAN_IN_PLACE_BIT | (areRowsOfGpu ? VknPlanFlags{VKN_PLAN_GPU_ROWS_BIT} : 0);
        norm.gpuRows = areRowsOfGpu ? std::optional<uint32_t>(7) : std::nullopt;
        EXPECT_EQ(runIn(context, norm).maxWorkgroups, 3u);
    }
}

// ---- dropout -------------------------------------------------------------------------------------------------------

class Dropout : public Blocks {
protected:
    // h is 0 where an element was dropped, and 1 / (1 - p) elsewhere.
    NormCase maskCase(float probability, uint64_t rows) {
        NormCase norm = blockCase(VKN_PLACEMENT_PRE_NORM, 1001, rows);
        norm.plan.dropoutProbability = probability;
        norm.value = [](uint64_t, uint64_t) { return 1.0; };
        norm.others[VKN_ROLE_RESIDUAL] = [](uint64_t, uint64_t) { return 0.0; };
        return norm;
    }

    static std::vector<double> maskOf(NormRun& run, uint64_t row) {
        return run.find(VKN_ROLE_RESIDUAL_OUTPUT)->after.rowValues(row);
    }
};

TEST_F(Dropout, KeepsWhatTheCounterSays) {
    for (const float probability : {0.1f, 0.5f}) {
        NormCase norm = maskCase(probability, 64);
        norm.stream = 12345;
        norm.firstRow = 0xFFFFFFF0ull;
        NormRun run(gpu(), norm);
        run.execute();
        ASSERT_TRUE(run.check());
        double kept = 0.0;
        for (uint64_t row = 0; row < norm.rows; ++row) {
            const std::vector<double> mask = maskOf(run, row);
            for (uint64_t column = 0; column < mask.size(); ++column) {
                const bool isGone = isDropped(norm.dropoutSeed, norm.firstRow + row, column, 12345, probability);
                ASSERT_EQ(mask[column], isGone ? 0.0 : dropoutScale(probability)) << row << ", " << column;
                kept += mask[column] != 0.0 ? 1.0 : 0.0;
            }
        }
        const double count = static_cast<double>(norm.rows * norm.plan.hiddenSize);
        const double share = 1.0 - static_cast<double>(probability);
        EXPECT_LE(std::fabs(kept / count - share), 4.0 * std::sqrt(share * (1.0 - share) / count)) << probability;
    }
}

TEST_F(Dropout, TheSeedMayComeFromABuffer) {
    NormCase host = maskCase(0.5f, 5);
    NormCase buffer = host;
    buffer.plan.seed = true;
    NormRun first(gpu(), host);
    NormRun second(gpu(), buffer);
    gpu().submit([&](VkCommandBuffer commands) {
        first.record(commands);
        second.record(commands);
    });
    first.download();
    second.download();
    EXPECT_TRUE(first.check());
    EXPECT_TRUE(second.check());
    for (uint64_t row = 0; row < host.rows; ++row) {
        EXPECT_EQ(first.outputRow(row), second.outputRow(row)) << row;
    }
}

// A batch that is cut in two has the same mask if the second half says where it begins.
TEST_F(Dropout, RowsCountOn) {
    NormRun whole(gpu(), maskCase(0.5f, 8));
    NormCase part = maskCase(0.5f, 5);
    part.firstRow = 3;
    NormRun rest(gpu(), part);
    part.stream = 1;
    NormRun other(gpu(), part);
    gpu().submit([&](VkCommandBuffer commands) {
        for (NormRun* run : {&whole, &rest, &other}) {
            run->record(commands);
        }
    });
    for (NormRun* run : {&whole, &rest, &other}) {
        run->download();
    }
    for (uint64_t row = 0; row < 5; ++row) {
        EXPECT_EQ(whole.outputRow(row + 3), rest.outputRow(row)) << row;
        EXPECT_NE(whole.outputRow(row), rest.outputRow(row)) << row;
        EXPECT_NE(other.outputRow(row), rest.outputRow(row)) << row;
    }
}

// What is dropped is zero whatever it was, and the rows beside it are not touched.
TEST_F(Dropout, NanAndInfinityCanBeDropped) {
    NormCase norm = maskCase(0.5f, 6);
    norm.value = [](uint64_t row, uint64_t column) {
        const bool isGone = isDropped(NormCase().dropoutSeed, row, column, 0, 0.5f);
        return !isGone ? 1.0 : row % 2 == 0 ? std::nan("") : HUGE_VAL;
    };
    NormRun run(gpu(), norm);
    run.execute();
    EXPECT_TRUE(run.check());
    for (uint64_t row = 0; row < norm.rows; ++row) {
        for (const double value : maskOf(run, row)) {
            ASSERT_TRUE(value == 0.0 || value == 2.0) << value;
        }
    }
}

}  // namespace
}  // namespace vknorm::test
