// The functions of shaders/include/functions.glsl: what they are exactly, and how far a kernel's may be from that.
#pragma once

#include "fp32.hpp"

#include <vknorm/vknorm.h>

namespace vknorm::test {

enum class FunctionId {
    Exp,
    Sigmoid,
    Tanh,
    Silu,
    Gelu,
    GeluTanh,
    Relu,
};

// Units are of the exact result's last place in fp32, where that result is a normal number; no other result is farther
// off than the smallest normal number.
struct FunctionFacts {
    FunctionId id;
    const char* name;
    double (*exact)(double);
    double ulps;             // with a correctly rounded `/`
    double ulpsOfAnyDevice;  // with the 2.5 ULP that Vulkan permits it
    double largest;          // magnitude that no result is beyond, however wrong `/` is
};

const FunctionFacts& functionFacts(FunctionId function);
const FunctionFacts& activationFacts(VknActivation activation);

// f(x), rounded once; and everything that a kernel may make of it.
Fp32 apply(const FunctionFacts& function, Fp32 x);
// x is a number, or an interval on which the function is monotonic, as all are from 0 to any subnormal number.
Fp32Range apply(const FunctionFacts& function, const Fp32Range& x);

}  // namespace vknorm::test
