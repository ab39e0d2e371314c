// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include "support/formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace vknorm::compare {
namespace {

void require(VknResult result, const VknError& error) {
    if (result == VKN_SUCCESS) {
        return;
    }
    const std::string text = fmt::format("{}: {}", vknResultName(result), error.message);
    if (result == VKN_ERROR_DEVICE_LOST) {
        throw RuntimeError(VK_ERROR_DEVICE_LOST, text);
    }
    if (result == VKN_ERROR_OUT_OF_DEVICE_MEMORY) {
        throw Skipped(text);
    }
    throw std::runtime_error(text);
}

// A key's rows lie in the query's tensor.
bool isPartOfAnother(VknRole role) {
    return vkn::queryRoleOf(role) != role && vkn::findRole(role)->extent == vkn::Extent::Rows;
}

uint64_t elementsOf(const Case& test, const vkn::OperationSpec& spec, VknRole role) {
    const vkn::RoleInfo& info = *vkn::findRole(role);
    const uint64_t ofRow = vkn::rowElements(info, spec);
    switch (info.extent) {
        case vkn::Extent::Rows:
            return test.shape.rows * ofRow;
        case vkn::Extent::Scalars:
            return test.shape.rows * spec.groups * ofRow;
        case vkn::Extent::Outers:
            return test.shape.rows / kHeads;
        default:
            return ofRow;
    }
}

Distribution distributionOf(const Operation& operation, VknRole role) {
    switch (role) {
        case VKN_ROLE_GAMMA:
        case VKN_ROLE_GAMMA_2:
        case VKN_ROLE_KEY_GAMMA:
            return {1.0, 0.25};
        case VKN_ROLE_BETA:
            return {0.0, 0.25};
        case VKN_ROLE_RUNNING_MEAN:
            return {0.0, operation.isPart ? 0.0 : 1.0};
        case VKN_ROLE_RUNNING_VARIANCE:  // positive: no number of a pattern is 8 deviations off
            return {1.0, operation.isPart ? 0.0 : 0.125};
        default:
            return {0.25, 1.0};
    }
}

// Which operands of a plan share a binding, and so a buffer; others have a number of their own.
std::map<VknRole, uint32_t> bindingsOf(const Plan& plan) {
    uint32_t count = 0;
    vknGetPlanAccesses(plan.get(), &count, nullptr);
    std::vector<VknOperandAccess> accesses(count);
    vknGetPlanAccesses(plan.get(), &count, accesses.data());
    std::map<VknRole, uint32_t> bindings;
    for (const VknOperandAccess& access : accesses) {
        if (access.binding != VKN_BINDING_OF_ITS_OWN) {
            bindings[access.role] = access.binding;
        }
    }
    return bindings;
}

// Halves of NaNs as fp16, bf16 and fp32, and numbers as int8; another one for each slot.
uint32_t poisonWord(uint32_t slot) { return (0x7FC1U + slot % 32U) * 0x10001U; }

}  // namespace

const StepOperand* Step::find(VknRole role) const {
    const auto found =
        std::find_if(operands.begin(), operands.end(), [&](const StepOperand& each) { return each.role == role; });
    return found == operands.end() ? nullptr : &*found;
}

Program::Program(Device& device, Patterns& patterns, const std::vector<StepInput>& inputs, const KernelOverride& kernel,
                 const MemoryLimits& limits)
    : device_(device), patterns_(patterns) {
    for (const StepInput& input : inputs) {
        std::vector<VknOperandType> linkedTypes;
        for (const Link& link : input.links) {
            const Case& owner = inputs[link.ownerStep].test;
            linkedTypes.push_back({link.role, typeOf(*owner.operation, *owner.types, link.ownerRole)});
        }
        makeStep(input, linkedTypes, kernel);
    }
    makeTensors(inputs);
    placeTensors();
    std::vector<uint64_t> scratch;
    for (const Step& step : steps_) {
        scratch.push_back(scratchSize(step, step));
    }
    for (const uint64_t bytes : groupBytes_) {
        slotBytes_ += roundUp(bytes, kSlotAlignment);
    }
    for (const uint64_t bytes : scratch) {
        slotBytes_ += roundUp(bytes, kSlotAlignment);
    }
    slotPlan_ = planSlots(slotBytes_, limits);
    for (const uint64_t bytes : groupBytes_) {
        groups_.emplace_back(device, bytes, slotPlan_.slots);
    }
    for (size_t i = 0; i < steps_.size(); ++i) {
        if (scratch[i] != 0) {
            steps_[i].scratch.emplace_back(device, scratch[i], slotPlan_.slots);
        }
    }
    for (Step& step : steps_) {
        makeBindings(step, step);
    }
    kernels_.emplace_back(steps_.size());
    fill();
}

