// Every hidden size in fp32, every type at three sizes.
#include "support/shapes.hpp"
#include "gpu/fixture.hpp"

#include <bit>
#include <iterator>

namespace vknorm::test {
namespace {

constexpr VknType kTypes[] = {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16};

VknOperation operationOf(size_t index) { return index % 2 == 0 ? VKN_OPERATION_RMS_NORM : VKN_OPERATION_LAYER_NORM; }

class Shapes : public GpuTest {
protected:
    NormCase shapeCase(const Shape& shape, VknOperation operation, const FormVariant& variant) {
        NormCase norm;
        norm.plan.operation = operation;
        norm.plan.hiddenSize = shape.hiddenSize;
        norm.plan.variant = variant;
        norm.plan.gamma = VKN_TYPE_F32;
        norm.plan.beta = VKN_TYPE_F32;
        norm.plan.mean = operation == VKN_OPERATION_LAYER_NORM;
        norm.plan.rstd = true;
        norm.rows = shape.rows;
        norm.seed = shape.hiddenSize;
        return norm;
    }
};

TEST_F(Shapes, EveryHiddenSizeWithTheKernelThatIsChosen) {
    if (isQuickTest()) {
        VKNORM_LOUD_SKIP("quick: each hidden size with one kernel form only");
    }
    std::vector<NormCase> cases;
    for (size_t i = 0; i < std::size(kShapes); ++i) {
        cases.push_back(shapeCase(kShapes[i], operationOf(i), gpu().variants().front()));
    }
    runCases(gpu(), cases);
}

// The forms in turn. Drivers of different subgroup sizes begin with different ones, so that over all drivers a size meets
// several; all of them with VKNORM_TEST_FULL=1.
TEST_F(Shapes, EveryHiddenSizeWithForms) {
    const std::vector<FormVariant>& forms = gpu().forms();
    const size_t formsPerSize = isFullTest() ? forms.size() : 1;
    const auto first = static_cast<size_t>(std::bit_width(gpu().contextInfo().subgroupSize));
    std::vector<NormCase> cases;
    for (size_t i = 0; i < std::size(kShapes); ++i) {
        for (size_t k = 0; k < formsPerSize; ++k) {
            // Shifted with each round, so that a form does not meet one operation only.
            cases.push_back(
                shapeCase(kShapes[i], operationOf(i / forms.size() + i), forms[(first + i + k) % forms.size()]));
        }
    }
    runCases(gpu(), cases);
}

// At each size each type as input, output and weights; over the three sizes, each pair of input and output. What the
// covering array cannot have: the same types at every size.
TEST_F(Shapes, EveryTypeAtThreeSizes) {
    std::vector<NormCase> cases;
    const auto add = [&](size_t shape, size_t input, size_t output, size_t weights) {
        NormCase norm = shapeCase(kTypeShapes[shape], operationOf(cases.size()), gpu().variants().front());
        norm.plan.input = kTypes[input];
        norm.plan.output = kTypes[output];
        norm.plan.gamma = kTypes[weights];
        norm.plan.beta = kTypes[weights];
        norm.seed = cases.size() + 1;
        cases.push_back(norm);
    };
    for (size_t shape = 0; shape < std::size(kTypeShapes); ++shape) {
        for (size_t i = 0; i < (isFullTest() ? 27u : 3u); ++i) {
            if (isFullTest()) {
                add(shape, i / 9, i / 3 % 3, i % 3);
            } else {
                add(shape, i, (i + shape) % 3, (i + 2 * shape + 1) % 3);
            }
        }
    }
    runCases(gpu(), cases);
}

}  // namespace
}  // namespace vknorm::test
