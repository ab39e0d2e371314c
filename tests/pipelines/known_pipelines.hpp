// Pipelines that a compiler was seen to make without spilling, by a hash of all that it is given. Where nothing of that changed
// there is no need to compile them again, which takes hours for all GPUs.
#pragma once

#include "vknorm/vknorm.h"

#include <string>

namespace vknorm::test {

// From then on, what the context would compile and is in the file is not compiled: it gets handles that stand for nothing. One
// at a time, and for one driver each file.
class KnownPipelines {
public:
    KnownPipelines(VknContext context, const std::string& path);
    ~KnownPipelines();
    KnownPipelines(const KnownPipelines&) = delete;
    KnownPipelines& operator=(const KnownPipelines&) = delete;

    static bool isKnown(VkPipeline pipeline);

    // Writes to the file that a pipeline has no spills.
    void add(VkPipeline pipeline) const;

private:
    std::string path_;
};

}  // namespace vknorm::test
