// How many rows there are: none, more than a grid's dimension, more than a binding holds, as many as a buffer says.
#include "gpu/fixture.hpp"
#include "gpu/small_bindings.hpp"
#include "support/bounds.hpp"
#include "support/formats.hpp"
#include "support/random.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace vknorm::test {
namespace {

class Rows : public GpuTest {
protected:
    NormCase layerCase(uint32_t hiddenSize, uint64_t rows) {
        NormCase norm;
        norm.plan.operation = VKN_OPERATION_LAYER_NORM;
        norm.plan.hiddenSize = hiddenSize;
        norm.plan.gamma = VKN_TYPE_F32;
        norm.plan.mean = true;
        norm.plan.rstd = true;
        norm.rows = rows;
        return norm;
    }
};

TEST_F(Rows, NoneIsSuccessAndWritesNothing) {
    NormCase norm = layerCase(100, 4);
    norm.plan.variant = gpu().forms().front();  // none is started, so it does not matter which
    NormRun run(gpu(), norm);
    VknExecuteInfo info = run.executeInfo();
    info.rows = 0;
    gpu().submit(
        [&](VkCommandBuffer commands) { EXPECT_EQ(vknCmdExecute(run.plan(), commands, &info, nullptr), VKN_SUCCESS); });
    run.download();
    EXPECT_EQ(run.find(VKN_ROLE_OUTPUT)->after.bytes(), run.find(VKN_ROLE_OUTPUT)->before.bytes());
    EXPECT_EQ(run.find(VKN_ROLE_MEAN)->after.bytes(), run.find(VKN_ROLE_MEAN)->before.bytes());
}

TEST_F(Rows, MoreThanAGridsDimension) {
    const std::vector<FormVariant>& forms = gpu().forms();
    std::vector<NormCase> cases;
    for (size_t f = 0; f < forms.size(); ++f) {
        if (!isTurnOf(f, 1)) {
            continue;
        }
        NormCase norm = layerCase(3, 70001);
        norm.plan.variant = forms[f];
        norm.plan.maxWorkgroups = 65535;
        cases.push_back(norm);
    }
    runCases(gpu(), cases);
}

TEST_F(Rows, FromTheGpu) {
    std::vector<NormCase> cases;
    for (const FormVariant& variant : gpu().forms()) {
        for (const uint32_t rows : {0u, 1u, 13u, 40u, 41u, 0xFFFFFFFFu}) {
            NormCase norm = layerCase(129, 40);
            norm.plan.variant = variant;
            norm.plan.flags = VKN_PLAN_GPU_ROWS_BIT;
            norm.gpuRows = rows;
            cases.push_back(norm);
        }
    }
    runCases(gpu(), cases);
}

class SmallBindings : public Rows {
protected:
    void runSplit(const NormCase& norm, uint32_t range) { runOnSmallBindings(gpu(), norm, range); }
};

TEST_F(SmallBindings, TensorsAreSplitBetweenRows) {
    for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
        NormCase norm = layerCase(101, 300);
        norm.plan.input = type;
        norm.plan.output = type;
        runSplit(norm, 16384);
        norm.input = {elementSize(type), 107, 0};
        norm.output = {2 * elementSize(type), 103, 0};
        runSplit(norm, 16384);
    }
}

TEST_F(SmallBindings, TensorsAreSplitBetweenAndInsideOuterBlocks) {
    for (const uint64_t perOuter : {4u, 90u}) {
        NormCase norm = layerCase(64, 300);
        norm.plan.output = VKN_TYPE_F16;
        norm.rowsPerOuter = perOuter;
        norm.input = {0, 72, perOuter * 72 + 40};
        norm.output = {0, 65, perOuter * 65 + 3};
        runSplit(norm, 16384);
    }
}

TEST_F(SmallBindings, InPlaceAndGpuRows) {
    NormCase norm = layerCase(99, 300);
    norm.plan.input = VKN_TYPE_BF16;
    norm.plan.output = VKN_TYPE_BF16;
    norm.plan.flags = VKN_PLAN_IN_PLACE_BIT;
    runSplit(norm, 16384);
    norm.plan.flags |= VKN_PLAN_GPU_ROWS_BIT;
    for (const uint32_t rows : {0u, 7u, 123u, 300u, 5000u}) {
        norm.gpuRows = rows;
        runSplit(norm, 16384);
    }
}

// 160 MiB, where maxStorageBufferRange is 128 MiB on lavapipe and many phones. Rows repeat with a period that no power of
// two divides, so one period is judged and the rest compared bit by bit.
class BigTensor : public Rows {
protected:
    static constexpr uint64_t kPeriod = 61;
    static constexpr uint64_t kBytes = 160ull << 20;