void Program::makeStep(const StepInput& input, const std::vector<VknOperandType>& linkedTypes,
                       const KernelOverride& kernel) {
    const std::string reason = unsuited(*input.test.operation, input.test.shape);
    if (!reason.empty()) {
        throw Skipped(reason);
    }
    Step step;
    step.test = input.test;
    step.isPreparation = input.isPreparation;
    step.linkedTypes = linkedTypes;
    step.spec = PlanInput(input.test, linkedTypes, {}).spec();
    static_cast<StepKernel&>(step) = makeKernel(step, input.isPreparation ? KernelOverride{} : kernel);
    steps_.push_back(std::move(step));
}

// Without bindings.
StepKernel Program::makeKernel(const Step& step, const KernelOverride& kernel) const {
    const PlanInput description(step.test, step.linkedTypes, kernel);
    StepKernel made;
    made.plan = std::make_shared<Plan>();
    VknError error = makeError();
    const VknResult result = vknCreatePlan(device_.context(), &description.info(), made.plan->out(), &error);
    if (result == VKN_ERROR_UNSUPPORTED || (result == VKN_ERROR_INVALID_ARGUMENT && kernel.isGiven())) {
        throw Unsupported(error.message);
    }
    require(result, error);
    made.info = getPlanInfo(*made.plan);
    return made;
}

// ---- tensors -------------------------------------------------------------------------------------------------------

void Program::makeTensors(const std::vector<StepInput>& inputs) {
    for (size_t i = 0; i < inputs.size(); ++i) {
        makeOwnTensors(i, inputs[i]);
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
        linkTensors(i, inputs[i]);
    }
    for (const Step& step : steps_) {
        for (const StepOperand& operand : step.operands) {
            tensors_[operand.tensor].isWritten |= step.spec.writes(*vkn::findRole(operand.role));
        }
    }
}

void Program::makeOwnTensors(size_t index, const StepInput& input) {
    Step& step = steps_[index];
    const std::map<VknRole, uint32_t> bindings = bindingsOf(*step.plan);
    std::map<uint32_t, size_t> groupOf;
    const auto isLinked = [&](VknRole role) {
        return std::any_of(input.links.begin(), input.links.end(), [&](const Link& link) { return link.role == role; });
    };
    for (const VknRole role : step.test.operation->roles) {
        if (isLinked(role) || isPartOfAnother(role)) {
            continue;
        }
        Tensor tensor = {role, step.spec.type(role), elementsOf(step.test, step.spec, role),
                         distributionOf(*step.test.operation, role)};
        const auto binding = bindings.find(role);
        const size_t next = groupBytes_.size();
        tensor.group = binding == bindings.end() ? next : groupOf.emplace(binding->second, next).first->second;
        groupBytes_.resize(std::max(next, tensor.group + 1), 0);
        step.operands.push_back({role, tensors_.size()});
        tensors_.push_back(tensor);
    }
    for (const VknRole role : step.test.operation->roles) {
        if (isPartOfAnother(role)) {
            interleaveKey(step, role);
        }
    }
}

// A token's heads of the query, then its heads of the key.
void Program::interleaveKey(Step& step, VknRole key) {
    const uint64_t hiddenSize = step.test.shape.hiddenSize;
    const auto query = std::find_if(step.operands.begin(), step.operands.end(),
                                    [&](const StepOperand& operand) { return operand.role == vkn::queryRoleOf(key); });
    query->outerStride = kHeads * hiddenSize;
    StepOperand operand = *query;
    operand.role = key;
    operand.firstElement = kQueryHeads * hiddenSize;
    step.operands.push_back(operand);
}

void Program::linkTensors(size_t index, const StepInput& input) {
    for (const Link& link : input.links) {
        const StepOperand& owner = *steps_[link.ownerStep].find(link.ownerRole);
        steps_[index].operands.push_back({link.role, owner.tensor});
    }
}

void Program::placeTensors() {
    for (Tensor& tensor : tensors_) {
        tensor.offset = roundUp(groupBytes_[tensor.group], kSlotAlignment);
        groupBytes_[tensor.group] = tensor.offset + tensor.elements * vkn::elementSize(tensor.type);
    }
}

SlotBuffers::Place Program::placeOf(const Tensor& tensor, uint32_t slot) const {
    SlotBuffers::Place place = groups_[tensor.group].at(slot);
    place.offset += tensor.offset;
    return place;
}

// ---- bindings ------------------------------------------------------------------------------------------------------

