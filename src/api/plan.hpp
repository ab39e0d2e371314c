// Plans from a checked specification, for vknCreatePlan and for lists of plans.
#pragma once

#include "device/objects.hpp"

namespace vkn {

VknResult createPlan(VknContext context, const OperationSpec& spec, VknPlan* plan, VknError* error);

}  // namespace vkn
