// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"
#include "console.hpp"
#include "environment.hpp"

#include <fmt/format.h>

namespace vknorm::compare {
namespace {

// Opens a device, and says what the library found out about it.
Json examine(const DeviceInfo& info) {
    if (!info.hasComputeQueue) {
        return deviceFacts(info);
    }
    try {
        DeviceOptions options;
        options.selector = std::to_string(info.index);
        return openDeviceFacts(Device(options));
    } catch (const RuntimeError& error) {
        Json json = deviceFacts(info);
        json["fault"] = error.what();
        return json;
    }
}

void printDevice(Console& console, const DeviceInfo& info, const Json& json) {
    console.line(vknorm::describeDevice(info));
    if (json.contains("fault")) {
        console.line(fmt::format("    {}", json["fault"].get<std::string>()));
    } else if (json.contains("selfTest")) {
        const std::string quirks = json["quirks"].get<std::string>();
        console.line(fmt::format("    self-test {}; forms {}; quirks {}", json["selfTest"].get<std::string>(),
                                 json["usableForms"].dump(), quirks.empty() ? "none" : quirks));
    }
}

}  // namespace

int listDevices(const Arguments& arguments) {
    Console console;
    ResultFile results(arguments.output);
    results.write({{"kind", "run"},
                   {"schema", kSchemaVersion},
                   {"tool", "vknorm_compare"},
                   {"command", "devices"},
                   {"started", nowInUtc()},
                   {"library", libraryFacts()}});
    for (const DeviceInfo& info : vknorm::listDevices()) {
        const Json json = examine(info);
        printDevice(console, info, json);
        results.write({{"kind", "device"}, {"device", json}});
    }
    results.write({{"kind", "end"}, {"isComplete", true}});
    return 0;
}

}  // namespace vknorm::compare
