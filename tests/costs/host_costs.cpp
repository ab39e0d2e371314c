// What the library costs the host: contexts, plans with a cold and a warm pipeline cache, and recording one operation; the
// library's own share of recording over functions that do nothing, and all of it on a driver. Nothing may be allocated while
// recording. Usage: vknorm_host_costs [Google Benchmark's options]; VKNORM_DEVICE chooses the device.
#include "costs/no_op_vulkan.hpp"

#include <vknorm/runtime.hpp>
#include <vknorm/vknorm.hpp>

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace vknorm;
using namespace vknorm::test;

constexpr uint32_t kHiddenSize = 4096;
constexpr uint64_t kRows = 4;
constexpr uint32_t kRecordsOfPool = 1000;  // before it is reset, and a command buffer begun again

void require(VknResult result, const VknError& error) {
    if (result != VKN_SUCCESS) {
        throw std::runtime_error(error.message);
    }
}

enum class Path {
    Push,     // vknCmdExecute with push descriptors
    Pool,     // vknCmdExecute with a binding pool
    Binding,  // vknCmdExecuteBinding
};

// RMSNorm with a weight, or a pre-norm add that keeps the sum.
struct Operation {
    const char* name;
    VknPlacement placement;
    std::vector<VknOperandType> operands;
};

const Operation kOperations[] = {
    {"RMSNorm",
     VKN_PLACEMENT_NONE,
     {{VKN_ROLE_INPUT, VKN_TYPE_BF16}, {VKN_ROLE_OUTPUT, VKN_TYPE_BF16}, {VKN_ROLE_GAMMA, VKN_TYPE_BF16}}},
    {"pre-norm add",
     VKN_PLACEMENT_PRE_NORM,
     {{VKN_ROLE_INPUT, VKN_TYPE_BF16},
      {VKN_ROLE_OUTPUT, VKN_TYPE_BF16},
      {VKN_ROLE_GAMMA, VKN_TYPE_BF16},
      {VKN_ROLE_RESIDUAL, VKN_TYPE_F32},
      {VKN_ROLE_RESIDUAL_OUTPUT, VKN_TYPE_F32}}},
};

Plan makePlan(VknContext context, const Operation& operation) {
    VknBlockInfo block = {};
    block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
    block.placement = operation.placement;
    VknPlanCreateInfo info = {};
    info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
    info.pNext = &block;
    info.operation = VKN_OPERATION_RMS_NORM;
    info.hiddenSize = kHiddenSize;
    info.operandCount = static_cast<uint32_t>(operation.operands.size());
    info.pOperands = operation.operands.data();
    info.epsilon = 1e-5F;
    VknError error = makeError();
    Plan plan;
    require(vknCreatePlan(context, &info, plan.out(), &error), error);
    return plan;
}

// An operation that is ready to be recorded in one way.
class Recording {
public:
    Recording(VknContext context, const Operation& operation, Path path, const std::vector<VkBuffer>& buffers,
              VkDeviceSize bufferSize)
        : path_(path), plan_(makePlan(context, operation)) {
        for (size_t i = 0; i < operation.operands.size(); ++i) {
            operands_.push_back({operation.operands[i].role, buffers[i], 0, bufferSize, 0, 0});
        }
        execute_.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
        execute_.rows = kRows;
        execute_.operandCount = static_cast<uint32_t>(operands_.size());
        execute_.pOperands = operands_.data();
        if (path == Path::Pool) {
            const VknBindingPoolCreateInfo pool = makeBindingPoolCreateInfo(kRecordsOfPool);
            require(vknCreateBindingPool(context, &pool, pool_.out(), &error_), error_);
            execute_.bindingPool = pool_.get();
        } else if (path == Path::Binding) {
            require(vknCreateBinding(plan_.get(), &execute_, binding_.out(), &error_), error_);
        }
    }

    void reset() {
        if (path_ == Path::Pool) {
            vknResetBindingPool(pool_.get());
        }
    }

    VknResult record(VkCommandBuffer commands) {
        return path_ == Path::Binding ? vknCmdExecuteBinding(binding_.get(), commands, kRows, &error_)
                                      : vknCmdExecute(plan_.get(), commands, &execute_, &error_);
    }

private:
    Path path_;
    VknError error_ = makeError();
    Plan plan_;
    BindingPool pool_;
    Binding binding_;
    std::vector<VknOperand> operands_;
    VknExecuteInfo execute_ = {};
};

// The share of the library.
void recordNothing(benchmark::State& state, const Operation& operation, Path path) {
    NoOpVulkan vulkan(path == Path::Push);
    const VknContextCreateInfo info = vulkan.contextInfo();
    VknError error = makeError();
    Context context;
    require(vknCreateContext(&info, context.out(), &error), error);
    std::vector<VkBuffer> buffers;
    for (uintptr_t i = 0; i < operation.operands.size(); ++i) {
        buffers.push_back(FakeVulkan::buffer(i));
    }
    Recording recording(context.get(), operation, path, buffers, VkDeviceSize{1} << 20);
    const size_t before = vulkan.allocator().allocations();
    uint32_t recorded = 0;
    for (auto iteration : state) {
        if (++recorded == kRecordsOfPool) {
            recording.reset();
            recorded = 0;
        }
        if (recording.record(FakeVulkan::commandBuffer()) != VKN_SUCCESS) {
            state.SkipWithError("nothing was recorded");
            break;
        }
    }
    const size_t allocations = vulkan.allocator().allocations() - before;
    state.counters["allocations"] = static_cast<double>(allocations);
    if (allocations != 0) {
        state.SkipWithError("recording allocated host memory");
    }
}

