// Missing barriers are noticed, so that silence elsewhere means something.
#include "gpu/fixture.hpp"
#include "gpu/function_shim.hpp"

#include <optional>

namespace vknorm::test {
namespace {

class Synchronisation : public GpuTest {
protected:
    void SetUp() override {
        GpuTest::SetUp();
        if (!isSynchronisationValidated()) {
            VKNORM_LOUD_SKIP("no validation layer, so no negative controls of synchronisation");
        }
    }

    NormCase plainCase() {
        NormCase norm;
        norm.plan.hiddenSize = 256;
        norm.plan.gamma = VKN_TYPE_F32;
        norm.rows = 4;
        return norm;
    }

    // A run whose `role` lies where `other` has `otherRole`.
    static VknExecuteInfo redirect(NormRun& run, VknRole role, NormRun& other, VknRole otherRole,
                                   std::vector<VknOperand>& operands) {
        VknExecuteInfo info = run.executeInfo();
        operands.assign(info.pOperands, info.pOperands + info.operandCount);
        for (VknOperand& operand : operands) {
            if (operand.role == role) {
                operand.buffer = other.find(otherRole)->buffer.handle();
                operand.bufferSize = other.find(otherRole)->buffer.size();
            }
        }
        info.pOperands = operands.data();
        return info;
    }

    // Records both with and without the barrier between them.
    void expectHazard(NormRun& first, NormRun& second, const VknExecuteInfo& secondInfo, const char* what) {
        for (const bool withBarrier : {true, false}) {
            gpu().submit([&](VkCommandBuffer commands) {
                ASSERT_TRUE(first.record(commands));
                if (withBarrier) {
                    vknCmdBarrier(gpu().context(), commands, first.plan(), second.plan());
                }
                ASSERT_EQ(vknCmdExecute(second.plan(), commands, &secondInfo, nullptr), VKN_SUCCESS);
            });
            const std::vector<std::string> messages = takeMessages(gpu());
            size_t hazards = 0;
            for (const std::string& message : messages) {
                hazards += message.find("SYNC-HAZARD") != std::string::npos ? 1u : 0u;
            }
            if (withBarrier) {
                EXPECT_EQ(messages.size(), 0u) << what << ": " << (messages.empty() ? "" : messages[0]);
            } else {
                EXPECT_GT(hazards, 0u) << what << ": a removed barrier went unnoticed";
                EXPECT_EQ(hazards, messages.size());
            }
        }
    }
};

TEST_F(Synchronisation, ReadAfterWrite) {
    NormRun first(gpu(), plainCase());
    NormRun second(gpu(), plainCase());
    std::vector<VknOperand> operands;
    const VknExecuteInfo info = redirect(second, VKN_ROLE_INPUT, first, VKN_ROLE_OUTPUT, operands);
    expectHazard(first, second, info, "the second reads what the first writes");
}

TEST_F(Synchronisation, WriteAfterWrite) {
    if (isPackagedValidation()) {
        VKNORM_LOUD_SKIP("this validation layer misses write-after-write between dispatches");
    }
    NormRun first(gpu(), plainCase());
    NormRun second(gpu(), plainCase());
    std::vector<VknOperand> operands;
    const VknExecuteInfo info = redirect(second, VKN_ROLE_OUTPUT, first, VKN_ROLE_OUTPUT, operands);
    expectHazard(first, second, info, "both write the same output");
}

TEST_F(Synchronisation, WriteAfterRead) {
    NormRun first(gpu(), plainCase());
    NormRun second(gpu(), plainCase());
    std::vector<VknOperand> operands;
    const VknExecuteInfo info = redirect(second, VKN_ROLE_OUTPUT, first, VKN_ROLE_INPUT, operands);
    expectHazard(first, second, info, "the second writes what the first reads");
}

TEST_F(Synchronisation, ScratchOfRowsFromTheGpu) {
    NormCase norm = plainCase();
    norm.plan.flags = VKN_PLAN_GPU_ROWS_BIT;
    norm.gpuRows = 3;
    NormRun first(gpu(), norm);
    NormRun second(gpu(), norm);
    VknExecuteInfo info = second.executeInfo();
    info.scratchBuffer = first.executeInfo().scratchBuffer;
    expectHazard(first, second, info, "both use the same scratch");
}

// What vknGetPlanAccesses says is enough to synchronise with: a barrier made of it silences the layer.
TEST_F(Synchronisation, BarriersFromTheListOfAccesses) {
    NormRun first(gpu(), plainCase());
    NormRun second(gpu(), plainCase());
    std::vector<VknOperand> operands;
    const VknExecuteInfo info = redirect(second, VKN_ROLE_INPUT, first, VKN_ROLE_OUTPUT, operands);
    const auto accessOf = [](VknPlan plan, VknRole role) {
        uint32_t count = 0;
        vknGetPlanAccesses(plan, &count, nullptr);
        std::vector<VknOperandAccess> accesses(count);
        vknGetPlanAccesses(plan, &count, accesses.data());
        for (const VknOperandAccess& access : accesses) {
            if (access.role == role) {
                return access;
            }
        }
        ADD_FAILURE() << "no access of role " << role;
        return VknOperandAccess{};
    };
    const VknOperandAccess written = accessOf(first.plan(), VKN_ROLE_OUTPUT);
    const VknOperandAccess read = accessOf(second.plan(), VKN_ROLE_INPUT);
    VknBoundRange range{};
    ASSERT_EQ(vknGetBoundRange(first.plan(), &first.executeInfo(), VKN_ROLE_OUTPUT, &range, nullptr), VKN_SUCCESS);
    const auto pipelineBarrier = gpu().device().function<PFN_vkCmdPipelineBarrier>("vkCmdPipelineBarrier");
    gpu().submit([&](VkCommandBuffer commands) {
        ASSERT_TRUE(first.record(commands));
        VkBufferMemoryBarrier barrier{};
        barrier.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER;
        barrier.srcAccessMask = written.accessMask;
        barrier.dstAccessMask = read.accessMask;
        barrier.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
        barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
        barrier.buffer = range.buffer;
        barrier.offset = range.offset;
        barrier.size = range.size;
        pipelineBarrier(commands, written.stageMask, read.stageMask, 0, 0, nullptr, 1, &barrier, 0, nullptr);
        ASSERT_EQ(vknCmdExecute(second.plan(), commands, &info, nullptr), VKN_SUCCESS);
    });
}

// Barriers inside an operation are the library's: silence with them, a message without.
class OwnBarriers : public Synchronisation {
protected:
    // Messages while the operation is recorded and run on a context that barriers may be taken from.
    std::vector<std::string> messagesOf(const NormCase& norm, uint32_t largestBinding, bool withBarriers) {
        FunctionShim shim(gpu().device());
        shim.maxStorageBufferRange = largestBinding;
        shim.dropped = withBarriers ? "" : "vkCmdPipelineBarrier";
        PlainContext context(gpu().device(), shim.getInstanceProcAddr(), VK_API_VERSION_1_1);
        VknPlan plan = VKN_NULL_HANDLE;
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        EXPECT_EQ(createPlan(context.get(), norm.plan, &plan, &error), VKN_SUCCESS) << error.message;
        VknBindingPoolCreateInfo poolInfo{};
        poolInfo.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
        poolInfo.maxDispatches = 64;
        VknBindingPool pool = VKN_NULL_HANDLE;
        EXPECT_EQ(vknCreateBindingPool(context.get(), &poolInfo, &pool, &error), VKN_SUCCESS) << error.message;
        NormRun run(gpu(), norm);
        VknExecuteInfo info = run.executeInfo();
        info.bindingPool = pool;
        gpu().submit([&](VkCommandBuffer commands) {
            EXPECT_EQ(vknCmdExecute(plan, commands, &info, &error), VKN_SUCCESS)
                << error.field << ": " << error.message;
        });
        EXPECT_GT(shim.calls["vkCmdPipelineBarrier"], 0u);
        vknDestroyBindingPool(pool);
        vknDestroyPlan(plan);
        return takeMessages(gpu());
    }

