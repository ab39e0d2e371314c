// The Markdown table of result files; and that README.md has the table of those that are committed.
#include "report/table.hpp"
#include "result_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace vknorm::compare {
namespace {

TEST(MarkdownTable, ShowsTimesAndShares) {
    const Json skipped = {{"kind", "bench"},  {"operation", "rmsnorm"}, {"types", "bf16"},  {"rows", 1},
                          {"hiddenSize", 64}, {"status", "skipped"},    {"reason", "large"}};
    Json unsteady = madeCase("rmsnorm", 512, 4096, 1.25e-3, 0.625);
    unsteady["timing"]["isStable"] = false;
    const RunFacts first = fileOf({madeRun(madeDevice("a|b <i>", true)), unsteady, madeEnd()});
    const RunFacts second = fileOf({madeRun(), skipped, madeEnd()});
    const std::string text = makeTable({&first, &second});
    EXPECT_NE(text.find("| rmsnorm | fp32 | 512x4096 | 1.25 ms, 62 % \\* |  |\n"), std::string::npos) << text;
    EXPECT_NE(text.find("| rmsnorm | bf16 | 1x64 |  | skipped |\n"), std::string::npos) << text;
    EXPECT_NE(text.find("[1] a\\|b \\<i>, example 1.2: software, not a GPU;"), std::string::npos) << text;
}

TEST(MarkdownTable, NeedsMeasuredRows) {
    const RunFacts pipelines = fileOf({madeRun(madeDevice(), "pipelines"), madePipeline("v", 0), madeEnd()});
    EXPECT_THROW(makeTable({&pipelines}), ResultFileError);
}

// README.md says which command makes its table; this is the same.
TEST(MarkdownTable, IsThatOfTheReadme) {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(VKNORM_RESULTS)) {
        paths.push_back(entry.path().string());
    }
    std::sort(paths.begin(), paths.end());
    ASSERT_FALSE(paths.empty());
    std::vector<RunFacts> files;
    for (const std::string& path : paths) {
        files.push_back(readResultFile(path));
    }
    std::vector<const RunFacts*> each;
    for (const RunFacts& file : files) {
        each.push_back(&file);
    }
    std::ifstream page(VKNORM_README);
    std::stringstream readme;
    readme << page.rdbuf();
    EXPECT_NE(readme.str().find(makeTable(each)), std::string::npos) << "README.md needs this table:\n"
                                                                     << makeTable(each);
}

}  // namespace
}  // namespace vknorm::compare
