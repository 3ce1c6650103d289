// What a simulated backend is given: the scenario in the daemon's configuration.
#pragma once

#include "base/result.h"
#include "hv_backends/module_abi.h"
#include "model/scenario.h"

namespace ballast {

// Errors: invalid_argument (the configuration is broken, or has no scenario).
Result<Scenario> configured_scenario(const ballast_config& config);

}  // namespace ballast
