// Creates every plan variant that the choice function can pick on the current device, and reads what the driver tells of each
// pipeline. Fails where a pipeline cannot be created or spills registers. Nothing is executed, so it runs on drivers that
// compile only.
//
//   vknorm_pipelines [--list]     --list: a line for each pipeline
#include "device/objects.hpp"
#include "plan/choose.hpp"

#include <vknorm/runtime.hpp>
#include <vknorm/vknorm.hpp>

#include <cstdio>
#include <cstring>
#include <map>
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
};

struct Totals {
    size_t choices = 0;
    size_t plans = 0;
    size_t pipelines = 0;
    size_t withStatistics = 0;
    uint64_t spills = 0;
    uint64_t mostRegisters = 0;
    size_t failures = 0;
};

// A hidden size for each distinct choice that the pure function makes, for all-fp32 rows or others.
std::vector<uint32_t> hiddenSizesOfChoices(const vkn::DeviceFacts& facts, VknType type) {
    vkn::OperationSpec spec;
    spec.operation = VKN_OPERATION_RMS_NORM;
    spec.roles = vkn::roleBit(VKN_ROLE_INPUT) | vkn::roleBit(VKN_ROLE_OUTPUT);
    spec.types[VKN_ROLE_INPUT] = spec.types[VKN_ROLE_OUTPUT] = type;
    std::map<std::tuple<int, uint32_t, uint32_t, bool>, uint32_t> first;
    for (uint32_t hidden = 8; hidden <= kWidest; hidden += 8) {
        spec.hiddenSize = hidden;
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

// Every choice with LayerNorm, which needs the most registers, and every other one with RMSNorm; the types in rotation.
void addChoices(const vkn::DeviceFacts& facts, std::vector<Variant>& variants, Totals& totals) {
    uint32_t turn = 0;
    for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
        for (const uint32_t hidden : hiddenSizesOfChoices(facts, type)) {
            const VknType other = type == VKN_TYPE_F32 ? type : kTypes[1 + turn % 2];
            const auto add = [&](VknOperation operation) {
                variants.push_back({operation, hidden, 0, affine(type, other, other, type), VKN_KERNEL_FORM_AUTO});
            };
            add(VKN_OPERATION_LAYER_NORM);
            if (turn++ % 2 == 0) {
                add(VKN_OPERATION_RMS_NORM);
            }
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
        add(0, saved);
        add(VKN_PLAN_IN_PLACE_BIT, inPlace);
        add(VKN_PLAN_GPU_ROWS_BIT, plain);
        add(VKN_PLAN_GPU_ROWS_BIT | VKN_PLAN_IN_PLACE_BIT, inPlace);
        add(VKN_PLAN_EPSILON_OUTSIDE_ROOT_BIT, plain);
        add(VKN_PLAN_EARLY_CAST_BIT, affine(type, type, type, type));
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

class StatisticsReader {
public:
    explicit StatisticsReader(const Device& device)
        : device_(device),
          properties_(
              device.function<PFN_vkGetPipelineExecutablePropertiesKHR>("vkGetPipelineExecutablePropertiesKHR")),
          statistics_(
              device.function<PFN_vkGetPipelineExecutableStatisticsKHR>("vkGetPipelineExecutableStatisticsKHR")),
          isAvailable_(device.isEnabled(VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME)) {}

    // "name=value ..." of all executables.
    std::string read(VkPipeline pipeline, Totals& totals) const {
        if (!isAvailable_ || properties_ == nullptr || statistics_ == nullptr) {
            return "no statistics";
        }
        VkPipelineInfoKHR info = {VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, nullptr, pipeline};
        uint32_t executables = 0;
        properties_(device_.device(), &info, &executables, nullptr);
        std::string text;
        for (uint32_t i = 0; i < executables; ++i) {
            const VkPipelineExecutableInfoKHR which = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, nullptr,
                                                       pipeline, i};
            text += readExecutable(which, totals);
        }
        totals.withStatistics += executables != 0 ? 1 : 0;
        return text;
    }

private:
    const Device& device_;
    PFN_vkGetPipelineExecutablePropertiesKHR properties_;
    PFN_vkGetPipelineExecutableStatisticsKHR statistics_;
    bool isAvailable_;

    static uint64_t valueOf(const VkPipelineExecutableStatisticKHR& statistic) {
        return statistic.format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR
                   ? static_cast<uint64_t>(statistic.value.f64)
                   : statistic.value.u64;
    }

    static bool contains(const char* text, const char* part) { return strstr(text, part) != nullptr; }

    // The drivers' words: "Spilled VGPRs" (RADV), "Spill count" (ANV), "spills" (PanVK, V3D), "STP Count" (Turnip). NVK's
    // "Spills to reg" are uniforms and predicates that it keeps in ordinary registers: nothing leaves the register file.
    static bool isSpill(const char* name) {
        return (contains(name, "pill") || contains(name, "STP Count")) && !contains(name, "to reg");
    }
    static bool isRegisters(const char* name) {
        return strcmp(name, "VGPRs") == 0 || strcmp(name, "Max live registers") == 0 || contains(name, "egister");
    }

    std::string readExecutable(const VkPipelineExecutableInfoKHR& which, Totals& totals) const {
        uint32_t count = 0;
        statistics_(device_.device(), &which, &count, nullptr);
        std::vector<VkPipelineExecutableStatisticKHR> all(count);
        for (auto& statistic : all) {
            statistic = {};
            statistic.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
        }
        statistics_(device_.device(), &which, &count, all.data());
        std::string text;
        for (const auto& statistic : all) {
            const uint64_t value = valueOf(statistic);
            if (isSpill(statistic.name)) {
                totals.spills += value;
            } else if (isRegisters(statistic.name) && value > totals.mostRegisters) {
                totals.mostRegisters = value;
            }
            text += std::string(statistic.name) + "=" + std::to_string(value) + " ";
        }
        return text;
    }
};

std::string describe(const Variant& variant) {
    std::string text = std::string(variant.operation == VKN_OPERATION_RMS_NORM ? "RMSNorm " : "LayerNorm ") +
                       std::to_string(variant.hiddenSize) + " flags " + std::to_string(variant.flags) + " operands";
    for (const VknOperandType& operand : variant.operands) {
        text += " " + std::to_string(operand.role) + ":" + vkn::typeName(operand.type);
    }
    return text;
}

void createPlan(const Device& device, const StatisticsReader& reader, const Variant& variant, bool list,
                Totals& totals) {
    VknKernelOverride kernel = {};
    kernel.sType = VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE;
    kernel.form = variant.form;
    VknPlanCreateInfo info = {};
    info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
    info.pNext = &kernel;
    info.flags = variant.flags;
    info.operation = variant.operation;
    info.hiddenSize = variant.hiddenSize;
    info.operandCount = static_cast<uint32_t>(variant.operands.size());
    info.pOperands = variant.operands.data();
    info.epsilon = 1e-5f;
    VknError error = makeError();
    Plan plan;
    ++totals.plans;
    if (vknCreatePlan(device.context(), &info, plan.out(), &error) != VKN_SUCCESS) {
        std::printf("FAILED %s: %s\n", describe(variant).c_str(), error.message);
        ++totals.failures;
        return;
    }
    VkPipeline pipelines[3] = {};
    uint32_t count = 3;
    vknGetPlanPipelines(plan.get(), &count, pipelines);
    totals.pipelines += count;
    for (uint32_t i = 0; i < count; ++i) {
        const uint64_t before = totals.spills;
        const std::string statistics = reader.read(pipelines[i], totals);
        if (list || totals.spills != before) {
            const VknPlanInfo planInfo = getPlanInfo(plan);
            std::printf("%s%s | pipeline %u | %s | %s\n", totals.spills != before ? "SPILLS " : "",
                        describe(variant).c_str(), i, planInfo.reason, statistics.c_str());
        }
    }
}

bool run(bool list) {
    DeviceOptions options;
    options.skipSelfTest = true;  // nothing may execute
    options.captureStatistics = true;
    const Device device(options);
    Totals totals;
    const vkn::DeviceFacts facts = device.context()->currentFacts();
    std::vector<Variant> variants;
    addChoices(facts, variants, totals);
    addTypes(variants);
    addOptions(variants);
    addForms(getContextInfo(device.context()).usableForms, variants);
    const StatisticsReader reader(device);
    for (const Variant& variant : variants) {
        createPlan(device, reader, variant, list, totals);
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
        return run(argc > 1 && strcmp(argv[1], "--list") == 0) ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "vknorm_pipelines: %s\n", error.what());
        return 2;
    }
}
