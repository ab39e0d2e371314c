// The self-test of the reductions: recorded by the library, submitted and read back by the host, judged by the library.
#include "base/error.hpp"
#include "device/objects.hpp"
#include "device/pipeline.hpp"
#include "plan/forms.hpp"
#include "record/record.hpp"

#include <cstdio>
#include <cstring>

using namespace vkn;

namespace {

constexpr VknKernelForm kForms[] = {VKN_KERNEL_FORM_SUBGROUP, VKN_KERNEL_FORM_SUBGROUP_SHARED, VKN_KERNEL_FORM_SHARED};
constexpr uint32_t kRepresentativeHiddenSize = 4096;

// The kernel that a form would be used with: the same workgroup and subgroup sizes.
bool chooseForTest(const DeviceFacts& facts, VknKernelForm form, KernelChoice& choice) {
    OperationSpec spec;
    spec.operation = VKN_OPERATION_RMS_NORM;
    spec.hiddenSize = kRepresentativeHiddenSize;
    spec.form = form;
    return (usableForms(facts) & formBit(form)) != 0 && chooseKernel(facts, spec, choice, nullptr) == VKN_SUCCESS;
}

uint32_t wordsOf(const KernelChoice& choice) {
    return VKN_SELF_TEST_WORKGROUPS * choice.workgroupSize * VKN_SELF_TEST_PATTERNS * VKN_SELF_TEST_WORDS;
}

// Calls visit(form, choice, first word of its results) for each form that is tested, in a fixed order, and returns the number
// of words in all.
template <typename Visit>
uint32_t forEachTest(const DeviceFacts& facts, const Visit& visit) {
    uint32_t word = 0;
    for (VknKernelForm form : kForms) {
        KernelChoice choice;
        if (chooseForTest(facts, form, choice)) {
            visit(form, choice, word);
            word += wordsOf(choice);
        }
    }
    return word;
}

struct Expected {
    uint32_t sum = 0;
    uint32_t count = 0;
    uint32_t largest = 0;
};

Expected expectedOf(uint32_t pattern, uint32_t teamSize) {
    Expected expected;
    for (uint32_t lane = 0; lane < teamSize; ++lane) {
        const uint32_t value = VKN_SELF_TEST_VALUE(pattern, lane);
        expected.sum += value;
        expected.count += 1;
        expected.largest = value > expected.largest ? value : expected.largest;
    }
    return expected;
}

bool isRight(const KernelChoice& choice, const uint32_t* words) {
    const uint32_t teams = choice.rowsPerWorkgroup();
    for (uint32_t team = 0; team < VKN_SELF_TEST_WORKGROUPS * teams; ++team) {
        for (uint32_t pattern = 0; pattern < VKN_SELF_TEST_PATTERNS; ++pattern) {
            const Expected expected = expectedOf(pattern + team % teams, choice.teamSize());
            for (uint32_t lane = 0; lane < choice.teamSize(); ++lane, words += VKN_SELF_TEST_WORDS) {
                if (words[0] != expected.sum || words[1] != expected.count || words[2] != expected.sum ||
                    words[3] != expected.largest) {
                    return false;
                }
            }
        }
    }
    return true;
}

void releaseSelfTest(VknContext_T& context) {
    for (VkPipeline& pipeline : context.selfTestPipelines) {
        if (pipeline != VK_NULL_HANDLE) {
            context.functions.DestroyPipeline(context.device, pipeline, context.memory.callbacks());
            pipeline = VK_NULL_HANDLE;
        }
    }
    if (context.selfTestPool != VK_NULL_HANDLE) {
        context.functions.DestroyDescriptorPool(context.device, context.selfTestPool, context.memory.callbacks());
        context.selfTestPool = VK_NULL_HANDLE;
    }
}

VknResult compileTests(VknContext_T& context, VknError* error) {
    const PipelineMaker maker = {context.memory,         context.functions,     context.device,
                                 context.pipelineLayout, context.pipelineCache, false};
    VknResult result = VKN_SUCCESS;
    VknError failure = {};
    bool isAnyCompiled = false;
    forEachTest(context.facts, [&](VknKernelForm form, const KernelChoice& choice, uint32_t) {
        VkPipeline& pipeline = context.selfTestPipelines[form];
        if (pipeline == VK_NULL_HANDLE && (result == VKN_SUCCESS || result == VKN_ERROR_PIPELINE_FAILED)) {
            const VknResult own = makeSelfTestPipeline(maker, choice, pipeline, &failure);
            result = own != VKN_SUCCESS ? own : result;
        }
        isAnyCompiled = isAnyCompiled || pipeline != VK_NULL_HANDLE;
    });
    // A form that does not compile has no result, and so fails.
    if (result == VKN_SUCCESS || (result == VKN_ERROR_PIPELINE_FAILED && isAnyCompiled)) {
        return VKN_SUCCESS;
    }
    return fail(error, result, "", failure.value, failure.limit, "%s", failure.message);
}

}  // namespace

void vknGetSelfTestInfo(VknContext context, VknSelfTestInfo* pInfo) {
    const uint32_t words = forEachTest(context->facts, [](VknKernelForm, const KernelChoice&, uint32_t) {});
    pInfo->bufferSize = uint64_t{words} * sizeof(uint32_t);
    pInfo->bufferAlignment = bindingAlignment(context->facts);
    pInfo->bufferUsage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
}

