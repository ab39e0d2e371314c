#include "device/specialise.hpp"

#include "device/spirv.hpp"

#include <cstring>
#include <initializer_list>

namespace vkn {

namespace {

struct Instruction {
    const uint32_t* words;
    uint32_t length;
    uint32_t opcode;
};

// What an id stands for, as far as it matters here.
enum class Kind : uint8_t {
    Other,
    GlobalVariable,
    InFunction,
};

struct Id {
    uint32_t value = 0;
    uint32_t specId = 0;
    uint32_t offset = 0;    // of a function: where it starts, in words
    uint32_t next[2] = {};  // of a reachable label: the blocks that follow it; 0 where there is none
    uint32_t header = 0;    // of a loop's continue target: the loop's header
    Kind kind = Kind::Other;
    bool hasValue = false;
    bool hasSpecId = false;
    bool isBoolType = false;
    bool isReachable = false;    // of a label or a function
    bool isNamedByLoop = false;  // of a label: a reachable loop's merge block or continue target, which must be there
    bool isKept = false;         // of a variable, or of what is in a function
};

class Specialiser {
public:
    Specialiser(const SpirvCode& module, const Specialisation& specialisation, Id* ids, uint32_t* worklist,
                uint32_t* output)
        : module_(module), specialisation_(specialisation), ids_(ids), worklist_(worklist), output_(output) {}

    uint32_t run() {
        readDeclarations();
        while (pending_ != 0) {
            readFunction(worklist_[--pending_]);
        }
        write();
        return written_;
    }

private:
    const SpirvCode& module_;
    const Specialisation& specialisation_;
    Id* ids_;
    uint32_t* worklist_;  // functions to be read: where they start
    uint32_t pending_ = 0;
    uint32_t entryPoint_ = 0;
    uint32_t* output_;
    uint32_t written_ = 0;
    bool isBranchWritten_ = false;  // a selection that is decided: its OpBranchConditional is left out

    Instruction at(uint32_t offset) const {
        const uint32_t* words = module_.words + offset;
        return {words, words[0] >> 16, words[0] & 0xFFFFu};
    }

    template <typename Visit>
    void forEachInstruction(const Visit& visit) const {
        for (uint32_t offset = kHeaderWords; offset < module_.wordCount;) {
            const Instruction instruction = at(offset);
            visit(instruction, offset);
            offset += instruction.length;
        }
    }

    // ---- reading: what constants are worth, and what is reached ----------------------------------------------------

    void setValue(uint32_t id, uint32_t value) {
        ids_[id].value = value;
        ids_[id].hasValue = true;
    }

    void readDeclarations() {
        bool isInFunction = false;
        forEachInstruction([&](const Instruction& i, uint32_t offset) {
            isInFunction = isInFunction || i.opcode == kOpFunction;
            if (i.opcode == kOpFunction) {
                ids_[i.words[2]].offset = offset;
            }
            if (!isInFunction) {
                readDeclaration(i);
            } else if (definesResult(i)) {
                ids_[i.words[2]].kind = Kind::InFunction;
            }
        });
        reachFunction(entryPoint_);
    }

    // Decorations are of results with a type, which are the second operand.
    static bool definesResult(const Instruction& i) {
        switch (i.opcode) {
            case kOpStore:
            case kOpAtomicStore:
            case kOpControlBarrier:
            case kOpMemoryBarrier:
            case kOpLoopMerge:
            case kOpSelectionMerge:
            case kOpBranchConditional:
                return false;
            default:
                return i.length > 2;
        }
    }

