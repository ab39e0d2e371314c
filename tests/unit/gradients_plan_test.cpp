// The backward's plan: what each kernel binds and is told, how rows are divided, and that what the kernel of columns leaves in
// scratch is what joins take for each element of a parameter's gradient.
#include "plan/gradients.hpp"

#include "device_classes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace vknorm::test {
namespace {

using vkn::OperationSpec;
using vkn::roleBit;
using vkn::RoleSet;

constexpr VknPlacement kPlacements[] = {
    VKN_PLACEMENT_NONE,     VKN_PLACEMENT_PRE_NORM,          VKN_PLACEMENT_POST_NORM,
    VKN_PLACEMENT_SANDWICH, VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL};

RoleSet setOf(std::initializer_list<VknRole> roles) {
    RoleSet set = 0;
    for (const VknRole role : roles) {
        set |= roleBit(role);
    }
    return set;
}

const RoleSet kStatistics = setOf({VKN_ROLE_MEAN, VKN_ROLE_RSTD, VKN_ROLE_MEAN_2, VKN_ROLE_RSTD_2});
const RoleSet kBothBranches = setOf({VKN_ROLE_INPUT, VKN_ROLE_INPUT_2});
const RoleSet kSumRoles =
    setOf({VKN_ROLE_GAMMA_GRADIENT, VKN_ROLE_BETA_GRADIENT, VKN_ROLE_GAMMA_2_GRADIENT, VKN_ROLE_BETA_2_GRADIENT,
           VKN_ROLE_BRANCH_BIAS_GRADIENT, VKN_ROLE_BRANCH_BIAS_2_GRADIENT, VKN_ROLE_LAYER_SCALE_GRADIENT,
           VKN_ROLE_ALPHA_GRADIENT});

VknError makeError() {
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    return error;
}

// All that an operation may have but for `without`; some operands are there because of others.
void addRoles(OperationSpec& spec, RoleSet without) {
    RoleSet before = 0;
    do {
        before = spec.roles;
        spec.roles = vkn::requiredRoles(spec) | (vkn::optionalRoles(spec) & ~without);
    } while (spec.roles != before);
    for (uint32_t r = 1; r < vkn::kRoleCount; ++r) {
        const VknType only = vkn::findRole(static_cast<VknRole>(r))->type;
        spec.types[r] = static_cast<uint32_t>(only == vkn::kAnyFloat ? VKN_TYPE_F32 : only);
    }
}

OperationSpec backward(VknOperation operation, VknPlacement placement, uint32_t hiddenSize) {
    OperationSpec spec;
    spec.operation = static_cast<uint32_t>(operation);
    spec.placement = static_cast<uint32_t>(placement);
    spec.flags = VKN_PLAN_BACKWARD_BIT;
    spec.hiddenSize = hiddenSize;
    return spec;
}

std::string describe(const OperationSpec& spec) {
    return "operation " + std::to_string(spec.operation) + ", placement " + std::to_string(spec.placement) +
           ", flags " + std::to_string(spec.flags) + ", dropout " + std::to_string(spec.dropoutProbability) +
           ", rows of gamma " + std::to_string(spec.parameterRows) + ", roles " + std::to_string(spec.roles);
}

// In place and not, statistics saved and not, a gate or none before or behind the norm, dropout with a seed of its own and not,
// one row of gamma or three.
template <typename Visit>
void forEachVariant(const OperationSpec& plain, const Visit& visit) {
    const bool isBlock = plain.placement != VKN_PLACEMENT_NONE;
    const RoleSet gate = roleBit(VKN_ROLE_GATE);
    const RoleSet seed = roleBit(VKN_ROLE_SEED);
    for (const uint32_t inPlace : {0u, uint32_t{VKN_PLAN_IN_PLACE_BIT}}) {
        for (const RoleSet statistics : {RoleSet{0}, kStatistics}) {
            for (const RoleSet other : {RoleSet{0}, isBlock ? seed : gate}) {
                for (const uint32_t rows : {1u, 3u}) {
                    OperationSpec spec = plain;
                    spec.flags |= inPlace;
                    spec.parameterRows = rows;
                    visit(spec, statistics | other);
                    if (isBlock) {
                        spec.dropoutProbability = 0.1F;
                    } else {
                        spec.normFirst = 1;
                    }
                    visit(spec, statistics | other);
                }
            }
        }
    }
}

// Calls check(spec) for whatever the backward can be asked for.
template <typename Check>
void forEachSpec(const Check& check) {
    for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM, VKN_OPERATION_DYT}) {
        for (const VknPlacement placement : kPlacements) {
            forEachVariant(backward(operation, placement, 64), [&](OperationSpec spec, RoleSet without) {
                addRoles(spec, without);
                if (vkn::checkOperationSpec(spec, nullptr) == VKN_SUCCESS) {
                    SCOPED_TRACE(describe(spec));
                    check(spec);
                }
            });
        }
    }
}

