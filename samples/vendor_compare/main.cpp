// vknorm_compare: measures the library on any Vulkan device, checked first and next to a copy; results can be gathered
// from many machines. README.md says how, and what the results mean.
// SPDX-License-Identifier: Apache-2.0
#include "case_runner.hpp"
#include "commands.hpp"
#include "interrupt.hpp"

#include <cstdio>
#include <exception>

namespace {

using namespace vknorm::compare;

int run(const Arguments& arguments) {
    switch (arguments.command) {
        case Command::Devices:
            return listDevices(arguments);
        case Command::Verify:
            return verify(arguments);
        case Command::Bench:
            return bench(arguments);
        case Command::Tune:
            return arguments.checkTuning ? checkTuning(arguments) : tune(arguments);
        case Command::Table:
            return printTable(arguments);
        case Command::Report:
            return writeReport(arguments);
        case Command::Compare:
            return compareFiles(arguments);
        case Command::Pipelines:
            break;
    }
    return compilePipelines(arguments);
}

}  // namespace

int main(int argc, char** argv) {
    catchInterrupts();
    try {
        return run(parseArguments(argc, argv));
    } catch (const ArgumentsEnd& end) {
        std::fputs(end.text.c_str(), end.exitCode == 0 ? stdout : stderr);
        return end.exitCode;
    } catch (const vknorm::RuntimeError& error) {
        std::fprintf(stderr, "vknorm_compare: %s\n", error.what());
        return error.result() == VK_ERROR_DEVICE_LOST ? kExitLost : kExitUsage;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "vknorm_compare: %s\n", error.what());
        return kExitUsage;
    }
}
