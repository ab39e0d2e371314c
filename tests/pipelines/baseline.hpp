// What a driver's compiler made of each pipeline when a baseline was written, and what has become worse since. One file for each
// device and version of its driver; what another version does is not compared with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace vknorm::test {

struct PipelineFigures {
    uint64_t spills = 0;
    uint64_t registers = 0;
    std::optional<uint64_t> instructions;  // absent where the driver does not tell
    std::optional<uint64_t> occupancy;
    std::optional<uint64_t> wideAccesses;  // of 128 bits; absent where the code is not read
};

class Baseline {
public:
    explicit Baseline(std::string driver) : driver_(std::move(driver)) {}

    // Throws, with the line, where the text is no baseline.
    static Baseline read(std::istream& text);
    void write(std::ostream& text) const;

    // Several of one name are told apart by their order.
    void add(const std::string& pipeline, const PipelineFigures& figures);

    const std::string& driver() const { return driver_; }
    size_t size() const { return pipelines_.size(); }

    // A line for each that spills more than before, has fewer 128-bit accesses, or that only one of the two has.
    std::vector<std::string> faultsAgainst(const Baseline& before) const;
    // What else has changed, for people: "registers 3 more, 1 less; instructions …".
    std::string changesSince(const Baseline& before) const;

private:
    std::string driver_;
    std::map<std::string, PipelineFigures> pipelines_;
};

}  // namespace vknorm::test
