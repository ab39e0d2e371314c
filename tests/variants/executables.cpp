#include "pipelines/executables.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace vknorm {

namespace {

bool contains(const char* text, const char* part) { return strstr(text, part) != nullptr; }

// The drivers' words: "Spilled VGPRs" (RADV), "Spill count" (ANV), "spills" (PanVK, V3D), "STP Count" (Turnip). NVK's
// "Spills to reg" are uniforms and predicates that it keeps in ordinary registers: nothing leaves the register file.
bool isSpill(const char* name) {
    return (contains(name, "pill") || contains(name, "STP Count")) && !contains(name, "to reg");
}

bool isRegisters(const char* name) {
    return strcmp(name, "VGPRs") == 0 || contains(name, "egister") || contains(name, "GPR");
}

uint64_t valueOf(const VkPipelineExecutableStatisticKHR& statistic) {
    return statistic.format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR
               ? static_cast<uint64_t>(statistic.value.f64)
               : statistic.value.u64;
}

VkPipelineExecutableInfoKHR executable(VkPipeline pipeline, uint32_t index) {
    return {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, nullptr, pipeline, index};
}

}  // namespace

ExecutableReader::ExecutableReader(const Device& device)
    : device_(device.device()),
      properties_(device.function<PFN_vkGetPipelineExecutablePropertiesKHR>("vkGetPipelineExecutablePropertiesKHR")),
      statistics_(device.function<PFN_vkGetPipelineExecutableStatisticsKHR>("vkGetPipelineExecutableStatisticsKHR")),
      representations_(device.function<PFN_vkGetPipelineExecutableInternalRepresentationsKHR>(
          "vkGetPipelineExecutableInternalRepresentationsKHR")),
      isAvailable_(device.isEnabled(VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME) && properties_ != nullptr &&
                   statistics_ != nullptr && representations_ != nullptr) {}

uint32_t ExecutableReader::executableCount(VkPipeline pipeline) const {
    uint32_t count = 0;
    if (isAvailable_) {
        const VkPipelineInfoKHR info = {VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, nullptr, pipeline};
        properties_(device_, &info, &count, nullptr);
    }
    return count;
}

ExecutableStatistics ExecutableReader::statistics(VkPipeline pipeline) const {
    ExecutableStatistics result;
    const uint32_t count = executableCount(pipeline);
    for (uint32_t i = 0; i < count; ++i) {
        addStatistics(executable(pipeline, i), result);
    }
    return result;
}

void ExecutableReader::addStatistics(const VkPipelineExecutableInfoKHR& which, ExecutableStatistics& result) const {
    uint32_t count = 0;
    statistics_(device_, &which, &count, nullptr);
    VkPipelineExecutableStatisticKHR empty = {};
    empty.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
    std::vector<VkPipelineExecutableStatisticKHR> all(count, empty);
    statistics_(device_, &which, &count, all.data());
    for (const auto& statistic : all) {
        const uint64_t value = valueOf(statistic);
        if (isSpill(statistic.name)) {
            result.spills += value;
        } else if (isRegisters(statistic.name)) {
            result.registers = std::max(result.registers, value);
        }
        result.text += std::string(statistic.name) + "=" + std::to_string(value) + " ";
    }
}

std::string ExecutableReader::representations(VkPipeline pipeline) const {
    std::string text;
    const uint32_t count = executableCount(pipeline);
    for (uint32_t i = 0; i < count; ++i) {
        addRepresentations(executable(pipeline, i), text);
    }
    return text;
}

void ExecutableReader::addRepresentations(const VkPipelineExecutableInfoKHR& which, std::string& text) const {
    uint32_t count = 0;
    representations_(device_, &which, &count, nullptr);
    VkPipelineExecutableInternalRepresentationKHR empty = {};
    empty.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
    std::vector<VkPipelineExecutableInternalRepresentationKHR> all(count, empty);
    representations_(device_, &which, &count, all.data());  // sizes first
    std::vector<std::vector<char>> data;
    for (auto& representation : all) {
        data.emplace_back(representation.dataSize + 1, '\0');
        representation.pData = data.back().data();
    }
    representations_(device_, &which, &count, all.data());
    for (size_t i = 0; i < all.size(); ++i) {
        if (all[i].isText) {
            text += data[i].data();
        }
    }
}

}  // namespace vknorm
