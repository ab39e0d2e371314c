// Kernels of one operation side by side on the same tensors, to be sampled in turns.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "session.hpp"
#include "timing.hpp"

#include "plan/facts.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vknorm::compare {

class KernelBench {
public:
    // Throws what Program throws. The first kernel is number 0.
    KernelBench(Session& session, const Case& test, const KernelOverride& first);

    // Throws what Program throws.
    size_t add(const KernelOverride& kernel);
    // One of a bench that differs in its number of rows alone.
    size_t addOf(const KernelBench& other, size_t kernel);
    // Whether results are right; otherwise fault() says what is wrong.
    bool verify(size_t kernel);
    const std::string& fault() const { return fault_; }
    // Seconds of a dispatch, of one submit. The first sample of a kernel also finds out how many dispatches that has.
    double sample(size_t kernel);

    const Case& test() const { return test_; }

private:
    RecordSlot recordOf(size_t kernel);

    Session& session_;
    Case test_;
    TimingOptions timing_;
    Program program_;
    std::vector<std::unique_ptr<Batch>> batches_;  // by kernel; null until it is sampled
    std::string fault_;
};

// The fields of DeviceFacts that the session's context has.
vkn::DeviceFacts factsOf(Session& session);

}  // namespace vknorm::compare
