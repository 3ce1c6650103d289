// Scenarios as workloads.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/scenario.h"
#include "sim/workload.h"

namespace ballast {

// `used` curves become demand; pool, memory, weight, speed and deflate_on_oom are taken over, and
// of the events those that change who is there, what programs use, drivers and statistics. Curves
// that repeat or jitter are read every `sample_s`. What is left out (other events, faults) is named
// in `left_out`, each once. Errors: invalid_argument (more points than fit into memory).
Result<Workload> workload_of(const Scenario& scenario, const std::string& name, double sample_s,
                             std::vector<std::string>& left_out);

}  // namespace ballast
