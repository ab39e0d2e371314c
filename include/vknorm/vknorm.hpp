// vknorm for C++17: RAII and defaults over vknorm.h, header-only. No exceptions, no RTTI, no allocation of its own; contract,
// units and errors are vknorm.h's.
// SPDX-License-Identifier: Apache-2.0
#ifndef VKNORM_HPP
#define VKNORM_HPP

#include <vknorm/vknorm.h>

#include <utility>

namespace vknorm {

// Structures with their sType set and every field at its default.
inline VknError makeError() {
    VknError error = {};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    return error;
}
inline VknDeviceRequirements makeDeviceRequirements() {
    VknDeviceRequirements requirements = {};
    requirements.sType = VKN_STRUCTURE_TYPE_DEVICE_REQUIREMENTS;
    return requirements;
}
inline VknContextCreateInfo makeContextCreateInfo() {
    VknContextCreateInfo info = {};
    info.sType = VKN_STRUCTURE_TYPE_CONTEXT_CREATE_INFO;
    return info;
}
inline VknBindingPoolCreateInfo makeBindingPoolCreateInfo(uint32_t maxDispatches) {
    VknBindingPoolCreateInfo info = {};
    info.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
    info.maxDispatches = maxDispatches;
    return info;
}
template <uint32_t N>
inline VknPlanCreateInfo makePlanCreateInfo(VknOperation operation, uint32_t hiddenSize,
                                            const VknOperandType (&operands)[N], float epsilon) {
    VknPlanCreateInfo info = {};
    info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
    info.operation = operation;
    info.hiddenSize = hiddenSize;
    info.operandCount = N;
    info.pOperands = operands;
    info.epsilon = epsilon;
    return info;
}
template <uint32_t N>
inline VknExecuteInfo makeExecuteInfo(uint64_t rows, const VknOperand (&operands)[N]) {
    VknExecuteInfo info = {};
    info.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
    info.rows = rows;
    info.operandCount = N;
    info.pOperands = operands;
    return info;
}

// Owns a handle; moves, does not copy.
template <typename T, void (*Destroy)(T)>
class Handle {
public:
    Handle() noexcept = default;
    explicit Handle(T handle) noexcept : handle_(handle) {}
    Handle(Handle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Handle& operator=(Handle&& other) noexcept {
        if (this != &other) {
            reset(std::exchange(other.handle_, nullptr));
        }
        return *this;
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() { reset(); }

    T get() const noexcept { return handle_; }
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    T release() noexcept { return std::exchange(handle_, nullptr); }
    void reset(T handle = nullptr) noexcept {
        if (handle_ != nullptr) {
            Destroy(handle_);
        }
        handle_ = handle;
    }
    // For a creating function: destroys what is held and gives the place for the new handle.
    T* out() noexcept {
        reset();
        return &handle_;
    }

private:
    T handle_ = nullptr;
};

using Context = Handle<VknContext, vknDestroyContext>;
using Plan = Handle<VknPlan, vknDestroyPlan>;
using BindingPool = Handle<VknBindingPool, vknDestroyBindingPool>;
using Binding = Handle<VknBinding, vknDestroyBinding>;

inline VknPlanInfo getPlanInfo(const Plan& plan) {
    VknPlanInfo info = {};
    info.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
    vknGetPlanInfo(plan.get(), &info);
    return info;
}
inline VknContextInfo getContextInfo(VknContext context) {
    VknContextInfo info = {};
    info.sType = VKN_STRUCTURE_TYPE_CONTEXT_INFO;
    vknGetContextInfo(context, &info);
    return info;
}

}  // namespace vknorm

#endif  // VKNORM_HPP
