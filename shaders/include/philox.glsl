// The random numbers of dropout: four for each quad of columns, from its place in the tensor alone.
#ifndef VKN_PHILOX_GLSL
#define VKN_PHILOX_GLSL

const uvec2 kPhiloxKeyStep = uvec2(0x9E3779B9u, 0xBB67AE85u);

uvec4 philoxRound(uvec4 counter, uvec2 key) {
    uint high0;
    uint low0;
    uint high1;
    uint low1;
    umulExtended(0xD2511F53u, counter.x, high0, low0);
    umulExtended(0xCD9E8D57u, counter.z, high1, low1);
    return uvec4(high1 ^ counter.y ^ key.x, low1, high0 ^ counter.w ^ key.y, low0);
}

uvec4 philoxRounds(uvec4 counter, uvec2 key) {
    counter = philoxRound(counter, key);
    counter = philoxRound(counter, key + kPhiloxKeyStep);
    counter = philoxRound(counter, key + 2u * kPhiloxKeyStep);
    counter = philoxRound(counter, key + 3u * kPhiloxKeyStep);
    return philoxRound(counter, key + 4u * kPhiloxKeyStep);
}

// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011).
uvec4 philox(uvec4 counter, uvec2 key) {
    if (kFrugal) { // without a loop
        return philoxRounds(philoxRounds(counter, key), key + 5u * kPhiloxKeyStep);
    }
    [[dont_unroll]] for (uint i = 0u; i < 10u; ++i) {
        counter = philoxRound(counter, key);
        key += kPhiloxKeyStep;
    }
    return counter;
}

const bool kParallel = kPlacement == VKN_PLACEMENT_PARALLEL;
const bool kDropout = kDropBelow != 0u;
const uint kSecondStream = 0x80000000u;

uvec2 dropoutSeed() {
    if (kHasSeed) {
        return uvec2(scalars[pc.words[kWordSeed]], scalars[pc.words[kWordSeed] + 1u]);
    }
    return uvec2(pc.words[kDropoutWord + 3u], pc.words[kDropoutWord + 4u]);
}

uvec4 randomQuad(uint row, uint column, uint stream) {
    uint low = pc.words[kDropoutWord] + row;
    uint carry = select(low < row, 1u, 0u);
    uvec4 counter = uvec4(column >> 2, low, pc.words[kDropoutWord + 1u] + carry, pc.words[kDropoutWord + 2u] + stream);
    uvec4 bits = philox(counter, dropoutSeed());
    return kPiece == 2u ? select((column & 2u) != 0u, bits.zwxy, bits) : bits;
}

#endif
