// What fusing is worth: blocks in one dispatch against the same in several, on any Vulkan device. Both must give the same
// but for rounding; then both are measured, turn by turn. Usage: fused_blocks [--pairs N] [device]: pairs of measurements
// (5), and a device as for hello_norm.
// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>

namespace {
using vknorm::Buffer;
using vknorm::samples::measure;
using vknorm::samples::Record;
using vknorm::samples::require;

constexpr uint64_t kTokens = 512;
constexpr uint32_t kHiddenSize = 4096;
constexpr uint32_t kHeadSize = 128;
constexpr uint32_t kQueryHeads = 32;
constexpr uint32_t kKeyHeads = 8;
constexpr int kUsualPairs = 5;
constexpr float kMostRoundings = 16;  // each plan sums in an order of its own: only one plan's bits are promised

struct Operand {
    VknOperand operand;
    VknType type = VKN_TYPE_F32;
};

// One operation on buffers of its own: a plan and what it is bound to.
class Step {
public:
    Step(const vknorm::Device& device, VknOperation operation, uint32_t hiddenSize, const void* chain, uint64_t rows,
         uint64_t rowsPerOuter, const std::vector<Operand>& operands)
        : rows_(rows) {
        std::vector<VknOperandType> types;
        std::vector<VknOperand> places;
        for (const Operand& each : operands) {
            types.push_back({each.operand.role, each.type});
            places.push_back(each.operand);
        }
        VknPlanCreateInfo create = {};
        create.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        create.pNext = chain;
        create.operation = operation;
        create.hiddenSize = hiddenSize;
        create.operandCount = static_cast<uint32_t>(types.size());
        create.pOperands = types.data();
        create.epsilon = 1e-5F;
        VknError error = vknorm::makeError();
        require(vknCreatePlan(device.context(), &create, plan_.out(), &error), error);
        VknExecuteInfo execute = {};
        execute.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
        execute.rows = rows;
        execute.rowsPerOuter = rowsPerOuter;
        execute.operandCount = static_cast<uint32_t>(places.size());
        execute.pOperands = places.data();
        require(vknCreateBinding(plan_.get(), &execute, binding_.out(), &error), error);
    }

    void record(VkCommandBuffer commands) const {
        VknError error = vknorm::makeError();
        require(vknCmdExecuteBinding(binding_.get(), commands, rows_, &error), error);
    }
    uint64_t leastBytes() const {
        const VknPlanInfo info = vknorm::getPlanInfo(plan_);
        return info.leastBytesPerRow * rows_ + info.bytesPerDispatch;
    }

private:
    vknorm::Plan plan_;
    vknorm::Binding binding_;
    uint64_t rows_;
};

using Steps = std::vector<std::unique_ptr<Step>>;

// The same results by one step and by several, in buffers of their own.
struct Comparison {
    const char* name;
    Steps fused;
    Steps apart;
    std::vector<std::pair<const Buffer*, const Buffer*>> results;
};

Record recordAll(const vknorm::Device& device, const Steps& steps) {
    return [&](VkCommandBuffer commands) {
        for (const auto& step : steps) {
            if (&step != &steps.front()) device.recordBarrier(commands);
            step->record(commands);
        }
    };
}

uint64_t bytesOf(const Steps& steps) {
    uint64_t bytes = 0;
    for (const auto& step : steps) bytes += step->leastBytes();
    return bytes;
}

// The largest difference, in roundings of the largest element; infinite where a NaN meets anything but its own bits.
float roundingsApart(const Buffer& first, const Buffer& second) {
    const auto a = first.download<float>(first.size() / sizeof(float));
    const auto b = second.download<float>(second.size() / sizeof(float));
    const auto bitsOfA = first.download<uint32_t>(first.size() / sizeof(uint32_t));
    const auto bitsOfB = second.download<uint32_t>(second.size() / sizeof(uint32_t));
    float largest = 0;
    float difference = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        largest = std::fmax(largest, std::fabs(a[i]));  // passes over NaNs
        if (bitsOfA[i] == bitsOfB[i]) continue;
        if (std::isnan(a[i]) || std::isnan(b[i])) return std::numeric_limits<float>::infinity();
        difference = std::max(difference, std::fabs(a[i] - b[i]));
    }
    return difference == 0 ? 0 : 2 * difference / (largest * std::numeric_limits<float>::epsilon());
}

