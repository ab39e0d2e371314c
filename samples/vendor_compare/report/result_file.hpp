// What a result file says, read and checked. Anybody may have made the file: what is missing, cut off, of another type or out
// of bounds is a ResultFileError that names file, line and field.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/fields.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vknorm::compare {

// Times of one dispatch.
struct TimeFact {
    double median = 0.0;
    // Between which the median is, in 95 % of all cases; of fewer than six samples nothing is known.
    std::optional<std::pair<double, double>> interval;
    double deviation = 0.0;
    double p95 = 0.0;
    uint64_t samples = 0;
    bool isStable = false;
    std::string source;
};

struct KernelFact {
    std::string form;
    std::string reason;
    uint64_t workgroupSize = 0;
    uint64_t subgroupSize = 0;
    uint64_t accessesInRegisters = 0;
};

struct CopyFact {
    uint64_t bytes = 0;
    bool exceedsCache = false;
    std::optional<TimeFact> compute;
    std::optional<TimeFact> transfer;

    std::optional<TimeFact> best() const;
    std::optional<double> bytesPerSecond() const;
};

struct ApartFact {
    std::vector<std::string> operations;
    Status status = Status::Ok;
    std::string reason;
    std::optional<TimeFact> timing;
    std::optional<double> ratio;
};

// What is measured: what rows of different files have in common.
struct CaseKey {
    std::string operation;
    std::string types;
    uint64_t rows = 0;
    uint64_t hiddenSize = 0;

    std::string name() const;  // "rmsnorm fp32 512x4096"
};
bool operator<(const CaseKey& a, const CaseKey& b);
bool operator==(const CaseKey& a, const CaseKey& b);

// A row of `bench` or of `verify`.
struct CaseFact {
    CaseKey key;
    Status status = Status::Ok;
    std::string reason;
    std::optional<KernelFact> kernel;
    std::optional<double> shareOfBound;
    std::optional<bool> exceedsCache;
    std::optional<TimeFact> timing;
    std::optional<TimeFact> latency;
    std::optional<CopyFact> copy;
    std::optional<double> bytesPerSecond;
    std::optional<double> shareOfCopy;
    std::optional<double> shareOfComputeCopy;
    std::optional<ApartFact> apart;
    size_t line = 0;
};

// A row of `pipelines`: what a compiler makes, and nothing of speed.
struct PipelineFact {
    std::string variant;
    std::optional<uint64_t> index;
    Status status = Status::Ok;
    std::string reason;
    std::string form;
    std::optional<double> spills;
    std::optional<double> registers;
    std::optional<double> instructions;
    std::optional<double> occupancy;
    std::string driverRegisters;  // as the driver counts them: "SGPRs 128, VGPRs 24"
    size_t line = 0;
};

struct MemoryHeap {
    uint64_t bytes = 0;
    bool isDeviceLocal = false;
};

struct DeviceFacts {
    std::string name;
    std::string driverName;
    std::string driverInfo;
    bool isSoftware = false;
    std::string type;
    std::string uuid;
    std::string apiVersion;
    std::string selfTest;
    std::string quirks;
    std::optional<uint64_t> subgroupSize;
    std::optional<bool> pushDescriptors;
    std::vector<std::string> enabled;
    std::vector<std::string> usableForms;
    std::vector<std::pair<std::string, std::optional<double>>> limits;
    std::vector<MemoryHeap> memoryHeaps;

    std::string driver() const;  // name and information
};

struct LibraryFacts {
    std::string version;
    std::string commit;
    std::string kernelHash;
};

struct SettingFacts {
    std::optional<uint64_t> cacheBytes;
    std::string cacheSource;
    std::optional<uint64_t> memoryLimitBytes;
    std::optional<double> secondsPerCase;
    bool isQuick = false;
    bool hasKernel = false;  // one was asked for
};

// All of a file, which is of one run.
struct RunFacts {
    std::string path;
    std::string command;
    std::string started;
    DeviceFacts device;
    LibraryFacts library;
    SettingFacts settings;
    std::optional<TimeFact> emptyDispatch;
    std::optional<TimeFact> emptyLatency;
    std::vector<CaseFact> cases;     // measured
    std::vector<CaseFact> verified;  // only compared with the reference
    std::vector<PipelineFact> pipelines;
};

inline constexpr size_t kMostFileBytes = 100'000'000;
inline constexpr size_t kMostLineBytes = 1'000'000;
inline constexpr size_t kMostRows = 100'000;  // all there is to measure is 6000

RunFacts readResultFile(const std::string& path);
// The same of a text; `path` is for messages.
RunFacts parseResultFile(std::string_view text, const std::string& path);

}  // namespace vknorm::compare
