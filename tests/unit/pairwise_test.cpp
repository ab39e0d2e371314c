#include "support/pairwise.hpp"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

namespace vknorm::test {
namespace {

size_t countPairs(const CoveringArray& array, size_t factors) {
    std::set<std::tuple<size_t, int, size_t, int>> pairs;
    for (const std::vector<int>& values : array.cases) {
        for (size_t f = 0; f < factors; ++f) {
            for (size_t g = f + 1; g < factors; ++g) {
                pairs.insert({f, values[f], g, values[g]});
            }
        }
    }
    return pairs.size();
}

TEST(Pairwise, CoversEveryPairWithFewCases) {
    const std::vector<Factor> factors = {{"a", 4}, {"b", 3}, {"c", 3}, {"d", 2}, {"e", 2}, {"f", 5}};
    const CoveringArray array = makeCoveringArray(factors, [](const std::vector<int>&) { return true; });
    EXPECT_EQ(array.allPairs, 4u * 15 + 3 * 12 + 3 * 9 + 2 * 7 + 2 * 5);
    EXPECT_EQ(array.possiblePairs, array.allPairs);
    EXPECT_EQ(array.coveredPairs, array.allPairs);
    EXPECT_EQ(countPairs(array, factors.size()), array.allPairs);
    EXPECT_LE(array.cases.size(), 40u);  // 4 * 5 is the least; the product is 720
}

TEST(Pairwise, ObeysConstraintsAndCountsWhatTheyForbid) {
    const std::vector<Factor> factors = {{"a", 3}, {"b", 3}, {"c", 2}, {"d", 2}};
    // c = 1 needs a = b; the pair (a = 0, b = 1) is then possible with c = 0 only.
    const Constraint isAllowed = [](const std::vector<int>& v) {
        return v[2] != 1 || v[0] == kUnset || v[1] == kUnset || v[0] == v[1];
    };
    const CoveringArray array = makeCoveringArray(factors, isAllowed);
    for (const std::vector<int>& values : array.cases) {
        EXPECT_TRUE(isAllowed(values));
        for (const int value : values) {
            EXPECT_NE(value, kUnset);
        }
    }
    EXPECT_EQ(array.coveredPairs, array.possiblePairs);
    EXPECT_EQ(countPairs(array, factors.size()), array.possiblePairs);

    const Constraint neverBoth = [](const std::vector<int>& v) { return v[2] != 1 || v[3] != 1; };
    const CoveringArray fewer = makeCoveringArray(factors, neverBoth);
    EXPECT_EQ(fewer.possiblePairs + 1, fewer.allPairs);
    EXPECT_EQ(fewer.coveredPairs, fewer.possiblePairs);
}

TEST(Pairwise, IsDeterministic) {
    const std::vector<Factor> factors = {{"a", 4}, {"b", 3}, {"c", 3}, {"d", 2}};
    const Constraint any = [](const std::vector<int>&) { return true; };
    EXPECT_EQ(makeCoveringArray(factors, any).cases, makeCoveringArray(factors, any).cases);
}

TEST(Pairwise, TheFullProductVisitsEveryCaseOnce) {
    const std::vector<Factor> factors = {{"a", 3}, {"b", 2}, {"c", 2}};
    std::set<std::vector<int>> seen;
    forEachCase(
        factors, [](const std::vector<int>& v) { return v[0] != 0 || v[1] != 1; },
        [&](const std::vector<int>& v) { return seen.insert(v).second; });
    EXPECT_EQ(seen.size(), 10u);
    size_t visits = 0;
    forEachCase(
        factors, [](const std::vector<int>&) { return true; }, [&](const std::vector<int>&) { return ++visits < 4; });
    EXPECT_EQ(visits, 4u);
}

}  // namespace
}  // namespace vknorm::test
