// QK-norm with rotary position embedding: queries and keys of packed or separate tensors, in one dispatch.
#include "support/rope.hpp"
#include "gpu/arguments.hpp"
#include "gpu/fixture.hpp"
#include "support/bounds.hpp"
#include "support/formats.hpp"
#include "support/random.hpp"
#include "support/tensor.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace vknorm::test {
namespace {

struct RopeCase {
    VknOperation operation = VKN_OPERATION_RMS_NORM;
    VknType input = VKN_TYPE_F32;
    VknType output = VKN_TYPE_F32;
    std::optional<VknType> gamma;
    bool gammaOfEachHead = false;
    bool inPlace = false;
    VknRopeLayout layout = VKN_ROPE_LAYOUT_HALF_SPLIT;
    bool isPrecomputed = false;
    VknRopeAngles angles = VKN_ROPE_ANGLES_TURNS;
    float scale = 1;
    uint32_t headSize = 128;
    uint32_t rotarySize = 0;
    uint64_t queryHeads = 3;
    uint64_t keyHeads = 1;  // 0: no key
    std::vector<uint32_t> positions = {0, 1, 77, 4095};
    uint64_t gap = 0;  // elements between a head and the next
    FormVariant variant;
    float epsilon = 1e-5f;
    uint64_t seed = 1;

    uint32_t turningSize() const { return rotarySize != 0 ? rotarySize : headSize; }
    uint64_t heads() const { return queryHeads + keyHeads; }
    uint64_t tokens() const { return positions.size(); }
    std::string describe() const {
        return "operation " + std::to_string(operation) + " types " + std::to_string(input) + ">" +
               std::to_string(output) + " head " + std::to_string(headSize) + " rotary " + std::to_string(rotarySize) +
               " layout " + std::to_string(layout) + " heads " + std::to_string(queryHeads) + "+" +
               std::to_string(keyHeads) + (inPlace ? " in place" : "") + (isPrecomputed ? " precomputed" : "") +
               (angles == VKN_ROPE_ANGLES_FP32_PRODUCT ? " products" : "") + " gap " + std::to_string(gap) + " form " +
               variant.name;
    }
};

// The query and the key, or one of the two: parts of one buffer.
struct Heads {
    Tensor query;
    std::optional<Tensor> key;

    std::vector<uint8_t>& bytes() { return query.bytes(); }
};

constexpr double kTheta = 10000;

class RopeRun {
public:
    RopeRun(Gpu& gpu, const RopeCase& rope)
        : gpu_(gpu),
          rope_(rope),
          before_(makeHeads(rope.input, true)),
          target_(rope.inPlace ? before_ : makeHeads(rope.output, false)),
          input_(gpu.device(), before_.bytes().size()),
          output_(gpu.device(), target_.bytes().size()) {
        makeTable();
        makeGamma();
        createPlan();
    }
    ~RopeRun() { vknDestroyPlan(plan_); }
    RopeRun(const RopeRun&) = delete;
    RopeRun& operator=(const RopeRun&) = delete;

    void run() {
        input_.upload(before_.bytes());
        output_.upload(target_.bytes());
        const Buffer angles(gpu_.device(), table_);
        const Buffer gamma(gpu_.device(), gammaBytes_);
        const Buffer positions(gpu_.device(), rope_.positions);
        std::vector<VknOperand> operands = headOperands();
        operands.push_back(angles.operand(rope_.isPrecomputed ? VKN_ROLE_COS_SIN : VKN_ROLE_ROPE_TABLE));
        operands.push_back(positions.operand(VKN_ROLE_POSITIONS));
        if (rope_.gamma) {
            operands.push_back({VKN_ROLE_GAMMA, gamma.handle(), 0, gamma.size(), 0, 0});
        }
        if (rope_.gamma && rope_.keyHeads != 0) {
            operands.push_back({VKN_ROLE_KEY_GAMMA, gamma.handle(), keyGammaOffset(), gamma.size(), 0, 0});
        }
        VknExecuteInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
        info.rows = rope_.tokens() * rope_.heads();
        info.rowsPerOuter = rope_.heads();
        info.tableRows = tableRows_;
        info.operandCount = static_cast<uint32_t>(operands.size());
        info.pOperands = operands.data();
        info.bindingPool = gpu_.bindingPool();
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        VknResult result = VKN_SUCCESS;
        gpu_.submit([&](VkCommandBuffer commands) { result = vknCmdExecute(plan_, commands, &info, &error); });
        ASSERT_EQ(result, VKN_SUCCESS) << error.field << ": " << error.message;
        after_ = target_;
        output_.download(0, after_->query.bytes().data(), after_->query.bytes().size());
        if (after_->key) {
            after_->key->bytes() = after_->query.bytes();
        }
        check();
    }

