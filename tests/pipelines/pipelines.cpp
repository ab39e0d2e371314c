// Creates a plan for every choice that the choice function can make on the current device, with each operation, and one for
// every type, flag, operand and form; not for every combination of those. Reads what the driver tells of each
// pipeline. Fails where a pipeline cannot be created or spills registers. Nothing is executed, so it runs on drivers that
// compile only.
//
//   vknorm_pipelines [--list] [--amd-code] [--norms] [--blocks] [--others]
//     --list      a line for each pipeline
//     --norms     RMSNorm and LayerNorm without a residual; for drivers that take long, parts can be had by themselves
//     --blocks    with one
//     --others    quantised outputs, gates, DyT, GroupNorm, RoPE
//     --amd-code  also reads AMD's disassembly: rows that are aligned must be read and written 128 bits at a time (8-bit elements
//                 64), and nothing may be rounded towards zero
#include "pipelines/executables.hpp"

#include "device/objects.hpp"
#include "plan/choose.hpp"

#include <vknorm/runtime.hpp>
#include <vknorm/vknorm.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace vknorm;

constexpr uint32_t kWidest = 262144;

struct Variant {
    VknOperation operation = VKN_OPERATION_RMS_NORM;
    uint32_t hiddenSize = 0;
    VknPlanFlags flags = 0;
    std::vector<VknOperandType> operands;
    VknKernelForm form = VKN_KERNEL_FORM_AUTO;
    VknPlacement placement = VKN_PLACEMENT_NONE;
    float dropoutProbability = 0;
    std::optional<VknQuantization> quantization = std::nullopt;
    std::optional<VknActivation> activation = std::nullopt;
    bool normFirst = false;
    std::optional<VknRopeLayout> rope = std::nullopt;
    uint32_t channels = 0;  // GroupNorm
    bool channelsLast = false;
};

// A variant as vknCreatePlan takes it; the structures point into each other, so it stays where it is.
struct PlanDescription {
    VknKernelOverride kernel = {};
    VknBlockInfo block = {};
    VknQuantizationInfo quantization = {};
    VknGateInfo gate = {};
    VknRopeInfo rope = {};
    VknGroupInfo groups = {};
    VknPlanCreateInfo info = {};

    explicit PlanDescription(const Variant& variant) {
        kernel.sType = VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE;
        kernel.form = variant.form;
        block.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
        block.pNext = &kernel;
        block.placement = variant.placement;
        block.residualScale = 0.5F;
        block.branchScale = 2;
        block.dropoutProbability = variant.dropoutProbability;
        info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        info.pNext = &block;
        addQuantization(variant);
        addGate(variant);
        addRope(variant);
        addGroups(variant);
        info.flags = variant.flags;
        info.operation = variant.operation;
        info.hiddenSize = variant.hiddenSize;
        info.operandCount = static_cast<uint32_t>(variant.operands.size());
        info.pOperands = variant.operands.data();
        info.epsilon = 1e-5F;
    }
    PlanDescription(const PlanDescription&) = delete;
    PlanDescription& operator=(const PlanDescription&) = delete;

private:
    void addQuantization(const Variant& variant) {
        if (variant.quantization) {
            quantization.sType = VKN_STRUCTURE_TYPE_QUANTIZATION_INFO;
            quantization.pNext = info.pNext;
            quantization.quantization = *variant.quantization;
            quantization.blockSize = *variant.quantization == VKN_QUANTIZATION_PER_BLOCK ? 128 : 0;
            info.pNext = &quantization;
        }
    }

    void addGate(const Variant& variant) {
        if (variant.activation) {
            gate.sType = VKN_STRUCTURE_TYPE_GATE_INFO;
            gate.pNext = info.pNext;
            gate.activation = *variant.activation;
            gate.normFirst = variant.normFirst ? VK_TRUE : VK_FALSE;
            info.pNext = &gate;
        }
    }

    void addRope(const Variant& variant) {
        if (variant.rope) {
            rope.sType = VKN_STRUCTURE_TYPE_ROPE_INFO;
            rope.pNext = info.pNext;
            rope.layout = *variant.rope;
            rope.queryRows = 8;
            info.pNext = &rope;
        }
    }

