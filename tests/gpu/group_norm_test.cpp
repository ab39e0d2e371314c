// GroupNorm of images, channels first and last.
#include "gpu/arguments.hpp"
#include "gpu/fixture.hpp"
#include "support/bounds.hpp"
#include "support/formats.hpp"
#include "support/quantised_bounds.hpp"
#include "support/random.hpp"
#include "support/tensor.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace vknorm::test {
namespace {

struct ImageCase {
    VknType input = VKN_TYPE_F32;
    VknType output = VKN_TYPE_F32;
    std::optional<VknType> gamma;
    std::optional<VknType> beta;
    bool savesStatistics = false;
    bool inPlace = false;
    bool channelsLast = false;
    uint32_t channels = 32;
    uint32_t groups = 4;
    uint32_t pixels = 9;
    uint64_t images = 3;
    uint64_t gap = 0;  // elements between an image and the next
    uint64_t offset = 16;
    std::optional<uint32_t> gpuRows;
    bool persistent = false;                                 // recorded with a binding of its own
    VknQuantization quantization = VKN_QUANTIZATION_STATIC;  // of an 8-bit output
    uint32_t blockSize = 0;
    FormVariant variant;
    uint64_t seed = 1;
    std::function<double(uint64_t image, uint64_t element)> value;

    uint32_t hiddenSize() const { return channels * pixels; }
    uint32_t channelsOfGroup() const { return channels / groups; }
    uint32_t channelOf(uint64_t element) const {
        return static_cast<uint32_t>(channelsLast ? element % channels : element / pixels);
    }
    uint32_t groupOf(uint64_t element) const { return channelOf(element) / channelsOfGroup(); }
    uint64_t groupSize() const { return hiddenSize() / groups; }
    uint64_t scaleSize() const { return blockSize != 0 ? blockSize : groupSize(); }  // elements that share a scale
    uint64_t scalesOfGroup() const { return (groupSize() + scaleSize() - 1) / scaleSize(); }
    bool computesScales() const { return quantization != VKN_QUANTIZATION_STATIC; }
    uint64_t writtenImages() const { return gpuRows.value_or(static_cast<uint32_t>(images)); }
    std::string describe() const {
        return "types " + std::to_string(input) + ">" + std::to_string(output) + " channels " +
               std::to_string(channels) + "/" + std::to_string(groups) + (channelsLast ? " last" : " first") +
               " pixels " + std::to_string(pixels) + (inPlace ? " in place" : "") + " gap " + std::to_string(gap) +
               " offset " + std::to_string(offset) + " form " + variant.name;
    }
};

constexpr float kEpsilon = 1e-5f;

class ImageRun {
public:
    ImageRun(Gpu& gpu, const ImageCase& image)
        : gpu_(gpu),
          image_(image),
          input_(makeImages(image.input)),
          target_(image.inPlace ? input_ : Tensor(layoutOf(image.output))),
          gamma_(makeParameters(image.gamma, 1.0)),
          beta_(makeParameters(image.beta, 0.0)) {
        createPlan();
    }
    ~ImageRun() { vknDestroyPlan(plan_); }
    ImageRun(const ImageRun&) = delete;
    ImageRun& operator=(const ImageRun&) = delete;

