// A scripted hypervisor: observations, refusals, delays and events come from a scenario.
#pragma once

#include <memory>

#include "hv_backends/backend.h"
#include "model/scenario.h"

namespace ballast {

// `clock` outlives the backend; `scenario` is copied. Time starts at clock.now() of start().
std::unique_ptr<Backend> make_mock_backend(const Scenario& scenario, const Clock& clock);

}  // namespace ballast
