// SPDX-License-Identifier: Apache-2.0
#include "report/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

namespace vknorm::compare {
namespace {

std::set<CaseKey> keysOf(const std::vector<CaseFact>& rows) {
    std::set<CaseKey> keys;
    for (const CaseFact& row : rows) {
        keys.insert(row.key);
    }
    return keys;
}

bool isDisjoint(const std::vector<CaseFact>& a, const std::vector<CaseFact>& b) {
    const std::set<CaseKey> keys = keysOf(a);
    return std::none_of(b.begin(), b.end(), [&](const CaseFact& row) { return keys.count(row.key) != 0; });
}

bool isDisjoint(const std::vector<PipelineFact>& a, const std::vector<PipelineFact>& b) {
    std::set<std::pair<std::string, std::optional<uint64_t>>> there;
    for (const PipelineFact& row : a) {
        there.emplace(row.variant, row.index);
    }
    return std::none_of(b.begin(), b.end(), [&](const PipelineFact& row) {
        return there.count({row.variant, row.index}) != 0;
    });
}

// ---- what is refused -----------------------------------------------------------------------------------------------

void refuseWrong(const RunFacts& file) {
    for (const std::vector<CaseFact>* rows : {&file.cases, &file.verified}) {
        for (const CaseFact& row : *rows) {
            if (row.status == Status::Wrong) {
                failAt({file.path, row.line},
                       fmt::format("{} failed its verification ({}): nothing that this device measures is compared",
                                   row.key.name(), row.reason));
            }
        }
    }
}

void refuseEmpty(const RunFacts& file) {
    if (file.cases.empty() && file.verified.empty() && file.pipelines.empty()) {
        failAt({file.path, 0}, "has no rows of bench, verify or pipelines");
    }
}

// Up to three names, and how many more there are.
std::string someOf(const std::vector<CaseKey>& keys) {
    constexpr size_t kShown = 3;
    std::string text;
    for (size_t i = 0; i < std::min(keys.size(), kShown); ++i) {
        text.append(i == 0 ? "" : ", ").append(keys[i].name());
    }
    return keys.size() > kShown ? fmt::format("{} and {} more", text, keys.size() - kShown) : text;
}

// ---- putting together ----------------------------------------------------------------------------------------------

auto identityOf(const RunFacts& file) {
    return std::tie(file.device.name, file.device.driverName, file.device.driverInfo, file.device.uuid,
                    file.library.kernelHash, file.settings.hasKernel);
}

bool belongsTo(const RunFacts& all, const RunFacts& file) {
    return identityOf(all) == identityOf(file) && isDisjoint(all.cases, file.cases) &&
           isDisjoint(all.verified, file.verified) && isDisjoint(all.pipelines, file.pipelines);
}

template <typename T>
void append(std::vector<T>& to, std::vector<T>&& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void add(DeviceResults& device, RunFacts&& file) {
    device.paths.push_back(file.path);
    append(device.facts.cases, std::move(file.cases));
    append(device.facts.verified, std::move(file.verified));
    append(device.facts.pipelines, std::move(file.pipelines));
    if (!device.facts.emptyDispatch) {
        device.facts.emptyDispatch = file.emptyDispatch;
        device.facts.emptyLatency = file.emptyLatency;
    }
    if (device.facts.device.memoryHeaps.empty()) {
        device.facts.device.memoryHeaps = std::move(file.device.memoryHeaps);
    }
}

std::vector<DeviceResults> gather(std::vector<RunFacts>&& files) {
    std::vector<DeviceResults> devices;
    for (RunFacts& file : files) {
        const auto known = std::find_if(devices.begin(), devices.end(),
                                        [&](const DeviceResults& each) { return belongsTo(each.facts, file); });
        if (known != devices.end()) {
            add(*known, std::move(file));
        } else {
            devices.push_back({"", {file.path}, std::move(file)});
        }
    }
    return devices;
}

// As much of name, driver and number as tells devices apart.
void label(std::vector<DeviceResults>& devices) {
    const auto countOf = [&](const std::string& text) {
        return std::count_if(devices.begin(), devices.end(),
                             [&](const DeviceResults& each) { return each.label == text; });
    };
    for (DeviceResults& device : devices) {
        device.label = device.facts.device.name;
    }
    std::vector<std::string> labels;
    for (const DeviceResults& device : devices) {
        const DeviceFacts& facts = device.facts.device;
        const std::string& driver = facts.driverInfo.empty() ? facts.driverName : facts.driverInfo;
        labels.push_back(countOf(facts.name) == 1 ? facts.name : fmt::format("{}, {}", facts.name, driver));
    }
    std::map<std::string, size_t> seen;
    for (size_t i = 0; i < devices.size(); ++i) {
        const size_t number = ++seen[labels[i]];
        devices[i].label = number == 1 ? labels[i] : fmt::format("{} ({})", labels[i], number);
    }
}

// ---- the same cases ------------------------------------------------------------------------------------------------

void keepCommon(std::vector<DeviceResults*>& measured) {
    std::map<CaseKey, size_t> counts;
    for (const DeviceResults* device : measured) {
        for (const CaseFact& row : device->facts.cases) {
            ++counts[row.key];
        }
    }
    for (DeviceResults* device : measured) {
        auto& rows = device->facts.cases;
        rows.erase(std::remove_if(rows.begin(), rows.end(),
                                  [&](const CaseFact& row) { return counts[row.key] != measured.size(); }),
                   rows.end());
        if (rows.empty()) {
            throw ResultFileError(fmt::format("{}: has no case that all other files have", device->paths.front()));
        }
    }
}

void refuseOtherCases(const std::vector<DeviceResults*>& measured) {
    for (size_t i = 1; i < measured.size(); ++i) {
        const std::string difference = differenceOfCases(measured[0]->facts.cases, measured[0]->paths.front(),
                                                         measured[i]->facts.cases, measured[i]->paths.front());
        if (!difference.empty()) {
            throw ResultFileError(fmt::format("{}; --common takes only the cases that all files have", difference));
        }
    }
}

// ---- notes ---------------------------------------------------------------------------------------------------------

std::string labelsOf(const std::vector<DeviceResults>& devices, bool (*isMeant)(const DeviceResults&)) {
    std::string text;
    for (const DeviceResults& device : devices) {
        if (isMeant(device)) {
            text.append(text.empty() ? "" : "; ").append(device.label);
        }
    }
    return text;
}

std::vector<std::string> notesOn(const std::vector<DeviceResults>& devices) {
    std::vector<std::string> notes;
    std::set<std::string> hashes;
    for (const DeviceResults& device : devices) {
        if (!device.facts.cases.empty()) {
            hashes.insert(device.facts.library.kernelHash);
        }
    }
    if (hashes.size() > 1) {
        notes.emplace_back(
            "The files were measured with different kernels of the library; times differ for that reason too.");
    }
    const std::string software = labelsOf(devices, [](const DeviceResults& device) {
        return device.facts.device.isSoftware && !device.facts.cases.empty();
    });
    if (!software.empty()) {
        notes.push_back(
            fmt::format("Software drivers show that results are right, and say nothing about the speed of a GPU. They "
                        "are marked and "
                        "not ranked: {}.",
                        software));
    }
    const std::string asked =
        labelsOf(devices, [](const DeviceResults& device) { return device.facts.settings.hasKernel; });
    if (!asked.empty()) {
        notes.push_back(
            fmt::format("Measured with a kernel that was asked for instead of the library's choice: {}.", asked));
    }
    return notes;
}

}  // namespace

std::string differenceOfCases(const std::vector<CaseFact>& first, const std::string& firstName,
                              const std::vector<CaseFact>& second, const std::string& secondName) {
    const std::set<CaseKey> a = keysOf(first);
    const std::set<CaseKey> b = keysOf(second);
    std::vector<CaseKey> onlyA;
    std::vector<CaseKey> onlyB;
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(onlyA));
    std::set_difference(b.begin(), b.end(), a.begin(), a.end(), std::back_inserter(onlyB));
    if (onlyA.empty() && onlyB.empty()) {
        return {};
    }
    std::string text =
        fmt::format("{} has {} cases and {} has {}, not the same", firstName, a.size(), secondName, b.size());
    if (!onlyA.empty()) {
        text += fmt::format("; only the first has {}", someOf(onlyA));
    }
    return onlyB.empty() ? text : fmt::format("{}; only the second has {}", text, someOf(onlyB));
}

MergedResults mergeResults(std::vector<RunFacts> files, const MergeOptions& options) {
    for (const RunFacts& file : files) {
        refuseEmpty(file);
        refuseWrong(file);
    }
    MergedResults merged;
    merged.devices = gather(std::move(files));
    label(merged.devices);
    std::vector<DeviceResults*> measured;
    for (DeviceResults& device : merged.devices) {
        if (!device.facts.cases.empty()) {
            measured.push_back(&device);
        }
    }
    if (options.onlyCommon) {
        keepCommon(measured);
        merged.notes.emplace_back("Only the cases that all files have are shown.");
    } else {
        refuseOtherCases(measured);
    }
    const std::vector<std::string> notes = notesOn(merged.devices);
    merged.notes.insert(merged.notes.end(), notes.begin(), notes.end());
    return merged;
}

}  // namespace vknorm::compare
