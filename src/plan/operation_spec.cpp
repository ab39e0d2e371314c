// From what the host describes, with its chain of structures, to a specification.
#include "base/error.hpp"
#include "base/float_bits.hpp"
#include "plan/operation.hpp"

#include <cstdio>

namespace vkn {

static VknResult copyOperands(const VknPlanCreateInfo& info, OperationSpec& spec, VknError* error) {
    if (info.operandCount != 0 && info.pOperands == nullptr) {
        return failArgument(error, "pOperands", 0, info.operandCount, "must not be null");
    }
    for (uint32_t i = 0; i < info.operandCount; ++i) {
        const VknOperandType& operand = info.pOperands[i];
        const RoleInfo* role = findRole(operand.role);
        const FieldName field = operandField(i, "role");
        if (role == nullptr) {
            return failArgument(error, field.text, operand.role, VKN_ROLE_ALPHA_GRADIENT, "is no VknRole");
        }
        if (spec.has(operand.role)) {
            return fail(error, VKN_ERROR_INVALID_ARGUMENT, field.text, operand.role, 1, "%s is listed twice",
                        role->name);
        }
        spec.roles |= roleBit(operand.role);
        spec.types[operand.role] = static_cast<uint32_t>(operand.type);
    }
    return VKN_SUCCESS;
}

static void copyKernel(const VknKernelOverride& kernel, OperationSpec& spec) {
    spec.form = static_cast<uint32_t>(kernel.form);
    spec.workgroupSize = kernel.workgroupSize;
    spec.subgroupSize = kernel.subgroupSize;
    spec.maxWorkgroups = kernel.maxWorkgroups;
    spec.rowsAtOnce = kernel.rowsAtOnce;
    spec.readTwice = kernel.readTwice;
}

static float orOne(float scale) { return (bitsOf(scale) & 0x7FFFFFFFu) == 0 ? 1.0F : scale; }

static void copyBlock(const VknBlockInfo& block, OperationSpec& spec) {
    spec.placement = static_cast<uint32_t>(block.placement);
    spec.residualScale = orOne(block.residualScale);
    spec.branchScale = orOne(block.branchScale);
    spec.dropoutProbability = block.dropoutProbability;
}

// What every structure of a chain starts with.
struct ChainLink {
    VknStructureType sType;
    const void* pNext;
};

static void copyQuantization(const VknQuantizationInfo& info, OperationSpec& spec) {
    spec.quantization = static_cast<uint32_t>(info.quantization);
    spec.outputScale = orOne(info.scale);
    spec.outputScale2 = orOne(info.scale2);
    spec.largestValue = info.largestValue;
    spec.blockSize = info.blockSize;
}

static void copyRope(const VknRopeInfo& info, OperationSpec& spec) {
    spec.ropeLayout = static_cast<uint32_t>(info.layout);
    spec.rotarySize = info.rotarySize != 0 ? info.rotarySize : spec.hiddenSize;
    spec.ropeScale = orOne(info.scale);
    spec.queryRows = info.queryRows;
    spec.ropeAngles = static_cast<uint32_t>(info.angles);
}

static void copyGroups(const VknGroupInfo& info, OperationSpec& spec) {
    spec.channels = info.channels;
    spec.groups = info.groups;
    spec.channelsLast = info.channelsLast != VK_FALSE ? 1 : 0;
}

static void copyBatch(const VknBatchInfo& info, OperationSpec& spec) {
    spec.training = info.training != VK_FALSE ? 1 : 0;
    spec.momentum = info.momentum;
}

static void copyGate(const VknGateInfo& info, OperationSpec& spec) {
    spec.activation = static_cast<uint32_t>(info.activation);
    spec.normFirst = info.normFirst;
}

// Which structures were chained: bit (1 << sType).
static VknResult copyChain(const void* chain, OperationSpec& spec, uint32_t& chained, VknError* error) {
    for (const auto* link = static_cast<const ChainLink*>(chain); link != nullptr;
         link = static_cast<const ChainLink*>(link->pNext)) {
        switch (link->sType) {
            case VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE:
                copyKernel(*reinterpret_cast<const VknKernelOverride*>(link), spec);
                break;
            case VKN_STRUCTURE_TYPE_BLOCK_INFO:
                copyBlock(*reinterpret_cast<const VknBlockInfo*>(link), spec);
                break;
            case VKN_STRUCTURE_TYPE_QUANTIZATION_INFO:
                copyQuantization(*reinterpret_cast<const VknQuantizationInfo*>(link), spec);
                break;
            case VKN_STRUCTURE_TYPE_GATE_INFO:
                copyGate(*reinterpret_cast<const VknGateInfo*>(link), spec);
                break;
            case VKN_STRUCTURE_TYPE_GROUP_INFO:
                copyGroups(*reinterpret_cast<const VknGroupInfo*>(link), spec);
                break;
            case VKN_STRUCTURE_TYPE_BATCH_INFO:
                copyBatch(*reinterpret_cast<const VknBatchInfo*>(link), spec);
                break;
            case VKN_STRUCTURE_TYPE_ROPE_INFO:
                copyRope(*reinterpret_cast<const VknRopeInfo*>(link), spec);
                break;
            default:
                return failArgument(error, "pNext", static_cast<uint64_t>(link->sType), VKN_STRUCTURE_TYPE_BATCH_INFO,
                                    "is no structure that a plan takes");
        }
        const uint32_t bit = 1u << static_cast<uint32_t>(link->sType);
        if ((chained & bit) != 0) {
            return failArgument(error, "pNext", static_cast<uint64_t>(link->sType), 1,
                                "a structure of this type is chained twice");
        }
        chained |= bit;
    }
    return VKN_SUCCESS;
}

// Structures that say something about operands which are not there.
static VknResult checkChain(const OperationSpec& spec, uint32_t chained, VknError* error) {
    const auto isChained = [&](VknStructureType type) { return (chained & (1u << static_cast<uint32_t>(type))) != 0; };
    if (isChained(VKN_STRUCTURE_TYPE_GATE_INFO) && !spec.has(VKN_ROLE_GATE)) {
        return failArgument(error, "pNext", VKN_STRUCTURE_TYPE_GATE_INFO, 0, "there is no gate operand");
    }
    if (isChained(VKN_STRUCTURE_TYPE_QUANTIZATION_INFO) && !spec.isQuantised(VKN_ROLE_OUTPUT) &&
        !spec.isQuantised(VKN_ROLE_OUTPUT_2)) {
        return failArgument(error, "pNext", VKN_STRUCTURE_TYPE_QUANTIZATION_INFO, 0, "no output is quantised");
    }
    return VKN_SUCCESS;
}

VknResult makeOperationSpec(const VknPlanCreateInfo& info, OperationSpec& spec, VknError* error) {
    VknResult result = checkStructureType(error, "sType", info.sType, VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO);
    spec = OperationSpec();
    spec.operation = static_cast<uint32_t>(info.operation);
    spec.flags = info.flags;
    spec.hiddenSize = info.hiddenSize;
    spec.epsilon = info.epsilon;
    spec.gammaOffset = info.gammaOffset;
    spec.partialSize = info.partialSize;
    spec.alpha = info.alpha;
    spec.parameterRows = info.parameterRows != 0 ? info.parameterRows : 1;
    uint32_t chained = 0;
    snprintf(spec.name, sizeof spec.name, "%s", info.pName == nullptr ? "" : info.pName);
    if (result == VKN_SUCCESS) {
        result = copyChain(info.pNext, spec, chained, error);
    }
    if (result == VKN_SUCCESS) {
        result = copyOperands(info, spec, error);
    }
    if (result == VKN_SUCCESS) {
        result = checkOperationSpec(spec, error);
    }
    return result == VKN_SUCCESS ? checkChain(spec, chained, error) : result;
}

}  // namespace vkn
