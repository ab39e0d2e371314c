// SPDX-License-Identifier: Apache-2.0
#include "arguments.hpp"

#include "variants/survey.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <map>
#include <sstream>

namespace vknorm::compare {
namespace {

constexpr const char* kText = "Measures transformer normalisation on Vulkan devices, next to a copy of as many bytes.";

template <typename Items>
std::vector<std::string> namesOf(const Items& items) {
    std::vector<std::string> names;
    for (const auto& item : items) {
        names.emplace_back(item.name);
    }
    return names;
}

// Nothing but digits, and within bounds.
uint64_t parseNumber(const std::string& text, uint64_t largest) {
    uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || last != end || number == 0 || number > largest) {
        throw std::invalid_argument(fmt::format("'{}': must be a whole number from 1 to {}", text, largest));
    }
    return number;
}

void addDevice(CLI::App& app, Arguments& arguments) {
    app.add_option("-d,--device", arguments.device, "index, UUID or part of the name (or set VKNORM_DEVICE)");
}

void addOutput(CLI::App& app, Arguments& arguments) {
    app.add_option("-o,--output", arguments.output, "write results to this file, as JSON lines");
}

void addSelected(CLI::App& app, const char* option, std::vector<std::string>& selected,
                 const std::vector<std::string>& names, const char* text) {
    app.add_option(option, selected, text)->delimiter(',')->allow_extra_args(false)->check(CLI::IsMember(names));
}

void addSelection(CLI::App& app, Arguments& arguments, std::vector<std::string>& shapes) {
    Selection& selection = arguments.selection;
    app.add_flag("--quick", selection.isQuick, "every operation once, and a few shapes more: under a minute");
    addSelected(app, "--operation", selection.operations, namesOf(allOperations()), "only these operations");
    addSelected(app, "--type", selection.types, namesOf(allTypes()), "only these types");
    CLI::Option* shape = app.add_option("--shape", shapes, "these shapes, ROWSxHIDDEN, instead of the table's")
                             ->delimiter(',')
                             ->check([](const std::string& text) {
                                 try {
                                     parseShape(text);
                                     return std::string();
                                 } catch (const std::invalid_argument& error) {
                                     return std::string(error.what());
                                 }
                             });
    app.add_option("--rows", selection.rows, "of the table's shapes, only those of so many rows")
        ->delimiter(',')
        ->excludes(shape);
    app.add_option("--hidden", selection.hiddenSizes, "of the table's shapes, only those of this hidden size")
        ->delimiter(',')
        ->excludes(shape);
}

void addMemory(CLI::App& app, Arguments& arguments) {
    app.add_option("--memory-limit", arguments.memoryMiB, "MiB that a case may take; others are skipped")
        ->check(CLI::PositiveNumber);
    app.add_option("--cache-size", arguments.cacheMiB, "MiB of the device's last-level cache");
    app.add_option("--working-set", arguments.workingSetMiB,
                   "MiB that copies of a case's tensors take, in which dispatches take turns (twice the cache)")
        ->check(CLI::PositiveNumber);
}

void addTuningTable(CLI::App& app, Arguments& arguments) {
    app.add_option("--tuning-table", arguments.tuningTable, "a table for the library, as tune writes it")
        ->check(CLI::ExistingFile);
}

void addKernel(CLI::App& app, KernelOverride& kernel) {
    static const std::map<std::string, VknKernelForm> kForms = {
        {nameOf(VKN_KERNEL_FORM_SUBGROUP), VKN_KERNEL_FORM_SUBGROUP},
        {nameOf(VKN_KERNEL_FORM_SUBGROUP_SHARED), VKN_KERNEL_FORM_SUBGROUP_SHARED},
        {nameOf(VKN_KERNEL_FORM_SHARED), VKN_KERNEL_FORM_SHARED}};
    const char* group = "Kernel (what is not given is chosen by the library)";
    app.add_option("--form", kernel.form, "how a row is reduced")
        ->transform(CLI::CheckedTransformer(kForms))
        ->group(group);
    app.add_option("--workgroup-size", kernel.workgroupSize, "invocations of a workgroup")->group(group);
    app.add_option("--subgroup-size", kernel.subgroupSize, "where the device lets one be required")->group(group);
    app.add_option("--max-workgroups", kernel.maxWorkgroups, "workgroups of a dispatch, which loop over rows")
        ->group(group);
    app.add_option("--rows-at-once", kernel.rowsAtOnce, "rows that a subgroup works on at a time: 1, 2 or 4")
        ->group(group);
    app.add_flag("--read-twice", kernel.readTwice, "do not keep rows in registers")->group(group);
}

// The subcommands, and where to put what they are given.
class Parser {
public:
    Parser() : app_(kText, "vknorm_compare") {
        app_.require_subcommand(1);
        addDevices();
        addVerify();
        addBench();
        addTune();
        addPipelines();
        addTable();
        addReport();
        addCompare();
    }

    Arguments parse(int count, const char* const* arguments) {
        try {
            app_.parse(count, arguments);
        } catch (const CLI::ParseError& error) {
            std::ostringstream out;
            std::ostringstream faults;
            const int code = app_.exit(error, out, faults);
            throw ArgumentsEnd{code == 0 ? 0 : 2, code == 0 ? out.str() : faults.str()};
        }
        for (const std::string& shape : shapes_) {
            arguments_.selection.shapes.push_back(parseShape(shape));
        }
        return arguments_;
    }

private:
    CLI::App& addCommand(const char* name, const char* text, Command command) {
        CLI::App* app = app_.add_subcommand(name, text);
        app->callback([this, command] { arguments_.command = command; });
        return *app;
    }

