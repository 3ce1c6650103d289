// One policy on one workload and one host: what it lent, and what that cost the guests.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "config/settings.h"
#include "model/policy_catalogue.h"
#include "report/history.h"
#include "sim/demand.h"
#include "sim/host_model.h"

namespace ballast::compare {

// A policy of the catalogue, or the clairvoyant bound.
struct Contestant {
    std::string name;
    std::optional<PolicyChoice> policy;  // none: clairvoyant
};

inline constexpr const char* kClairvoyant = "clairvoyant";

// The same for all runs. Shares are 0..1.
struct Constants {
    GuestConstants guest;
    double tick_s = 10;           // between two decisions; 0.1 .. 3600
    double min_mem_share = 0.10;  // of capacity, kept by a guest of which nothing else is told
    double reserve_share = 0.02;  // of the host, told to policies where nothing else is
    // A guest that could use less than both, the second of what it keeps, counts as short: the
    // daemon's defaults (guests.surge_below). Told to policies; 0 = none ever is.
    std::uint64_t short_below_bytes = 256 * kMiB;
    std::uint32_t short_below_percent = 10;  // 0 .. 50
    double host_swap_share = 1;              // of all guests' memory
    std::uint64_t host_own_bytes = 0;        // what the host itself uses
    double restart_s = 60;        // a guest that the host had to kill is back after so long
    double look_ahead_s = 300;    // of the clairvoyant, beyond the next tick
    bool recorded_ticks = false;  // at the times of the workload's own ticks, where it tells them
    double stats_late_s = 0;      // guests\' statistics arrive so late; at most a tick
    std::size_t samples = 0;      // of RunResult::samples; 0 = none
    report::Detail detail;        // of RunResult::history
};

// What runs differ in.
struct Terms {
    // Memory of the guests over the host's; > 0. Absent: the host is as large as the workload says.
    std::optional<double> overcommit;
    DemandScale demand;
    // Null: the policy decides alone. Otherwise a daemon's controller with these settings, which
    // outlive the run, asks it and decides; the clairvoyant decides alone all the same.
    const Settings* controller = nullptr;
};

// Ticks of single domains in which a controller may have done otherwise than its policy alone would
// have: a domain counts under each that was so. Where all are 0, the run is the same, to the byte,
// as the policy's alone.
struct ControllerTicks {
    std::uint64_t credit = 0;      // it had an OOM credit
    std::uint64_t pressure = 0;    // it ran short and had everything back (constraint surge)
    std::uint64_t needs = 0;       // it was asked for less, as it would have been short at once
    std::uint64_t stuck = 0;       // its balloon made no progress
    std::uint64_t held = 0;        // it was left alone for another reason
    std::uint64_t step_limit = 0;  // max_step bounded the move
    std::uint64_t host_full = 0;   // it was to have memory back that the host did not have
    std::uint64_t other = 0;       // none of these, and it was asked for something else
};

// The end of a stretch of a run.
struct RunSample {
    double at_s = 0;
    Bytes lent = 0;
    Bytes demand = 0;          // of the guests that are there
    Bytes resident = 0;        // of the host's memory, what guests have
    Bytes swapped = 0;         // of guests, in the host's swap
    double stall_percent = 0;  // over the stretch
    // As the guests tell it: free memory, what they could use at once, page cache.
    Bytes unused = 0;
    Bytes usable = 0;
    Bytes cache = 0;
    std::uint64_t guest_faults = 0;  // over the stretch; 4 KiB pages
    std::uint64_t guest_ooms = 0;    // over the stretch
};

struct RunResult {
    std::string policy;
    double overcommit = 0;
    DemandScale demand;
    std::uint64_t host_bytes = 0;
    std::uint64_t domain_ticks = 0;
    HarmTotals totals;
    std::vector<RunSample> samples;
    std::optional<ControllerTicks> controller;       // where one decided
    std::uint64_t reserve_bytes = 0;                 // that policies were told
    std::optional<report::RunHistory> history = {};  // where any detail was asked for

    // Of the time that guests were there, what they stood still; 0..100.
    double stall_percent() const noexcept;
    std::uint64_t ooms() const noexcept { return totals.guest_ooms + totals.host_ooms; }
};

// A tick of a run, after the policy has decided, before its loans are asked for.
struct RunTick {
    const SimHost& host;
    std::span<const Bytes> demand;   // of each machine
    std::span<const Bytes> loan;     // that each row is to reach, as the policy has it
    std::span<const Bytes> decided;  // the same, after all constraints
    std::span<const std::uint64_t> min_mem_bytes;  // of each machine
};
using OnTick = std::function<void(const RunTick&)>;

// Deterministic; any number of runs may be under way at once on one workload. `on_tick` is called
// at each tick. Errors: those of make_policy; invalid_argument (no ratio, and the workload knows no
// host; more memory than 256 PiB).
Result<RunResult> run(const Workload& workload, const Contestant& contestant, const Terms& terms,
                      const Constants& constants, const OnTick& on_tick = {});

}  // namespace ballast::compare
