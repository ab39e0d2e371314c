// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"

namespace vknorm::compare {
namespace {

// Up to so many rows, as when tokens are decoded one by one, it counts how soon the next operation can begin.
constexpr uint64_t kRowsOfDecoding = 32;

Program makeProgram(Session& session, const std::vector<StepInput>& steps, const KernelOverride& kernel) {
    return {session.device(), session.patterns(), steps, kernel, session.memory()};
}

bool check(Session& session, Program& program, CaseResult& result) {
    result.plan = program.steps().back().info;
    result.leastBytes = program.leastBytes();
    result.workingSetBytes = program.workingSetBytes();
    result.slots = program.slotPlan();
    result.check = checkProgram(program, session.checks());
    if (!result.check->isRight()) {
        result.status = Status::Wrong;
        result.reason = result.check->fault;
    }
    return result.check->isRight();
}

Timing timeProgram(Session& session, const Program& program) {
    const auto record = [&](VkCommandBuffer commands, uint32_t slot) { program.record(commands, slot); };
    return timeIndependent(session.device(), record, program.slotPlan().slots, session.timing());
}

ApartResult measureApart(Session& session, const Case& test) {
    ApartResult result;
    try {
        Program program = makeProgram(session, stepsApart(test), {});
        result.leastBytes = program.leastBytes();
        const CheckResult check = checkProgram(program, session.checks());
        if (check.isRight()) {
            result.timing = timeProgram(session, program);
        } else {
            result.status = Status::Wrong;
            result.reason = check.fault;
        }
    } catch (const Skipped& skipped) {
        result.status = Status::Skipped;
        result.reason = skipped.what();
    } catch (const Unsupported& unsupported) {
        result.status = Status::Unsupported;
        result.reason = unsupported.what();
    }
    return result;
}

}  // namespace

bool verifyCase(Session& session, const KernelOverride& kernel, CaseResult& result) {
    Program program = makeProgram(session, stepsOf(result.test), kernel);
    return check(session, program, result);
}

void measureCase(Session& session, const KernelOverride& kernel, const MeasureParts& parts, CaseResult& result) {
    {
        Program program = makeProgram(session, stepsOf(result.test), kernel);
        if (!check(session, program, result)) {
            return;
        }
        result.timing = timeProgram(session, program);
        if (parts.latency && result.test.shape.rows <= kRowsOfDecoding) {
            const auto record = [&](VkCommandBuffer commands, uint32_t slot) { program.record(commands, slot); };
            result.latency = timeDependent(session.device(), record, session.timing());
        }
    }  // its memory is for what follows
    if (parts.copy) {
        result.copy = session.copies().figures(result.leastBytes);
    }
    if (parts.apart && result.test.operation->apart) {
        result.apart = measureApart(session, result.test);
        if (result.apart->status == Status::Wrong) {
            result.status = Status::Wrong;
            result.reason = result.apart->reason;
        }
    }
}

}  // namespace vknorm::compare
