// Creates a plan for every choice that the choice function can make on the current device, with each operation, and one for
// every type, flag, operand and form; not for every combination of those. Reads what the driver tells of each
// pipeline. Fails where a pipeline cannot be created or spills registers. Nothing is executed, so it runs on drivers that
// compile only.
//
//   vknorm_pipelines [--list] [--sample] [--known FILE] [--baseline FILE] [--write-baseline FILE] [--amd-code] [--wider SIZE]
//                    [--only TEXT] [--norms] [--blocks] [--others] [--backward]
//     --baseline  fails where more is spilled than the file says, or fewer accesses have 128 bits, or where it has other pipelines;
//                 a file of another device or version of its driver is only named. Without it anything spilled fails
//     --write-baseline  writes that file
//     --known     what the file lists was compiled by this driver before, without spills, and is not compiled again; the rest is
//                 added to it
//     --sample    every eleventh plan: compiling all takes minutes
//     --wider     only rows of more elements than that
//     --only      only plans in whose line of --list this text is: a placement, a type, an operation
//     --list      a line for each pipeline
//     --norms     RMSNorm and LayerNorm without a residual; for drivers that take long, parts can be had by themselves
//     --blocks    with one
//     --others    quantised outputs, gates, DyT, GroupNorm, RoPE
//     --backward  gradients of all of them
//     --amd-code  also reads AMD's disassembly: rows that are aligned must be read and written 128 bits at a time (8-bit elements
//                 64), and nothing may be rounded towards zero
#include "pipelines/amd_code.hpp"
#include "pipelines/baseline.hpp"
#include "pipelines/known_pipelines.hpp"
#include "variants/executables.hpp"
#include "variants/survey.hpp"

#include "device/objects.hpp"

#include <vknorm/runtime.hpp>
#include <vknorm/vknorm.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace vknorm;
using namespace vknorm::test;

struct Totals {
    size_t plans = 0;
    size_t pipelines = 0;
    size_t known = 0;  // of them, from before
    size_t withStatistics = 0;
    uint64_t spills = 0;
    uint64_t mostRegisters = 0;
    size_t withCode = 0;
    size_t failures = 0;
};

struct Options {
    bool list = false;
    bool amdCode = false;
    bool isSample = false;
    std::string knownFile;  // empty: none, as the next two
    std::string baselineFile;
    std::string newBaselineFile;
    uint64_t narrowest = 0;  // of the rows that are looked at
    std::string only;        // in their descriptions
    std::vector<Part> parts;
};

Options parseOptions(int argc, char** argv) {
    Options options;
    const auto hasOption = [&](const char* name) {
        return std::any_of(argv + 1, argv + argc, [&](const char* argument) { return strcmp(argument, name) == 0; });
    };
    options.list = hasOption("--list");
    options.amdCode = hasOption("--amd-code");
    options.isSample = hasOption("--sample");
    const auto valueOf = [&](const char* name) {
        char** option = std::find_if(argv + 1, argv + argc, [&](const char* a) { return strcmp(a, name) == 0; });
        if (option == argv + argc - 1) {
            throw std::invalid_argument(std::string(name).append(" takes a value"));
        }
        return option == argv + argc ? std::string() : std::string(option[1]);
    };
    options.knownFile = valueOf("--known");
    options.baselineFile = valueOf("--baseline");
    options.newBaselineFile = valueOf("--write-baseline");
    options.only = valueOf("--only");
    const std::string wider = valueOf("--wider");
    options.narrowest = wider.empty() ? 0 : std::stoull(wider) + 1;
    const bool hasBaseline = !options.baselineFile.empty() || !options.newBaselineFile.empty();
    if (!options.knownFile.empty() && (options.amdCode || hasBaseline)) {
        throw std::invalid_argument(
            "--known says nothing of code or figures, so it goes with no --amd-code or baseline");
    }
    for (const PartName& part : kPartNames) {
        if (hasOption(std::string("--").append(part.name).c_str())) {
            options.parts.push_back(part.part);
        }
    }
    return options;
}

// Of a device, as a baseline names it.
std::string driverOf(const DeviceInfo& device) {
    return std::string(device.name).append(" | ").append(device.driverName).append(" ").append(device.driverInfo);
}

class Checker {
public:
    Checker(const Device& device, Options options)
        : figures(driverOf(device.deviceInfo())), device_(device), reader_(device), options_(std::move(options)) {
        if (!options_.knownFile.empty()) {
            known_.emplace(device.context(), options_.knownFile);
        }
    }

    void check(const Variant& variant) {
        ++totals.plans;
        const CompiledVariant compiled = compileVariant(device_.context(), variant);
        if (compiled.result != VKN_SUCCESS) {
            std::printf("FAILED %s: %s\n", compiled.text.c_str(), compiled.error.c_str());
            ++totals.failures;
            return;
        }
        const std::string plan = std::string(compiled.text).append(" | ").append(compiled.info.reason);
        for (uint32_t i = 0; i < compiled.pipelines.size(); ++i) {
            const VkPipeline pipeline = compiled.pipelines[i];
            ++totals.pipelines;
            if (KnownPipelines::isKnown(pipeline)) {
                ++totals.known;
                continue;
            }
            const std::string name = std::string(plan).append(" | pipeline ").append(std::to_string(i));
            PipelineFigures ofPipeline = statisticsOf(name, pipeline);
            const bool isAligned = pipeline == compiled.plan.get()->pipelines[vkn::kAlignedRowsPipeline];
            if (options_.amdCode && (isAligned || pipeline == compiled.plan.get()->pipelines[vkn::kRowsPipeline])) {
                ofPipeline.wideAccesses = checkAmdCode(name, isAligned, narrowAccesses(variant), pipeline);
            }
            figures.add(name, ofPipeline);
        }
    }