    // Where an element is, for tests with a reference of their own.
    uint32_t resultBits(uint64_t token, uint64_t head, uint64_t column) const {
        return tensorOf(*after_, head).bits(rowOf(token, head), column);
    }

private:
    TensorLayout layoutOf(VknType type, bool isPacked, bool isKey) const {
        const uint64_t stride = rope_.headSize + rope_.gap;
        const uint64_t own = isKey ? rope_.keyHeads : rope_.queryHeads;
        // Packed: queries, keys and values of a token follow each other. Otherwise all queries, then all keys.
        const uint64_t packedStride = (rope_.heads() + rope_.keyHeads) * stride;
        TensorLayout layout;
        layout.type = type;
        layout.rows = rope_.tokens() * own;
        layout.rowsPerOuter = own;
        layout.hiddenSize = rope_.headSize;
        layout.rowStride = stride;
        layout.outerStride = isPacked ? packedStride : own * stride;
        const uint64_t before = isPacked ? rope_.queryHeads : rope_.queryHeads * rope_.tokens();
        layout.byteOffset = 16 + (isKey ? before * stride * elementSize(type) : 0);
        return layout;
    }

    Heads makeHeads(VknType type, bool isInput) const {
        const bool isPacked = isInput;
        const TensorLayout query = layoutOf(type, isPacked, false);
        const TensorLayout key = layoutOf(type, isPacked, true);
        const uint64_t end = std::max(query.endByte(), rope_.keyHeads != 0 ? key.endByte() : 0) + kGuardBytes;
        Heads heads{Tensor(query, end - query.endByte()), std::nullopt};
        if (rope_.keyHeads != 0) {
            heads.key.emplace(key, end - key.endByte());
        }
        if (isInput) {
            fill(heads);
        }
        return heads;
    }

    void fill(Heads& heads) const {
        Random random(rope_.seed);
        const auto value = [&](uint64_t row, uint64_t) {
            return std::ldexp(random.normal() + 0.25, static_cast<int>(row % 5) - 2);
        };
        heads.query.fill(value);
        if (heads.key) {
            heads.key->fill(value);
            heads.query.takeElements(*heads.key);
            heads.key->bytes() = heads.query.bytes();
        }
    }

    void makeTable() {
        const uint32_t size = rope_.turningSize();
        VknRopeTableInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_ROPE_TABLE_INFO;
        info.rotarySize = size;
        info.theta = kTheta;
        info.angles = rope_.angles;
        turns_.resize(rope_.angles == VKN_ROPE_ANGLES_TURNS ? size : size / 2);
        ASSERT_EQ(vknMakeRopeTable(&info, turns_.data(), nullptr, nullptr), VKN_SUCCESS);
        table_ = turns_;
        if (!rope_.isPrecomputed) {
            return;
        }
        tableRows_ = 1 + *std::max_element(rope_.positions.begin(), rope_.positions.end());
        table_.assign(tableRows_ * size, 0);
        for (uint32_t position = 0; position < tableRows_; ++position) {
            for (uint32_t pair = 0; pair < size / 2; ++pair) {
                const double angle = angleAt(position, pair);
                table_[position * size + pair] = encode(VKN_TYPE_F32, std::cos(angle));
                table_[position * size + size / 2 + pair] = encode(VKN_TYPE_F32, std::sin(angle));
            }
        }
    }

