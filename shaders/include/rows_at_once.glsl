// Several rows at a time by one team, for CPUs: what rows share is read once for all of them, and their loads do not wait for each
// other. A row has the sums that it has by itself, in the same order, so its bits are the same. The choice of kernel sees to it
// that there is one norm, and that nothing but statistics differs from row to row.
#ifndef VKN_ROWS_AT_ONCE_GLSL
#define VKN_ROWS_AT_ONCE_GLSL

#if VKN_SUBGROUPS && VKN_ALIGNED

// Rows have literal indices: see VKN_EACH_HELD.
#define VKN_EACH_ROW(DO) DO(0u) DO(1u) DO(2u) DO(3u)

// DO(firstChunk, p) for each chunk of a group: unrolled, which halves the time where a turn of a loop costs as much as its loads.
#define VKN_FOR_CHUNKS(FIRST, DO)                                                                                        \
    [[unroll]] for (uint p = 0u; p < kGroup; ++p) {                                                                      \
        DO(FIRST, p);                                                                                                    \
    }

Row rowAtOnce[VKN_MAX_ROWS_AT_ONCE];
float sumAtOnce[VKN_MAX_ROWS_AT_ONCE];
vec2 momentsAtOnce[VKN_MAX_ROWS_AT_ONCE];
LaneMoments laneAtOnce[VKN_MAX_ROWS_AT_ONCE];
Statistics statisticsAtOnce[VKN_MAX_ROWS_AT_ONCE];
OutputRow targetAtOnce[VKN_MAX_ROWS_AT_ONCE];

// Of a row at hand.
Piece readPiece(Row row, uint firstChunk, uint p) {
    return stagePiece(row, pieceStart(firstChunk, p), pieceCount(firstChunk, p));
}

// As it is behind the first pass.
Row storedRow(Row row) {
    row.isStored = kStoresFirst;
    return row;
}

void addSums(uint firstChunk, uint p) {
#define VKN_ADD_SUM(R)                                                                                                   \
    if (R < kRowsAtOnce) {                                                                                               \
        sumAtOnce[R] = addSum(sumAtOnce[R], readPiece(rowAtOnce[R], firstChunk, p));                                     \
    }
    VKN_EACH_ROW(VKN_ADD_SUM)
}

// Sets the centre of each lane's first group.
void centreRows(float elements) {
#define VKN_START_SUM(R) sumAtOnce[R] = 0.0;
    VKN_EACH_ROW(VKN_START_SUM)
    VKN_FOR_CHUNKS(0u, addSums)
#define VKN_SET_CENTRE(R)                                                                                                \
    if (R < kRowsAtOnce) {                                                                                               \
        laneAtOnce[R].centre = centreOfGroup(sumAtOnce[R], elements);                                                    \
    }
    VKN_EACH_ROW(VKN_SET_CENTRE)
}

void addMomentsOfChunk(uint firstChunk, uint p) {
    uint column = pieceStart(firstChunk, p);
    uint count = pieceCount(firstChunk, p);
#define VKN_ADD_MOMENTS(R)                                                                                               \
    if (R < kRowsAtOnce) {                                                                                               \
        Piece piece = readPiece(rowAtOnce[R], firstChunk, p);                                                            \
        if (kStoresFirst) {                                                                                              \
            storeStage(rowAtOnce[R], column, count, piece);                                                              \
        }                                                                                                                \
        momentsAtOnce[R] = addMomentsOf(momentsAtOnce[R], piece, column, count, laneAtOnce[R].centre);                   \
    }
    VKN_EACH_ROW(VKN_ADD_MOMENTS)
}

void addGroups(uint firstChunk) {
    float elements = kLayerNorm && kReadAgain ? float(groupElements(firstChunk)) : 0.0;
    if (kLayerNorm && firstChunk == 0u) {
        centreRows(elements);
    }
#define VKN_START_MOMENTS(R) momentsAtOnce[R] = vec2(0.0);
    VKN_EACH_ROW(VKN_START_MOMENTS)
    VKN_FOR_CHUNKS(firstChunk, addMomentsOfChunk)
#define VKN_ADD_GROUP(R)                                                                                                 \
    if (R < kRowsAtOnce) {                                                                                               \
        laneAtOnce[R] = addGroupOfLane(laneAtOnce[R], firstChunk, elements, momentsAtOnce[R]);                           \
    }
    VKN_EACH_ROW(VKN_ADD_GROUP)
}

// False where a row must be scaled first.
bool takeStatistics() {
    [[dont_unroll]] VKN_FOR_ROW {
        addGroups(firstChunk);
    }
    bool isUsual = true;
#define VKN_MAKE_STATISTICS(R)                                                                                           \
    if (R < kRowsAtOnce) {                                                                                               \
        Moments moments = joinLanes(laneAtOnce[R]);                                                                      \
        statisticsAtOnce[R] = makeStatistics(moments, 1.0, float(statisticsSize()), kEpsilon);                           \
        isUsual = isUsual && !isOutOfRange(moments.squares);                                                             \
    }
    VKN_EACH_ROW(VKN_MAKE_STATISTICS)
    return !anyTeam(!isUsual);
}

KnownWeights weightsOfRows(uint p, uint column, uint count) {
    if (kHoldsWeights) {
        return heldWeights(p);
    }
    KnownWeights weights = noWeights();
    if (kHasGamma) {
        weights.gamma = gammaPiece(rowAtOnce[0], column, count);
    }
    if (kHasBeta) {
        weights.beta = betaPiece(rowAtOnce[0], column, count);
    }
    return weights;
}

void storeChunk(uint firstChunk, uint p) {
    uint column = pieceStart(firstChunk, p);
    uint count = pieceCount(firstChunk, p);
    KnownWeights weights = weightsOfRows(p, column, count);
#define VKN_STORE_PIECE(R)                                                                                               \
    if (R < kRowsAtOnce) {                                                                                               \
        Piece piece = readPiece(storedRow(rowAtOnce[R]), firstChunk, p);                                                 \
        if (kHasResidualOutput && !kStoresFirst) {                                                                       \
            storeResidualOutput(targetAtOnce[R].residualStart, column, count, piece);                                    \
        }                                                                                                                \
        piece = applyKnownWeights(normalise(piece, statisticsAtOnce[R], column, count), weights);                        \
        storeQuantised(targetAtOnce[R], piece, column, count);                                                           \
    }
    VKN_EACH_ROW(VKN_STORE_PIECE)
}

void storeRows() {
    [[dont_unroll]] VKN_FOR_ROW {
        VKN_FOR_CHUNKS(firstChunk, storeChunk)
    }
}

// kRowsAtOnce rows from `index` on; false, and at most streams are written, where one must be scaled first.
bool processRowsAtOnce(uint index) {
#define VKN_START_ROW(R)                                                                                                 \
    if (R < kRowsAtOnce) {                                                                                               \
        rowAtOnce[R] = makeRow(index + R);                                                                               \
        laneAtOnce[R] = emptyLaneMoments();                                                                              \
        targetAtOnce[R] = makeOutputRow(index + R);                                                                      \
    }
    VKN_EACH_ROW(VKN_START_ROW)
    if (!takeStatistics()) {
        return false;
    }
#define VKN_SAVE_STATISTICS(R)                                                                                           \
    if (R < kRowsAtOnce) {                                                                                               \
        saveStatistics(rowAtOnce[R], statisticsAtOnce[R]);                                                               \
    }
    VKN_EACH_ROW(VKN_SAVE_STATISTICS)
    storeRows();
    return true;
}

#else

bool processRowsAtOnce(uint index) {
    return false;
}

#endif

#endif
