// A case, verified and measured: what bench does for every case, and whoever compares kernels for one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "session.hpp"

namespace vknorm::compare {

// Fills in plan, bytes and check. Throws what Program throws. False where the result is wrong, which then has that status.
bool verifyCase(Session& session, const KernelOverride& kernel, CaseResult& result);

struct MeasureParts {
    bool latency = true;  // of few rows
    bool copy = true;
    bool apart = true;
};

// The same, then measures.
void measureCase(Session& session, const KernelOverride& kernel, const MeasureParts& parts, CaseResult& result);

}  // namespace vknorm::compare