// Every word that a kernel is told has one meaning.
void expectApart(const OperationSpec& spec, const vkn::KernelInterface& kernel, uint32_t scratchWords) {
    std::set<uint32_t> taken;
    const auto take = [&](uint32_t first, uint32_t count, const char* what) {
        for (uint32_t word = first; word < first + count; ++word) {
            EXPECT_GE(word, kernel.words.firstOperand()) << what;
            EXPECT_TRUE(taken.insert(word).second) << what << ", word " << word;
        }
    };
    for (uint32_t r = 1; r < vkn::kRoleCount; ++r) {
        const vkn::RoleInfo& role = *vkn::findRole(static_cast<VknRole>(r));
        if (kernel.has(role.role)) {
            const uint32_t ofRows = kernel.words.hasOuterStrides ? 3 : 2;
            const uint32_t ofOthers = role.role == VKN_ROLE_COS_SIN ? 2 : 1;
            take(kernel.words.ofRole[r], role.extent == vkn::Extent::Rows ? ofRows : ofOthers, role.name);
        }
    }
    take(kernel.words.ofDropout, spec.hasDropout() ? vkn::dropoutWords(spec) : 0, "dropout");
    take(kernel.words.ofParameterRows, spec.kernelParameterRows() > 1 ? 1 : 0, "rows of gamma");
    take(kernel.words.ofScratch, scratchWords, "scratch");
    EXPECT_EQ(taken.size() + kernel.words.firstOperand(), kernel.words.count);
    EXPECT_LE(kernel.words.count, uint32_t{VKN_MAX_WORDS});
}

void expectPossible(const OperationSpec& spec, RoleSet roles, uint32_t scratchWords) {
    vkn::DeviceFacts facts;
    facts.maxStorageBuffers = 8;
    vkn::KernelInterface made;
    VknError error = makeError();
    EXPECT_EQ(vkn::makeKernelInterface(facts, spec, roles, scratchWords, made, &error), VKN_SUCCESS) << error.message;
    EXPECT_LE(made.signature.bindingCount, 8u) << made.signature.text;
    expectApart(spec, made, scratchWords);
}

TEST(GradientInterface, EightStorageBuffersAreEnoughForEverything) {
    size_t specs = 0;
    forEachSpec([&](const OperationSpec& spec) {
        ++specs;
        expectPossible(spec, vkn::rolesOfRows(spec), vkn::scratchWordsOfRows(spec));
        if (vkn::sumsOf(spec) != 0) {
            expectPossible(spec, vkn::rolesOfColumns(spec), vkn::scratchWordsOfColumns(spec));
        }
    });
    EXPECT_GT(specs, 200u);
}

// Of what turns, angles are computed or read.
TEST(GradientInterface, EightStorageBuffersAreEnoughForWhatTurns) {
    for (const VknRole angles : {VKN_ROLE_ROPE_TABLE, VKN_ROLE_COS_SIN}) {
        OperationSpec spec = backward(VKN_OPERATION_LAYER_NORM, VKN_PLACEMENT_NONE, 64);
        spec.rotarySize = 64;
        spec.parameterRows = 3;
        spec.roles = roleBit(angles);
        RoleSet before = 0;
        do {
            before = spec.roles;
            spec.roles = roleBit(angles) | vkn::requiredRoles(spec) | vkn::optionalRoles(spec);
        } while (spec.roles != before);
        expectPossible(spec, vkn::rolesOfRows(spec), vkn::scratchWordsOfRows(spec));
        expectPossible(spec, vkn::rolesOfColumns(spec), vkn::scratchWordsOfColumns(spec));
        EXPECT_NE(vkn::rolesOfRows(spec) & vkn::rolesOfColumns(spec) & roleBit(angles), 0u);
    }
}

// Both kernels together access all but the gradients of parameters, which joins write; neither accesses what the plan lacks.
TEST(GradientInterface, KernelsAccessWhatThePlanHas) {
    forEachSpec([](const OperationSpec& spec) {
        const RoleSet rows = vkn::rolesOfRows(spec);
        const RoleSet columns = vkn::rolesOfColumns(spec);
        EXPECT_EQ((rows | columns) & ~spec.roles, 0u);
        EXPECT_EQ((rows | columns) & kSumRoles, 0u);
        // A branch that nothing reads but a gradient which is not asked for.
        const RoleSet spare = kSumRoles | (vkn::sumsOf(spec) == 0 ? kBothBranches : RoleSet{0});
        EXPECT_EQ(spec.roles & ~(rows | columns | spare), 0u);
    });
}

