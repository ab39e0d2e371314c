// Taking fields out of a line of a result file, which anybody may have made: each is there, of its type and within bounds, or
// the error names file, line, field, value and bound.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/schema.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace vknorm::compare {

// "a.jsonl, line 3, timing.medianSeconds: ..."
struct ResultFileError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Place {
    std::string file;
    size_t line = 0;
};

[[noreturn]] void failAt(const Place& place, const std::string& what);

inline constexpr double kMostSeconds = 1e6;
inline constexpr double kMostBytesPerSecond = 1e16;
inline constexpr uint64_t kMostExact = uint64_t{1} << 53;  // the largest number that every reader of JSON has exactly
inline constexpr size_t kMostNameBytes = 256;
inline constexpr size_t kMostTextBytes = 4096;

// A text without control characters, and without those that turn the direction of what follows: each is replaced.
std::string cleanText(std::string_view text);

// The line as JSON. Throws ResultFileError, also of what is nested too deep.
Json parseLine(std::string_view text, const Place& place);

// The fields of an object. Those of an object in it are named after it: timing.medianSeconds.
class Fields {
public:
    Fields(const Json& object, const Place& place, std::string name = {});

    bool has(const char* name) const;

    std::string text(const char* name, size_t mostBytes = kMostNameBytes) const;
    std::string textOr(const char* name, const char* otherwise, size_t mostBytes = kMostNameBytes) const;
    std::vector<std::string> texts(const char* name) const;  // none where it is absent
    double number(const char* name, double least, double most) const;
    std::optional<double> numberIfThere(const char* name, double least, double most) const;  // none of null, as of NaN
    uint64_t count(const char* name, uint64_t least, uint64_t most) const;
    std::optional<uint64_t> countIfThere(const char* name, uint64_t most) const;
    bool flag(const char* name) const;
    std::optional<bool> flagIfThere(const char* name) const;
    bool isNull(const char* name) const;
    Fields object(const char* name) const;
    std::optional<Fields> objectIfThere(const char* name) const;
    std::vector<Fields> objects(const char* name) const;  // none where it is absent
    // One number each, by their names; none of what is null.
    std::vector<std::pair<std::string, std::optional<double>>> numbers() const;

    [[noreturn]] void fail(const char* name, const std::string& what) const;
    const Place& place() const { return place_; }

private:
    const Json& at(const char* name) const;
    std::string nameOf(const char* name) const;

    const Json& object_;
    const Place& place_;
    std::string name_;
};

}  // namespace vknorm::compare