    void addGroups(const Variant& variant) {
        if (variant.channels != 0) {
            groups.sType = VKN_STRUCTURE_TYPE_GROUP_INFO;
            groups.pNext = info.pNext;
            groups.channels = variant.channels;
            groups.groups = variant.channels % 32 == 0 ? 32 : 1;
            groups.channelsLast = variant.channelsLast ? VK_TRUE : VK_FALSE;
            info.pNext = &groups;
        }
    }
};

struct Totals {
    size_t choices = 0;
    size_t plans = 0;
    size_t pipelines = 0;
    size_t withStatistics = 0;
    uint64_t spills = 0;
    uint64_t mostRegisters = 0;
    size_t withCode = 0;
    size_t failures = 0;
};

// A hidden size for each distinct choice that the pure function makes for a variant.
std::vector<uint32_t> hiddenSizesOfChoices(const vkn::DeviceFacts& facts, Variant variant) {
    variant.hiddenSize = 8;
    vkn::OperationSpec spec;
    VknError error = makeError();
    if (vkn::makeOperationSpec(PlanDescription(variant).info, spec, &error) != VKN_SUCCESS) {
        throw std::runtime_error(error.message);
    }
    std::map<std::tuple<int, uint32_t, uint32_t, bool>, uint32_t> first;
    for (uint32_t hidden = 8; hidden <= kWidest; hidden += 8) {
        spec.hiddenSize = hidden;
        spec.rotarySize = variant.rope ? hidden : 0;
        vkn::KernelChoice choice;
        if (vkn::chooseKernel(facts, spec, choice, nullptr) == VKN_SUCCESS) {
            first.insert({{choice.form, choice.workgroupSize, choice.group, choice.readAgain}, hidden});
        }
    }
    std::vector<uint32_t> sizes;
    for (const auto& entry : first) {
        sizes.push_back(entry.second);
    }
    return sizes;
}

std::vector<VknOperandType> affine(VknType input, VknType output, VknType gamma, VknType beta) {
    return {{VKN_ROLE_INPUT, input}, {VKN_ROLE_OUTPUT, output}, {VKN_ROLE_GAMMA, gamma}, {VKN_ROLE_BETA, beta}};
}

constexpr VknOperation kOperations[] = {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM};
constexpr VknType kTypes[] = {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16};

// Every choice with each operation (neither always needs the more registers), the types in rotation.
void addChoices(const vkn::DeviceFacts& facts, std::vector<Variant>& variants, Totals& totals) {
    uint32_t turn = 0;
    for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
        const Variant plain = {VKN_OPERATION_RMS_NORM, 0, 0, affine(type, type, type, type), VKN_KERNEL_FORM_AUTO};
        for (const uint32_t hidden : hiddenSizesOfChoices(facts, plain)) {
            const VknType other = type == VKN_TYPE_F32 ? type : kTypes[1 + turn % 2];
            for (const VknOperation operation : kOperations) {
                variants.push_back({operation, hidden, 0, affine(type, other, other, type), VKN_KERNEL_FORM_AUTO});
            }
            ++turn;
            ++totals.choices;
        }
    }
}

// Every pair of types, at one hidden size: input and output in full, gamma and beta along.
void addTypes(std::vector<Variant>& variants) {
    for (uint32_t i = 0; i < 3; ++i) {
        for (uint32_t o = 0; o < 3; ++o) {
            variants.push_back({VKN_OPERATION_LAYER_NORM, 1024, 0,
                                affine(kTypes[i], kTypes[o], kTypes[(i + o) % 3], kTypes[(i + 2 * o) % 3]),
                                VKN_KERNEL_FORM_AUTO});
        }
    }
}

// Every flag and optional operand.
void addOptions(std::vector<Variant>& variants) {
    const VknType type = VKN_TYPE_BF16;
    const std::vector<VknOperandType> plain = {{VKN_ROLE_INPUT, type}, {VKN_ROLE_OUTPUT, type}};
    const std::vector<VknOperandType> inPlace = {{VKN_ROLE_OUTPUT, type}, {VKN_ROLE_GAMMA, type}};
    for (const VknOperation operation : kOperations) {
        std::vector<VknOperandType> saved = affine(type, type, type, type);
        if (operation == VKN_OPERATION_LAYER_NORM) {
            saved.push_back({VKN_ROLE_MEAN, VKN_TYPE_F32});
        }
        saved.push_back({VKN_ROLE_RSTD, VKN_TYPE_F32});
        const auto add = [&](VknPlanFlags flags, const std::vector<VknOperandType>& operands) {
            variants.push_back({operation, 1024, flags, operands, VKN_KERNEL_FORM_AUTO});
        };
        add(0, plain);
        add(VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT | VKN_PLAN_EARLY_CAST_BIT, saved);
        add(VKN_PLAN_IN_PLACE_BIT, inPlace);
        add(VKN_PLAN_GPU_ROWS_BIT, plain);
        add(VKN_PLAN_GPU_ROWS_BIT | VKN_PLAN_IN_PLACE_BIT, inPlace);
    }
}

