// Every GPU test: a test passes only if no layer and no driver had anything to say.
#pragma once

#include "gpu/gpu.hpp"
#include "gpu/norm_case.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vknorm::test {

class GpuTest : public ::testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    Gpu& gpu() { return Gpu::get(); }
    // A device of the test's own; its messages count as well.
    Gpu& open(const DeviceOptions& options);

    // The messages since the last call, for tests that provoke some; they no longer fail the test.
    static std::vector<std::string> takeMessages(Gpu& gpu) { return gpu.messages().take(); }

private:
    std::vector<std::unique_ptr<Gpu>> devices_;
};

// Skips where something that a test needs is missing, so that nobody overlooks it.
#define VKNORM_LOUD_SKIP(REASON)                                   \
    do {                                                           \
        std::printf("SKIPPED: %s\n", std::string(REASON).c_str()); \
        GTEST_SKIP() << (REASON);                                  \
    } while (false)

}  // namespace vknorm::test
