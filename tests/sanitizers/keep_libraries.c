/* Part of sanitized test programs. The Vulkan loader unloads drivers before the program ends; reports about them could
 * then not be told from ours, since they no longer have a library's name to be suppressed by. So nothing is unloaded. */
int dlclose(void* handle);

int dlclose(void* handle) {
    (void)handle;
    return 0;
}
