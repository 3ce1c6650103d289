// Builds the simulated backend that a configuration names, for a virtual clock.
#pragma once

#include <memory>

#include "base/result.h"
#include "config/settings.h"
#include "hv_backends/backend.h"

namespace ballast {

// Not started. `clock` outlives the backend. Errors: invalid_argument if no backend has that name
// or the mode has no scenario for it.
Result<std::unique_ptr<Backend>> make_backend(const Settings& settings, const Clock& clock);

}  // namespace ballast
