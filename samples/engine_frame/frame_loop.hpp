// The engine's loop, from its start to its end. main() runs it, and so does a test on a device that is lost.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_FRAME_FRAME_LOOP_HPP
#define ENGINE_FRAME_FRAME_LOOP_HPP

#include "norms.hpp"

namespace engine_frame {

// What the engine enables on its device.
enum class Enable {
    Nothing,
    Asked,       // what vknorm would like
    Everything,  // all features that the device has, as engines that know their one device do
};

struct Options {
    uint32_t frames = 60;
    uint32_t apiVersion = 0;  // at most; 0: the newest
    Enable enable = Enable::Asked;
    bool hasSelfTest = true;
    norms::Warm warm;
    PFN_vkGetInstanceProcAddr getInstanceProcAddr = nullptr;  // null: the system's loader
};

struct Report {
    std::string device;
    uint32_t apiVersion = 0;
    bool hasAsyncCompute = false;
    std::string selfTest;
    bool hasPlansFromList = false;  // of Options::warm
    VknPlanInfo plans[norms::kPlanCount];
    uint64_t allocationsAtLoad = 0;
    uint64_t allocationsInFrames = 0;
    uint64_t barriers = 0;
    uint64_t elements = 0;  // that were checked
    uint64_t wrong = 0;
    norms::Warm warm;  // for the next start
};

// Throws engine::Error; VK_ERROR_DEVICE_LOST where the device was lost. Everything is destroyed then.
Report run(const Options& options);

}  // namespace engine_frame

#endif
