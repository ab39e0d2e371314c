// An engine's loop with vknorm in it: two frames in flight, plans made at load time on worker threads, norms recorded each frame
// into the engine's command buffers on a compute queue (beside the main queue where the device has such), barriers from what
// plans say about their operands. Every result is checked, and the library's allocations of host memory are counted.
//
// Usage: engine_frame [--frames N] [--vulkan 1.0|1.1|1.2|1.3] [--enable nothing|asked|everything] [--warm FILE] [--tuning FILE]
//   --vulkan  the version that the instance is created with, at most
//   --enable  what the engine enables on its device
//   --warm    reads FILE.cache and FILE.plans, where they are there, and writes them in the end
//   --tuning  a table that vknorm_compare tune wrote
// Exits 0 if everything is right, 1 if a result is wrong or a frame allocated, 2 on errors, 3 if the device was lost.
// SPDX-License-Identifier: Apache-2.0
#include "frame_loop.hpp"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

namespace {

struct Arguments {
    engine_frame::Options options;
    std::string warm;
    std::string tuning;
};

uint32_t versionOf(const std::string& text) {
    if (text.size() != 3 || text[0] != '1' || text[1] != '.' || text[2] < '0' || text[2] > '3') {
        throw std::runtime_error("--vulkan: 1.0, 1.1, 1.2 or 1.3");
    }
    return VK_MAKE_API_VERSION(0, 1, static_cast<uint32_t>(text[2] - '0'), 0);
}

engine_frame::Enable enableOf(const std::string& text) {
    if (text == "nothing") return engine_frame::Enable::Nothing;
    if (text == "asked") return engine_frame::Enable::Asked;
    if (text == "everything") return engine_frame::Enable::Everything;
    throw std::runtime_error("--enable: nothing, asked or everything");
}

Arguments parse(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; i += 2) {
        const std::string name = argv[i];
        if (i + 1 == argc) throw std::runtime_error(name + ": needs a value");
        const std::string value = argv[i + 1];
        if (name == "--frames") {
            arguments.options.frames = static_cast<uint32_t>(std::stoul(value));
        } else if (name == "--vulkan") {
            arguments.options.apiVersion = versionOf(value);
        } else if (name == "--enable") {
            arguments.options.enable = enableOf(value);
        } else if (name == "--warm") {
            arguments.warm = value;
        } else if (name == "--tuning") {
            arguments.tuning = value;
        } else {
            throw std::runtime_error(name + ": no such argument");
        }
    }
    return arguments;
}

std::vector<char> read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write(const std::string& path, const std::vector<char>& bytes) {
    std::ofstream file(path, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

void print(const engine_frame::Options& options, const engine_frame::Report& report) {
    std::printf("device      %s, instance of Vulkan 1.%u\n", report.device.c_str(),
                VK_API_VERSION_MINOR(report.apiVersion));
    std::printf("queues      %s\n", report.hasAsyncCompute ? "compute beside the main queue" : "one for everything");
    std::printf("self-test   %s\n", report.selfTest.c_str());
    std::printf("plans       %s\n", report.hasPlansFromList ? "from the list" : "compiled on worker threads");
    for (const VknPlanInfo& plan : report.plans) std::printf("plan        %s: %s\n", plan.signature, plan.reason);
    std::printf("frames      %u, two in flight; %.1f barriers a frame\n", options.frames,
                static_cast<double>(report.barriers) / options.frames);
    std::printf("allocations %llu at load, %llu in all frames together\n",
                static_cast<unsigned long long>(report.allocationsAtLoad),
                static_cast<unsigned long long>(report.allocationsInFrames));
    std::printf("results     %llu of %llu elements wrong\n", static_cast<unsigned long long>(report.wrong),
                static_cast<unsigned long long>(report.elements));
}

}  // namespace

int main(int argc, char** argv) {
    try {
        Arguments arguments = parse(argc, argv);
        if (!arguments.warm.empty()) {
            arguments.options.warm.pipelineCache = read(arguments.warm + ".cache");
            arguments.options.warm.planList = read(arguments.warm + ".plans");
        }
        if (!arguments.tuning.empty()) arguments.options.warm.tuningTable = read(arguments.tuning);
        const engine_frame::Report report = engine_frame::run(arguments.options);
        print(arguments.options, report);
        if (!arguments.warm.empty()) {
            write(arguments.warm + ".cache", report.warm.pipelineCache);
            write(arguments.warm + ".plans", report.warm.planList);
        }
        return report.wrong == 0 && report.allocationsInFrames == 0 && report.elements != 0 ? 0 : 1;
    } catch (const engine::Error& error) {
        std::fprintf(stderr, "engine_frame: %s\n", error.what());
        return error.result() == VK_ERROR_DEVICE_LOST ? 3 : 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "engine_frame: %s\n", error.what());
        return 2;
    }
}
