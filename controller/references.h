// Which schemes protect the daemon's own readers: of backend modules, and of snapshots.
#pragma once

#include <memory>
#include <mutex>

#include "config/settings.h"
#include "controller/probe_runner.h"
#include "controller/probe_status.h"

namespace ballast {

// Chosen once, at the start; what the probe finds later is told, and counts at the next start.
class References final : public ProbeStatus {
  public:
    // Measures the schemes on offer for some milliseconds, unless both are configured.
    References(const Settings& settings, const Clock& clock);

    RefScheme module_refs() const noexcept { return module_refs_.chosen; }
    RefScheme snapshot_refs() const noexcept { return snapshot_refs_.chosen; }

    // Measures on in the background from now on. Errors: those of ProbeRunner::start; report()
    // tells them, too. Before the daemon serves.
    Result<void> start_probe(const ProbeSettings& settings, std::function<Duration()> room);
    // No experiment runs after it.
    void stop_probe() noexcept;

    ProbeReport report() const override;

  private:
    const Clock& clock_;
    std::vector<probe::Cost> costs_;  // when it was chosen
    probe::Choice module_refs_;
    probe::Choice snapshot_refs_;
    mutable std::mutex mutex_;
    std::unique_ptr<ProbeRunner> runner_;  // guarded by mutex_
    std::string problem_;
};

}  // namespace ballast
