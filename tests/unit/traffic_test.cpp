// The bytes that plan information tells are those that kernels access: order.glsl, compiled as C++, says which elements each lane
// reads in a pass, and here they are counted.
#include "plan/traffic.hpp"
#include "choices.hpp"
#include "include/interface.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <vector>

namespace vknorm::test {
namespace {

// GLSL's.
using uint = uint32_t;

struct uvec2 {  // NOLINT(readability-identifier-naming): the name that order.glsl has for it
    uint x;
    uint y;

    explicit uvec2(uint both) : x(both), y(both) {}
    uvec2(uint first, uint second) : x(first), y(second) {}
    friend uvec2 operator+(uvec2 v, uint s) { return {v.x + s, v.y + s}; }
};

uvec2 select(bool condition, uvec2 a, uvec2 b) { return condition ? a : b; }
using std::min;

// A lane of a kernel: what order.glsl takes from the others, and order.glsl itself.
struct Lane {
    uint kGroup;
    uint kChunk;
    uint kPiece;
    uint kPiecesOfChunk;
    bool kReadAgain;
    bool kWholeGroups;
    bool kChannelsLast;
    bool kChannelsFirst;
    uint kGroupChannels;
    uint kParameterRows;
    bool kHalfSplit;
    uint kRotarySize;
    uint team;
    uint lane;
    uint rowSize;

    Lane(const vkn::OperationSpec& spec, const vkn::KernelChoice& choice, bool aligned, uint number)
        : kGroup(choice.group),
          kChunk(choice.chunk),
          kPiece(aligned ? choice.chunk : choice.unalignedPiece),
          kPiecesOfChunk(kChunk / kPiece),
          kReadAgain(choice.readAgain),
          kWholeGroups(choice.hasWholeGroups),
          kChannelsLast(spec.channelsLast != 0),
          kChannelsFirst(spec.channels != 0 && spec.channelsLast == 0),
          kGroupChannels(spec.channels / spec.groups),
          kParameterRows(spec.kernelParameterRows()),
          kHalfSplit(spec.turnsHalves()),
          kRotarySize(spec.rotarySize),
          team(choice.teamSize()),
          lane(number),
          rowSize(spec.kernelRowSize()) {}

    uint teamSize() const { return team; }
    uint teamLane() const { return lane; }
    uint hiddenSize() const { return rowSize; }

#undef VKN_ORDER_GLSL
#include "include/order.glsl"
};

// How often each element of a row is accessed.
using Accesses = std::vector<uint32_t>;

void addGroup(Lane& lane, uint firstChunk, Accesses& accesses) {
    for (uint p = 0; p < lane.kPiecesOfGroup; ++p) {
        const uint start = lane.pieceStart(firstChunk, p);
        for (uint i = 0; i < lane.pieceCount(firstChunk, p); ++i) {
            ASSERT_LT(start + i, accesses.size());
            ++accesses[start + i];
        }
    }
}

enum class Pass {
    WholeRow,
    FirstGroup
};

Accesses accessesOf(const vkn::OperationSpec& spec, const vkn::KernelChoice& choice, bool aligned, Pass pass) {
    Accesses accesses(spec.kernelRowSize());
    for (uint number = 0; number < choice.teamSize(); ++number) {
        Lane lane(spec, choice, aligned, number);
        const uint end = pass == Pass::WholeRow ? lane.chunksOfLane() : 1;
        for (uint firstChunk = 0; firstChunk < end; firstChunk += lane.kGroup) {
            addGroup(lane, firstChunk, accesses);
        }
    }
    return accesses;
}

uint64_t total(const Accesses& accesses) {
    uint64_t sum = 0;
    for (const uint32_t count : accesses) {
        sum += count;
    }
    return sum;
}

vkn::OperationSpec specOf(VknOperation operation, uint32_t hiddenSize, VknType type) {
    vkn::OperationSpec spec;
    spec.operation = static_cast<uint32_t>(operation);
    spec.hiddenSize = hiddenSize;
    for (const VknRole role : {VKN_ROLE_INPUT, VKN_ROLE_OUTPUT}) {
        spec.roles |= vkn::roleBit(role);
        spec.types[role] = static_cast<uint32_t>(type);
    }
    return spec;
}

vkn::OperationSpec quantised(vkn::OperationSpec spec, VknQuantization quantization) {
    spec.types[VKN_ROLE_OUTPUT] = VKN_TYPE_I8;
    spec.roles |= vkn::roleBit(VKN_ROLE_OUTPUT_SCALE);
    spec.quantization = static_cast<uint32_t>(quantization);
    return spec;
}

std::vector<vkn::OperationSpec> specs() {
    std::vector<vkn::OperationSpec> all;
    for (const uint32_t hiddenSize : {1u, 7u, 8u, 100u, 769u, 1024u, 5120u, 5125u, 65536u}) {
        for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
            for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM, VKN_OPERATION_DYT}) {
                all.push_back(specOf(operation, hiddenSize, type));
            }
            all.push_back(specOf(VKN_OPERATION_LAYER_NORM, hiddenSize, type));
            all.back().readTwice = 1;
        }
    }
    for (const uint32_t rotarySize : {16u, 64u, 128u}) {
        for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM}) {
            for (const uint32_t readTwice : {0u, 1u}) {
                all.push_back(specOf(operation, 128, VKN_TYPE_BF16));
                all.back().rotarySize = rotarySize;
                all.back().readTwice = readTwice;
            }
        }
    }
    for (const uint32_t channelsLast : {0u, 1u}) {
        for (const uint32_t channels : {12u, 64u}) {
            all.push_back(specOf(VKN_OPERATION_GROUP_NORM, channels * 49, VKN_TYPE_F32));
            all.back().channels = channels;
            all.back().groups = 4;
            all.back().channelsLast = channelsLast;
            all.push_back(quantised(all.back(), VKN_QUANTIZATION_PER_ROW));
        }
    }
    for (const uint32_t channels : {12u, 64u}) {
        vkn::OperationSpec image = specOf(VKN_OPERATION_GROUP_NORM, channels * 49, VKN_TYPE_F32);
        image.channels = channels;
        image.groups = 4;
        image.blockSize = 32;
        all.push_back(quantised(image, VKN_QUANTIZATION_PER_BLOCK));
    }
    return all;
}

