// SPDX-License-Identifier: Apache-2.0
#include "report/fields.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace vknorm::compare {
namespace {

constexpr size_t kDeepest = 16;         // objects and arrays in one another; a line that is right has 4
constexpr size_t kMostItems = 1000;     // of a list
constexpr size_t kMostShownBytes = 60;  // of a value that is wrong

// For messages: ASCII, so that nothing in a file reaches the terminal as it is.
std::string shown(const Json& value) {
    if (value.is_object() || value.is_array()) {
        return value.is_object() ? "an object" : "a list";
    }
    std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    if (text.size() > kMostShownBytes) {
        text = text.substr(0, kMostShownBytes) + "...";
    }
    return text;
}

std::string plainAscii(std::string_view text) {
    std::string result(text.substr(0, 2 * kMostShownBytes));
    std::replace_if(
        result.begin(), result.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
    return result;
}

// What follows "[json.exception.parse_error.101] parse error at line 1, column 5: ".
std::string reasonOf(const Json::exception& error) {
    const std::string_view text = error.what();
    const size_t end = text.find("] ");
    return plainAscii(end == std::string_view::npos ? text : text.substr(end + 2));
}

struct CodePoint {
    uint32_t value;
    size_t bytes;
};

// Of UTF-8, which a JSON parser has let through.
CodePoint codePointAt(std::string_view text, size_t at) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(at + i < text.size() ? text[at + i] : 0); };
    const uint32_t first = byte(0);
    if (first < 0x80U) {
        return {first, 1};
    }
    if (first < 0xE0U) {
        return {(first & 0x1FU) << 6U | (byte(1) & 0x3FU), 2};
    }
    if (first < 0xF0U) {
        return {(first & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU), 3};
    }
    return {0x10000U, 4};
}

bool isUnwanted(uint32_t codePoint) {
    const bool isControl = codePoint < 0x20 || (codePoint >= 0x7F && codePoint < 0xA0);
    const bool isLineEnd = codePoint == 0x2028 || codePoint == 0x2029;
    const bool turns = codePoint == 0x200E || codePoint == 0x200F || (codePoint >= 0x202A && codePoint <= 0x202E) ||
                       (codePoint >= 0x2066 && codePoint <= 0x2069);
    return isControl || isLineEnd || turns;
}

}  // namespace

void failAt(const Place& place, const std::string& what) {
    throw ResultFileError(place.line == 0 ? fmt::format("{}: {}", place.file, what)
                                          : fmt::format("{}, line {}: {}", place.file, place.line, what));
}

std::string cleanText(std::string_view text) {
    std::string result;
    for (size_t at = 0; at < text.size();) {
        const CodePoint point = codePointAt(text, at);
        if (isUnwanted(point.value)) {
            result += point.value == '\n' || point.value == '\t' ? " " : "\xEF\xBF\xBD";
        } else {
            result.append(text.substr(at, point.bytes));
        }
        at += point.bytes;
    }
    return result;
}

Json parseLine(std::string_view text, const Place& place) {
    const auto checkDepth = [&](int depth, Json::parse_event_t /*event*/, Json& /*parsed*/) {
        if (depth > static_cast<int>(kDeepest)) {
            failAt(place, fmt::format("more than {} objects and lists in one another", kDeepest));
        }
        return true;
    };
    try {
        return Json::parse(text.begin(), text.end(), checkDepth);
    } catch (const Json::exception& error) {
        failAt(place, fmt::format("no JSON, or cut off: {}", reasonOf(error)));
    }
}

Fields::Fields(const Json& object, const Place& place, std::string name)
    : object_(object), place_(place), name_(std::move(name)) {
    if (!object.is_object()) {
        failAt(place, fmt::format("{}{}: must be an object", name_.empty() ? "" : name_ + " ", shown(object)));
    }
}

std::string Fields::nameOf(const char* name) const { return name_.empty() ? name : fmt::format("{}.{}", name_, name); }

void Fields::fail(const char* name, const std::string& what) const {
    throw ResultFileError(fmt::format("{}, line {}, {}{}", place_.file, place_.line, nameOf(name), what));
}

bool Fields::has(const char* name) const { return object_.contains(name); }

bool Fields::isNull(const char* name) const { return has(name) && object_.at(name).is_null(); }

