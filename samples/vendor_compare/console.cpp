// SPDX-License-Identifier: Apache-2.0
#include "console.hpp"

#include <fmt/format.h>

#include <cstdio>

#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

namespace vknorm::compare {
namespace {

constexpr std::chrono::seconds kBetweenPlainLines{5};

bool isErrorStreamTerminal() {
#ifdef _WIN32
    return _isatty(_fileno(stderr)) != 0;
#else
    return isatty(STDERR_FILENO) != 0;
#endif
}

std::string nameColumns(const Case& test) {
    return fmt::format("{:<28} {:<9} {:>12}", test.operation->name, test.types->name, nameOf(test.shape));
}

std::string percent(const std::optional<double>& share) { return share ? fmt::format("{:.0f} %", 100.0 * *share) : ""; }

std::string secondsOf(const std::optional<Timing>& timing) { return timing ? formatSeconds(timing->seconds()) : ""; }

std::string kernelColumn(const VknPlanInfo& plan) {
    return fmt::format("{} {}/{}{}", nameOf(plan.form), plan.workgroupSize, plan.subgroupSize,
                       plan.accessesInRegisters == 0 ? " again" : "");
}

// What is to be said beside the numbers.
std::string notesOf(const CaseResult& result) {
    if (result.status != Status::Ok) {
        return fmt::format("{}: {}", nameOf(result.status), result.reason);
    }
    std::string notes;
    if (result.plan) {
        notes = kernelColumn(*result.plan);
    }
    if (!result.slots.exceedsCache) {
        notes.append(", in cache");
    }
    if (result.timing && !result.timing->measured.isStable) {
        notes.append(", unsteady");
    }
    if (result.apart && result.apart->status != Status::Ok) {
        notes.append(fmt::format(", apart {}: {}", nameOf(result.apart->status), result.apart->reason));
    }
    return notes;
}

}  // namespace

std::string benchHeader() {
    return fmt::format("{:<28} {:<9} {:>12} {:>10} {:>6} {:>9} {:>8} {:>8} {:>10} {:>6}  {}", "operation", "types",
                       "shape", "time", "MAD", "GB/s", "of copy", "compute", "latency", "apart", "kernel");
}

std::string benchRow(const CaseResult& result) {
    const std::optional<double> rate = result.bytesPerSecond();
    const std::optional<double> gain = result.gainOfFusion();
    std::optional<double> deviation;
    if (result.timing) {
        deviation = result.timing->measured.summary.deviation / result.timing->seconds();
    }
    return fmt::format("{} {:>10} {:>6} {:>9} {:>8} {:>8} {:>10} {:>6}  {}", nameColumns(result.test),
                       secondsOf(result.timing), deviation ? fmt::format("{:.1f} %", 100.0 * *deviation) : "",
                       rate ? fmt::format("{:.2f}", 1e-9 * *rate) : "", percent(result.shareOfCopy()),
                       percent(result.shareOfComputeCopy()), secondsOf(result.latency),
                       gain ? fmt::format("{:.2f}", *gain) : "", notesOf(result));
}

std::string verifyHeader() {
    return fmt::format("{:<28} {:<9} {:>12} {:>12} {:>9} {:>12}", "operation", "types", "shape", "result", "rows",
                       "of its bound");
}

std::string verifyRow(const CaseResult& result) {
    const bool isCompared = result.check.has_value() && result.status == Status::Ok;
    return fmt::format("{} {:>12} {:>9} {:>12}{}", nameColumns(result.test),
                       isCompared ? "right" : nameOf(result.status),
                       isCompared ? fmt::to_string(result.check->rows) : "",
                       isCompared ? fmt::format("{:.2f}", result.check->tightest) : "",
                       result.reason.empty() ? "" : fmt::format("  {}", result.reason));
}

Console::Console() : isTerminal_(isErrorStreamTerminal()), lastProgress_(std::chrono::steady_clock::now()) {}

void Console::clearProgress() {
    if (hasProgress_) {
        std::fputs("\r\x1b[K", stderr);
        std::fflush(stderr);
        hasProgress_ = false;
    }
}

void Console::line(const std::string& text) {
    clearProgress();
    const size_t end = text.find_last_not_of(' ');
    std::printf("%s\n", text.substr(0, end == std::string::npos ? 0 : end + 1).c_str());
    std::fflush(stdout);
}

void Console::progress(size_t index, size_t count, const std::string& what) {
    const std::string text = fmt::format("[{}/{}] {}", index, count, what);
    if (isTerminal_) {
        clearProgress();
        std::fputs(text.c_str(), stderr);
        hasProgress_ = true;
    } else if (std::chrono::steady_clock::now() - lastProgress_ > kBetweenPlainLines) {
        std::fprintf(stderr, "%s\n", text.c_str());
        lastProgress_ = std::chrono::steady_clock::now();
    }
    std::fflush(stderr);
}

}  // namespace vknorm::compare
