// Contexts and plans as objects: self-test, caches, lists, threads, information.
#include "gpu/fixture.hpp"
#include "gpu/function_shim.hpp"
#include "support/formats.hpp"

#include <atomic>
#include <cstring>
#include <thread>

namespace vknorm::test {
namespace {

class Contexts : public GpuTest {
protected:
    static VknError emptyError() {
        VknError error{};
        error.sType = VKN_STRUCTURE_TYPE_ERROR;
        return error;
    }

    PlanSpec spec(uint32_t hiddenSize, VknType type = VKN_TYPE_F32) {
        PlanSpec result;
        result.operation = VKN_OPERATION_LAYER_NORM;
        result.hiddenSize = hiddenSize;
        result.input = type;
        result.output = type;
        result.gamma = type;
        result.mean = true;
        result.rstd = true;
        result.variant = gpu().variants().front();
        return result;
    }

    VknContext contextWithCache(const std::vector<uint8_t>& blob) {
        Device& device = gpu().device();
        VknContextCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_CONTEXT_CREATE_INFO;
        info.getInstanceProcAddr = device.getInstanceProcAddr();
        info.instance = device.instance();
        info.physicalDevice = device.physicalDevice();
        info.device = device.device();
        info.apiVersion = VK_API_VERSION_1_1;
        info.pPipelineCacheData = blob.empty() ? nullptr : blob.data();
        info.pipelineCacheDataSize = blob.size();
        VknContext context = VKN_NULL_HANDLE;
        VknError error = emptyError();
        EXPECT_EQ(vknCreateContext(&info, &context, &error), VKN_SUCCESS) << error.message;
        return context;
    }