    void run() {
        const Buffer input(gpu_.device(), input_.bytes());
        const Buffer output(gpu_.device(), target_.bytes());
        const Buffer gamma(gpu_.device(), gamma_.bytes());
        const Buffer beta(gpu_.device(), beta_.bytes());
        const uint64_t statistics = image_.images * image_.groups * sizeof(float);
        const Buffer scalars(gpu_.device(), std::vector<float>(2 * image_.images * image_.groups, -7.0f));
        std::vector<float> scales(image_.images * image_.groups * image_.scalesOfGroup(), -7.0f);
        const Buffer scaleBuffer(gpu_.device(), scales);
        const Buffer rows(gpu_.device(), std::vector<uint32_t>{image_.gpuRows.value_or(0)});
        const Buffer scratch(gpu_.device(), 4096);
        std::vector<VknOperand> operands = {operandOf(VKN_ROLE_OUTPUT, output)};
        if (!image_.inPlace) {
            operands.push_back(operandOf(VKN_ROLE_INPUT, input));
        }
        if (image_.gamma) {
            operands.push_back(gamma.operand(VKN_ROLE_GAMMA));
        }
        if (image_.beta) {
            operands.push_back(beta.operand(VKN_ROLE_BETA));
        }
        if (image_.savesStatistics) {
            operands.push_back(scalars.operand(VKN_ROLE_MEAN));
            operands.push_back(scalars.operand(VKN_ROLE_RSTD));
            operands.back().offset = statistics;
        }
        if (image_.computesScales()) {
            operands.push_back(scaleBuffer.operand(VKN_ROLE_OUTPUT_SCALE));
        }
        VknExecuteInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_EXECUTE_INFO;
        info.rows = image_.images;
        info.operandCount = static_cast<uint32_t>(operands.size());
        info.pOperands = operands.data();
        info.bindingPool = gpu_.bindingPool();
        info.rowsBuffer = rows.handle();
        info.rowsBufferSize = rows.size();
        info.scratchBuffer = scratch.handle();
        info.scratchSize = scratch.size();
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        VknBinding binding = VKN_NULL_HANDLE;
        if (image_.persistent) {
            ASSERT_EQ(vknCreateBinding(plan_, &info, &binding, &error), VKN_SUCCESS) << error.message;
        }
        VknResult result = VKN_SUCCESS;
        gpu_.submit([&](VkCommandBuffer commands) {
            result = image_.persistent ? vknCmdExecuteBinding(binding, commands, image_.images, &error)
                                       : vknCmdExecute(plan_, commands, &info, &error);
            EXPECT_TRUE(!image_.persistent || vknCmdExecuteBinding(binding, commands, image_.images + 1, nullptr) ==
                                                  VKN_ERROR_INVALID_ARGUMENT);
        });
        vknDestroyBinding(binding);
        ASSERT_EQ(result, VKN_SUCCESS) << error.field << ": " << error.message;
        Tensor after = target_;
        output.download(0, after.bytes().data(), after.bytes().size());
        std::vector<float> saved(2 * image_.images * image_.groups);
        scalars.download(0, saved.data(), saved.size() * sizeof(float));
        scaleBuffer.download(0, scales.data(), scales.size() * sizeof(float));
        check(after, saved, scales);
    }

private:
    TensorLayout layoutOf(VknType type) const {
        TensorLayout layout;
        layout.type = type;
        layout.rows = image_.images;
        layout.hiddenSize = image_.hiddenSize();
        layout.rowStride = image_.hiddenSize() + image_.gap;
        layout.byteOffset = image_.offset;
        return layout;
    }

    // Groups of different scale and mean, so that one mistaken for another shows.
    Tensor makeImages(VknType type) const {
        Random random(image_.seed);
        Tensor tensor(layoutOf(type));
        tensor.fill([&](uint64_t image, uint64_t element) {
            if (image_.value) {
                return image_.value(image, element);
            }
            const uint32_t group = image_.groupOf(element);
            return std::ldexp(random.normal() + group, static_cast<int>(image + group) % 5 - 2);
        });
        return tensor;
    }

    Tensor makeParameters(std::optional<VknType> type, double mean) const {
        Random random(image_.seed + 100 + static_cast<uint64_t>(mean));
        TensorLayout layout;
        layout.type = type.value_or(VKN_TYPE_F32);
        layout.hiddenSize = image_.channels;
        Tensor tensor(layout);
        tensor.fill([&](uint64_t, uint64_t) { return mean + 0.5 * random.normal(); });
        return tensor;
    }

    VknOperand operandOf(VknRole role, const Buffer& buffer) const {
        return {role, buffer.handle(), image_.offset, buffer.size(), image_.hiddenSize() + image_.gap, 0};
    }

