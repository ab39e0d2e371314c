#include <stdio.h>
#include <vknorm/vknorm.h>

int main(void) {
    VknContextCreateInfo info = {0};
    VknContext context = VKN_NULL_HANDLE;
    VknError error = {0};
    error.sType = VKN_STRUCTURE_TYPE_ERROR;
    info.sType = VKN_STRUCTURE_TYPE_CONTEXT_CREATE_INFO;
    if (vknGetVersion() != VKN_VERSION) return 1;
    /* No device: a named error, and nothing to clean up. */
    if (vknCreateContext(&info, &context, &error) != VKN_ERROR_INVALID_ARGUMENT) return 2;
    printf("%s: %s\n", vknResultName(error.code), error.message);
    vknDestroyContext(context);
    return error.field[0] != '\0' ? 0 : 3;
}