double medianOf(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

bool compare(vknorm::Device& device, const Comparison& comparison, int pairs) {
    const Record fused = recordAll(device, comparison.fused);
    const Record apart = recordAll(device, comparison.apart);
    device.submit(fused);
    device.submit(apart);
    float roundings = 0;
    for (const auto& [a, b] : comparison.results) roundings = std::max(roundings, roundingsApart(*a, *b));
    if (roundings > kMostRoundings) {
        std::printf("%-24s WRONG: the results are %g roundings apart, more than %g\n", comparison.name,
                    static_cast<double>(roundings), static_cast<double>(kMostRoundings));
        return false;
    }
    std::vector<double> times;
    std::vector<double> ratios;
    for (int pair = 0; pair < pairs; ++pair) {  // whichever comes first, it is not always the same
        const bool isFusedFirst = pair % 2 == 0;
        const double first = measure(device, isFusedFirst ? fused : apart).seconds;
        const double second = measure(device, isFusedFirst ? apart : fused).seconds;
        times.push_back(isFusedFirst ? first : second);
        ratios.push_back(isFusedFirst ? second / first : first / second);
    }
    const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
    const double bytes =
        static_cast<double>(bytesOf(comparison.apart)) / static_cast<double>(bytesOf(comparison.fused));
    std::printf("%-24s %9zu %9.3f ms %8.2f %9.2f %8.2f (%.2f to %.2f)\n", comparison.name, comparison.apart.size(),
                1e3 * medianOf(times), bytes, static_cast<double>(roundings), medianOf(ratios), *least, *most);
    return true;
}

// The buffers that the comparisons share, and those that each writes.
class Workload {
public:
    explicit Workload(vknorm::Device& device) : device_(device) {}

    const Buffer& random(uint64_t elements) {
        std::normal_distribution<float> normal;
        std::vector<float> values(elements);
        for (float& value : values) value = normal(random_);
        return keep(std::make_unique<Buffer>(device_, values));
    }
    // Every element a NaN, so that one that is not written is seen: NaNs of `mark` differ from those of another.
    const Buffer& result(uint64_t elements, uint32_t mark) {
        auto buffer = std::make_unique<Buffer>(device_, elements * sizeof(float));
        buffer->fill(0x7FC00000U + mark);
        return keep(std::move(buffer));
    }
    const Buffer& words(const std::vector<uint32_t>& values) { return keep(std::make_unique<Buffer>(device_, values)); }

private:
    const Buffer& keep(std::unique_ptr<Buffer> buffer) {
        buffers_.push_back(std::move(buffer));
        return *buffers_.back();
    }

    vknorm::Device& device_;
    std::mt19937 random_{42};
    std::vector<std::unique_ptr<Buffer>> buffers_;
};

Operand whole(VknRole role, const Buffer& buffer, VknType type = VKN_TYPE_F32) { return {buffer.operand(role), type}; }

// h = residual + N1(x); y = N2(h): two norms over memory once.
Comparison sandwichThenPreNorm(const vknorm::Device& device, Workload& work) {
    constexpr uint64_t kElements = kTokens * kHiddenSize;
    const Buffer& x = work.random(kElements);
    const Buffer& residual = work.random(kElements);
    const Buffer& gamma = work.random(kHiddenSize);
    const Buffer& gamma2 = work.random(kHiddenSize);
    Comparison comparison = {"sandwich, pre-norm", {}, {}, {}};
    VknBlockInfo block = {};
    block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
    block.placement = VKN_PLACEMENT_SANDWICH_PRE_NORM;
    const Buffer& h = work.result(kElements, 1);
    const Buffer& y = work.result(kElements, 1);
    comparison.fused.push_back(
        std::make_unique<Step>(device, VKN_OPERATION_RMS_NORM, kHiddenSize, &block, kTokens, 0,
                               std::vector<Operand>{whole(VKN_ROLE_INPUT, x), whole(VKN_ROLE_RESIDUAL, residual),
                                                    whole(VKN_ROLE_GAMMA, gamma), whole(VKN_ROLE_GAMMA_2, gamma2),
                                                    whole(VKN_ROLE_RESIDUAL_OUTPUT, h), whole(VKN_ROLE_OUTPUT, y)}));
    block.placement = VKN_PLACEMENT_SANDWICH;
    const Buffer& h2 = work.result(kElements, 2);
    const Buffer& y2 = work.result(kElements, 2);
    comparison.apart.push_back(std::make_unique<Step>(
        device, VKN_OPERATION_RMS_NORM, kHiddenSize, &block, kTokens, 0,
        std::vector<Operand>{whole(VKN_ROLE_INPUT, x), whole(VKN_ROLE_RESIDUAL, residual), whole(VKN_ROLE_GAMMA, gamma),
                             whole(VKN_ROLE_RESIDUAL_OUTPUT, h2)}));
    comparison.apart.push_back(std::make_unique<Step>(
        device, VKN_OPERATION_RMS_NORM, kHiddenSize, nullptr, kTokens, 0,
        std::vector<Operand>{whole(VKN_ROLE_INPUT, h2), whole(VKN_ROLE_GAMMA, gamma2), whole(VKN_ROLE_OUTPUT, y2)}));
    comparison.results = {{&h, &h2}, {&y, &y2}};
    return comparison;
}

// y = N(x * silu(z)), as in Mamba 2.
Comparison gatedNorm(const vknorm::Device& device, Workload& work) {
    constexpr uint64_t kElements = kTokens * kHiddenSize;
    const Buffer& x = work.random(kElements);
    const Buffer& z = work.random(kElements);
    const Buffer& gamma = work.random(kHiddenSize);
    const Buffer& y = work.result(kElements, 1);
    const Buffer& product = work.result(kElements, 2);
    const Buffer& y2 = work.result(kElements, 2);
    Comparison comparison = {"gated RMSNorm", {}, {}, {{&y, &y2}}};
    comparison.fused.push_back(
        std::make_unique<Step>(device, VKN_OPERATION_RMS_NORM, kHiddenSize, nullptr, kTokens, 0,
                               std::vector<Operand>{whole(VKN_ROLE_INPUT, x), whole(VKN_ROLE_GATE, z),
                                                    whole(VKN_ROLE_GAMMA, gamma), whole(VKN_ROLE_OUTPUT, y)}));
    comparison.apart.push_back(std::make_unique<Step>(
        device, VKN_OPERATION_GATED_ACTIVATION, kHiddenSize, nullptr, kTokens, 0,
        std::vector<Operand>{whole(VKN_ROLE_INPUT, x), whole(VKN_ROLE_GATE, z), whole(VKN_ROLE_OUTPUT, product)}));
    comparison.apart.push_back(
        std::make_unique<Step>(device, VKN_OPERATION_RMS_NORM, kHiddenSize, nullptr, kTokens, 0,
                               std::vector<Operand>{whole(VKN_ROLE_INPUT, product), whole(VKN_ROLE_GAMMA, gamma),
                                                    whole(VKN_ROLE_OUTPUT, y2)}));
    return comparison;
}

// Heads of a packed tensor: [token][query heads, key heads, value heads][head].
Operand heads(VknRole role, const Buffer& packed, uint32_t firstHead) {
    constexpr uint64_t kTokenStride = (kQueryHeads + 2 * kKeyHeads) * kHeadSize;
    return {{role, packed.handle(), firstHead * kHeadSize * sizeof(float), packed.size(), kHeadSize, kTokenStride}};
}

// Queries and keys of packed QKV, normed and turned, in one dispatch or one each.
Comparison queriesAndKeys(const vknorm::Device& device, Workload& work) {
    constexpr uint64_t kElements = kTokens * (kQueryHeads + 2 * kKeyHeads) * kHeadSize;
    const Buffer& packed = work.random(kElements);
    const Buffer& gamma = work.random(2ULL * kHeadSize);  // the query's, then the key's
    std::vector<uint32_t> table(kHeadSize);
    VknRopeTableInfo turns = {};
    turns.sType = VKN_STRUCTURE_TYPE_ROPE_TABLE_INFO;
    turns.rotarySize = kHeadSize;
    turns.theta = 10000;
    VknError error = vknorm::makeError();
    require(vknMakeRopeTable(&turns, table.data(), nullptr, &error), error);
    std::vector<uint32_t> positions(kTokens);
    for (uint32_t token = 0; token < kTokens; ++token) positions[token] = token;
    const Operand angles = whole(VKN_ROLE_ROPE_TABLE, work.words(table), VKN_TYPE_U32);
    const Operand places = whole(VKN_ROLE_POSITIONS, work.words(positions), VKN_TYPE_U32);
    const Operand queryGamma = whole(VKN_ROLE_GAMMA, gamma);
    Operand keyGamma = whole(VKN_ROLE_KEY_GAMMA, gamma);
    keyGamma.operand.offset = kHeadSize * sizeof(float);

    const Buffer& turned = work.result(kElements, 1);
    const Buffer& turned2 = work.result(kElements, 1);  // the value heads are written by neither
    Comparison comparison = {"QK-norm, RoPE: q and k", {}, {}, {{&turned, &turned2}}};
    VknRopeInfo rope = {};
    rope.sType = VKN_STRUCTURE_TYPE_ROPE_INFO;
    rope.queryRows = kQueryHeads;
    comparison.fused.push_back(std::make_unique<Step>(
        device, VKN_OPERATION_RMS_NORM, kHeadSize, &rope, kTokens * (kQueryHeads + kKeyHeads), kQueryHeads + kKeyHeads,
        std::vector<Operand>{heads(VKN_ROLE_INPUT, packed, 0), heads(VKN_ROLE_KEY, packed, kQueryHeads), queryGamma,
                             keyGamma, heads(VKN_ROLE_OUTPUT, turned, 0),
                             heads(VKN_ROLE_KEY_OUTPUT, turned, kQueryHeads), angles, places}));
    rope.queryRows = 0;
    Operand ownGamma = keyGamma;
    ownGamma.operand.role = VKN_ROLE_GAMMA;
    comparison.apart.push_back(
        std::make_unique<Step>(device, VKN_OPERATION_RMS_NORM, kHeadSize, &rope, kTokens * kQueryHeads, kQueryHeads,
                               std::vector<Operand>{heads(VKN_ROLE_INPUT, packed, 0), queryGamma,
                                                    heads(VKN_ROLE_OUTPUT, turned2, 0), angles, places}));
    comparison.apart.push_back(
        std::make_unique<Step>(device, VKN_OPERATION_RMS_NORM, kHeadSize, &rope, kTokens * kKeyHeads, kKeyHeads,
                               std::vector<Operand>{heads(VKN_ROLE_INPUT, packed, kQueryHeads), ownGamma,
                                                    heads(VKN_ROLE_OUTPUT, turned2, kQueryHeads), angles, places}));
    return comparison;
}

bool run(const char* selector, int pairs) {
    vknorm::DeviceOptions options;
    options.selector = selector;
    vknorm::Device device(options);
    const vknorm::DeviceInfo& info = device.deviceInfo();
    std::printf("device  %s%s\ndriver  %s %s\ndata    %llu tokens, fp32; hidden size %u; %u + %u heads of %u\n\n",
                info.name.c_str(), info.isSoftware ? ": a software driver, not a GPU" : "", info.driverName.c_str(),
                info.driverInfo.c_str(), static_cast<unsigned long long>(kTokens), kHiddenSize, kQueryHeads, kKeyHeads,
                kHeadSize);
    std::printf("block                    instead of  fused takes    bytes roundings   faster\n");
    bool isAllRight = true;
    for (const auto& make : {sandwichThenPreNorm, gatedNorm, queriesAndKeys}) {
        Workload work(device);
        isAllRight = compare(device, make(device, work), pairs) && isAllRight;
    }
    std::printf(
        "\nbytes, faster: how many times as much the several dispatches move and take; median of %d pairs\n"
        "(least to most), measured in turns. roundings: how far apart results are at most, in units of 2^-24\n"
        "of the largest.\n",
        pairs);
    return isAllRight;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        int pairs = kUsualPairs;
        const bool hasPairs = argc > 2 && std::strcmp(argv[1], "--pairs") == 0;
        if (hasPairs) pairs = static_cast<int>(std::clamp(std::strtol(argv[2], nullptr, 10), 1L, 1000L));
        const int rest = hasPairs ? 3 : 1;
        return run(argc > rest ? argv[rest] : "", pairs) ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fused_blocks: %s\n", error.what());
        return 2;
    }
}