    double angleAt(uint32_t position, uint32_t pair) const {
        if (rope_.angles == VKN_ROPE_ANGLES_FP32_PRODUCT) {
            const Fp32 frequency(decode(VKN_TYPE_F32, turns_[pair]));
            return (Fp32(static_cast<double>(position)) * frequency).value();
        }
        return angleOf(position, {turns_[2 * pair], turns_[2 * pair + 1]});
    }

    uint64_t gammaRows(bool isKey) const {
        return rope_.gammaOfEachHead ? (isKey ? rope_.keyHeads : rope_.queryHeads) : 1;
    }

    uint64_t keyGammaOffset() const {
        return (gammaRows(false) * rope_.headSize * elementSize(*rope_.gamma) + 15) / 16 * 16;
    }

    void makeGamma() {
        gammaBytes_.assign(16, 0);
        if (!rope_.gamma) {
            return;
        }
        Random random(rope_.seed + 1000);
        const size_t size = elementSize(*rope_.gamma);
        gammaBytes_.assign((keyGammaOffset() + gammaRows(true) * rope_.headSize * size + 15) / 16 * 16, 0);
        for (size_t at = 0; at < gammaBytes_.size(); at += size) {
            storeBits(*rope_.gamma, &gammaBytes_[at], encode(*rope_.gamma, 1.0 + 0.5 * random.normal()));
        }
    }

    double gammaOf(uint64_t head, uint64_t column) const {
        const bool isKey = head >= rope_.queryHeads;
        const uint64_t own = isKey ? head - rope_.queryHeads : head;
        const uint64_t row = rope_.gammaOfEachHead ? own : 0;
        const uint64_t at =
            (isKey ? keyGammaOffset() : 0) + (row * rope_.headSize + column) * elementSize(*rope_.gamma);
        return decode(*rope_.gamma, loadBits(*rope_.gamma, &gammaBytes_[at]));
    }

    std::vector<VknOperandType> operandTypes() const {
        std::vector<VknOperandType> types = {{VKN_ROLE_OUTPUT, rope_.output}, {VKN_ROLE_POSITIONS, VKN_TYPE_U32}};
        const bool hasKey = rope_.keyHeads != 0;
        if (!rope_.inPlace) {
            types.push_back({VKN_ROLE_INPUT, rope_.input});
        }
        if (hasKey && !rope_.inPlace) {
            types.push_back({VKN_ROLE_KEY, rope_.input});
        }
        if (hasKey) {
            types.push_back({VKN_ROLE_KEY_OUTPUT, rope_.output});
        }
        if (rope_.gamma) {
            types.push_back({VKN_ROLE_GAMMA, *rope_.gamma});
        }
        if (rope_.gamma && hasKey) {
            types.push_back({VKN_ROLE_KEY_GAMMA, *rope_.gamma});
        }
        types.push_back(rope_.isPrecomputed ? VknOperandType{VKN_ROLE_COS_SIN, VKN_TYPE_F32}
                                            : VknOperandType{VKN_ROLE_ROPE_TABLE, VKN_TYPE_U32});
        return types;
    }

    void createPlan() {
        VknKernelOverride kernel{};
        kernel.sType = VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE;
        kernel.form = rope_.variant.form;
        kernel.subgroupSize = rope_.variant.subgroupSize;
        kernel.readTwice = rope_.variant.readTwice ? VK_TRUE : VK_FALSE;
        VknRopeInfo rope{};
        rope.sType = VKN_STRUCTURE_TYPE_ROPE_INFO;
        rope.pNext = &kernel;
        rope.layout = rope_.layout;
        rope.rotarySize = rope_.rotarySize;
        rope.scale = rope_.scale;
        rope.angles = rope_.angles;
        rope.queryRows = rope_.keyHeads != 0 ? static_cast<uint32_t>(rope_.queryHeads) : 0;
        const std::vector<VknOperandType> types = operandTypes();
        VknPlanCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        info.pNext = &rope;
        info.flags = rope_.inPlace ? VknPlanFlags{VKN_PLAN_IN_PLACE_BIT} : 0;
        info.operation = rope_.operation;
        info.hiddenSize = rope_.headSize;
        info.operandCount = static_cast<uint32_t>(types.size());
        info.pOperands = types.data();
        info.epsilon = rope_.epsilon;
        info.parameterRows = rope_.gammaOfEachHead ? static_cast<uint32_t>(rope_.heads()) : 0;
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        if (vknCreatePlan(gpu_.context(), &info, &plan_, &error) != VKN_SUCCESS) {
            throw std::runtime_error(error.message);
        }
        planInfo_.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
        vknGetPlanInfo(plan_, &planInfo_);
    }

