// What was recorded beside what policies would have done.
#pragma once

#include <string>
#include <vector>

#include "compare/reproduction.h"
#include "compare/run.h"
#include "ctl/api_client.h"
#include "ctl/terminal.h"
#include "recording/recorded_host.h"

namespace ballast::ctl {

// One line for what was recorded and one for each run, then what was lent over time, where the runs
// have samples.
std::string replay_text(const Recording& recording, const std::vector<compare::RunResult>& results,
                        const std::vector<compare::Reproduction>& reproductions,
                        const Terminal& terminal);

// {"recorded": {...}, "results": [...]}: the results as `compare --json` has them.
Json replay_json(const Recording& recording, const std::vector<compare::RunResult>& results,
                 const std::vector<compare::Reproduction>& reproductions);

}  // namespace ballast::ctl
