// The Prometheus view of the newest snapshot.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "controller/backend_admin.h"
#include "controller/probe_status.h"
#include "controller/snapshot_exchange.h"

namespace ballast {

class Metrics {
  public:
    // `snapshots`, `backends` and `probe` outlive this. Above `max_domains` domains no series
    // carries a domain label. `bus_path`: where the event bus is now, empty: there is none; any
    // thread.
    Metrics(
        const SnapshotExchange& snapshots, const BackendAdmin& backends, const ProbeStatus& probe,
        std::uint64_t max_domains,
        std::function<std::string()> bus_path = [] { return std::string(); });
    ~Metrics();

    // Any thread.
    void set_max_domains(std::uint64_t max_domains) noexcept;

    // The text exposition format, version 0.0.4. Any thread; never waits for the loop.
    std::string text() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ballast
