#include "gpu/fixture.hpp"

#include "support/formats.hpp"

#include <cstdio>

namespace vknorm::test {
namespace {

void expectSilence(Gpu& gpu) {
    const std::vector<std::string> messages = gpu.messages().take();
    for (size_t i = 0; i < messages.size() && i < 3; ++i) {
        ADD_FAILURE() << "message " << i + 1 << " of " << messages.size() << ": " << messages[i];
    }
}

class Closing : public ::testing::Environment {
public:
    void TearDown() override {
        const Coverage& counts = coverage();
        std::printf("checked: %zu cases, %zu rows, %zu elements, %zu without a bound\n", counts.cases, counts.rows,
                    counts.elements, counts.unbounded);
        if (counts.quantised != 0) {
            std::printf("quantised: %zu elements, of which %zu may be any of several\n", counts.quantised,
                        counts.undecided);
        }
        for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16}) {
            std::printf("largest error, %s: %.3f of its bound (%s)\n", formatFacts(type).name, counts.tightest[type],
                        counts.tightestCase[type].c_str());
        }
        Gpu::close();
    }
};

[[maybe_unused]] const ::testing::Environment* const kClosing = ::testing::AddGlobalTestEnvironment(new Closing);

}  // namespace

void GpuTest::SetUp() { gpu().messages().take(); }

void GpuTest::TearDown() {
    expectSilence(gpu());
    for (const auto& device : devices_) {
        expectSilence(*device);
    }
    devices_.clear();
}

Gpu& GpuTest::open(const DeviceOptions& options) {
    devices_.push_back(std::make_unique<Gpu>(options));
    return *devices_.back();
}

}  // namespace vknorm::test
