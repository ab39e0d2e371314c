// A tensor on the host as it lies in a buffer: strides, an offset, and poison wherever no element is.
#pragma once

#include <vknorm/vknorm.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace vknorm::test {

struct TensorLayout {
    VknType type = VKN_TYPE_F32;
    uint64_t rows = 1;
    uint64_t rowsPerOuter = 0;  // 0: all rows
    uint64_t hiddenSize = 1;
    uint64_t rowStride = 0;    // elements; 0: dense
    uint64_t outerStride = 0;  // elements; 0: rowsPerOuter * rowStride
    uint64_t byteOffset = 0;   // of element 0 in the buffer

    uint64_t elementIndex(uint64_t row, uint64_t column) const;
    uint64_t byteAddress(uint64_t row, uint64_t column) const;
    uint64_t endByte() const;  // of the last element
};

// Bytes around the elements that no kernel may change: more than the widest access, and no round number.
inline constexpr uint64_t kGuardBytes = 52;

class Tensor {
public:
    // Everything, elements included, is poison: a different NaN in each half word, whatever the type, so that an
    // element that was not written, was read though it is not there, or was moved, shows. Tensors of 8-bit elements,
    // which are never read, have bytes instead that no kernel makes.
    explicit Tensor(const TensorLayout& layout, uint64_t guardBytes = kGuardBytes);

    const TensorLayout& layout() const { return layout_; }
    std::vector<uint8_t>& bytes() { return bytes_; }
    const std::vector<uint8_t>& bytes() const { return bytes_; }

    uint32_t bits(uint64_t row, uint64_t column) const;
    double value(uint64_t row, uint64_t column) const;
    void setBits(uint64_t row, uint64_t column, uint32_t bits);
    void setValue(uint64_t row, uint64_t column, double value);  // rounds
    std::vector<double> rowValues(uint64_t row) const;
    // Copies the elements of another tensor, which lies in the same buffer as this one.
    void takeElements(const Tensor& neighbour);
    void fill(const std::function<double(uint64_t row, uint64_t column)>& value);

private:
    TensorLayout layout_;
    std::vector<uint8_t> bytes_;
};

// The half word of poison at byte 2 * index.
uint16_t poisonAt(uint64_t index);
// The byte of poison of an 8-bit type.
uint8_t poisonByteAt(VknType type, uint64_t index);

// The rows of a tensor that a kernel writes: the first so many.
struct WrittenRows {
    TensorLayout layout;
    uint64_t rows;
};

// Compares what a kernel left in a buffer with what was there: empty, or a sentence about the first byte that changed
// though it belongs to no element that is written.
std::string findOverwritten(const std::vector<uint8_t>& before, const std::vector<uint8_t>& after,
                            const std::vector<WrittenRows>& written);
// The same for a buffer with one tensor.
std::string findOverwritten(const Tensor& before, const std::vector<uint8_t>& after, uint64_t writtenRows);

// Empty, or a sentence about the first element of those rows that still is the poison. Says nothing of e4m3, where the
// poison may be right: it is NaN, which shows wherever it is not.
std::string findUnwritten(const Tensor& after, uint64_t writtenRows);

}  // namespace vknorm::test
