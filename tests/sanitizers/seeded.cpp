// A leak and a race on purpose: the sanitizers must see them in spite of the suppressions that excuse drivers.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

void* volatile leaked = nullptr;
int shared = 0;

void leak() {
    leaked = std::malloc(1234);
    leaked = nullptr;
}

void race() {
    std::thread other([] { ++shared; });
    ++shared;
    other.join();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "leak") == 0) {
        leak();
    } else if (argc == 2 && std::strcmp(argv[1], "race") == 0) {
        race();
    } else {
        std::puts("seeded leak|race");
        return 2;
    }
    return 0;
}
