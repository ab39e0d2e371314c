/* An engine written in C: compiled as C99 and linked by the C compiler, so any need of the C++ runtime fails to link. */
#include <stdio.h>
#include <vknorm/vknorm.h>

/* Taking every entry point's address pulls every object file of a static library in. */
static void (*const kEntryPoints[])(void) = {
#define ENTRY(name) (void (*)(void)) name,
#include "entry_points.inc"
#undef ENTRY
};

int main(void) {
    const unsigned count = (unsigned)(sizeof kEntryPoints / sizeof kEntryPoints[0]);
    unsigned i;
    for (i = 0; i < count; ++i) {
        if (!kEntryPoints[i]) return 1;
    }
    if (vknGetVersion() != VKN_VERSION) return 2;
    printf("vknorm %u.%u.%u, %u entry points\n", (unsigned)VKN_VERSION_MAJOR, (unsigned)VKN_VERSION_MINOR,
           (unsigned)VKN_VERSION_PATCH, count);
    return 0;
}