VknResult vknCmdSelfTest(VknContext context, VkCommandBuffer commandBuffer, VkBuffer buffer, VkDeviceSize offset,
                         VkDeviceSize bufferSize, VknError* pError) {
    if (context == nullptr || commandBuffer == nullptr || buffer == VK_NULL_HANDLE) {
        const char* field = context == nullptr ? "context" : (commandBuffer == nullptr ? "commandBuffer" : "buffer");
        return failArgument(pError, field, 0, 1, "must not be null");
    }
    VknSelfTestInfo info = {};
    vknGetSelfTestInfo(context, &info);
    if (offset % info.bufferAlignment != 0) {
        return failArgument(pError, "offset", offset, info.bufferAlignment,
                            "must be a multiple of VknSelfTestInfo::bufferAlignment");
    }
    if (offset > bufferSize || bufferSize - offset < info.bufferSize) {
        return failArgument(pError, "bufferSize", bufferSize, saturatingAdd(offset, info.bufferSize),
                            "must hold VknSelfTestInfo::bufferSize bytes from offset on");
    }
    if (context->selfTestPool != VK_NULL_HANDLE) {
        releaseSelfTest(*context);  // recorded before and never judged
    }
    VknResult result = compileTests(*context, pError);
    VkDescriptorSet set = VK_NULL_HANDLE;
    VknBindingPool_T sets;
    if (result == VKN_SUCCESS && !context->facts.hasPushDescriptors) {
        result = createSets(*context, 1, sets, pError);
    }
    if (result != VKN_SUCCESS) {
        releaseSelfTest(*context);
        return result;
    }
    DescriptorContents contents;
    contents.add({buffer, offset, info.bufferSize});  // of input and of output
    contents.add({buffer, offset, info.bufferSize});
    if (sets.pool != VK_NULL_HANDLE) {
        // The context keeps the Vulkan pool until the results are in; the array of handles is not needed.
        set = sets.sets[0];
        context->selfTestPool = sets.pool;
        context->memory.release(sets.sets);
        writeSet(*context, set, contents);
        bindSet(*context, commandBuffer, set);
    } else {
        pushSet(*context, commandBuffer, contents);
    }
    bool isFirst = true;
    forEachTest(context->facts, [&](VknKernelForm form, const KernelChoice&, uint32_t word) {
        const SelfTestConstants constants = {word};
        const VkPipeline pipeline = context->selfTestPipelines[form];
        if (pipeline == VK_NULL_HANDLE) {
            return;
        }
        if (!isFirst) {
            // They write different words, but of one bound range.
            recordBarrier(*context, commandBuffer, firstScope(false), secondScope(false));
        }
        isFirst = false;
        context->functions.CmdBindPipeline(commandBuffer, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
        recordConstants(*context, commandBuffer, &constants, sizeof constants);
        context->functions.CmdDispatch(commandBuffer, VKN_SELF_TEST_WORKGROUPS, 1, 1);
    });
    return VKN_SUCCESS;
}

VknResult vknCheckSelfTest(VknContext context, const void* pData, size_t size, VknSelfTestReport* pReport,
                           VknError* pError) {
    if (context == nullptr || pData == nullptr || pReport == nullptr) {
        const char* field = context == nullptr ? "context" : (pData == nullptr ? "pData" : "pReport");
        return failArgument(pError, field, 0, 1, "must not be null");
    }
    VknSelfTestInfo info = {};
    vknGetSelfTestInfo(context, &info);
    if (size != info.bufferSize) {
        return failArgument(pError, "size", size, info.bufferSize, "must be VknSelfTestInfo::bufferSize");
    }
    static const char* const kNames[] = {"", "subgroup", "subgroup and shared memory", "shared memory"};
    pReport->testedForms = 0;
    pReport->failedForms = 0;
    pReport->text[0] = '\0';
    bool wasRecorded = false;
    forEachTest(context->facts, [&](VknKernelForm form, const KernelChoice& choice, uint32_t word) {
        pReport->testedForms |= formBit(form);
        const bool isCompiled = context->selfTestPipelines[form] != VK_NULL_HANDLE;
        wasRecorded = wasRecorded || isCompiled;
        const auto* words = static_cast<const uint32_t*>(pData) + word;
        if (isCompiled && isRight(choice, words)) {
            return;
        }
        pReport->failedForms |= formBit(form);
        const size_t used = strlen(pReport->text);
        snprintf(pReport->text + used, sizeof pReport->text - used, "%sthe %s form %s", used == 0 ? "" : "; ",
                 kNames[form], isCompiled ? "adds up wrongly" : "does not compile");
    });
    if (!wasRecorded) {
        return failArgument(pError, "context", 0, 1, "no self-test was recorded with vknCmdSelfTest");
    }
    if (pReport->failedForms == 0) {
        snprintf(pReport->text, sizeof pReport->text, "passed");
    }
    releaseSelfTest(*context);
    context->failedForms.fetch_or(pReport->failedForms, std::memory_order_acq_rel);
    if (usableForms(context->currentFacts()) == 0) {
        return fail(pError, VKN_ERROR_SELF_TEST_FAILED, "", pReport->failedForms, 0, "%s", pReport->text);
    }
    return VKN_SUCCESS;
}