// The least that Vulkan guarantees: a norm by itself, of which no more than its input is differentiated.
TEST(GradientInterface, FourStorageBuffersAreEnoughForANormByItself) {
    vkn::DeviceFacts facts;
    facts.maxStorageBuffers = 4;
    for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM, VKN_OPERATION_DYT}) {
        for (const uint32_t inPlace : {0u, uint32_t{VKN_PLAN_IN_PLACE_BIT}}) {
            for (const RoleSet saved : {RoleSet{0}, kStatistics}) {
                OperationSpec spec = backward(operation, VKN_PLACEMENT_NONE, 64);
                spec.flags |= inPlace;
                addRoles(spec, kSumRoles | roleBit(VKN_ROLE_GATE) | (kStatistics & ~saved));
                vkn::KernelInterface made;
                VknError error = makeError();
                const VknResult result = vkn::makeKernelInterface(facts, spec, vkn::rolesOfRows(spec), 0, made, &error);
                if (spec.has(VKN_ROLE_RSTD) && inPlace == 0) {  // input, gamma, statistics and both gradients
                    EXPECT_EQ(result, VKN_ERROR_UNSUPPORTED) << describe(spec);
                    EXPECT_EQ(error.value, 5u);
                    EXPECT_EQ(error.limit, 4u);
                } else {
                    EXPECT_EQ(result, VKN_SUCCESS) << describe(spec) << ": " << error.message;
                }
            }
        }
    }
}

TEST(GradientPasses, TakeEachSumOnce) {
    for (const DeviceClass& device : kDeviceClasses) {
        forEachSpec([&](const OperationSpec& spec) {
            vkn::KernelChoice choice;
            ASSERT_EQ(vkn::chooseKernel(device.facts, spec, choice, nullptr), VKN_SUCCESS) << device.name;
            uint32_t taken = 0;
            for (uint32_t pass = 0; pass < vkn::passesOfSums(spec, choice); ++pass) {
                const uint32_t sums = vkn::sumsOfPass(spec, choice, pass);
                EXPECT_NE(sums, 0u) << device.name;
                EXPECT_EQ(sums & taken, 0u) << device.name;
                EXPECT_GT(sums, taken) << device.name << ": sums come in the order of their numbers";
                EXPECT_LE(std::popcount(sums), static_cast<int>(choice.sumsPerPass)) << device.name;
                taken |= sums;
            }
            EXPECT_EQ(taken, vkn::sumsOf(spec)) << device.name;
            EXPECT_EQ(vkn::sumsOfPass(spec, choice, vkn::passesOfSums(spec, choice)), 0u) << device.name;
        });
    }
}

// ---- how rows are divided ------------------------------------------------------------------------------------------

struct Division {
    bool isPossible;
    vkn::ColumnParts parts;
    vkn::Split split;
};

Division divide(const OperationSpec& spec, const vkn::RowShape& shape, uint64_t rowsPerDispatch,
                const vkn::KernelChoice& choice = {}) {
    Division division = {};
    division.split = {rowsPerDispatch, 0, (shape.rows + rowsPerDispatch - 1) / rowsPerDispatch};
    division.isPossible = vkn::divideRows(spec, choice, shape, division.split, division.parts);
    return division;
}

OperationSpec specOfRows(uint32_t hiddenSize, uint32_t parameterRows) {
    OperationSpec spec = backward(VKN_OPERATION_RMS_NORM, VKN_PLACEMENT_NONE, hiddenSize);
    spec.parameterRows = parameterRows;
    addRoles(spec, roleBit(VKN_ROLE_GATE));
    return spec;
}

TEST(GradientParts, HoldEveryRowOnce) {
    for (const uint32_t hiddenSize : {1u, 100u, 4096u, 1u << 19, 1u << 24}) {
        for (const uint32_t turn : {1u, 3u, 32u}) {
            const OperationSpec spec = specOfRows(hiddenSize, turn);
            for (const uint64_t rows : {1u, 31u, 33u, 1000u, 100000u, 0xFFFFFFFFu}) {
                const Division whole = divide(spec, {rows, rows}, rows);
                const uint64_t size = whole.parts.rowsPerPart;
                SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(hiddenSize) + ", " + std::to_string(turn));
                ASSERT_TRUE(whole.isPossible);
                EXPECT_EQ(whole.split.dispatchCount, 1u);
                EXPECT_EQ(whole.parts.count, (rows + size - 1) / size);
                EXPECT_TRUE(size % turn == 0 || size == rows) << size;
                EXPECT_LE(whole.parts.count, vkn::mostParts(uint64_t{hiddenSize} * turn));
            }
        }
    }
}

