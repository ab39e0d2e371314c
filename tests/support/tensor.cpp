#include "tensor.hpp"

#include "formats.hpp"

#include <algorithm>
#include <cstring>

namespace vknorm::test {

uint64_t TensorLayout::elementIndex(uint64_t row, uint64_t column) const {
    const uint64_t stride = rowStride != 0 ? rowStride : hiddenSize;
    const uint64_t perOuter = rowsPerOuter != 0 ? rowsPerOuter : std::max<uint64_t>(rows, 1);
    const uint64_t outer = outerStride != 0 ? outerStride : perOuter * stride;
    return row / perOuter * outer + row % perOuter * stride + column;
}

uint64_t TensorLayout::byteAddress(uint64_t row, uint64_t column) const {
    return byteOffset + elementIndex(row, column) * elementSize(type);
}

uint64_t TensorLayout::endByte() const {
    uint64_t end = byteOffset;
    for (uint64_t row = 0; row < rows; ++row) {
        end = std::max(end, byteAddress(row, hiddenSize));
    }
    return end;
}

// 0xFFD1 to 0xFFEF are NaNs as fp16, as bf16 and as either half of an fp32, and none is a NaN that a computation makes.
uint16_t poisonAt(uint64_t index) { return static_cast<uint16_t>(0xFFD1u + index % 31u); }

// -128 is no int8 that a kernel makes, and these are NaNs of which kernels make none: but for e4m3, which has no others.
uint8_t poisonByteAt(VknType type, uint64_t index) {
    constexpr uint8_t kE5m2[] = {0x7D, 0xFE, 0xFD, 0x7E};
    switch (type) {
        case VKN_TYPE_I8:
            return 0x80;
        case VKN_TYPE_F8_E4M3:
            return index % 2 == 0 ? 0x7F : 0xFF;
        default:
            return kE5m2[index % 4];
    }
}

Tensor::Tensor(const TensorLayout& layout, uint64_t guardBytes) : layout_(layout) {
    bytes_.resize((layout.endByte() + guardBytes + 3) / 4 * 4);
    if (isQuantised(layout.type)) {
        for (uint64_t i = 0; i < bytes_.size(); ++i) {
            bytes_[i] = poisonByteAt(layout.type, i);
        }
        return;
    }
    for (uint64_t i = 0; i < bytes_.size() / 2; ++i) {
        const uint16_t poison = poisonAt(i);
        std::memcpy(&bytes_[2 * i], &poison, sizeof poison);
    }
}

uint32_t Tensor::bits(uint64_t row, uint64_t column) const {
    return loadBits(layout_.type, &bytes_[layout_.byteAddress(row, column)]);
}

double Tensor::value(uint64_t row, uint64_t column) const { return decode(layout_.type, bits(row, column)); }

void Tensor::setBits(uint64_t row, uint64_t column, uint32_t value) {
    storeBits(layout_.type, &bytes_[layout_.byteAddress(row, column)], value);
}

void Tensor::setValue(uint64_t row, uint64_t column, double value) {
    setBits(row, column, encode(layout_.type, value));
}

std::vector<double> Tensor::rowValues(uint64_t row) const {
    std::vector<double> values(layout_.hiddenSize);
    for (uint64_t column = 0; column < layout_.hiddenSize; ++column) {
        values[column] = value(row, column);
    }
    return values;
}

void Tensor::takeElements(const Tensor& neighbour) {
    const TensorLayout& layout = neighbour.layout_;
    const uint64_t rowBytes = layout.hiddenSize * elementSize(layout.type);
    for (uint64_t row = 0; row < layout.rows && rowBytes > 0; ++row) {
        const uint64_t begin = layout.byteAddress(row, 0);
        std::memcpy(&bytes_[begin], &neighbour.bytes_[begin], rowBytes);
    }
}

void Tensor::fill(const std::function<double(uint64_t row, uint64_t column)>& value) {
    for (uint64_t row = 0; row < layout_.rows; ++row) {
        for (uint64_t column = 0; column < layout_.hiddenSize; ++column) {
            setValue(row, column, value(row, column));
        }
    }
}

std::string findOverwritten(const std::vector<uint8_t>& before, const std::vector<uint8_t>& after,
                            const std::vector<WrittenRows>& written) {
    // Element bytes made equal, so that one comparison finds the first byte outside of them.
    std::vector<uint8_t> masked = after;
    for (const WrittenRows& tensor : written) {
        const uint64_t rowBytes = tensor.layout.hiddenSize * elementSize(tensor.layout.type);
        for (uint64_t row = 0; row < tensor.rows && rowBytes > 0; ++row) {
            const uint64_t begin = tensor.layout.byteAddress(row, 0);
            std::memcpy(&masked[begin], &before[begin], rowBytes);
        }
    }
    const auto differ = std::mismatch(masked.begin(), masked.end(), before.begin());
    if (differ.first == masked.end()) {
        return {};
    }
    return "byte " + std::to_string(differ.first - masked.begin()) + " of " + std::to_string(masked.size()) +
           " belongs to no element and was changed";
}

std::string findOverwritten(const Tensor& before, const std::vector<uint8_t>& after, uint64_t writtenRows) {
    return findOverwritten(before.bytes(), after, {{before.layout(), writtenRows}});
}

namespace {

// Whether the element at this byte still is the poison.
bool isPoison(const Tensor& tensor, uint64_t address) {
    const VknType type = tensor.layout().type;
    const uint8_t* element = &tensor.bytes()[address];
    if (isQuantised(type)) {
        return type != VKN_TYPE_F8_E4M3 && *element == poisonByteAt(type, address);
    }
    uint16_t half = 0;
    std::memcpy(&half, element, sizeof half);
    const bool isLow = half == poisonAt(address / 2);
    if (elementSize(type) == 2 || !isLow) {
        return isLow;
    }
    // In fp32 the low half may be the same by chance.
    std::memcpy(&half, element + 2, sizeof half);
    return half == poisonAt(address / 2 + 1);
}

}  // namespace

std::string findUnwritten(const Tensor& after, uint64_t writtenRows) {
    const TensorLayout& layout = after.layout();
    for (uint64_t row = 0; row < writtenRows; ++row) {
        for (uint64_t column = 0; column < layout.hiddenSize; ++column) {
            if (isPoison(after, layout.byteAddress(row, column))) {
                return "element (" + std::to_string(row) + ", " + std::to_string(column) + ") was not written";
            }
        }
    }
    return {};
}

}  // namespace vknorm::test
