// Runs a scenario on a virtual clock: the same loop, backend and arithmetic as the daemon's, hours
// in seconds.
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string_view>

#include "base/result.h"
#include "config/settings.h"
#include "model/snapshot.h"
#include "sim/report.h"

namespace ballast {

struct SimulateOptions {
    std::optional<Duration> until;      // instead of the scenario's duration
    std::optional<std::uint64_t> seed;  // instead of the scenario's
    std::ostream* csv = nullptr;        // one line per domain and tick
    // Called now and then with the share done, 0..1.
    std::function<void(double)> progress;
    // Called after each tick with what it came to and the simulated time since the start.
    std::function<void(const Snapshot&, Duration)> ticked;
    // Called with each line that a daemon would log, and the simulated time since the start; unset,
    // nothing is logged.
    std::function<void(Duration, std::string_view)> log;
};

// Deterministic: the same settings and options give the same report, to the byte. Errors:
// invalid_argument (no scenario in it, backend cannot simulate), io (csv cannot be written).
Result<SimulationReport> simulate(Settings settings, const SimulateOptions& options);

}  // namespace ballast
