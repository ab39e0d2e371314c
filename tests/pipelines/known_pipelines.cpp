#include "pipelines/known_pipelines.hpp"

#include "device/objects.hpp"

#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>

namespace vknorm::test {

namespace {

struct State {
    PFN_vkCreateShaderModule createShaderModule = nullptr;
    PFN_vkCreateComputePipelines createComputePipelines = nullptr;
    PFN_vkDestroyPipeline destroyPipeline = nullptr;
    std::set<uint64_t> known;
    std::map<VkShaderModule, uint64_t> hashOfModule;
    std::map<VkPipeline, uint64_t> hashOfPipeline;  // that was compiled
    uint64_t standIns = 0;
};
State state;

constexpr uint64_t kFirstStandIn = 0xFEEDULL << 48;  // no address that a driver's handle could have

// FNV-1a, 64 bits.
uint64_t hashOf(const void* data, size_t size, uint64_t hash = 0xCBF29CE484222325ULL) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (size_t i = 0; i < size; ++i) {
        hash = (hash ^ bytes[i]) * 0x100000001B3ULL;
    }
    return hash;
}

VKAPI_ATTR VkResult VKAPI_CALL createShaderModule(VkDevice device, const VkShaderModuleCreateInfo* info,
                                                  const VkAllocationCallbacks* allocator, VkShaderModule* module) {
    const VkResult result = state.createShaderModule(device, info, allocator, module);
    state.hashOfModule[*module] = hashOf(info->pCode, info->codeSize);
    return result;
}

// The layout is the context's, the same for all.
uint64_t hashOfRequest(const VkComputePipelineCreateInfo& info) {
    uint64_t hash = state.hashOfModule.at(info.stage.module);
    hash = hashOf(&info.stage.flags, sizeof info.stage.flags, hash);
    uint32_t size = 0;
    if (info.stage.pNext != nullptr) {
        size = static_cast<const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo*>(info.stage.pNext)
                   ->requiredSubgroupSize;
    }
    return hashOf(&size, sizeof size, hash);
}

VKAPI_ATTR VkResult VKAPI_CALL createComputePipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                      const VkComputePipelineCreateInfo* infos,
                                                      const VkAllocationCallbacks* allocator, VkPipeline* pipelines) {
    const uint64_t hash = hashOfRequest(infos[0]);
    if (state.known.count(hash) != 0) {
        pipelines[0] = reinterpret_cast<VkPipeline>(kFirstStandIn + ++state.standIns);
        return VK_SUCCESS;
    }
    const VkResult result = state.createComputePipelines(device, cache, count, infos, allocator, pipelines);
    state.hashOfPipeline[pipelines[0]] = hash;
    return result;
}

VKAPI_ATTR void VKAPI_CALL destroyPipeline(VkDevice device, VkPipeline pipeline,
                                           const VkAllocationCallbacks* allocator) {
    if (!KnownPipelines::isKnown(pipeline)) {
        state.destroyPipeline(device, pipeline, allocator);
    }
}

void readKnown(const std::string& path) {
    std::ifstream file(path);
    uint64_t hash = 0;
    while (file >> std::hex >> hash) {
        state.known.insert(hash);
    }
}

}  // namespace

KnownPipelines::KnownPipelines(VknContext context, const std::string& path) : path_(path) {
    vkn::Functions& functions = context->functions;
    state = {functions.CreateShaderModule, functions.CreateComputePipelines, functions.DestroyPipeline, {}, {}, {}, 0};
    readKnown(path);
    functions.CreateShaderModule = createShaderModule;
    functions.CreateComputePipelines = createComputePipelines;
    functions.DestroyPipeline = destroyPipeline;
}

KnownPipelines::~KnownPipelines() { state.known.clear(); }

bool KnownPipelines::isKnown(VkPipeline pipeline) { return reinterpret_cast<uint64_t>(pipeline) > kFirstStandIn; }

void KnownPipelines::add(VkPipeline pipeline) const {
    std::ofstream file(path_, std::ios::app);
    file << std::hex << state.hashOfPipeline.at(pipeline) << '\n';
    if (!file) {
        throw std::runtime_error(std::string("cannot write ").append(path_));
    }
}

}  // namespace vknorm::test