// However much a device binds, so that it does not change the sums.
TEST(GradientParts, AreThoseOfTheWholeWhereTheyFit) {
    for (const uint32_t turn : {1u, 3u}) {
        const OperationSpec spec = specOfRows(64, turn);
        constexpr uint64_t kRows = 100000;
        const vkn::ColumnParts whole = divide(spec, {kRows, kRows}, kRows).parts;
        for (const uint64_t rowsPerDispatch : {99999u, 50000u, 1000u, 97u}) {
            const Division division = divide(spec, {kRows, kRows}, rowsPerDispatch);
            const uint64_t perDispatch = division.split.rowsPerDispatch;
            EXPECT_EQ(division.parts.rowsPerPart, whole.rowsPerPart) << rowsPerDispatch;
            EXPECT_EQ(division.parts.count, whole.count) << rowsPerDispatch;
            EXPECT_EQ(perDispatch % whole.rowsPerPart, 0u) << rowsPerDispatch;
            EXPECT_LE(perDispatch, rowsPerDispatch);
            EXPECT_EQ(division.split.dispatchCount, (kRows + perDispatch - 1) / perDispatch);
        }
        EXPECT_EQ(divide(spec, {kRows, kRows}, 7).parts.rowsPerPart, 7u) << "a dispatch that holds less than a part";
    }
}

// Dispatches of whole outer blocks may end inside a part, which then ends as well.
TEST(GradientParts, DoNotStraddleDispatches) {
    const OperationSpec spec = specOfRows(64, 1);
    const Division division = divide(spec, {1000, 50}, 150);
    ASSERT_TRUE(division.isPossible);
    EXPECT_EQ(division.split.rowsPerDispatch, 150u);
    EXPECT_EQ(division.parts.rowsPerPart, 32u);
    EXPECT_EQ(division.parts.count, 6u * 5 + 4);
}

// A driver whose invocations end after so many turns: parts have no more rows of a lane than that, and there are as many workgroups
// as leave a lane no more of them.
TEST(GradientParts, LanesHaveNoMoreRowsThanTurns) {
    constexpr uint64_t kRows = 300000;
    constexpr uint32_t kTurns = 3;  // rows of gamma
    const OperationSpec spec = specOfRows(1 << 19, kTurns);
    vkn::KernelChoice choice;
    EXPECT_EQ(divide(spec, {kRows, kRows}, kRows, choice).parts.rowsPerPart, kRows);
    choice.mostRowsPerLane = 1000;
    const vkn::ColumnParts parts = divide(spec, {kRows, kRows}, kRows, choice).parts;
    EXPECT_EQ(parts.rowsPerPart, 1000u * kTurns);
    EXPECT_EQ(parts.count, kRows / parts.rowsPerPart);

    choice.maxWorkgroups = 32;
    EXPECT_EQ(choice.mostWorkgroupsOfSums(4096, 7), 32u) << "142 pieces a lane, of which it has 128";
    EXPECT_EQ(choice.mostWorkgroupsOfSums(4096, 100), 410u) << "10 pieces a lane";
    EXPECT_EQ(choice.mostWorkgroupsOfSums(4096, 1000), 4097u) << "one";
    choice.mostRowsPerLane = 0;
    EXPECT_EQ(choice.mostWorkgroupsOfSums(4096, 1000), 32u);
}

TEST(GradientParts, RunsInsideOuterBlocksAreRefused) {
    const OperationSpec spec = specOfRows(64, 1);
    vkn::ColumnParts parts;
    vkn::Split inside = {100, 3, 6};
    EXPECT_FALSE(vkn::divideRows(spec, {}, {600, 300}, inside, parts));
    vkn::Split ofOneBlock = {100, 3, 3};
    EXPECT_TRUE(vkn::divideRows(spec, {}, {300, 300}, ofOneBlock, parts));
    EXPECT_EQ(ofOneBlock.dispatchesPerOuter, 0u);
}

// ---- scratch -------------------------------------------------------------------------------------------------------

struct Recording {
    const char* name;
    uint64_t rows;
    uint64_t rowsPerOuter;   // 0: all
    uint64_t maxRange;       // of a binding
    uint64_t recorded;       // of a binding object that was made with more rows
    const char* deviceName;  // of kDeviceClasses
};

VkBuffer bufferOf(uint64_t number) { return reinterpret_cast<VkBuffer>(number); }