// All operands of a placement, the stream and the weights in one type, branches and norms in another.
std::vector<VknOperandType> blockOperands(VknPlacement placement, VknOperation operation, VknType stream,
                                          VknType branch) {
    const vkn::PlacementInfo& info = *vkn::findPlacement(placement);
    std::vector<VknOperandType> operands;
    for (uint32_t r = 1; r < vkn::kRoleCount; ++r) {
        const vkn::RoleInfo& role = *vkn::findRole(static_cast<VknRole>(r));
        const bool isMean = role.role == VKN_ROLE_MEAN || role.role == VKN_ROLE_MEAN_2;
        const bool isThere = ((info.requiredRoles | info.optionalRoles) & vkn::roleBit(role.role)) != 0;
        if (!isThere || (isMean && operation == VKN_OPERATION_RMS_NORM)) {
            continue;
        }
        const bool isBranch = role.role == VKN_ROLE_INPUT || role.role == VKN_ROLE_INPUT_2 ||
                              role.role == VKN_ROLE_OUTPUT || role.role == VKN_ROLE_OUTPUT_2;
        operands.push_back({role.role, role.type != vkn::kAnyFloat ? role.type : (isBranch ? branch : stream)});
    }
    return operands;
}

// Every placement with every choice, with all that a branch can go through; operations and types in rotation.
void addBlocks(const vkn::DeviceFacts& facts, std::vector<Variant>& variants, Totals& totals) {
    uint32_t turn = 0;
    for (const VknPlacement placement : {VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_POST_NORM, VKN_PLACEMENT_SANDWICH,
                                         VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL}) {
        for (const VknType branch : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
            Variant variant;
            variant.placement = placement;
            variant.operands = blockOperands(placement, variant.operation, VKN_TYPE_F32, branch);
            for (const uint32_t hidden : hiddenSizesOfChoices(facts, variant)) {
                variant.operation = kOperations[turn % 2];
                const VknType half = kTypes[1 + turn / 2 % 2];
                variant.operands =
                    blockOperands(placement, variant.operation, VKN_TYPE_F32, branch == VKN_TYPE_F32 ? branch : half);
                variant.hiddenSize = hidden;
                variant.dropoutProbability = placement == VKN_PLACEMENT_PARALLEL ? 0.0F : 0.1F;
                variants.push_back(variant);
                ++turn;
                ++totals.choices;
            }
        }
    }
}

// Quantised outputs in every way, alone and beside a residual stream, with every choice.
void addQuantised(const vkn::DeviceFacts& facts, std::vector<Variant>& variants, Totals& totals) {
    constexpr VknType kQuantised[] = {VKN_TYPE_I8, VKN_TYPE_F8_E4M3, VKN_TYPE_F8_E5M2};
    uint32_t turn = 0;
    for (const VknQuantization quantization :
         {VKN_QUANTIZATION_STATIC, VKN_QUANTIZATION_PER_ROW, VKN_QUANTIZATION_PER_BLOCK}) {
        for (const VknPlacement placement : {VKN_PLACEMENT_NONE, VKN_PLACEMENT_PRE_NORM}) {
            Variant variant;
            variant.placement = placement;
            variant.quantization = quantization;
            variant.operands = {{VKN_ROLE_INPUT, VKN_TYPE_BF16},
                                {VKN_ROLE_OUTPUT, kQuantised[turn % 3]},
                                {VKN_ROLE_GAMMA, VKN_TYPE_BF16}};
            if (quantization != VKN_QUANTIZATION_STATIC) {
                variant.operands.push_back({VKN_ROLE_OUTPUT_SCALE, VKN_TYPE_F32});
            }
            if (placement == VKN_PLACEMENT_PRE_NORM) {
                variant.operands.push_back({VKN_ROLE_RESIDUAL, VKN_TYPE_F32});
                variant.operands.push_back({VKN_ROLE_RESIDUAL_OUTPUT, VKN_TYPE_F32});
            }
            for (const uint32_t hidden : hiddenSizesOfChoices(facts, variant)) {
                variant.operation = kOperations[turn % 2];
                variant.hiddenSize = hidden;
                variant.operands[1].type = kQuantised[turn++ % 3];
                variants.push_back(variant);
                ++totals.choices;
            }
        }
    }
}

