// SPIR-V modules as the library holds them, packed: in a tenth of their bytes, and unpacked in a fraction of the time that a driver
// takes for the module. tools/pack_module.cpp packs them at build time, with this header, which so includes nothing of the
// library's. General compressors see little in SPIR-V, whose ids differ in each copy of a piece of code; and to link one would be
// a dependency that every engine had to carry.
//
// Numbers are little-endian base 128: seven bits a byte, the high bit set on all but the last.
//
// A module may be like another, its form without subgroups or for rows that are not aligned: then matches go back into the other's
// code as well, which precedes its own.
//
//   packed module    the module's words, the bytes of their code, the checksum of the words: three numbers; then sequences until
//                    there is all of the code
//   sequence         a token; bits 0-2: how many literal bytes follow (7: plus a number that follows at once); bit 3: the match is
//                    as far back as the last; bits 4-7: bytes of the match less 3 (15: plus a number, behind the literals), and a
//                    number, the match's distance, unless bit 3 is set. What ends the code has no match.
//   code             the header's five words, as numbers; then of each instruction its opcode, its words, and its operands
//   operand          odd, 2w + 1: the word w. Even, 2d: an id, d before the next; with d = 0 the next itself, which then moves on.
//                    The first is 1. What ids a piece of code uses is the same, relative to it, in each of its copies: that is
//                    what matches find.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vkn {

constexpr uint32_t kPackedHeaderWords = 5;  // of a module, before its instructions
constexpr uint32_t kMostLiteralsOfToken = 7;
constexpr uint32_t kRepeatBit = 8;
constexpr uint32_t kMostMatchOfToken = 15;
constexpr uint32_t kLeastMatch = 3;
constexpr uint32_t kMostCode = 1u << 24;  // bytes; there are fewer words

struct PackedBytes {
    const uint8_t* data;
    size_t size;
};

struct PackedHeader {
    uint32_t wordCount = 0;
    uint32_t codeSize = 0;
    uint32_t checksum = 0;
};

// False where the data are damaged, as below. Nothing is accessed outside of what is handed in, whatever the data are.
bool readPackedHeader(const PackedBytes& packed, PackedHeader& header);

// `code`: codeSize bytes, behind `precedingSize` of what the module is like.
bool expandCode(const PackedBytes& packed, const PackedHeader& header, uint8_t* code, size_t precedingSize);

// `code`: what expandCode() has written; `words`: wordCount of them.
bool decodeWords(const PackedHeader& header, const uint8_t* code, uint32_t* words);

uint32_t checksumOf(const uint32_t* words, uint32_t count);

}  // namespace vkn
