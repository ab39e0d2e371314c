// vknorm_compare's command line.
#include "arguments.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vknorm::compare {
namespace {

Arguments parse(std::vector<const char*> words) {
    words.insert(words.begin(), "vknorm_compare");
    return parseArguments(static_cast<int>(words.size()), words.data());
}

ArgumentsEnd endOf(const std::vector<const char*>& words) {
    try {
        parse(words);
    } catch (const ArgumentsEnd& end) {
        return end;
    }
    return {-1, "was accepted"};
}

TEST(Arguments, OfEverySubcommand) {
    EXPECT_EQ(parse({"devices"}).command, Command::Devices);
    EXPECT_EQ(parse({"verify"}).command, Command::Verify);
    EXPECT_EQ(parse({"bench"}).command, Command::Bench);
    EXPECT_EQ(parse({"pipelines"}).command, Command::Pipelines);
}

TEST(Arguments, SelectCases) {
    const Arguments arguments = parse({"bench", "--operation", "rmsnorm,layernorm", "--type", "bf16", "--rows", "1,32",
                                       "--hidden", "4096", "--quick", "-d", "llvm", "-o", "x.jsonl"});
    EXPECT_EQ(arguments.selection.operations, (std::vector<std::string>{"rmsnorm", "layernorm"}));
    EXPECT_EQ(arguments.selection.types, (std::vector<std::string>{"bf16"}));
    EXPECT_EQ(arguments.selection.rows, (std::vector<uint64_t>{1, 32}));
    EXPECT_EQ(arguments.selection.hiddenSizes, (std::vector<uint32_t>{4096}));
    EXPECT_TRUE(arguments.selection.isQuick);
    EXPECT_EQ(arguments.device, "llvm");
    EXPECT_EQ(arguments.output, "x.jsonl");
}

TEST(Arguments, GiveATableBehindAList) {
    const Arguments arguments =
        parse({"tune", "--check", "--operation", "rmsnorm", "--hidden", "128,64", "--rows", "1,32", "mine.txt"});
    EXPECT_EQ(arguments.command, Command::Tune);
    EXPECT_TRUE(arguments.checkTuning);
    EXPECT_EQ(arguments.selection.rows, (std::vector<uint64_t>{1, 32}));
    EXPECT_EQ(arguments.selection.hiddenSizes, (std::vector<uint32_t>{128, 64}));
    EXPECT_EQ(arguments.tuningTable, "mine.txt");
}

TEST(Arguments, GiveShapes) {
    const Arguments arguments = parse({"verify", "--shape", "512x4096,1x64", "--all-rows"});
    EXPECT_EQ(arguments.selection.shapes, (std::vector<Shape>{{512, 4096}, {1, 64}}));
    EXPECT_TRUE(arguments.checkAll);
}

TEST(Arguments, TakeTheKernelFromTheLibrary) {
    EXPECT_FALSE(parse({"bench"}).kernel.isGiven());
    const KernelOverride kernel = parse({"bench", "--form", "subgroup-shared", "--workgroup-size", "128",
                                         "--subgroup-size", "8", "--max-workgroups", "16", "--read-twice"})
                                      .kernel;
    EXPECT_EQ(kernel.form, VKN_KERNEL_FORM_SUBGROUP_SHARED);
    EXPECT_EQ(kernel.workgroupSize, 128U);
    EXPECT_EQ(kernel.subgroupSize, 8U);
    EXPECT_EQ(kernel.maxWorkgroups, 16U);
    EXPECT_TRUE(kernel.readTwice);
    EXPECT_TRUE(kernel.isGiven());
}

TEST(Arguments, NameFilesToReport) {
    const Arguments report = parse({"report", "a.jsonl", "b.jsonl", "-o", "x.html", "--format", "csv", "--common"});
    EXPECT_EQ(report.command, Command::Report);
    EXPECT_EQ(report.files, (std::vector<std::string>{"a.jsonl", "b.jsonl"}));
    EXPECT_EQ(report.output, "x.html");
    EXPECT_EQ(report.format, "csv");
    EXPECT_TRUE(report.onlyCommon);
    const Arguments compare = parse({"compare", "old.jsonl", "new.jsonl", "--threshold", "0.1", "--list"});
    EXPECT_EQ(compare.command, Command::Compare);
    EXPECT_EQ(compare.files, (std::vector<std::string>{"old.jsonl", "new.jsonl"}));
    EXPECT_DOUBLE_EQ(compare.threshold, 0.1);
    EXPECT_TRUE(compare.listAll);
    EXPECT_FALSE(compare.onlyCommon);
}

TEST(Arguments, HelpIsNoError) {
    const ArgumentsEnd end = endOf({"bench", "--help"});
    EXPECT_EQ(end.exitCode, 0);
    EXPECT_NE(end.text.find("--memory-limit"), std::string::npos);
}

TEST(Arguments, ErrorsNameWhatIsWrong) {
    struct Wrong {
        std::vector<const char*> words;
        const char* named;
    };
    const Wrong kWrong[] = {
        {{}, "subcommand"},
        {{"tidy"}, "subcommand"},
        {{"bench", "--operation", "softmax"}, "softmax"},
        {{"bench", "--type", "fp64"}, "fp64"},
        {{"bench", "--shape", "512"}, "ROWSxHIDDEN"},
        {{"bench", "--shape", "0x5"}, "'0'"},
        {{"bench", "--shape", "5x16777217"}, "16777216"},
        {{"bench", "--shape", "5x5x5"}, "'5x5'"},
        {{"bench", "--shape", "-5x5"}, "'-5'"},
        {{"bench", "--shape", "1x64", "--rows", "5"}, "--rows"},
        {{"bench", "--form", "warp"}, "warp"},
        {{"bench", "--memory-limit", "0"}, "--memory-limit"},
        {{"bench", "--seconds", "-1"}, "--seconds"},
        {{"pipelines", "--part", "forward"}, "forward"},
        {{"devices", "--quick"}, "--quick"},
        {{"report"}, "files"},
        {{"report", "a.jsonl", "--format", "pdf"}, "pdf"},
        {{"compare", "a.jsonl"}, "files"},
        {{"compare", "a.jsonl", "b.jsonl", "--threshold", "-1"}, "--threshold"},
    };
    for (const Wrong& wrong : kWrong) {
        const ArgumentsEnd end = endOf(wrong.words);
        EXPECT_EQ(end.exitCode, 2) << wrong.named;
        EXPECT_NE(end.text.find(wrong.named), std::string::npos) << end.text;
    }
}

}  // namespace
}  // namespace vknorm::compare
