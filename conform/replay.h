// Runs a trace through Ballast and compares what it decides with what the driver did.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "conform/trace.h"
#include "controller/rule_set.h"

namespace ballast::conform {

struct Difference {
    std::size_t line = 0;  // of the trace
    Duration at{};         // since the guest's boot
    std::string what;      // "loan target, pages"
    std::string driver;
    std::string ballast;
    std::string explanation;  // of Ballast's last decision; may be empty
};

struct Comparison {
    std::string name;
    std::uint64_t compared = 0;
    std::uint64_t differ = 0;
    std::optional<Difference> first;
    // Points that were not compared, by the rule that says so (docs/cmm.md).
    std::map<std::string, std::uint64_t> left_out;
    // Where the comparison ended before the trace did.
    std::string ended;
};

// Profile `kernel`, by `rules` (a test may take one out). Errors: what the simulator refuses.
Result<Comparison> replay(const Trace& trace, const RuleSet& rules = {});

// The driver's polls as test vectors (CSV with a header), through cmm_target alone. Errors:
// bad_data with file and line.
Result<Comparison> compare_vectors(std::string_view csv, const std::string& name,
                                   const RuleSet& rules = {});

}  // namespace ballast::conform