    void createPlan() {
        VknKernelOverride kernel{};
        kernel.sType = VKN_STRUCTURE_TYPE_KERNEL_OVERRIDE;
        kernel.form = image_.variant.form;
        kernel.subgroupSize = image_.variant.subgroupSize;
        kernel.readTwice = image_.variant.readTwice ? VK_TRUE : VK_FALSE;
        VknGroupInfo groups{};
        groups.sType = VKN_STRUCTURE_TYPE_GROUP_INFO;
        groups.pNext = &kernel;
        groups.channels = image_.channels;
        groups.groups = image_.groups;
        groups.channelsLast = image_.channelsLast ? VK_TRUE : VK_FALSE;
        std::vector<VknOperandType> types = {{VKN_ROLE_OUTPUT, image_.output}};
        if (!image_.inPlace) {
            types.push_back({VKN_ROLE_INPUT, image_.input});
        }
        if (image_.gamma) {
            types.push_back({VKN_ROLE_GAMMA, *image_.gamma});
        }
        if (image_.beta) {
            types.push_back({VKN_ROLE_BETA, *image_.beta});
        }
        if (image_.savesStatistics) {
            types.push_back({VKN_ROLE_MEAN, VKN_TYPE_F32});
            types.push_back({VKN_ROLE_RSTD, VKN_TYPE_F32});
        }
        VknQuantizationInfo quantization{};
        quantization.sType = VKN_STRUCTURE_TYPE_QUANTIZATION_INFO;
        quantization.pNext = &groups;
        quantization.quantization = image_.quantization;
        quantization.blockSize = image_.blockSize;
        if (image_.computesScales()) {
            types.push_back({VKN_ROLE_OUTPUT_SCALE, VKN_TYPE_F32});
        }
        VknPlanCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        info.pNext = image_.computesScales() ? static_cast<const void*>(&quantization) : &groups;
        info.flags = (image_.inPlace ? VknPlanFlags{VKN_PLAN_IN_PLACE_BIT} : 0u) |
                     (image_.gpuRows ? VknPlanFlags{VKN_PLAN_GPU_ROWS_BIT} : 0u);
        info.operation = VKN_OPERATION_GROUP_NORM;
        info.hiddenSize = image_.hiddenSize();
        info.operandCount = static_cast<uint32_t>(types.size());
        info.pOperands = types.data();
        info.epsilon = kEpsilon;
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        if (vknCreatePlan(gpu_.context(), &info, &plan_, &error) != VKN_SUCCESS) {
            throw std::runtime_error(error.message);
        }
        planInfo_.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
        vknGetPlanInfo(plan_, &planInfo_);
    }

    void check(const Tensor& after, const std::vector<float>& saved, const std::vector<float>& scales) const {
        const std::vector<WrittenRows> written = {{after.layout(), image_.writtenImages()}};
        EXPECT_EQ(findOverwritten(target_.bytes(), after.bytes(), written), "") << image_.describe();
        for (uint64_t image = 0; image < image_.writtenImages(); ++image) {
            for (uint32_t group = 0; group < image_.groups && !::testing::Test::HasFailure(); ++group) {
                checkGroup(after, saved, scales, image, group);
            }
        }
    }

    // What an element may be before it is quantised, and what it should be.
    struct Expected {
        uint64_t element;
        Interval allowed;
        double exact;
    };

    void checkGroup(const Tensor& after, const std::vector<float>& saved, const std::vector<float>& scales,
                    uint64_t image, uint32_t group) const {
        std::vector<uint64_t> elements;
        std::vector<double> x;
        for (uint64_t element = 0; element < image_.hiddenSize(); ++element) {
            if (image_.groupOf(element) == group) {
                elements.push_back(element);
                x.push_back(input_.value(image, element));
            }
        }
        NormSpec spec;
        spec.operation = VKN_OPERATION_LAYER_NORM;
        spec.epsilon = static_cast<double>(kEpsilon);
        spec.hasGamma = image_.gamma.has_value();
        spec.hasBeta = image_.beta.has_value();
        spec.inputType = image_.input;
        const NormBound bound(spec, x, reductionShape(planInfo_));
        std::vector<Expected> expected;
        for (size_t i = 0; i < elements.size(); ++i) {
            const uint32_t channel = image_.channelOf(elements[i]);
            const double gamma = image_.gamma ? gamma_.value(0, channel) : 1.0;
            const double beta = image_.beta ? beta_.value(0, channel) : 0.0;
            expected.push_back({elements[i], bound.element(x[i], gamma, beta), bound.exactElement(x[i], gamma, beta)});
        }
        if (image_.computesScales()) {
            checkQuantised(after, scales, image, group, expected);
        } else {
            checkElements(after, image, expected);
        }
        if (image_.savesStatistics) {
            const size_t at = image * image_.groups + group;
            checkStatistic(bound.mean(), saved[at]);
            checkStatistic(bound.rstd(), saved[image_.images * image_.groups + at]);
        }
    }

    void checkElements(const Tensor& after, uint64_t image, const std::vector<Expected>& expected) const {
        for (const auto& [element, allowed, exact] : expected) {
            const uint32_t bits = after.bits(image, element);
            ASSERT_TRUE(judge(image_.output, allowed, exact, bits).isRight)
                << image_.describe() << ": image " << image << " element " << element << ": "
                << decode(image_.output, bits) << ", not " << exact;
        }
    }

