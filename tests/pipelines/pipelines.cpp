// Creates a plan for every choice that the choice function can make on the current device, with each operation, and one for
// every type, flag, operand and form; not for every combination of those. Reads what the driver tells of each
// pipeline. Fails where a pipeline cannot be created or spills registers. Nothing is executed, so it runs on drivers that
// compile only.
//
//   vknorm_pipelines [--list] [--sample] [--known FILE] [--amd-code] [--norms] [--blocks] [--others] [--backward]
//     --known     what the file lists was compiled by this driver before, without spills, and is not compiled again; the rest is
//                 added to it
//     --sample    every fifth plan: compiling all takes minutes
//     --list      a line for each pipeline
//     --norms     RMSNorm and LayerNorm without a residual; for drivers that take long, parts can be had by themselves
//     --blocks    with one
//     --others    quantised outputs, gates, DyT, GroupNorm, RoPE
//     --backward  gradients of all of them
//     --amd-code  also reads AMD's disassembly: rows that are aligned must be read and written 128 bits at a time (8-bit elements
//                 64), and nothing may be rounded towards zero
#include "pipelines/known_pipelines.hpp"
#include "variants/executables.hpp"
#include "variants/survey.hpp"

#include "device/objects.hpp"

#include <vknorm/runtime.hpp>
#include <vknorm/vknorm.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
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
    std::string knownFile;  // empty: none
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
    const auto known = std::find_if(argv + 1, argv + argc, [](const char* a) { return strcmp(a, "--known") == 0; });
    if (known < argv + argc - 1) {
        options.knownFile = known[1];
    }
    if (!options.knownFile.empty() && options.amdCode) {
        throw std::invalid_argument("--known says nothing of code, so it does not go with --amd-code");
    }
    for (const PartName& part : kPartNames) {
        if (hasOption(std::string("--").append(part.name).c_str())) {
            options.parts.push_back(part.part);
        }
    }
    return options;
}

// What the kernel for aligned rows may do beside moving 128 bits at a time.
struct NarrowAccesses {
    bool readsWords =
        false;  // the number of rows from the GPU, what a row has one of, tables, channels' weights and means
    bool writesHalfQuads = false;  // pieces of 8-bit elements
};

NarrowAccesses narrowAccesses(const Variant& variant) {
    const bool hasChannelsFirst = variant.channels != 0 && !variant.channelsLast;
    NarrowAccesses narrow;
    const bool readsMeans = variant.training && (variant.flags & VKN_PLAN_BACKWARD_BIT) != 0;
    narrow.readsWords = (variant.flags & VKN_PLAN_GPU_ROWS_BIT) != 0 || hasChannelsFirst || readsMeans;
    for (const VknOperandType& operand : variant.operands) {
        const vkn::RoleInfo& role = *vkn::findRole(operand.role);
        const bool isRead = !role.isWritten || (variant.flags & VKN_PLAN_BACKWARD_BIT) != 0;
        narrow.readsWords = narrow.readsWords || (isRead && role.extent > vkn::Extent::Parameters);
        narrow.writesHalfQuads = narrow.writesHalfQuads || vkn::isQuantised(operand.type);
    }
    return narrow;
}

// What is wrong with AMD's code for a pipeline; empty: nothing.
std::string amdFault(const std::string& code, bool isAligned, const NarrowAccesses& narrow) {
    const auto hasAny = [&](std::initializer_list<const char*> words) {
        return std::any_of(words.begin(), words.end(),
                           [&](const char* word) { return code.find(word) != std::string::npos; });
    };
    if (hasAny({"pkrtz"})) {
        return "rounds towards zero (pkrtz)";
    }
    if (!isAligned) {
        return "";
    }
    if (!hasAny({"buffer_load_dwordx4", "buffer_load_b128", "global_load_dwordx4", "global_load_b128"})) {
        return "has no 128-bit load";
    }
    if (!narrow.readsWords &&
        hasAny({"buffer_load_dword ", "buffer_load_b32 ", "global_load_dword ", "global_load_b32 "})) {
        return "has 32-bit loads";
    }
    const bool hasWideStore =
        hasAny({"buffer_store_dwordx4", "buffer_store_b128", "global_store_dwordx4", "global_store_b128"});
    const bool hasHalfStore =
        hasAny({"buffer_store_dwordx2", "buffer_store_b64", "global_store_dwordx2", "global_store_b64"});
    if (narrow.writesHalfQuads) {
        return hasHalfStore ? "" : "has no 64-bit store";
    }
    return hasWideStore ? "" : "has no 128-bit store";
}

