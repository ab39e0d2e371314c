// The tuner: a race of kernels for each operation, type and hidden size, over numbers of rows.
// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"
#include "interrupt.hpp"
#include "tuning_candidates.hpp"
#include "tuning_cases.hpp"
#include "tuning_file.hpp"
#include "tuning_kernels.hpp"
#include "tuning_race.hpp"

#include "vknorm_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>

namespace vknorm::compare {
namespace {

constexpr double kHopeless = 3.0;     // times the best anywhere: out
constexpr double kWorthwhile = 0.02;  // a table says something else than the library where it is surely faster by more

// A group's race on the device.
class GroupRace {
public:
    GroupRace(Session& session, const TuningGroup& group)
        : facts_(factsOf(session)),
          spec_(PlanInput(group.situations.front(), {}, {}).spec()),
          race_(group.situations.size(),
                [this](size_t candidate, size_t situation) { return sample(candidate, situation); }) {
        for (const Case& situation : group.situations) {
            benches_.emplace_back(session, situation, KernelOverride{});
        }
    }

    // Forms and some workgroups first, then what is next to the best of them, then workgroups of a dispatch. Who comes to the end
    // is right everywhere.
    KernelOverride run() {
        for (const KernelOverride& kernel : structuresOf(facts_, spec_)) {
            enter(kernel);
        }
        race_.run(3, kHopeless);
        race_.keep(2);
        enterAll([this](const KernelOverride& kernel) { return neighboursOf(facts_, spec_, kernel); });
        race_.run(4, kHopeless);
        race_.keep(2);
        enterAll([this](const KernelOverride& kernel) { return gridsOf(facts_, kernel); });
        race_.run(4, kHopeless);
        race_.keep(3);
        verifyAll();
        race_.run(12, kHopeless);
        return kernels_[winner()];
    }

    size_t winner() const { return race_.winner(kWorthwhile); }
    size_t candidates() const { return kernels_.size(); }
    const std::vector<std::string>& faults() const { return faults_; }
    // The best by its times, which is the winner if that is sure.
    size_t best() const { return race_.ranking().front(); }
    // How many times as long the library's own choice takes.
    Summary gain(size_t candidate) const { return race_.gain(candidate); }
    bool isUntunedRight() const { return race_.isIn(0); }
    Json timesOf(size_t candidate) const {
        Json times = Json::array();
        for (size_t i = 0; i < benches_.size(); ++i) {
            times.push_back(race_.median(candidate, i));
        }
        return times;
    }
    const KernelOverride& kernel(size_t candidate) const { return kernels_[candidate]; }

private:
    void enter(const KernelOverride& kernel) {
        if (std::find(kernels_.begin(), kernels_.end(), kernel) == kernels_.end()) {
            kernels_.push_back(kernel);
            race_.add();
        }
    }

    // What is like those that are still in.
    template <typename Similar>
    void enterAll(const Similar& similar) {
        for (const size_t number : race_.ranking()) {
            for (const KernelOverride& kernel : similar(kernels_[number])) {
                enter(kernel);
            }
        }
    }

    std::optional<double> sample(size_t candidate, size_t situation) {
        const std::optional<size_t> kernel = prepare(candidate, situation);
        return kernel ? std::optional(benches_[situation].sample(*kernel)) : std::nullopt;
    }

    // The bench's number of a candidate. New ones are verified with the fewest rows before they are timed.
    std::optional<size_t> prepare(size_t candidate, size_t situation) {
        const auto [found, isNew] = numbers_.try_emplace({candidate, situation}, 0);
        if (!isNew) {
            return found->second;
        }
        try {
            found->second = add(candidate, situation);
        } catch (const Unsupported& unsupported) {
            return note(candidate, situation, unsupported.what());
        }
        const bool isRight = situation != 0 || benches_[situation].verify(found->second);
        return isRight ? std::optional(found->second) : note(candidate, situation, benches_[situation].fault());
    }

    // Compiled once for all numbers of rows.
    size_t add(size_t candidate, size_t situation) {
        KernelBench& bench = benches_[situation];
        for (size_t other = 0; other < situation; ++other) {
            const auto found = numbers_.find({candidate, other});
            if (found != numbers_.end() && benches_[other].test().types == bench.test().types) {
                return bench.addOf(benches_[other], found->second);
            }
        }
        return bench.add(kernels_[candidate]);
    }

    std::nullopt_t note(size_t candidate, size_t situation, const std::string& fault) {
        faults_.push_back(
            fmt::format("{}, {}: {}", benches_[situation].test().name(), nameOf(kernels_[candidate]), fault));
        return std::nullopt;
    }

    void verifyAll() {
        for (const size_t candidate : race_.ranking()) {
            for (size_t situation = 0; situation < benches_.size(); ++situation) {
                if (!benches_[situation].verify(numbers_.at({candidate, situation}))) {
                    note(candidate, situation, benches_[situation].fault());
                    race_.drop(candidate);
                }
            }
        }
    }

