// What happened in one run, small enough for a page: series with their peaks kept, and moves with
// the reason of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "report/why.h"

namespace ballast::report {

// A machine that was not there, a figure that nobody knows.
inline constexpr std::int64_t kAbsent = std::numeric_limits<std::int64_t>::min();

// The least and the most in each of equal stretches of time; kAbsent where nothing was told.
struct Envelope {
    std::vector<std::int64_t> least;
    std::vector<std::int64_t> most;
};

// All in bytes.
struct HostHistory {
    Envelope kept;       // what guests keep: their capacity less what they lend
    Envelope demand;     // what their programs need
    Envelope resident;   // what they have of the host's memory
    Envelope available;  // what is left of it
    Envelope swapped;    // of guests, in the host's swap
};

struct DomainHistory {
    Envelope kept;
    Envelope demand;
    std::vector<double> stall_share;   // of each stretch, 0..1
    std::vector<std::uint32_t> ooms;   // in each stretch: it ran out of memory
    std::vector<std::uint32_t> kills;  // in each stretch: the host killed it
};

// A loan that was to change, or changed by itself.
struct Move {
    double at_s = 0;
    std::size_t domain = 0;
    std::int64_t from_bytes = 0;  // loans
    std::int64_t to_bytes = 0;
    Reason reason;
};

struct RunHistory {
    HostHistory host;
    std::vector<DomainHistory> domains;
    std::vector<Move> moves;  // by time
    // Not among `moves`, as there were more than were asked for.
    std::uint64_t decisions_left_out = 0;
    std::uint64_t happenings_left_out = 0;
};

// How much of a run is kept. No stretches: nothing of it.
struct Detail {
    std::size_t stretches = 0;
    std::size_t moves = 0;
    std::size_t domains = 0;
};

// What fits into a page of so many runs with so many domains.
Detail detail_for(std::size_t runs, std::size_t domains) noexcept;

}  // namespace ballast::report
