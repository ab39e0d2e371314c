// SPDX-License-Identifier: Apache-2.0
#include "tuning_file.hpp"

#include "tuning_candidates.hpp"

#include "plan/tuning_words.hpp"

#include <vknorm/vknorm.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <tuple>

namespace vknorm::compare {
namespace {

// The comments that stand right before device lines, in their order.
std::vector<std::string> commentsOf(const std::string& text) {
    std::vector<std::string> comments;
    std::istringstream lines(text);
    std::string before;
    for (std::string line; std::getline(lines, line); before = line) {
        if (line.rfind("device ", 0) == 0) {
            comments.push_back(before.rfind("# ", 0) == 0 ? before.substr(2) : std::string());
        }
    }
    return comments;
}

std::string nameOfRelease(uint32_t release) { return fmt::format("{}.{}", release >> 16U, release & 0xFFFFU); }

std::string format(const vkn::TuningDevice& device) {
    const std::string last = device.lastRelease == device.firstRelease
                                 ? std::string()
                                 : fmt::format("-{}", nameOfRelease(device.lastRelease));
    return fmt::format("device driver={} vendor={:#x}{} subgroup={} version={}{} kernels={:016x}\n", device.driverId,
                       device.vendorId, device.isAnyDevice ? "" : fmt::format(" device={:#x}", device.deviceId),
                       device.subgroupSize, nameOfRelease(device.firstRelease), last, device.kernelHash);
}

std::string nameOfExtras(uint32_t extras) {
    std::string text;
    for (uint32_t extra = 0; extra < vkn::kExtraCount; ++extra) {
        if ((extras & (1U << extra)) != 0) {
            text.append(text.empty() ? "" : "+").append(vkn::kExtraWords[extra]);
        }
    }
    return text.empty() ? vkn::kPlainWord : text;
}

std::string format(const vkn::TuningEntry& entry) {
    const vkn::TuningKey& key = entry.key;
    std::string text = fmt::format("{} {} {} {} chunk={} size={}", vkn::kOperationWords[key.operation],
                                   vkn::kPlacementWords[key.placement], vkn::kDirectionWords[key.isBackward],
                                   nameOfExtras(key.extras), key.chunk, entry.firstSize);
    if (entry.lastSize != entry.firstSize) {
        text += fmt::format("-{}", entry.lastSize);
    }
    if (entry.form != VKN_KERNEL_FORM_AUTO) {
        text += fmt::format(" form={}", vkn::kFormWords[entry.form]);
    }
    const auto add = [&](const char* name, uint32_t value) {
        text += value == 0 ? std::string() : fmt::format(" {}={}", name, value);
    };
    add("workgroup", entry.workgroupSize);
    add("subgroup", entry.subgroupSize);
    add("max-workgroups", entry.maxWorkgroups);
    add("rows-at-once", entry.rowsAtOnce);
    add("read-twice", entry.readTwice);
    return text + "\n";
}

auto orderOf(const vkn::TuningEntry& entry) {
    const vkn::TuningKey& key = entry.key;
    return std::make_tuple(key.operation, key.placement, key.isBackward, key.extras, key.chunk, entry.firstSize);
}

// Where one of two sizes is no nearer than the other.
uint32_t middleOf(uint32_t a, uint32_t b) {
    return static_cast<uint32_t>(std::sqrt(static_cast<double>(a) * static_cast<double>(b)));
}

}  // namespace

std::vector<TuningSection> parseTuning(const std::string& text) {
    std::vector<TuningSection> sections;
    const std::vector<std::string> comments = commentsOf(text);
    VknError error = makeError();
    vkn::TuningReader reader(text.data(), text.size(), &error);
    for (;;) {
        switch (reader.next()) {
            case vkn::TuningReader::Item::Bad:
                throw std::runtime_error(error.message);
            case vkn::TuningReader::Item::End:
                return sections;
            case vkn::TuningReader::Item::Device:
                sections.push_back({sections.size() < comments.size() ? comments[sections.size()] : std::string(),
                                    reader.device(),
                                    {}});
                break;
            case vkn::TuningReader::Item::Entry:
                sections.back().entries.push_back(reader.entry());
        }
    }
}

std::string formatTuning(const std::vector<TuningSection>& sections) {
    std::string text = fmt::format("{}\n", vkn::kTuningHeader);
    for (const TuningSection& section : sections) {
        text += section.comment.empty() ? "\n" : fmt::format("\n# {}\n", section.comment);
        text += format(section.device);
        for (const vkn::TuningEntry& entry : section.entries) {
            text += format(entry);
        }
    }
    return text;
}

std::string readTextFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void writeTextFile(const std::string& path, const std::string& text) {
    const std::string beside = path + ".new";
    std::ofstream file(beside, std::ios::binary);
    file << text << std::flush;
    file.close();
    std::error_code error;
    if (file) {
        std::filesystem::rename(beside, path, error);
    }
    if (!file || error) {
        throw std::runtime_error(fmt::format("cannot write {}", path));
    }
}

TuningSection& sectionFor(std::vector<TuningSection>& sections, const vkn::TuningTarget& target,
                          const std::string& comment) {
    vkn::TuningTarget sameKernels = target;
    for (TuningSection& section : sections) {
        sameKernels.kernelHash = section.device.kernelHash;
        if (section.device.covers(sameKernels)) {
            if (section.device.kernelHash != target.kernelHash) {
                section.entries.clear();
            }
            section.device.kernelHash = target.kernelHash;
            section.comment = comment;
            return section;
        }
    }
    TuningSection section;
    section.comment = comment;
    section.device = {target.driverId,     target.vendorId, target.deviceId, false,
                      target.subgroupSize, target.release,  target.release,  target.kernelHash};
    sections.push_back(section);
    return sections.back();
}

std::vector<vkn::TuningEntry> entriesOf(const vkn::TuningKey& key, const std::vector<TunedSize>& sizes) {
    std::vector<vkn::TuningEntry> entries;
    for (size_t i = 0; i < sizes.size(); ++i) {
        const uint32_t size = sizes[i].size;
        const uint32_t last =
            i + 1 < sizes.size() ? middleOf(size, sizes[i + 1].size) : std::min(2 * size, vkn::kMaxHiddenSize);
        if (i != 0 && sizes[i].kernel == sizes[i - 1].kernel) {
            entries.back().lastSize = last;
            continue;
        }
        vkn::TuningEntry entry;
        entry.key = key;
        entry.firstSize = i != 0 ? entries.back().lastSize + 1 : std::max(size / 2, 1U);
        entry.lastSize = last;
        setKernel(entry, sizes[i].kernel);
        entries.push_back(entry);
    }
    return entries;
}

void replaceEntries(TuningSection& section, const std::vector<vkn::TuningEntry>& entries) {
    std::vector<vkn::TuningEntry>& all = section.entries;
    const auto isReplaced = [&](const vkn::TuningEntry& old) {
        return std::any_of(entries.begin(), entries.end(), [&](const auto& each) { return each.key == old.key; });
    };
    all.erase(std::remove_if(all.begin(), all.end(), isReplaced), all.end());
    all.insert(all.end(), entries.begin(), entries.end());
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return orderOf(a) < orderOf(b); });
}

}  // namespace vknorm::compare
