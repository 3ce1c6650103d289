// Gathers a report while a simulation runs.
#pragma once

#include <memory>
#include <ostream>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "model/event.h"
#include "model/snapshot.h"
#include "sim/report.h"

namespace ballast {

// One thread.
class Recorder {
  public:
    // Of a run of `duration`. `csv`, where set, outlives the recorder and gets a header, then one
    // line per domain and tick; the caller looks at its state.
    Recorder(Duration duration, std::ostream* csv);

    // One tick's outcome, `since_start` (>= 0) after the start.
    void add(const Snapshot& snapshot, Duration since_start);
    // An event that a backend told; may come before its domain's first tick.
    void add(const Event& event);

    // All that ticks and events tell; the rest of the report is the caller's.
    SimulationReport report() const;

  private:
    struct Happened {
        std::array<std::uint64_t, kEventKindCount> by_kind{};
        std::uint64_t oom_bytes = 0;
    };
    // Counters start over when a domain comes back; `before` is what its earlier lives came to.
    struct Moved {
        std::uint64_t before_bytes = 0;
        std::uint64_t bytes = 0;
    };
    struct Life {
        DomainKey key{};
        Moved inflated;
        Moved deflated;
    };

    void map_rows(const Snapshot& snapshot);
    void add_row(const Decision& decision, std::size_t domain, std::size_t bucket);
    void write_csv(const Snapshot& snapshot, std::size_t row, Duration since_start);

    Duration bucket_;
    std::ostream* csv_;
    SimulationReport report_;
    std::vector<Life> lives_;  // beside report_.domains
    std::shared_ptr<const DomainNames> names_;
    std::vector<std::size_t> domain_of_row_;
    std::unordered_map<DomainKey, std::size_t> domain_by_key_;
    std::unordered_map<DomainKey, Happened> happened_;
};

}  // namespace ballast
