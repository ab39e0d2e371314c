// The Markdown table of result files; and that README.md has the table of those that are committed.
#include "table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace vknorm::compare {
namespace {

const char* const kRun =
    R"({"kind":"run","schema":1,"command":"bench --quick","device":{"name":"a|b <i>","driverName":"d","driverInfo":"1",)"
    R"("isSoftware":true}})";
const char* const kCase =
    R"({"kind":"bench","operation":"rmsnorm","types":"fp32","rows":512,"hiddenSize":4096,"status":"ok",)"
    R"("timing":{"medianSeconds":0.00125,"isStable":true},"shareOfComputeCopy":0.625})";
const char* const kSkipped =
    R"({"kind":"bench","operation":"rmsnorm","types":"bf16","rows":1,"hiddenSize":64,"status":"skipped","reason":"large"})";
const char* const kEnd = R"({"kind":"end","isComplete":true})";

class MarkdownTable : public testing::Test {
protected:
    ResultSet read(const std::vector<std::string>& lines) {
        const std::string path = testing::TempDir() + "vknorm_table_test.jsonl";
        {
            std::ofstream file(path);
            for (const std::string& line : lines) {
                file << line << "\n";
            }
        }
        return readResults(path);
    }
};

TEST_F(MarkdownTable, ShowsTimesAndShares) {
    const ResultSet first = read({kRun, kCase, kEnd});
    const ResultSet second = read({kRun, kSkipped, kEnd});
    const std::string text = makeTable({first, second});
    EXPECT_NE(text.find("| rmsnorm | fp32 | 512x4096 | 1.25 ms, 62 % |  |\n"), std::string::npos) << text;
    EXPECT_NE(text.find("| rmsnorm | bf16 | 1x64 |  | skipped |\n"), std::string::npos) << text;
    EXPECT_NE(text.find("[1] a\\|b \\<i>, d 1: software, not a GPU;"), std::string::npos) << text;
}

TEST_F(MarkdownTable, RefusesWhatIsNoResult) {
    const std::vector<std::vector<std::string>> wrong = {
        {},
        {kRun, kCase},                                         // not whole
        {kCase, kEnd},                                         // of no device
        {kRun, "{\"kind\":\"bench\"", kEnd},                   // cut off
        {kRun, "[1, 2]", kEnd},                                // no object
        {R"({"kind":"run","schema":99,"command":"bench"})"},   // another schema
        {R"({"kind":"run","schema":"1","command":"bench"})"},  // of another type
        {kRun, kCase, R"({"kind":"end","isComplete":false})"}};
    for (const auto& lines : wrong) {
        EXPECT_THROW(read(lines), std::runtime_error) << (lines.empty() ? "" : lines.front());
    }
    EXPECT_THROW(readResults("/no/such/file"), std::runtime_error);
    // A field that is missing shows where the table is made.
    const ResultSet bare = read({kRun, R"({"kind":"bench","operation":"rmsnorm"})", kEnd});
    EXPECT_THROW(makeTable({bare}), std::exception);
}

// README.md says which command makes its table; this is the same.
TEST_F(MarkdownTable, IsThatOfTheReadme) {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(VKNORM_RESULTS)) {
        paths.push_back(entry.path().string());
    }
    std::sort(paths.begin(), paths.end());
    ASSERT_FALSE(paths.empty());
    std::vector<ResultSet> sets;
    for (const std::string& path : paths) {
        sets.push_back(readResults(path));
    }
    std::ifstream file(VKNORM_README);
    std::stringstream readme;
    readme << file.rdbuf();
    EXPECT_NE(readme.str().find(makeTable(sets)), std::string::npos) << "README.md needs this table:\n"
                                                                     << makeTable(sets);
}

}  // namespace
}  // namespace vknorm::compare
