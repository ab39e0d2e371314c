// What every refusal of a wrong argument must say.
#pragma once

#include "gpu/fixture.hpp"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

namespace vknorm::test {

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
};

}  // namespace vknorm::test
