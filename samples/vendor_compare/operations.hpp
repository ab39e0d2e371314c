// The one table of what is measured: operations, types and shapes. A new operation is a row.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vknorm/vknorm.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vknorm::compare {

struct Shape {
    uint64_t rows;
    uint32_t hiddenSize;
};
inline bool operator==(const Shape& a, const Shape& b) { return a.rows == b.rows && a.hiddenSize == b.hiddenSize; }
std::string nameOf(const Shape& shape);  // "512x4096"

struct TypeSet {
    const char* name;
    VknType activation;  // branches, outputs, and their gradients
    VknType stream;      // the residual, what it becomes, and its gradient
    VknType parameter;
};

// The same by operations that are rows themselves: the second reads, as its INPUT, what the first writes as `between`.
struct Apart {
    const char* first;
    const char* second;
    VknRole between;
};

struct Operation {
    const char* name;
    const char* text;
    VknOperation operation;
    VknPlacement placement;
    std::vector<VknRole> roles;
    VknPlanFlags flags = 0;
    bool isQuantised = false;  // OUTPUT is int8, with a scale a row
    bool hasHeads = false;     // a row is a head that is turned (RoPE), and shapes are those of heads
    bool hasGroups = false;    // a row is an image of kChannels channels in kGroups groups
    bool isPart = false;       // only there to be a part of others; measured by itself if asked for by name
    std::optional<Apart> apart = std::nullopt;

    bool has(VknRole role) const;
    bool isBackward() const { return (flags & VKN_PLAN_BACKWARD_BIT) != 0; }
    // Gradients of parameters: sums over rows.
    bool takesSums() const { return has(VKN_ROLE_GAMMA_GRADIENT); }
};

inline constexpr uint32_t kQueryHeads = 24;
inline constexpr uint32_t kKeyHeads = 8;
inline constexpr uint32_t kHeads = kQueryHeads + kKeyHeads;
inline constexpr uint32_t kChannels = 64;
inline constexpr uint32_t kGroups = 32;
inline constexpr float kEpsilon = 1e-5F;
inline constexpr float kAlpha = 0.5F;  // DyT's

const std::vector<Operation>& allOperations();
const Operation& findOperation(const std::string& name);  // throws std::out_of_range
const std::vector<TypeSet>& allTypes();
// What is measured of an operation where nobody asks for other shapes.
std::vector<Shape> shapesOf(const Operation& operation);

// Why an operation has no such shape; empty where it has.
std::string unsuited(const Operation& operation, const Shape& shape);

// The element type of an operand; that of indices and statistics is the role's own.
VknType typeOf(const Operation& operation, const TypeSet& types, VknRole role);

}  // namespace vknorm::compare
