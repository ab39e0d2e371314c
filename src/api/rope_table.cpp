// The table from which kernels take the angles of rotary position embedding. Pure arithmetic.
#include "base/error.hpp"
#include "vknorm/vknorm.h"

#include <math.h>
#include <string.h>

namespace vkn {

namespace {

constexpr double kTwoPi = 6.283185307179586476925286766559;

struct Ramp {
    double low;
    double high;
};

// The pair that turns `rotations` times within the positions of the training.
double pairOfRotations(const VknRopeTableInfo& info, double rotations) {
    return info.rotarySize * log(info.originalPositions / (rotations * kTwoPi)) / (2 * log(info.theta));
}

double orDefault(double value, double otherwise) { return value != 0 ? value : otherwise; }

// Pairs before the ramp keep their frequency, those behind it are interpolated.
Ramp yarnRamp(const VknRopeTableInfo& info) {
    const double low = floor(pairOfRotations(info, orDefault(info.betaFast, 32)));
    const double high = ceil(pairOfRotations(info, orDefault(info.betaSlow, 1)));
    const double last = info.rotarySize - 1;
    const Ramp ramp = {fmax(low, 0), fmin(high, last)};
    return {ramp.low, ramp.high > ramp.low ? ramp.high : ramp.low + 0.001};
}

double clampToOne(double x) { return fmin(fmax(x, 0), 1); }

// The share of a pair's frequency that is interpolated, the rest being kept.
double interpolatedShare(const VknRopeTableInfo& info, uint32_t pair, double frequency) {
    if (info.scaling == VKN_ROPE_SCALING_YARN) {
        const Ramp ramp = yarnRamp(info);
        return clampToOne((pair - ramp.low) / (ramp.high - ramp.low));
    }
    if (info.scaling == VKN_ROPE_SCALING_LLAMA3) {
        const double rotations = info.originalPositions * frequency / kTwoPi;
        const double kept =
            (rotations - info.lowFrequencyFactor) / (info.highFrequencyFactor - info.lowFrequencyFactor);
        return 1 - clampToOne(kept);
    }
    return info.scaling == VKN_ROPE_SCALING_LINEAR ? 1 : 0;
}

double radiansPerPosition(const VknRopeTableInfo& info, uint32_t pair) {
    const double frequency = pow(info.theta, -2.0 * pair / info.rotarySize);
    const double share = interpolatedShare(info, pair, frequency);
    return share == 0 ? frequency : frequency * (1 - share) + frequency / info.factor * share;
}

// Written so that NaN fails.
VknResult checkPositive(const char* field, double value, VknError* error) {
    return value > 0 && value < 1e30
               ? VKN_SUCCESS
               : fail(error, VKN_ERROR_INVALID_ARGUMENT, field, 0, 0, "must be positive and finite");
}

VknResult checkScaling(const VknRopeTableInfo& info, VknError* error) {
    VknResult result = VKN_SUCCESS;
    if (info.scaling != VKN_ROPE_SCALING_NONE) {
        result = checkPositive("factor", info.factor, error);
    }
    const bool knowsTraining = info.scaling == VKN_ROPE_SCALING_YARN || info.scaling == VKN_ROPE_SCALING_LLAMA3;
    if (result == VKN_SUCCESS && knowsTraining) {
        result = checkPositive("originalPositions", info.originalPositions, error);
    }
    if (result == VKN_SUCCESS && info.scaling == VKN_ROPE_SCALING_YARN) {
        result = checkPositive("betaFast", orDefault(info.betaFast, 32), error);
    }
    if (result == VKN_SUCCESS && info.scaling == VKN_ROPE_SCALING_YARN) {
        result = checkPositive("betaSlow", orDefault(info.betaSlow, 1), error);
    }
    if (result == VKN_SUCCESS && info.scaling == VKN_ROPE_SCALING_LLAMA3) {
        result = checkPositive("lowFrequencyFactor", info.lowFrequencyFactor, error);
    }
    const double distance = info.highFrequencyFactor - info.lowFrequencyFactor;
    if (result == VKN_SUCCESS && info.scaling == VKN_ROPE_SCALING_LLAMA3 && !(distance > 0 && distance < 1e30)) {
        result = fail(error, VKN_ERROR_INVALID_ARGUMENT, "highFrequencyFactor", 0, 0,
                      "must be finite and above lowFrequencyFactor");
    }
    return result;
}

VknResult check(const VknRopeTableInfo& info, VknError* error) {
    const VknResult result = checkStructureType(error, "sType", info.sType, VKN_STRUCTURE_TYPE_ROPE_TABLE_INFO);
    if (result != VKN_SUCCESS) {
        return result;
    }
    if (info.pNext != nullptr) {
        return failArgument(error, "pNext", 1, 0, "must be null");
    }
    if (info.rotarySize == 0 || info.rotarySize % 2 != 0) {
        return failArgument(error, "rotarySize", info.rotarySize, 2, "must be even and at least 2");
    }
    if (!(info.theta > 1 && info.theta < 1e30)) {
        return fail(error, VKN_ERROR_INVALID_ARGUMENT, "theta", 0, 1, "must be above 1 and finite");
    }
    const auto scaling = static_cast<uint32_t>(info.scaling);
    if (scaling > VKN_ROPE_SCALING_LLAMA3) {
        return failArgument(error, "scaling", scaling, VKN_ROPE_SCALING_LLAMA3, "is no VknRopeScaling");
    }
    const auto angles = static_cast<uint32_t>(info.angles);
    if (angles > VKN_ROPE_ANGLES_FP32_PRODUCT) {
        return failArgument(error, "angles", angles, VKN_ROPE_ANGLES_FP32_PRODUCT, "is no VknRopeAngles");
    }
    return checkScaling(info, error);
}

void writePair(const VknRopeTableInfo& info, uint32_t pair, uint32_t* table) {
    const double radians = radiansPerPosition(info, pair);
    if (info.angles == VKN_ROPE_ANGLES_FP32_PRODUCT) {
        const auto nearest = static_cast<float>(radians);
        memcpy(&table[pair], &nearest, sizeof nearest);
        return;
    }
    const double turns = radians / kTwoPi;
    const double fraction = turns - floor(turns);
    const auto bits = static_cast<uint64_t>(ldexp(fraction, 64));
    table[2 * pair] = static_cast<uint32_t>(bits);
    table[2 * pair + 1] = static_cast<uint32_t>(bits >> 32);
}

}  // namespace

}  // namespace vkn

VknResult vknMakeRopeTable(const VknRopeTableInfo* pInfo, uint32_t* pTable, float* pScale, VknError* pError) {
    using namespace vkn;
    if (pInfo == nullptr || pTable == nullptr) {
        return failArgument(pError, pInfo == nullptr ? "pInfo" : "pTable", 0, 1, "must not be null");
    }
    const VknResult result = check(*pInfo, pError);
    if (result != VKN_SUCCESS) {
        return result;
    }
    for (uint32_t pair = 0; pair < pInfo->rotarySize / 2; ++pair) {
        writePair(*pInfo, pair, pTable);
    }
    if (pScale != nullptr) {
        const bool isYarn = pInfo->scaling == VKN_ROPE_SCALING_YARN;
        *pScale = isYarn && pInfo->factor > 1 ? static_cast<float>(0.1 * log(pInfo->factor) + 1) : 1.0F;
    }
    return VKN_SUCCESS;
}
