// What people read: a table on stdout, and on stderr how far it is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "results.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace vknorm::compare {

// Rows of the table. Pure.
std::string benchHeader();
std::string benchRow(const CaseResult& result);
std::string verifyHeader();
std::string verifyRow(const CaseResult& result);

class Console {
public:
    Console();

    void line(const std::string& text);
    // On a terminal the line is written over by what comes next; otherwise it is plain, and there every few seconds.
    void progress(size_t index, size_t count, const std::string& what);

private:
    void clearProgress();

    bool isTerminal_;
    bool hasProgress_ = false;
    std::chrono::steady_clock::time_point lastProgress_;
};

}  // namespace vknorm::compare
