// pack_module PACKED MODULE.spv [LIKE.spv...]: packs a SPIR-V module for the library (src/device/packed_module.hpp says how); LIKE is
// a module that it is like, then what that one is like, and so on. Checks that it is unpacked to the same words. Runs while the
// library is built, on the building machine. Throws nothing: engines build without exceptions.
#include "device/packed_module.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<uint8_t>;
using Words = std::vector<uint32_t>;

constexpr uint32_t kMagic = 0x07230203;
constexpr uint32_t kOpFunction = 54;

void putNumber(Bytes& bytes, uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
        bytes.push_back(static_cast<uint8_t>(value | 0x80));
    }
    bytes.push_back(static_cast<uint8_t>(value));
}

size_t sizeOfNumber(uint64_t value) {
    size_t size = 1;
    for (; value >= 0x80; value >>= 7) {
        ++size;
    }
    return size;
}

// Ids of types, constants and global variables are the same numbers everywhere; those of functions are near the next.
Bytes encode(const Words& words) {
    Bytes code;
    for (uint32_t i = 0; i < vkn::kPackedHeaderWords; ++i) {
        putNumber(code, words[i]);
    }
    uint32_t next = 1;
    uint32_t firstOfFunctions = UINT32_MAX;
    for (size_t at = vkn::kPackedHeaderWords; at < words.size();) {
        const uint32_t opcode = words[at] & 0xFFFF;
        const uint32_t length = words[at] >> 16;
        firstOfFunctions = opcode == kOpFunction ? std::min(firstOfFunctions, next) : firstOfFunctions;
        putNumber(code, opcode);
        putNumber(code, length);
        for (size_t i = at + 1; i < at + length; ++i) {
            const uint32_t word = words[i];
            const bool isNear = word == next || (word >= firstOfFunctions && word < next);
            putNumber(code, isNear ? uint64_t{next - word} * 2 : uint64_t{word} * 2 + 1);
            next += word == next ? 1 : 0;
        }
        at += length;
    }
    return code;
}

// The sequences of least bytes for the code behind `start`, found from the first byte to the last: what leads to each place best, by literals or a match that
// is as far back as the last or one of those with the same four bytes.
class Compressor {
public:
    Compressor(const Bytes& code, size_t start)
        : code_(code), start_(start), steps_(code.size() + 1), previous_(code.size(), kNone) {}

    Bytes run() {
        for (size_t at = 0; at < start_; ++at) {
            remember(at);
        }
        steps_[start_].cost = 0;
        for (size_t at = start_; at < code_.size(); ++at) {
            tryLiteral(at);
            tryRepeat(at);
            tryMatches(at);
            remember(at);
        }
        return write();
    }

private:
    static constexpr uint32_t kNone = UINT32_MAX;
    static constexpr uint32_t kHashBits = 16;
    static constexpr uint32_t kMostTried = 256;  // earlier places of the same four bytes
    static constexpr uint32_t kShort = 40;  // of matches up to here all lengths are tried, of others only the whole

    // How a place is reached.
    struct Step {
        uint32_t cost = UINT32_MAX;
        uint32_t length = 0;    // of the match that ends here; 0: a literal does
        uint32_t distance = 0;  // of the last match
        uint32_t literals = 0;  // since it
        bool isRepeat = false;
    };

    const Bytes& code_;
    size_t start_;
    std::vector<Step> steps_;
    std::vector<uint32_t> previous_;  // place of the same hash
    std::vector<uint32_t> newest_ = std::vector<uint32_t>(size_t{1} << kHashBits, kNone);

    void reach(size_t place, const Step& step) {
        if (step.cost < steps_[place].cost) {
            steps_[place] = step;
        }
    }

    // Bytes of a count besides its token's.
    static uint32_t sizeOfRest(uint32_t count, uint32_t most) {
        return count < most ? 0 : static_cast<uint32_t>(sizeOfNumber(count - most));
    }

    void tryLiteral(size_t at) {
        Step step = steps_[at];
        const uint32_t before = sizeOfRest(step.literals, vkn::kMostLiteralsOfToken);
        ++step.literals;
        step.cost += 1 + sizeOfRest(step.literals, vkn::kMostLiteralsOfToken) - before;
        step.length = 0;
        reach(at + 1, step);
    }

    uint32_t lengthOfMatch(size_t at, size_t distance) const {
        uint32_t length = 0;
        while (at + length < code_.size() && code_[at + length] == code_[at + length - distance]) {
            ++length;
        }
        return length;
    }

    void takeMatch(size_t at, uint32_t longest, uint32_t distance, bool isRepeat) {
        const uint32_t rest = isRepeat ? 0 : static_cast<uint32_t>(sizeOfNumber(distance));
        for (uint32_t length = vkn::kLeastMatch; length <= longest; length = length < kShort ? length + 1 : longest) {
            const uint32_t size = 1 + sizeOfRest(length - vkn::kLeastMatch, vkn::kMostMatchOfToken) + rest;
            reach(at + length, {steps_[at].cost + size, length, distance, 0, isRepeat});
            if (length == longest) {
                break;
            }
        }
    }

    void tryRepeat(size_t at) {
        const uint32_t distance = steps_[at].distance;
        if (distance != 0) {
            takeMatch(at, lengthOfMatch(at, distance), distance, true);
        }
    }

    // The place that was last seen to have the hash of this one's four bytes. Null where there are fewer.
    uint32_t* newestLike(size_t at) {
        if (code_.size() - at < 4) {
            return nullptr;
        }
        uint32_t four = 0;
        std::memcpy(&four, &code_[at], sizeof four);
        return &newest_[(four * 0x9E3779B1u) >> (32 - kHashBits)];
    }

