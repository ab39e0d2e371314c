// The statistics of a row, from the pieces of its groups.
#ifndef VKN_ROW_STATISTICS_GLSL
#define VKN_ROW_STATISTICS_GLSL

// What elements are centred on at first, from the sum of the first group: the row's mean where the group is all of it,
// otherwise the mean of what the lane has read.
float centreOfGroup(float sum, float elements) {
    if (kReadAgain) {
        return elements > 0.0 ? sum / elements : 0.0;
    }
    return addOverTeam(sum) / float(statisticsSize());
}

// A lane that reads on moves its centre to its mean so far whenever the groups it has seen have doubled. Without a mean there is no
// sum, and adding its zeros up costs SwiftShader a seventh of a row's time.
LaneMoments addGroupOfLane(LaneMoments lane, uint firstChunk, float elements, vec2 moments) {
    if (!kLayerNorm) {
        lane.squares = add(lane.squares, moments.y);
        return lane;
    }
    lane = addGroup(lane, elements, moments);
    uint groups = firstChunk / kGroup + 1u;
    if (kReadAgain && (groups & (groups - 1u)) == 0u) {
        lane = recentre(lane);
    }
    return lane;
}

LaneMoments addGroupOfRow(LaneMoments lane, Row row, uint firstChunk) {
    reloadGroup(row, firstChunk);
    if (kStoresFirst && row.stores && isLastStage(row)) {
        storeGroup(row, firstChunk);
    }
    float elements = kLayerNorm && kReadAgain ? float(groupElements(firstChunk)) : 0.0;
    if (kLayerNorm && firstChunk == 0u) {
        lane.centre = centreOfGroup(groupSum(row, 0u), elements);
    }
    return addGroupOfLane(lane, firstChunk, elements, groupMoments(row, firstChunk, lane.centre));
}

LaneMoments momentsOfLane(Row row) {
    LaneMoments lane = emptyLaneMoments();
    if (!kReadAgain) { // without the loop, which costs SwiftShader as much as the sums
        return addGroupOfRow(lane, row, 0u);
    }
    VKN_FOR_ROW {
        lane = addGroupOfRow(lane, row, firstChunk);
    }
    return lane;
}

// Of all that a lane has, about a centre that is the row's. The sum of distances from the mean is all rounding, and squares are
// of no use before there is a mean, so one of the two has its own rounding error added up.
vec2 frugalMomentsOfLane(Row row, float centre, bool isForMean) {
    if (!kReadAgain) {
        return groupMoments(row, 0u, centre);
    }
    CompensatedSum exact = CompensatedSum(0.0, 0.0);
    float rough = 0.0;
    VKN_FOR_PIECES_OF_LANE {
        vec2 moments = addMoments(vec2(0.0), row, 0u, p, centre);
        exact = add(exact, select(isForMean, moments.x, moments.y));
        rough += kLayerNorm ? moments.x : 0.0;
    }
    return select(isForMean, vec2(value(exact), 0.0), vec2(rough, value(exact)));
}

// LayerNorm's mean comes from a pass of its own even where the row is read in groups, and that pass is the other's code.
Moments frugalMoments(Row row) {
    Moments moments = Moments(0.0, 0.0, 0.0);
    [[dont_unroll]] for (uint turn = kLayerNorm ? 0u : 1u; turn < 2u; ++turn) {
        vec2 sums = addOverTeam(frugalMomentsOfLane(row, moments.centre, turn == 0u));
        float centre = select(turn == 0u, sums.x / float(statisticsSize()), moments.centre);
        moments = Moments(centre, sums.x, sums.y);
    }
    return moments;
}

// A row's moments from those of its lanes.
Moments joinLanes(LaneMoments lane) {
    if (!kLayerNorm) {
        return Moments(0.0, 0.0, addOverTeam(value(lane.squares)));
    }
    float centre = lane.centre;
    vec2 moments = vec2(value(lane.sum), value(lane.squares));
    if (kReadAgain) { // each lane has a centre of its own
        centre = addOverTeam(sumOfLane(lane)) / float(statisticsSize());
        moments = momentsAbout(lane, centre);
    }
    moments = addOverTeam(moments);
    return Moments(centre, moments.x, moments.y);
}

Moments momentsOfRow(Row row) {
    if (kFrugal) {
        return frugalMoments(row);
    }
    return joinLanes(momentsOfLane(row));
}

// Rare, so it reads the row anew and leaves the registers to the usual path.
uint maxMagnitudeOfRow(Row row) {
    uint magnitude = 0u;
    VKN_FOR_PIECES_OF_LANE {
        Piece piece = keepPartial(loadPiece(row, 0u, p), pieceStart(0u, p));
        magnitude = max(magnitude, max(maxMagnitude(piece.a), kPiece == 8u ? maxMagnitude(piece.b) : 0u));
    }
    return maxOverTeam(magnitude);
}

// As below, of a row whose stream is stored on the way. What it was made of may then be gone, so summing up again is other code.
Statistics statisticsOfStoredRow(inout Row row) {
    Moments moments = momentsOfRow(row);
    row.isStored = isLastStage(row);
    row.stores = row.stores && !row.isStored;
    [[dont_unroll]] for (uint rescale = anyTeam(isOutOfRange(moments.squares)) ? 1u : 0u; rescale != 0u; --rescale) {
        float factor = rescalingFactor(maxMagnitudeOfRow(row), kEpsilon);
        row.scale = isOutOfRange(moments.squares) ? factor : 1.0;
        moments = momentsOfRow(row);
    }
    return makeStatistics(moments, row.scale, float(statisticsSize()), kEpsilon);
}

// A row whose squares overflow or underflow is scaled by a power of two and summed up again. A loop, so that the sums are in the
// code once; and what is rare is a loop in it, because SwiftShader passes over a loop that has no turn, but runs both sides of a
// branch.
Statistics statisticsOfRow(inout Row row) {
    if (kStoresFirst) {
        return statisticsOfStoredRow(row);
    }
    Moments moments;
    [[dont_unroll]] for (uint attempt = 0u; attempt < 2u; ++attempt) {
        [[dont_unroll]] for (uint rescale = attempt; rescale != 0u; --rescale) {
            float factor = rescalingFactor(maxMagnitudeOfRow(row), kEpsilon);
            // Rows that share a workgroup in an emulating test build keep their scale.
            row.scale = isOutOfRange(moments.squares) ? factor : 1.0;
        }
        if (!kReadAgain && kHoldScaled) {
            loadGroup(row, 0u);
        }
        moments = momentsOfRow(row);
        if (attempt != 0u || !anyTeam(isOutOfRange(moments.squares))) {
            break;
        }
    }
    return makeStatistics(moments, row.scale, float(statisticsSize()), kEpsilon);
}

#endif
