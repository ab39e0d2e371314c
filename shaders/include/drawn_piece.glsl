// Which elements of a piece are dropped, found before the piece is read: in a register of a lane that is by itself.
#ifndef VKN_DRAWN_PIECE_GLSL
#define VKN_DRAWN_PIECE_GLSL

// A bit for each of up to 8 elements, and behind them as many for the second branch.
uint drawnPiece;

uint bitOfQuad(uint column, uint branch) {
    return (column & 4u) + 8u * branch;
}

uint drawnQuad(uint row, uint column, uint branch) {
    uvec4 random = randomQuad(row, column, branch * kSecondStream);
    uvec4 bits = select(lessThan(random, uvec4(kDropBelow)), uvec4(1u, 2u, 4u, 8u), uvec4(0u));
    return (bits.x | bits.y | bits.z | bits.w) << bitOfQuad(column, branch);
}

// A loop, so that the numbers of one branch are alive at a time.
void drawPiece(uint row, uint column, uint firstBranch, uint endBranch) {
    drawnPiece = 0u;
    [[dont_unroll]] for (uint branch = firstBranch; branch < endBranch; ++branch) {
        drawnPiece |= drawnQuad(row, column, branch);
        if (kPiece == 8u) {
            drawnPiece |= drawnQuad(row, column + 4u, branch);
        }
    }
}

bvec4 isDrawn(uint column, uint stream) {
    uint bits = drawnPiece >> bitOfQuad(column, stream != 0u ? 1u : 0u);
    return notEqual(uvec4(bits) & uvec4(1u, 2u, 4u, 8u), uvec4(0u));
}

#endif