// The whole, on a driver.
void recordOnDevice(benchmark::State& state, Device& device, const Operation& operation, Path path) {
    if (path == Path::Push && getContextInfo(device.context()).pushDescriptors == VK_FALSE) {
        state.SkipWithError("no push descriptors on this device");
        return;
    }
    std::vector<Buffer> buffers;
    std::vector<VkBuffer> handles;
    for (size_t i = 0; i < operation.operands.size(); ++i) {
        buffers.emplace_back(device, kRows * kHiddenSize * sizeof(float));
        handles.push_back(buffers.back().handle());
    }
    Recording recording(device.context(), operation, path, handles, buffers.front().size());
    CommandBuffer commands(device);
    VkCommandBuffer handle = commands.begin();
    uint32_t recorded = 0;
    for (auto iteration : state) {
        if (++recorded == kRecordsOfPool) {
            state.PauseTiming();
            commands.end();
            handle = commands.begin();
            recording.reset();
            recorded = 0;
            state.ResumeTiming();
        }
        if (recording.record(handle) != VKN_SUCCESS) {
            state.SkipWithError("nothing was recorded");
            break;
        }
    }
    commands.end();
}

// A context over the runtime's device that claims nothing of what was enabled.
VknContextCreateInfo plainContextInfo(const Device& device) {
    VknContextCreateInfo info = makeContextCreateInfo();
    info.getInstanceProcAddr = device.getInstanceProcAddr();
    info.instance = device.instance();
    info.physicalDevice = device.physicalDevice();
    info.device = device.device();
    info.apiVersion = device.instanceApiVersion();
    return info;
}

Context makeContext(const Device& device, const std::vector<uint8_t>& cache) {
    VknContextCreateInfo info = plainContextInfo(device);
    info.pPipelineCacheData = cache.data();
    info.pipelineCacheDataSize = cache.size();
    VknError error = makeError();
    Context context;
    require(vknCreateContext(&info, context.out(), &error), error);
    return context;
}

std::vector<uint8_t> cacheOf(VknContext context) {
    size_t size = 0;
    vknGetPipelineCacheData(context, &size, nullptr);
    std::vector<uint8_t> data(size);
    vknGetPipelineCacheData(context, &size, data.data());
    data.resize(size);
    return data;
}

void createContext(benchmark::State& state, const Device& device) {
    for (auto iteration : state) {
        makeContext(device, {});
    }
}

void createPlan(benchmark::State& state, const Device& device, const Operation& operation, bool isWarm) {
    std::vector<uint8_t> cache;
    if (isWarm) {
        const Context first = makeContext(device, {});
        makePlan(first.get(), operation);
        cache = cacheOf(first.get());
    }
    for (auto iteration : state) {
        state.PauseTiming();
        auto context = std::make_unique<Context>(makeContext(device, cache));
        state.ResumeTiming();
        Plan plan = makePlan(context->get(), operation);
        state.PauseTiming();
        plan.reset();
        context.reset();
        state.ResumeTiming();
    }
}

void registerAll(Device& device) {
    const std::pair<const char*, Path> paths[] = {
        {"push descriptors", Path::Push}, {"binding pool", Path::Pool}, {"persistent binding", Path::Binding}};
    for (const Operation& operation : kOperations) {
        for (const auto& [name, path] : paths) {
            const Path way = path;
            const std::string text = std::string(operation.name).append("/").append(name);
            benchmark::RegisterBenchmark(("own share/" + text).c_str(), [&operation, way](benchmark::State& state) {
                recordNothing(state, operation, way);
            });
            benchmark::RegisterBenchmark(
                ("on the driver/" + text).c_str(),
                [&device, &operation, way](benchmark::State& state) { recordOnDevice(state, device, operation, way); });
        }
        for (const bool isWarm : {false, true}) {
            benchmark::RegisterBenchmark(
                std::string("plan/").append(operation.name).append(isWarm ? "/warm cache" : "/cold cache").c_str(),
                [&device, &operation, isWarm](benchmark::State& state) {
                    createPlan(state, device, operation, isWarm);
                })
                ->Unit(benchmark::kMicrosecond);
        }
    }
    benchmark::RegisterBenchmark("context", [&device](benchmark::State& state) {
        createContext(state, device);
    })->Unit(benchmark::kMicrosecond);
}

}  // namespace

int main(int argc, char** argv) {
    // Drivers keep compiled kernels on disk, which would make every cache warm.
    setenv("MESA_SHADER_CACHE_DISABLE", "true", 1);
    setenv("__GL_SHADER_DISK_CACHE", "0", 1);
    try {
        Device device;
        const DeviceInfo& info = device.deviceInfo();
        benchmark::AddCustomContext("device", info.name);
        benchmark::AddCustomContext("driver", std::string(info.driverName).append(" ").append(info.driverInfo));
        registerAll(device);
        benchmark::Initialize(&argc, argv);
        if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
            return 2;
        }
        benchmark::RunSpecifiedBenchmarks();
        benchmark::Shutdown();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "vknorm_host_costs: %s\n", error.what());
        return 2;
    }
    return 0;
}
