// The engine library's self-test, run when a device is adopted: it records, we submit and read back.
#include "runtime/device_state.hpp"
#include "runtime/error.hpp"

namespace vknorm::detail {

std::string runSelfTest(DeviceState& state) {
    VknSelfTestInfo info = {};
    info.sType = VKN_STRUCTURE_TYPE_SELF_TEST_INFO;
    vknGetSelfTestInfo(state.context, &info);
    if (info.bufferSize == 0) {
        return "nothing to test";
    }
    std::vector<unsigned char> bytes(static_cast<size_t>(info.bufferSize));
    VknError error = {};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    VknResult recorded = VKN_SUCCESS;

    BufferOptions options;
    options.extraUsage = info.bufferUsage;
    std::unique_ptr<BufferAllocation> buffer = createBuffer(state, info.bufferSize, options);
    try {
        // Results that a broken driver never writes must not look right by chance.
        fillBuffer(state, *buffer, 0xDEADBEEFU);
        const auto record = [&](VkCommandBuffer commands) {
            recorded = vknCmdSelfTest(state.context, commands, buffer->buffer, 0, info.bufferSize, &error);
        };
        submitRecorded(state, state.submitObjects, record, kDefaultTimeout);
        if (recorded != VKN_SUCCESS) {
            fail(recorded, error, "cannot record the self-test on \"" + state.info.name + "\"");
        }
        downloadBytes(state, *buffer, 0, bytes.data(), bytes.size());
    } catch (...) {
        state.release(std::move(buffer));
        throw;
    }
    state.release(std::move(buffer));

    VknSelfTestReport report = {};
    report.sType = VKN_STRUCTURE_TYPE_SELF_TEST_REPORT;
    const VknResult result = vknCheckSelfTest(state.context, bytes.data(), bytes.size(), &report, &error);
    if (result != VKN_SUCCESS) {
        std::string what = "the self-test of the reductions failed on \"" + state.info.name + "\"";
        if (report.text[0] != '\0') {
            what += std::string(" (") + report.text + ")";
        }
        fail(result, error, what + "; try a newer driver");
    }
    return report.text;
}

}  // namespace vknorm::detail
