// The README's table of residual blocks says what the library's own table says.
#include "plan/operation.hpp"

#include <gtest/gtest.h>

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

std::string namesOf(uint32_t roles) {
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
std::string operandColumns(const vkn::PlacementInfo& info) {
    return namesOf(info.requiredRoles).append(" | ").append(namesOf(info.optionalRoles)).append(" |\n");
}

// The table's lines between the two comments.
std::string table(const std::string& text) {
    const size_t begin = text.find("<!-- operations:");
    const size_t end = text.find("<!-- operations end -->");
    return begin == std::string::npos || end == std::string::npos ? "" : text.substr(begin, end - begin);
}

TEST(Readme, ListsEveryPlacementWithItsOperands) {
    const std::string lines = table(readme());
    ASSERT_FALSE(lines.empty()) << VKNORM_README;
    size_t placements = 0;
    while (vkn::findPlacement(static_cast<VknPlacement>(placements)) != nullptr) {
        const vkn::PlacementInfo& info = *vkn::findPlacement(static_cast<VknPlacement>(placements++));
        const std::string start = std::string("| ").append(info.name[0] == '\0' ? "none" : info.name).append(" | ");
        const size_t row = lines.find("\n" + start);
        ASSERT_NE(row, std::string::npos) << "no row for " << info.name;
        const size_t operands = lines.find(" | ", row + start.size()) + 3;
        const std::string expected = operandColumns(info);
        EXPECT_EQ(lines.substr(operands, expected.size()), expected) << info.name;
    }
    EXPECT_EQ(placements, size_t{VKN_PLACEMENT_PARALLEL} + 1);
}

}  // namespace
}  // namespace vknorm::test
