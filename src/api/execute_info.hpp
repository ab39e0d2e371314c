// Validation of VknExecuteInfo: from what the caller handed in to an Execution that recording cannot fail on.
#pragma once

#include "device/objects.hpp"

namespace vkn {

enum class Purpose {
    Record,     // everything is checked
    SizeOnly,   // buffers may be missing: the caller asks what they must hold
    RangeOnly,  // as Record, but scratch and rows buffers do not matter
};

VknResult makeExecution(const VknPlan_T& plan, const VknExecuteInfo* info, Purpose purpose, Execution& execution,
                        VknError* error);

}  // namespace vkn
