// Driver quirks: forms that a driver is known to get wrong, so that they are not even tried. A table; the self-test covers
// what nobody has reported yet.
#pragma once

#include "plan/facts.hpp"

namespace vkn {

// Adds the forms to facts.forbiddenForms and names the quirks in `text`, separated by "; ".
void applyQuirks(DeviceFacts& facts, char* text, size_t textSize);

}  // namespace vkn
