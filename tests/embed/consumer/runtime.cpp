#include <vknorm/runtime.hpp>

#include <cstdio>

// Whether there is a driver here is not what this program is about: the error must say what to do.
int main() {
    try {
        std::printf("%s\n", vknorm::describeDevices(vknorm::listDevices()).c_str());
    } catch (const vknorm::RuntimeError& error) {
        std::printf("%s\n", error.what());
    }
    return 0;
}
