// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"
#include "interrupt.hpp"
#include "session.hpp"

#include "variants/executables.hpp"
#include "variants/survey.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace vknorm::compare {
namespace {

struct Totals {
    size_t plans = 0;
    size_t pipelines = 0;
    size_t withStatistics = 0;
    size_t failures = 0;
    uint64_t spills = 0;
    uint64_t mostRegisters = 0;
};

Json toJson(const ExecutableStatistics& statistics) {
    Json json = {{"spills", statistics.spills}, {"registers", statistics.registers}};
    if (statistics.instructions) {
        json["instructions"] = *statistics.instructions;
    }
    if (statistics.occupancy) {
        json["occupancy"] = *statistics.occupancy;
    }
    for (const ExecutableStatistic& statistic : statistics.all) {
        json["driver"].push_back({{"name", statistic.name}, {"value", statistic.value}});
    }
    return json;
}

class Survey {
public:
    explicit Survey(Session& session) : session_(session), reader_(session.device()) {}

    void add(const test::Variant& variant) {
        ++totals.plans;
        const test::CompiledVariant compiled = test::compileVariant(session_.device().context(), variant);
        if (compiled.result != VKN_SUCCESS) {
            fail(compiled);
            return;
        }
        for (size_t i = 0; i < compiled.pipelines.size(); ++i) {
            addPipeline(compiled, i);
        }
    }

    Totals totals;

private:
    void fail(const test::CompiledVariant& compiled) {
        const bool isUnsupported = compiled.result == VKN_ERROR_UNSUPPORTED;
        totals.failures += isUnsupported ? 0U : 1U;
        const Status status = isUnsupported ? Status::Unsupported : Status::Failed;
        session_.runner().count(status);
        session_.console().line(fmt::format("{} {}: {}", nameOf(status), compiled.text, compiled.error));
        session_.results().write(
            {{"kind", "static"}, {"variant", compiled.text}, {"status", nameOf(status)}, {"reason", compiled.error}});
    }

    void addPipeline(const test::CompiledVariant& compiled, size_t index) {
        const ExecutableStatistics statistics = reader_.statistics(compiled.pipelines[index]);
        session_.runner().count(Status::Ok);
        ++totals.pipelines;
        totals.withStatistics += statistics.all.empty() ? 0U : 1U;
        totals.spills += statistics.spills;
        totals.mostRegisters = std::max(totals.mostRegisters, statistics.registers);
        Json json = {{"kind", "static"}, {"variant", compiled.text}, {"pipeline", index}, {"status", "ok"}};
        json["kernel"] = compare::toJson(compiled.info);
        if (!statistics.all.empty()) {
            json["statistics"] = toJson(statistics);
        }
        session_.results().write(json);
        if (session_.arguments().listPipelines || statistics.spills != 0) {
            session_.console().line(fmt::format("{:>5} {:>6} {:>6} {:>6}  {} | {} | pipeline {}", statistics.registers,
                                                statistics.spills, number(statistics.instructions),
                                                number(statistics.occupancy), compiled.text, compiled.info.reason,
                                                index));
        }
    }

    static std::string number(const std::optional<uint64_t>& value) {
        return value ? std::to_string(*value) : std::string("-");
    }

    Session& session_;
    const ExecutableReader reader_;
};

std::vector<test::Part> partsOf(const Arguments& arguments) {
    std::vector<test::Part> parts;
    for (const test::PartName& part : test::kPartNames) {
        if (std::find(arguments.parts.begin(), arguments.parts.end(), part.name) != arguments.parts.end()) {
            parts.push_back(part.part);
        }
    }
    return parts;
}

}  // namespace

int compilePipelines(const Arguments& arguments) {
    DeviceOptions options;
    options.selector = arguments.device;
    options.skipSelfTest = true;  // drivers that only compile are welcome
    options.captureStatistics = true;
    Session session(arguments, "pipelines", options);
    session.console().line(" regs spills instrs  waves  kernel");
    Survey survey(session);
    const test::Variants variants = test::variantsOf(session.device().context(), partsOf(arguments));
    try {
        for (const test::Variant& variant : variants.all) {
            throwIfInterrupted();
            session.console().progress(survey.totals.plans + 1, variants.all.size(), test::describe(variant));
            survey.add(variant);
        }
    } catch (const Interrupted&) {
        return session.runner().end("interrupted", kExitInterrupted);
    }
    const Totals& totals = survey.totals;
    session.console().line(fmt::format(
        "\n{} choices, {} plans, {} pipelines ({} with statistics), {} spilled, at most {} registers", variants.choices,
        totals.plans, totals.pipelines, totals.withStatistics, totals.spills, totals.mostRegisters));
    return session.runner().end("", totals.failures == 0 ? 0 : kExitWrong);
}

}  // namespace vknorm::compare
