#include "pipelines/baseline.hpp"

#include <istream>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace vknorm::test {

namespace {

constexpr char kDriverLine[] = "driver ";
constexpr char kHeading[] = "# spills, registers, instructions, occupancy, 128-bit accesses (-: not told), pipeline\n";

std::string textOf(const std::optional<uint64_t>& value) { return value ? std::to_string(*value) : "-"; }

uint64_t toNumber(const std::string& word) {
    if (word.empty() || word.find_first_not_of("0123456789") != std::string::npos) {
        throw std::invalid_argument(std::string("'").append(word).append("' is no number"));
    }
    return std::stoull(word);
}

std::optional<uint64_t> toOptional(const std::string& word) {
    return word == "-" ? std::nullopt : std::optional<uint64_t>(toNumber(word));
}

std::pair<std::string, PipelineFigures> readPipeline(const std::string& line) {
    std::istringstream words(line);
    std::string spills;
    std::string registers;
    std::string instructions;
    std::string occupancy;
    std::string wideAccesses;
    std::string name;
    words >> spills >> registers >> instructions >> occupancy >> wideAccesses >> std::ws;
    std::getline(words, name);
    if (name.empty()) {
        throw std::invalid_argument("it should have five figures and a pipeline");
    }
    return {name,
            {toNumber(spills), toNumber(registers), toOptional(instructions), toOptional(occupancy),
             toOptional(wideAccesses)}};
}

std::string faultOf(const PipelineFigures& now, const PipelineFigures& before) {
    if (now.spills > before.spills) {
        return std::to_string(now.spills).append(" spilled, ").append(std::to_string(before.spills)).append(" before");
    }
    if (now.wideAccesses.value_or(0) < before.wideAccesses.value_or(0)) {
        return textOf(now.wideAccesses)
            .append(" accesses of 128 bits, ")
            .append(textOf(before.wideAccesses))
            .append(" before");
    }
    return "";
}

// How many have more of something, and how many less.
struct Change {
    size_t more = 0;
    size_t less = 0;

    void add(const std::optional<uint64_t>& now, const std::optional<uint64_t>& before) {
        more += now && before && *now > *before ? 1U : 0U;
        less += now && before && *now < *before ? 1U : 0U;
    }

    std::string text(const char* of) const {
        return std::string(of)
            .append(" ")
            .append(std::to_string(more))
            .append(" more, ")
            .append(std::to_string(less))
            .append(" less");
    }
};

}  // namespace

Baseline Baseline::read(std::istream& text) {
    std::string line;
    size_t number = 0;
    std::optional<Baseline> baseline;
    while (std::getline(text, line)) {
        ++number;
        if (line.empty() || line[0] == '#') {
            continue;
        }
        try {
            if (!baseline) {
                if (line.rfind(kDriverLine, 0) != 0) {
                    throw std::invalid_argument("a driver should be named before the first pipeline");
                }
                baseline.emplace(line.substr(sizeof kDriverLine - 1));
                continue;
            }
            const auto [name, figures] = readPipeline(line);
            baseline->add(name, figures);
        } catch (const std::exception& error) {
            throw std::runtime_error(
                std::string("line ").append(std::to_string(number)).append(": ").append(error.what()));
        }
    }
    if (!baseline) {
        throw std::runtime_error("no driver is named");
    }
    return *baseline;
}

void Baseline::write(std::ostream& text) const {
    text << kDriverLine << driver_ << '\n' << kHeading;
    for (const auto& [name, figures] : pipelines_) {
        text << figures.spills << ' ' << figures.registers << ' ' << textOf(figures.instructions) << ' '
             << textOf(figures.occupancy) << ' ' << textOf(figures.wideAccesses) << ' ' << name << '\n';
    }
}

void Baseline::add(const std::string& pipeline, const PipelineFigures& figures) {
    std::string name = pipeline;
    for (size_t i = 2; !pipelines_.emplace(name, figures).second; ++i) {
        name = std::string(pipeline).append(" #").append(std::to_string(i));
    }
}

std::vector<std::string> Baseline::faultsAgainst(const Baseline& before) const {
    std::vector<std::string> faults;
    for (const auto& [name, figures] : pipelines_) {
        const auto old = before.pipelines_.find(name);
        const std::string fault =
            old == before.pipelines_.end() ? "not in the baseline" : faultOf(figures, old->second);
        if (!fault.empty()) {
            faults.push_back(std::string(name).append(": ").append(fault));
        }
    }
    for (const auto& [name, figures] : before.pipelines_) {
        if (pipelines_.count(name) == 0) {
            faults.push_back(std::string(name).append(": only in the baseline"));
        }
    }
    return faults;
}

std::string Baseline::changesSince(const Baseline& before) const {
    Change registers;
    Change instructions;
    Change occupancy;
    for (const auto& [name, figures] : pipelines_) {
        const auto old = before.pipelines_.find(name);
        if (old != before.pipelines_.end()) {
            registers.add(figures.registers, old->second.registers);
            instructions.add(figures.instructions, old->second.instructions);
            occupancy.add(figures.occupancy, old->second.occupancy);
        }
    }
    return registers.text("registers")
        .append("; ")
        .append(instructions.text("instructions"))
        .append("; ")
        .append(occupancy.text("occupancy"));
}

}  // namespace vknorm::test