    Totals totals;
    Baseline figures;

private:
    const Device& device_;
    const ExecutableReader reader_;
    const Options options_;
    std::optional<KnownPipelines> known_;

    PipelineFigures statisticsOf(const std::string& name, VkPipeline pipeline) {
        const ExecutableStatistics statistics = reader_.statistics(pipeline);
        totals.withStatistics += statistics.all.empty() ? 0U : 1U;
        totals.spills += statistics.spills;
        totals.mostRegisters = std::max(totals.mostRegisters, statistics.registers);
        if (options_.list || statistics.spills != 0) {
            std::printf("%s%s | %s\n", statistics.spills != 0 ? "SPILLS " : "", name.c_str(),
                        statistics.text().c_str());
            std::fflush(stdout);  // a driver under an emulator takes long, and may be stopped
        }
        if (known_ && statistics.spills == 0) {
            known_->add(pipeline);
        }
        return {statistics.spills, statistics.registers, statistics.instructions, statistics.occupancy, std::nullopt};
    }

    // How many accesses it has of 128 bits.
    std::optional<uint64_t> checkAmdCode(const std::string& name, bool isAligned, const NarrowAccesses& narrow,
                                         VkPipeline pipeline) {
        const std::string code = reader_.representations(pipeline);
        const bool isCode = isAmdCode(code);
        const std::string fault = isCode ? amdFault(code, isAligned, narrow) : "shows no AMD code";
        totals.withCode += isCode ? 1U : 0U;
        if (!fault.empty()) {
            std::printf("FAILED %s: the %s kernel %s\n", name.c_str(), isAligned ? "aligned" : "general",
                        fault.c_str());
            ++totals.failures;
        }
        return isCode ? std::optional<uint64_t>(wideAccesses(code)) : std::nullopt;
    }
};

// Whether nothing is worse than in the file; nothing where that is of another device, or of another version of its driver.
std::optional<bool> isAsGoodAs(const std::string& path, const Baseline& now) {
    std::ifstream file(path);
    if (!file) {
        throw std::runtime_error(std::string("cannot read ").append(path));
    }
    const Baseline before = Baseline::read(file);
    if (before.driver() != now.driver()) {
        std::printf("no comparison: the baseline is of %s, this is %s (--write-baseline)\n", before.driver().c_str(),
                    now.driver().c_str());
        return std::nullopt;
    }
    const std::vector<std::string> faults = now.faultsAgainst(before);
    for (const std::string& fault : faults) {
        std::printf("FAILED %s\n", fault.c_str());
    }
    std::printf("against a baseline of %zu pipelines: %zu are worse or not in both; %s\n", before.size(), faults.size(),
                now.changesSince(before).c_str());
    return faults.empty();
}

void writeBaseline(const std::string& path, const Baseline& baseline) {
    std::ofstream file(path);
    baseline.write(file);
    if (!file.flush()) {
        throw std::runtime_error(std::string("cannot write ").append(path));
    }
}

bool run(const Options& options) {
    DeviceOptions deviceOptions;
    deviceOptions.skipSelfTest = true;  // nothing may execute
    deviceOptions.captureStatistics = true;
    deviceOptions.contextFlags = options.amdCode ? VKN_CONTEXT_CAPTURE_REPRESENTATIONS_BIT : 0;
    const Device device(deviceOptions);
    Checker checker(device, options);
    Totals& totals = checker.totals;
    const Variants variants = variantsOf(device.context(), options.parts);
    constexpr size_t kSampleStep = 11;  // no multiple of how often operations and types take turns
    const size_t step = options.isSample ? kSampleStep : 1;
    for (size_t i = 0; i < variants.all.size(); i += step) {
        const Variant& variant = variants.all[i];
        if (variant.hiddenSize >= options.narrowest && describe(variant).find(options.only) != std::string::npos) {
            checker.check(variant);
        }
    }
    if (options.amdCode) {
        std::printf("%zu kernels disassembled\n", totals.withCode);
    }
    std::printf(
        "%s: subgroup %u; %zu choices, %zu plans, %zu pipelines (%zu with statistics, %zu known), %llu spilled, "
        "at most %llu registers, %zu failed\n",
        device.deviceInfo().name.c_str(), device.context()->currentFacts().subgroupSize, variants.choices, totals.plans,
        totals.pipelines, totals.withStatistics, totals.known, static_cast<unsigned long long>(totals.spills),
        static_cast<unsigned long long>(totals.mostRegisters), totals.failures);
    if (!options.newBaselineFile.empty()) {
        writeBaseline(options.newBaselineFile, checker.figures);
    }
    std::optional<bool> isAsGood;
    if (!options.baselineFile.empty()) {
        isAsGood = isAsGoodAs(options.baselineFile, checker.figures);
    }
    return totals.failures == 0 && isAsGood.value_or(totals.spills == 0);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(parseOptions(argc, argv)) ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "vknorm_pipelines: %s\n", error.what());
        return 2;
    }
}