// Calls check(spec, choice, aligned) for each kernel that each class of device has for each operation.
template <typename Check>
void forEachKernel(const Check& check) {
    for (const DeviceClass& device : kDeviceClasses) {
        for (const vkn::OperationSpec& spec : specs()) {
            vkn::KernelChoice choice;
            if (vkn::chooseKernel(device.facts, spec, choice, nullptr) != VKN_SUCCESS) {
                continue;
            }
            for (const bool aligned : {false, true}) {
                SCOPED_TRACE(std::string(device.name) + ", operation " + std::to_string(spec.operation) + ", " +
                             std::to_string(spec.hiddenSize) + (aligned ? " aligned: " : ": ") + choice.reason);
                if (!aligned || choice.hasAlignedKernel) {
                    check(spec, choice, aligned);
                }
                if (::testing::Test::HasFailure()) {
                    return;
                }
            }
        }
    }
}

TEST(Order, APassReadsEachElementOnce) {
    size_t kernels = 0;
    forEachKernel([&](const vkn::OperationSpec& spec, const vkn::KernelChoice& choice, bool aligned) {
        const Accesses accesses = accessesOf(spec, choice, aligned, Pass::WholeRow);
        EXPECT_EQ(std::count(accesses.begin(), accesses.end(), 1u), static_cast<std::ptrdiff_t>(accesses.size()));
        ++kernels;
    });
    std::printf("%zu kernels\n", kernels);
    EXPECT_GT(kernels, 1000u);
}

