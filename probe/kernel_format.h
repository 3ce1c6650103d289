// The kernel's refscale output, line for line, for scripts that read it. Follows
// process_durations and main_func. Pure.
#pragma once

#include <string>
#include <vector>

#include "probe/experiment.h"
#include "probe/parameters.h"

namespace ballast::probe {

// "rcu-ref-scale: --- Start of test: ..." with the parameters as they are used.
std::string kernel_start(const Parameters& parameters, const Plan& plan);
// "Experiment #0 ..." and the readers' totals, five a line. A reader without one shows "-".
std::string kernel_experiment(std::size_t index, const Experiment& experiment);
// The average for one section of each run, to the ps, in the order of the runs.
std::string kernel_end(const std::string& scale_type, const std::vector<double>& average_ns);

}  // namespace ballast::probe
