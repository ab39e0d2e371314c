#include <vknorm/vknorm.hpp>

#include <type_traits>
#include <utility>

static_assert(!std::is_copy_constructible_v<vknorm::Plan> && std::is_nothrow_move_constructible_v<vknorm::Plan>);

int main() {
    const VknOperandType types[] = {{VKN_ROLE_INPUT, VKN_TYPE_F16}, {VKN_ROLE_OUTPUT, VKN_TYPE_F16}};
    const VknPlanCreateInfo info = vknorm::makePlanCreateInfo(VKN_OPERATION_RMS_NORM, 4096, types, 1e-5f);
    VknError error = vknorm::makeError();
    vknorm::Plan plan;
    if (vknCreatePlan(nullptr, &info, plan.out(), &error) != VKN_ERROR_INVALID_ARGUMENT || info.operandCount != 2) {
        return 1;
    }
    vknorm::Plan moved = std::move(plan);
    return moved || error.code != VKN_ERROR_INVALID_ARGUMENT ? 2 : 0;
}
