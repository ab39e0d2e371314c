// The rotations of a lane's pieces, for CPUs: rows that follow each other are mostly the heads of one token, which have its position.
// Lavapipe 25 was measured to be 1.3 to 1.4 times as fast as with a cosine and a sine for each pair of each row.
#ifndef VKN_HELD_ROTATIONS_GLSL
#define VKN_HELD_ROTATIONS_GLSL

#if VKN_ALIGNED

VKN_DEFINE_HELD(Rotations, Turning)

uint positionHeld;
bool isPositionHeld = false;

// A loop, because SwiftShader runs both sides of a branch.
void holdRotations(Row row) {
    bool isHeld = isPositionHeld && positionHeld == row.position;
    [[dont_unroll]] for (uint turn = isHeld ? 0u : 1u; turn != 0u; --turn) {
        if (kInterleaved) {
            VKN_FOR_GROUP {
                holdRotations(p, rotationsOf(row.position, pieceStart(0u, p) / 2u));
            }
        } else {
            VKN_FOR_PAIRS_OF_GROUP {
                uint p = firstOfPair(pair);
                holdRotations(p, rotationsOf(row.position, pieceStart(0u, p)));
            }
        }
    }
    positionHeld = row.position;
    isPositionHeld = true;
}

Turning turningOfPiece(Row row, uint p) {
    if (kHoldsRotations) {
        return heldRotations(p);
    }
    return turningOf(row.position);
}

#else

void holdRotations(Row row) {
}

Turning turningOfPiece(Row row, uint p) {
    return turningOf(row.position);
}

#endif

#endif
