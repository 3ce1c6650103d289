// Comparisons for programs.
#pragma once

#include <string>
#include <vector>

#include "compare/run.h"

namespace ballast::compare {

// The runs of one workload.
struct Comparison {
    std::string input;
    std::vector<RunResult> results;
};

// {"results": [...], "density": [...]}: stable field names, one object per run, and one per policy
// and demand. The same comparisons give the same bytes.
std::string comparison_json(const std::vector<Comparison>& comparisons);

}  // namespace ballast::compare