    vkn::DeviceFacts facts_;
    vkn::OperationSpec spec_;
    std::deque<KernelBench> benches_;  // by situation
    std::vector<KernelOverride> kernels_;
    std::map<std::pair<size_t, size_t>, size_t> numbers_;
    std::vector<std::string> faults_;
    Race race_;
};

class Tuner {
public:
    Tuner(Session& session, const std::string& path) : session_(session), path_(path) {
        const std::string text = readTextFile(path);
        if (!text.empty()) {
            sections_ = parseTuning(text);
        }
    }

    void run(const TuningTask& task) {
        std::vector<TunedSize> sizes;
        vkn::TuningKey key;
        for (const TuningGroup& group : task.groups) {
            throwIfInterrupted();
            session_.console().progress(++done_, total, fmt::format("{} {}", task.name(), group.hiddenSize));
            const vkn::OperationSpec spec = PlanInput(group.situations.front(), {}, {}).spec();
            key = vkn::tuningKey(spec);
            const std::optional<KernelOverride> kernel = tuneGroup(task, group);
            if (kernel) {
                sizes.push_back({spec.kernelRowSize(), *kernel});
            }
        }
        if (!sizes.empty()) {
            write(entriesOf(key, sizes));
        }
    }

    bool hasFailed() const { return hasFailed_; }

    size_t total = 0;

private:
    std::optional<KernelOverride> tuneGroup(const TuningTask& task, const TuningGroup& group) {
        Json json = {{"kind", "tune"}, {"operation", task.operation->name}, {"hiddenSize", group.hiddenSize}};
        for (const Case& situation : group.situations) {
            json["situations"].push_back({{"types", situation.types->name}, {"rows", situation.shape.rows}});
        }
        std::optional<KernelOverride> kernel;
        Status status = Status::Ok;
        try {
            kernel = raceGroup(task, group, json);
        } catch (const Skipped& skipped) {
            status = Status::Skipped;
            json["reason"] = skipped.what();
        } catch (const Unsupported& unsupported) {
            status = Status::Unsupported;
            json["reason"] = unsupported.what();
        }
        if (status != Status::Ok) {
            session_.console().line(fmt::format("{:<34} {:>6}  {}: {}", task.name(), group.hiddenSize, nameOf(status),
                                                json["reason"].get<std::string>()));
        }
        json["status"] = nameOf(status);
        session_.runner().count(status);
        session_.results().write(json);
        return kernel;
    }

    std::optional<KernelOverride> raceGroup(const TuningTask& task, const TuningGroup& group, Json& json) {
        GroupRace race(session_, group);
        const KernelOverride kernel = race.run();
        for (const std::string& fault : race.faults()) {
            session_.console().line("left out: " + fault);
            json["faults"].push_back(fault);
        }
        hasFailed_ = hasFailed_ || !race.faults().empty();
        if (!race.isUntunedRight()) {
            return std::nullopt;
        }
        json["candidates"] = race.candidates();
        json["untuned"] = {{"kernel", nameOf(race.kernel(0))}, {"seconds", race.timesOf(0)}};
        json["tuned"] = {{"kernel", nameOf(kernel)}, {"seconds", race.timesOf(race.winner())}};
        json["best"] = {{"kernel", nameOf(race.kernel(race.best()))}, {"gain", toJson(race.gain(race.best()))}};
        session_.console().line(fmt::format("{:<34} {:>6}  {:<34} {:<34} {:>5.2f}  {:>3}", task.name(),
                                            group.hiddenSize, nameOf(kernel), nameOf(race.kernel(0)),
                                            race.gain(race.winner()).median, race.candidates()));
        return kernel;
    }

    // After each task, so that what was measured is kept whatever happens.
    void write(const std::vector<vkn::TuningEntry>& entries) {
        const DeviceInfo& info = session_.device().deviceInfo();
        const vkn::TuningTarget target = vkn::tuningTarget(factsOf(session_), vkn_kernelHash);
        const std::string comment = fmt::format("{}, {} {}", info.name, info.driverName, info.driverInfo);
        replaceEntries(sectionFor(sections_, target, comment), entries);
        writeTextFile(path_, formatTuning(sections_));
    }

    Session& session_;
    std::string path_;
    std::vector<TuningSection> sections_;
    size_t done_ = 0;
    bool hasFailed_ = false;
};

}  // namespace

int tune(const Arguments& arguments) {
    const std::vector<TuningTask> tasks = tuningTasks(arguments.selection, kMostTunedElements);
    DeviceOptions options;
    options.selector = arguments.device;
    Session session(arguments, "tune", options);
    Tuner tuner(session, arguments.tuningTable);
    for (const TuningTask& task : tasks) {
        tuner.total += task.groups.size();
    }
    session.console().line(fmt::format("{:<34} {:>6}  {:<34} {:<34} {:>5}  {:>3}", "operation, types", "hidden",
                                       "fastest", "library's own choice", "gain", "of"));
    try {
        for (const TuningTask& task : tasks) {
            tuner.run(task);
        }
    } catch (const Interrupted&) {
        return session.runner().end("interrupted", kExitInterrupted);
    }
    return session.runner().end("", tuner.hasFailed() ? kExitWrong : 0);
}

}  // namespace vknorm::compare
