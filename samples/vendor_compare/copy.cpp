// SPDX-License-Identifier: Apache-2.0
#include "copy.hpp"

#include "copy_kernels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace vknorm::compare {
namespace {

constexpr uint64_t kElementBytes = 16;
constexpr uint32_t kLoopingWorkgroupSize = 64;

constexpr size_t kShapesMeasuredWell = 3;

// A screening says which shapes may be best; only those are then measured well.
TimingOptions screeningOf(const TimingOptions& options) {
    TimingOptions screening = options;
    screening.limits.fewest = 3;
    screening.limits.most = 5;
    screening.limits.seconds = options.limits.seconds / 8;
    screening.limits.warmUpSeconds = options.limits.warmUpSeconds / 16;
    screening.submitSeconds = options.submitSeconds / 2;
    return screening;
}

}  // namespace

std::string nameOf(const CopyShape& shape) {
    return shape.order == CopyOrder::All ? fmt::format("{} x all", shape.workgroupSize)
                                         : fmt::format("{} x {} {}", shape.workgroupSize, shape.workgroups,
                                                       shape.order == CopyOrder::Looping ? "looping" : "spans");
}

std::vector<CopyShape> copyShapes(uint32_t maxInvocations) {
    std::vector<CopyShape> shapes;
    for (const uint32_t size : {64U, 128U, 256U}) {
        if (size <= maxInvocations) {
            shapes.push_back({CopyOrder::All, size, 0});
        }
    }
    for (const uint32_t workgroups : {16U, 32U, 64U, 128U, 256U}) {
        shapes.push_back({CopyOrder::Looping, kLoopingWorkgroupSize, workgroups});
    }
    for (const uint32_t size : {8U, 16U, 32U}) {
        for (const uint32_t workgroups : {32U, 128U}) {
            shapes.push_back({CopyOrder::Spans, size, workgroups});
        }
    }
    return shapes;
}

std::optional<double> CopyFigures::bestSeconds() const {
    if (compute && transfer) {
        return std::min(compute->timing.seconds(), transfer->seconds());
    }
    if (compute) {
        return compute->timing.seconds();
    }
    return transfer ? std::optional(transfer->seconds()) : std::nullopt;
}

// ---- kernels and what they are bound to ----------------------------------------------------------------------------

class CopyBench::Kernels {
public:
    explicit Kernels(Device& device) : device_(device), layout_(device) {
        for (const CopyShape& shape : copyShapes(device.limits().maxComputeWorkGroupInvocations)) {
            const Key key = keyOf(shape);
            if (pipelines_.find(key) == pipelines_.end()) {
                pipelines_.emplace(key, CopyPipeline(layout_, shape.order, shape.workgroupSize));
            }
        }
    }

    const CopyLayout& layout() const { return layout_; }
    Device& device() const { return device_; }

    void record(VkCommandBuffer commands, VkDescriptorSet set, const CopyShape& shape, uint32_t elements) const {
        const auto& pipeline = pipelines_.at(keyOf(shape));
        pipeline.bind(commands, set, elements);
        if (shape.order != CopyOrder::All) {
            pipeline.dispatch(commands, shape.workgroups, 1);
            return;
        }
        const uint32_t all = (elements + shape.workgroupSize - 1) / shape.workgroupSize;
        const uint32_t widest = device_.limits().maxComputeWorkGroupCount[0];
        const uint32_t rows = (all + widest - 1) / widest;
        pipeline.dispatch(commands, (all + rows - 1) / rows, rows);
    }

private:
    using Key = std::pair<CopyOrder, uint32_t>;
    static Key keyOf(const CopyShape& shape) { return {shape.order, shape.workgroupSize}; }

    Device& device_;
    CopyLayout layout_;
    std::map<Key, CopyPipeline> pipelines_;
};

// Buffers of one size, and descriptors of the pieces that a binding can hold.
class CopyBench::Job {
public:
    Job(const Kernels& kernels, Patterns& patterns, uint64_t bytes, const MemoryLimits& limits)
        : kernels_(kernels),
          bytes_(roundUp(bytes, kElementBytes)),
          slots_(planSlots(2 * roundUp(bytes_, kSlotAlignment), limits)),
          from_(kernels.device(), bytes_, slots_.slots),
          to_(kernels.device(), bytes_, slots_.slots),
          pieceBytes_(largestPiece()),
          sets_(kernels.layout(), static_cast<uint32_t>(slots_.slots * pieces())) {
        for (uint32_t slot = 0; slot < slots_.slots; ++slot) {
            const SlotBuffers::Place from = from_.at(slot);
            patterns.upload(*from.buffer, from.offset, VKN_TYPE_F32, bytes_ / sizeof(float), {}, slot);
            bind(slot);
        }
    }

    const SlotPlan& slots() const { return slots_; }

    void recordCompute(VkCommandBuffer commands, uint32_t slot, const CopyShape& shape) {
        for (uint64_t piece = 0; piece < pieces(); ++piece) {
            const uint64_t bytes = std::min(pieceBytes_, bytes_ - piece * pieceBytes_);
            kernels_.record(commands, sets_.at(setOf(slot, piece)), shape,
                            static_cast<uint32_t>(bytes / kElementBytes));
        }
    }

    // The grid that loops stops at once.
    void recordNothing(VkCommandBuffer commands, uint32_t slot, const CopyShape& shape) {
        kernels_.record(commands, sets_.at(setOf(slot, 0)), shape, 0);
    }

    void recordTransfer(VkCommandBuffer commands, uint32_t slot, PFN_vkCmdCopyBuffer copy) {
        const SlotBuffers::Place from = from_.at(slot);
        const SlotBuffers::Place to = to_.at(slot);
        const VkBufferCopy region = {from.offset, to.offset, bytes_};
        copy(commands, from.buffer->handle(), to.buffer->handle(), 1, &region);
    }

