// Partial RMSNorm: the root mean square of the first elements scales all of them.
#include "gpu/fixture.hpp"

#include <algorithm>

namespace vknorm::test {
namespace {

class Partial : public GpuTest {};

NormCase partialCase(const FormVariant& variant, uint32_t hiddenSize, uint32_t partialSize, VknType type) {
    NormCase norm;
    norm.plan.variant = variant;
    norm.plan.hiddenSize = hiddenSize;
    norm.plan.partialSize = partialSize;
    norm.plan.input = type;
    norm.plan.output = type;
    norm.plan.gamma = VKN_TYPE_F32;
    norm.plan.rstd = true;
    norm.rows = 5;
    norm.seed = hiddenSize + partialSize;
    return norm;
}

TEST_F(Partial, EveryFormAndWhereverThePartEnds) {
    constexpr VknType kTypes[] = {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16};
    std::vector<NormCase> cases;
    for (const FormVariant& variant : gpu().forms()) {
        for (const uint32_t hidden : {1u, 64u, 1027u, 9000u}) {
            const uint32_t parts[] = {1, (hidden + 3) / 4, hidden / 2 + 1, hidden};
            const uint32_t part = std::min(parts[cases.size() % 4], hidden);
            cases.push_back(partialCase(variant, hidden, part, kTypes[cases.size() % 3]));
        }
    }
    runCases(gpu(), cases);
}

// The rest of the row may be anything.
TEST_F(Partial, WhatIsBehindThePartDoesNotCount) {
    NormCase norm = partialCase(gpu().variants().front(), 200, 50, VKN_TYPE_F32);
    norm.value = [](uint64_t, uint64_t column) { return column < 50 ? 1.0 + static_cast<double>(column) : 1e30; };
    runCases(gpu(), {norm});
}

TEST_F(Partial, InAResidualBlock) {
    NormCase norm = partialCase(gpu().variants().front(), 768, 192, VKN_TYPE_BF16);
    norm.plan.placement = VKN_PLACEMENT_PRE_NORM;
    runCases(gpu(), {norm});
}

}  // namespace
}  // namespace vknorm::test
