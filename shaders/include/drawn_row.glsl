// Which elements of a row are dropped, found before the row is read: in shared memory.
#ifndef VKN_DRAWN_ROW_GLSL
#define VKN_DRAWN_ROW_GLSL

// A bit for each element of the row, and as many for the second branch.
shared uint drawnRow[VKN_DRAWN_WORDS];
const uint kBranches = kParallel ? 2u : 1u;

uint drawnWords() {
    return (hiddenSize() + 31u) / 32u;
}

void clearDrawnRow() {
    barrier(); // the row before has been read
    [[dont_unroll]] for (uint i = teamLane(); i < kBranches * drawnWords(); i += teamSize()) {
        drawnRow[i] = 0u;
    }
    barrier();
}

// The team is the workgroup.
void drawRow(uint row) {
    clearDrawnRow();
    [[dont_unroll]] for (uint branch = 0u; branch < kBranches; ++branch) {
        [[dont_unroll]] for (uint column = 4u * teamLane(); column < hiddenSize(); column += 4u * teamSize()) {
            uvec4 random = randomQuad(row, column, branch * kSecondStream);
            uvec4 ones = uvec4(1u, 2u, 4u, 8u) << (column & 31u);
            uvec4 bits = select(lessThan(random, uvec4(kDropBelow)), ones, uvec4(0u));
            atomicOr(drawnRow[branch * drawnWords() + column / 32u], bits.x | bits.y | bits.z | bits.w);
        }
    }
    barrier();
}

// A pair does not cross words.
bvec4 isDrawn(uint column, uint stream) {
    uint word = drawnRow[select(stream != 0u, drawnWords(), 0u) + column / 32u];
    uvec4 bits = (word >> (column & 31u)) & uvec4(1u, 2u, 4u, 8u);
    return notEqual(bits, uvec4(0u));
}

#endif