// What main() of norm.comp does in passes: the statistics, and the output's magnitude, unless the row is held; and the output.
TEST(Traffic, IsWhatIsAccessed) {
    forEachKernel([&](const vkn::OperationSpec& spec, const vkn::KernelChoice& choice, bool aligned) {
        const uint64_t pass = total(accessesOf(spec, choice, aligned, Pass::WholeRow));
        uint32_t passes = 1;  // for the output
        uint64_t ofFirstGroup = 0;
        const bool isHeld = aligned && !choice.readAgain && choice.rowsAtOnce == 1;
        const bool isCentred = spec.operation != VKN_OPERATION_RMS_NORM;
        if (spec.takesStatistics() && !isHeld) {
            ++passes;
            const bool holdsGroup = aligned && choice.rowsAtOnce == 1;
            if (isCentred && !holdsGroup && choice.readAgain) {  // what the first centre is taken of
                ofFirstGroup = total(accessesOf(spec, choice, aligned, Pass::FirstGroup));
            } else if (isCentred && !holdsGroup) {
                ++passes;
            }
        }
        if (spec.measuresOutput() && !isHeld) {
            ++passes;
        }
        const uint32_t size = vkn::elementSize(spec.type(VKN_ROLE_INPUT));
        const uint32_t writtenSize = vkn::elementSize(spec.type(VKN_ROLE_OUTPUT));
        const uint64_t scales = !spec.measuresOutput() ? 0 : spec.blockSize == 0 ? 1 : (pass + 31) / spec.blockSize;
        const vkn::Traffic traffic = vkn::trafficOf(spec, choice, aligned);
        const uint64_t ofKernelRow =
            (passes * pass + ofFirstGroup) * size + pass * writtenSize + scales * sizeof(float);
        EXPECT_EQ(traffic.bytesPerRow, ofKernelRow * spec.groups);
        EXPECT_EQ(traffic.inputReads, passes);
    });
}

// Pre-norm add of rows that are read again: an fp32 stream is stored first, then read instead of what it was made of.
TEST(Traffic, AStreamWithAllItsBitsIsReadWhereItIsStored) {
    constexpr uint64_t kElements = 65536;
    const vkn::DeviceFacts& facts = kDeviceClasses[0].facts;
    for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_BF16}) {
        vkn::OperationSpec spec = specOf(VKN_OPERATION_RMS_NORM, kElements, VKN_TYPE_BF16);
        spec.placement = VKN_PLACEMENT_PRE_NORM;
        spec.readTwice = 1;
        for (const VknRole role : {VKN_ROLE_RESIDUAL, VKN_ROLE_RESIDUAL_OUTPUT}) {
            spec.roles |= vkn::roleBit(role);
            spec.types[role] = static_cast<uint32_t>(type);
        }
        vkn::KernelChoice choice;
        ASSERT_EQ(vkn::chooseKernel(facts, spec, choice, nullptr), VKN_SUCCESS);
        EXPECT_EQ(choice.storesFirst, type == VKN_TYPE_F32);
        const uint64_t ofStream = vkn::elementSize(type);
        const uint64_t least = (2 + ofStream + ofStream + 2) * kElements;  // x, residual; h, y
        const uint64_t again = (choice.storesFirst ? ofStream : 2 + ofStream) * kElements;
        EXPECT_EQ(vkn::trafficOf(spec, choice, true).bytesPerRow, least + again);
        EXPECT_EQ(vkn::trafficOf(spec, choice, true).inputReads, choice.storesFirst ? 1u : 2u);
        EXPECT_EQ(vkn::trafficOf(spec, choice, false).bytesPerRow, least + (2 + ofStream) * kElements);
    }
}

// Two norms read the branch, the second one with the residual; a gated norm writes its output twice.
TEST(Traffic, OfTwoNormsAndOfAGateWhatIsStoredFirstIsReadAgain) {
    constexpr uint64_t kElements = 65536;
    const auto choiceOf = [](const vkn::OperationSpec& spec) {
        vkn::KernelChoice choice;
        EXPECT_EQ(vkn::chooseKernel(factsOf("SwiftShader"), spec, choice, nullptr), VKN_SUCCESS);
        EXPECT_TRUE(choice.storesFirst);
        return choice;
    };
    vkn::OperationSpec spec = specOf(VKN_OPERATION_RMS_NORM, kElements, VKN_TYPE_F32);
    vkn::OperationSpec gated = spec;
    spec.placement = VKN_PLACEMENT_SANDWICH_PRE_NORM;
    spec.roles |= vkn::roleBit(VKN_ROLE_RESIDUAL) | vkn::roleBit(VKN_ROLE_RESIDUAL_OUTPUT);
    const vkn::KernelChoice choice = choiceOf(spec);
    const uint64_t rowSize = kElements * sizeof(float);
    EXPECT_EQ(vkn::trafficOf(spec, choice, true).bytesPerRow, (2 + 1 + 1 + 1 + 1) * rowSize);  // x, x, r; h, h; y
    EXPECT_EQ(vkn::trafficOf(spec, choice, false).bytesPerRow, (3 + 2 + 1 + 1) * rowSize);     // x, r; h; y
    gated.roles |= vkn::roleBit(VKN_ROLE_GATE);
    EXPECT_EQ(vkn::trafficOf(gated, choiceOf(gated), true).bytesPerRow,
              (1 + 1 + 1 + 1 + 1) * rowSize);                                                     // x, z; y, y, y
    EXPECT_EQ(vkn::trafficOf(gated, choiceOf(gated), false).bytesPerRow, (2 + 2 + 1) * rowSize);  // x, z; y
}

