// Comparisons for people.
#pragma once

#include <string>

#include "compare/report.h"
#include "ctl/terminal.h"

namespace ballast::ctl {

// A table of all runs, the Pareto front marked, and one of each policy's density.
std::string comparison_text(const compare::Comparison& comparison, const Terminal& terminal);

// Where a controller decided: how often each run's controller may have done otherwise than its
// policy alone would have, and why; empty where none did.
std::string controller_text(const std::vector<compare::RunResult>& results,
                            const Terminal& terminal);

}  // namespace ballast::ctl
