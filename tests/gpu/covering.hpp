// Covering arrays of runs, and the values of those factors that all operations have.
#pragma once

#include "gpu/fixture.hpp"
#include "support/pairwise.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace vknorm::test {

inline constexpr uint32_t kHiddenSizes[] = {1, 64, 129, 768, 1027, 9001, 20000};
inline constexpr uint64_t kRowCounts[] = {1, 3, 17, 70};
inline constexpr int kStrideKinds = 4;  // dense, odd, multiples of 8, outer blocks as well
inline constexpr int kOffsetKinds = 4;  // 0, 16 bytes, an element, 16 bytes and some elements

class Covering : public GpuTest {
protected:
    using MakeCase = std::function<NormCase(const std::vector<int>& values, uint64_t number)>;

    // Cases in which every pair of values of any two factors occurs. With VKNORM_TEST_FULL=1 every combination instead,
    // but for the `drawn` factors, which do not change the kernel or are too many: those are drawn at random.
    void runPairs(const std::vector<Factor>& factors, const Constraint& isAllowed, const std::vector<size_t>& drawn,
                  const MakeCase& makeCase);

    // Where a tensor of the plan lies; tensors of different `index` never have the same strides, nor, where those are
    // odd, the same offset.
    static OperandPlace placeOf(int strides, int offsets, VknType type, const NormCase& norm, uint64_t index);

    // Rows, outer blocks, rows from the GPU, the tail of the buffers, the seed.
    static void setShape(NormCase& norm, int hidden, int rows, int strides, bool hasTail, uint64_t number);

    // Value 0 of a factor: absent; then the types.
    static std::optional<VknType> optionalType(int value);

private:
    void runAll(const std::vector<Factor>& factors, const Constraint& isAllowed, const std::vector<size_t>& drawn,
                const MakeCase& makeCase);
};

}  // namespace vknorm::test
