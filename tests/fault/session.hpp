// A host's life with the library, from the query to the end, calling every function that can fail. It goes on after a
// failure with whatever it still has, as a host would that wants to shut down.
#pragma once

#include "fault/fake_vulkan.hpp"

#include <functional>
#include <string>
#include <vector>

namespace vknorm::test {

// Those that record in different ways.
enum class PlanKind {
    Plain,
    GpuRows,
    Training,
    Backward,
    BackwardInPlace
};

class Session {
public:
    struct Failure {
        std::string call;
        VknResult result;
        bool hasError;  // the function takes a VknError
        VknError error;
    };

    Session(FakeVulkan& vulkan, FakeAllocator& allocator, bool push);
    ~Session();  // destroys everything, children first
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void run();
    const std::vector<Failure>& failures() const { return failures_; }

    // Parts of it, for tests of their own. Plans are the caller's.
    VknResult createContext(VknError* error = nullptr);
    VknResult recordSelfTest(VknError* error);
    VknResult createPlan(PlanKind kind, VknPlan* plan, VknError* error);
    VknResult createForcedPlan(VknKernelForm form, VknPlan* plan);

private:
    // Makes a call and judges what every call must keep to; `output` is the handle that it makes, if any.
    void call(const char* name, const std::function<VknResult(VknError*)>& function, bool hasError = true);
    template <typename Handle>
    void make(const char* name, Handle* handle, const std::function<VknResult(Handle*, VknError*)>& function);
    void runPlans();
    void runPlanLists();
    void runRecording(VknPlan plan, PlanKind kind);
    void runPipelineCache();
    VknExecuteInfo executeInfo(PlanKind kind);

    FakeVulkan& vulkan_;
    FakeAllocator& allocator_;
    bool push_;
    std::vector<Failure> failures_;
    std::vector<uint8_t> cacheBlob_;
    std::vector<VknOperand> operands_;
    VknContext context_ = VKN_NULL_HANDLE;
    VknBindingPool pool_ = VKN_NULL_HANDLE;
    std::vector<VknPlan> plans_;
    std::vector<VknBinding> bindings_;
};

}  // namespace vknorm::test
