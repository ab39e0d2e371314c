// What the program is linked with.
#include "gpu/gpu.hpp"

namespace vknorm::test {

bool emulatesSubgroups() {
#ifdef VKN_EMULATE_SUBGROUPS
    return true;
#else
    return false;
#endif
}

}  // namespace vknorm::test
