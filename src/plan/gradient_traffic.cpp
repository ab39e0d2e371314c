// What the backward's kernels move: of each pass over a row, the operands that it reads.
#include "plan/gradients.hpp"
#include "plan/traffic.hpp"

#include <initializer_list>

namespace vkn {

namespace {

RoleSet setOf(std::initializer_list<VknRole> roles) {
    RoleSet set = 0;
    for (const VknRole role : roles) {
        set |= roleBit(role);
    }
    return set;
}

class Counter {
public:
    Counter(const OperationSpec& spec, const KernelChoice& choice, bool aligned)
        : spec_(spec), choice_(choice), aligned_(aligned) {}

    Traffic count() {
        const bool isHeld = aligned_ && !choice_.readAgain;
        if (isHeld) {
            if (measuresBefore(spec_)) {
                addPass(branch() | streamValue() | ofOutputs());
            }
        } else if (spec_.takesStatistics()) {
            countNorms();
            if (measuresBefore(spec_)) {
                countNorms();
            }
        }
        addPass(branch() | ofStream() | ofOutputs() | setOf({VKN_ROLE_GATE}));
        for (uint32_t pass = 0; pass < passesOfSums(spec_, choice_); ++pass) {
            addPass(ofSums(sumsOfPass(spec_, choice_, pass)));
        }
        traffic_.inputReads = reads_[spec_.has(VKN_ROLE_RESIDUAL_OUTPUT) ? VKN_ROLE_RESIDUAL_OUTPUT : VKN_ROLE_INPUT];
        traffic_.bytesPerRow += writtenBytes();
        return traffic_;
    }

private:
    const OperationSpec& spec_;
    const KernelChoice& choice_;
    const bool aligned_;
    Traffic traffic_;
    uint32_t reads_[kRoleCount] = {};

    bool normsStream() const {
        return spec_.placement != VKN_PLACEMENT_NONE && spec_.placement != VKN_PLACEMENT_SANDWICH;
    }
    bool normsBranch() const { return !normsStream() || spec_.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM; }

    // What a norm over the branch reads, and one over the stream.
    RoleSet branch() const {
        const bool isRead = normsBranch() || spec_.placement == VKN_PLACEMENT_POST_NORM;
        return isRead ? setOf({VKN_ROLE_INPUT}) | (spec_.normFirst == 0 ? setOf({VKN_ROLE_GATE}) : RoleSet{0}) : 0;
    }
    RoleSet streamValue() const {
        if (!normsStream()) {
            return 0;
        }
        return spec_.placement == VKN_PLACEMENT_POST_NORM ? setOf({VKN_ROLE_INPUT, VKN_ROLE_RESIDUAL})
                                                          : setOf({VKN_ROLE_RESIDUAL_OUTPUT});
    }
    static RoleSet ofOutputs() { return setOf({VKN_ROLE_OUTPUT_GRADIENT, VKN_ROLE_OUTPUT_2_GRADIENT}); }
    // What the gradient of the stream is made of.
    RoleSet ofStream() const {
        return spec_.placement == VKN_PLACEMENT_NONE
                   ? RoleSet{0}
                   : streamValue() | ofOutputs() | setOf({VKN_ROLE_RESIDUAL_OUTPUT_GRADIENT});
    }

    // Of each norm: its statistics, unless they were saved, and the means of gradients.
    void countNorms() {
        if (normsStream()) {
            const bool isSecond = spec_.placement == VKN_PLACEMENT_SANDWICH_PRE_NORM;
            addStatistics(streamValue(), isSecond ? VKN_ROLE_RSTD_2 : VKN_ROLE_RSTD);
            addPass(streamValue() | ofOutputs());
        }
        if (normsBranch()) {
            addStatistics(branch(), VKN_ROLE_RSTD);
            addPass(branch() | ofStream() | ofOutputs() | setOf({VKN_ROLE_GATE}));
        }
    }

    void addStatistics(RoleSet roles, VknRole saved) {
        if (!spec_.has(saved)) {
            addPass(roles);
            const bool isCentred = spec_.operation != VKN_OPERATION_RMS_NORM;
            if (isCentred && choice_.isFrugal) {  // the mean, then the squares
                addPass(roles);
            } else if (isCentred && !aligned_) {
                addElements(roles, elementsOfFirstGroup(spec_, choice_));
            }
        }
    }

    RoleSet ofSums(uint32_t sums) const {
        constexpr uint32_t kOfBranches =
            1u << VKN_SUM_BRANCH_BIAS | 1u << VKN_SUM_BRANCH_BIAS_2 | 1u << VKN_SUM_LAYER_SCALE;
        RoleSet roles = streamValue() | ofOutputs();
        if (normsBranch()) {
            roles |= branch() | ofStream() | setOf({VKN_ROLE_GATE});
        } else if ((sums & kOfBranches) != 0) {
            roles |= ofStream();
        }
        const bool readsBranches = (sums & 1u << VKN_SUM_LAYER_SCALE) != 0;
        return readsBranches ? roles | setOf({VKN_ROLE_INPUT, VKN_ROLE_INPUT_2}) : roles;
    }

    void addPass(RoleSet roles) {
        for (uint32_t r = 1; r < kRoleCount; ++r) {
            const auto role = static_cast<VknRole>(r);
            reads_[r] += (roles & roleBit(role)) != 0 && spec_.has(spec_.standIn(role)) ? 1U : 0U;
        }
        addElements(roles, spec_.hiddenSize);
        if (spec_.turnsHalves()) {  // what turns is read with its partner
            addElements(roles & ofOutputs(), spec_.rotarySize);
        }
    }

    void addElements(RoleSet roles, uint64_t elements) {
        for (uint32_t r = 1; r < kRoleCount; ++r) {
            const VknRole standIn = spec_.standIn(static_cast<VknRole>(r));
            if ((roles & roleBit(static_cast<VknRole>(r))) != 0 && spec_.has(standIn)) {
                traffic_.bytesPerRow += elements * elementSize(spec_.type(standIn));
            }
        }
    }

    // And what rows have one of, which is read by each kernel and counts once.
    uint64_t writtenBytes() const {
        uint64_t bytes = 0;
        for (uint32_t r = 1; r < kRoleCount; ++r) {
            const RoleInfo& role = *findRole(static_cast<VknRole>(r));
            const bool isRowsOne = role.extent == Extent::Scalars || role.extent == Extent::Outers;
            const bool isCounted = isRowsOne || (role.extent == Extent::Rows && spec_.writes(role));
            if (spec_.has(role.role) && isCounted) {
                const uint32_t perGroup = role.extent == Extent::Scalars ? spec_.groups : 1;
                bytes += rowElements(role, spec_) * perGroup * elementSize(spec_.type(role.role));
            }
        }
        return bytes;
    }
};

}  // namespace

Traffic gradientTraffic(const OperationSpec& spec, const KernelChoice& choice, bool aligned) {
    return Counter(spec, choice, aligned).count();
}

}  // namespace vkn