    void forgetLast() { to_.at(slots_.slots - 1).buffer->fill(0xFFFFFFFFU); }
    // Of the last slot, which every copy that is measured writes.
    bool isLastCopied() {
        const SlotBuffers::Place from = from_.at(slots_.slots - 1);
        const SlotBuffers::Place to = to_.at(slots_.slots - 1);
        return from.buffer->download<uint8_t>(bytes_, from.offset) == to.buffer->download<uint8_t>(bytes_, to.offset);
    }

private:
    uint64_t largestPiece() const {
        const uint64_t range = kernels_.device().limits().maxStorageBufferRange;
        return std::min<uint64_t>(range / kSlotAlignment * kSlotAlignment, roundUp(bytes_, kSlotAlignment));
    }
    uint64_t pieces() const { return (bytes_ + pieceBytes_ - 1) / pieceBytes_; }
    uint32_t setOf(uint32_t slot, uint64_t piece) const { return static_cast<uint32_t>(slot * pieces() + piece); }

    void bind(uint32_t slot) {
        const SlotBuffers::Place from = from_.at(slot);
        const SlotBuffers::Place to = to_.at(slot);
        for (uint64_t piece = 0; piece < pieces(); ++piece) {
            const uint64_t offset = piece * pieceBytes_;
            const uint64_t bytes = std::min(pieceBytes_, bytes_ - offset);
            sets_.write(setOf(slot, piece), {from.buffer->handle(), from.offset + offset, bytes},
                        {to.buffer->handle(), to.offset + offset, bytes});
        }
    }

    const Kernels& kernels_;
    uint64_t bytes_;
    SlotPlan slots_;
    SlotBuffers from_;
    SlotBuffers to_;
    uint64_t pieceBytes_;
    CopySets sets_;
};

// ---- measuring -----------------------------------------------------------------------------------------------------

CopyBench::CopyBench(Device& device, Patterns& patterns, const MemoryLimits& limits, const TimingOptions& options)
    : device_(device),
      patterns_(patterns),
      limits_(limits),
      options_(options),
      kernels_(std::make_unique<Kernels>(device)) {}

CopyBench::~CopyBench() = default;

const CopyFigures& CopyBench::figures(uint64_t bytes) {
    const auto found = figures_.find(bytes);
    return found != figures_.end() ? found->second : figures_.emplace(bytes, measure(bytes)).first->second;
}

CopyFigures CopyBench::measure(uint64_t bytes) {
    CopyFigures figures;
    figures.bytes = 2 * roundUp((bytes + 1) / 2, kElementBytes);
    try {
        Job job(*kernels_, patterns_, figures.bytes / 2, limits_);
        figures.exceedsCache = job.slots().exceedsCache;
        const auto copy = device_.function<PFN_vkCmdCopyBuffer>("vkCmdCopyBuffer");
        const auto transfer = [&](VkCommandBuffer commands, uint32_t slot) {
            job.recordTransfer(commands, slot, copy);
        };
        figures.transfer = timeIndependent(device_, transfer, job.slots().slots, options_);
        job.forgetLast();
        figures.compute = measureCompute(job, figures.bytes);
        if (!job.isLastCopied()) {
            figures.compute.reset();
            figures.fault = "the compute copy is wrong";
        }
    } catch (const Skipped& skipped) {
        figures.fault = skipped.what();
    } catch (const RuntimeError& error) {
        if (error.result() != VK_ERROR_OUT_OF_DEVICE_MEMORY) {
            throw;
        }
        figures.fault = error.what();
    }
    return figures;
}

Timing CopyBench::timeCompute(Job& job, const CopyShape& shape, const TimingOptions& options) const {
    const auto record = [&](VkCommandBuffer commands, uint32_t slot) { job.recordCompute(commands, slot, shape); };
    return timeIndependent(device_, record, job.slots().slots, options);
}

// The fewest seconds first, of a screening.
std::vector<CopyShape> CopyBench::bestShapes(Job& job) const {
    const TimingOptions screening = screeningOf(options_);
    std::multimap<double, CopyShape> shapes;
    for (const CopyShape& shape : copyShapes(device_.limits().maxComputeWorkGroupInvocations)) {
        shapes.emplace(timeCompute(job, shape, screening).seconds(), shape);
    }
    std::vector<CopyShape> best;
    for (const auto& [seconds, shape] : shapes) {
        best.push_back(shape);
    }
    best.resize(std::min(best.size(), kShapesMeasuredWell));
    return best;
}

ComputeCopy CopyBench::measureCompute(Job& job, uint64_t bytes) {
    const int octave = std::ilogb(static_cast<double>(bytes));
    const auto known = shapes_.find(octave);
    std::optional<ComputeCopy> best;
    for (const CopyShape& shape : known != shapes_.end() ? std::vector{known->second} : bestShapes(job)) {
        const Timing timing = timeCompute(job, shape, options_);
        if (!best || timing.seconds() < best->timing.seconds()) {
            best = ComputeCopy{timing, shape};
        }
    }
    shapes_[octave] = best->shape;
    return *best;
}

Timing CopyBench::emptyDispatch(bool isDependent) {
    Job job(*kernels_, patterns_, kSlotAlignment, limits_);
    const CopyShape shape = {CopyOrder::Looping, kLoopingWorkgroupSize, 1};
    const auto record = [&](VkCommandBuffer commands, uint32_t slot) { job.recordNothing(commands, slot, shape); };
    return isDependent ? timeDependent(device_, record, options_)
                       : timeIndependent(device_, record, job.slots().slots, options_);
}

}  // namespace vknorm::compare