    void readDeclaration(const Instruction& i) {
        switch (i.opcode) {
            case kOpEntryPoint:
                entryPoint_ = i.words[2];
                break;
            case kOpDecorate:
                if (i.words[2] == kDecorationSpecId && i.words[3] < specialisation_.valueCount) {
                    ids_[i.words[1]].specId = i.words[3];
                    ids_[i.words[1]].hasSpecId = true;
                }
                break;
            case kOpTypeBool:
                ids_[i.words[1]].isBoolType = true;
                break;
            case kOpVariable:
                ids_[i.words[2]].kind = Kind::GlobalVariable;
                break;
            case kOpConstantTrue:
            case kOpSpecConstantTrue:
                setValue(i.words[2], 1);
                break;
            case kOpConstantFalse:
            case kOpSpecConstantFalse:
                setValue(i.words[2], 0);
                break;
            case kOpConstant:
            case kOpSpecConstant:
                setValue(i.words[2], i.words[3]);
                break;
            case kOpSpecConstantOp:
                fold(i.words[3], i.words + 4, i.length - 4, i.words[2]);
                break;
            default:
                break;
        }
        const bool isSpecified =
            i.opcode == kOpSpecConstant || i.opcode == kOpSpecConstantTrue || i.opcode == kOpSpecConstantFalse;
        if (isSpecified && ids_[i.words[2]].hasSpecId) {
            setValue(i.words[2], specialisation_.values[ids_[i.words[2]].specId]);
        }
    }

    void fold(uint32_t opcode, const uint32_t* operands, uint32_t count, uint32_t result) {
        const Id& a = ids_[operands[0]];
        uint32_t value = 0;
        if (opcode == kOpLogicalNot && a.hasValue) {
            setValue(result, a.value ^ 1u);
        } else if (opcode == kOpSelect && a.hasValue) {
            const Id& taken = ids_[operands[a.value != 0 ? 1 : 2]];
            if (taken.hasValue) {
                setValue(result, taken.value);
            }
        } else if (count == 2) {
            const Id& b = ids_[operands[1]];
            const auto decides = [&](const Id& operand, uint32_t decisive) {
                return operand.hasValue && operand.value == decisive;
            };
            if (opcode == kOpLogicalAnd && (decides(a, 0) || decides(b, 0))) {
                setValue(result, 0);
            } else if (opcode == kOpLogicalOr && (decides(a, 1) || decides(b, 1))) {
                setValue(result, 1);
            } else if (a.hasValue && b.hasValue && foldBinary(opcode, a.value, b.value, value)) {
                setValue(result, value);
            }
        }
    }

    static bool isFoldable(uint32_t opcode) { return opcode >= kOpIAdd && opcode <= kOpBitwiseAnd; }

    void reachFunction(uint32_t id) {
        if (!ids_[id].isReachable) {
            ids_[id].isReachable = true;
            worklist_[pending_++] = ids_[id].offset;
        }
    }

    // Blocks come in order of dominance: all that leads to a block has been read before it, but the ends of loops.
    void readFunction(uint32_t offset) {
        uint32_t block = 0;
        bool isSelection = false;
        for (Instruction i = at(offset); i.opcode != kOpFunctionEnd; offset += i.length, i = at(offset)) {
            if (i.opcode == kOpLabel) {
                ids_[i.words[1]].isReachable = ids_[i.words[1]].isReachable || block == 0;
                block = i.words[1];
            }
            if (block != 0 && ids_[block].isReachable) {
                readReachable(i, block, isSelection);
            }
            isSelection = i.opcode == kOpSelectionMerge;
        }
    }

    void readReachable(const Instruction& i, uint32_t block, bool isSelection) {
        switch (i.opcode) {
            case kOpFunctionCall:
                reachFunction(i.words[3]);
                break;
            case kOpPhi:
                readPhi(i, block);
                break;
            case kOpLoopMerge:
                ids_[i.words[1]].isNamedByLoop = true;
                ids_[i.words[2]].isNamedByLoop = true;
                ids_[i.words[2]].header = block;
                break;
            case kOpBranch:
                follow(block, i.words[1], 0);
                break;
            case kOpBranchConditional: {
                const Id& condition = ids_[i.words[1]];
                const bool isKnown = isSelection && condition.hasValue;
                follow(block, isKnown && condition.value == 0 ? i.words[3] : i.words[2], isKnown ? 0 : i.words[3]);
                break;
            }
            default:
                if (isFoldable(i.opcode)) {
                    fold(i.opcode, i.words + 3, i.length - 3, i.words[2]);
                }
                break;
        }
        if (definesResult(i)) {
            ids_[i.words[2]].isKept = true;
        }
        keepVariables(i);
    }