// Without buffers, where there are none yet.
VknExecuteInfo Program::executeInfo(const Step& step, uint32_t slot, std::vector<VknOperand>& operands) const {
    operands.clear();
    for (const StepOperand& operand : step.operands) {
        const Tensor& tensor = tensors_[operand.tensor];
        VknOperand bound = {};
        bound.role = operand.role;
        bound.outerStride = operand.outerStride;
        if (!groups_.empty()) {
            const SlotBuffers::Place place = placeOf(tensor, slot);
            bound.buffer = place.buffer->handle();
            bound.offset = place.offset + operand.firstElement * vkn::elementSize(tensor.type);
            bound.bufferSize = place.buffer->size();
        }
        operands.push_back(bound);
    }
    VknExecuteInfo info = {};
    info.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
    info.rows = step.test.shape.rows;
    info.rowsPerOuter = step.test.operation->hasHeads ? kHeads : 0;
    info.operandCount = static_cast<uint32_t>(operands.size());
    info.pOperands = operands.data();
    return info;
}

uint64_t Program::scratchSize(const Step& step, const StepKernel& kernel) const {
    std::vector<VknOperand> operands;
    const VknExecuteInfo info = executeInfo(step, 0, operands);
    VkDeviceSize size = 0;
    VknError error = makeError();
    require(vknGetScratchSize(kernel.plan->get(), &info, &size, &error), error);
    return size;
}

void Program::makeBindings(Step& step, StepKernel& kernel) {
    std::vector<VknOperand> operands;
    for (uint32_t slot = 0; slot < slotPlan_.slots; ++slot) {
        VknExecuteInfo info = executeInfo(step, slot, operands);
        for (SlotBuffers& scratch : step.scratch) {
            const SlotBuffers::Place place = scratch.at(slot);
            info.scratchBuffer = place.buffer->handle();
            info.scratchOffset = place.offset;
            info.scratchSize = scratch.slotBytes();
        }
        VknError error = makeError();
        Binding binding;
        require(vknCreateBinding(kernel.plan->get(), &info, binding.out(), &error), error);
        kernel.bindings.push_back(std::move(binding));
    }
}

// ---- what tensors hold ---------------------------------------------------------------------------------------------

void Program::fill() {
    for (const Tensor& tensor : tensors_) {
        if (!tensor.isWritten) {
            uploadFirst(tensor);
        }
    }
    copyFirstToOthers();
}

void Program::uploadFirst(const Tensor& tensor) {
    const SlotBuffers::Place place = placeOf(tensor, 0);
    if (tensor.role == VKN_ROLE_POSITIONS) {
        std::vector<uint32_t> positions(tensor.elements);
        for (uint32_t token = 0; token < positions.size(); ++token) {
            positions[token] = token;
        }
        place.buffer->upload(place.offset, positions.data(), positions.size() * sizeof positions[0]);
    } else if (tensor.role == VKN_ROLE_ROPE_TABLE) {
        VknRopeTableInfo turns = {};
        turns.sType = VKN_STRUCTURE_TYPE_ROPE_TABLE_INFO;
        turns.rotarySize = static_cast<uint32_t>(tensor.elements);
        turns.theta = 10000;
        std::vector<uint32_t> table(tensor.elements);
        VknError error = makeError();
        require(vknMakeRopeTable(&turns, table.data(), nullptr, &error), error);
        place.buffer->upload(place.offset, table.data(), table.size() * sizeof table[0]);
    } else {
        constexpr uint64_t kApart = 7919;  // prime: tensors of different roles differ
        patterns_.upload(*place.buffer, place.offset, tensor.type, tensor.elements, tensor.distribution,
                         kApart * static_cast<uint64_t>(tensor.role));
    }
}

void Program::copyFirstToOthers() {
    const auto copy = device_.function<PFN_vkCmdCopyBuffer>("vkCmdCopyBuffer");
    device_.submit([&](VkCommandBuffer commands) {
        for (const Tensor& tensor : tensors_) {
            const SlotBuffers::Place from = placeOf(tensor, 0);
            for (uint32_t slot = 1; slot < slotPlan_.slots && !tensor.isWritten; ++slot) {
                const SlotBuffers::Place to = placeOf(tensor, slot);
                const VkBufferCopy region = {from.offset, to.offset, tensor.elements * vkn::elementSize(tensor.type)};
                copy(commands, from.buffer->handle(), to.buffer->handle(), 1, &region);
            }
        }
    });
}

void Program::poison() {
    const auto fillBuffer = device_.function<PFN_vkCmdFillBuffer>("vkCmdFillBuffer");
    device_.submit([&](VkCommandBuffer commands) {
        for (const Tensor& tensor : tensors_) {
            const uint64_t bytes = roundUp(tensor.elements * vkn::elementSize(tensor.type), sizeof(uint32_t));
            for (uint32_t slot = 0; slot < slotPlan_.slots && tensor.isWritten; ++slot) {
                const SlotBuffers::Place place = placeOf(tensor, slot);
                fillBuffer(commands, place.buffer->handle(), place.offset, bytes, poisonWord(slot));
            }
        }
    });
}

// ---- running -------------------------------------------------------------------------------------------------------

