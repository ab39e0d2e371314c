// What specialisation knows of SPIR-V: numbers from its specification, and what integer and logical operations compute.
#pragma once

#include <cstdint>

namespace vkn {

// An instruction's first word is its length and its opcode.
constexpr uint32_t kHeaderWords = 5;
constexpr uint32_t kBoundWord = 3;

enum Opcode : uint32_t {
    kOpExtInst = 12,
    kOpEntryPoint = 15,
    kOpTypeBool = 20,
    kOpConstantTrue = 41,
    kOpConstantFalse = 42,
    kOpConstant = 43,
    kOpConstantComposite = 44,
    kOpSpecConstantTrue = 48,
    kOpSpecConstantFalse = 49,
    kOpSpecConstant = 50,
    kOpSpecConstantComposite = 51,
    kOpSpecConstantOp = 52,
    kOpFunction = 54,
    kOpFunctionEnd = 56,
    kOpFunctionCall = 57,
    kOpVariable = 59,
    kOpLoad = 61,
    kOpStore = 62,
    kOpAccessChain = 65,
    kOpArrayLength = 68,
    kOpDecorate = 71,
    kOpIAdd = 128,
    kOpISub = 130,
    kOpIMul = 132,
    kOpUDiv = 134,
    kOpUMod = 137,
    kOpLogicalOr = 166,
    kOpLogicalAnd = 167,
    kOpLogicalNot = 168,
    kOpSelect = 169,
    kOpIEqual = 170,
    kOpINotEqual = 171,
    kOpUGreaterThan = 172,
    kOpUGreaterThanEqual = 174,
    kOpULessThan = 176,
    kOpULessThanEqual = 178,
    kOpShiftRightLogical = 194,
    kOpShiftLeftLogical = 196,
    kOpBitwiseOr = 197,
    kOpBitwiseXor = 198,
    kOpBitwiseAnd = 199,
    kOpControlBarrier = 224,
    kOpMemoryBarrier = 225,
    kOpAtomicLoad = 227,
    kOpAtomicStore = 228,
    kOpAtomicXor = 242,
    kOpPhi = 245,
    kOpLoopMerge = 246,
    kOpSelectionMerge = 247,
    kOpLabel = 248,
    kOpBranch = 249,
    kOpBranchConditional = 250,
    kOpUnreachable = 255,
};

constexpr uint32_t kDecorationSpecId = 1;
constexpr uint32_t kDecorationBinding = 33;

// False for an operation that is not known.
inline bool foldBinary(uint32_t opcode, uint32_t a, uint32_t b, uint32_t& result) {
    switch (opcode) {
        case kOpIAdd:
            result = a + b;
            return true;
        case kOpISub:
            result = a - b;
            return true;
        case kOpIMul:
            result = a * b;
            return true;
        case kOpUDiv:
            result = b == 0 ? 0 : a / b;
            return true;
        case kOpUMod:
            result = b == 0 ? 0 : a % b;
            return true;
        case kOpLogicalOr:
        case kOpBitwiseOr:
            result = a | b;
            return true;
        case kOpLogicalAnd:
        case kOpBitwiseAnd:
            result = a & b;
            return true;
        case kOpBitwiseXor:
            result = a ^ b;
            return true;
        case kOpShiftRightLogical:
            result = b < 32 ? a >> b : 0;
            return true;
        case kOpShiftLeftLogical:
            result = b < 32 ? a << b : 0;
            return true;
        case kOpIEqual:
            result = a == b ? 1 : 0;
            return true;
        case kOpINotEqual:
            result = a != b ? 1 : 0;
            return true;
        case kOpUGreaterThan:
            result = a > b ? 1 : 0;
            return true;
        case kOpUGreaterThanEqual:
            result = a >= b ? 1 : 0;
            return true;
        case kOpULessThan:
            result = a < b ? 1 : 0;
            return true;
        case kOpULessThanEqual:
            result = a <= b ? 1 : 0;
            return true;
        default:
            return false;
    }
}

}  // namespace vkn
