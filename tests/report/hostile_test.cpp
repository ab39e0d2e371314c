// Result files that mean harm, and files with faults sown at random: an error or a report that is right, and never anything else.
#include "result_text.hpp"

#include "report/comparison.hpp"
#include "report/document.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>

namespace vknorm::compare {
namespace {

const char* const kTemplate = "<script type=\"application/json\">{\"vknorm\":\"report\"}</script>";

std::string pageOf(const std::string& text) {
    return fillPage(kTemplate, makeDocument(mergeResults({parseResultFile(text, "a.jsonl")}, {})));
}

size_t countOf(const std::string& text, const std::string& part) {
    size_t count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

const char* const kHostileNames[] = {
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!--<script>",
    "]]>'\"`${alert(1)}\\",
    "=HYPERLINK(\"http://example.com\")",
    "a|b\n| c | d |",
    "line\xE2\x80\xA8 separator and \xE2\x80\xAEright to left",
    "bell\x07, escape \x1b[2J, nul",
};

TEST(HostileFile, NamesNeverBecomeMarkup) {
    for (const char* name : kHostileNames) {
        Json row = madeCase("rmsnorm", 512, 4096, 1e-3);
        row["kernel"]["reason"] = name;
        row["operation"] = name;
        const std::string text = textOf({madeRun(madeDevice(name)), row, madeEnd()});
        const std::string page = pageOf(text);
        EXPECT_EQ(countOf(page, "<"), 2U) << page;  // those of the template
        EXPECT_EQ(countOf(page, ">"), 2U) << page;
        for (const char c : page) {
            EXPECT_TRUE(c >= 0x20 && c < 0x7F) << static_cast<int>(c) << " of " << name;
        }
        const MergedResults merged = mergeResults({parseResultFile(text, "a.jsonl")}, {});
        const std::string markdown = makeMarkdown(merged);
        EXPECT_EQ(countOf(markdown, "<"), countOf(markdown, "\\<")) << markdown;
        EXPECT_EQ(countOf(markdown, "\x1b"), 0U);
    }
}

TEST(HostileFile, TextsAreTheSameBehindTheEscapes) {
    const std::string name = "a </script> & \"b\" \xC3\xA9";
    const std::string page =
        pageOf(textOf({madeRun(madeDevice(name)), madeCase("rmsnorm", 512, 4096, 1e-3), madeEnd()}));
    const size_t begin = page.find('{');
    const Json document = Json::parse(page.substr(begin, page.rfind('}') + 1 - begin));
    EXPECT_EQ(document["devices"][0]["device"]["name"], name);
}

TEST(HostileFile, ControlCharactersAndTurnedTextAreReplaced) {
    EXPECT_EQ(cleanText("a\nb\tc"), "a b c");
    EXPECT_EQ(cleanText("a\x1b[2Jb"), "a\xEF\xBF\xBD[2Jb");
    EXPECT_EQ(cleanText("a\xE2\x80\xAE"
                        "b"),
              "a\xEF\xBF\xBD"
              "b");
    EXPECT_EQ(cleanText("a\xC2\x9B"
                        "b"),
              "a\xEF\xBF\xBD"
              "b");
    EXPECT_EQ(cleanText("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"), "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
}

TEST(HostileFile, FormulasBecomeTexts) {
    const std::string text =
        textOf({madeRun(madeDevice("=1+1, \"two\"")), madeCase("rmsnorm", 512, 4096, 1e-3), madeEnd()});
    const std::string csv = makeCsv(mergeResults({parseResultFile(text, "a.jsonl")}, {}));
    EXPECT_NE(csv.find("\r\n\"'=1+1, \"\"two\"\"\",example 1.2,false,rmsnorm,fp32,512,4096,ok,0.001,"),
              std::string::npos)
        << csv;
}

TEST(HostileFile, MessagesArePlain) {
    Json row = madeCase("rmsnorm", 512, 4096, 1e-3);
    row["rows"] = "\x1b]0;title\x07\xE2\x80\xAE";
    const std::string faults[] = {faultOf(textOf({madeRun(), row, madeEnd()})), faultOf("{\"kind\": \x1b[31m"),
                                  faultOf("{\"kind\": \"" + std::string(500000, 'x')), faultOf("\xFF\xFE\x00{")};
    for (const std::string& fault : faults) {
        EXPECT_FALSE(fault.empty());
        EXPECT_LT(fault.size(), 300U);
        for (const char c : fault) {
            EXPECT_TRUE(c >= 0x20 && c < 0x7F) << static_cast<int>(c) << " in " << fault;
        }
    }
}

TEST(HostileFile, NumbersThatAreTooLargeAreErrors) {
    const std::string line = textOf({madeCase("rmsnorm", 512, 4096, 1e-3)});
    const size_t at = line.find("0.001");
    for (const char* number :
         {"1e400", "-1e400", "1e308", "99999999999999999999999", "-0.001", "NaN", "Infinity", "0x10", "1e-400"}) {
        std::string other = line;
        other.replace(at, 5, number);
        EXPECT_NE(faultOf(textOf({madeRun()}) + other + textOf({madeEnd()})), "") << number;
    }
}

TEST(HostileFile, DepthAndLengthHaveBounds) {
    const std::string run = textOf({madeRun()});
    EXPECT_NE(faultOf(run + std::string(900000, '[') + "\n").find("more than 16 objects and lists"), std::string::npos);
    std::string deep;
    for (int i = 0; i < 100000; ++i) {
        deep += "{\"a\":";
    }
    EXPECT_NE(faultOf(run + deep + "\n").find("more than 16"), std::string::npos);
    EXPECT_NE(faultOf(run + "{\"kind\":\"x\",\"y\":\"" + std::string(kMostLineBytes, 'y') + "\"}\n")
                  .find("a line has at most"),
              std::string::npos);
}

TEST(HostileFile, RowsHaveABound) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "parses 100000 lines, which takes the sanitizer ten seconds";
#endif
    std::string text = textOf({madeRun(madeDevice(), "pipelines")});
    for (size_t i = 0; i <= kMostRows; ++i) {
        text += "{\"kind\":\"static\",\"variant\":\"" + std::to_string(i) + "\",\"status\":\"ok\"}\n";
    }
    EXPECT_NE(faultOf(text).find("more than 100000 rows"), std::string::npos);
}

// ---- sown faults ---------------------------------------------------------------------------------------------------

std::string wholeFile() {
    Json fused = madeCase("prenorm-add", 512, 4096, 1e-3);
    fused["apart"] = {
        {"operations", {"add", "rmsnorm"}}, {"status", "ok"}, {"timing", madeTime(1.5e-3)}, {"ratio", 1.5}};
    Json latency = madeCase("rmsnorm", 1, 4096, 1e-5);
    latency["latency"] = madeTime(2e-5);
    const Json left = {{"kind", "bench"},  {"operation", "dyt"},      {"types", "bf16"}, {"rows", 4},
                       {"hiddenSize", 64}, {"status", "unsupported"}, {"reason", "no"}};
    return textOf({madeRun(),
                   {{"kind", "empty-dispatch"}, {"timing", madeTime(1e-6)}, {"latency", madeTime(2e-6)}},
                   fused,
                   latency,
                   left,
                   madePipeline("v", 1),
                   madeEnd()});
}

// Everything that is made of a file; whatever is thrown must be a ResultFileError.
bool isTaken(const std::string& text) {
    static const RunFacts whole = parseResultFile(wholeFile(), "whole.jsonl");
    try {
        const RunFacts file = parseResultFile(text, "fuzzed.jsonl");
        const MergedResults merged = mergeResults({file, whole}, {true});
        const std::string page = fillPage(kTemplate, makeDocument(merged));
        EXPECT_EQ(countOf(page, "<"), 2U);
        EXPECT_FALSE(makeCsv(merged).empty());
        EXPECT_FALSE(makeMarkdown(merged).empty());
        const CompareOptions options = {0.05, true};
        EXPECT_FALSE(describeComparison(compareResults(whole, file, options), options, true).empty());
    } catch (const ResultFileError&) {
        return false;
    }
    return true;
}

TEST(FuzzedFile, BytesThatChange) {
    const std::string whole = wholeFile();
    ASSERT_TRUE(isTaken(whole));
    const std::string interesting = std::string("\"{}[]:,\\-0123456789eE.tfn \n\r\t<>&\x7f\xff\xc3\x28\xe2\x80") + '\0';
    std::mt19937 random(7);
    const auto below = [&](size_t count) { return static_cast<size_t>(random()) % count; };
    size_t taken = 0;
    constexpr size_t kRounds = 800;
    for (size_t round = 0; round < kRounds; ++round) {
        std::string text = whole;
        for (size_t i = 0; i <= below(3); ++i) {
            const size_t at = below(text.size());
            switch (below(5)) {
                case 0:
                    text[at] = interesting[below(interesting.size())];
                    break;
                case 1:
                    text.insert(at, 1, interesting[below(interesting.size())]);
                    break;
                case 2:
                    text.erase(at, 1 + below(40));
                    break;
                case 3:
                    text.insert(at, text.substr(below(text.size()), below(200)));
                    break;
                default:
                    text[at] = static_cast<char>(below(256));
            }
        }
        taken += isTaken(text) ? 1U : 0U;
    }
    // Digits may change, and nobody can tell; most faults are found.
    EXPECT_GT(taken, kRounds / 100);
    EXPECT_LT(taken, kRounds / 2);
}

// Each value there is, by some that are strange: they take turns, so that each kind of value meets each of them somewhere.
class ValueSwapper {
public:
    // Calls `look` with each change of `value`, which is as it was in the end.
    void visit(Json& value, const std::function<void()>& look) {
        if (value.is_object() || value.is_array()) {
            for (auto& item : value) {
                visit(item, look);
            }
        }
        const Json before = value;
        for (int i = 0; i < 3; ++i) {
            value = others_[next_++ % others_.size()];
            look();
        }
        value = before;
    }

private:
    std::vector<Json> others_ = {
        nullptr, true, -1,   0,    1e308, 18446744073709551615ULL, "</script>", Json::array(), Json::object(),
        {1, 2},  "",   -0.0, "ok", "run"};
    size_t next_ = 0;
};

TEST(FuzzedFile, ValuesThatAreOthers) {
    const std::string whole = wholeFile();
    ValueSwapper swapper;
    size_t tried = 0;
    size_t taken = 0;
    for (size_t at = 0; at < whole.size();) {
        const size_t end = whole.find('\n', at);
        Json line = Json::parse(whole.substr(at, end - at));
        swapper.visit(line, [&] {
            ++tried;
            taken += isTaken(whole.substr(0, at) + line.dump() + whole.substr(end)) ? 1U : 0U;
        });
        at = end + 1;
    }
    EXPECT_GT(tried, 500U);
    EXPECT_GT(taken, tried / 100);
    EXPECT_LT(taken, tried / 2);
}

}  // namespace
}  // namespace vknorm::compare