// The scratch as kernels leave it: `f` of what they add up are small whole numbers, so that sums are exact.
class Scratch {
public:
    Scratch(const OperationSpec& spec, const Recording& recording) : spec_(spec) {
        const auto device =
            std::find_if(std::begin(kDeviceClasses), std::end(kDeviceClasses),
                         [&](const DeviceClass& c) { return c.name == std::string(recording.deviceName); });
        vkn::DeviceFacts facts = device->facts;
        facts.maxStorageBufferRange = std::min(facts.maxStorageBufferRange, recording.maxRange);
        VknError error = makeError();
        EXPECT_EQ(vkn::checkOperationSpec(spec_, &error), VKN_SUCCESS) << error.message;
        EXPECT_EQ(vkn::chooseKernel(facts, spec_, choice_, &error), VKN_SUCCESS) << error.message;
        EXPECT_EQ(vkn::makeKernelInterface(facts, spec_, vkn::rolesOfRows(spec_), vkn::scratchWordsOfRows(spec_), rows_,
                                           &error),
                  VKN_SUCCESS)
            << error.message;
        EXPECT_EQ(vkn::makeKernelInterface(facts, spec_, vkn::rolesOfColumns(spec_), vkn::scratchWordsOfColumns(spec_),
                                           columns_, &error),
                  VKN_SUCCESS)
            << error.message;
        makeExecution(facts, recording);
        if (!isPossible_) {
            return;
        }
        execution_.scratchBuffer = bufferOf(1000);
        words_.resize(vkn::gradientScratch(execution_) / sizeof(float), std::numeric_limits<double>::quiet_NaN());
        isWritten_.resize(words_.size());
        execution_.shape.rows = recording.recorded != 0 ? recording.recorded * spec_.groups : execution_.shape.rows;
        EXPECT_LE(vkn::gradientScratch(execution_) / sizeof(float), words_.size()) << "fewer rows need no more";
    }

    // Where push constants have no room for outer strides, outer blocks cannot join, and there is nothing to be scratch.
    bool isPossible() const { return isPossible_; }
    bool hasOuterStrides() const { return rows_.words.hasOuterStrides && columns_.words.hasOuterStrides; }
    const OperationSpec& spec() const { return spec_; }
    const vkn::Execution& execution() const { return execution_; }
    uint64_t dispatches() const { return execution_.split.dispatchCount; }

    // What the rows of columns add up for a sum.
    static double summand(uint32_t sum, uint64_t row, uint32_t column) {
        return static_cast<double>((row * 7919 + column * 104729 + sum * 1299709) % 1021);
    }

    void write() {
        for (uint64_t i = 0; i < dispatches(); ++i) {
            writeRows(i);
            for (uint32_t pass = 0; pass < vkn::passesOfSums(spec_, choice_); ++pass) {
                writeColumns(i, pass);
            }
        }
    }

    // As join_sums.comp reads it.
    double joined(const vkn::JoinSumsConstants& join, uint32_t element) const {
        const uint64_t start = join.first + uint64_t{element / join.inner} * join.outerStride +
                               uint64_t{element % join.inner} * join.innerStride;
        double sum = 0.0;
        for (uint64_t part = 0; part < join.parts; ++part) {
            for (uint64_t repeat = 0; repeat < join.repeats; ++repeat) {
                sum += words_.at(start + part * join.partStride + repeat * join.repeatStride);
            }
        }
        return sum * static_cast<double>(join.factor);
    }

    // Where a join writes back into the scratch, nothing else may be.
    void take(uint64_t first, uint64_t count) {
        for (uint64_t word = first; word < first + count; ++word) {
            put(word, 0.0);
        }
    }

private:
    OperationSpec spec_;
    vkn::KernelChoice choice_;
    vkn::KernelInterface rows_;
    vkn::KernelInterface columns_;
    vkn::Execution execution_;
    bool isPossible_ = false;
    std::vector<double> words_;
    std::vector<bool> isWritten_;

    void makeExecution(const vkn::DeviceFacts& facts, const Recording& recording) {
        execution_.spec = &spec_;
        execution_.choice = &choice_;
        execution_.rows = &rows_;
        execution_.columns = &columns_;
        const uint64_t outer = recording.rowsPerOuter != 0 ? recording.rowsPerOuter : recording.rows;
        execution_.shape = {recording.rows * spec_.groups, spec_.groups > 1 ? spec_.groups : outer};
        for (uint32_t r = 1; r < vkn::kRoleCount; ++r) {
            const vkn::RoleInfo& role = *vkn::findRole(static_cast<VknRole>(r));
            if (spec_.has(role.role)) {
                execution_.tensors.set(r, makeTensor(role));
            }
        }
        vkn::findRanges(execution_);
        isPossible_ = vkn::finishExecution(facts, execution_);
    }

    // All that share a binding lie in one buffer, one behind the other.
    vkn::Tensor makeTensor(const vkn::RoleInfo& role) const {
        vkn::Tensor tensor;
        tensor.buffer = bufferOf(1);
        tensor.elementSize = vkn::elementSize(spec_.type(role.role));
        tensor.rowElements = vkn::rowElements(role, spec_);
        if (role.isPerRow()) {
            const bool isOfGroups = spec_.groups > 1 && role.extent == vkn::Extent::Rows;
            tensor.rowElements = isOfGroups ? spec_.kernelRowSpan() : tensor.rowElements;
            tensor.rowStride = tensor.rowElements;
            if (isOfGroups) {
                tensor.rowStride = spec_.channelsLast != 0 ? spec_.channels / spec_.groups : spec_.kernelRowSize();
            }
            tensor.outerStride = isOfGroups ? spec_.hiddenSize : tensor.rowStride * execution_.shape.rowsPerOuter;
        }
        return tensor;
    }