// Every activation with a gate by itself, and with a norm before or behind it.
void addGated(std::vector<Variant>& variants) {
    for (const VknOperation operation : {VKN_OPERATION_GATED_ACTIVATION, VKN_OPERATION_RMS_NORM}) {
        for (const VknActivation activation : {VKN_ACTIVATION_SILU, VKN_ACTIVATION_GELU, VKN_ACTIVATION_GELU_TANH,
                                               VKN_ACTIVATION_RELU, VKN_ACTIVATION_SIGMOID}) {
            Variant variant;
            variant.operation = operation;
            variant.hiddenSize = 4096;
            variant.activation = activation;
            variant.normFirst = operation == VKN_OPERATION_RMS_NORM && activation % 2 == 0;
            const VknType type = kTypes[activation % 3];
            variant.operands = {{VKN_ROLE_INPUT, type}, {VKN_ROLE_GATE, type}, {VKN_ROLE_OUTPUT, type}};
            variants.push_back(variant);
        }
    }
}

void addDyt(std::vector<Variant>& variants) {
    for (const VknPlacement placement : {VKN_PLACEMENT_NONE, VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_SANDWICH_PRE_NORM}) {
        Variant variant;
        variant.operation = VKN_OPERATION_DYT;
        variant.hiddenSize = 1024;
        variant.placement = placement;
        variant.operands = affine(VKN_TYPE_BF16, VKN_TYPE_BF16, VKN_TYPE_F32, VKN_TYPE_F32);
        if (placement != VKN_PLACEMENT_NONE) {
            variant.operands.push_back({VKN_ROLE_RESIDUAL, VKN_TYPE_F32});
            variant.operands.push_back({VKN_ROLE_RESIDUAL_OUTPUT, VKN_TYPE_F32});
        }
        variants.push_back(variant);
    }
}

// Images whose groups are held and whose are not, of whole chunks and not.
void addGroupNorm(std::vector<Variant>& variants) {
    for (const bool channelsLast : {false, true}) {
        for (const uint32_t channels : {256u, 320u, 7u}) {
            for (const uint32_t pixels : {8u, 4096u}) {
                Variant variant;
                variant.operation = VKN_OPERATION_GROUP_NORM;
                variant.channels = channels;
                variant.channelsLast = channelsLast;
                variant.hiddenSize = channels * pixels;
                const VknType type = kTypes[variants.size() % 3];
                variant.operands = affine(type, type, VKN_TYPE_F32, VKN_TYPE_F32);
                variants.push_back(variant);
            }
        }
    }
}

// Queries and keys that turn, with every choice, both layouts, angles computed and not.
void addRope(const vkn::DeviceFacts& facts, std::vector<Variant>& variants, Totals& totals) {
    uint32_t turn = 0;
    for (const VknRopeLayout layout : {VKN_ROPE_LAYOUT_HALF_SPLIT, VKN_ROPE_LAYOUT_INTERLEAVED}) {
        for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
            const bool isComputed = turn % 2 == 0;
            Variant variant;
            variant.rope = layout;
            variant.operands = {{VKN_ROLE_INPUT, type},
                                {VKN_ROLE_KEY, type},
                                {VKN_ROLE_OUTPUT, type},
                                {VKN_ROLE_KEY_OUTPUT, type},
                                {VKN_ROLE_GAMMA, type},
                                {VKN_ROLE_KEY_GAMMA, type},
                                {VKN_ROLE_POSITIONS, VKN_TYPE_U32}};
            variant.operands.push_back(isComputed ? VknOperandType{VKN_ROLE_ROPE_TABLE, VKN_TYPE_U32}
                                                  : VknOperandType{VKN_ROLE_COS_SIN, VKN_TYPE_F32});
            for (const uint32_t hidden : hiddenSizesOfChoices(facts, variant)) {
                variant.hiddenSize = hidden;
                variants.push_back(variant);
                ++totals.choices;
            }
            ++turn;
        }
    }
}