    void addHeads(std::vector<VknOperand>& operands, const Heads& heads, const Buffer& buffer, VknRole query,
                  VknRole key) const {
        const auto add = [&](VknRole role, const TensorLayout& layout) {
            operands.push_back(
                {role, buffer.handle(), layout.byteOffset, buffer.size(), layout.rowStride, layout.outerStride});
        };
        add(query, heads.query.layout());
        if (heads.key) {
            add(key, heads.key->layout());
        }
    }

    std::vector<VknOperand> headOperands() const {
        std::vector<VknOperand> operands;
        addHeads(operands, target_, output_, VKN_ROLE_OUTPUT, VKN_ROLE_KEY_OUTPUT);
        if (!rope_.inPlace) {
            addHeads(operands, before_, input_, VKN_ROLE_INPUT, VKN_ROLE_KEY);
        }
        return operands;
    }

    const Tensor& tensorOf(const Heads& heads, uint64_t head) const {
        return head < rope_.queryHeads ? heads.query : *heads.key;
    }

    uint64_t rowOf(uint64_t token, uint64_t head) const {
        const bool isKey = head >= rope_.queryHeads;
        return isKey ? token * rope_.keyHeads + head - rope_.queryHeads : token * rope_.queryHeads + head;
    }

    void check() const {
        std::vector<WrittenRows> written = {{after_->query.layout(), after_->query.layout().rows}};
        if (after_->key) {
            written.push_back({after_->key->layout(), after_->key->layout().rows});
        }
        Tensor before = target_.query;
        EXPECT_EQ(findOverwritten(before.bytes(), after_->query.bytes(), written), "") << rope_.describe();
        for (uint64_t token = 0; token < rope_.tokens(); ++token) {
            for (uint64_t head = 0; head < rope_.heads() && !::testing::Test::HasFailure(); ++head) {
                checkRow(token, head);
            }
        }
    }

    // What is known of an element.
    struct Element {
        Fp32Range range;
        double exact;
    };

    std::vector<Element> normalised(uint64_t token, uint64_t head) const {
        NormSpec spec;
        spec.operation = rope_.operation;
        spec.epsilon = static_cast<double>(rope_.epsilon);
        spec.hasGamma = rope_.gamma.has_value();
        spec.inputType = rope_.input;
        const std::vector<double> x = tensorOf(before_, head).rowValues(rowOf(token, head));
        const NormBound bound(spec, x, reductionShape(planInfo_));
        std::vector<Element> elements;
        for (size_t column = 0; column < x.size(); ++column) {
            const double gamma = rope_.gamma ? gammaOf(head, column) : 1.0;
            elements.push_back(
                {Fp32Range(bound.element(x[column], gamma, 0.0)), bound.exactElement(x[column], gamma, 0.0)});
        }
        return elements;
    }

