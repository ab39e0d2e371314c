#include "variants/executables.hpp"

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

// A lane's own. AMD's scalar registers are another file, of which newer GPUs always give all; "Pre-Sched" is no final number.
bool isRegisters(const char* name) {
    return (contains(name, "egister") || contains(name, "GPR")) && !contains(name, "SGPR") &&
           !contains(name, "Pre-Sched");
}

// "Instructions", "Instruction Count", "Instrs"; not the counts of one kind of them.
bool isInstructions(const char* name) {
    return strcmp(name, "Instructions") == 0 || strcmp(name, "Instruction Count") == 0 ||
           strcmp(name, "Instruction count") == 0 || strcmp(name, "Instrs") == 0;
}

// Of hardware threads or waves that fit beside each other: "Subgroups per SIMD" (RADV), "Max Waves" (Turnip), "Thread Count"
// (V3D, AGX), "Max dispatch width" (ANV says no more).
bool isOccupancy(const char* name) {
    return contains(name, "Subgroups per SIMD") || contains(name, "ccupancy") || contains(name, "Max Waves") ||
           contains(name, "hread count") || contains(name, "hread Count") || strcmp(name, "Threads") == 0;
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

std::string ExecutableStatistics::text() const {
    std::string text;
    for (const ExecutableStatistic& statistic : all) {
        text.append(statistic.name).append("=").append(std::to_string(statistic.value)).append(" ");
    }
    return text;
}

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
        } else if (isInstructions(statistic.name)) {
            result.instructions = result.instructions.value_or(0) + value;
        } else if (isOccupancy(statistic.name)) {
            result.occupancy = std::min(result.occupancy.value_or(value), value);
        }
        result.all.push_back({statistic.name, value});
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
