#include "device/packed_module.hpp"

#include <cstring>

namespace vkn {

namespace {

class Reader {
public:
    explicit Reader(const PackedBytes& bytes) : at_(bytes.data), end_(bytes.data + bytes.size) {}

    bool isGood() const { return isGood_; }
    bool isAtEnd() const { return at_ == end_; }

    uint64_t number() {
        uint64_t value = 0;
        for (uint32_t shift = 0; at_ != end_ && shift < 64; shift += 7) {
            const uint8_t byte = *at_++;
            value |= uint64_t{byte & 0x7Fu} << shift;
            if (byte < 0x80) {
                return value;
            }
        }
        isGood_ = false;
        return 0;
    }

    uint32_t number32() {
        const uint64_t value = number();
        isGood_ = isGood_ && value <= UINT32_MAX;
        return static_cast<uint32_t>(value);
    }

    // Of `count` bytes, the first; null where there are fewer.
    const uint8_t* take(uint64_t count) {
        if (count > static_cast<uint64_t>(end_ - at_)) {
            isGood_ = false;
            return nullptr;
        }
        const uint8_t* first = at_;
        at_ += count;
        return first;
    }

private:
    const uint8_t* at_;
    const uint8_t* end_;
    bool isGood_ = true;
};

PackedHeader readHeader(Reader& reader) {
    PackedHeader header;
    header.wordCount = reader.number32();
    header.codeSize = reader.number32();
    header.checksum = reader.number32();
    return header;
}

// A count of which a token says the least: the most that it can say is a sum.
uint64_t countOf(Reader& reader, uint32_t ofToken, uint32_t most) {
    return ofToken < most ? ofToken : ofToken + uint64_t{reader.number32()};
}

bool expand(Reader& reader, uint8_t* code, uint64_t size, uint64_t precedingSize) {
    uint64_t written = 0;
    uint64_t distance = 0;
    while (written < size) {
        const uint8_t* token = reader.take(1);
        if (token == nullptr) {
            return false;
        }
        const uint64_t literalCount = countOf(reader, *token % kRepeatBit, kMostLiteralsOfToken);
        const uint8_t* literals = reader.take(literalCount);
        if (literals == nullptr || literalCount > size - written) {
            return false;
        }
        memcpy(code + written, literals, static_cast<size_t>(literalCount));
        written += literalCount;
        if (written == size) {
            break;
        }
        const uint64_t match = kLeastMatch + countOf(reader, *token >> 4, kMostMatchOfToken);
        distance = (*token & kRepeatBit) != 0 ? distance : reader.number32();
        if (!reader.isGood() || distance == 0 || distance > precedingSize + written || match > size - written) {
            return false;
        }
        const uint8_t* from = code + written - distance;
        for (uint64_t i = 0; i < match; ++i) {  // which may overlap
            code[written + i] = from[i];
        }
        written += match;
    }
    return reader.isGood() && reader.isAtEnd();
}

bool decode(Reader reader, uint32_t* words, uint32_t wordCount) {
    uint32_t written = 0;
    for (; written < kPackedHeaderWords && written < wordCount; ++written) {
        words[written] = reader.number32();
    }
    uint32_t next = 1;
    while (written < wordCount && reader.isGood()) {
        const uint32_t opcode = reader.number32();
        const uint32_t length = reader.number32();
        if (length == 0 || length > wordCount - written) {
            return false;
        }
        words[written++] = length << 16 | opcode;
        for (uint32_t i = 1; i < length; ++i) {
            const uint64_t operand = reader.number();
            const auto half = static_cast<uint32_t>(operand >> 1);
            words[written++] = operand % 2 != 0 ? half : next - half;
            next += operand == 0 ? 1 : 0;
        }
    }
    return reader.isGood() && reader.isAtEnd();
}

}  // namespace

bool readPackedHeader(const PackedBytes& packed, PackedHeader& header) {
    Reader reader(packed);
    header = readHeader(reader);
    return reader.isGood() && header.codeSize <= kMostCode && header.wordCount <= header.codeSize;
}

bool expandCode(const PackedBytes& packed, const PackedHeader& header, uint8_t* code, size_t precedingSize) {
    Reader reader(packed);
    readHeader(reader);
    return expand(reader, code, header.codeSize, precedingSize);
}

bool decodeWords(const PackedHeader& header, const uint8_t* code, uint32_t* words) {
    return decode(Reader({code, header.codeSize}), words, header.wordCount) &&
           checksumOf(words, header.wordCount) == header.checksum;
}

// Fowler, Noll and Vo's, of words. In 32 bits, two words with the highest bit wrong would make up for each other.
uint32_t checksumOf(const uint32_t* words, uint32_t count) {
    uint64_t sum = 0xCBF29CE484222325ull;
    for (uint32_t i = 0; i < count; ++i) {
        sum = (sum ^ words[i]) * 0x100000001B3ull;
    }
    return static_cast<uint32_t>(sum >> 32);
}

}  // namespace vkn
