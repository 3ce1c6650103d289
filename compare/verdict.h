// What runs say about policies.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compare/run.h"

namespace ballast::compare {

// Guests stand still so long at most where a ratio counts as good.
inline constexpr double kGoodStallPercent = 0.1;

// At most that, and nobody ran out of memory.
bool is_good(const RunResult& result);

struct Density {
    std::string policy;
    DemandScale demand;
    // The largest ratio at which, and at every smaller one that was run, stall is at most
    // kGoodStallPercent and nobody ran out of memory; 0 = none.
    double density = 0;
};

// One for each policy and demand, in the order in which `results` come.
std::vector<Density> densities(std::span<const RunResult> results);

// For each result, whether it is on the Pareto front of its demand: no other policy's run has at
// least its overcommit, at most its stall and OOMs, and is better in one of them. The clairvoyant
// is not on it and keeps nobody off it.
std::vector<bool> pareto_front(std::span<const RunResult> results);

}  // namespace ballast::compare
