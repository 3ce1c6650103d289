// A simulated hypervisor with a memory pool, its hcalls, and partitions with real page bookkeeping.
#pragma once

#include <memory>

#include "hv_backends/backend.h"
#include "model/scenario.h"

namespace ballast {

// `clock` outlives the backend; `scenario` is copied. Time starts at clock.now() of start().
std::unique_ptr<Backend> make_pseries_backend(const Scenario& scenario, const Clock& clock);

}  // namespace ballast