class Checker {
public:
    Checker(const Device& device, Options options) : device_(device), reader_(device), options_(std::move(options)) {
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
        const std::string text = std::string(compiled.text).append(" | ").append(compiled.info.reason);
        for (uint32_t i = 0; i < compiled.pipelines.size(); ++i) {
            const VkPipeline pipeline = compiled.pipelines[i];
            checkStatistics(text, i, pipeline);
            const bool isAligned = pipeline == compiled.plan.get()->pipelines[vkn::kAlignedRowsPipeline];
            if (options_.amdCode && (isAligned || pipeline == compiled.plan.get()->pipelines[vkn::kRowsPipeline])) {
                checkAmdCode(text, isAligned, narrowAccesses(variant), pipeline);
            }
        }
    }

    Totals totals;

private:
    const Device& device_;
    const ExecutableReader reader_;
    const Options options_;
    std::optional<KnownPipelines> known_;

    void checkStatistics(const std::string& plan, uint32_t index, VkPipeline pipeline) {
        if (KnownPipelines::isKnown(pipeline)) {
            ++totals.pipelines;
            ++totals.known;
            return;
        }
        const ExecutableStatistics statistics = reader_.statistics(pipeline);
        ++totals.pipelines;
        totals.withStatistics += statistics.all.empty() ? 0U : 1U;
        totals.spills += statistics.spills;
        totals.mostRegisters = std::max(totals.mostRegisters, statistics.registers);
        if (options_.list || statistics.spills != 0) {
            std::printf("%s%s | pipeline %u | %s\n", statistics.spills != 0 ? "SPILLS " : "", plan.c_str(), index,
                        statistics.text().c_str());
        }
        if (known_ && statistics.spills == 0) {
            known_->add(pipeline);
        }
    }

    void checkAmdCode(const std::string& plan, bool isAligned, const NarrowAccesses& narrow, VkPipeline pipeline) {
        const std::string code = reader_.representations(pipeline);
        const bool isAmdCode = code.find("s_endpgm") != std::string::npos;
        const std::string fault = isAmdCode ? amdFault(code, isAligned, narrow) : "shows no AMD code";
        totals.withCode += isAmdCode ? 1U : 0U;
        if (!fault.empty()) {
            std::printf("FAILED %s: the %s kernel %s\n", plan.c_str(), isAligned ? "aligned" : "general",
                        fault.c_str());
            ++totals.failures;
        }
    }
};

bool run(const Options& options) {
    DeviceOptions deviceOptions;
    deviceOptions.skipSelfTest = true;  // nothing may execute
    deviceOptions.captureStatistics = true;
    deviceOptions.contextFlags = options.amdCode ? VKN_CONTEXT_CAPTURE_REPRESENTATIONS_BIT : 0;
    const Device device(deviceOptions);
    Checker checker(device, options);
    Totals& totals = checker.totals;
    const Variants variants = variantsOf(device.context(), options.parts);
    constexpr size_t kSampleStep = 5;  // no multiple of how often operations and types take turns
    const size_t step = options.isSample ? kSampleStep : 1;
    for (size_t i = 0; i < variants.all.size(); i += step) {
        const Variant& variant = variants.all[i];
        checker.check(variant);
    }
    if (options.amdCode) {
        std::printf("%zu kernels disassembled\n", totals.withCode);
    }
    std::printf(
        "%s: subgroup %u; %zu choices, %zu plans, %zu pipelines (%zu with statistics, %zu known), %llu spilled, at "
        "most "
        "%llu registers, %zu failed\n",
        device.deviceInfo().name.c_str(), device.context()->currentFacts().subgroupSize, variants.choices, totals.plans,
        totals.pipelines, totals.withStatistics, totals.known, static_cast<unsigned long long>(totals.spills),
        static_cast<unsigned long long>(totals.mostRegisters), totals.failures);
    return totals.failures == 0 && totals.spills == 0;
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
