// Creating the plans of variants.hpp, one after the other.
#pragma once

#include "variants/variants.hpp"

#include <vknorm/vknorm.hpp>

#include <string>
#include <vector>

namespace vknorm::test {

struct PartName {
    const char* name;
    Part part;
};
inline constexpr PartName kPartNames[] = {
    {"norms", Part::Norms}, {"blocks", Part::Blocks}, {"others", Part::Others}, {"backward", Part::Backward}};

// Those of the parts, for the device that a context is on; no parts are all of them.
Variants variantsOf(VknContext context, const std::vector<Part>& parts);

struct CompiledVariant {
    std::string text;  // describe()
    VknResult result = VKN_SUCCESS;
    std::string error;
    Plan plan;  // nothing of the rest without one
    VknPlanInfo info = {};
    std::vector<VkPipeline> pipelines;  // for any alignment, for aligned rows, and those that work for them
};

CompiledVariant compileVariant(VknContext context, const Variant& variant);

}  // namespace vknorm::test
