// Reports as JSON, CSV and Markdown.
#include "report/document.hpp"
#include "report/columns.hpp"
#include "result_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

namespace vknorm::compare {
namespace {

MergedResults mergedOf(bool withPipelines) {
    Json left = {{"kind", "bench"},  {"operation", "dyt"},  {"types", "fp32"},  {"rows", 4},
                 {"hiddenSize", 64}, {"status", "skipped"}, {"reason", "large"}};
    std::vector<Json> lines = {madeRun(), madeCase("rmsnorm", 512, 4096, 1e-3), left};
    if (withPipelines) {
        lines.push_back(madePipeline("v", 2));
    }
    lines.push_back(madeEnd());
    return mergeResults({fileOf(lines)}, {});
}

TEST(Document, HasWhatWasMeasured) {
    const Json document = makeDocument(mergedOf(true));
    EXPECT_EQ(document["version"], kReportVersion);
    const Json& device = document["devices"][0];
    EXPECT_EQ(device["label"], "Example GPU");
    EXPECT_EQ(device["device"]["memoryHeaps"][0]["bytes"], 8589934592);
    EXPECT_EQ(device["counts"]["ok"], 1);
    EXPECT_EQ(device["reasons"], (Json::parse(R"([{"status":"skipped","reason":"large","count":1}])")));
    EXPECT_EQ(device["pipelines"]["spilled"], 1);
    EXPECT_EQ(device["rank"], nullptr);
    ASSERT_EQ(document["cases"].size(), 2U);
    const Json& names = document["caseColumns"];
    const auto at = [&](const char* name) {
        return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    };
    const Json& row = document["cases"][0];
    ASSERT_EQ(row.size(), names.size());
    EXPECT_EQ(row[at("device")], 0);
    EXPECT_EQ(row[at("seconds")], 1e-3);
    EXPECT_EQ(row[at("lowSeconds")], 0.99e-3);
    EXPECT_EQ(row[at("bytesPerSecond")], 8.0 * 512 * 4096 / 1e-3);
    EXPECT_EQ(row[at("copyBytesPerSecond")], 8.0 * 512 * 4096 / 0.5e-3);
    EXPECT_EQ(row[at("shareOfCopy")], 0.5);
    EXPECT_EQ(row[at("latencySeconds")], nullptr);
    EXPECT_EQ(row[at("marks")], nullptr);
    EXPECT_EQ(document["cases"][1][at("reason")], "large");
    EXPECT_EQ(document["pipelines"][0][6], "SGPRs 128, VGPRs 24");
}

TEST(Document, CsvHasALineARow) {
    const std::string csv = makeCsv(mergedOf(true));
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
    EXPECT_EQ(csv.find("device,driver,isSoftware,operation,types,rows,hiddenSize,status,seconds,"), 0U);
    EXPECT_NE(csv.find("\r\nExample GPU,example 1.2,false,rmsnorm,fp32,512,4096,ok,0.001,"), std::string::npos) << csv;
    EXPECT_NE(csv.find("dyt,fp32,4,64,skipped,,,,,"), std::string::npos) << csv;
}

TEST(Document, CsvOfPipelinesAlone) {
    const std::string csv =
        makeCsv(mergeResults({fileOf({madeRun(madeDevice(), "pipelines"), madePipeline("v", 2), madeEnd()})}, {}));
    EXPECT_NE(
        csv.find("Example GPU,example 1.2,false,v,0,ok,subgroup,128.0,\"SGPRs 128, VGPRs 24\",2.0,32.0,391.0,\r\n"),
        std::string::npos)
        << csv;
}

TEST(Document, MarkdownKeepsWhatWasCompiledApart) {
    const std::string text = makeMarkdown(mergedOf(true));
    EXPECT_NE(text.find("| Example GPU | example 1.2 | 1.3.0 | 32 | 1 | 1 | 33.6 GB/s |"), std::string::npos) << text;
    EXPECT_NE(text.find("| Example GPU | - | rmsnorm | 1 | 50 % | 50 % | 50 % |"), std::string::npos) << text;
    EXPECT_NE(text.find("| rmsnorm | fp32 | 512x4096 | 1.00 ms, 50 % |"), std::string::npos) << text;
    EXPECT_LT(text.find("## Measured"), text.find("## Compiled, not run"));
    EXPECT_EQ(makeMarkdown(mergedOf(false)).find("Compiled"), std::string::npos);
}

TEST(Document, WithoutATemplateSaysWhatIsMissing) {
    try {
        makePage(mergedOf(false), "", "CMake found no Node");
        ADD_FAILURE() << "made a page of nothing";
    } catch (const std::runtime_error& error) {
        const std::string text = error.what();
        EXPECT_NE(text.find("CMake found no Node"), std::string::npos) << text;
        EXPECT_NE(text.find(".md, .csv and .json need neither"), std::string::npos) << text;
    }
    const std::string page = makePage(mergedOf(false), R"(<p>{"vknorm":"report"}</p>)", "");
    EXPECT_EQ(page.find(R"(<p>{"kind":"report","version":1,)"), 0U) << page;
}

TEST(Document, APageWithoutItsPlaceIsAnError) { EXPECT_THROW(fillPage("<html>", Json::object()), std::logic_error); }

}  // namespace
}  // namespace vknorm::compare