    void put(uint64_t word, double value) {
        ASSERT_LT(word, words_.size());
        EXPECT_FALSE(isWritten_[word]) << "word " << word << " is written twice";
        isWritten_[word] = true;
        words_[word] = value;
    }

    // What backward.comp leaves of its rows' norms; the kernel of columns looks for it in the same place.
    void writeRows(uint64_t index) {
        const vkn::Dispatch ofRows = vkn::makeDispatch(execution_, index);
        if (!vkn::rowsLeaveScratch(spec_) || ofRows.run.count == 0) {
            return;
        }
        const vkn::Dispatch ofColumns = vkn::makeKernelDispatch(execution_, columns_, index);
        const uint32_t first = ofRows.constants.words[rows_.words.ofScratch + VKN_SCRATCH_ROWS];
        EXPECT_EQ(ofColumns.constants.words[columns_.words.ofScratch + VKN_SCRATCH_ROWS], first);
        const uint64_t norms = spec_.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM ? 2 : 1;
        take(first, ofRows.run.count * norms * VKN_WORDS_OF_NORM);
    }

    // As gradient_columns.comp writes it.
    void writeColumns(uint64_t index, uint32_t pass) {
        const vkn::Dispatch dispatch = vkn::makeGradientColumnDispatch(execution_, index, pass);
        if (dispatch.run.count == 0) {
            return;
        }
        EXPECT_GE(dispatch.grid.width, 1u);
        const uint32_t* ofScratch = dispatch.constants.words + columns_.words.ofScratch;
        const uint32_t width = spec_.kernelParameterRows() * spec_.kernelRowSize();
        for (uint32_t part = 0; part < ofScratch[VKN_SCRATCH_PARTS]; ++part) {
            uint64_t at = ofScratch[VKN_SCRATCH_SUMS] + uint64_t{part} * ofScratch[VKN_SCRATCH_PART_STRIDE];
            for (uint32_t sum = 0; sum < VKN_SUM_COUNT; ++sum) {
                if ((vkn::sumsOfPass(spec_, choice_, pass) & 1u << sum) != 0) {
                    writePart(dispatch, part, sum, at);
                    at += width;
                }
            }
        }
    }

    void writePart(const vkn::Dispatch& dispatch, uint32_t part, uint32_t sum, uint64_t at) {
        const uint32_t* words = dispatch.constants.words;
        const uint32_t turn = spec_.kernelParameterRows();
        const uint32_t size = words[columns_.words.ofScratch + VKN_SCRATCH_ROWS_PER_PART];
        const uint32_t end = std::min((part + 1) * size, words[VKN_WORD_ROWS]);
        const uint32_t firstOfGamma = turn > 1 ? words[columns_.words.ofParameterRows] : 0;
        std::vector<double> values(uint64_t{turn} * spec_.kernelRowSize());
        for (uint32_t row = part * size; row < end; ++row) {
            const uint64_t first = uint64_t{(firstOfGamma + row) % turn} * spec_.kernelRowSize();
            for (uint32_t column = 0; column < spec_.kernelRowSize(); ++column) {
                values[first + column] += summand(sum, dispatch.run.first + row, column);
            }
        }
        for (size_t i = 0; i < values.size(); ++i) {
            put(at + i, values[i]);
        }
    }
};

// Which element of a gradient a column of a row, as kernels see them, belongs to.
uint64_t elementOf(const OperationSpec& spec, uint32_t sum, uint64_t row, uint32_t column) {
    if (sum == VKN_SUM_ALPHA) {
        return 0;
    }
    if (sum > VKN_SUM_BETA_2) {
        return column;
    }
    if (spec.channels == 0) {
        return row % spec.parameterRows * spec.hiddenSize + column;
    }
    const uint32_t ofGroup = spec.channels / spec.groups;
    const uint32_t pixels = spec.hiddenSize / spec.channels;
    return row % spec.groups * ofGroup + (spec.channelsLast != 0 ? column % ofGroup : column / pixels);
}

std::vector<double> expectedSums(const Scratch& scratch, uint32_t sum) {
    const OperationSpec& spec = scratch.spec();
    const auto role = static_cast<VknRole>(VKN_ROLE_GAMMA_GRADIENT + sum);
    std::vector<double> sums(vkn::rowElements(*vkn::findRole(role), spec));
    for (uint64_t row = 0; row < scratch.execution().shape.rows; ++row) {
        for (uint32_t column = 0; column < spec.kernelRowSize(); ++column) {
            sums.at(elementOf(spec, sum, row, column)) += Scratch::summand(sum, row, column);
        }
    }
    return sums;
}

