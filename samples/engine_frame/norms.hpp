// The part of the engine that uses vknorm: a small model of norms, whose plans are made at load time and recorded each frame.
// docs/embedding.md quotes norms.cpp.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_FRAME_NORMS_HPP
#define ENGINE_FRAME_NORMS_HPP

#include "barriers.hpp"
#include "host_memory.hpp"

#include <vknorm/vknorm.hpp>

namespace norms {

inline constexpr uint32_t kHiddenSize = 512;
inline constexpr uint32_t kMaxTokens = 32;
inline constexpr uint32_t kLayers = 3;
inline constexpr float kEpsilon = 1e-5F;

// What vknorm would like the device to be created with.
struct Wanted {
    std::vector<const char*> extensions;
    VkPhysicalDeviceSubgroupSizeControlFeatures subgroups = {};
    const void* features = nullptr;  // a chain for VkDeviceCreateInfo::pNext
};
void ask(const engine::Engine& engine, Wanted& wanted);

enum PlanIndex : size_t {
    kLayerNorms,
    kGates,
    kFinalNorm,
    kPlanCount
};

// Files that an earlier run, or an installer, left; empty where there are none.
struct Warm {
    std::vector<char> pipelineCache;
    std::vector<char> planList;
    std::vector<char> tuningTable;  // not written by the sample
};

class Norms {
public:
    Norms(engine::Engine& engine, const Warm& warm, bool hasSelfTest);

    // For each frame: tokens in, result out. Between beginFrame and endFrame.
    void record(engine::Frame& frame, uint32_t tokens);
    float* input(uint32_t slot) { return slots_[slot].upload.data; }
    const float* output(uint32_t slot) const { return slots_[slot].readback.data; }
    const std::vector<float>& gamma(uint32_t layer) const {
        return gammas_[layer];
    }  // the last one is the final norm's

    void saveWarm(Warm& warm) const;
    uint64_t allocations() const { return hostMemory_.allocations(); }
    uint64_t barriers() const { return tracker_->recorded(); }
    bool hasPlansFromList() const { return hasPlansFromList_; }
    const char* selfTest() const { return selfTest_.text; }
    VknPlanInfo planInfo(PlanIndex index) const { return vknorm::getPlanInfo(plans_[index]); }

private:
    struct Slot {  // of a frame in flight
        engine::Slice upload, tokens, stream, branch, normed, result, readback;
        vknorm::BindingPool pool;
    };
    struct Operand {
        VknRole role;
        const engine::Slice* slice;
    };

    void createContext(const Warm& warm);
    void createPlans();
    bool createPlansFromList(const std::vector<char>& list);
    void loadWeights(bool hasSelfTest);
    void allocateSlots();
    void execute(engine::Frame& frame, PlanIndex index, uint32_t tokens, std::initializer_list<Operand> operands);

    engine::Engine& engine_;
    engine::HostMemory hostMemory_;
    vknorm::Context context_;
    vknorm::Plan plans_[kPlanCount];
    bool hasPlansFromList_ = false;
    std::vector<VknOperandAccess> accesses_[kPlanCount];
    VknSelfTestReport selfTest_ = {};
    std::vector<std::vector<float>> gammas_;
    std::vector<engine::Slice> weights_;
    std::array<Slot, engine::kFramesInFlight> slots_;
    std::unique_ptr<engine::BarrierTracker> tracker_;
};

}  // namespace norms

#endif
