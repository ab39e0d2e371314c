// SPDX-License-Identifier: Apache-2.0
#include "cases.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace vknorm::compare {
namespace {

// In the order of a quick run: what is best known, then everything else at one small shape, types in rotation.
constexpr Shape kQuickShapes[] = {{1, 4096}, {512, 4096}, {16384, 128}};
constexpr Shape kQuickShape = {64, 1024};
constexpr Shape kQuickHeads = {32 * kHeads, 128};

template <typename T>
bool isWanted(const std::vector<T>& wanted, const T& value) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

bool isSelected(const Selection& selection, const Operation& operation) {
    const bool isNamed = !selection.operations.empty() && isWanted<std::string>(selection.operations, operation.name);
    return isNamed || (selection.operations.empty() && !operation.isPart);
}

std::vector<Shape> shapesFor(const Selection& selection, const Operation& operation) {
    if (!selection.shapes.empty()) {
        return selection.shapes;
    }
    std::vector<Shape> shapes;
    for (const Shape& shape : shapesOf(operation)) {
        if (isWanted(selection.rows, shape.rows) && isWanted(selection.hiddenSizes, shape.hiddenSize)) {
            shapes.push_back(shape);
        }
    }
    return shapes;
}

std::vector<const TypeSet*> typesFor(const Selection& selection) {
    std::vector<const TypeSet*> types;
    for (const TypeSet& each : allTypes()) {
        if (isWanted<std::string>(selection.types, each.name)) {
            types.push_back(&each);
        }
    }
    return types;
}

std::vector<Case> quickCases(const Selection& selection) {
    const std::vector<const TypeSet*> types = typesFor(selection);
    std::vector<Case> cases;
    if (isSelected(selection, findOperation("rmsnorm"))) {
        for (const Shape& shape : kQuickShapes) {
            cases.push_back({&findOperation("rmsnorm"), types.front(), shape});
        }
    }
    size_t turn = 0;
    for (const Operation& operation : allOperations()) {
        if (isSelected(selection, operation)) {
            const Shape& shape = operation.hasHeads ? kQuickHeads : kQuickShape;
            cases.push_back({&operation, types[turn++ % types.size()], shape});
        }
    }
    return cases;
}

}  // namespace

std::string Case::name() const { return fmt::format("{} {} {}", operation->name, types->name, nameOf(shape)); }

std::vector<Case> selectCases(const Selection& selection) {
    if (selection.isQuick) {
        return quickCases(selection);
    }
    std::vector<Case> cases;
    for (const Operation& operation : allOperations()) {
        if (!isSelected(selection, operation)) {
            continue;
        }
        for (const TypeSet* types : typesFor(selection)) {
            for (const Shape& shape : shapesFor(selection, operation)) {
                cases.push_back({&operation, types, shape});
            }
        }
    }
    return cases;
}

}  // namespace vknorm::compare
