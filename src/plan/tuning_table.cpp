#include "plan/tuning_table.hpp"

#include "base/error.hpp"
#include "include/interface.h"
#include "plan/choose.hpp"
#include "plan/tuning_words.hpp"

#include <cstdio>
#include <cstring>

namespace vkn {

namespace {

constexpr uint32_t kMostInvocations = 1u << 16;

// Characters of a line, without a zero behind them.
struct Word {
    const char* text = nullptr;
    size_t size = 0;

    bool is(const char* other) const { return size == strlen(other) && memcmp(text, other, size) == 0; }
    bool isEmpty() const { return size == 0; }
    // What stands before `separator`, which is taken with it. All of it where there is none.
    Word takeUntil(char separator) {
        const auto* found = static_cast<const char*>(size == 0 ? nullptr : memchr(text, separator, size));
        const Word before = {text, found == nullptr ? size : static_cast<size_t>(found - text)};
        const size_t taken = found == nullptr ? size : before.size + 1;
        text += taken;
        size -= taken;
        return before;
    }
};

bool isPrintable(const Word& line) {
    for (size_t i = 0; i < line.size; ++i) {
        if (line.text[i] < ' ' || line.text[i] > '~') {
            return false;
        }
    }
    return true;
}

// The next word of a line; empty at its end.
Word takeWord(Word& line) {
    Word word;
    do {
        word = line.takeUntil(' ');
    } while (word.isEmpty() && !line.isEmpty());
    return word;
}

int digitOf(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Nothing but digits, and within bounds.
bool parseDigits(const Word& word, uint32_t base, uint64_t largest, uint64_t& number) {
    number = 0;
    for (size_t i = 0; i < word.size; ++i) {
        const int read = digitOf(word.text[i]);
        const auto digit = static_cast<uint32_t>(read);
        if (read < 0 || digit >= base || digit > largest || number > (largest - digit) / base) {
            return false;
        }
        number = number * base + digit;
    }
    return !word.isEmpty();
}

bool parseNumber(const Word& word, uint32_t largest, uint32_t& number) {
    const bool isHexadecimal = word.size > 2 && word.text[0] == '0' && word.text[1] == 'x';
    uint64_t parsed = 0;
    const bool isRight = isHexadecimal ? parseDigits({word.text + 2, word.size - 2}, 16, largest, parsed)
                                       : parseDigits(word, 10, largest, parsed);
    number = static_cast<uint32_t>(parsed);
    return isRight;
}

bool parsePositive(const Word& word, uint32_t largest, uint32_t& number) {
    return parseNumber(word, largest, number) && number != 0;
}

// "22.3"
bool parseRelease(Word word, uint32_t& release) {
    constexpr uint32_t kMost = 0xFFFF;
    uint32_t major = 0;
    uint32_t minor = 0;
    const bool isRight = parseNumber(word.takeUntil('.'), kMost, major) && parseNumber(word, kMost, minor);
    release = releaseOf(major, minor);
    return isRight;
}

// "A-B", or "A", which is both.
template <typename Parse>
bool parseRange(Word word, const Parse& parse, uint32_t& first, uint32_t& last) {
    const Word low = word.takeUntil('-');
    const Word high = word.isEmpty() ? low : word;
    return parse(low, first) && parse(high, last) && first <= last;
}

template <size_t size>
bool findWord(const char* const (&words)[size], const Word& word, uint32_t& index) {
    for (uint32_t i = 0; i < size; ++i) {
        if (words[i] != nullptr && word.is(words[i])) {
            index = i;
            return true;
        }
    }
    return false;
}

// "plain", or words joined by +.
bool parseExtras(Word word, uint32_t& extras) {
    extras = 0;
    if (word.is(kPlainWord)) {
        return true;
    }
    while (!word.isEmpty()) {
        uint32_t extra = 0;
        if (!findWord(kExtraWords, word.takeUntil('+'), extra) || (extras & (1u << extra)) != 0) {
            return false;
        }
        extras |= 1u << extra;
    }
    return extras != 0;
}

// The fields of a line, each "name=value" and at most once. What is wrong is kept in `fault`.
class Fields {
public:
    explicit Fields(const Word& line) : line_(line) {}

    template <typename T, size_t size>
    bool read(const T (&known)[size], typename T::Target& target) {
        for (Word word = takeWord(line_); !word.isEmpty(); word = takeWord(line_)) {
            const Word name = word.takeUntil('=');
            if (!readOne(known, name, word, target)) {
                fault = name;
                return false;
            }
        }
        for (uint32_t i = 0; i < size; ++i) {
            if (known[i].isRequired && !has(i)) {
                missing = known[i].name;
                return false;
            }
        }
        return true;
    }

    bool has(uint32_t index) const { return (seen_ & (1u << index)) != 0; }

    Word fault;
    const char* missing = nullptr;

private:
    template <typename T, size_t size>
    bool readOne(const T (&known)[size], const Word& name, const Word& value, typename T::Target& target) {
        for (uint32_t i = 0; i < size; ++i) {
            if (name.is(known[i].name)) {
                const bool isFirst = !has(i);
                seen_ |= 1u << i;
                return isFirst && known[i].parse(value, target);
            }
        }
        return false;
    }

    Word line_;
    uint32_t seen_ = 0;
};

struct DeviceField {
    using Target = TuningDevice;
    const char* name;
    bool isRequired;
    bool (*parse)(const Word& value, TuningDevice& device);
};

constexpr DeviceField kDeviceFields[] = {
    {"driver", true, [](const Word& v, TuningDevice& d) { return parseNumber(v, UINT32_MAX, d.driverId); }},
    {"vendor", true, [](const Word& v, TuningDevice& d) { return parseNumber(v, UINT32_MAX, d.vendorId); }},
    {"device", false,
     [](const Word& v, TuningDevice& d) {
         d.isAnyDevice = false;
         return parseNumber(v, UINT32_MAX, d.deviceId);
     }},
    {"subgroup", true, [](const Word& v, TuningDevice& d) { return parseNumber(v, kMostInvocations, d.subgroupSize); }},
    {"version", true,
     [](const Word& v, TuningDevice& d) { return parseRange(v, parseRelease, d.firstRelease, d.lastRelease); }},
    {"kernels", true,
     [](const Word& v, TuningDevice& d) { return v.size == 16 && parseDigits(v, 16, UINT64_MAX, d.kernelHash); }},
};

bool parseSize(const Word& word, uint32_t& size) { return parsePositive(word, kMaxHiddenSize, size); }

struct EntryField {
    using Target = TuningEntry;
    const char* name;
    bool isRequired;
    bool (*parse)(const Word& value, TuningEntry& entry);
};

constexpr EntryField kEntryFields[] = {
    {"chunk", true,
     [](const Word& v, TuningEntry& e) {
         return parsePositive(v, 8, e.key.chunk) && (e.key.chunk == 4 || e.key.chunk == 8);
     }},
    {"size", true, [](const Word& v, TuningEntry& e) { return parseRange(v, parseSize, e.firstSize, e.lastSize); }},
    {"form", false, [](const Word& v, TuningEntry& e) { return findWord(kFormWords, v, e.form); }},
    {"workgroup", false,
     [](const Word& v, TuningEntry& e) { return parsePositive(v, kMostInvocations, e.workgroupSize); }},
    {"subgroup", false,
     [](const Word& v, TuningEntry& e) { return parsePositive(v, kMostInvocations, e.subgroupSize); }},
    {"max-workgroups", false,
     [](const Word& v, TuningEntry& e) { return parsePositive(v, UINT32_MAX, e.maxWorkgroups); }},
    {"read-twice", false, [](const Word& v, TuningEntry& e) { return parsePositive(v, 1, e.readTwice); }},
    {"rows-at-once", false,
     [](const Word& v, TuningEntry& e) { return parsePositive(v, VKN_MAX_ROWS_AT_ONCE, e.rowsAtOnce); }},
};

// The words in front of an entry's fields.
const char* readKey(Word& line, Word first, TuningKey& key) {
    if (!findWord(kOperationWords, first, key.operation)) {
        return "must begin with 'device' or an operation";
    }
    if (!findWord(kPlacementWords, takeWord(line), key.placement)) {
        return "the second word must be a placement";
    }
    if (!findWord(kDirectionWords, takeWord(line), key.isBackward)) {
        return "the third word must be forward or backward";
    }
    return parseExtras(takeWord(line), key.extras) ? nullptr : "the fourth word must be plain, or extras joined by +";
}

bool isEmptyEntry(const TuningEntry& entry) {
    return (entry.form | entry.workgroupSize | entry.subgroupSize | entry.maxWorkgroups | entry.readTwice |
            entry.rowsAtOnce) == 0;
}

void describe(const Fields& fields, char (&text)[96]) {
    if (fields.missing != nullptr) {
        snprintf(text, sizeof text, "has no %s=", fields.missing);
    } else {
        const int shown = static_cast<int>(fields.fault.size < 40 ? fields.fault.size : 40);
        snprintf(text, sizeof text, "'%.*s' is unknown, given twice or has a wrong value", shown, fields.fault.text);
    }
}

}  // namespace

TuningTarget tuningTarget(const DeviceFacts& facts, uint64_t kernelHash) {
    return {facts.driverId, facts.vendorId, facts.deviceId, facts.subgroupSize, facts.driverRelease, kernelHash};
}

bool TuningDevice::covers(const TuningTarget& target) const {
    return driverId == target.driverId && vendorId == target.vendorId && (isAnyDevice || deviceId == target.deviceId) &&
           subgroupSize == target.subgroupSize && firstRelease <= target.release && target.release <= lastRelease &&
           kernelHash == target.kernelHash;
}

TuningKey tuningKey(const OperationSpec& spec) {
    bool takesSums = false;
    for (RoleSet roles = spec.roles; roles != 0; roles = withoutFirst(roles)) {
        takesSums = takesSums || isParameterGradient(firstRole(roles));
    }
    const bool has[kExtraCount] = {spec.has(VKN_ROLE_GATE), spec.hasRope(), spec.measuresOutput(), takesSums,
                                   spec.channelsLast != 0};
    TuningKey key = {spec.operation, spec.placement, spec.isBackward() ? 1u : 0u, 0, chunkSize(spec)};
    for (uint32_t extra = 0; extra < kExtraCount; ++extra) {
        key.extras |= has[extra] ? 1u << extra : 0u;
    }
    return key;
}

TuningReader::TuningReader(const void* text, size_t size, VknError* error)
    : at_(static_cast<const char*>(text)), end_(at_ + size), error_(error) {}

TuningReader::Item TuningReader::bad(const char* what) {
    fail(error_, VKN_ERROR_BAD_DATA, "pTuningTable line", line_, 0, "%s", what);
    return Item::Bad;
}

TuningReader::Item TuningReader::next() {
    while (at_ != end_) {
        Word rest = {at_, static_cast<size_t>(end_ - at_)};
        Word line = rest.takeUntil('\n');
        at_ = rest.text;
        ++line_;
        if (line.size != 0 && line.text[line.size - 1] == '\r') {
            --line.size;
        }
        const Item item = read(line.text, line.size);
        if (item != Item::End) {
            return item;
        }
    }
    return hasHeader_ ? Item::End : bad("the table is empty");
}

// End where a line says nothing.
TuningReader::Item TuningReader::read(const char* text, size_t size) {
    Word line = {text, size};
    if (!isPrintable(line)) {
        return bad("has a character that is not printable ASCII");
    }
    if (!hasHeader_) {
        hasHeader_ = line.is(kTuningHeader);
        return hasHeader_ ? Item::End : bad("must be 'vknorm-tuning 1'");
    }
    const Word first = takeWord(line);
    if (first.isEmpty() || first.text[0] == '#') {
        return Item::End;
    }
    char what[96];
    Fields fields(line);
    if (first.is("device")) {
        device_ = TuningDevice();
        hasDevice_ = fields.read(kDeviceFields, device_);
        describe(fields, what);
        return hasDevice_ ? Item::Device : bad(what);
    }
    if (!hasDevice_) {
        return bad("stands before the first device");
    }
    entry_ = TuningEntry();
    const char* fault = readKey(line, first, entry_.key);
    if (fault != nullptr) {
        return bad(fault);
    }
    Fields ofEntry(line);
    if (!ofEntry.read(kEntryFields, entry_)) {
        describe(ofEntry, what);
        return bad(what);
    }
    return isEmptyEntry(entry_) ? bad("says nothing about the kernel") : Item::Entry;
}

}  // namespace vkn
