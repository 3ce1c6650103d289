// Which schemes protect the daemon's own readers: of backend modules, and of snapshots.
#pragma once

#include <memory>
#include <mutex>

#include "config/settings.h"
#include "controller/probe_runner.h"
#include "controller/probe_status.h"

namespace ballast {

// How often something was read and changed since it was made.
struct UseCounts {
    std::uint64_t reads = 0;
    std::uint64_t updates = 0;
};

// The rates expected of a daemon, mended by what was counted: what is expected weighs as much as an
// hour's count. Pure.
probe::Use with_counts(probe::Use expected, const UseCounts& counts, Duration counted_for);

// Chosen once, at the start; what the probe finds and what is counted later is told, and counts at
// the next start.
class References final : public ProbeStatus {
  public:
    // Measures the schemes on offer for some milliseconds, unless both are configured.
    References(const Settings& settings, const Clock& clock);

    RefScheme module_refs() const noexcept { return module_refs_.chosen; }
    RefScheme snapshot_refs() const noexcept { return snapshot_refs_.chosen; }

    // Where uses are counted, from now on. They are asked on the threads that call report(), and
    // outlive the last of those calls. Before the daemon serves.
    void count(std::function<UseCounts()> modules, std::function<UseCounts()> snapshots);

    // Measures on in the background from now on. Errors: those of ProbeRunner::start; report()
    // tells them, too. Before the daemon serves.
    Result<void> start_probe(const ProbeSettings& settings, std::function<Duration()> room);
    // No experiment runs after it. Any thread.
    void stop_probe() noexcept;

    ProbeReport report() const override;

  private:
    probe::Use counted(const probe::Use& expected, const std::function<UseCounts()>& counts) const;

    const Clock& clock_;
    std::vector<probe::Cost> costs_;  // when it was chosen
    probe::Choice module_refs_;
    probe::Choice snapshot_refs_;
    std::function<UseCounts()> count_modules_;
    std::function<UseCounts()> count_snapshots_;
    Time counted_since_{};
    mutable std::mutex mutex_;
    std::unique_ptr<ProbeRunner> runner_;  // guarded by mutex_
    std::string problem_;
};

}  // namespace ballast
