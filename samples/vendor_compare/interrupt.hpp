// Ctrl-C: the first asks the program to end behind what it is at, with results that are whole; the second kills it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vknorm::compare {

struct Interrupted {};  // thrown

void catchInterrupts();
bool isInterrupted();
void throwIfInterrupted();

}  // namespace vknorm::compare