void expectJoin(const Scratch& scratch, const vkn::JoinSumsDispatch& join, uint32_t sum, double divisor) {
    const std::vector<double> expected = expectedSums(scratch, sum);
    ASSERT_EQ(join.constants.elements, expected.size());
    EXPECT_GE(join.workgroups, 1u);
    EXPECT_EQ(VKN_COLUMN_WORKGROUP % join.constants.lanesPerElement, 0u);
    for (uint32_t i = 0; i < expected.size(); ++i) {
        const double exact = expected[i] / divisor;
        ASSERT_NEAR(scratch.joined(join.constants, i), exact, std::fabs(exact) * 1e-6) << "sum " << sum << ", " << i;
    }
}

// BatchNorm's means come first and go where its rows look for them; then each gradient that is written.
void expectJoins(Scratch& scratch) {
    const OperationSpec& spec = scratch.spec();
    const vkn::Execution& execution = scratch.execution();
    scratch.write();
    uint32_t index = 0;
    for (uint32_t sum = 0; sum < VKN_SUM_COUNT; ++sum) {
        if (spec.has(static_cast<VknRole>(VKN_ROLE_GAMMA_GRADIENT + sum))) {
            const vkn::JoinSumsDispatch join = vkn::makeJoinSumsDispatch(execution, index++);
            expectJoin(scratch, join, sum, 1.0);
            EXPECT_EQ(join.constants.accumulates, spec.isSet(VKN_PLAN_ACCUMULATE_BIT) ? 1u : 0u);
        }
    }
    if (spec.isTraining()) {
        const vkn::Dispatch rows = vkn::makeDispatch(execution, 0);
        uint32_t target = rows.constants.words[execution.rows->words.ofScratch + VKN_SCRATCH_ROWS];
        for (const uint32_t sum : {uint32_t{VKN_SUM_GAMMA}, uint32_t{VKN_SUM_BETA}}) {
            const vkn::JoinSumsDispatch join = vkn::makeJoinSumsDispatch(execution, index++);
            expectJoin(scratch, join, sum, static_cast<double>(execution.shape.rows));
            EXPECT_EQ(join.target.buffer, execution.scratchBuffer);
            EXPECT_EQ(join.constants.target, target);
            EXPECT_EQ(join.constants.accumulates, 0u) << "what rows read is not what was there";
            scratch.take(target, spec.hiddenSize);
            target += spec.hiddenSize;
        }
    }
    EXPECT_EQ(vkn::joinCount(execution), index);
}

constexpr uint64_t kWhole = 1u << 27;
constexpr const char* kManyRegisters = "NVIDIA";
constexpr const char* kFewRegisters = "V3D 4";  // two sums a pass

const Recording kRecordings[] = {
    {"a few rows", 5, 0, kWhole, 0, kManyRegisters},
    {"parts", 200, 0, kWhole, 0, kManyRegisters},
    {"parts and passes", 200, 0, kWhole, 0, kFewRegisters},
    {"dispatches", 200, 0, 16384, 0, kManyRegisters},
    {"dispatches and passes", 200, 0, 16384, 0, kFewRegisters},
    {"dispatches that hold less than a part", 100, 0, 1500, 0, kFewRegisters},
    {"outer blocks", 210, 7, kWhole, 0, kManyRegisters},
    {"outer blocks in dispatches", 210, 7, 16384, 0, kManyRegisters},
    {"fewer rows than there is room for", 200, 0, 16384, 77, kFewRegisters},
};

void expectJoinsOfAllRecordings(const OperationSpec& spec) {
    for (const Recording& recording : kRecordings) {
        SCOPED_TRACE(describe(spec) + ": " + recording.name);
        Scratch scratch(spec, recording);
        if (!scratch.isPossible() && recording.rowsPerOuter != 0) {
            EXPECT_FALSE(scratch.hasOuterStrides());
            continue;
        }
        ASSERT_TRUE(scratch.isPossible());
        expectJoins(scratch);
        if (::testing::Test::HasFailure()) {
            return;
        }
    }
}

TEST(GradientJoins, EachElementIsOfItsColumn) {
    OperationSpec spec = backward(VKN_OPERATION_LAYER_NORM, VKN_PLACEMENT_NONE, 37);
    addRoles(spec, roleBit(VKN_ROLE_GATE));
    expectJoinsOfAllRecordings(spec);
    spec.flags |= VKN_PLAN_ACCUMULATE_BIT;
    expectJoinsOfAllRecordings(spec);
}

// Rows take turns with rows of gamma, also where a dispatch, or an outer block, starts with another than the first.
TEST(GradientJoins, RowsOfGammaHaveTheirOwnRows) {
    OperationSpec spec = backward(VKN_OPERATION_RMS_NORM, VKN_PLACEMENT_NONE, 37);
    spec.parameterRows = 3;
    addRoles(spec, roleBit(VKN_ROLE_GATE));
    expectJoinsOfAllRecordings(spec);
}

