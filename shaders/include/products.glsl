// The high word of a product. tests/unit compiles this file as C++, too.
#ifndef VKN_PRODUCTS_GLSL
#define VKN_PRODUCTS_GLSL

// Of 16-bit halves, none of whose sums is larger than a word.
uint highOfHalves(uint a, uint b) {
    uint low = (a & 0xFFFFu) * (b & 0xFFFFu);
    uint middle = (a >> 16) * (b & 0xFFFFu) + (low >> 16);
    uint rest = (a & 0xFFFFu) * (b >> 16) + (middle & 0xFFFFu);
    return (a >> 16) * (b >> 16) + (middle >> 16) + (rest >> 16);
}

// Lavapipe 25 multiplies eight lanes as 64-bit numbers, 512 bits at once. With one such product for each row, all of RMSNorm was
// measured to take 1.1 times as long on a processor that has AVX-512.
uint highOfProduct(uint a, uint b) {
    if (kRowsInOrder) { // a CPU
        return highOfHalves(a, b);
    }
    uint high;
    uint low;
    umulExtended(a, b, high, low);
    return high;
}

#endif