    void addDevices() {
        CLI::App& app = addCommand("devices", "List devices, and what the library makes of them", Command::Devices);
        addOutput(app, arguments_);
    }

    void addVerify() {
        CLI::App& app = addCommand("verify", "Compare results with the fp64 reference", Command::Verify);
        addDevice(app, arguments_);
        addOutput(app, arguments_);
        addSelection(app, arguments_, shapes_);
        addMemory(app, arguments_);
        addKernel(app, arguments_.kernel);
        addTuningTable(app, arguments_);
        app.add_flag("--all-rows", arguments_.checkAll, "compare every row instead of a sample");
    }

    void addBench() {
        CLI::App& app = addCommand("bench", "Verify, then measure", Command::Bench);
        addDevice(app, arguments_);
        addOutput(app, arguments_);
        addSelection(app, arguments_, shapes_);
        addMemory(app, arguments_);
        addKernel(app, arguments_.kernel);
        addTuningTable(app, arguments_);
        app.add_option("--seconds", arguments_.seconds, "the longest to measure a case")->check(CLI::PositiveNumber);
        app.add_flag("--no-apart", arguments_.leaveOutApart, "leave out the same by several operations");
    }

    void addTune() {
        CLI::App& app = addCommand("tune", "Find the fastest kernels, and write a table of them", Command::Tune);
        addDevice(app, arguments_);
        addOutput(app, arguments_);
        addSelected(app, "--operation", arguments_.selection.operations, namesOf(allOperations()),
                    "only these operations");
        addSelected(app, "--type", arguments_.selection.types, namesOf(allTypes()), "only these types (fp32, bf16)");
        app.add_option("--rows", arguments_.selection.rows, "numbers of rows (1, 32, 512, 4096)")
            ->delimiter(',')
            ->allow_extra_args(false);
        app.add_option("--hidden", arguments_.selection.hiddenSizes, "hidden sizes (64 to 65536)")
            ->delimiter(',')
            ->allow_extra_args(false);
        app.add_flag("--quick", arguments_.selection.isQuick, "RMSNorm and pre-norm add, of few sizes");
        app.add_flag("--check", arguments_.checkTuning, "compare the table with the library's own choice instead");
        addMemory(app, arguments_);
        app.add_option("table", arguments_.tuningTable, "the table; what it has of other operations and devices stays")
            ->required();
    }

    void addPipelines() {
        CLI::App& app = addCommand(
            "pipelines", "Compile every kernel that can be chosen; what the driver tells of them", Command::Pipelines);
        addDevice(app, arguments_);
        addOutput(app, arguments_);
        app.add_option("--part", arguments_.parts, "only these parts")
            ->delimiter(',')
            ->check(CLI::IsMember(namesOf(test::kPartNames)));
        app.add_flag("--list", arguments_.listPipelines, "a line for each pipeline, not only for those that spill");
    }

    void addTable() {
        CLI::App& app = addCommand("table", "Result files of bench side by side, in Markdown", Command::Table);
        app.add_option("files", arguments_.files, "written by bench --output")->required();
    }

    void addReport() {
        CLI::App& app = addCommand("report", "Result files of many machines as one page", Command::Report);
        app.add_option("files", arguments_.files, "written by bench, verify or pipelines --output")->required();
        app.add_option("-o,--output", arguments_.output, "the report; .html, .json, .csv or .md (Markdown on stdout)");
        app.add_option("--format", arguments_.format, "whatever the output is called")
            ->check(CLI::IsMember({"html", "json", "csv", "md"}));
        addCommon(app);
    }

    void addCompare() {
        constexpr size_t kFiles = 2;
        CLI::App& app =
            addCommand("compare", "What became slower or faster; exits 1 where something did", Command::Compare);
        app.add_option("files", arguments_.files, "before and after, written by bench --output")
            ->required()
            ->expected(kFiles);
        app.add_option("--threshold", arguments_.threshold, "a change of a smaller share is none (0.05)")
            ->check(CLI::Range(0.0, 100.0));
        app.add_flag("--list", arguments_.listAll, "list also what stayed the same");
        addCommon(app);
    }

    void addCommon(CLI::App& app) {
        app.add_flag("--common", arguments_.onlyCommon, "take only the cases that all files have");
    }

    CLI::App app_;
    Arguments arguments_;
    std::vector<std::string> shapes_;
};

}  // namespace

Shape parseShape(const std::string& text) {
    constexpr uint64_t kMostRows = uint64_t{1} << 32;
    const size_t cross = text.find('x');
    if (cross == std::string::npos) {
        throw std::invalid_argument(fmt::format("shape '{}': must be ROWSxHIDDEN, for example 512x4096", text));
    }
    return {parseNumber(text.substr(0, cross), kMostRows),
            static_cast<uint32_t>(parseNumber(text.substr(cross + 1), vkn::kMaxHiddenSize))};
}

Arguments parseArguments(int count, const char* const* arguments) { return Parser().parse(count, arguments); }

}  // namespace vknorm::compare
