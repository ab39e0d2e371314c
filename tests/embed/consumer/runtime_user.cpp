// Has the standalone runtime linked into a program that has Vulkan functions of its own, and used: before main, so that the
// program's own work comes after it.
#include <vknorm/runtime.hpp>

#include <cstdio>

namespace {

struct User {
    User() {
        try {
            std::printf("the runtime sees %zu devices\n", vknorm::listDevices().size());
        } catch (const vknorm::RuntimeError& error) {
            std::printf("%s\n", error.what());
        }
    }
} user;

}  // namespace
