// The README's tables of operations and of residual blocks say what the library's own tables say.
#include "plan/operation.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

namespace vknorm::test {
namespace {

std::string readme() {
    std::ifstream file(VKNORM_README);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string namesOf(vkn::RoleSet roles) {
    std::string names;
    for (uint32_t r = 1; r < vkn::kRoleCount; ++r) {
        const vkn::RoleInfo& role = *vkn::findRole(static_cast<VknRole>(r));
        if ((roles & vkn::roleBit(role.role)) != 0) {
            names.append(names.empty() ? "" : ", ").append(role.name);
        }
    }
    return names;
}

// The columns behind the formula.
std::string operandColumns(const vkn::DirectionInfo& info) {
    return std::string(" ")
        .append(namesOf(info.requiredRoles))
        .append(" | ")
        .append(namesOf(info.optionalRoles))
        .append(" |\n");
}

// The lines of a table between its two comments.
std::string table(const std::string& name) {
    const std::string text = readme();
    const std::string comment = std::string("<!-- ").append(name);
    const size_t begin = text.find(std::string(comment).append(":"));
    const size_t end = text.find(std::string(comment).append(" end -->"));
    return begin == std::string::npos || end == std::string::npos ? "" : text.substr(begin, end - begin);
}

// Of the row that starts with `name`, what stands behind the column after that, as long as `expected`.
std::string operandsOf(const std::string& lines, const std::string& name, const std::string& expected) {
    const std::string start = std::string("\n| ").append(name).append(" | ");
    const size_t row = lines.find(start);
    if (row == std::string::npos) {
        return std::string("no row for ").append(name);
    }
    return lines.substr(lines.find(" |", row + start.size()) + 2, expected.size());
}

TEST(Readme, ListsEveryOperationWithItsOperands) {
    const std::string lines = table("norms");
    ASSERT_FALSE(lines.empty()) << VKNORM_README;
    const auto column = [](vkn::RoleSet roles) {
        const std::string names = namesOf(roles);
        return names.empty() ? std::string(" |") : std::string(" ").append(names).append(" |");
    };
    size_t operations = 0;
    while (const vkn::OperationInfo* info = vkn::findOperation(static_cast<VknOperation>(operations + 1))) {
        ++operations;
        const std::string expected = column(info->requiredRoles) + column(info->excludedRoles) + "\n";
        EXPECT_EQ(operandsOf(lines, info->name, expected), expected) << info->name;
    }
    EXPECT_EQ(operations, size_t{VKN_OPERATION_BATCH_NORM});
}

TEST(Readme, ListsEveryPlacementWithItsOperands) {
    const std::string lines = table("operations");
    const std::string gradients = table("gradients");
    ASSERT_FALSE(lines.empty()) << VKNORM_README;
    ASSERT_FALSE(gradients.empty()) << VKNORM_README;
    size_t placements = 0;
    while (vkn::findPlacement(static_cast<VknPlacement>(placements)) != nullptr) {
        const vkn::PlacementInfo& info = *vkn::findPlacement(static_cast<VknPlacement>(placements++));
        const std::string name = info.name[0] == '\0' ? "none" : info.name;
        const std::string expected = operandColumns(info.forward);
        EXPECT_EQ(operandsOf(lines, name, expected), expected) << name;
        const std::string backward = operandColumns(info.backward);
        EXPECT_EQ(operandsOf(gradients, name, backward), backward) << name;
    }
    EXPECT_EQ(placements, size_t{VKN_PLACEMENT_PARALLEL} + 1);
}

}  // namespace
}  // namespace vknorm::test
