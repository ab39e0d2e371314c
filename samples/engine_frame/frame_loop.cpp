#include "frame_loop.hpp"

#include "features.hpp"

#include <cmath>

namespace engine_frame {
namespace {

using norms::kHiddenSize;

// Frames differ in their number of tokens, and in all numbers.
uint32_t tokensOf(uint32_t frame) { return norms::kMaxTokens - 8 * (frame % 3); }
float inputOf(uint32_t frame, size_t i) { return std::sin(static_cast<float>(i % 7919 + 31 * frame)); }

// A row of the model in double precision.
std::vector<double> exactRow(const norms::Norms& model, const float* tokens) {
    std::vector<double> stream(tokens, tokens + kHiddenSize), branch(kHiddenSize, 0.0), normed(kHiddenSize);
    for (uint32_t layer = 0; layer <= norms::kLayers; ++layer) {
        const bool isFinal = layer == norms::kLayers;
        double mean = 0.0, squares = 0.0;
        for (size_t i = 0; i < kHiddenSize; ++i) {
            stream[i] += branch[i];
            mean += isFinal ? stream[i] / kHiddenSize : 0.0;
        }
        for (size_t i = 0; i < kHiddenSize; ++i) squares += (stream[i] - mean) * (stream[i] - mean);
        const double rstd = 1.0 / std::sqrt(squares / kHiddenSize + static_cast<double>(norms::kEpsilon));
        for (size_t i = 0; i < kHiddenSize; ++i) {
            normed[i] = (stream[i] - mean) * rstd * static_cast<double>(model.gamma(layer)[i]);
            branch[i] = normed[i] / (1.0 + std::exp(-normed[i])) * static_cast<double>(tokens[i]);
        }
    }
    return normed;
}

// Each stage rounds numbers of up to about 5 a few times.
void checkFrame(norms::Norms& model, uint32_t slot, uint32_t frame, Report& report) {
    for (size_t row = 0; row < tokensOf(frame); ++row) {
        const std::vector<double> exact = exactRow(model, model.input(slot) + row * kHiddenSize);
        for (size_t i = 0; i < kHiddenSize; ++i) {
            const double y = static_cast<double>(model.output(slot)[row * kHiddenSize + i]);
            report.wrong += std::abs(y - exact[i]) <= 5e-5 ? 0U : 1U;  // NaN is wrong
            ++report.elements;
        }
    }
}

void runFrames(engine::Engine& engine, norms::Norms& model, uint32_t frames, Report& report) {
    report.allocationsAtLoad = model.allocations();
    for (uint32_t number = 0; number < frames + engine::kFramesInFlight; ++number) {
        engine::Frame& frame = engine.beginFrame();  // waits for the frame that had this slot before
        if (number >= engine::kFramesInFlight) checkFrame(model, frame.slot, number - engine::kFramesInFlight, report);
        if (number < frames) {
            const size_t elements = size_t{tokensOf(number)} * kHiddenSize;
            for (size_t i = 0; i < elements; ++i) model.input(frame.slot)[i] = inputOf(number, i);
            model.record(frame, tokensOf(number));
        }
        engine.endFrame(frame);
    }
    engine.waitIdle();
    report.allocationsInFrames = model.allocations() - report.allocationsAtLoad;
    report.barriers = model.barriers();
}

}  // namespace

Report run(const Options& options) {
    engine::Engine engine(options.getInstanceProcAddr, options.apiVersion);
    engine.createInstance();
    norms::Wanted wanted;
    AllFeatures all;
    engine::DeviceWishes wishes;
    if (options.enable != Enable::Nothing) {
        norms::ask(engine, wanted);
        wishes = {wanted.extensions, wanted.features};
    }
    if (options.enable == Enable::Everything) all.add(engine, wishes);
    engine.createDevice(wishes);

    Report report;
    norms::Norms model(engine, options.warm, options.hasSelfTest);
    report.device = engine.deviceName;
    report.apiVersion = engine.apiVersion;
    report.hasAsyncCompute = engine.hasAsyncCompute();
    report.selfTest = model.selfTest();
    report.hasPlansFromList = model.hasPlansFromList();
    for (size_t i = 0; i < norms::kPlanCount; ++i) report.plans[i] = model.planInfo(static_cast<norms::PlanIndex>(i));
    try {
        runFrames(engine, model, options.frames, report);
    } catch (const engine::Error& error) {
        // Nothing of a frame that is still pending may be destroyed. A lost device has none.
        if (error.result() != VK_ERROR_DEVICE_LOST) engine.waitIdle();
        throw;
    }
    model.saveWarm(report.warm);
    return report;
}

}  // namespace engine_frame