    void remember(size_t at) {
        if (uint32_t* newest = newestLike(at)) {
            previous_[at] = *newest;
            *newest = static_cast<uint32_t>(at);
        }
    }

    void tryMatches(size_t at) {
        const uint32_t* newest = newestLike(at);
        uint32_t best = vkn::kLeastMatch;  // worth its distance only where it is longer
        uint32_t place = newest != nullptr ? *newest : kNone;
        for (uint32_t tried = 0; place != kNone && tried < kMostTried; ++tried, place = previous_[place]) {
            const auto distance = static_cast<uint32_t>(at - place);
            const uint32_t length = lengthOfMatch(at, distance);
            if (length > best) {
                best = length;
                takeMatch(at, length, distance, false);
            }
        }
    }

    static uint32_t partOfToken(uint32_t count, uint32_t most) { return std::min(count, most); }

    static void putRest(Bytes& bytes, uint32_t count, uint32_t most) {
        if (count >= most) {
            putNumber(bytes, count - most);
        }
    }

    // The places at which matches end, the last first.
    std::vector<size_t> endsOfMatches() const {
        std::vector<size_t> ends;
        for (size_t at = code_.size(); at != start_; at -= std::max(steps_[at].length, 1u)) {
            if (steps_[at].length != 0) {
                ends.push_back(at);
            }
        }
        return ends;
    }

    Bytes write() const {
        Bytes packed;
        size_t at = start_;
        std::vector<size_t> ends = endsOfMatches();
        for (; !ends.empty(); ends.pop_back()) {
            const Step& match = steps_[ends.back()];
            writeSequence(packed, at, ends.back() - match.length, &match);
            at = ends.back();
        }
        if (at != code_.size()) {
            writeSequence(packed, at, code_.size(), nullptr);
        }
        return packed;
    }

    void writeSequence(Bytes& packed, size_t first, size_t end, const Step* match) const {
        const auto literals = static_cast<uint32_t>(end - first);
        const uint32_t length = match != nullptr ? match->length - vkn::kLeastMatch : 0;
        packed.push_back(static_cast<uint8_t>(partOfToken(literals, vkn::kMostLiteralsOfToken) |
                                              (match != nullptr && match->isRepeat ? vkn::kRepeatBit : 0) |
                                              partOfToken(length, vkn::kMostMatchOfToken) << 4));
        putRest(packed, literals, vkn::kMostLiteralsOfToken);
        packed.insert(packed.end(), code_.begin() + static_cast<std::ptrdiff_t>(first),
                      code_.begin() + static_cast<std::ptrdiff_t>(end));
        if (match != nullptr) {
            putRest(packed, length, vkn::kMostMatchOfToken);
            if (!match->isRepeat) {
                putNumber(packed, match->distance);
            }
        }
    }
};

// `preceding`: the code of what it is like.
Bytes pack(const Words& words, const Bytes& preceding) {
    const Bytes code = encode(words);
    const auto wordCount = static_cast<uint32_t>(words.size());
    Bytes packed;
    putNumber(packed, wordCount);
    putNumber(packed, code.size());
    putNumber(packed, vkn::checksumOf(words.data(), wordCount));
    Bytes whole = preceding;
    whole.insert(whole.end(), code.begin(), code.end());
    const Bytes sequences = Compressor(whole, preceding.size()).run();
    packed.insert(packed.end(), sequences.begin(), sequences.end());
    return packed;
}

Words unpack(const Bytes& packed, const Bytes& preceding) {
    const vkn::PackedBytes bytes = {packed.data(), packed.size()};
    vkn::PackedHeader header;
    if (!vkn::readPackedHeader(bytes, header)) {
        return {};
    }
    Bytes whole = preceding;
    whole.resize(preceding.size() + header.codeSize);
    uint8_t* code = whole.data() + preceding.size();
    Words words(header.wordCount);
    const bool isWhole =
        vkn::expandCode(bytes, header, code, preceding.size()) && vkn::decodeWords(header, code, words.data());
    return isWhole ? words : Words();
}

[[noreturn]] void fail(const std::string& path, const char* text) {
    std::fprintf(stderr, "pack_module: %s: %s\n", path.c_str(), text);
    std::exit(1);
}

// Whether instructions follow each other to the end.
bool isModule(const Words& words) {
    size_t at = vkn::kPackedHeaderWords;
    while (at < words.size() && words[at] >> 16 != 0) {
        at += words[at] >> 16;
    }
    return at == words.size() && words[0] == kMagic;
}

Words readModule(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const Bytes bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    Words words(bytes.size() / 4);
    for (size_t i = 0; i < words.size() * 4; ++i) {
        words[i / 4] |= uint32_t{bytes[i]} << (i % 4 * 8);
    }
    if (bytes.size() % 4 != 0 || !isModule(words)) {
        fail(path, "is no little-endian SPIR-V module");
    }
    return words;
}

void writeFile(const std::string& path, const Bytes& bytes) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) {
        fail(path, "cannot be written");
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: pack_module PACKED MODULE.spv [LIKE.spv...]\n", stderr);
        return 2;
    }
    Bytes preceding;
    for (int i = argc - 1; i > 2; --i) {
        const Bytes code = encode(readModule(argv[i]));
        preceding.insert(preceding.end(), code.begin(), code.end());
    }
    const Words words = readModule(argv[2]);
    const Bytes packed = pack(words, preceding);
    if (unpack(packed, preceding) != words) {
        fail(argv[2], "is not what it was when it is unpacked: a fault of pack_module, or a module too large for it");
    }
    writeFile(argv[1], packed);
    return 0;
}