    // The larger of a pair's two columns is `partner`.
    void turn(std::vector<Element>& elements, uint32_t position, uint32_t pair) const {
        const bool isHalfSplit = rope_.layout == VKN_ROPE_LAYOUT_HALF_SPLIT;
        const uint32_t column = isHalfSplit ? pair : 2 * pair;
        const uint32_t partner = isHalfSplit ? pair + rope_.turningSize() / 2 : column + 1;
        const double angle = angleAt(position, pair);
        const auto factor = [&](double value) {
            if (rope_.isPrecomputed) {
                return Fp32Range(roundTo(VKN_TYPE_F32, value));
            }
            return Fp32Range(Interval{value - kTurnError, value + kTurnError}) *
                   Fp32Range(static_cast<double>(rope_.scale));
        };
        const double scale = rope_.isPrecomputed ? 1.0 : static_cast<double>(rope_.scale);
        const Element a = elements[column];
        const Element b = elements[partner];
        const auto [low, high] = turned(a.range, b.range, factor(std::cos(angle)), factor(std::sin(angle)));
        elements[column] = {low, scale * (a.exact * std::cos(angle) - b.exact * std::sin(angle))};
        elements[partner] = {high, scale * (b.exact * std::cos(angle) + a.exact * std::sin(angle))};
    }

    void checkRow(uint64_t token, uint64_t head) const {
        std::vector<Element> elements = normalised(token, head);
        for (uint32_t pair = 0; pair < rope_.turningSize() / 2; ++pair) {
            turn(elements, rope_.positions[token], pair);
        }
        for (size_t column = 0; column < elements.size(); ++column) {
            const uint32_t bits = resultBits(token, head, column);
            const Element& element = elements[column];
            const Verdict verdict = judge(rope_.output, element.range.interval(), element.exact, bits);
            ASSERT_TRUE(verdict.isRight) << rope_.describe() << ": token " << token << " head " << head << " column "
                                         << column << ": " << decode(rope_.output, bits) << ", not " << element.exact;
        }
    }

