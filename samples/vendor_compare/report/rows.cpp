// SPDX-License-Identifier: Apache-2.0
#include "report/rows.hpp"

#include <fmt/format.h>

#include <limits>

namespace vknorm::compare {
namespace {

constexpr uint64_t kMostOf32Bits = 0xFFFFFFFFU;
constexpr uint64_t kAny = std::numeric_limits<uint64_t>::max();  // drivers may say so of memory
constexpr double kMostShare = 1e9;

Status takeStatus(const Fields& fields) {
    const std::string text = fields.text("status");
    for (const Status status : kStatuses) {
        if (text == nameOf(status)) {
            return status;
        }
    }
    fields.fail("status", ": must be ok, unsupported, skipped, failed or wrong");
}

std::string takeReason(const Fields& fields, Status status) {
    return status == Status::Ok ? fields.textOr("reason", "", kMostTextBytes) : fields.text("reason", kMostTextBytes);
}

std::optional<TimeFact> takeTimeIfThere(const Fields& fields, const char* name) {
    const std::optional<Fields> object = fields.objectIfThere(name);
    return object ? std::optional(takeTime(*object)) : std::nullopt;
}

KernelFact takeKernel(const Fields& fields) {
    KernelFact kernel;
    kernel.form = fields.text("form");
    kernel.reason = fields.textOr("reason", "", kMostTextBytes);
    kernel.workgroupSize = fields.countIfThere("workgroupSize", kMostOf32Bits).value_or(0);
    kernel.subgroupSize = fields.countIfThere("subgroupSize", kMostOf32Bits).value_or(0);
    kernel.accessesInRegisters = fields.countIfThere("accessesInRegisters", kMostOf32Bits).value_or(0);
    return kernel;
}

CopyFact takeCopy(const Fields& fields) {
    CopyFact copy;
    copy.bytes = fields.count("bytes", 1, kMostExact);
    copy.exceedsCache = fields.flag("exceedsCache");
    copy.compute = takeTimeIfThere(fields, "compute");
    copy.transfer = takeTimeIfThere(fields, "transfer");
    return copy;
}

ApartFact takeApart(const Fields& fields) {
    ApartFact apart;
    apart.operations = fields.texts("operations");
    apart.status = takeStatus(fields);
    apart.reason = takeReason(fields, apart.status);
    apart.timing = takeTimeIfThere(fields, "timing");
    apart.ratio = fields.numberIfThere("ratio", 0, kMostShare);
    return apart;
}

// A right result that was measured has a time; of any other there is nothing to believe.
void checkTiming(const Fields& fields, const CaseFact& row, bool isMeasured) {
    if (isMeasured && row.status == Status::Ok && !row.timing) {
        fields.fail("timing", ": is missing, of a row whose status is ok");
    }
    if (row.status != Status::Ok && (row.timing || row.latency)) {
        fields.fail("timing", fmt::format(": there must be none where the status is {}", nameOf(row.status)));
    }
    if (row.status == Status::Ok && row.shareOfBound.value_or(0.0) > 1.0) {
        fields.fail("check.largestShareOfBound",
                    fmt::format(" {:g}: is more than 1, and yet the status is ok", *row.shareOfBound));
    }
}

bool tellsOfRegisters(const std::string& name) {
    return name.find("GPR") != std::string::npos || name.find("egister") != std::string::npos;
}

void takeStatistics(const Fields& fields, PipelineFact& row) {
    constexpr double kMost = 1e15;
    row.spills = fields.numberIfThere("spills", 0, kMost);
    row.registers = fields.numberIfThere("registers", 0, kMost);
    row.instructions = fields.numberIfThere("instructions", 0, kMost);
    row.occupancy = fields.numberIfThere("occupancy", 0, kMost);
    for (const Fields& statistic : fields.objects("driver")) {
        const std::string name = statistic.text("name");
        const double value = statistic.number("value", -1e300, 1e300);
        if (tellsOfRegisters(name) && row.driverRegisters.size() < kMostNameBytes) {
            row.driverRegisters += fmt::format("{}{} {:.12g}", row.driverRegisters.empty() ? "" : ", ", name, value);
        }
    }
}

}  // namespace

TimeFact takeTime(const Fields& fields) {
    TimeFact time;
    time.median = fields.number("medianSeconds", 0, kMostSeconds);
    if (time.median <= 0.0) {
        fields.fail("medianSeconds", " 0: must be more than 0");
    }
    const double low = fields.number("lowSeconds", 0, kMostSeconds);
    if (!fields.isNull("highSeconds")) {
        const double high = fields.number("highSeconds", 0, kMostSeconds);
        if (low > time.median || high < time.median) {
            fields.fail("medianSeconds",
                        fmt::format(" {:g}: must be from lowSeconds {:g} to highSeconds {:g}", time.median, low, high));
        }
        time.interval = {low, high};
    }
    time.deviation = fields.number("medianAbsoluteDeviationSeconds", 0, kMostSeconds);
    time.p95 = fields.number("p95Seconds", 0, kMostSeconds);
    time.samples = fields.count("samples", 1, kMostOf32Bits);
    time.isStable = fields.flag("isStable");
    time.source = fields.textOr("source", "");
    return time;
}

DeviceFacts takeDevice(const Fields& fields) {
    DeviceFacts device;
    device.name = fields.text("name");
    if (device.name.empty()) {
        fields.fail("name", ": must not be empty");
    }
    device.driverName = fields.text("driverName");
    device.driverInfo = fields.text("driverInfo");
    device.isSoftware = fields.flag("isSoftware");
    device.type = fields.textOr("type", "");
    device.uuid = fields.textOr("uuid", "");
    device.apiVersion = fields.textOr("apiVersion", "");
    device.selfTest = fields.textOr("selfTest", "", kMostTextBytes);
    device.quirks = fields.textOr("quirks", "", kMostTextBytes);
    device.subgroupSize = fields.countIfThere("subgroupSize", kMostOf32Bits);
    device.pushDescriptors = fields.flagIfThere("pushDescriptors");
    device.enabled = fields.texts("enabled");
    device.usableForms = fields.texts("usableForms");
    if (const std::optional<Fields> limits = fields.objectIfThere("limits")) {
        device.limits = limits->numbers();
    }
    for (const Fields& heap : fields.objects("memoryHeaps")) {
        device.memoryHeaps.push_back({heap.count("bytes", 0, kAny), heap.flag("isDeviceLocal")});
    }
    return device;
}

LibraryFacts takeLibrary(const Fields& fields) {
    return {fields.text("version"), fields.text("commit"), fields.text("kernelHash")};
}

SettingFacts takeSettings(const Fields& fields) {
    SettingFacts settings;
    settings.cacheBytes = fields.countIfThere("cacheBytes", kAny);
    settings.cacheSource = fields.textOr("cacheSource", "");
    settings.memoryLimitBytes = fields.countIfThere("memoryLimitBytes", kAny);
    settings.secondsPerCase = fields.numberIfThere("secondsPerCase", 0, kMostSeconds);
    settings.isQuick = fields.flagIfThere("isQuick").value_or(false);
    settings.hasKernel = fields.objectIfThere("kernel").has_value();
    return settings;
}

CaseFact takeCase(const Fields& fields) {
    const bool isMeasured = fields.text("kind") == "bench";
    CaseFact row;
    row.line = fields.place().line;
    row.key = {fields.text("operation"), fields.text("types"), fields.count("rows", 1, kMostExact),
               fields.count("hiddenSize", 1, kMostOf32Bits)};
    row.status = takeStatus(fields);
    row.reason = takeReason(fields, row.status);
    if (const std::optional<Fields> kernel = fields.objectIfThere("kernel")) {
        row.kernel = takeKernel(*kernel);
    }
    if (const std::optional<Fields> check = fields.objectIfThere("check")) {
        row.shareOfBound = check->numberIfThere("largestShareOfBound", 0, 1e300);
    }
    row.exceedsCache = fields.flagIfThere("exceedsCache");
    row.timing = takeTimeIfThere(fields, "timing");
    row.latency = takeTimeIfThere(fields, "latency");
    if (const std::optional<Fields> copy = fields.objectIfThere("copy")) {
        row.copy = takeCopy(*copy);
    }
    row.bytesPerSecond = fields.numberIfThere("bytesPerSecond", 0, kMostBytesPerSecond);
    row.shareOfCopy = fields.numberIfThere("shareOfCopy", 0, kMostShare);
    row.shareOfComputeCopy = fields.numberIfThere("shareOfComputeCopy", 0, kMostShare);
    if (const std::optional<Fields> apart = fields.objectIfThere("apart")) {
        row.apart = takeApart(*apart);
    }
    checkTiming(fields, row, isMeasured);
    return row;
}

PipelineFact takePipeline(const Fields& fields) {
    PipelineFact row;
    row.line = fields.place().line;
    row.variant = fields.text("variant", kMostTextBytes);
    row.index = fields.countIfThere("pipeline", kMostOf32Bits);
    row.status = takeStatus(fields);
    row.reason = takeReason(fields, row.status);
    if (const std::optional<Fields> kernel = fields.objectIfThere("kernel")) {
        row.form = kernel->textOr("form", "");
    }
    if (const std::optional<Fields> statistics = fields.objectIfThere("statistics")) {
        takeStatistics(*statistics, row);
    }
    return row;
}

}  // namespace vknorm::compare