    void follow(uint32_t block, uint32_t first, uint32_t second) {
        ids_[block].next[0] = first;
        ids_[block].next[1] = second;
        ids_[first].isReachable = true;
        if (second != 0) {
            ids_[second].isReachable = true;
        }
    }

    bool leadsTo(uint32_t block, uint32_t target) const {
        const Id& id = ids_[block];
        return id.isReachable && (id.next[0] == target || id.next[1] == target);
    }

    // A value that is the same from wherever the block is reached.
    void readPhi(const Instruction& i, uint32_t block) {
        uint32_t sources = 0;
        uint32_t last = 0;
        for (uint32_t w = 3; w + 1 < i.length; w += 2) {
            if (leadsTo(i.words[w + 1], block)) {
                ++sources;
                last = i.words[w];
            }
        }
        if (sources == 1 && ids_[last].hasValue) {
            setValue(i.words[2], ids_[last].value);
        }
    }

    // Global variables are named as pointers only.
    void keepVariables(const Instruction& i) {
        uint32_t first = 3;
        uint32_t end = 4;
        switch (i.opcode) {
            case kOpStore:
            case kOpAtomicStore:
                first = 1;
                end = 2;
                break;
            case kOpFunctionCall:
            case kOpExtInst:
                first = 4;
                end = i.length;
                break;
            case kOpLoad:
            case kOpAccessChain:
            case kOpArrayLength:
                break;
            default:
                if (i.opcode < kOpAtomicLoad || i.opcode > kOpAtomicXor) {
                    return;
                }
                break;
        }
        for (uint32_t w = first; w < end; ++w) {
            ids_[i.words[w]].isKept = true;
        }
    }

    // ---- writing ---------------------------------------------------------------------------------------------------

    void write() {
        memcpy(output_, module_.words, kHeaderWords * sizeof(uint32_t));
        written_ = kHeaderWords;
        bool isInFunction = false;
        forEachInstruction([&](const Instruction& i, uint32_t offset) {
            isInFunction = isInFunction || i.opcode == kOpFunction;
            if (!isInFunction) {
                writeDeclaration(i);
            } else if (i.opcode == kOpFunction && ids_[i.words[2]].isReachable) {
                writeFunction(offset);
            }
        });
    }

    void put(uint32_t word) { output_[written_++] = word; }

    void putInstruction(uint32_t opcode, std::initializer_list<uint32_t> operands) {
        put(static_cast<uint32_t>(operands.size() + 1) << 16 | opcode);
        for (const uint32_t operand : operands) {
            put(operand);
        }
    }

    void copy(const Instruction& i) {
        memcpy(output_ + written_, i.words, i.length * sizeof(uint32_t));
        written_ += i.length;
    }

    void writeDeclaration(const Instruction& i) {
        switch (i.opcode) {
            case kOpEntryPoint:
                writeEntryPoint(i);
                break;
            case kOpDecorate:
                writeDecoration(i);
                break;
            case kOpVariable:
                if (ids_[i.words[2]].isKept) {
                    copy(i);
                }
                break;
            case kOpSpecConstant:
            case kOpSpecConstantTrue:
            case kOpSpecConstantFalse:
            case kOpSpecConstantOp:
                writeConstant(i);
                break;
            case kOpSpecConstantComposite:
                copy(i);
                output_[written_ - i.length] = i.length << 16 | kOpConstantComposite;
                break;
            default:
                copy(i);
                break;
        }
    }

    void writeConstant(const Instruction& i) {
        const Id& id = ids_[i.words[2]];
        if (!id.hasValue) {
            copy(i);
        } else if (ids_[i.words[1]].isBoolType) {
            putInstruction(id.value != 0 ? kOpConstantTrue : kOpConstantFalse, {i.words[1], i.words[2]});
        } else {
            putInstruction(kOpConstant, {i.words[1], i.words[2], id.value});
        }
    }

