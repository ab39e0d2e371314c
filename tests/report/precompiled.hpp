// What all tests of this folder compile; sources include what they use all the same.
#pragma once

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
