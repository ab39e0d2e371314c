// Rotary position embedding: pairs of elements turn by an angle that their position and their number give.
#ifndef VKN_ROPE_GLSL
#define VKN_ROPE_GLSL

#ifndef VKN_TURNS_BACK
#define VKN_TURNS_BACK 0
#endif

uint positionOf(uint row) {
    return kRotarySize != 0u ? scalars[pc.words[kWordPositions] + outerOf(row)] : 0u;
}

// (cos, sin) of a pair. Turns are a fraction of 2^64, so whole ones fall away and nothing is rounded; the other angle is the fp32
// product that it is, but its turns are exact again.
vec2 rotationOf(uint position, uint pair) {
    if (kHasCosSin) {
        uint at = pc.words[kWordCosSin] + min(position, pc.words[kWordCosSin + 1u]) * kRotarySize + pair;
        return uintBitsToFloat(uvec2(tables[at], tables[at + kRotarySize / 2u]));
    }
    if (kAnglesOfProducts) {
        float angle = float(position) * uintBitsToFloat(tables[pc.words[kWordRopeTable] + pair]);
        return kRopeScale * cosSinOfTurns(turnsOfAngle(angle));
    }
    uint at = pc.words[kWordRopeTable] + 2u * pair;
    uint carry = highOfProduct(position, tables[at]);
    return kRopeScale * cosSinOfTurns(position * tables[at + 1u] + carry);
}

// Of pairs that are not the row's, the last one's: they are not stored. Gradients turn back.
vec2 rotationWithin(uint position, uint pair) {
    vec2 rotation = rotationOf(position, min(pair, kRotarySize / 2u - 1u));
    return VKN_TURNS_BACK != 0 ? vec2(rotation.x, -rotation.y) : rotation;
}

// On a CPU a position's rotations are kept for the rows that have it: see held_rotations.glsl.
const bool kHoldsRotations = VKN_ALIGNED != 0 && VKN_TURNS_BACK == 0 && kTurns && kRowsInOrder && !kReadAgain;

const uint kPairsOfQuad = kTurnsNeighbours ? 2u : 4u; // halves: with a quad of the other half

// What turns a piece: the position, or where they are held, the rotations.
struct Turning {
    uint position;
    vec4 cosines[2]; // of the pairs of each quad
    vec4 sines[2];
};

Turning turningOf(uint position) {
    vec4 none[2] = vec4[2](vec4(0.0), vec4(0.0));
    return Turning(position, none, none);
}

// The same with the rotations, of pairs from `pair` on.
Turning rotationsOf(uint position, uint pair) {
    Turning turning = turningOf(position);
    [[unroll]] for (uint quad = 0u; quad < kPiece / 4u; ++quad) {
        [[unroll]] for (uint i = 0u; i < kPairsOfQuad; ++i) {
            vec2 rotation = rotationWithin(position, pair + quad * kPairsOfQuad + i);
            turning.cosines[quad][i] = rotation.x;
            turning.sines[quad][i] = rotation.y;
        }
    }
    return turning;
}

// Of pair `i` of a quad, which is pair `pair` of the row.
vec2 rotationOfQuad(Turning turning, uint quad, uint i, uint pair) {
    if (kHoldsRotations) {
        return vec2(turning.cosines[quad][i], turning.sines[quad][i]);
    }
    return rotationWithin(turning.position, pair);
}

vec2 turned(vec2 v, vec2 rotation) {
    vec2 along = v * rotation.x;
    vec2 across = v.yx * rotation.y;
    return vec2(along.x - across.x, along.y + across.y);
}

void turnHalves(inout vec4 low, inout vec4 high, Turning turning, uint quad, uint pair) {
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        vec2 result = turned(vec2(low[i], high[i]), rotationOfQuad(turning, quad, i, pair + i));
        low[i] = result.x;
        high[i] = result.y;
    }
}

// `low` starts at pair `pair`, and `high` half the rotary size behind it.
void turnHalves(inout Piece low, inout Piece high, Turning turning, uint pair) {
    turnHalves(low.a, high.a, turning, 0u, pair);
    if (kPiece == 8u) {
        turnHalves(low.b, high.b, turning, 1u, pair + 4u);
    }
}

// Elements from `column` on, which is even.
vec4 turnNeighbours(vec4 v, Turning turning, uint quad, uint column) {
    vec2 first = turned(v.xy, rotationOfQuad(turning, quad, 0u, column / 2u));
    vec2 second = turned(v.zw, rotationOfQuad(turning, quad, 1u, column / 2u + 1u));
    vec4 result = vec4(first, second);
    uint rest = kRotarySize - min(column, kRotarySize);
    return select(lessThan(uvec4(0u, 1u, 2u, 3u), uvec4(rest)), result, v);
}

Piece turnNeighbours(Piece piece, Turning turning, uint column) {
    piece.a = turnNeighbours(piece.a, turning, 0u, column);
    if (kPiece == 8u) {
        piece.b = turnNeighbours(piece.b, turning, 1u, column + 4u);
    }
    return piece;
}

#endif