const Json& Fields::at(const char* name) const {
    const auto found = object_.find(name);
    if (found == object_.end()) {
        fail(name, ": is missing");
    }
    return *found;
}

std::string Fields::text(const char* name, size_t mostBytes) const {
    const Json& value = at(name);
    if (!value.is_string()) {
        fail(name, fmt::format(" {}: must be a text", shown(value)));
    }
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() > mostBytes) {
        fail(name, fmt::format(": {} bytes of text, and at most {} are taken", text.size(), mostBytes));
    }
    return cleanText(text);
}

std::string Fields::textOr(const char* name, const char* otherwise, size_t mostBytes) const {
    return has(name) ? text(name, mostBytes) : std::string(otherwise);
}

std::vector<std::string> Fields::texts(const char* name) const {
    std::vector<std::string> result;
    if (!has(name)) {
        return result;
    }
    const Json& list = at(name);
    if (!list.is_array() || list.size() > kMostItems) {
        fail(name, fmt::format(" {}: must be a list of at most {}", shown(list), kMostItems));
    }
    for (const Json& item : list) {
        if (!item.is_string() || item.get_ref<const std::string&>().size() > kMostNameBytes) {
            fail(name, fmt::format(": has {}, must have texts of at most {} bytes", shown(item), kMostNameBytes));
        }
        result.push_back(cleanText(item.get_ref<const std::string&>()));
    }
    return result;
}

double Fields::number(const char* name, double least, double most) const {
    const Json& value = at(name);
    if (!value.is_number()) {
        fail(name, fmt::format(" {}: must be a number", shown(value)));
    }
    const auto number = value.get<double>();
    if (!(number >= least && number <= most)) {
        fail(name, fmt::format(" {}: must be from {:g} to {:g}", shown(value), least, most));
    }
    return number;
}

std::optional<double> Fields::numberIfThere(const char* name, double least, double most) const {
    return has(name) && !isNull(name) ? std::optional(number(name, least, most)) : std::nullopt;
}

uint64_t Fields::count(const char* name, uint64_t least, uint64_t most) const {
    const Json& value = at(name);
    if (!value.is_number_unsigned() || value.get<uint64_t>() < least || value.get<uint64_t>() > most) {
        fail(name, fmt::format(" {}: must be a whole number from {} to {}", shown(value), least, most));
    }
    return value.get<uint64_t>();
}

std::optional<uint64_t> Fields::countIfThere(const char* name, uint64_t most) const {
    return has(name) ? std::optional(count(name, 0, most)) : std::nullopt;
}

bool Fields::flag(const char* name) const {
    const Json& value = at(name);
    if (!value.is_boolean()) {
        fail(name, fmt::format(" {}: must be true or false", shown(value)));
    }
    return value.get<bool>();
}

std::optional<bool> Fields::flagIfThere(const char* name) const {
    return has(name) ? std::optional(flag(name)) : std::nullopt;
}

Fields Fields::object(const char* name) const { return {at(name), place_, nameOf(name)}; }

std::optional<Fields> Fields::objectIfThere(const char* name) const {
    return has(name) ? std::optional<Fields>(object(name)) : std::nullopt;
}

std::vector<Fields> Fields::objects(const char* name) const {
    std::vector<Fields> result;
    if (!has(name)) {
        return result;
    }
    const Json& list = at(name);
    if (!list.is_array() || list.size() > kMostItems) {
        fail(name, fmt::format(" {}: must be a list of at most {}", shown(list), kMostItems));
    }
    for (const Json& item : list) {
        result.emplace_back(item, place_, nameOf(name));
    }
    return result;
}

std::vector<std::pair<std::string, std::optional<double>>> Fields::numbers() const {
    std::vector<std::pair<std::string, std::optional<double>>> result;
    for (const auto& [name, value] : object_.items()) {
        if (name.size() > kMostNameBytes || result.size() >= kMostItems) {
            failAt(place_, fmt::format("{}: at most {} numbers with names of at most {} bytes are taken", name_,
                                       kMostItems, kMostNameBytes));
        }
        const std::string key = cleanText(name);
        if (value.is_null()) {
            result.emplace_back(key, std::nullopt);
        } else if (value.is_number()) {
            result.emplace_back(key, value.get<double>());
        } else {
            failAt(place_, fmt::format("{}.{} {}: must be a number", name_, plainAscii(key), shown(value)));
        }
    }
    return result;
}

}  // namespace vknorm::compare
