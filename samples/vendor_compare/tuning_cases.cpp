// SPDX-License-Identifier: Apache-2.0
#include "tuning_cases.hpp"

#include <algorithm>
#include <limits>

namespace vknorm::compare {
namespace {

const std::vector<uint64_t> kRows = {1, 32, 512, 4096};
const std::vector<uint32_t> kHiddenSizes = {64, 128, 256, 896, 1024, 4096, 16384, 65536};
const std::vector<uint32_t> kHeadSizes = {64, 128, 256};
const std::vector<uint32_t> kQuickSizes = {128, 1024, 4096};
const std::vector<std::string> kTypes = {"fp32", "bf16"};
const std::vector<std::string> kCheckedOperations = {"rmsnorm", "prenorm-add"};

template <typename T>
std::vector<T> sortedOr(std::vector<T> wanted, const std::vector<T>& usual) {
    std::sort(wanted.begin(), wanted.end());
    return wanted.empty() ? usual : wanted;
}

std::vector<uint32_t> sizesOf(const Operation& operation, const Selection& selection) {
    const std::vector<uint32_t>& ofAll = selection.isQuick ? kQuickSizes : kHiddenSizes;
    return sortedOr(selection.hiddenSizes, operation.hasHeads ? kHeadSizes : ofAll);
}

std::vector<const TypeSet*> typesOf(const Selection& selection) {
    const std::vector<std::string>& names = selection.types.empty() ? kTypes : selection.types;
    std::vector<const TypeSet*> types;
    for (const TypeSet& each : allTypes()) {
        if (std::find(names.begin(), names.end(), each.name) != names.end()) {
            types.push_back(&each);
        }
    }
    return types;
}

bool isAllFp32(const TypeSet& types) { return std::string(types.name) == "fp32"; }

TuningGroup groupOf(const Operation& operation, uint32_t hiddenSize, const std::vector<const TypeSet*>& types,
                    const Selection& selection, uint64_t mostElements) {
    TuningGroup group = {&operation, hiddenSize, {}};
    for (const uint64_t count : sortedOr(selection.rows, kRows)) {
        const uint64_t rows = operation.hasHeads ? count * kHeads : count;
        for (const TypeSet* each : types) {
            const Shape shape = {rows, hiddenSize};
            if (rows * hiddenSize <= mostElements && unsuited(operation, shape).empty()) {
                group.situations.push_back({&operation, each, shape});
            }
        }
    }
    return group;
}

TuningTask taskOf(const Operation& operation, bool allFp32, const Selection& selection, uint64_t mostElements) {
    TuningTask task = {&operation, allFp32, {}};
    std::vector<const TypeSet*> types;
    for (const TypeSet* each : typesOf(selection)) {
        if (isAllFp32(*each) == allFp32) {
            types.push_back(each);
        }
    }
    for (const uint32_t size : sizesOf(operation, selection)) {
        TuningGroup group = groupOf(operation, size, types, selection, mostElements);
        if (!group.situations.empty()) {
            task.groups.push_back(std::move(group));
        }
    }
    return task;
}

std::vector<const Operation*> operationsOf(const Selection& selection, bool isOfCheck) {
    const bool areFew = isOfCheck || selection.isQuick;
    const std::vector<std::string>& names =
        selection.operations.empty() && areFew ? kCheckedOperations : selection.operations;
    std::vector<const Operation*> operations;
    for (const Operation& operation : allOperations()) {
        const bool isNamed = std::find(names.begin(), names.end(), operation.name) != names.end();
        if (names.empty() ? !operation.isPart : isNamed) {
            operations.push_back(&operation);
        }
    }
    return operations;
}

}  // namespace

std::string TuningTask::name() const {
    std::string types;
    for (const Case& situation : groups.front().situations) {
        if (types.find(situation.types->name) == std::string::npos) {
            types.append(types.empty() ? "" : ",").append(situation.types->name);
        }
    }
    return std::string(operation->name).append(" ").append(types);
}

std::vector<TuningTask> tuningTasks(const Selection& selection, uint64_t mostElements) {
    std::vector<TuningTask> tasks;
    for (const Operation* operation : operationsOf(selection, false)) {
        for (const bool allFp32 : {true, false}) {
            TuningTask task = taskOf(*operation, allFp32, selection, mostElements);
            if (!task.groups.empty()) {
                tasks.push_back(std::move(task));
            }
        }
    }
    return tasks;
}

std::vector<Case> tuningCheckCases(const Selection& selection) {
    std::vector<Case> cases;
    for (const Operation* operation : operationsOf(selection, true)) {
        for (const TypeSet* types : typesOf(selection)) {
            for (const uint32_t size : sizesOf(*operation, selection)) {
                const TuningGroup group =
                    groupOf(*operation, size, {types}, selection, std::numeric_limits<uint64_t>::max());
                cases.insert(cases.end(), group.situations.begin(), group.situations.end());
            }
        }
    }
    return cases;
}

}  // namespace vknorm::compare
