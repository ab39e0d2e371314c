#include "gpu/small_bindings.hpp"

#include "gpu/function_shim.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace vknorm::test {

void runOnSmallBindings(Gpu& gpu, const NormCase& norm, uint32_t range) {
    FunctionShim shim(gpu.device());
    shim.maxStorageBufferRange = range;
    PlainContext context(gpu.device(), shim.getInstanceProcAddr(), VK_API_VERSION_1_1);
    VknPlan plan = VKN_NULL_HANDLE;
    VknBindingPool pool = VKN_NULL_HANDLE;
    VknError error{};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    ASSERT_EQ(createPlan(context.get(), norm.plan, &plan, &error), VKN_SUCCESS) << error.message;
    VknBindingPoolCreateInfo poolInfo{};
    poolInfo.sType = VKN_STRUCTURE_TYPE_BINDING_POOL_CREATE_INFO;
    poolInfo.maxDispatches = 256;
    ASSERT_EQ(vknCreateBindingPool(context.get(), &poolInfo, &pool, &error), VKN_SUCCESS) << error.message;
    {
        NormRun run(gpu, norm);
        VknExecuteInfo info = run.executeInfo();
        info.bindingPool = pool;
        std::optional<Buffer> scratch;
        VkDeviceSize size = 0;
        EXPECT_EQ(vknGetScratchSize(plan, &info, &size, &error), VKN_SUCCESS) << error.message;
        if (size > 0) {
            scratch.emplace(gpu.device(), size);
            info.scratchBuffer = scratch->handle();
            info.scratchOffset = 0;
            info.scratchSize = size;
        }
        gpu.submit([&](VkCommandBuffer commands) {
            EXPECT_EQ(vknCmdExecute(plan, commands, &info, &error), VKN_SUCCESS)
                << norm.describe() << ": " << error.field << ": " << error.message;
        });
        const size_t dispatches = shim.calls["vkCmdDispatch"] + shim.calls["vkCmdDispatchIndirect"];
        EXPECT_GT(dispatches, 2u) << norm.describe();
        run.download();
        run.check();
    }
    vknDestroyBindingPool(pool);
    vknDestroyPlan(plan);
}

}  // namespace vknorm::test
