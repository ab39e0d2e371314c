// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include "environment.hpp"

#include <fmt/format.h>

#include <limits>

namespace vknorm::compare {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

CacheSize cacheOf(const Arguments& arguments, const DeviceInfo& info) {
    return arguments.cacheMiB ? CacheSize{*arguments.cacheMiB * kMiB, "given"} : lastLevelCache(info);
}

MemoryLimits memoryOf(const Arguments& arguments, const Device& device) {
    MemoryLimits limits;
    limits.cacheBytes = cacheOf(arguments, device.deviceInfo()).bytes;
    limits.limitBytes = arguments.memoryMiB ? *arguments.memoryMiB * kMiB : usualMemoryLimit(device);
    limits.wantedBytes = arguments.workingSetMiB.value_or(0) * kMiB;
    return limits;
}

// A software driver is slower to submit, shares its cores with everything else, and shows no speed anyway.
TimingOptions timingOf(const Arguments& arguments, const DeviceInfo& info) {
    constexpr double kQuickSeconds = 0.2;
    TimingOptions options;
    options.limits.seconds = arguments.seconds.value_or(arguments.selection.isQuick ? kQuickSeconds : 1.0);
    options.limits.warmUpSeconds = options.limits.seconds / 2;
    options.submitSeconds = info.isSoftware ? options.limits.seconds / 20 : 0.01;
    return options;
}

CheckLimits checksOf(const Arguments& arguments) {
    CheckLimits limits;
    if (arguments.checkAll) {
        limits.elements = std::numeric_limits<uint64_t>::max();
        limits.gradientElements = limits.elements;
    } else if (arguments.selection.isQuick) {
        limits.elements /= 8;
        limits.gradientElements /= 8;
    }
    return limits;
}

}  // namespace

Session::Session(const Arguments& arguments, const char* command, const DeviceOptions& options)
    : arguments_(arguments),
      results_(arguments.output),
      device_(options),
      memory_(memoryOf(arguments, device_)),
      timing_(timingOf(arguments, device_.deviceInfo())),
      checks_(checksOf(arguments)),
      runner_(console_, results_, [this](VkResult result) { return isDeviceGone(result); }) {
    const DeviceInfo& info = device_.deviceInfo();
    const CacheSize cache = cacheOf(arguments, info);
    Json run = {
        {"kind", "run"},         {"schema", kSchemaVersion},  {"tool", "vknorm_compare"},          {"command", command},
        {"started", nowInUtc()}, {"library", libraryFacts()}, {"device", openDeviceFacts(device_)}};
    run["settings"] = {{"cacheBytes", memory_.cacheBytes},
                       {"cacheSource", cache.source},
                       {"memoryLimitBytes", memory_.limitBytes},
                       {"secondsPerCase", timing_.limits.seconds},
                       {"isQuick", arguments.selection.isQuick}};
    const Json environment = driverEnvironment();
    if (!environment.empty()) {
        run["settings"]["environment"] = environment;
    }
    if (arguments.kernel.isGiven()) {
        run["settings"]["kernel"] = {
            {"form", nameOf(arguments.kernel.form)},         {"workgroupSize", arguments.kernel.workgroupSize},
            {"subgroupSize", arguments.kernel.subgroupSize}, {"maxWorkgroups", arguments.kernel.maxWorkgroups},
            {"rowsAtOnce", arguments.kernel.rowsAtOnce},     {"readTwice", arguments.kernel.readTwice}};
    }
    results_.write(run);
    console_.line(fmt::format("device   {}{}", info.name, info.isSoftware ? ": a software driver, not a GPU" : ""));
    console_.line(fmt::format("driver   {} {}; Vulkan {}.{}, subgroup size {}", info.driverName, info.driverInfo,
                              VK_API_VERSION_MAJOR(info.apiVersion), VK_API_VERSION_MINOR(info.apiVersion),
                              info.subgroupSize));
    for (const auto& [name, value] : environment.items()) {
        console_.line(fmt::format("set      {}={}", name, value.get<std::string>()));
    }
    const Json library = libraryFacts();
    console_.line(fmt::format("library  vknorm {}, commit {}, kernels {}", library["version"].get<std::string>(),
                              library["commit"].get<std::string>(), library["kernelHash"].get<std::string>()));
    console_.line(fmt::format("cache    {} MiB ({})\n", cache.bytes / kMiB, cache.source));
}

CopyBench& Session::copies() {
    if (!copies_) {
        copies_ = std::make_unique<CopyBench>(device_, patterns_, memory_, timing_);
    }
    return *copies_;
}

bool Session::isDeviceGone(VkResult result) {
    // What still runs when its time is up would be in the way of all that follows.
    return result == VK_ERROR_DEVICE_LOST || (result == VK_TIMEOUT && !device_.waitIdle());
}

int Session::runCases(const char* kind, CaseRunner::FormatRow format, const CaseRunner::RunCase& run) {
    const int exitStatus = runner_.run(selectCases(arguments_.selection), kind, format, run);
    if (device_.deviceInfo().isSoftware) {
        console_.line("A software driver shows results, not speed: compare it with no GPU.");
    }
    return exitStatus;
}

}  // namespace vknorm::compare
