// A leak and a race on purpose: the sanitizers must see them in spite of the suppressions that excuse drivers.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

void* volatile leaked = nullptr;
int shared[1000] = {};

void leak() {
    leaked = std::malloc(1234);
    leaked = nullptr;
}

void touchAll() {
    for (int& place : shared) {
        ++place;
    }
}

// TSan can miss accesses of the very same moment, so there are many.
void race() {
    std::thread other(touchAll);
    touchAll();
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