    void runBig(uint32_t hiddenSize, VknType inputType, VknType outputType) {
        NormCase small = layerCase(hiddenSize, kPeriod);
        small.plan.input = inputType;
        small.plan.output = outputType;
        NormRun first(gpu(), small);
        gpu().submit([&](VkCommandBuffer commands) { first.record(commands); });
        first.download();
        ASSERT_TRUE(first.check());

        const uint64_t widest = std::max(elementSize(inputType), elementSize(outputType));
        const uint64_t rows = kBytes / (hiddenSize * widest);
        const std::vector<uint8_t> x = repeated(first.find(VKN_ROLE_INPUT)->before, rows);
        const std::vector<uint8_t> y = repeated(first.find(VKN_ROLE_OUTPUT)->after, rows);
        Buffer input(gpu().device(), padded(x.size()));
        Buffer output(gpu().device(), padded(y.size()));
        Buffer scalars(gpu().device(), rows * 8);
        input.upload(x);
        output.fill(0xFFDFFFDFu);

        VknExecuteInfo info = first.executeInfo();
        std::vector<VknOperand> operands(info.pOperands, info.pOperands + info.operandCount);
        for (VknOperand& operand : operands) {
            const Buffer* buffer = operand.role == VKN_ROLE_INPUT    ? &input
                                   : operand.role == VKN_ROLE_OUTPUT ? &output
                                   : operand.role == VKN_ROLE_GAMMA  ? nullptr
                                                                     : &scalars;
            if (buffer != nullptr) {
                operand.buffer = buffer->handle();
                operand.bufferSize = buffer->size();
                operand.offset = operand.role == VKN_ROLE_RSTD ? rows * 4 : 0;
            }
        }
        info.rows = rows;
        info.pOperands = operands.data();
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        gpu().submit([&](VkCommandBuffer commands) {
            ASSERT_EQ(vknCmdExecute(first.plan(), commands, &info, &error), VKN_SUCCESS) << error.message;
        });
        std::vector<uint8_t> got(y.size());
        output.download(0, got.data(), got.size());
        const auto differ = std::mismatch(got.begin(), got.end(), y.begin());
        EXPECT_TRUE(differ.first == got.end())
            << "row " << static_cast<uint64_t>(differ.first - got.begin()) / (hiddenSize * elementSize(outputType))
            << " of " << rows << " is wrong";
        std::vector<uint32_t> gotScalars = scalars.download<uint32_t>(rows * 2);
        for (uint64_t row = 0; row < rows; ++row) {
            const std::vector<uint32_t>& expected = scalarsOf(first, row % kPeriod);
            ASSERT_EQ(gotScalars[row], expected[0]) << "mean of row " << row;
            ASSERT_EQ(gotScalars[rows + row], expected[1]) << "rstd of row " << row;
        }
        std::printf("big tensor: %llu rows of %u, binding limit %u\n", static_cast<unsigned long long>(rows),
                    hiddenSize, gpu().device().limits().maxStorageBufferRange);
    }

private:
    static uint64_t padded(uint64_t bytes) { return (bytes + 15) / 16 * 16; }

    static std::vector<uint8_t> repeated(const Tensor& period, uint64_t rows) {
        const uint64_t rowBytes = period.layout().hiddenSize * elementSize(period.layout().type);
        std::vector<uint8_t> bytes(rows * rowBytes);
        for (uint64_t row = 0; row < rows; ++row) {
            std::memcpy(&bytes[row * rowBytes], &period.bytes()[period.layout().byteAddress(row % kPeriod, 0)],
                        rowBytes);
        }
        return bytes;
    }

    std::vector<uint32_t> scalarsOf(NormRun& run, uint64_t row) {
        return {run.find(VKN_ROLE_MEAN)->after.bits(0, row), run.find(VKN_ROLE_RSTD)->after.bits(0, row)};
    }
};

TEST_F(BigTensor, BeyondTheLargestBinding) {
    if (gpu().device().limits().maxStorageBufferRange >= kBytes) {
        VKNORM_LOUD_SKIP("a binding of this device holds more than the big tensor; SmallBindings stands for it");
    }
    try {
        runBig(768, VKN_TYPE_F32, VKN_TYPE_BF16);
        runBig(1001, VKN_TYPE_F16, VKN_TYPE_F32);
    } catch (const RuntimeError& error) {
        if (error.result() != VK_ERROR_OUT_OF_DEVICE_MEMORY && error.result() != VK_ERROR_OUT_OF_HOST_MEMORY) {
            throw;
        }
        VKNORM_LOUD_SKIP(std::string("too little memory: ") + error.what());
    }
}

}  // namespace
}  // namespace vknorm::test
