// The order of a row's chunks: which are a lane's, and where their pieces start and end.
#ifndef VKN_ORDER_GLSL
#define VKN_ORDER_GLSL

const uint kPiecesOfGroup = kGroup * kPiecesOfChunk;

// Pieces that are held have literal indices, so that their array is registers whether or not a driver unrolls a loop before it
// decides.
#define VKN_EACH_HELD(DO, NAME)                                                                                          \
    DO(NAME, 0u) DO(NAME, 1u) DO(NAME, 2u) DO(NAME, 3u) DO(NAME, 4u) DO(NAME, 5u) DO(NAME, 6u) DO(NAME, 7u)
#define VKN_HOLD(NAME, INDEX)                                                                                            \
    if (INDEX < kPiecesOfGroup && p == INDEX) {                                                                          \
        all##NAME[INDEX] = value;                                                                                        \
    }
#define VKN_TAKE(NAME, INDEX)                                                                                            \
    if (INDEX < kPiecesOfGroup && p == INDEX) {                                                                          \
        value = all##NAME[INDEX];                                                                                        \
    }

// Defines void holdNAME(p, TYPE) and TYPE heldNAME(p), for each piece of a group.
#define VKN_DEFINE_HELD(NAME, TYPE)                                                                                      \
    TYPE all##NAME[VKN_MAX_GROUP];                                                                                       \
    void hold##NAME(uint p, TYPE value) {                                                                                \
        VKN_EACH_HELD(VKN_HOLD, NAME)                                                                                    \
    }                                                                                                                    \
    TYPE held##NAME(uint p) {                                                                                            \
        TYPE value = all##NAME[0];                                                                                       \
        VKN_EACH_HELD(VKN_TAKE, NAME)                                                                                    \
        return value;                                                                                                    \
    }

uint chunksIn(uint elements) {
    return (elements + kChunk - 1u) / kChunk;
}

// The first element of a lane's chunk, and the end of the part of the row that it is in.
//
// Where channels are last, a chunk has channels of one pixel.
//
// With half-split RoPE, a lane's chunks come in pairs: one of either half, and when these are spent, two of the elements that do
// not turn.
uvec2 rangeOfChunk(uint chunk) {
    if (kChannelsLast) {
        uint number = chunk * teamSize() + teamLane();
        uint pixel = number / chunksIn(kGroupChannels);
        uint first = pixel * kGroupChannels;
        uvec2 range = uvec2(first + (number - pixel * chunksIn(kGroupChannels)) * kChunk, first + kGroupChannels);
        return select(first < hiddenSize(), range, uvec2(0u));
    }
    if (!kHalfSplit) {
        return uvec2((chunk * teamSize() + teamLane()) * kChunk, hiddenSize());
    }
    uint pair = (chunk >> 1) * teamSize() + teamLane();
    uint side = chunk & 1u;
    uint pairsThatTurn = chunksIn(kRotarySize / 2u);
    uvec2 turning = uvec2(pair * kChunk, kRotarySize / 2u) + side * (kRotarySize / 2u);
    uvec2 rest = uvec2(kRotarySize + ((pair - pairsThatTurn) * 2u + side) * kChunk, hiddenSize());
    return select(pair < pairsThatTurn, turning, rest);
}

uint chunksOfLane() {
    if (!kReadAgain) {
        return kGroup;
    }
    if (kChannelsLast) {
        return (hiddenSize() / kGroupChannels * chunksIn(kGroupChannels) + teamSize() - 1u) / teamSize();
    }
    if (!kHalfSplit) {
        return (chunksIn(hiddenSize()) + teamSize() - 1u) / teamSize();
    }
    uint pairs = chunksIn(kRotarySize / 2u) + (chunksIn(hiddenSize() - kRotarySize) + 1u) / 2u;
    return (pairs + teamSize() - 1u) / teamSize() * 2u;
}

// Which chunk of its group a piece is of, and which piece of that chunk it is. Divisions by one are left in by SwiftShader.
uint chunkOfPiece(uint p) {
    return kPiecesOfChunk == 1u ? p : p / kPiecesOfChunk;
}

uint pieceOfChunk(uint p) {
    return kPiecesOfChunk == 1u ? 0u : p % kPiecesOfChunk;
}

// The first element of piece `p` of the group that starts at chunk `firstChunk` of each lane. Where nothing else is asked for, what
// the pieces of a group share is apart from what differs, which is a constant: SwiftShader does all the sums that it is given.
uint pieceStart(uint firstChunk, uint p) {
    uint within = pieceOfChunk(p) * kPiece;
    if (kHalfSplit && kWholeGroups) { // all turn, and each lane has as many
        uint chunk = firstChunk + chunkOfPiece(p);
        return ((chunk >> 1) * teamSize() + teamLane()) * kChunk + ((chunk & 1u) * (kRotarySize / 2u) + within);
    }
    if (kChannelsLast || kHalfSplit) {
        return rangeOfChunk(firstChunk + chunkOfPiece(p)).x + within;
    }
    uint step = teamSize() * kChunk;
    return (firstChunk * step + teamLane() * kChunk) + (chunkOfPiece(p) * step + within);
}

// How many of its elements the row has. All but the last chunk of a row in registers are whole.
uint pieceCount(uint firstChunk, uint p) {
    if (kWholeGroups) {
        return kPiece;
    }
    if (!kReadAgain && !kHalfSplit && !kChannelsLast && chunkOfPiece(p) + 1u < kGroup) {
        return kPiece;
    }
    uint end = rangeOfChunk(firstChunk + chunkOfPiece(p)).y;
    return min(end - min(pieceStart(firstChunk, p), end), kPiece);
}

// Of the two pieces that turn with each other, whether `p` is the first; the other is kPiecesOfChunk further.
bool isFirstOfPair(uint p) {
    return (chunkOfPiece(p) & 1u) == 0u;
}

// The first piece of a pair of a group.
uint firstOfPair(uint pair) {
    return 2u * chunkOfPiece(pair) * kPiecesOfChunk + pieceOfChunk(pair);
}

#define VKN_FOR_PAIRS_OF_GROUP [[unroll]] for (uint pair = 0u; pair < kPiecesOfGroup / 2u; ++pair)

#endif
