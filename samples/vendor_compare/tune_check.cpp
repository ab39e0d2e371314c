// A tuning table against the library's own choice.
// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"
#include "interrupt.hpp"
#include "tuning_candidates.hpp"
#include "tuning_cases.hpp"
#include "tuning_file.hpp"
#include "tuning_kernels.hpp"

#include "plan/tuning.hpp"
#include "vknorm_kernels.h"

#include <fmt/format.h>

#include <algorithm>

namespace vknorm::compare {
namespace {

constexpr double kMostUntuned = 1.15;  // times as long as the tuned choice
constexpr size_t kPairs = 21;

// The table as the library loads it.
class LoadedTable {
public:
    LoadedTable(const vkn::DeviceFacts& facts, const std::string& path) {
        const std::string text = readTextFile(path);
        VknError error = makeError();
        const vkn::TuningTarget target = vkn::tuningTarget(facts, vkn_kernelHash);
        if (vkn::loadTuning(target, text.data(), text.size(), memory_, entries_, &error) != VKN_SUCCESS) {
            throw std::runtime_error(fmt::format("{}: {}", path, error.message));
        }
        if (entries_.count == 0) {
            throw std::runtime_error(
                fmt::format("{}: has nothing for this device, driver and build of the kernels", path));
        }
    }
    ~LoadedTable() { memory_.release(entries_.first); }
    LoadedTable(const LoadedTable&) = delete;
    LoadedTable& operator=(const LoadedTable&) = delete;

    const vkn::TuningEntries& entries() const { return entries_; }

private:
    vkn::HostMemory memory_;
    vkn::TuningEntries entries_;
};

struct Comparison {
    Summary ratio;  // of untuned by tuned, in pairs
    Summary self;   // of tuned by itself
};

// Each round takes the three in another order, so that none is always behind the same one.
Comparison compare(KernelBench& bench, size_t untuned, size_t tuned) {
    std::vector<double> ratios;
    std::vector<double> selves;
    const size_t order[3] = {untuned, tuned, tuned};
    for (size_t round = 0; round <= kPairs; ++round) {
        double seconds[3] = {};
        for (size_t i = 0; i < 3; ++i) {
            const size_t turn = (round + i) % 3;
            seconds[turn] = bench.sample(order[turn]);
        }
        if (round != 0) {  // which warms up
            ratios.push_back(seconds[0] / seconds[1]);
            selves.push_back(seconds[2] / seconds[1]);
        }
    }
    return {summarise(ratios), summarise(selves)};
}

class Checker {
public:
    Checker(Session& session, const std::string& path)
        : session_(session), facts_(factsOf(session)), table_(facts_, path) {}

    void run(const Case& test) {
        Json json = {{"kind", "tuning-check"},
                     {"operation", test.operation->name},
                     {"types", test.types->name},
                     {"rows", test.shape.rows},
                     {"hiddenSize", test.shape.hiddenSize}};
        Status status = Status::Ok;
        std::string text;
        try {
            text = compareCase(test, json, status);
        } catch (const Skipped& skipped) {
            status = Status::Skipped;
            text = skipped.what();
        } catch (const Unsupported& unsupported) {
            status = Status::Unsupported;
            text = unsupported.what();
        }
        json["status"] = nameOf(status);
        if (status != Status::Ok) {
            json["reason"] = text;
            text = fmt::format("{}: {}", nameOf(status), text);
        }
        session_.console().line(fmt::format("{:<34} {}", test.name(), text));
        session_.runner().count(status);
        session_.results().write(json);
        hasFailed_ = hasFailed_ || status == Status::Wrong;
    }

    bool hasFailed() const { return hasFailed_; }

private:
    std::string compareCase(const Case& test, Json& json, Status& status) {
        const vkn::OperationSpec spec = PlanInput(test, {}, {}).spec();
        const vkn::TuningEntry* entry = table_.entries().find(spec);
        vkn::KernelChoice untuned;
        vkn::KernelChoice tuned;
        const bool canChoose = vkn::chooseKernel(facts_, spec, untuned, nullptr) == VKN_SUCCESS &&
                               vkn::chooseTunedKernel(facts_, table_.entries(), spec, tuned, nullptr) == VKN_SUCCESS;
        if (!canChoose) {
            throw Unsupported("no kernel can be chosen");
        }
        if (entry == nullptr) {
            json["isInTable"] = false;
            return "not in the table";
        }
        const KernelOverride own = overrideOf(untuned, false);
        const KernelOverride fastest = overrideOf(tuned, entry->readTwice != 0);
        json["untuned"] = nameOf(own);
        json["tuned"] = nameOf(fastest);
        if (own == fastest) {
            return fmt::format("the same: {}", nameOf(own));
        }
        return measure(test, fastest, own, json, status);
    }

    std::string measure(const Case& test, const KernelOverride& fastest, const KernelOverride& own, Json& json,
                        Status& status) {
        KernelBench bench(session_, test, {});
        const size_t tuned = bench.add(fastest);
        if (!bench.verify(0) || !bench.verify(tuned)) {
            status = Status::Wrong;
            return bench.fault();
        }
        const Comparison found = compare(bench, 0, tuned);
        json["ratio"] = toJson(found.ratio);
        json["self"] = toJson(found.self);
        const bool isTooSlow = found.ratio.low > kMostUntuned;
        json["isWithin"] = !isTooSlow;
        hasFailed_ = hasFailed_ || isTooSlow;
        return fmt::format("{:>5.2f} (at least {:.2f}; itself {:.2f}, {:.2f} to {:.2f})  {} / {}{}", found.ratio.median,
                           found.ratio.low, found.self.median, found.self.low, found.self.high, nameOf(own),
                           nameOf(fastest), isTooSlow ? "  TOO SLOW" : "");
    }

    Session& session_;
    vkn::DeviceFacts facts_;
    LoadedTable table_;
    bool hasFailed_ = false;
};

}  // namespace

int checkTuning(const Arguments& arguments) {
    DeviceOptions options;
    options.selector = arguments.device;
    Session session(arguments, "tune --check", options);
    Checker checker(session, arguments.tuningTable);
    const std::vector<Case> cases = tuningCheckCases(arguments.selection);
    session.console().line("the time of the library's own choice by that of the tuned one; 95 % bounds of the median");
    try {
        for (size_t i = 0; i < cases.size(); ++i) {
            throwIfInterrupted();
            session.console().progress(i + 1, cases.size(), cases[i].name());
            checker.run(cases[i]);
        }
    } catch (const Interrupted&) {
        return session.runner().end("interrupted", kExitInterrupted);
    }
    return session.runner().end("", checker.hasFailed() ? kExitWrong : 0);
}

}  // namespace vknorm::compare
