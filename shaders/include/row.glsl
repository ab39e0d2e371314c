// A row in the making, and the placement that it is made for.
#ifndef VKN_ROW_GLSL
#define VKN_ROW_GLSL

const bool kNormOnBranch =
    kPlacement == VKN_PLACEMENT_SANDWICH || kPlacement == VKN_PLACEMENT_SANDWICH_PRE_NORM;
const bool kBlock = kPlacement != VKN_PLACEMENT_NONE;
const uint kStages = kPlacement == VKN_PLACEMENT_SANDWICH_PRE_NORM ? 2u : 1u;

struct Row {
    uint index; // among the rows of the dispatch
    uint inputStart; // places
    uint input2Start;
    uint residualStart;
    uint gateStart;
    uint storedStart; // of what the last stage's elements are stored in first: the stream, or without one the output
    bool stores;      // in the last stage's first pass
    bool isStored;
    uint parameterStart; // of gamma and beta, from the start of either
    bool isKey;
    uint position; // for RoPE
    Statistics branch; // where the norm is on the branch: its
    uint stage;        // whose elements are looked at
    float scale;       // a power of two by which every element is multiplied; 1 nearly always
};

Row makeRow(uint index) {
    Row row;
    row.index = index;
    row.inputStart = inputRowStart(index);
    row.input2Start = kParallel ? rowStart(kWordInput2, index) : 0u;
    row.residualStart = kBlock ? rowStart(kWordResidual, index) : 0u;
    row.gateStart = kHasGate ? rowStart(kWordGate, index) : 0u;
    row.storedStart = kStoresFirst ? rowStart(kHasResidualOutput ? kWordResidualOutput : kWordOutput, index) : 0u;
    row.stores = false;
    row.isStored = false;
    row.parameterStart = parameterRow(index);
    row.isKey = isKeyRow(index);
    row.position = positionOf(index);
    row.branch = noStatistics();
    row.stage = 0u;
    row.scale = 1.0;
    return row;
}

bool isLastStage(Row row) {
    return kStages == 1u || row.stage + 1u == kStages;
}

#endif
