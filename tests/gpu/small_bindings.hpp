// A device whose bindings are small, as lavapipe's and many phones' are for large tensors.
#pragma once

#include "gpu/norm_case.hpp"

#include <cstdint>

namespace vknorm::test {

// Runs a case where a binding holds so many bytes, which must take several dispatches, and judges it.
void runOnSmallBindings(Gpu& gpu, const NormCase& norm, uint32_t range);

}  // namespace vknorm::test