uint64_t Program::leastBytes() const {
    uint64_t bytes = 0;
    for (const Step& step : steps_) {
        if (!step.isPreparation) {
            bytes += step.info.leastBytesPerRow * step.test.shape.rows + step.info.bytesPerDispatch;
        }
    }
    return bytes;
}

void Program::record(VkCommandBuffer commands, uint32_t slot) const {
    bool isFirst = true;
    for (const Step& step : steps_) {
        if (step.isPreparation) {
            continue;
        }
        if (!isFirst) {
            device_.recordBarrier(commands);
        }
        isFirst = false;
        VknError error = makeError();
        require(vknCmdExecuteBinding(step.bindings[slot].get(), commands, step.test.shape.rows, &error), error);
    }
}

void Program::runAll() {
    poison();
    for (uint32_t slot = 0; slot < slotPlan_.slots; ++slot) {
        device_.submit([&](VkCommandBuffer commands) {
            for (const Step& step : steps_) {
                VknError error = makeError();
                if (step.isPreparation) {
                    require(vknCmdExecuteBinding(step.bindings[slot].get(), commands, step.test.shape.rows, &error),
                            error);
                    device_.recordBarrier(commands);
                }
            }
            record(commands, slot);
        });
    }
}

void Program::runFirst() {
    device_.submit([&](VkCommandBuffer commands) { record(commands, 0); });
}

// ---- reading back --------------------------------------------------------------------------------------------------

std::vector<uint32_t> Program::readBits(const Step& step, VknRole role, uint64_t first, uint64_t count) const {
    const StepOperand& operand = *step.find(role);
    const Tensor& tensor = tensors_[operand.tensor];
    const uint64_t size = vkn::elementSize(tensor.type);
    const SlotBuffers::Place place = placeOf(tensor, 0);
    std::vector<uint8_t> bytes(count * size);
    place.buffer->download(place.offset + (operand.firstElement + first) * size, bytes.data(), bytes.size());
    std::vector<uint32_t> bits(count);
    const VknType type = tensor.type == VKN_TYPE_U32 ? VKN_TYPE_F32 : tensor.type;  // whose bits are 32 as well
    for (uint64_t i = 0; i < count; ++i) {
        bits[i] = test::loadBits(type, &bytes[i * size]);
    }
    return bits;
}

std::vector<double> Program::read(const Step& step, VknRole role, uint64_t first, uint64_t count) const {
    const VknType type = tensors_[step.find(role)->tensor].type;
    std::vector<double> values;
    for (const uint32_t bits : readBits(step, role, first, count)) {
        values.push_back(type == VKN_TYPE_U32 ? static_cast<double>(bits) : test::decode(type, bits));
    }
    return values;
}

std::string Program::findDifference() const {
    constexpr uint64_t kPiece = uint64_t{16} << 20;
    for (const Tensor& tensor : tensors_) {
        const uint64_t bytes = tensor.elements * vkn::elementSize(tensor.type);
        const SlotBuffers::Place first = placeOf(tensor, 0);
        for (uint64_t at = 0; at < bytes && tensor.isWritten; at += kPiece) {
            const uint64_t size = std::min(bytes - at, kPiece);
            const auto expected = first.buffer->download<uint8_t>(size, first.offset + at);
            for (uint32_t slot = 1; slot < slotPlan_.slots; ++slot) {
                const SlotBuffers::Place place = placeOf(tensor, slot);
                if (place.buffer->download<uint8_t>(size, place.offset + at) != expected) {
                    return fmt::format("{} is not the same in copies {} and 0 of the same inputs",
                                       vkn::findRole(tensor.role)->name, slot);
                }
            }
        }
    }
    return {};
}

void Program::keepRows(const Step& step, VknRole role, const std::vector<uint64_t>& rows) {
    const Tensor& tensor = tensors_[step.find(role)->tensor];
    const uint64_t rowBytes = step.test.shape.hiddenSize * uint64_t{vkn::elementSize(tensor.type)};
    const SlotBuffers::Place place = placeOf(tensor, 0);
    std::vector<std::vector<uint8_t>> kept;
    for (const uint64_t row : rows) {
        kept.push_back(place.buffer->download<uint8_t>(rowBytes, place.offset + row * rowBytes));
    }
    const auto fillBuffer = device_.function<PFN_vkCmdFillBuffer>("vkCmdFillBuffer");
    device_.submit([&](VkCommandBuffer commands) {
        fillBuffer(commands, place.buffer->handle(), place.offset,
                   roundUp(step.test.shape.rows * rowBytes, sizeof(uint32_t)), 0);
    });
    for (size_t i = 0; i < rows.size(); ++i) {
        place.buffer->upload(place.offset + rows[i] * rowBytes, kept[i].data(), rowBytes);
    }
}

void Program::restore(const Step& step, VknRole role) { uploadFirst(tensors_[step.find(role)->tensor]); }

}  // namespace vknorm::compare
