// Every hidden size in fp32 with every kernel form, and every combination of types at three sizes.
#include "gpu/fixture.hpp"
#include "support/shapes.hpp"

namespace vknorm::test {
namespace {

constexpr VknType kTypes[] = {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16};

VknOperation operationOf(size_t index) {
    return index % 2 == 0 ? VKN_OPERATION_RMS_NORM : VKN_OPERATION_LAYER_NORM;
}

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
    std::vector<NormCase> cases;
    for (const Shape& shape : kShapes) {
        for (const size_t operation : {0u, 1u}) {
            cases.push_back(shapeCase(shape, operationOf(operation), gpu().variants().front()));
        }
    }
    runCases(gpu(), cases);
}

TEST_F(Shapes, EveryHiddenSizeWithEveryForm) {
    std::vector<NormCase> cases;
    for (size_t v = 1; v < gpu().variants().size(); ++v) {
        size_t index = v;
        for (const Shape& shape : kShapes) {
            cases.push_back(shapeCase(shape, operationOf(index++), gpu().variants()[v]));
        }
    }
    runCases(gpu(), cases);
}

TEST_F(Shapes, EveryCombinationOfTypesAtThreeSizes) {
    std::vector<NormCase> cases;
    size_t index = 0;
    for (const Shape& shape : kTypeShapes) {
        for (const VknType input : kTypes) {
            for (const VknType output : kTypes) {
                for (const VknType weights : kTypes) {
                    NormCase norm = shapeCase(shape, operationOf(index), gpu().variants().front());
                    norm.plan.input = input;
                    norm.plan.output = output;
                    norm.plan.gamma = weights;
                    norm.plan.beta = weights;
                    norm.seed = ++index;
                    cases.push_back(norm);
                }
            }
        }
        ++index;  // the other operation for the same types at the next size
    }
    runCases(gpu(), cases);
}

}  // namespace
}  // namespace vknorm::test
