// The three ways to bind: pushed, from a pool, persistent.
#include "gpu/fixture.hpp"

#include <cstring>

namespace vknorm::test {
namespace {

class Descriptors : public GpuTest {
protected:
    Gpu& withoutPush() {
        DeviceOptions options = defaultDeviceOptions();
        options.disabledExtensions = {"VK_KHR_push_descriptor"};
        Gpu& plain = open(options);
        EXPECT_EQ(plain.contextInfo().pushDescriptors, VK_FALSE);
        return plain;
    }

    static NormCase smallCase() {
        NormCase norm;
        norm.plan.operation = VKN_OPERATION_LAYER_NORM;
        norm.plan.hiddenSize = 129;
        norm.plan.gamma = VKN_TYPE_BF16;
        norm.plan.beta = VKN_TYPE_BF16;
        norm.plan.mean = true;
        norm.plan.rstd = true;
        norm.rows = 9;
        norm.input.byteOffset = 4;
        return norm;
    }
};

TEST_F(Descriptors, FromAPool) {
    Gpu& plain = withoutPush();
    NormCase norm = smallCase();
    std::vector<NormCase> cases(5, norm);
    cases[1].plan.flags = VKN_PLAN_GPU_ROWS_BIT;
    cases[1].gpuRows = 4;
    cases[2].input.byteOffset = 20;
    runCases(plain, cases);
}

TEST_F(Descriptors, AnExhaustedPoolIsANamedErrorAndCanBeReset) {
    Gpu& plain = withoutPush();
    VknBindingPoolCreateInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
    info.maxDispatches = 3;
    VknBindingPool pool = VKN_NULL_HANDLE;
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    ASSERT_EQ(vknCreateBindingPool(plain.context(), &info, &pool, &error), VKN_SUCCESS) << error.message;
    NormRun run(plain, smallCase());
    VknExecuteInfo execute = run.executeInfo();
    execute.bindingPool = pool;
    for (int round = 0; round < 2; ++round) {
        // The same work again is a hazard of the test's own making, so it is put behind a barrier.
        plain.submit([&](VkCommandBuffer commands) {
            for (int i = 0; i < 3; ++i) {
                ASSERT_EQ(vknCmdExecute(run.plan(), commands, &execute, &error), VKN_SUCCESS) << error.message;
                vknCmdBarrier(plain.context(), commands, run.plan(), run.plan());
            }
            EXPECT_EQ(vknCmdExecute(run.plan(), commands, &execute, &error), VKN_ERROR_BINDING_POOL_EXHAUSTED);
            EXPECT_EQ(error.code, VKN_ERROR_BINDING_POOL_EXHAUSTED);
            EXPECT_STREQ(error.field, "bindingPool");
            EXPECT_EQ(error.value, 1u) << error.message;  // sets that are needed
            EXPECT_EQ(error.limit, 0u) << error.message;  // sets that are left
        });
        run.download();
        EXPECT_TRUE(run.check());
        vknResetBindingPool(pool);
    }
    execute.bindingPool = VKN_NULL_HANDLE;
    plain.submit([&](VkCommandBuffer commands) {
        EXPECT_EQ(vknCmdExecute(run.plan(), commands, &execute, &error), VKN_ERROR_INVALID_ARGUMENT);
        EXPECT_STREQ(error.field, "bindingPool");
    });
    vknDestroyBindingPool(pool);
}

TEST_F(Descriptors, Persistent) {
    DeviceOptions options = defaultDeviceOptions();
    options.disabledExtensions = {"VK_KHR_push_descriptor"};
    for (Gpu* device : {&gpu(), &open(options)}) {
        NormCase norm = smallCase();
        norm.plan.hiddenSize = 64;
        NormRun run(*device, norm);
        VknBinding binding = VKN_NULL_HANDLE;
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        VknExecuteInfo info = run.executeInfo();
        info.bindingPool = VKN_NULL_HANDLE;
        ASSERT_EQ(vknCreateBinding(run.plan(), &info, &binding, &error), VKN_SUCCESS) << error.message;
        for (int repetition = 0; repetition < 2; ++repetition) {
            run.uploadAgain();
            device->submit([&](VkCommandBuffer commands) {
                ASSERT_EQ(vknCmdExecuteBinding(binding, commands, norm.rows, &error), VKN_SUCCESS) << error.message;
            });
            run.download();
            EXPECT_TRUE(run.check());
        }
        // Fewer rows, none, and too many.
        NormCase fewer = norm;
        fewer.rows = 5;
        run.uploadAgain();
        device->submit([&](VkCommandBuffer commands) {
            EXPECT_EQ(vknCmdExecuteBinding(binding, commands, 5, &error), VKN_SUCCESS) << error.message;
            EXPECT_EQ(vknCmdExecuteBinding(binding, commands, 0, &error), VKN_SUCCESS) << error.message;
            EXPECT_EQ(vknCmdExecuteBinding(binding, commands, norm.rows + 1, &error), VKN_ERROR_INVALID_ARGUMENT);
            EXPECT_STREQ(error.field, "rows");
            EXPECT_EQ(error.value, norm.rows + 1);
            EXPECT_EQ(error.limit, norm.rows);
        });
        run.download();
        EXPECT_EQ(findOverwritten(run.find(VKN_ROLE_OUTPUT)->before, run.find(VKN_ROLE_OUTPUT)->after.bytes(), 5), "");
        EXPECT_EQ(findUnwritten(run.find(VKN_ROLE_OUTPUT)->after, 5), "");
        vknDestroyBinding(binding);
    }
}

TEST_F(Descriptors, PersistentWithRowsFromTheGpu) {
    NormCase norm = smallCase();
    norm.plan.flags = VKN_PLAN_GPU_ROWS_BIT;
    norm.gpuRows = 6;
    NormRun run(gpu(), norm);
    VknBinding binding = VKN_NULL_HANDLE;
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    ASSERT_EQ(vknCreateBinding(run.plan(), &run.executeInfo(), &binding, &error), VKN_SUCCESS) << error.message;
    gpu().submit([&](VkCommandBuffer commands) {
        EXPECT_EQ(vknCmdExecuteBinding(binding, commands, 0, &error), VKN_SUCCESS) << error.message;
    });
    run.download();
    EXPECT_TRUE(run.check());
    vknDestroyBinding(binding);
}

}  // namespace
}  // namespace vknorm::test