    // First each scale, then each element with the scale that it has.
    void checkQuantised(const Tensor& after, const std::vector<float>& scales, uint64_t image, uint32_t group,
                        const std::vector<Expected>& expected) const {
        for (size_t first = 0; first < expected.size(); first += image_.scaleSize()) {
            const size_t end = std::min(first + image_.scaleSize(), expected.size());
            std::vector<Interval> y;
            std::vector<double> exact;
            for (size_t i = first; i < end; ++i) {
                y.push_back(expected[i].allowed);
                exact.push_back(expected[i].exact);
            }
            const size_t at = (image * image_.groups + group) * image_.scalesOfGroup() + first / image_.scaleSize();
            const auto scale = static_cast<double>(scales[at]);
            const ScaleBound bound = boundScale(image_.output, 0.0, y, exact);
            ASSERT_TRUE(bound.permits(scale))
                << image_.describe() << ": scale " << at << ": " << scale << ", not " << bound.exact;
            for (size_t i = first; i < end; ++i) {
                const Expected& each = expected[i];
                const uint32_t bits = after.bits(image, each.element);
                ASSERT_TRUE(isRightCode(image_.output, boundQuotient(each.allowed, scale), each.exact, bits))
                    << image_.describe() << ": image " << image << " element " << each.element << ": "
                    << decode(image_.output, bits) << ", not " << each.exact / scale;
            }
        }
    }

    static void checkStatistic(const Interval& allowed, float value) {
        EXPECT_GE(static_cast<double>(value), allowed.low);
        EXPECT_LE(static_cast<double>(value), allowed.high);
    }

