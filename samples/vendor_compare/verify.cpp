// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"
#include "measure.hpp"
#include "tuning_file.hpp"

namespace vknorm::compare {

int verify(const Arguments& arguments) {
    DeviceOptions options;
    options.selector = arguments.device;
    options.tuningTable = arguments.tuningTable.empty() ? std::string() : readTextFile(arguments.tuningTable);
    Session session(arguments, "verify", options);
    session.console().line(verifyHeader());
    return session.runCases("verify", verifyRow,
                            [&](CaseResult& result) { verifyCase(session, arguments.kernel, result); });
}

}  // namespace vknorm::compare