    static std::vector<uint8_t> cacheOf(VknContext context) {
        size_t size = 0;
        EXPECT_EQ(vknGetPipelineCacheData(context, &size, nullptr), VKN_SUCCESS);
        std::vector<uint8_t> blob(size);
        EXPECT_EQ(vknGetPipelineCacheData(context, &size, blob.data()), VKN_SUCCESS);
        blob.resize(size);
        return blob;
    }
};

TEST_F(Contexts, TheSelfTestPasses) {
    EXPECT_EQ(gpu().device().selfTestReport(), "passed");
    const uint32_t forms = gpu().contextInfo().usableForms;
    EXPECT_NE(forms & (1u << VKN_KERNEL_FORM_SHARED), 0u);
    if (gpu().contextInfo().subgroupSize != 0) {
        EXPECT_NE(forms & (1u << VKN_KERNEL_FORM_SUBGROUP), 0u) << gpu().contextInfo().quirks;
        EXPECT_NE(forms & (1u << VKN_KERNEL_FORM_SUBGROUP_SHARED), 0u) << gpu().contextInfo().quirks;
    }
}

// The host's side of the self-test: wrong bytes forbid forms, and a size that is wrong is an error.
TEST_F(Contexts, TheSelfTestJudgesWhatItIsGiven) {
    VknContext context = contextWithCache({});
    VknSelfTestInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_SELF_TEST_INFO;
    vknGetSelfTestInfo(context, &info);
    ASSERT_GT(info.bufferSize, 0u);
    Buffer buffer(gpu().device(), info.bufferSize);
    VknSelfTestReport report{};
    report.sType = VKN_STRUCTURE_TYPE_SELF_TEST_REPORT;
    VknError error = emptyError();
    std::vector<uint8_t> bytes(info.bufferSize);
    EXPECT_EQ(vknCheckSelfTest(context, bytes.data(), bytes.size(), &report, &error), VKN_ERROR_INVALID_ARGUMENT)
        << "nothing was recorded yet";
    VknBindingPool pool = VKN_NULL_HANDLE;
    gpu().submit([&](VkCommandBuffer commands) {
        EXPECT_EQ(vknCmdSelfTest(context, commands, buffer.handle(), 0, info.bufferSize - 1, &error),
                  VKN_ERROR_INVALID_ARGUMENT);
        EXPECT_EQ(vknCmdSelfTest(context, commands, buffer.handle(), 0, info.bufferSize, &error), VKN_SUCCESS)
            << error.message;
    });
    buffer.download(0, bytes.data(), bytes.size());
    EXPECT_EQ(vknCheckSelfTest(context, bytes.data(), bytes.size() - 1, &report, &error), VKN_ERROR_INVALID_ARGUMENT);
    std::vector<uint8_t> wrong(bytes.size(), 0xCD);
    EXPECT_EQ(vknCheckSelfTest(context, wrong.data(), wrong.size(), &report, &error), VKN_ERROR_SELF_TEST_FAILED);
    EXPECT_EQ(report.failedForms, report.testedForms);
    EXPECT_STRNE(report.text, "passed");
    VknPlan plan = VKN_NULL_HANDLE;
    PlanSpec any = spec(64);
    any.variant = {};
    EXPECT_EQ(createPlan(context, any, &plan, &error), VKN_ERROR_SELF_TEST_FAILED);
    vknDestroyBindingPool(pool);
    vknDestroyContext(context);
}

// Each result of the self-test matters: a byte changed anywhere in what was written is noticed.
TEST_F(Contexts, TheSelfTestNoticesEveryWrongWord) {
    VknContext context = contextWithCache({});
    VknSelfTestInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_SELF_TEST_INFO;
    vknGetSelfTestInfo(context, &info);
    Buffer buffer(gpu().device(), info.bufferSize);
    size_t noticed = 0;
    size_t tried = 0;
    for (uint64_t word = 0; word < info.bufferSize / 4; word += info.bufferSize / 4 / 7 + 1) {
        buffer.fill(0xDEADBEEFu);
        gpu().submit([&](VkCommandBuffer commands) {
            EXPECT_EQ(vknCmdSelfTest(context, commands, buffer.handle(), 0, info.bufferSize, nullptr), VKN_SUCCESS);
        });
        std::vector<uint32_t> words = buffer.download<uint32_t>(info.bufferSize / 4);
        if (words[word] == 0xDEADBEEFu) {
            continue;  // a gap between forms
        }
        words[word] ^= 1u;
        VknSelfTestReport report{};
        report.sType = VKN_STRUCTURE_TYPE_SELF_TEST_REPORT;
        vknCheckSelfTest(context, words.data(), info.bufferSize, &report, nullptr);
        noticed += report.failedForms != 0 ? 1u : 0u;
        ++tried;
        vknDestroyContext(context);
        context = contextWithCache({});
    }
    EXPECT_EQ(noticed, tried);
    EXPECT_GT(tried, 2u);
    vknDestroyContext(context);
}

TEST_F(Contexts, PipelineCachesAreSavedAndDamagedOnesAreMisses) {
    VknContext context = contextWithCache({});
    VknPlan plan = VKN_NULL_HANDLE;
    ASSERT_EQ(createPlan(context, spec(96), &plan, nullptr), VKN_SUCCESS);
    const std::vector<uint8_t> blob = cacheOf(context);
    ASSERT_GT(blob.size(), 32u);
    size_t small = blob.size() - 1;
    std::vector<uint8_t> room(blob.size(), 0x5A);
    EXPECT_EQ(vknGetPipelineCacheData(context, &small, room.data()), VKN_INCOMPLETE);
    EXPECT_EQ(room, std::vector<uint8_t>(blob.size(), 0x5A)) << "nothing is written when there is too little room";
    vknDestroyPlan(plan);
    vknDestroyContext(context);

    const size_t fresh = [&] {
        VknContext empty = contextWithCache({});
        const size_t size = cacheOf(empty).size();
        vknDestroyContext(empty);
        return size;
    }();
    const auto sizeWith = [&](const std::vector<uint8_t>& data) {
        VknContext other = contextWithCache(data);
        const size_t size = cacheOf(other).size();
        vknDestroyContext(other);
        return size;
    };
    // Drivers that keep nothing in their cache cannot show a hit.
    if (blob.size() > fresh) {
        EXPECT_GT(sizeWith(blob), fresh) << "a hit";
    }
    for (size_t bit = 0; bit < blob.size() * 8; bit += 1 + blob.size() * 8 / 97) {
        std::vector<uint8_t> flipped = blob;
        flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ (1u << (bit % 8)));
        EXPECT_EQ(sizeWith(flipped), fresh) << "bit " << bit;
    }
    for (const size_t length : {size_t{1}, size_t{16}, blob.size() / 2, blob.size() - 1}) {
        EXPECT_EQ(sizeWith({blob.begin(), blob.begin() + static_cast<std::ptrdiff_t>(length)}), fresh) << length;
    }
    std::vector<uint8_t> longer = blob;
    longer.push_back(0);
    EXPECT_EQ(sizeWith(longer), fresh);
}

TEST_F(Contexts, PlanListsAreMadeAgain) {
    std::vector<PlanSpec> specs = {spec(64), spec(129, VKN_TYPE_BF16), spec(5125)};
    specs[1].flags = VKN_PLAN_GPU_ROWS_BIT | VKN_PLAN_EARLY_CAST_BIT;
    specs[2].gammaOffset = 1.0f;
    std::vector<VknPlan> plans;
    for (const PlanSpec& description : specs) {
        plans.push_back(gpu().plan(description));
    }
    size_t size = 0;
    ASSERT_EQ(vknSerializePlans(3, plans.data(), &size, nullptr), VKN_SUCCESS);
    std::vector<uint8_t> list(size);
    size_t tooSmall = size - 1;
    EXPECT_EQ(vknSerializePlans(3, plans.data(), &tooSmall, list.data()), VKN_INCOMPLETE);
    ASSERT_EQ(vknSerializePlans(3, plans.data(), &size, list.data()), VKN_SUCCESS);

    uint32_t count = 0;
    VknError error = emptyError();
    ASSERT_EQ(vknCreatePlansFromList(gpu().context(), size, list.data(), &count, nullptr, &error), VKN_SUCCESS)
        << error.message;
    ASSERT_EQ(count, 3u);
    std::vector<VknPlan> again(3, VKN_NULL_HANDLE);
    uint32_t room = 2;
    EXPECT_EQ(vknCreatePlansFromList(gpu().context(), size, list.data(), &room, again.data(), &error),
              VKN_ERROR_INVALID_ARGUMENT);
    ASSERT_EQ(vknCreatePlansFromList(gpu().context(), size, list.data(), &count, again.data(), &error), VKN_SUCCESS)
        << error.message;
    for (size_t i = 0; i < 3; ++i) {
        VknPlanInfo before{};
        VknPlanInfo after{};
        before.sType = after.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
        vknGetPlanInfo(plans[i], &before);
        vknGetPlanInfo(again[i], &after);
        EXPECT_EQ(std::memcmp(&before, &after, sizeof before), 0) << before.reason << " / " << after.reason;
        vknDestroyPlan(again[i]);
    }
    // A list made from the new plans is the same list.
    for (size_t bit = 0; bit < size * 8; bit += 1 + size * 8 / 61) {
        std::vector<uint8_t> damaged = list;
        damaged[bit / 8] = static_cast<uint8_t>(damaged[bit / 8] ^ (1u << (bit % 8)));
        EXPECT_EQ(vknCreatePlansFromList(gpu().context(), size, damaged.data(), &count, again.data(), &error),
                  VKN_ERROR_BAD_DATA)
            << "bit " << bit;
    }
    for (size_t length = 0; length < size; length += 1 + size / 19) {
        EXPECT_EQ(vknCreatePlansFromList(gpu().context(), length, list.data(), &count, again.data(), &error),
                  VKN_ERROR_BAD_DATA)
            << "length " << length;
    }
}

// What a plan's information does not show comes back from a list as well.
TEST_F(Contexts, PlansOfAListComputeTheSame) {
    NormCase gated;
    gated.plan = spec(64);
    gated.plan.gate = VKN_TYPE_F16;
    gated.plan.activation = VKN_ACTIVATION_GELU;
    gated.plan.normFirst = true;
    gated.plan.parameterRows = 3;
    gated.rows = 7;
    NormCase dyt;
    dyt.plan = spec(64);
    dyt.plan.operation = VKN_OPERATION_DYT;
    dyt.plan.mean = dyt.plan.rstd = false;
    dyt.plan.alpha = -0.4f;
    dyt.plan.rowIndex = true;
    dyt.rows = 7;
    for (const NormCase& norm : {gated, dyt}) {
        NormRun run(gpu(), norm);
        const VknPlan plan = run.plan();
        size_t size = 0;
        ASSERT_EQ(vknSerializePlans(1, &plan, &size, nullptr), VKN_SUCCESS);
        std::vector<uint8_t> list(size);
        ASSERT_EQ(vknSerializePlans(1, &plan, &size, list.data()), VKN_SUCCESS);
        uint32_t count = 1;
        VknPlan again = VKN_NULL_HANDLE;
        ASSERT_EQ(vknCreatePlansFromList(gpu().context(), size, list.data(), &count, &again, nullptr), VKN_SUCCESS);
        gpu().submit([&](VkCommandBuffer commands) {
            EXPECT_EQ(vknCmdExecute(again, commands, &run.executeInfo(), nullptr), VKN_SUCCESS);
        });
        run.download();
        EXPECT_TRUE(run.check());
        vknDestroyPlan(again);
    }
}

TEST_F(Contexts, PlansAreMadeFromSeveralThreads) {
    constexpr size_t kThreads = 4;
    const size_t plansPerThread = isQuickTest() ? 1 : 2;
    std::atomic<size_t> failures{0};
    std::vector<VknPlan> plans(kThreads * plansPerThread, VKN_NULL_HANDLE);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (size_t i = 0; i < plansPerThread; ++i) {
                const PlanSpec description =
                    spec(static_cast<uint32_t>(32 + 8 * i), t % 2 == 0 ? VKN_TYPE_F32 : VKN_TYPE_F16);
                failures +=
                    createPlan(gpu().context(), description, &plans[t * plansPerThread + i], nullptr) != VKN_SUCCESS
                        ? 1u
                        : 0u;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(failures, 0u);
    for (VknPlan plan : plans) {
        vknDestroyPlan(plan);
    }
}

TEST_F(Contexts, PlanInformationIsRight) {
    for (const FormVariant& variant : gpu().variants()) {
        PlanSpec description = spec(1000, VKN_TYPE_BF16);
        description.output = VKN_TYPE_F32;
        description.variant = variant;
        VknPlanInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
        vknGetPlanInfo(gpu().plan(description), &info);
        if (variant.form != VKN_KERNEL_FORM_AUTO) {
            EXPECT_EQ(info.form, variant.form);
        }
        if (variant.subgroupSize != 0) {
            EXPECT_EQ(info.subgroupSize, variant.subgroupSize);
        }
        EXPECT_EQ(info.leastBytesPerRow, 1000u * 2 + 1000 * 4 + 8);
        const uint64_t bytes = 1000u * 2 * info.inputReads + 1000 * 4 + 8;
        EXPECT_GE(info.bytesPerRow, bytes) << info.reason;
        EXPECT_LE(info.bytesPerRow, bytes + (info.rowsAtOnce > 1 ? 999 * 2 : 0)) << info.reason;  // see traffic.cpp
        EXPECT_EQ(info.bytesPerDispatch, 1000u * 2);
        EXPECT_TRUE(info.inputReads == 1 || info.accessesInRegisters == 0) << info.reason;
        EXPECT_TRUE(info.inputReads > 1 || !variant.readTwice) << info.reason;
        EXPECT_LE(info.pushConstantSize, 128u);
        EXPECT_EQ(info.storageBufferCount, 4u);
        EXPECT_STREQ(info.signature, "input output gamma mean+rstd");
        EXPECT_STRNE(info.reason, "");
        EXPECT_NE(info.disturbedState & VKN_DISTURBED_COMPUTE_PIPELINE_BIT, 0u);
        const uint32_t accessed = info.accessesInRegisters * info.elementsPerAccess;
        const uint32_t team = info.workgroupSize / info.rowsPerWorkgroup;
        EXPECT_TRUE(accessed == 0 || uint64_t{accessed} * team >= 1000) << info.reason;
    }
}

TEST_F(Contexts, PlanAccessesAreListed) {
    PlanSpec description = spec(64);
    description.flags = VKN_PLAN_GPU_ROWS_BIT;
    const VknPlan plan = gpu().plan(description);
    uint32_t count = 0;
    ASSERT_EQ(vknGetPlanAccesses(plan, &count, nullptr), VKN_SUCCESS);
    ASSERT_EQ(count, 7u);  // five operands, the rows buffer, the scratch
    std::vector<VknOperandAccess> accesses(count);
    uint32_t room = 2;
    EXPECT_EQ(vknGetPlanAccesses(plan, &room, accesses.data()), VKN_INCOMPLETE);
    EXPECT_EQ(room, 2u);
    ASSERT_EQ(vknGetPlanAccesses(plan, &count, accesses.data()), VKN_SUCCESS);
    size_t rowsBuffers = 0;
    size_t scratches = 0;
    for (const VknOperandAccess& access : accesses) {
        EXPECT_NE(access.stageMask & VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0u);
        const bool isWritten =
            access.role == VKN_ROLE_OUTPUT || access.role == VKN_ROLE_MEAN || access.role == VKN_ROLE_RSTD;
        rowsBuffers += access.isRowsBuffer != VK_FALSE ? 1u : 0u;
        scratches += access.role == 0 && access.isRowsBuffer == VK_FALSE ? 1u : 0u;
        if (access.role != 0) {
            EXPECT_EQ((access.accessMask & VK_ACCESS_SHADER_WRITE_BIT) != 0, isWritten) << access.role;
            EXPECT_NE(access.bufferUsage & VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, 0u);
        }
        if (access.role == 0 && access.isRowsBuffer == VK_FALSE) {
            EXPECT_NE(access.stageMask & VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT, 0u);
            EXPECT_NE(access.bufferUsage & VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT, 0u);
        }
    }
    EXPECT_EQ(rowsBuffers, 1u);
    EXPECT_EQ(scratches, 1u);

    // In place, the output is read as well.
    PlanSpec inPlace = spec(64);
    inPlace.flags = VKN_PLAN_IN_PLACE_BIT;
    count = 7;
    ASSERT_EQ(vknGetPlanAccesses(gpu().plan(inPlace), &count, accesses.data()), VKN_SUCCESS);
    ASSERT_EQ(count, 4u);
    EXPECT_EQ(accesses[0].role, VKN_ROLE_OUTPUT);
    EXPECT_EQ(accesses[0].accessMask, VkAccessFlags{VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT});
}

TEST_F(Contexts, BoundRangesHoldTheTensors) {
    NormCase norm;
    norm.plan = spec(65, VKN_TYPE_F16);
    norm.rows = 7;
    norm.input = {34, 70, 0};
    norm.output.byteOffset = 30;
    NormRun run(gpu(), norm);
    for (const VknRole role : {VKN_ROLE_INPUT, VKN_ROLE_OUTPUT, VKN_ROLE_GAMMA, VKN_ROLE_MEAN}) {
        VknBoundRange range{};
        VknError error = emptyError();
        ASSERT_EQ(vknGetBoundRange(run.plan(), &run.executeInfo(), role, &range, &error), VKN_SUCCESS) << error.message;
        const DeviceTensor& tensor = *run.find(role);
        EXPECT_EQ(range.buffer, tensor.buffer.handle());
        EXPECT_LE(range.offset, tensor.before.layout().byteOffset);
        EXPECT_GE(range.offset + range.size,
                  role == VKN_ROLE_MEAN ? norm.scalarsOffsetBytes + 28 : tensor.before.layout().endByte() - 10);
        EXPECT_LE(range.offset + range.size, tensor.buffer.size());
    }
    VknBoundRange range{};
    EXPECT_EQ(vknGetBoundRange(run.plan(), &run.executeInfo(), VKN_ROLE_BETA, &range, nullptr),
              VKN_ERROR_INVALID_ARGUMENT);
}

TEST_F(Contexts, SeveralInOneProcess) {
    Gpu& second = open(defaultDeviceOptions());
    NormCase norm;
    norm.plan = spec(300);
    norm.rows = 5;
    NormRun here(gpu(), norm);
    NormRun there(second, norm);
    gpu().submit([&](VkCommandBuffer commands) { here.record(commands); });
    second.submit([&](VkCommandBuffer commands) { there.record(commands); });
    here.download();
    there.download();
    EXPECT_TRUE(here.check());
    EXPECT_EQ(here.find(VKN_ROLE_OUTPUT)->after.bytes(), there.find(VKN_ROLE_OUTPUT)->after.bytes());
}

// Vulkan 1.0 with nothing enabled: the shared form, and every type.
TEST_F(Contexts, Vulkan10WithNothingEnabled) {
    DeviceOptions options = defaultDeviceOptions();
    options.maxApiVersion = VK_API_VERSION_1_0;
    options.disabledExtensions = {"VK_KHR_push_descriptor"};
    Gpu& old = open(options);
    if (!emulatesSubgroups()) {
        EXPECT_EQ(old.contextInfo().usableForms, 1u << VKN_KERNEL_FORM_SHARED);
        EXPECT_EQ(old.contextInfo().subgroupSize, 0u);
    }
    std::vector<NormCase> cases;
    for (const VknType type : {VKN_TYPE_F32, VKN_TYPE_F16, VKN_TYPE_BF16}) {
        NormCase norm;
        norm.plan = spec(1029, type);
        norm.plan.variant = old.variants().front();
        norm.rows = 3;
        cases.push_back(norm);
    }
    runCases(old, cases);
}

// The library believes its host. A feature that the device was not created with is used where the host claims it, and the
// validation layer sees that; so its silence about all other contexts says that those use what was enabled and nothing else.
TEST_F(Contexts, FeaturesThatWereNotEnabledAreSeenToBeUsed) {
    if (!isSynchronisationValidated()) {
        VKNORM_LOUD_SKIP("without a validation layer nobody notices");
    }
    DeviceOptions options = defaultDeviceOptions();
    options.disabledFeatures = kFeatureSubgroupSizeControl | kFeatureComputeFullSubgroups;
    Gpu& plain = open(options);
    for (const bool claims : {false, true}) {
        VkPhysicalDeviceSubgroupSizeControlFeatures control{};
        control.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES;
        control.subgroupSizeControl = control.computeFullSubgroups = claims ? VK_TRUE : VK_FALSE;
        VknContextCreateInfo info{};
        info.sType = VKN_STRUCTURE_TYPE_CONTEXT_CREATE_INFO;
        info.getInstanceProcAddr = plain.device().getInstanceProcAddr();
        info.instance = plain.device().instance();
        info.physicalDevice = plain.device().physicalDevice();
        info.device = plain.device().device();
        info.apiVersion = plain.device().instanceApiVersion();
        info.pEnabledFeatures = &control;
        VknContext context = VKN_NULL_HANDLE;
        VknPlan plan = VKN_NULL_HANDLE;
        EXPECT_EQ(vknCreateContext(&info, &context, nullptr), VKN_SUCCESS);
        EXPECT_EQ(createPlan(context, spec(64), &plan, nullptr), VKN_SUCCESS);
        vknDestroyPlan(plan);
        vknDestroyContext(context);
        const std::vector<std::string> messages = takeMessages(plain);
        EXPECT_EQ(!messages.empty(), claims);
        for (const std::string& message : messages) {
            EXPECT_NE(message.find("ubgroup"), std::string::npos) << message;
        }
    }
}

// A device with four storage buffers: gamma and beta then lie in one.
TEST_F(Contexts, FourStorageBuffersAreEnough) {
    FunctionShim shim(gpu().device());
    shim.maxStorageBuffers = 4;
    PlainContext context(gpu().device(), shim.getInstanceProcAddr());
    VknPlan plan = VKN_NULL_HANDLE;
    VknError error = emptyError();
    PlanSpec description = spec(64);
    description.beta = VKN_TYPE_F32;
    if (emulatesSubgroups()) {
        description.variant = {"shared", VKN_KERNEL_FORM_SHARED, 0, false};
    }
    ASSERT_EQ(createPlan(context.get(), description, &plan, &error), VKN_SUCCESS) << error.message;
    VknPlanInfo info{};
    info.sType = VKN_STRUCTURE_TYPE_PLAN_INFO;
    vknGetPlanInfo(plan, &info);
    EXPECT_EQ(info.storageBufferCount, 4u);
    EXPECT_STREQ(info.signature, "input output gamma+beta mean+rstd");
    vknDestroyPlan(plan);
}

TEST_F(Contexts, NamesAndVersions) {
    EXPECT_EQ(vknGetVersion(), VKN_VERSION);
    EXPECT_STREQ(vknResultName(VKN_ERROR_BAD_DATA), "VKN_ERROR_BAD_DATA");
    EXPECT_NE(vknResultName(static_cast<VknResult>(-999)), nullptr);
    vknDestroyPlan(VKN_NULL_HANDLE);
    vknDestroyContext(VKN_NULL_HANDLE);
    vknDestroyBinding(VKN_NULL_HANDLE);
    vknDestroyBindingPool(VKN_NULL_HANDLE);
}

}  // namespace
}  // namespace vknorm::test
