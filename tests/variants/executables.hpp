// What a driver tells of a compiled pipeline (VK_KHR_pipeline_executable_properties).
#pragma once

#include <vknorm/runtime.hpp>

#include <optional>
#include <string>
#include <vector>

namespace vknorm {

struct ExecutableStatistic {
    std::string name;  // the driver's own
    uint64_t value;
};

struct ExecutableStatistics {
    std::vector<ExecutableStatistic> all;  // of all executables; empty where the driver tells nothing
    uint64_t spills = 0;                   // registers that went to memory
    uint64_t registers = 0;                // the most of an executable
    // Of all executables together, and of the one with the least; absent where the driver has no number of that kind.
    std::optional<uint64_t> instructions;
    std::optional<uint64_t> occupancy;

    std::string text() const;  // "name=value ..."
};

class ExecutableReader {
public:
    explicit ExecutableReader(const Device& device);

    ExecutableStatistics statistics(VkPipeline pipeline) const;

    // All representations that are text, one after the other; the context must have captured them.
    std::string representations(VkPipeline pipeline) const;

private:
    VkDevice device_;
    PFN_vkGetPipelineExecutablePropertiesKHR properties_;
    PFN_vkGetPipelineExecutableStatisticsKHR statistics_;
    PFN_vkGetPipelineExecutableInternalRepresentationsKHR representations_;
    bool isAvailable_;

    uint32_t executableCount(VkPipeline pipeline) const;
    void addStatistics(const VkPipelineExecutableInfoKHR& which, ExecutableStatistics& result) const;
    void addRepresentations(const VkPipelineExecutableInfoKHR& which, std::string& text) const;
};

}  // namespace vknorm
