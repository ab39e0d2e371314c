// Covering arrays of runs, and the values of those factors that all operations have.
#pragma once

#include "gpu/fixture.hpp"
#include "support/pairwise.hpp"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace vknorm::test {

inline constexpr uint32_t kHiddenSizes[] = {1, 64, 129, 768, 1027, 9001, 20000};
inline constexpr uint64_t kRowCounts[] = {1, 3, 17, 70};
inline constexpr int kStrideKinds = 4;  // dense, odd, multiples of 8, outer blocks as well
inline constexpr int kOffsetKinds = 4;  // 0, 16 bytes, an element, 16 bytes and some elements

// Every covering array has the factors of a shape, as so many in a row: hidden size, rows, strides, offsets, buffer tail.
inline constexpr size_t kShapeFactors = 5;

struct ShapeValues {
    uint32_t hiddenSize;
    uint64_t rows;
    int strides;
    int offsets;
    bool hasTail;
};

// `own`, and behind them the factors of a shape.
std::vector<Factor> withShape(std::vector<Factor> own, std::span<const uint32_t> hiddenSizes);
// The shape of a case; `first` is the index of the hidden size.
ShapeValues shapeOf(const std::vector<int>& values, size_t first, std::span<const uint32_t> hiddenSizes);
// Factors to draw: `own`, and all of the shape's but the hidden size, which changes the kernel.
std::vector<size_t> withDrawnShape(std::vector<size_t> own, size_t first);

// Whether factors of what is not there keep their first value, so that no pair is counted that means nothing.
bool onlyWhatIsThereVaries(const std::vector<int>& values, std::initializer_list<std::pair<size_t, bool>> isThere);

class Covering : public GpuTest {
protected:
    using MakeCase =
        std::function<NormCase(const std::vector<FormVariant>& forms, const std::vector<int>& values, uint64_t number)>;

    // Cases in which every pair of values of any two factors occurs. With VKNORM_TEST_FULL=1 every combination instead,
    // but for the `drawn` factors, which do not change the kernel or are too many: those are drawn at random.
    void runPairs(const std::vector<Factor>& factors, const Constraint& isAllowed, const std::vector<size_t>& drawn,
                  const MakeCase& makeCase);

    // Where a tensor of the plan lies; tensors of different `index` never have the same strides, nor, where those are
    // odd, the same offset.
    static OperandPlace placeOf(const ShapeValues& shape, VknType type, const NormCase& norm, uint64_t index);

    // Rows, outer blocks, rows from the GPU, the tail of the buffers, the seed, and where the tensors of rows lie but
    // for a gate. The plan's types and flags are set before.
    static void setShape(NormCase& norm, const ShapeValues& shape, uint64_t number);

    // Where gamma, beta and the scalars of rows begin in their buffers.
    static void setOffsets(NormCase& norm, const ShapeValues& shape);

    // The flags whose factors have the value 1.
    static VknPlanFlags flagsOf(const std::vector<int>& values,
                                std::initializer_list<std::pair<size_t, VknPlanFlagBits>> factors);

    // Value 0 of a factor: absent; then the types.
    static std::optional<VknType> optionalType(int value);

private:
    void runAll(const std::vector<Factor>& factors, const Constraint& isAllowed, const std::vector<size_t>& drawn,
                const MakeCase& makeCase);
    static void setPlaces(NormCase& norm, const ShapeValues& shape);
};

}  // namespace vknorm::test