    void expectNeeded(const NormCase& norm, uint32_t largestBinding) {
        const std::vector<std::string> with = messagesOf(norm, largestBinding, true);
        EXPECT_TRUE(with.empty()) << with.front();
        size_t hazards = 0;
        for (const std::string& message : messagesOf(norm, largestBinding, false)) {
            hazards += message.find("SYNC-HAZARD") != std::string::npos ? 1u : 0u;
        }
        EXPECT_GT(hazards, 0u) << "a barrier of the library was removed and nobody noticed";
    }
};

TEST_F(OwnBarriers, BetweenTheNumberOfRowsAndItsUse) {
    NormCase norm = plainCase();
    norm.plan.flags = VKN_PLAN_GPU_ROWS_BIT;
    norm.gpuRows = 3;
    expectNeeded(norm, UINT32_MAX);
}

// Rows of an odd number of halves: the parts of a split tensor meet inside a word.
TEST_F(OwnBarriers, BetweenPartsOfATensorThatShareAWord) {
    if (isPackagedValidation()) {
        VKNORM_LOUD_SKIP("this validation layer misses write-after-write between dispatches");
    }
    NormCase norm = plainCase();
    norm.plan.hiddenSize = 99;
    norm.plan.input = VKN_TYPE_BF16;
    norm.plan.output = VKN_TYPE_BF16;
    norm.plan.flags = VKN_PLAN_IN_PLACE_BIT;
    norm.rows = 101;
    expectNeeded(norm, 4096);
}

}  // namespace
}  // namespace vknorm::test