// ---- the backward ----------------------------------------------------------------------------------------------------

constexpr uint32_t kHidden = 1000;

// Of rows that are read again, unless they are held.
vkn::OperationSpec backward(VknOperation operation, VknPlacement placement, std::initializer_list<VknRole> roles,
                            uint32_t flags = 0, bool held = false) {
    vkn::OperationSpec spec;
    spec.readTwice = held ? 0 : 1;
    spec.operation = static_cast<uint32_t>(operation);
    spec.placement = static_cast<uint32_t>(placement);
    spec.flags = VKN_PLAN_BACKWARD_BIT | flags;
    spec.hiddenSize = kHidden;
    for (const VknRole role : roles) {
        spec.roles |= vkn::roleBit(role);
        spec.types[role] = VKN_TYPE_F32;
    }
    return spec;
}

// A row's numbers, and what rows have one of, on a device whose kernel takes all sums at once.
void expectMoved(const vkn::OperationSpec& spec, uint32_t rows, uint32_t scalars, uint32_t inputReads,
                 bool aligned = true) {
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    EXPECT_EQ(vkn::checkOperationSpec(spec, &error), VKN_SUCCESS) << error.message;
    vkn::KernelChoice choice;
    EXPECT_EQ(vkn::chooseKernel(kDeviceClasses[0].facts, spec, choice, &error), VKN_SUCCESS) << error.message;
    EXPECT_EQ(choice.sumsPerPass, uint32_t{VKN_SUM_COUNT});
    EXPECT_EQ(choice.readAgain, spec.readTwice != 0 || !spec.takesStatistics());
    const vkn::Traffic traffic = vkn::trafficOf(spec, choice, aligned);
    EXPECT_EQ(traffic.bytesPerRow, uint64_t{rows} * kHidden * sizeof(float) + scalars * sizeof(float));
    EXPECT_EQ(traffic.inputReads, inputReads);
}

constexpr VknRole kX = VKN_ROLE_INPUT;
constexpr VknRole kArriving = VKN_ROLE_OUTPUT_GRADIENT;
constexpr VknRole kGradient = VKN_ROLE_INPUT_GRADIENT;

// The means need x and what arrives, and so do the gradients; then these are written.
TEST(GradientTraffic, SavedStatisticsSaveAPass) {
    const auto of = [](std::initializer_list<VknRole> roles) {
        return backward(VKN_OPERATION_RMS_NORM, VKN_PLACEMENT_NONE, roles);
    };
    expectMoved(of({kX, kArriving, kGradient, VKN_ROLE_RSTD}), 2 + 2 + 1, 1, 2);
    expectMoved(of({kX, kArriving, kGradient}), 1 + 2 + 2 + 1, 0, 3);
}

TEST(GradientTraffic, SumsAreAPassOfTheirOwn) {
    const auto of = [](std::initializer_list<VknRole> roles, uint32_t flags) {
        return backward(VKN_OPERATION_RMS_NORM, VKN_PLACEMENT_NONE, roles, flags);
    };
    constexpr VknRole kSum = VKN_ROLE_GAMMA_GRADIENT;
    expectMoved(of({kX, kArriving, kGradient, VKN_ROLE_RSTD, kSum}, 0), 2 + 2 + 2 + 1, 1, 3);
    expectMoved(of({kX, kArriving, kGradient, kSum}, 0), 1 + 2 + 2 + 2 + 1, 0, 4);
    expectMoved(of({kX, kArriving, kGradient, kSum, VKN_ROLE_BETA_GRADIENT}, 0), 1 + 2 + 2 + 2 + 1, 0, 4);
    // In place the rows are measured, added up, measured again and written.
    expectMoved(of({kX, kGradient, VKN_ROLE_RSTD, kSum}, VKN_PLAN_IN_PLACE_BIT), 2 + 2 + 2 + 2 + 1, 1, 4);
    expectMoved(of({kX, kGradient, kSum}, VKN_PLAN_IN_PLACE_BIT), 3 + 2 + 3 + 2 + 1, 0, 6);
    expectMoved(of({kX, kGradient}, VKN_PLAN_IN_PLACE_BIT), 1 + 2 + 2 + 1, 0, 3);
}

