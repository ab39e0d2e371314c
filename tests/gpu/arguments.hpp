// What every refusal of a wrong argument must say, and the mistakes that are made to be refused.
#pragma once

#include "gpu/fixture.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace vknorm::test {

// A mistake in something that is right but for it, and what the refusal says.
template <typename... Parts>
struct Mistake {
    const char* name;
    std::function<void(Parts&...)> spoil;
    const char* field;
    std::optional<uint64_t> value;
    std::optional<uint64_t> limit;
};

// The same in an execution, where a field may be an operand's.
template <typename... Parts>
struct ExecutionMistake {
    const char* name;
    std::function<void(VknExecuteInfo&, std::vector<VknOperand>&, Parts&...)> spoil;
    std::optional<VknRole> role;  // of the operand that the field belongs to
    const char* field;
    std::optional<uint64_t> value;
    std::optional<uint64_t> limit;
};

// A copy of a right execution to be spoilt; its operands are its own.
struct ExecutionDraft {
    VknExecuteInfo info;
    std::vector<VknOperand> operands;

    explicit ExecutionDraft(const VknExecuteInfo& right)
        : info(right), operands(right.pOperands, right.pOperands + right.operandCount) {}

    const VknExecuteInfo& complete() {
        info.pOperands = operands.data();
        info.operandCount = static_cast<uint32_t>(operands.size());
        return info;
    }
};

inline VknOperand& operandOf(std::vector<VknOperand>& operands, VknRole role) {
    return *std::find_if(operands.begin(), operands.end(), [&](const VknOperand& o) { return o.role == role; });
}

inline void removeOperand(std::vector<VknOperand>& operands, VknRole role) {
    operandOf(operands, role) = operands.back();
    operands.pop_back();
}

// The field as VknError names it: the operand's of this role, or without one the execution's own.
inline std::string fieldOf(std::vector<VknOperand>& operands, std::optional<VknRole> role, const char* field) {
    if (!role) {
        return field;
    }
    const auto index = &operandOf(operands, *role) - operands.data();
    return std::string("pOperands[").append(std::to_string(index)).append("].").append(field);
}

// What VknError says of a float.
inline uint64_t bitsOf(float value) {
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

class Arguments : public GpuTest {
protected:
    static VknError emptyError() {
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        return error;
    }

    static void expectError(const VknError& error, const char* name, const char* field, std::optional<uint64_t> value,
                            std::optional<uint64_t> limit, VknResult code) {
        SCOPED_TRACE(std::string(name) + ": " + error.field + ": " + error.message);
        EXPECT_EQ(error.code, code);
        if (field != nullptr) {
            EXPECT_STREQ(error.field, field);
            EXPECT_NE(std::strstr(error.message, field), nullptr) << "the message names the field";
        } else {
            EXPECT_STRNE(error.field, "");
        }
        EXPECT_EQ(error.value, value.value_or(error.value));
        EXPECT_EQ(error.limit, limit.value_or(error.limit));
        EXPECT_NE(std::strstr(error.message, std::to_string(error.value).c_str()), nullptr)
            << "the message names the value";
        EXPECT_GT(std::strlen(error.message), std::strlen(error.field) + 4);
    }

    // There is no such plan, for the mistake made in it.
    template <typename Wrong>
    void expectPlanRefused(const Wrong& wrong, const VknPlanCreateInfo& info,
                           VknResult code = VKN_ERROR_INVALID_ARGUMENT) {
        VknPlan plan = VKN_NULL_HANDLE;
        VknError error = emptyError();
        EXPECT_EQ(vknCreatePlan(gpu().context(), &info, &plan, &error), code) << wrong.name;
        EXPECT_EQ(plan, static_cast<VknPlan>(VKN_NULL_HANDLE)) << wrong.name;
        expectError(error, wrong.name, wrong.field, wrong.value, wrong.limit, code);
        vknDestroyPlan(plan);
    }

    // Nothing is recorded, for a mistake in `field`, which an operand's index may be part of.
    template <typename Wrong>
    void expectExecutionRefused(const Wrong& wrong, VknPlan plan, const VknExecuteInfo& info,
                                const std::string& field) {
        gpu().submit([&](VkCommandBuffer commands) {
            VknError error = emptyError();
            EXPECT_EQ(vknCmdExecute(plan, commands, &info, &error), VKN_ERROR_INVALID_ARGUMENT) << wrong.name;
            expectError(error, wrong.name, field.c_str(), wrong.value, wrong.limit, VKN_ERROR_INVALID_ARGUMENT);
        });
    }
};

}  // namespace vknorm::test