// Every form that may be used, also where the choice prefers another.
void addForms(uint32_t usableForms, std::vector<Variant>& variants) {
    for (const VknKernelForm form :
         {VKN_KERNEL_FORM_SUBGROUP, VKN_KERNEL_FORM_SUBGROUP_SHARED, VKN_KERNEL_FORM_SHARED}) {
        for (const uint32_t hidden : {100u, 2048u, 100000u}) {
            if ((usableForms & vkn::formBit(form)) != 0) {
                variants.push_back({VKN_OPERATION_LAYER_NORM, hidden, 0,
                                    affine(VKN_TYPE_F16, VKN_TYPE_BF16, VKN_TYPE_F32, VKN_TYPE_F32), form});
            }
        }
    }
}

std::string describe(const Variant& variant) {
    std::string text = vkn::findOperation(variant.operation)->name;
    text.append(" ");
    text.append(vkn::findPlacement(variant.placement)->name).append(" ");
    text.append(std::to_string(variant.hiddenSize)).append(" flags ").append(std::to_string(variant.flags));
    text.append(" operands");
    for (const VknOperandType& operand : variant.operands) {
        text.append(" ").append(std::to_string(operand.role)).append(":").append(vkn::typeName(operand.type));
    }
    return text;
}

struct Options {
    bool list = false;
    bool amdCode = false;
    bool norms = false;
    bool blocks = false;
    bool others = false;
};

Options parseOptions(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        options.list = options.list || strcmp(argv[i], "--list") == 0;
        options.amdCode = options.amdCode || strcmp(argv[i], "--amd-code") == 0;
        options.norms = options.norms || strcmp(argv[i], "--norms") == 0;
        options.blocks = options.blocks || strcmp(argv[i], "--blocks") == 0;
        options.others = options.others || strcmp(argv[i], "--others") == 0;
    }
    if (!options.norms && !options.blocks && !options.others) {
        options.norms = options.blocks = options.others = true;
    }
    return options;
}

// What the kernel for aligned rows may do beside moving 128 bits at a time.
struct NarrowAccesses {
    bool readsWords = false;  // the number of rows from the GPU, what a row has one of, tables, a channel's weights
    bool writesHalfQuads = false;  // pieces of 8-bit elements
};

NarrowAccesses narrowAccesses(const Variant& variant) {
    const bool hasChannelsFirst = variant.channels != 0 && !variant.channelsLast;
    NarrowAccesses narrow;
    narrow.readsWords = (variant.flags & VKN_PLAN_GPU_ROWS_BIT) != 0 || hasChannelsFirst;
    for (const VknOperandType& operand : variant.operands) {
        const vkn::RoleInfo& role = *vkn::findRole(operand.role);
        narrow.readsWords = narrow.readsWords || (!role.isWritten && role.extent > vkn::Extent::Parameters);
        narrow.writesHalfQuads = narrow.writesHalfQuads || vkn::isQuantised(operand.type);
    }
    return narrow;
}

// What is wrong with AMD's code for a pipeline; empty: nothing.
std::string amdFault(const std::string& code, bool isAligned, const NarrowAccesses& narrow) {
    const auto hasAny = [&](std::initializer_list<const char*> words) {
        return std::any_of(words.begin(), words.end(),
                           [&](const char* word) { return code.find(word) != std::string::npos; });
    };
    if (hasAny({"pkrtz"})) {
        return "rounds towards zero (pkrtz)";
    }
    if (!isAligned) {
        return "";
    }
    if (!hasAny({"buffer_load_dwordx4", "buffer_load_b128", "global_load_dwordx4", "global_load_b128"})) {
        return "has no 128-bit load";
    }
    if (!narrow.readsWords &&
        hasAny({"buffer_load_dword ", "buffer_load_b32 ", "global_load_dword ", "global_load_b32 "})) {
        return "has 32-bit loads";
    }
    const bool hasWideStore =
        hasAny({"buffer_store_dwordx4", "buffer_store_b128", "global_store_dwordx4", "global_store_b128"});
    const bool hasHalfStore =
        hasAny({"buffer_store_dwordx2", "buffer_store_b64", "global_store_dwordx2", "global_store_b64"});
    if (narrow.writesHalfQuads) {
        return hasHalfStore ? "" : "has no 64-bit store";
    }
    return hasWideStore ? "" : "has no 128-bit store";
}

class Checker {
public:
    Checker(const Device& device, Options options) : device_(device), reader_(device), options_(options) {}

