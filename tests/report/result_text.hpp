// Result files made up for tests.
#pragma once

#include "report/result_file.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace vknorm::compare {

// Lines of a result file. A case's copies take `share` of its time.
Json madeTime(double seconds);
Json madeDevice(const std::string& name = "Example GPU", bool isSoftware = false);
Json madeRun(const Json& device = madeDevice(), const char* command = "bench");
Json madeCase(const char* operation, uint64_t rows, uint64_t hiddenSize, double seconds, double share = 0.5);
Json madePipeline(const char* variant, double spills);
Json madeEnd();

std::string textOf(const std::vector<Json>& lines);
RunFacts fileOf(const std::vector<Json>& lines, const std::string& path = "a.jsonl");

// What is said of a text, called a.jsonl; empty where it is taken.
std::string faultOf(const std::string& text);

}  // namespace vknorm::compare