TEST(GradientTraffic, WhatIsHeldIsReadOnce) {
    const auto of = [](std::initializer_list<VknRole> roles, uint32_t flags = 0) {
        return backward(VKN_OPERATION_RMS_NORM, VKN_PLACEMENT_NONE, roles, flags, true);
    };
    constexpr VknRole kSum = VKN_ROLE_GAMMA_GRADIENT;
    expectMoved(of({kX, kArriving, kGradient, VKN_ROLE_RSTD}), 2 + 1, 1, 1);
    expectMoved(of({kX, kArriving, kGradient}), 2 + 1, 0, 1);
    expectMoved(of({kX, kArriving, kGradient, kSum}), 2 + 2 + 1, 0, 2);
    expectMoved(of({kX, kGradient, kSum}, VKN_PLAN_IN_PLACE_BIT), 2 + 2 + 2 + 1, 0, 3);
    expectMoved(backward(VKN_OPERATION_LAYER_NORM, VKN_PLACEMENT_PRE_NORM,
                         {VKN_ROLE_RESIDUAL_OUTPUT, kArriving, VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT, kGradient,
                          VKN_ROLE_RESIDUAL_GRADIENT},
                         0, true),
                3 + 2, 0, 1);
    // Rows of any alignment are not held.
    expectMoved(of({kX, kArriving, kGradient}), 1 + 2 + 2 + 1, 0, 3, false);
}

TEST(GradientTraffic, WhatWorksOnEachElementIsReadOnce) {
    const auto of = [](std::initializer_list<VknRole> roles) {
        return backward(VKN_OPERATION_DYT, VKN_PLACEMENT_NONE, roles);
    };
    expectMoved(of({kX, kArriving, kGradient}), 2 + 1, 0, 1);
    vkn::OperationSpec summed = of({kX, kArriving, kGradient, VKN_ROLE_ALPHA_GRADIENT});
    expectMoved(summed, 2 + 2 + 1, 0, 2);
}

// What arrives along the stream is added where gradients are written, and no part of the norm's means.
TEST(GradientTraffic, TheStreamIsReadWhereItIsAdded) {
    constexpr VknRole kStream = VKN_ROLE_RESIDUAL_OUTPUT;
    constexpr VknRole kAlongStream = VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT;
    const auto of = [](std::initializer_list<VknRole> roles, uint32_t flags = 0) {
        return backward(VKN_OPERATION_RMS_NORM, VKN_PLACEMENT_PRE_NORM, roles, flags);
    };
    expectMoved(of({kStream, kArriving, kAlongStream, kGradient, VKN_ROLE_RESIDUAL_GRADIENT, VKN_ROLE_RSTD}), 2 + 3 + 2,
                1, 2);
    expectMoved(of({kStream, kArriving, kGradient, VKN_ROLE_RSTD}), 2 + 2 + 1, 1, 2);
    expectMoved(of({kStream, kArriving, kAlongStream, kGradient, VKN_ROLE_RESIDUAL_GRADIENT}), 1 + 2 + 3 + 2, 0, 3);
    // Gamma's sum needs the norm alone, a bias' the gradient of the stream, and the layer scale's the branch as well.
    expectMoved(of({kStream, kArriving, kAlongStream, kGradient, VKN_ROLE_RSTD, VKN_ROLE_GAMMA_GRADIENT}),
                2 + 3 + 2 + 1, 1, 3);
    expectMoved(of({kStream, kArriving, kAlongStream, kGradient, VKN_ROLE_RSTD, VKN_ROLE_BRANCH_BIAS_GRADIENT}),
                2 + 3 + 3 + 1, 1, 3);
    expectMoved(of({kX, kStream, kArriving, kAlongStream, kGradient, VKN_ROLE_RSTD, VKN_ROLE_LAYER_SCALE,
                    VKN_ROLE_LAYER_SCALE_GRADIENT}),
                2 + 3 + 4 + 1, 1, 3);
    expectMoved(of({kStream, kArriving, kGradient, VKN_ROLE_RESIDUAL_GRADIENT, VKN_ROLE_RSTD}, VKN_PLAN_IN_PLACE_BIT),
                2 + 3 + 2, 1, 2);
}

