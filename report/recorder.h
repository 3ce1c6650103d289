// Gathers a run's history while it runs.
#pragma once

#include <cstdint>
#include <vector>

#include "report/history.h"

namespace ballast::report {

// Bytes; kAbsent = not known.
struct HostFigures {
    std::int64_t kept = kAbsent;
    std::int64_t demand = kAbsent;
    std::int64_t resident = kAbsent;
    std::int64_t available = kAbsent;
    std::int64_t swapped = kAbsent;
};

struct DomainFigures {
    std::int64_t kept = kAbsent;
    std::int64_t demand = kAbsent;
    double stall_s = 0;  // since the last figures
};

// One thread. Times never go back. A domain beyond detail.domains has moves and no series.
class HistoryRecorder {
  public:
    HistoryRecorder(double length_s, const Detail& detail);

    void add(double at_s, const HostFigures& host);
    void add(double at_s, std::size_t domain, const DomainFigures& figures);
    void add_oom(double at_s, std::size_t domain);
    void add_kill(double at_s, std::size_t domain);
    // Decisions and what happened by itself get half of detail.moves each, those that changed most
    // first; what one does not use is the other's.
    void add(Move move);

    // Ends the recording.
    RunHistory take();

  private:
    // The `most` heaviest moves, as a heap.
    struct Heaviest {
        std::vector<Move> kept;
        std::uint64_t seen = 0;
    };
    std::size_t stretch(double at_s) const noexcept;
    // nullptr: beyond those that are kept.
    DomainHistory* history_of(std::size_t domain);

    double stretch_s_;
    Detail detail_;
    RunHistory history_;
    Heaviest decisions_;
    Heaviest happenings_;
};

}  // namespace ballast::report
