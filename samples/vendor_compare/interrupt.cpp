// SPDX-License-Identifier: Apache-2.0
#include "interrupt.hpp"

#include <csignal>

namespace vknorm::compare {
namespace {

volatile std::sig_atomic_t wasInterrupted = 0;

void noteInterrupt(int signal) {
    wasInterrupted = 1;
    std::signal(signal, SIG_DFL);
}

}  // namespace

void catchInterrupts() {
    std::signal(SIGINT, noteInterrupt);
    std::signal(SIGTERM, noteInterrupt);
}

bool isInterrupted() { return wasInterrupted != 0; }

void throwIfInterrupted() {
    if (isInterrupted()) {
        throw Interrupted{};
    }
}

}  // namespace vknorm::compare
