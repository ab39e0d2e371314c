#include "variants/survey.hpp"

#include "device/objects.hpp"

#include <algorithm>

namespace vknorm::test {

Variants variantsOf(VknContext context, const std::vector<Part>& parts) {
    const vkn::DeviceFacts facts = context->currentFacts();
    Variants variants;
    for (const PartName& part : kPartNames) {
        const bool isWanted = std::find(parts.begin(), parts.end(), part.part) != parts.end();
        if (parts.empty() || isWanted) {
            addVariants(part.part, facts, variants);
        }
    }
    return variants;
}

CompiledVariant compileVariant(VknContext context, const Variant& variant) {
    CompiledVariant compiled;
    compiled.text = describe(variant);
    VknError error = makeError();
    const PlanDescription description(variant);
    compiled.result = vknCreatePlan(context, &description.info, compiled.plan.out(), &error);
    if (compiled.result != VKN_SUCCESS) {
        compiled.error = error.message;
        return compiled;
    }
    compiled.info = getPlanInfo(compiled.plan);
    uint32_t count = 0;
    vknGetPlanPipelines(compiled.plan.get(), &count, nullptr);
    compiled.pipelines.resize(count);
    vknGetPlanPipelines(compiled.plan.get(), &count, compiled.pipelines.data());
    return compiled;
}

}  // namespace vknorm::test
