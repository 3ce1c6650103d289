// The daemon's life: start, serve, reload, stop.
#pragma once

#include <string>

#include "base/result.h"
#include "config/settings.h"

namespace ballast {

struct DaemonOptions {
    std::string config_path;  // read again on SIGHUP
    bool dry_run = false;     // decide, explain and publish, but move nothing
};

// Runs until SIGTERM or SIGINT, then gives back what was lent (unless state.on_stop is keep) and
// returns. Call from the main thread, before any other thread exists. Errors: what kept it from
// starting; timed_out if guests had not taken everything back in time.
Result<void> run_daemon(const Settings& settings, const DaemonOptions& options);

// Tries the backend in the file at `path` out, as run_daemon does in another process before it
// loads one: see report_trial. `name`: what it would be called, and so which settings it gets;
// empty = as the configured backend is. Answers an exit status.
int try_module_here(const Settings& settings, const std::string& name, const std::string& path);

}  // namespace ballast
