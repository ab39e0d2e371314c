// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"
#include "measure.hpp"
#include "tuning_file.hpp"

#include <fmt/format.h>

namespace vknorm::compare {
namespace {

// What a dispatch takes that has nothing to do.
void measureEmptyDispatch(Session& session) {
    const Timing independent = session.copies().emptyDispatch(false);
    const Timing dependent = session.copies().emptyDispatch(true);
    session.results().write(
        {{"kind", "empty-dispatch"}, {"timing", toJson(independent)}, {"latency", toJson(dependent)}});
    session.console().line(fmt::format(
        "an empty dispatch takes {}, and {} with a barrier; timed by {}\n", formatSeconds(independent.seconds()),
        formatSeconds(dependent.seconds()),
        independent.source == TimingSource::GpuTimestamps ? "the device's timestamps" : "the host's clock"));
}

}  // namespace

int bench(const Arguments& arguments) {
    DeviceOptions options;
    options.selector = arguments.device;
    options.tuningTable = arguments.tuningTable.empty() ? std::string() : readTextFile(arguments.tuningTable);
    Session session(arguments, "bench", options);
    measureEmptyDispatch(session);
    MeasureParts parts;
    // What is compared is a kernel that is asked for with the library's choice for others; that says nothing.
    parts.apart = !arguments.leaveOutApart && !arguments.kernel.isGiven();
    session.console().line(benchHeader());
    return session.runCases("bench", benchRow,
                            [&](CaseResult& result) { measureCase(session, arguments.kernel, parts, result); });
}

}  // namespace vknorm::compare
