// Where a row's elements lie, and which parameters they have.
#ifndef VKN_ELEMENTS_GLSL
#define VKN_ELEMENTS_GLSL

// Where element `column` of a row lies, from the row's first.
uint elementOf(uint column) {
    if (!kChannelsLast) {
        return column;
    }
    uint pixel = column / kGroupChannels;
    return pixel * (kGroupChannels * kParameterRows) + (column - pixel * kGroupChannels);
}

// Which element of its row of gamma and beta an element has.
uint parameterOf(uint column) {
    if (kChannelsLast) {
        return column % kGroupChannels;
    }
    return kChannelsFirst ? column / (hiddenSize() / kGroupChannels) : column;
}

#endif
