// The output of the kernel's refscale module, byte for byte, for scripts that read it. Follows the
// messages of Linux 6.1 (ref_scale_print_module_parms, process_durations and main_func in
// kernel/rcu/refscale.c), each of which begins with "SCALE_TYPE-ref-scale: ". Pure.
#pragma once

#include <string>
#include <vector>

#include "probe/experiment.h"
#include "probe/parameters.h"

namespace ballast::probe {

// "rcu-ref-scale: --- Start of test: ..." with the parameters as they were given: the module prints
// them before it works out how many readers -1 stands for.
std::string kernel_start(const Parameters& parameters);
// "rcu-ref-scale: Experiment #0 ..." and the readers' totals in ns, five a line, then an empty
// line. A reader without a total shows "-".
std::string kernel_experiment(const std::string& scale_type, std::size_t index,
                              const Experiment& experiment);
// The end of the test, and the average of one section in each run in ns, cut off after the ps, in
// the order of the runs. The prefix stands alone on the line before the table.
std::string kernel_end(const std::string& scale_type, const std::vector<double>& average_ns);

}  // namespace ballast::probe