    void check(const Variant& variant) {
        ++totals.plans;
        VknError error = makeError();
        Plan plan;
        if (create(variant, plan, error) != VKN_SUCCESS) {
            std::printf("FAILED %s: %s\n", describe(variant).c_str(), error.message);
            ++totals.failures;
            return;
        }
        // The pipelines of a plan: for any alignment, for aligned rows, and one that prepares indirect dispatches.
        VkPipeline pipelines[3] = {};
        uint32_t count = 3;
        vknGetPlanPipelines(plan.get(), &count, pipelines);
        std::string text = describe(variant);
        text.append(" | ").append(getPlanInfo(plan).reason);
        for (uint32_t i = 0; i < count; ++i) {
            checkStatistics(text, i, pipelines[i]);
            if (options_.amdCode && i < 2) {
                checkAmdCode(text, i == 1, narrowAccesses(variant), pipelines[i]);
            }
        }
    }

    Totals totals;

private:
    const Device& device_;
    const ExecutableReader reader_;
    const Options options_;

    VknResult create(const Variant& variant, Plan& plan, VknError& error) const {
        const PlanDescription description(variant);
        return vknCreatePlan(device_.context(), &description.info, plan.out(), &error);
    }

    void checkStatistics(const std::string& plan, uint32_t index, VkPipeline pipeline) {
        const ExecutableStatistics statistics = reader_.statistics(pipeline);
        ++totals.pipelines;
        totals.withStatistics += statistics.text.empty() ? 0U : 1U;
        totals.spills += statistics.spills;
        totals.mostRegisters = std::max(totals.mostRegisters, statistics.registers);
        if (options_.list || statistics.spills != 0) {
            std::printf("%s%s | pipeline %u | %s\n", statistics.spills != 0 ? "SPILLS " : "", plan.c_str(), index,
                        statistics.text.c_str());
        }
    }

    void checkAmdCode(const std::string& plan, bool isAligned, const NarrowAccesses& narrow, VkPipeline pipeline) {
        const std::string code = reader_.representations(pipeline);
        const bool isAmdCode = code.find("s_endpgm") != std::string::npos;
        const std::string fault = isAmdCode ? amdFault(code, isAligned, narrow) : "shows no AMD code";
        totals.withCode += isAmdCode ? 1U : 0U;
        if (!fault.empty()) {
            std::printf("FAILED %s: the %s kernel %s\n", plan.c_str(), isAligned ? "aligned" : "general",
                        fault.c_str());
            ++totals.failures;
        }
    }
};

bool run(const Options& options) {
    DeviceOptions deviceOptions;
    deviceOptions.skipSelfTest = true;  // nothing may execute
    deviceOptions.captureStatistics = true;
    deviceOptions.contextFlags = options.amdCode ? VKN_CONTEXT_CAPTURE_REPRESENTATIONS_BIT : 0;
    const Device device(deviceOptions);
    Checker checker(device, options);
    Totals& totals = checker.totals;
    const vkn::DeviceFacts facts = device.context()->currentFacts();
    std::vector<Variant> variants;
    if (options.norms) {
        addChoices(facts, variants, totals);
        addTypes(variants);
        addOptions(variants);
        addForms(getContextInfo(device.context()).usableForms, variants);
    }
    if (options.blocks) {
        addBlocks(facts, variants, totals);
    }
    if (options.others) {
        addQuantised(facts, variants, totals);
        addGated(variants);
        addDyt(variants);
        addGroupNorm(variants);
        addRope(facts, variants, totals);
    }
    for (const Variant& variant : variants) {
        checker.check(variant);
    }
    if (options.amdCode) {
        std::printf("%zu kernels disassembled\n", totals.withCode);
    }
    std::printf(
        "%s: subgroup %u; %zu choices, %zu plans, %zu pipelines (%zu with statistics), %llu spilled, at most %llu "
        "registers, %zu failed\n",
        device.deviceInfo().name.c_str(), facts.subgroupSize, totals.choices, totals.plans, totals.pipelines,
        totals.withStatistics, static_cast<unsigned long long>(totals.spills),
        static_cast<unsigned long long>(totals.mostRegisters), totals.failures);
    return totals.failures == 0 && totals.spills == 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(parseOptions(argc, argv)) ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "vknorm_pipelines: %s\n", error.what());
        return 2;
    }
}