    Gpu& gpu_;
    const ImageCase image_;
    const Tensor input_;
    const Tensor target_;
    const Tensor gamma_;
    const Tensor beta_;
    VknPlan plan_ = VKN_NULL_HANDLE;
    VknPlanInfo planInfo_{};
};

class GroupNorm : public GpuTest {};

void runImages(Gpu& gpu, const ImageCase& image) {
    SCOPED_TRACE(image.describe());
    ImageRun(gpu, image).run();
}

constexpr VknType kTypes[] = {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16};

struct ImageShape {
    uint32_t channels;
    uint32_t groups;
    uint32_t pixels;
};

// Groups of whole chunks and not, of one channel and of all, of one pixel and of many.
constexpr ImageShape kShapes[] = {{32, 4, 64}, {30, 3, 49},    {7, 7, 24}, {6, 1, 5},
                                  {64, 8, 1},  {320, 32, 100}, {1, 1, 1}};

TEST_F(GroupNorm, EveryFormAndShape) {
    size_t turn = 0;
    for (size_t form = 0; form < gpu().forms().size(); ++form) {
        for (const ImageShape& shape : kShapes) {
            for (const bool channelsLast : {false, true}) {
                ++turn;
                if (!isTurnOf(form, turn)) {
                    continue;
                }
                ImageCase image;
                image.variant = gpu().forms()[form];
                image.channels = shape.channels;
                image.groups = shape.groups;
                image.pixels = shape.pixels;
                image.channelsLast = channelsLast;
                image.input = kTypes[turn % 3];
                image.output = kTypes[turn / 3 % 3];
                image.gamma = turn % 4 == 0 ? std::nullopt : std::optional(kTypes[turn / 2 % 3]);
                image.beta = turn % 5 == 0 ? std::nullopt : std::optional(kTypes[turn / 4 % 3]);
                image.savesStatistics = turn % 3 == 0;
                image.gap = turn % 4;
                image.seed = turn;
                runImages(gpu(), image);
            }
        }
    }
}

TEST_F(GroupNorm, InPlaceAtAnyOffset) {
    for (const bool channelsLast : {false, true}) {
        for (const uint64_t offset : {0u, 2u, 48u}) {
            ImageCase image;
            image.channelsLast = channelsLast;
            image.inPlace = true;
            image.input = VKN_TYPE_BF16;
            image.output = VKN_TYPE_BF16;
            image.gamma = VKN_TYPE_F32;
            image.beta = VKN_TYPE_F32;
            image.offset = offset;
            image.gap = offset == 2 ? 3 : 8;
            image.pixels = 40;
            runImages(gpu(), image);
        }
    }
}

TEST_F(GroupNorm, TheNumberOfImagesComesFromTheGpu) {
    ImageCase image;
    image.gpuRows = 2;
    image.savesStatistics = true;
    runImages(gpu(), image);
}

// A scale a group, and a scale a block of it where its elements follow each other; the last block of each is shorter.
TEST_F(GroupNorm, ABindingOfItsOwnCountsImages) {
    for (const bool channelsLast : {false, true}) {
        ImageCase image;
        image.channelsLast = channelsLast;
        image.persistent = true;
        image.gamma = VKN_TYPE_F32;
        runImages(gpu(), image);
    }
}

TEST_F(GroupNorm, ScalesAreOfGroupsAndTheirBlocks) {
    struct Scaling {
        bool channelsLast;
        VknType output;
        VknQuantization quantization;
        uint32_t blockSize;
    };
    for (const Scaling& scaling : {Scaling{false, VKN_TYPE_I8, VKN_QUANTIZATION_PER_ROW, 0},
                                   Scaling{true, VKN_TYPE_F8_E4M3, VKN_QUANTIZATION_PER_ROW, 0},
                                   Scaling{false, VKN_TYPE_F8_E5M2, VKN_QUANTIZATION_PER_BLOCK, 32}}) {
        ImageCase image;
        image.channelsLast = scaling.channelsLast;
        image.output = scaling.output;
        image.quantization = scaling.quantization;
        image.blockSize = scaling.blockSize;
        image.gamma = VKN_TYPE_F32;
        image.channels = 30;
        image.groups = 3;
        image.pixels = 49;
        runImages(gpu(), image);
    }
}

// Of a large mean and a small deviation, E[x^2] - E[x]^2 keeps no digit.
TEST_F(GroupNorm, KeepsTheDigitsOfALargeMean) {
    for (const bool channelsLast : {false, true}) {
        ImageCase image;
        image.channelsLast = channelsLast;
        image.pixels = 300;
        image.value = [](uint64_t, uint64_t element) { return 10000.0 + static_cast<double>(element % 7) / 8; };
        runImages(gpu(), image);
    }
}

class GroupNormArguments : public Arguments {};

TEST_F(GroupNormArguments, OfPlans) {
    struct Wrong {
        const char* name;
        std::function<void(VknPlanCreateInfo&, VknGroupInfo&)> spoil;
        const char* field;
        std::optional<uint64_t> value;
        std::optional<uint64_t> limit;
    };
    static const VknBlockInfo block = [] {
        VknBlockInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_BLOCK_INFO;
        info.placement = VKN_PLACEMENT_PRE_NORM;
        return info;
    }();
    static const VknQuantizationInfo blocks = [] {
        VknQuantizationInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_QUANTIZATION_INFO;
        info.quantization = VKN_QUANTIZATION_PER_BLOCK;
        info.blockSize = 32;
        return info;
    }();
    const Wrong wrong[] = {
        {"no channels", [](auto&, auto& g) { g.channels = 0; }, "channels", 0, 96},
        {"part of a channel", [](auto&, auto& g) { g.channels = 36; }, "channels", 36, 96},
        {"no groups", [](auto&, auto& g) { g.groups = 0; }, "groups", 0, 12},
        {"part of a group", [](auto&, auto& g) { g.groups = 5; }, "groups", 5, 12},
        {"rows of gamma", [](auto& i, auto&) { i.parameterRows = 3; }, "parameterRows", 3, 1},
        {"a residual", [](auto&, auto& g) { g.pNext = &block; }, "placement", VKN_PLACEMENT_PRE_NORM, 0},
        {"blocks of channels that are last",
         [](auto&, auto& g) {
             g.channelsLast = VK_TRUE;
             g.pNext = &blocks;
         },
         "quantization", VKN_QUANTIZATION_PER_BLOCK, VKN_QUANTIZATION_PER_ROW},
        {"groups of LayerNorm", [](auto& i, auto&) { i.operation = VKN_OPERATION_LAYER_NORM; }, "groups", 3, 1},
    };
    const VknOperandType operands[] = {{VKN_ROLE_INPUT, VKN_TYPE_F32}, {VKN_ROLE_OUTPUT, VKN_TYPE_F32}};
    for (const Wrong& each : wrong) {
        VknGroupInfo groups{};
        groups.sType = VKN_STRUCTURE_TYPE_GROUP_INFO;
        groups.channels = 12;
        groups.groups = 3;
        VknPlanCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_CREATE_INFO;
        info.pNext = &groups;
        info.operation = VKN_OPERATION_GROUP_NORM;
        info.hiddenSize = 96;
        info.operandCount = 2;
        info.pOperands = operands;
        info.epsilon = kEpsilon;
        each.spoil(info, groups);
        VknPlan plan = VKN_NULL_HANDLE;
        VknError error = emptyError();
        EXPECT_EQ(vknCreatePlan(gpu().context(), &info, &plan, &error), VKN_ERROR_INVALID_ARGUMENT) << each.name;
        expectError(error, each.name, each.field, each.value, each.limit, VKN_ERROR_INVALID_ARGUMENT);
    }
}

}  // namespace
}  // namespace vknorm::test
