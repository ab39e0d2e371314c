// How the rows of a column are divided: a formula, and what the scratch of a plan that trains is sized by.
#include "plan/columns.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace vknorm::test {
namespace {

struct Division {
    vkn::ColumnParts parts;
    uint64_t rowsPerDispatch;
};

Division divide(uint64_t rows, uint32_t hiddenSize, uint64_t rowsPerDispatch) {
    Division division = {{}, rowsPerDispatch};
    division.parts = vkn::divideColumns(rows, hiddenSize, division.rowsPerDispatch);
    return division;
}

TEST(Columns, FewRowsAreOnePart) {
    EXPECT_EQ(divide(1, 64, 1).parts.count, 1u);
    EXPECT_EQ(divide(31, 64, 31).parts.rowsPerPart, 31u);
    EXPECT_EQ(divide(33, 64, 33).parts.count, 2u);
}

TEST(Columns, PartsHoldEveryRowOnce) {
    for (const uint32_t hiddenSize : {1u, 100u, 4096u, 1u << 19, 1u << 24}) {
        for (const uint64_t rows : {1u, 32u, 1000u, 100000u, 0xFFFFFFFFu}) {
            const vkn::ColumnParts parts = divide(rows, hiddenSize, rows).parts;
            EXPECT_GE(parts.count * parts.rowsPerPart, rows) << rows << " " << hiddenSize;
            EXPECT_LT((parts.count - 1) * parts.rowsPerPart, rows) << rows << " " << hiddenSize;
            EXPECT_LE(parts.count, vkn::mostParts(hiddenSize)) << rows << " " << hiddenSize;
        }
    }
}

// However much a device binds, so that it does not change the sums.
TEST(Columns, PartsAreThoseOfTheWholeWhereTheyFit) {
    const vkn::ColumnParts whole = divide(100000, 64, 100000).parts;
    for (const uint64_t rowsPerDispatch : {99999u, 50000u, 77u, 33u}) {
        const Division split = divide(100000, 64, rowsPerDispatch);
        EXPECT_EQ(split.parts.rowsPerPart, whole.rowsPerPart) << rowsPerDispatch;
        EXPECT_EQ(split.parts.count, whole.count) << rowsPerDispatch;
        EXPECT_EQ(split.rowsPerDispatch % whole.rowsPerPart, 0u) << rowsPerDispatch;
        EXPECT_LE(split.rowsPerDispatch, rowsPerDispatch);
        EXPECT_GT(split.rowsPerDispatch, 0u);
    }
    EXPECT_EQ(divide(100000, 64, 7).parts.rowsPerPart, 7u) << "a dispatch that holds less than a part";
}

TEST(Columns, ScratchIsTwoFloatsAColumnAndPart) {
    EXPECT_EQ(vkn::bytesOfParts(3, 100), 2400u);
    EXPECT_LE(vkn::bytesOfParts(vkn::mostParts(4096), 4096), 4u << 20);
}

}  // namespace
}  // namespace vknorm::test
