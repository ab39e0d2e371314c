// SPDX-License-Identifier: Apache-2.0
#include "case_runner.hpp"

#include "interrupt.hpp"

#include <fmt/format.h>

namespace vknorm::compare {

// False where nothing can be run any more.
bool CaseRunner::runOne(CaseResult& result, const RunCase& runCase) {
    bool canGoOn = true;
    const auto end = [&](Status status, const char* reason) {
        result.status = status;
        result.reason = reason;
    };
    try {
        runCase(result);
    } catch (const Skipped& skipped) {
        end(Status::Skipped, skipped.what());
    } catch (const Unsupported& unsupported) {
        end(Status::Unsupported, unsupported.what());
    } catch (const RuntimeError& error) {
        end(error.result() == VK_ERROR_OUT_OF_DEVICE_MEMORY ? Status::Skipped : Status::Failed, error.what());
        canGoOn = !isGone_(error.result());
    } catch (const std::exception& error) {
        end(Status::Failed, error.what());
    }
    if (result.status != Status::Ok) {
        result.timing.reset();  // whatever was measured is not to be believed
        result.latency.reset();
    }
    return canGoOn;
}

int CaseRunner::run(const std::vector<Case>& cases, const char* kind, FormatRow format, const RunCase& runCase) {
    try {
        for (size_t i = 0; i < cases.size(); ++i) {
            throwIfInterrupted();
            console_.progress(i + 1, cases.size(), cases[i].name());
            CaseResult result;
            result.test = cases[i];
            const bool canGoOn = runOne(result, runCase);
            console_.line(format(result));
            results_.write(toJson(result, kind));
            count(result.status);
            if (!canGoOn) {
                return end("the device was lost", kExitLost);
            }
        }
    } catch (const Interrupted&) {
        return end("interrupted", kExitInterrupted);
    }
    const bool isRight =
        counts_[static_cast<size_t>(Status::Wrong)] + counts_[static_cast<size_t>(Status::Failed)] == 0;
    return end("", isRight ? 0 : kExitWrong);
}

int CaseRunner::end(const std::string& reason, int exitStatus) {
    Json json = {{"kind", "end"}, {"isComplete", reason.empty()}};
    if (!reason.empty()) {
        json["reason"] = reason;
    }
    std::string text;
    for (size_t i = 0; i < counts_.size(); ++i) {
        const char* name = nameOf(static_cast<Status>(i));
        json["rows"][name] = counts_[i];
        text.append(fmt::format("{}{} {}", text.empty() ? "" : ", ", counts_[i], name));
    }
    results_.write(json);
    console_.line(fmt::format("\n{}{}{}", text, reason.empty() ? "" : "; ended early: ", reason));
    return exitStatus;
}

}  // namespace vknorm::compare
