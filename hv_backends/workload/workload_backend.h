// The workload simulator by itself: a workload's machines on a host that follows the clock.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "hv_backends/backend.h"
#include "model/scenario.h"

namespace ballast {

// A scenario's domains and events, or the machines of its trace, on the model of guests and host
// that comparisons use, with its usual constants. `clock` outlives it; time starts at clock.now()
// of start(). What of the scenario has no meaning here is named in the log. Errors: those of
// workload_of and read_trace.
Result<std::unique_ptr<Backend>> make_workload_backend(const Scenario& scenario,
                                                       const Clock& clock);

}  // namespace ballast