    // Execution model, function, name, and the variables of its interface.
    void writeEntryPoint(const Instruction& i) {
        const uint32_t start = written_;
        uint32_t w = 3;
        while ((i.words[w++] >> 24) != 0) {  // the name's last word has a zero byte at its end
        }
        memcpy(output_ + written_, i.words, w * sizeof(uint32_t));
        written_ += w;
        for (; w < i.length; ++w) {
            if (ids_[i.words[w]].isKept) {
                put(i.words[w]);
            }
        }
        output_[start] = (written_ - start) << 16 | kOpEntryPoint;
    }

    void writeDecoration(const Instruction& i) {
        const Id& target = ids_[i.words[1]];
        if (i.words[2] == kDecorationSpecId || (target.kind != Kind::Other && !target.isKept)) {
            return;
        }
        copy(i);
        if (i.words[2] == kDecorationBinding && i.words[3] < specialisation_.slotCount) {
            output_[written_ - 1] = specialisation_.bindingOfSlot[i.words[3]];
        }
    }

    void writeFunction(uint32_t offset) {
        uint32_t block = 0;
        for (Instruction i = at(offset); i.opcode != kOpFunctionEnd; offset += i.length, i = at(offset)) {
            if (i.opcode == kOpLabel) {
                block = i.words[1];
                writeStub(block);
            }
            if (block == 0 || ids_[block].isReachable) {
                writeReachable(i, at(offset + i.length), block);
            }
        }
        putInstruction(kOpFunctionEnd, {});
    }

    // What a loop must have, though nothing reaches it: a block that goes back to the header, or one that ends nowhere.
    void writeStub(uint32_t block) {
        const Id& label = ids_[block];
        if (label.isReachable || !label.isNamedByLoop) {
            return;
        }
        putInstruction(kOpLabel, {block});
        if (label.header != 0) {
            putInstruction(kOpBranch, {label.header});
        } else {
            putInstruction(kOpUnreachable, {});
        }
    }

    bool isDecided(const Instruction& i, const Instruction& next) const {
        return i.opcode == kOpSelectionMerge && next.opcode == kOpBranchConditional && ids_[next.words[1]].hasValue;
    }

    void writeReachable(const Instruction& i, const Instruction& next, uint32_t block) {
        if (isDecided(i, next)) {
            putInstruction(kOpBranch, {ids_[block].next[0]});
            isBranchWritten_ = true;
        } else if (isBranchWritten_) {
            isBranchWritten_ = false;
        } else if (i.opcode == kOpPhi) {
            writePhi(i, block);
        } else {
            copy(i);
        }
    }

    void writePhi(const Instruction& i, uint32_t block) {
        const uint32_t start = written_;
        put(0);
        put(i.words[1]);
        put(i.words[2]);
        for (uint32_t w = 3; w + 1 < i.length; w += 2) {
            if (leadsTo(i.words[w + 1], block)) {
                put(i.words[w]);
                put(i.words[w + 1]);
            }
        }
        output_[start] = (written_ - start) << 16 | kOpPhi;
    }
};

}  // namespace

SpirvCode specialise(const HostMemory& memory, const SpirvCode& module, const Specialisation& specialisation) {
    const uint32_t bound = module.words[kBoundWord];
    SpirvCode code;
    Id* ids = memory.createArray<Id>(bound);
    auto* worklist = static_cast<uint32_t*>(memory.allocate(bound * sizeof(uint32_t)));
    code.words = static_cast<uint32_t*>(memory.allocate(module.wordCount * sizeof(uint32_t)));
    if (ids != nullptr && worklist != nullptr && code.words != nullptr) {
        code.wordCount = Specialiser(module, specialisation, ids, worklist, code.words).run();
    } else {
        memory.release(code.words);
        code.words = nullptr;
    }
    memory.release(worklist);
    memory.release(ids);
    return code;
}

}  // namespace vkn