    Gpu& gpu_;
    const RopeCase rope_;
    Heads before_;
    Heads target_;
    Buffer input_;
    Buffer output_;
    std::vector<uint32_t> turns_;  // as vknMakeRopeTable makes them
    std::vector<uint32_t> table_;  // as the operand has it
    uint64_t tableRows_ = 0;
    std::vector<uint8_t> gammaBytes_;
    std::optional<Heads> after_;
    VknPlan plan_ = VKN_NULL_HANDLE;
    VknPlanInfo planInfo_{};
};

class Rope : public GpuTest {};

void runRope(Gpu& gpu, const RopeCase& rope) {
    SCOPED_TRACE(rope.describe());
    RopeRun(gpu, rope).run();
}

constexpr VknType kTypes[] = {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16};

TEST_F(Rope, EveryFormWithBothLayouts) {
    uint32_t turn = 0;
    for (size_t form = 0; form < gpu().forms().size(); ++form) {
        const FormVariant& variant = gpu().forms()[form];
        for (const uint32_t headSize : {64u, 80u, 6u, 128u, 1000u}) {
            for (const VknRopeLayout layout : {VKN_ROPE_LAYOUT_HALF_SPLIT, VKN_ROPE_LAYOUT_INTERLEAVED}) {
                ++turn;
                if (!isTurnOf(form, turn)) {
                    continue;
                }
                RopeCase rope;
                rope.variant = variant;
                rope.headSize = headSize;
                rope.layout = layout;
                rope.input = kTypes[turn % 3];
                rope.output = kTypes[turn / 3 % 3];
                rope.gamma = kTypes[turn / 2 % 3];
                rope.operation = turn % 4 == 0 ? VKN_OPERATION_LAYER_NORM : VKN_OPERATION_RMS_NORM;
                rope.seed = turn;
                runRope(gpu(), rope);
            }
        }
    }
}

// Where the part that turns ends, and what is behind it.
TEST_F(Rope, PartOfAHeadTurns) {
    for (const VknRopeLayout layout : {VKN_ROPE_LAYOUT_HALF_SPLIT, VKN_ROPE_LAYOUT_INTERLEAVED}) {
        for (const uint32_t rotary : {2u, 16u, 32u, 50u, 96u}) {
            RopeCase rope;
            rope.layout = layout;
            rope.rotarySize = rotary;
            rope.headSize = 100;
            rope.input = VKN_TYPE_BF16;
            rope.gamma = VKN_TYPE_F32;
            runRope(gpu(), rope);
        }
    }
}

TEST_F(Rope, InPlaceInPackedTensors) {
    for (const VknRopeLayout layout : {VKN_ROPE_LAYOUT_HALF_SPLIT, VKN_ROPE_LAYOUT_INTERLEAVED}) {
        for (const uint64_t gap : {0u, 1u, 8u}) {
            RopeCase rope;
            rope.layout = layout;
            rope.inPlace = true;
            rope.input = VKN_TYPE_F16;
            rope.output = VKN_TYPE_F16;
            rope.gamma = VKN_TYPE_F16;
            rope.queryHeads = 4;
            rope.keyHeads = 2;
            rope.gap = gap;
            runRope(gpu(), rope);
        }
    }
}

TEST_F(Rope, AWeightForEachHead) {
    for (const uint64_t keyHeads : {0u, 2u}) {
        RopeCase rope;
        rope.gamma = VKN_TYPE_BF16;
        rope.gammaOfEachHead = true;
        rope.keyHeads = keyHeads;
        runRope(gpu(), rope);
    }
}

TEST_F(Rope, PrecomputedCosinesAndSines) {
    for (const VknRopeLayout layout : {VKN_ROPE_LAYOUT_HALF_SPLIT, VKN_ROPE_LAYOUT_INTERLEAVED}) {
        RopeCase rope;
        rope.layout = layout;
        rope.isPrecomputed = true;
        rope.rotarySize = 64;
        rope.positions = {5, 0, 99};
        runRope(gpu(), rope);
    }
}

// As other implementations have them. At a million, some angles are half a radian from where positions are.
TEST_F(Rope, AnglesAreFp32Products) {
    for (const VknRopeLayout layout : {VKN_ROPE_LAYOUT_HALF_SPLIT, VKN_ROPE_LAYOUT_INTERLEAVED}) {
        RopeCase rope;
        rope.layout = layout;
        rope.angles = VKN_ROPE_ANGLES_FP32_PRODUCT;
        rope.positions = {0, 1, 4095, 999999, 16777215};
        runRope(gpu(), rope);
    }
}

TEST_F(Rope, TheScaleIsOfWhatTurns) {
    RopeCase rope;
    rope.scale = 1.25f;
    rope.rotarySize = 64;
    runRope(gpu(), rope);
}

// Against the formula itself rather than the table: 2 ULP of fp16, of the element or a thousandth of its pair.
TEST_F(Rope, IsExactAtPositionAMillion) {
    RopeCase rope;
    rope.output = VKN_TYPE_F16;
    rope.keyHeads = 0;
    rope.queryHeads = 1;
    rope.positions = {1000000, 999999, 131072};
    rope.epsilon = 0;
    RopeRun run(gpu(), rope);
    run.run();
    // The row of the same head at position 0 is what turns.
    RopeCase still = rope;
    still.output = VKN_TYPE_F32;
    still.positions = {0, 0, 0};
    RopeRun unturned(gpu(), still);
    unturned.run();
    for (uint64_t token = 0; token < 3; ++token) {
        for (uint32_t pair = 0; pair < 64; ++pair) {
            const long double angle = rope.positions[token] * std::pow(10000.0L, -2.0L * pair / 128);
            const auto a = static_cast<long double>(decode(VKN_TYPE_F32, unturned.resultBits(token, 0, pair)));
            const auto b = static_cast<long double>(decode(VKN_TYPE_F32, unturned.resultBits(token, 0, pair + 64)));
            const auto exact = static_cast<double>(a * std::cos(angle) - b * std::sin(angle));
            const double length = std::hypot(static_cast<double>(a), static_cast<double>(b));
            const double unit = ulpSize(VKN_TYPE_F16, std::max(std::abs(exact), 1e-3 * length));
            EXPECT_NEAR(decode(VKN_TYPE_F16, run.resultBits(token, 0, pair)), exact, 2 * unit) << token << " " << pair;
        }
    }
}

}  // namespace
}  // namespace vknorm::test