TEST(GradientJoins, ChannelsHaveTheirPixels) {
    for (const uint32_t channelsLast : {0u, 1u}) {
        for (const uint32_t groups : {1u, 4u}) {
            OperationSpec spec = backward(VKN_OPERATION_GROUP_NORM, VKN_PLACEMENT_NONE, 12 * 7);
            spec.channels = 12;
            spec.groups = groups;
            spec.channelsLast = channelsLast;
            addRoles(spec, 0);
            for (const Recording& recording : kRecordings) {
                if (recording.rowsPerOuter == 0) {  // images are outer blocks themselves
                    SCOPED_TRACE(describe(spec) + ": " + recording.name);
                    Scratch scratch(spec, recording);
                    ASSERT_TRUE(scratch.isPossible());
                    expectJoins(scratch);
                }
            }
        }
    }
}

// Branches have one row of parameters, whatever gamma has, and DyT one alpha.
TEST(GradientJoins, ParametersOfBranchesAreOfAllRows) {
    for (const VknPlacement placement : kPlacements) {
        for (const uint32_t parameterRows : {1u, 3u}) {
            for (const uint32_t inPlace : {0u, uint32_t{VKN_PLAN_IN_PLACE_BIT}}) {
                for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_DYT}) {
                    OperationSpec spec = backward(operation, placement, 20);
                    spec.flags |= inPlace;
                    spec.parameterRows = parameterRows;
                    addRoles(spec, kStatistics | roleBit(VKN_ROLE_GATE));
                    expectJoinsOfAllRecordings(spec);
                }
            }
        }
    }
}

// BatchNorm's rows need the sums of both, whichever are written.
TEST(GradientJoins, TrainingLeavesItsRowsTheirMeans) {
    for (const RoleSet without : {RoleSet{0}, roleBit(VKN_ROLE_GAMMA_GRADIENT), roleBit(VKN_ROLE_BETA_GRADIENT),
                                  setOf({VKN_ROLE_GAMMA_GRADIENT, VKN_ROLE_BETA_GRADIENT})}) {
        OperationSpec spec = backward(VKN_OPERATION_BATCH_NORM, VKN_PLACEMENT_NONE, 37);
        spec.training = 1;
        spec.flags |= VKN_PLAN_ACCUMULATE_BIT;
        addRoles(spec, without);
        for (const Recording& recording : kRecordings) {
            if (recording.rowsPerOuter == 0 && recording.recorded == 0) {
                SCOPED_TRACE(describe(spec) + ": " + recording.name);
                Scratch scratch(spec, recording);
                ASSERT_TRUE(scratch.isPossible());
                expectJoins(scratch);
            }
        }
    }
}

void expectJoinsOfNoRows(VknOperation operation, bool isTraining) {
    OperationSpec spec = backward(operation, VKN_PLACEMENT_NONE, 37);
    spec.training = isTraining ? 1 : 0;
    addRoles(spec, roleBit(VKN_ROLE_GATE));
    vkn::KernelChoice choice;
    ASSERT_EQ(vkn::chooseKernel(kDeviceClasses[0].facts, spec, choice, nullptr), VKN_SUCCESS);
    vkn::Execution execution;
    execution.spec = &spec;
    execution.choice = &choice;
    execution.shape = {0, 1};
    execution.alignment = 16;
    for (const VknRole role : {VKN_ROLE_GAMMA_GRADIENT, VKN_ROLE_BETA_GRADIENT}) {
        vkn::Tensor tensor;
        tensor.buffer = bufferOf(1);
        tensor.elementSize = sizeof(float);
        tensor.rowElements = spec.hiddenSize;
        execution.tensors.set(role, tensor);
        execution.ranges.set(role, {0, sizeof(float) * spec.hiddenSize});
    }
    EXPECT_EQ(vkn::gradientScratch(execution), 0u);
    for (uint32_t i = 0; i < vkn::joinCount(execution); ++i) {
        const vkn::JoinSumsDispatch join = vkn::makeJoinSumsDispatch(execution, i);
        EXPECT_EQ(join.constants.parts, 0u);
        EXPECT_NE(join.target.buffer, VkBuffer(VK_NULL_HANDLE)) << "join " << i;
        EXPECT_NE(join.parts.buffer, VkBuffer(VK_NULL_HANDLE)) << "join " << i;
        EXPECT_EQ(join.target.size, sizeof(float) * spec.hiddenSize) << "join " << i;
    }
}

// There is no scratch then, and each sum is of nothing.
TEST(GradientJoins, OfNoRowsBindWhatThereIs) {
    expectJoinsOfNoRows(VKN_OPERATION_LAYER_NORM, false);
    expectJoinsOfNoRows(VKN_OPERATION_BATCH_NORM, false);
}

TEST(GradientJoins, OfNoRowsInTrainingBindWhatThereIs) { expectJoinsOfNoRows(VKN_OPERATION_BATCH_NORM, true); }

}  // namespace
}  // namespace vknorm::test