// The norm over the stream comes first: what it passes on is what arrives at the other one.
TEST(GradientTraffic, TwoNormsReadTheStreamForEach) {
    expectMoved(backward(VKN_OPERATION_RMS_NORM, VKN_PLACEMENT_SANDWICH_PRE_NORM,
                         {kX, VKN_ROLE_RESIDUAL_OUTPUT, kArriving, VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT, kGradient,
                          VKN_ROLE_RESIDUAL_GRADIENT, VKN_ROLE_RSTD, VKN_ROLE_RSTD_2}),
                2 + 4 + 4 + 2, 2, 3);
}

// What turns with an element half a row away is read with it.
TEST(GradientTraffic, WhatTurnsIsReadWithItsPartner) {
    vkn::OperationSpec spec =
        backward(VKN_OPERATION_RMS_NORM, VKN_PLACEMENT_NONE,
                 {kX, kArriving, kGradient, VKN_ROLE_RSTD, VKN_ROLE_POSITIONS, VKN_ROLE_ROPE_TABLE});
    spec.types[VKN_ROLE_POSITIONS] = VKN_TYPE_U32;
    spec.types[VKN_ROLE_ROPE_TABLE] = VKN_TYPE_U32;
    spec.rotarySize = kHidden;
    spec.ropeLayout = VKN_ROPE_LAYOUT_INTERLEAVED;
    expectMoved(spec, 2 + 2 + 1, 2, 2);
    spec.ropeLayout = VKN_ROPE_LAYOUT_HALF_SPLIT;
    expectMoved(spec, 2 + 2 * 2 + 1, 2, 2);
}

// All that a placement may have.
vkn::OperationSpec fullBackward(VknOperation operation, VknPlacement placement, uint32_t flags, bool saved) {
    vkn::OperationSpec spec = backward(operation, placement, {}, flags);
    vkn::RoleSet left = 0;
    for (const VknRole role : {VKN_ROLE_MEAN, VKN_ROLE_RSTD, VKN_ROLE_MEAN_2, VKN_ROLE_RSTD_2}) {
        left |= saved ? 0 : vkn::roleBit(role);
    }
    vkn::RoleSet before = 0;
    do {
        before = spec.roles;
        spec.roles = vkn::requiredRoles(spec) | (vkn::optionalRoles(spec) & ~left);
    } while (spec.roles != before);
    return spec;
}

TEST(GradientTraffic, IsNeverLessThanWhatMustMove) {
    for (const DeviceClass& device : kDeviceClasses) {
        for (const VknOperation operation : {VKN_OPERATION_RMS_NORM, VKN_OPERATION_LAYER_NORM, VKN_OPERATION_DYT}) {
            for (const VknPlacement placement :
                 {VKN_PLACEMENT_NONE, VKN_PLACEMENT_PRE_NORM, VKN_PLACEMENT_POST_NORM, VKN_PLACEMENT_SANDWICH,
                  VKN_PLACEMENT_SANDWICH_PRE_NORM, VKN_PLACEMENT_PARALLEL}) {
                for (const uint32_t flags : {0u, uint32_t{VKN_PLAN_IN_PLACE_BIT}}) {
                    for (const bool saved : {false, true}) {
                        const vkn::OperationSpec spec = fullBackward(operation, placement, flags, saved);
                        vkn::KernelChoice choice;
                        ASSERT_EQ(vkn::chooseKernel(device.facts, spec, choice, nullptr), VKN_SUCCESS) << device.name;
                        for (const bool aligned : {false, true}) {
                            EXPECT_GE(vkn::trafficOf(spec, choice, aligned).bytesPerRow, vkn::leastBytesPerRow(spec))
                                << device.name << ", operation " << operation << ", placement " << placement;
                        }
                    }
                }
            }
        }
    }
}

}  // namespace
}  // namespace vknorm::test
