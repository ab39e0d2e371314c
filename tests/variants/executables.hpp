// What a driver tells of a compiled pipeline (VK_KHR_pipeline_executable_properties).
#pragma once

#include <vknorm/runtime.hpp>

#include <string>

namespace vknorm {

struct ExecutableStatistics {
    std::string text;        // "name=value ..." of all executables; empty where the driver tells nothing
    uint64_t spills = 0;     // registers that went to memory
    uint64_t registers = 0;  // the most of an executable
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
